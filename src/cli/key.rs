//! `sladd key`: the secrets of a key directory, seen and destroyed by hand. What is due is destroyed by every run without it.

mod carry;

use super::{KeyArgs, KeyCommand, KeyPlace, load};
use crate::{
    epoch::{Epoch, Period},
    error::{Error, Kind},
    key::{self, Keyring, Known, State, Wrap},
    policy::{Policy, wiring::To},
    retention::Keep,
    run::{confine::harden, keys, worker::clock},
    state::spool,
    store::{self, Root},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Does what is asked for.
pub fn run(args: &KeyArgs) -> Result<ExitCode, Error> {
    harden();
    match &args.what {
        KeyCommand::List { place } => list(place),
        KeyCommand::New { epoch, place } => new(epoch.as_deref(), place),
        KeyCommand::Destroy { epochs, yes, place } => destroy(epochs, *yes, place),
        KeyCommand::Export { epochs, to, output, place } => carry::export(epochs, to, output.as_deref(), place),
        KeyCommand::Import { file, identity, place } => carry::import(file, identity, place),
        KeyCommand::Identity { file } => carry::identity(file),
        KeyCommand::Rotate { policy, wrap, old_wrap, json } => {
            let old = old_wrap.as_deref().map(Wrap::read).transpose()?;
            if *wrap || old.is_some() {
                return rewrap(policy, old.as_ref(), *json);
            }
            rotate(policy, *json)
        }
    }
}

/// The directory that is asked for, and what the policy says of its keys, if one was named.
struct Place {
    directory: PathBuf,
    policy: Option<Policy>,
}

impl Place {
    fn find(place: &KeyPlace) -> Result<Place, Error> {
        match (&place.directory, &place.policy) {
            (Some(directory), _) => Ok(Place { directory: directory.clone(), policy: None }),
            (None, Some(name)) => Place::of(name),
            (None, None) => {
                Err(Error::new(Kind::Usage, "name a policy with --policy, or its key directory with --directory"))
            }
        }
    }

    fn of(name: &str) -> Result<Place, Error> {
        let policy = load::valid(&load::find(name)?)?;
        let own = policy.wiring.directory.as_ref().map(|state| state.join("keys"));
        let Some(directory) = policy.keys.directory.clone().or(own) else {
            let why = format!(
                "the policy {} names no key directory: its keys live in memory and die with each run; name one with \
                 `directory` in [keys]",
                policy.name
            );
            return Err(Error::new(Kind::Config, why));
        };
        Ok(Place { directory, policy: Some(policy) })
    }

    /// The keyring, of the policy's period or of another.
    fn keyring(&self, period: Option<Period>, missing: Missing) -> Result<Keyring, Error> {
        is_there(&self.directory, missing)?;
        let period = period.unwrap_or_else(|| self.period());
        match &self.policy {
            Some(policy) => keys::open(&self.directory, period, &policy.keys),
            None => Keyring::directory(&self.directory, period, NO_TERMS),
        }
    }

    fn period(&self) -> Period {
        self.policy.as_ref().map_or(Period::Day, |policy| policy.keys.epoch)
    }
}

/// Without a policy nothing is asked that has to do with how long a secret lives.
const NO_TERMS: Keep = Keep { months: 0, days: 30 };

/// What happens where there is no directory yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Made,
    Refused,
}

/// Nothing is looked for where a name was mistyped, and who is not the owner is told who is.
fn is_there(directory: &Path, missing: Missing) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    let shown = directory.display();
    match std::fs::symlink_metadata(directory) {
        Ok(found) => {
            let (owner, ours) = (found.uid(), rustix::process::geteuid().as_raw());
            if owner == ours {
                return Ok(());
            }
            let why = format!(
                "the keys in {shown} are those of user {owner}; run this as that user: sudo -u '#{owner}' sladd key …"
            );
            Err(Error::new(Kind::Permission, why))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Made => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let why = format!("there is no key directory {shown}; it is made by the first run that needs a key");
            Err(Error::new(Kind::NoInput, why))
        }
        Err(error) => Err(Error::new(Kind::Io, format!("cannot read key directory {shown}: {error}"))),
    }
}

fn list(place: &KeyPlace) -> Result<ExitCode, Error> {
    let found = Place::find(place)?;
    let keyring = found.keyring(None, Missing::Refused)?;
    let with_health = |known: Known| {
        let damaged = keyring.is_damaged(&known);
        (known, damaged)
    };
    let known: Vec<(Known, bool)> = keyring.list(clock())?.into_iter().map(with_health).collect();
    let terms = found.policy.is_some();
    if place.json {
        let keys: Vec<Value> = known.iter().map(|(known, damaged)| described(known, *damaged, terms)).collect();
        print_json(&json!({ "directory": found.directory.display().to_string(), "keys": keys }))?;
    } else {
        let mut text = format!("{:14}{:11}{:22}{}\n", "epoch", "state", "made", "dies, or died");
        for (known, damaged) in &known {
            let (made, ends) = match known.state {
                State::Live { made, dies } => (made.to_string(), if terms { dies.to_string() } else { "-".into() }),
                State::Destroyed { at } => ("-".to_owned(), at.to_string()),
                State::Half => ("-".to_owned(), "-".to_owned()),
            };
            text.push_str(&format!("{:14}{:11}{made:22}{ends}\n", known.name, word(known.state, *damaged)));
        }
        super::print(text.as_bytes())?;
    }
    let damaged: Vec<&str> = known.iter().filter(|(_, damaged)| *damaged).map(|(known, _)| &*known.name).collect();
    if damaged.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let why =
        format!("damaged, and of no use: {}; restore them, or destroy them with sladd key destroy", damaged.join(", "));
    Err(Error::new(Kind::Config, why))
}

fn word(state: State, damaged: bool) -> &'static str {
    match state {
        State::Live { .. } if damaged => "damaged",
        State::Live { .. } => "live",
        State::Destroyed { .. } => "destroyed",
        State::Half => "half",
    }
}

fn described(known: &Known, damaged: bool, terms: bool) -> Value {
    let text = |time: Timestamp| time.to_string();
    let state = word(known.state, damaged);
    match known.state {
        State::Live { made, dies } => {
            json!({ "epoch": known.name, "state": state, "made": text(made), "dies": terms.then(|| text(dies)) })
        }
        State::Destroyed { at } => json!({ "epoch": known.name, "state": state, "destroyed": text(at) }),
        State::Half => json!({ "epoch": known.name, "state": state }),
    }
}

fn new(epoch: Option<&str>, place: &KeyPlace) -> Result<ExitCode, Error> {
    let found = Place::find(place)?;
    let now = clock();
    let (period, epoch) = match epoch {
        Some(name) => named(name)?,
        None => (found.period(), found.period().epoch(now)),
    };
    let name = period.dashed(epoch);
    if let Some(policy) = &found.policy
        && policy.keys.epoch != period
    {
        let why = format!("a key of `{name}` would never be used: the policy has one for {}", policy.keys.epoch);
        return Err(Error::new(Kind::Usage, why));
    }
    let made = found.keyring(Some(period), Missing::Made)?.make(epoch, now, &asker())?;
    let Some(made) = made else {
        let why = format!("cannot make key `{name}`: it was destroyed, and is never made again");
        return Err(Error::new(Kind::Config, why));
    };
    match place.json {
        true => print_json(&json!({ "epoch": name.as_str(), "made": made })),
        false => super::print(format!("{name}: {}\n", if made { "made" } else { "was there" }).as_bytes()),
    }
}

fn destroy(epochs: &[String], yes: bool, place: &KeyPlace) -> Result<ExitCode, Error> {
    let found = Place::find(place)?;
    let now = clock();
    let asked: Vec<(Period, Epoch)> = epochs.iter().map(|name| named(name)).collect::<Result<_, _>>()?;
    let known = found.keyring(None, Missing::Refused)?.list(now)?;
    if let Some(missing) = epochs.iter().find(|name| !known.iter().any(|known| known.name == **name)) {
        let why = format!(
            "there is no key `{missing}` in {}; sladd key list shows those there are",
            found.directory.display()
        );
        return Err(Error::new(Kind::NoInput, why));
    }
    if !yes && io::stdin().is_terminal() && !agreed(epochs)? {
        return Err(Error::new(Kind::Usage, "nothing was destroyed"));
    }
    let (mut done, mut before) = (Vec::new(), Vec::new());
    for (name, (period, epoch)) in epochs.iter().zip(asked) {
        match found.keyring(Some(period), Missing::Refused)?.destroy(epoch, now)? {
            Some(State::Destroyed { .. }) => before.push(name.as_str()),
            Some(State::Live { .. } | State::Half) | None => done.push(name.as_str()),
        }
    }
    if place.json {
        return print_json(&json!({ "destroyed": done, "destroyed_before": before }));
    }
    let mut text = String::new();
    done.iter()
        .for_each(|name| text.push_str(&format!("{name}: destroyed; running processes give it up within a minute\n")));
    before.iter().for_each(|name| text.push_str(&format!("{name}: was destroyed before\n")));
    super::print(text.as_bytes())
}

/// Asks at a terminal.
fn agreed(epochs: &[String]) -> Result<bool, Error> {
    let cannot = |error: io::Error| Error::new(Kind::Io, format!("cannot ask: {error}"));
    let mut out = io::stderr();
    write!(out, "destroy {} for good? Their pseudonyms can never be made again [y/N] ", epochs.join(", "))
        .map_err(cannot)?;
    out.flush().map_err(cannot)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(cannot)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What would happen by itself, now: what is due is destroyed, and the key of the present is there.
fn rotate(policy: &str, json: bool) -> Result<ExitCode, Error> {
    let found = Place::of(policy)?;
    let now = clock();
    let keyring = found.keyring(None, Missing::Made)?;
    let believed = keyring.believe(now, &asker())?;
    let destroyed = keyring.expire(now)?;
    let epoch = keyring.period().epoch(now);
    let name = keyring.period().dashed(epoch);
    let made = keyring.make(epoch, now, &asker())?;
    if json {
        let made = made == Some(true);
        return print_json(
            &json!({ "destroyed": destroyed, "epoch": name.as_str(), "made": made, "clock_believed": believed }),
        );
    }
    let present = match made {
        Some(true) => "made",
        Some(false) => "was there",
        None => "was destroyed, and is never made again",
    };
    let believed = if believed { "the clock is believed again; " } else { "" };
    super::print(format!("{believed}destroyed {destroyed} that were due; {name}: {present}\n").as_bytes())
}

/// Wraps what lies plainly, or under an old file.
fn rewrap(policy: &str, old: Option<&Wrap>, json: bool) -> Result<ExitCode, Error> {
    let found = Place::of(policy)?;
    if found.policy.as_ref().is_some_and(|policy| policy.keys.wrap.is_none()) {
        let why = "the policy names no file to wrap keys with: add `wrap` to its [keys]";
        return Err(Error::new(Kind::Config, why));
    }
    let stores: Vec<PathBuf> = stores(&found).into_iter().filter(|path| path.is_dir()).collect();
    let count = match found.directory.is_dir() || stores.is_empty() {
        true => found.keyring(None, Missing::Refused)?.wrap_all(old, clock())?,
        false => 0,
    };
    let mut of_files = 0;
    if let Some(wrap) = found.policy.as_ref().map(|policy| keys::wrap(&policy.keys)).transpose()?.flatten() {
        for path in &stores {
            of_files += store::rewrap(&Root::open(path)?, &wrap, old, clock())?;
        }
        for path in spools(&found) {
            of_files += usize::from(spool::rewrap(&path, &wrap, old)?);
        }
    }
    match json {
        true => print_json(&json!({ "wrapped": count, "wrapped_of_files": of_files })),
        false if of_files > 0 => {
            super::print(format!("wrapped {count} keys, and {of_files} of sealed files\n").as_bytes())
        }
        false => super::print(format!("wrapped {count} keys\n").as_bytes()),
    }
}

/// The stores of the policy, which may hold sealed files.
fn stores(place: &Place) -> Vec<PathBuf> {
    let outputs = place.policy.iter().flat_map(|policy| &policy.wiring.outputs);
    let stores = outputs.filter_map(|output| match &output.to {
        To::Store(path) => Some(path.clone()),
        To::File { .. } | To::Stdout | To::Remote(_) => None,
    });
    stores.collect()
}

/// The spools below the state of the policy.
fn spools(place: &Place) -> Vec<PathBuf> {
    let state = place.policy.as_ref().and_then(|policy| policy.wiring.directory.as_ref());
    let found = state.and_then(|state| std::fs::read_dir(state.join("spool")).ok());
    let mut found: Vec<PathBuf> = found.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.join("key").is_file());
    found.sort();
    found
}

fn named(name: &str) -> Result<(Period, Epoch), Error> {
    key::parse(name).ok_or_else(|| {
        let why =
            format!("`{name}` is not an epoch; write a day as 2026-11-20, or 2026-11-20T14, 2026-W47, 2026-11, 2026");
        Error::new(Kind::Usage, why)
    })
}

/// Who asks, for the audit log.
pub(super) fn asker() -> String {
    format!("user {}", rustix::process::getuid().as_raw())
}

fn print_json(value: &Value) -> Result<ExitCode, Error> {
    super::print(format!("{value}\n").as_bytes())
}
