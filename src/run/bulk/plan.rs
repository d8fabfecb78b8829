//! What is to be done with each file: which are done already, which stand under another policy, what may be replaced.

use super::{Order, Whither, walk::Item};
use crate::{
    error::{Error, Kind},
    input::file::Identity,
    policy::Policy,
    run::bulk::report::Report,
    state::{
        files::digest_of,
        ledger::{Ledger, ROOM, Replaces, Scratch},
        manifest::{self, Entry, Manifest},
        place::{Place, stat},
    },
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that is to be minimised.
#[derive(Debug)]
pub(super) struct Todo {
    pub item: Item,
    /// What its output may take the place of.
    pub replaces: Replaces,
    /// The directory whose ledger it goes into: below the base in place, empty otherwise.
    pub home: PathBuf,
    /// Where its temporary file is made; `None` where everything goes to standard output.
    pub scratch: Option<Arc<Scratch>>,
}

/// What is open for a run.
#[derive(Debug, Default)]
pub(super) struct Ledgers {
    /// By directory, below the base.
    pub by_home: HashMap<PathBuf, Ledger>,
    /// Where the job is: the output's directory, or the base.
    pub main: PathBuf,
}

impl Ledgers {
    /// The one that holds the job.
    pub fn main(&self) -> Option<&Ledger> {
        self.by_home.get(&self.main)
    }
}

/// Opens what the run writes to, and sorts the files: what is done already is counted, what cannot be done is told.
pub(super) fn plan(order: &Order, report: &mut Report) -> Result<(Ledgers, Vec<Todo>), Error> {
    let mut ledgers = Ledgers::default();
    let mine = |item: &&Item| order.shard.is_none_or(|shard| shard.takes(&item.name));
    let items: Vec<&Item> = order.found.items.iter().filter(mine).collect();
    report.files += items.len() as u64;
    let mut todo = Vec::new();
    match &order.whither {
        Whither::Stdout => {
            let stdout = rustix::fs::fstat(std::io::stdout()).map(|stat| Identity::of(&stat));
            for item in items {
                let same = |out: &Identity| (out.device, out.inode) == (item.identity.device, item.identity.inode);
                match stdout.as_ref().is_ok_and(same) {
                    true => report.fault(&item.path, "it is where standard output goes", Kind::Data),
                    false => todo.push(Todo {
                        item: item.clone(),
                        replaces: Replaces::Nothing,
                        home: PathBuf::new(),
                        scratch: None,
                    }),
                }
            }
        }
        Whither::Directory(path) => {
            let ledger = Ledger::open(Place::create(path)?, order.shard)?;
            ledger.keep_policy(&order.policy_digest, &order.policy_text)?;
            let mut elsewhere: HashMap<&Path, bool> = HashMap::new();
            for item in items {
                let parent = item.name.parent().unwrap_or(Path::new(""));
                // What cannot be seen is told when it is written.
                let is_elsewhere = |_: &_| ledger.place().is_elsewhere(&item.name).unwrap_or(false);
                match standing(order, &ledger, item)? {
                    Standing::Done(entry) => report.already(order, &ledger, item, &entry),
                    Standing::Todo(_) if *elsewhere.entry(parent).or_insert_with_key(is_elsewhere) => {
                        let (there, here) = (path.join(parent), path.display());
                        let why = format!(
                            "its output would be in `{}`, which is on another file system than `{here}`, and no finished file can be \
                             moved there; name that directory with --out in a run of its own",
                            there.display()
                        );
                        report.fault(&item.path, &why, Kind::CannotCreate);
                    }
                    Standing::Todo(replaces) => {
                        let scratch = Some(ledger.scratch().clone());
                        todo.push(Todo { item: item.clone(), replaces, home: PathBuf::new(), scratch });
                    }
                    Standing::Refused(why) => report.fault(&item.path, &why, Kind::CannotCreate),
                }
            }
            ledgers.by_home.insert(PathBuf::new(), ledger);
        }
        Whither::InPlace => {
            let mut closed: HashMap<PathBuf, Error> = HashMap::new();
            for item in items {
                let home = item.name.parent().unwrap_or(Path::new("")).to_path_buf();
                if !ledgers.by_home.contains_key(&home) && !closed.contains_key(&home) {
                    match open_home(order, &home) {
                        Ok(ledger) => drop(ledgers.by_home.insert(home.clone(), ledger)),
                        // A second run at the same time is no matter of one directory.
                        Err(error) if error.kind() == Kind::CannotCreate => return Err(error),
                        Err(error) => drop(closed.insert(home.clone(), error)),
                    }
                }
                let Some(ledger) = ledgers.by_home.get(&home) else {
                    if let Some(error) = closed.get(&home) {
                        report.fault(&item.path, &error.to_string(), error.kind());
                    }
                    continue;
                };
                match standing_in_place(order, ledger, item)? {
                    Standing::Done(_) => report.already += 1,
                    Standing::Todo(replaces) => {
                        let scratch = Some(ledger.scratch().clone());
                        todo.push(Todo { item: item.clone(), replaces, home, scratch });
                    }
                    Standing::Refused(why) => report.fault(&item.path, &why, Kind::Config),
                }
            }
            // There the job is, if one is begun or was left.
            let left = order.found.base.join(ROOM).is_dir();
            if (left || !todo.is_empty()) && !ledgers.by_home.contains_key(Path::new("")) {
                let ledger = Ledger::open(Place::open(&order.found.base)?, order.shard)?;
                ledgers.by_home.insert(PathBuf::new(), ledger);
            }
        }
    }
    // The largest first, so that the last ones are short; what is packed takes longer than its size says.
    if !matches!(order.whither, Whither::Stdout) {
        todo.sort_by_key(|todo: &Todo| std::cmp::Reverse(todo.item.identity.size));
    }
    Ok((ledgers, todo))
}

fn open_home(order: &Order, home: &Path) -> Result<Ledger, Error> {
    let ledger = Ledger::open(Place::open(&order.found.base.join(home))?, order.shard)?;
    ledger.keep_policy(&order.policy_digest, &order.policy_text)?;
    Ok(ledger)
}

/// Whether the files of all other shares are recorded, whatever became of them: then what the job shares may go.
pub(super) fn others_are_done(order: &Order) -> bool {
    let Some(shard) = order.shard else { return true };
    let mut known: HashMap<PathBuf, Option<Manifest>> = HashMap::new();
    order.found.items.iter().filter(|item| !shard.takes(&item.name)).all(|item| {
        let home = match &order.whither {
            Whither::Stdout => return true,
            Whither::Directory(path) => path.clone(),
            Whither::InPlace => item.path.parent().unwrap_or(Path::new("")).to_path_buf(),
        };
        let look = |home: &PathBuf| Ledger::look(&Place::open(home).ok()?).ok()?;
        let manifest = known.entry(home).or_insert_with_key(look);
        let entry = manifest.as_ref().and_then(|manifest| manifest.get(&order.key_of(item)));
        entry.is_some_and(|entry| order.made_it(entry))
    })
}

/// Records files of which nothing was made. What was made of them before stays known.
pub(super) fn note_failures(order: &Order, ledgers: &mut Ledgers, todo: &[Todo]) -> Result<(), Error> {
    for todo in todo.iter().filter(|todo| todo.scratch.is_some()) {
        let Some(ledger) = ledgers.by_home.get_mut(&todo.home) else { continue };
        let before = ledger.known().get(&order.key_of(&todo.item));
        let recorded = before.is_some_and(|entry| order.made_it(entry));
        // In place what stands there stands under the policy that it was made under.
        if recorded || before.is_some() && order.whither == Whither::InPlace {
            continue;
        }
        let output = before.and_then(|entry| entry.output.clone());
        let entry = Entry { output, ..order.entry(&todo.item, &todo.item.identity) };
        ledger.note(&[entry])?;
    }
    Ok(())
}

enum Standing {
    Done(Box<Entry>),
    Todo(Replaces),
    Refused(String),
}

/// Whether a file's output is there, made from what the file is now, in the way that is asked for.
fn standing(order: &Order, ledger: &Ledger, item: &Item) -> Result<Standing, Error> {
    let there = |path: &Path| -> Option<Identity> {
        let directory = ledger.place().directory_of(path, false).ok()?;
        Some(Identity::of(&stat(&directory, path.file_name()?).ok()??))
    };
    let Some(entry) = ledger.known().get(&order.key_of(item)) else {
        return Ok(Standing::Todo(Replaces::Nothing));
    };
    let Some(product) = &entry.output else { return Ok(Standing::Todo(Replaces::Nothing)) };
    match there(&manifest::path(&product.path)) {
        None => Ok(Standing::Todo(Replaces::Nothing)),
        Some(found) if found.size != product.size => {
            let path = ledger.place().path().join(manifest::path(&product.path));
            Ok(Standing::Refused(format!("`{}` is not what sladd made; move it away", path.display())))
        }
        Some(_) if !order.may_replace(entry, item) => {
            let path = ledger.place().path().join(manifest::path(&product.path));
            Ok(Standing::Refused(format!(
                "`{}` was made of another file, and may be all that is left of it; move it away, or choose another --out",
                path.display()
            )))
        }
        Some(_) => Ok(if order.is_done(entry, item) {
            Standing::Done(Box::new(entry.clone()))
        } else {
            Standing::Todo(Replaces::Ours)
        }),
    }
}

/// Whether a file is raw, stands as asked for, or stands under another policy: then whether that is no stricter.
fn standing_in_place(order: &Order, ledger: &Ledger, item: &Item) -> Result<Standing, Error> {
    let raw = Standing::Todo(Replaces::Input(item.identity));
    if item.identity.links > 1 {
        return Ok(Standing::Refused("it has a second name, which would keep the raw lines; remove one".to_owned()));
    }
    let Some(entry) = ledger.known().get(&order.key_of(item)) else { return Ok(raw) };
    let Some(product) = &entry.output else { return Ok(raw) };
    if product.size != item.identity.size {
        return Ok(raw);
    }
    let file = item.name.file_name().map(Path::new).unwrap_or(Path::new(""));
    let found = digest_of(ledger.place(), file)
        .map_err(|error| Error::new(Kind::Io, format!("cannot read `{}`: {error}", item.path.display())))?;
    if found.is_none_or(|(_, digest)| digest != product.digest) {
        return Ok(raw);
    }
    if order.made_it(entry) {
        return Ok(Standing::Done(Box::new(entry.clone())));
    }
    if entry.policy_digest == order.policy_digest {
        return Ok(raw);
    }
    let Some(was) = ledger.kept_policy(&entry.policy_digest)? else {
        let path = ledger.room().path();
        let why = format!(
            "it stands under policy {}, whose text is gone from `{}`, so that nobody can tell which is stricter",
            entry.policy,
            path.display()
        );
        return Ok(Standing::Refused(why));
    };
    Ok(match weaker(order.policy, &was) {
        None => raw,
        Some(why) => Standing::Refused(format!("it stands under policy {}, which is stricter: {why}", entry.policy)),
    })
}

/// In what a policy protects less than the one whose text this is.
fn weaker(policy: &Policy, was: &str) -> Option<String> {
    let Some(was) = Policy::parse(was, "the policy before").0 else {
        return Some("its text is not understood".to_owned());
    };
    let found = policy.weakenings(&was);
    // How long a key lives says nothing of what stands in a file.
    let found: Vec<String> = found.iter().filter(|found| !found.is_of_keys()).map(ToString::to_string).collect();
    match &found[..] {
        [] => None,
        [one] => Some(one.clone()),
        [first, rest @ ..] => Some(format!("{first}, and {} more", rest.len())),
    }
}
