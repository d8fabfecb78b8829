//! `sladd store`: what is kept by class and day, whether it is whole, and its end.

use super::{HoldCommand, StoreAuditCommand, StoreCommand, StorePlace, TenantCommand, key::asker, lines, load, print};
use crate::{
    audit::{self, Log},
    error::{Error, Kind},
    key::{Keyring, Wrap},
    policy::{Policy, Seal, wiring::To},
    run::{confine::harden, keys, worker::clock},
    state::{
        place::Place,
        quarantine::{self, Swept},
    },
    store::{self, Clock, Hold, Kept, Reading, Report, Root, Scope, Sweep, Terms},
    time::{Date, Timestamp},
};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Does what is asked with each store that is named.
pub fn run(what: &StoreCommand) -> Result<ExitCode, Error> {
    harden();
    match what {
        StoreCommand::List { place, json } => list(place, *json),
        StoreCommand::Verify { place, wrap, json } => verify(place, wrap.as_deref(), *json),
        StoreCommand::Sweep { place, now, dry_run, json } => sweep(place, now.as_deref(), *dry_run, *json),
        StoreCommand::Read { directory, wrap, tenant, class, from, to } => {
            let day = |text: &Option<String>| text.as_deref().map(date).transpose();
            let scope = Scope { tenants: tenant.clone(), classes: class.clone(), from: day(from)?, to: day(to)? };
            read(directory, wrap.as_deref(), &scope)
        }
        StoreCommand::Hold { what } => hold(what),
        StoreCommand::Tenant { what } => tenant(what),
        StoreCommand::Audit { what: StoreAuditCommand::Verify { directory, head } } => {
            audit(directory, head.as_deref())
        }
    }
}

/// The stores that are meant, and the policy if one was named.
fn find(place: &StorePlace) -> Result<(Vec<PathBuf>, Option<Policy>), Error> {
    let (stores, policy) = find_any(place)?;
    if stores.is_empty() {
        return Err(Error::new(Kind::Config, "the policy has no output into a store: [[output]] store = \"DIR\""));
    }
    Ok((stores, policy))
}

/// The same, where a policy may have none.
fn find_any(place: &StorePlace) -> Result<(Vec<PathBuf>, Option<Policy>), Error> {
    let policy = place.policy.as_ref().map(|name| load::valid(&load::find(name)?)).transpose()?;
    let stores = match (&place.directory, &policy) {
        (Some(directory), _) => vec![directory.clone()],
        (None, Some(policy)) => {
            let stores = policy.wiring.outputs.iter().filter_map(|output| match &output.to {
                To::Store(path) => Some(path.clone()),
                To::File { .. } | To::Stdout | To::Remote(_) => None,
            });
            stores.collect()
        }
        (None, None) => return Err(Error::new(Kind::Usage, "name a store's directory, or --policy with one")),
    };
    Ok((stores, policy))
}

fn list(place: &StorePlace, json: bool) -> Result<ExitCode, Error> {
    let mut all = Vec::new();
    let mut text = String::new();
    for path in find(place)?.0 {
        let root = Root::open(&path)?;
        let listing = store::list(&root)?;
        all.push(json!({ "path": path.display().to_string(), "kept": listing.kept }));
        let _ = writeln!(text, "{}: {}", path.display(), counted(listing.kept.len(), "file"));
        listing.kept.iter().for_each(|kept| row(kept, &mut text));
    }
    out(json, json!({ "stores": all }), &text)
}

fn row(kept: &Kept, text: &mut String) {
    let until = kept.until.map_or_else(|| "?".to_owned(), |day| day.to_string());
    let records = kept.records.map_or_else(|| "not closed".to_owned(), |records| counted(records as usize, "record"));
    let _ = write!(text, "  {}  until {until}  {records}  {} bytes", kept.path, kept.bytes);
    if let Some(policy) = &kept.policy {
        let _ = write!(text, "  {policy}");
    }
    if kept.key.is_some() {
        text.push_str("  sealed");
    }
    if !kept.held.is_empty() {
        let _ = write!(text, "  held: {}", kept.held.join(", "));
    }
    if let Some(fault) = &kept.fault {
        let _ = write!(text, "  {fault}");
    }
    text.push('\n');
}

fn read(directory: &Path, wrap: Option<&Path>, scope: &Scope) -> Result<ExitCode, Error> {
    let wrap = wrap.map(Wrap::read).transpose()?;
    let mut out = std::io::stdout().lock();
    let mut is_over = false;
    let reading = store::read(&Root::open(directory)?, scope, wrap.as_ref(), |lines| match out.write_all(lines) {
        // Whoever read has enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            is_over = true;
            Err(error)
        }
        done => done,
    });
    if is_over {
        return Ok(ExitCode::SUCCESS);
    }
    let Reading { segments, records, unclosed } = reading?;
    let what = format!("{} of {}", counted(records as usize, "record"), counted(segments as usize, "segment"));
    match unclosed {
        0 => crate::run::say!("sladd: {what}"),
        files => crate::run::say!("sladd: {what}; {} not closed yet are left out", counted(files as usize, "file")),
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(place: &StorePlace, wrap: Option<&Path>, json: bool) -> Result<ExitCode, Error> {
    let mut all = Vec::new();
    let mut text = String::new();
    let mut is_whole = true;
    let (stores, policy) = find(place)?;
    let wrap = match (wrap, policy) {
        (Some(path), _) => Some(Wrap::read(path)?),
        // Whoever checks need not be able to read.
        (None, Some(policy)) => keys::wrap(&policy.keys).ok().flatten(),
        (None, None) => None,
    };
    for path in stores {
        let found = store::verify(&Root::open(&path)?, wrap.as_ref())?;
        is_whole &= found.problems.is_empty();
        let shown = path.display();
        let _ = writeln!(
            text,
            "{shown}: {}, {}; {} not closed; {}",
            counted(found.segments as usize, "segment"),
            counted(found.records as usize, "record"),
            found.unclosed,
            counted(found.problems.len(), "problem"),
        );
        if found.unopened > 0 {
            let what = counted(found.unopened as usize, "sealed segment");
            let _ = writeln!(text, "  {what} not opened: their bytes are as they were; --wrap FILE reads them too");
        }
        for problem in &found.problems {
            let _ = writeln!(text, "  {}: {}", problem.path, problem.what);
        }
        all.push(json!({ "path": shown.to_string(), "found": found }));
    }
    out(json, json!({ "stores": all }), &text)?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn sweep(place: &StorePlace, now: Option<&str>, dry_run: bool, json: bool) -> Result<ExitCode, Error> {
    let (stores, policy) = match find_any(place)? {
        (stores, Some(policy)) if policy.seal.is_some() => (stores, Some(policy)),
        _ => find(place)?,
    };
    let clock = match now {
        Some(text) => Clock::Given { reckoned: time(text)?, system: clock() },
        None => Clock::System(clock()),
    };
    let terms = policy.as_ref().map(|policy| Terms::new(policy.lives()));
    let sweep = Sweep { clock, terms, dry_run };
    let (mut all, mut text) = (Vec::new(), String::new());
    let (mut failed, mut look) = (0, false);
    for path in &stores {
        let report = sweep.run(&Root::open(path)?)?;
        failed += report.failed();
        look |= !report.expired.is_empty() || !report.unknown.is_empty();
        tell(&path.display().to_string(), &report, dry_run, &mut text);
        all.push(json!({ "path": path.display().to_string(), "report": report }));
    }
    let sealed = match policy.as_ref().and_then(|policy| policy.seal.as_ref()).filter(|seal| seal.directory.is_dir()) {
        Some(seal) => {
            let swept = sweep_sealed(seal, stores.first(), clock.now(), dry_run)?;
            let left = swept.due.iter().filter(|gone| gone.why_not.is_some()).count();
            failed += left;
            let (due, path) = (counted(swept.due.len(), "sealed file"), seal.directory.display());
            let _ = match dry_run {
                true => writeln!(text, "{path}: {due} due, nothing was deleted"),
                false => writeln!(text, "{path}: {due} due, {left} could not be deleted"),
            };
            let names: Vec<&str> = swept.due.iter().map(|gone| &*gone.name).collect();
            Some(json!({ "path": path.to_string(), "due": names, "not_deleted": left, "kept": swept.kept.files }))
        }
        None => None,
    };
    let destroyed = match policy.filter(|_| !dry_run) {
        Some(policy) => expire(&policy, clock.now())?,
        None => None,
    };
    if let Some(keys) = destroyed {
        let _ = writeln!(text, "{} destroyed that were due", counted(keys, "key"));
    }
    out(json, json!({ "stores": all, "sealed": sealed, "keys_destroyed": destroyed, "dry_run": dry_run }), &text)?;
    Ok(match (failed, look) {
        _ if dry_run => ExitCode::SUCCESS,
        (1.., _) => ExitCode::from(Kind::Io.code()),
        (0, true) => ExitCode::from(1),
        (0, false) => ExitCode::SUCCESS,
    })
}

fn tell(path: &str, report: &Report, dry_run: bool, text: &mut String) {
    let gone = report.due.len() - report.failed();
    let _ = match dry_run {
        true => writeln!(text, "{path}: on {} there are {} due, nothing was deleted", report.day, report.due.len()),
        false => writeln!(text, "{path}: on {}, {gone} of {} due deleted", report.day, report.due.len()),
    };
    for deletion in &report.due {
        let _ = writeln!(text, "  {}  until {}  {}", deletion.path, deletion.until, deletion.said);
    }
    let mut said = |paths: &[String], what: &str| {
        for path in paths {
            let _ = writeln!(text, "  {path}  {what}");
        }
    };
    said(&report.found_gone, "gone, by a sweep that was ended before it could say so");
    said(&report.held, "due, and held");
    said(&report.unknown, "nobody can say when it is due; see sladd store verify");
    said(&report.expired, "is a hold whose day has come: it holds until it is released or added once more");
    let _ = write!(text, "  {} stay", report.kept);
    let _ = match &report.next {
        Some(day) => writeln!(text, "; the next is due on {day}"),
        None => writeln!(text),
    };
}

/// Deletes the sealed lines that are due, and says so in the log of a store, where there is one.
fn sweep_sealed(seal: &Seal, store: Option<&PathBuf>, now: Timestamp, dry_run: bool) -> Result<Swept, Error> {
    let place = Place::open(&seal.directory)?;
    let deed = if dry_run { quarantine::Deed::Find } else { quarantine::Deed::Delete };
    let swept = quarantine::sweep(&place, seal.keep_days, now, deed)?;
    if let (Some(store), false) = (store, dry_run || swept.due.is_empty()) {
        let log = Log::open(store)?;
        let said =
            |gone: &quarantine::Gone| (gone.name.clone(), gone.why_not.clone().unwrap_or_else(|| "gone".to_owned()));
        for some in swept.due.chunks(AN_ENTRY) {
            let said: Vec<(String, String)> = some.iter().map(said).collect();
            let details: Vec<(&str, &str)> = said.iter().map(|(name, said)| (&**name, &**said)).collect();
            let day = now.date().to_string();
            log.append(clock(), &audit::Entry { deed: audit::Deed::SealedDeleted, subject: &day, details: &details })?;
        }
    }
    Ok(swept)
}

/// So many files stand in one entry of the audit log: it holds 64 KiB.
const AN_ENTRY: usize = 200;

/// Destroys the keys that are due, where the policy keeps them in a directory that is there.
fn expire(policy: &Policy, now: Timestamp) -> Result<Option<usize>, Error> {
    let Some(directory) = policy.keys.directory.as_ref().filter(|directory| directory.is_dir()) else {
        return Ok(None);
    };
    Keyring::directory(directory, policy.keys.epoch, policy.keys.keep)?.expire(now).map(Some)
}

fn hold(what: &HoldCommand) -> Result<ExitCode, Error> {
    match what {
        HoldCommand::Add { directory, reference, authority, tenant, class, from, to, expires } => {
            let day = |text: &Option<String>| text.as_deref().map(date).transpose();
            let scope = Scope { tenants: tenant.clone(), classes: class.clone(), from: day(from)?, to: day(to)? };
            let hold = Hold::new((reference, authority), &scope, date(expires)?, clock())?;
            let root = Root::open(directory)?;
            store::hold(&root, &hold, clock())?;
            let held = store::list(&root)?.kept.into_iter().filter(|kept| kept.held.contains(reference)).count();
            print(format!("held: {} now; what comes to it later too\n", counted(held, "file")).as_bytes())
        }
        HoldCommand::Release { directory, reference } => {
            store::release(&Root::open(directory)?, reference, clock())?;
            print(b"released; what is due goes with the next sweep\n")
        }
        HoldCommand::List { directory, json } => {
            let holds = store::holds(&Root::open(directory)?)?;
            let mut text = String::new();
            for hold in &holds.holds {
                let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
                let _ = writeln!(
                    text,
                    "{}  by {}  tenants {}  classes {}  days {} to {}  added {}  expires {}{}",
                    hold.reference,
                    hold.authority,
                    or(&hold.tenants, "all"),
                    or(&hold.classes, "all"),
                    or(&hold.from, "the first"),
                    or(&hold.to, "the last"),
                    hold.added,
                    hold.expires,
                    if hold.is_expired(clock()) { "  (its day has come, and it still holds)" } else { "" },
                );
            }
            out(*json, json!(holds), &text)
        }
    }
}

fn tenant(what: &TenantCommand) -> Result<ExitCode, Error> {
    match what {
        TenantCommand::End { name, place, date: text } => {
            let day = date(text)?;
            let mut told = String::new();
            for path in stores_of(name, place)? {
                let before = store::end(&Root::open(&path)?, name, day, &asker(), clock())?;
                let _ = write!(told, "{}: {name} ends on {day}", path.display());
                let _ = match before.filter(|before| *before != day) {
                    Some(before) => writeln!(told, ", and not on {before}"),
                    None => writeln!(told),
                };
            }
            print(told.as_bytes())
        }
        TenantCommand::Resume { name, place } => {
            let mut told = String::new();
            for path in stores_of(name, place)? {
                store::resume(&Root::open(&path)?, name, &asker(), clock())?;
                let _ = writeln!(told, "{}: {name} goes on; what is gone stays gone", path.display());
            }
            print(told.as_bytes())
        }
        TenantCommand::List { place, json } => {
            let (mut all, mut text) = (Vec::new(), String::new());
            for path in find(place)?.0 {
                let ends = store::ends(&Root::open(&path)?)?;
                for (name, day) in &ends {
                    let _ = writeln!(text, "{}: {name} ends on {day}", path.display());
                }
                let ends: Vec<Value> =
                    ends.iter().map(|(name, day)| json!({ "tenant": name, "ends": day.to_string() })).collect();
                all.push(json!({ "path": path.display().to_string(), "ends": ends }));
            }
            out(*json, json!({ "stores": all }), &text)
        }
    }
}

/// The stores that are meant; where a policy was named the tenant must be one of its.
fn stores_of(tenant: &str, place: &StorePlace) -> Result<Vec<PathBuf>, Error> {
    let (stores, policy) = find(place)?;
    if let Some(policy) = policy
        && !policy.tenants.all.iter().any(|known| *known.name == *tenant)
    {
        let why = "the policy has no such [[tenant]]; name the store's directory for one that is not in it any more";
        return Err(Error::new(Kind::Usage, why));
    }
    Ok(stores)
}

fn audit(directory: &Path, head: Option<&str>) -> Result<ExitCode, Error> {
    let refused = |error: audit::NotAHead| Error::new(Kind::Usage, error.to_string());
    let head = head.map(|text| text.parse().map_err(refused)).transpose()?;
    // A directory of keys has such a log too.
    let path = match Root::open(directory) {
        Ok(root) => root.path().to_path_buf(),
        Err(_) if directory.join("audit.log").is_file() => directory.to_path_buf(),
        Err(error) => return Err(error),
    };
    let verdict = audit::verify(&path, head.as_ref())?;
    let mut text = format!("{}, head {}\n", counted(verdict.head.entries as usize, "entry"), verdict.head);
    for entry in &verdict.mended {
        let _ = writeln!(text, "  entry {entry} says that the log was found in disorder before it, as after a kill");
    }
    for fault in &verdict.faults {
        let _ = writeln!(text, "  {fault}");
    }
    print(text.as_bytes())?;
    Ok(if verdict.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn out(as_json: bool, json: Value, text: &str) -> Result<ExitCode, Error> {
    match as_json {
        true => print(format!("{json:#}\n").as_bytes()),
        false => print(text.as_bytes()),
    }
}

fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

fn date(text: &str) -> Result<Date, Error> {
    Date::parse(text.as_bytes()).ok_or_else(|| Error::new(Kind::Usage, "not a day; write it as 2026-11-21"))
}

/// A day, which is its midnight in UTC, or a time.
pub(super) fn time(text: &str) -> Result<Timestamp, Error> {
    match Date::parse(text.as_bytes()) {
        Some(day) => Ok(day.start()),
        None => lines::reference(text).map_err(|_| {
            let why = "--now is neither a day nor a time; write it as 2026-11-21 or 2026-11-21T10:00:00Z";
            Error::new(Kind::Usage, why)
        }),
    }
}
