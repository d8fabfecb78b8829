//! `sladd key export`, `import` and `identity`: keys from one host to another, sealed on the way.

use super::{KeyPlace, Missing, Place, print_json};
use crate::{
    error::{Error, Kind},
    key::{Import, random},
    run::worker::clock,
    seal::{Identity, Recipient},
};
use serde_json::json;
use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    process::ExitCode,
};
use zeroize::Zeroizing;

pub(super) fn export(epochs: &[String], to: &str, output: Option<&Path>, place: &KeyPlace) -> Result<ExitCode, Error> {
    let recipient: Recipient = to.parse().map_err(|error| Error::new(Kind::Usage, format!("--to is {error}")))?;
    for name in epochs {
        super::named(name)?;
    }
    if output.is_none() && io::stdout().is_terminal() {
        return Err(Error::new(Kind::Usage, "what is exported is no text; write it to a file with --output"));
    }
    let keyring = Place::find(place)?.keyring(None, Missing::Refused)?;
    let sealed = recipient.seal(keyring.export(epochs, clock(), &recipient.to_string())?.as_bytes(), random)?;
    let Some(path) = output else { return super::super::print(&sealed) };
    create(path, 0o600, &sealed)?;
    match place.json {
        true => print_json(&json!({ "exported": epochs, "to": recipient.to_string() })),
        false => super::super::print(format!("exported {} keys to {}\n", epochs.len(), path.display()).as_bytes()),
    }
}

pub(super) fn import(file: &Path, identity: &Path, place: &KeyPlace) -> Result<ExitCode, Error> {
    let identity = read_identity(identity)?;
    let cannot = |error: io::Error| {
        let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NoInput } else { Kind::Io };
        Error::new(kind, format!("cannot read {}: {error}", file.display()))
    };
    let mut sealed = Vec::new();
    match file == Path::new("-") {
        true => io::stdin().lock().take(LONGEST).read_to_end(&mut sealed),
        false => File::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut sealed)),
    }
    .map_err(cannot)?;
    let opened = identity.open(&sealed).ok_or_else(|| {
        let why = "it is not sealed to this identity, or it is damaged; export it again";
        Error::new(Kind::Data, format!("cannot open {}: {why}", file.display()))
    })?;
    // What is no text of ours is refused as such.
    let text = std::str::from_utf8(&opened).unwrap_or_default();
    let done = Place::find(place)?.keyring(None, Missing::Made)?.import(text, clock())?;
    let word = |import: Import| match import {
        Import::Taken => "imported",
        Import::There => "was there",
        Import::Destroyed => "was destroyed here, and is never made again",
    };
    if place.json {
        let keys: Vec<_> =
            done.iter().map(|(name, import)| json!({ "epoch": name, "result": word(*import) })).collect();
        return print_json(&json!({ "keys": keys }));
    }
    let rows: String = done.iter().map(|(name, import)| format!("{name}: {}\n", word(*import))).collect();
    super::super::print(rows.as_bytes())
}

pub(super) fn identity(file: &Path) -> Result<ExitCode, Error> {
    let identity = match file.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let identity = Identity::new(random)?;
            let text = Zeroizing::new(format!("# public key: {}\n{}\n", identity.recipient(), *identity.text()));
            create(file, 0o400, text.as_bytes())?;
            identity
        }
        _ => read_identity(file)?,
    };
    super::super::print(format!("{}\n", identity.recipient()).as_bytes())
}

fn read_identity(path: &Path) -> Result<Identity, Error> {
    let shown = path.display();
    let cannot = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => Kind::NoInput,
            io::ErrorKind::PermissionDenied => Kind::Permission,
            _ => Kind::Io,
        };
        Error::new(kind, format!("cannot read identity {shown}: {error}; make one with sladd key identity"))
    };
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.mode() & 0o077 != 0 {
        return Err(Error::new(
            Kind::Config,
            format!("cannot use identity {shown}: it is open to others; run chmod 400"),
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(4096).read_to_string(&mut text).map_err(cannot)?;
    Identity::read(&text).ok_or_else(|| {
        let why = "it holds no AGE-SECRET-KEY-1…; make one with sladd key identity or age-keygen";
        Error::new(Kind::Config, format!("cannot use identity {shown}: {why}"))
    })
}

/// A new file, durable; nothing is written over.
fn create(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let cannot =
        |error: io::Error| Error::new(Kind::CannotCreate, format!("cannot create {}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(cannot)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot)
}

/// So much is read of what was exported, in bytes: many times what there can be.
const LONGEST: u64 = 16 << 20;
