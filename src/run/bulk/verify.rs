//! Outputs are read again and compared with what the manifests say of them.

use super::{Trouble, walk};
use crate::{
    error::{Error, Kind},
    state::{
        files::digest_of,
        ledger::{Ledger, ROOM},
        manifest::{self, Product},
        place::Place,
    },
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use walkdir::WalkDir;

/// What [`verify`] found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Inputs that the manifests name.
    pub recorded: u64,
    /// Files that are what was made.
    pub good: u64,
    /// Files that are not.
    pub faults: Vec<Trouble>,
    /// Files that no manifest says were made.
    pub unknown: Vec<PathBuf>,
}

/// Compares the files in a directory and below with what the manifests there say of them.
///
/// # Errors
/// [`Kind::NoInput`] where there is no manifest, or none that names anything and no file either; as [`Ledger::look`].
pub fn verify(place: &Place) -> Result<Verified, Error> {
    let nothing = |why: String| Err(Error::new(Kind::NoInput, format!("nothing is recorded to verify: {why}")));
    let mut verified = Verified::default();
    let (homes, files) = walk_through(place, &mut verified);
    let mut claims: BTreeMap<PathBuf, Vec<Product>> = BTreeMap::new();
    let mut manifests = 0;
    for home in homes {
        let Some(known) = Ledger::look(&Place::open(&place.path().join(&home))?)? else { continue };
        manifests += 1;
        for entry in known.entries() {
            verified.recorded += 1;
            // What was made in --out may have been minimised further in its place: either is what was made.
            let Some(product) = entry.output.clone() else { continue };
            claims.entry(home.join(manifest::path(&product.path))).or_default().push(product);
        }
    }
    let path = place.path().display();
    if manifests == 0 {
        return nothing(format!("there is no manifest in `{path}`; name the directory of a bulk run"));
    }
    if verified.recorded == 0 && files.is_empty() {
        return nothing(format!("the manifest in `{path}` names no file, and none is there"));
    }
    for (target, products) in &claims {
        let fault = |why: &str, kind| Trouble { path: place.path().join(target), why: why.to_owned(), kind };
        match found(place, target) {
            Ok(Some((size, digest))) => {
                match products.iter().any(|product| (product.size, &product.digest) == (size, &digest)) {
                    true => verified.good += 1,
                    false => verified.faults.push(fault("it is not what was made", Kind::Data)),
                }
            }
            Ok(None) => verified.faults.push(fault("it is gone", Kind::Data)),
            Err(error) => verified.faults.push(fault(&error.to_string(), walk::kind(&error))),
        }
    }
    verified.unknown = files.into_iter().filter(|file| !claims.contains_key(file)).collect();
    Ok(verified)
}

/// The directories that have a state of their own, and all that is no directory, below `place`.
fn walk_through(place: &Place, verified: &mut Verified) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut homes, mut files) = (Vec::new(), Vec::new());
    let mut walk = WalkDir::new(place.path()).follow_links(false).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(place.path()).to_path_buf();
                let error = error.into_io_error().unwrap_or_else(|| io::Error::other("directories in a circle"));
                verified.faults.push(Trouble { path, why: error.to_string(), kind: walk::kind(&error) });
                continue;
            }
        };
        let Ok(below) = entry.path().strip_prefix(place.path()) else { continue };
        if !entry.file_type().is_dir() {
            files.push(below.to_path_buf());
        } else if entry.depth() > 0 && entry.file_name() == ROOM {
            homes.push(below.parent().unwrap_or(Path::new("")).to_path_buf());
            walk.skip_current_dir();
        }
    }
    (homes, files)
}

fn found(place: &Place, target: &Path) -> io::Result<Option<(u64, String)>> {
    match (place.directory_of(target, false), target.file_name()) {
        (Ok(directory), Some(name)) => digest_of(&directory, Path::new(name)),
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        (Err(error), _) => Err(error),
        (Ok(_), None) => Ok(None),
    }
}
