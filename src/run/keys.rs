//! The keyring that a policy asks for, opened in one place for every front end.

use crate::{
    epoch::Period,
    error::{Error, Kind},
    key::{Keyring, Making, Uptime, Wrap},
    policy::{self, KeyMode, Keys},
};
use std::path::{Path, PathBuf};

/// The keyring in a directory.
///
/// # Errors
/// As [`Keyring::directory`] and [`Wrap::read`].
pub fn open(directory: &Path, period: Period, terms: &Keys) -> Result<Keyring, Error> {
    let making = match terms.mode {
        KeyMode::Random => Making::Random,
        KeyMode::Ratchet => Making::Ratchet,
    };
    let keyring = Keyring::directory(directory, period, terms.keep)?.making(making);
    let keyring = keyring.watching(Uptime::now(), Uptime::later);
    Ok(match wrap(terms)? {
        Some(wrap) => keyring.wrapped(wrap),
        None => keyring,
    })
}

/// What secrets are wrapped with under these terms.
///
/// # Errors
/// As [`Wrap::read`]; [`Kind::Config`] where systemd handed no credentials over.
pub fn wrap(terms: &Keys) -> Result<Option<Wrap>, Error> {
    wrap_path(terms)?.map(|path| Wrap::read(&path)).transpose()
}

/// The file that is read for it.
///
/// # Errors
/// [`Kind::Config`] where systemd handed no credentials over.
pub fn wrap_path(terms: &Keys) -> Result<Option<PathBuf>, Error> {
    Ok(match &terms.wrap {
        None => None,
        Some(policy::Wrap::File(path)) => Some(path.clone()),
        // A place and no secret: systemd.exec(5).
        Some(policy::Wrap::Credential(name)) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(directory) => Some(Path::new(&directory).join(&**name)),
            None => {
                let why = format!(
                    "cannot wrap keys with the credential {name}: systemd handed none over; add LoadCredentialEncrypted={name}:FILE \
                     to the unit"
                );
                return Err(Error::new(Kind::Config, why));
            }
        },
    })
}
