//! The built-in policies, written as users write theirs.

use super::{Policy, check};

/// The names of the built-in policies; the first is the default.
pub fn names() -> [&'static str; 3] {
    BUILTINS.map(|(name, _)| name)
}

/// A complete policy to start from: a built-in's text with every key, what it means and its default.
///
/// What a built-in leaves alone (`exempt`, `keys`, `state`, `input`, `output`) stands commented out, header included, so
/// that the text gives the very same policy.
///
/// ```
/// use sladd::policy::{Policy, show};
/// let text = show("hosting").unwrap();
/// assert_eq!(Policy::parse(&text, "hosting.toml").0, Policy::builtin("hosting"));
/// ```
pub fn show(name: &str) -> Option<String> {
    let (_, own) = BUILTINS.iter().find(|(known, _)| *known == name)?;
    Some(own.replacen(MARK, TREATMENTS, 1) + PROCESS)
}

pub(super) fn policy(name: &str) -> Option<Policy> {
    Some(check::trusted(&show(name)?))
}

const BUILTINS: [(&str, &str); 3] = [
    ("hosting", include_str!("builtin/hosting.toml")),
    ("strict", include_str!("builtin/strict.toml")),
    ("minimal", include_str!("builtin/minimal.toml")),
];
/// What all three say of `[fields]` and of the sections that none of them uses.
const TREATMENTS: &str = include_str!("builtin/treatments.txt");
const PROCESS: &str = include_str!("builtin/process.txt");
const MARK: &str = "# (treatments)\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{Treatment, finding::Code},
        record::Kind,
    };

    #[test]
    fn every_built_in_checks_without_fault_and_is_what_it_shows() {
        for name in names() {
            let (policy, findings) = Policy::parse(&show(name).unwrap(), name);
            assert!(findings.iter().all(|finding| !finding.is_error()), "{findings:?}");
            assert_eq!(policy, Policy::builtin(name));
            assert_eq!(&*policy.unwrap().name, name);
        }
    }

    #[test]
    fn only_minimal_has_something_to_warn_of() {
        let codes = |name: &str| -> Vec<Code> {
            Policy::parse(&show(name).unwrap(), name).1.iter().map(|finding| finding.code).collect()
        };
        assert_eq!(codes("hosting"), []);
        assert_eq!(codes("strict"), []);
        assert_eq!(codes("minimal"), [Code::RestScrubbed]);
    }

    #[test]
    fn every_commented_key_can_be_uncommented() {
        for name in names() {
            let live: String = show(name)
                .unwrap()
                .lines()
                .map(|line| match line.strip_prefix('#') {
                    Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
                    _ => format!("{line}\n"),
                })
                .collect();
            let (policy, findings) = Policy::parse(&live, name);
            let errors: Vec<String> = findings.iter().filter(|f| f.is_error()).map(|f| f.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new());
            let policy = policy.unwrap();
            assert_eq!(policy.exempt.len(), 2);
            assert!(policy.keys.directory.is_some());
        }
    }

    #[test]
    fn what_a_built_in_leaves_alone_is_commented_out_with_its_header() {
        for name in names() {
            let text = show(name).unwrap();
            for header in ["[exempt]", "[[detect]]", "[keep_text]", "[keys]", "[state]", "[[input]]", "[[output]]"] {
                assert!(text.lines().any(|line| line == format!("#{header}")), "{name} {header}");
                assert!(!text.lines().any(|line| line.starts_with(header)), "{name} {header}");
            }
        }
    }

    #[test]
    fn every_key_and_treatment_is_shown() {
        for name in names() {
            let text = show(name).unwrap();
            for word in check::every_key() {
                let shown = |pattern: &str| text.contains(&pattern.replace('K', word));
                let stands =
                    ["\nK ", "\n#K ", "\n#   K ", "[K]", "[[K]]", " K = ", "{ K", "`K`"].into_iter().any(shown);
                assert!(stands, "`{word}` is not in {name}");
            }
        }
    }

    #[test]
    fn strict_is_weaker_than_hosting_in_nothing() {
        let (strict, hosting) = (Policy::builtin("strict").unwrap(), Policy::builtin("hosting").unwrap());
        assert_eq!(strict.weakenings(&hosting), []);
        assert!(!hosting.weakenings(&strict).is_empty());
        assert!(!Policy::builtin("minimal").unwrap().weakenings(&hosting).is_empty());
    }

    #[test]
    fn hosting_and_strict_cut_every_address_and_let_nothing_unnamed_through() {
        for builtin in ["hosting", "strict"] {
            let policy = Policy::builtin(builtin).unwrap();
            for (name, kind) in crate::policy::names::all() {
                if kind == Kind::Address {
                    assert!(matches!(policy.treatment(name), Treatment::Truncate(_)), "{builtin} does not cut {name}");
                }
                if matches!(kind, Kind::Secret | Kind::Cookie) {
                    assert_eq!(*policy.treatment(name), Treatment::Drop, "{builtin}: {name}");
                }
            }
            assert_eq!(policy.rest, Treatment::Drop);
        }
    }
}
