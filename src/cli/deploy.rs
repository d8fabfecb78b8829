//! `sladd generate NAME`: files for an administrator, as they stand in `samples/deploy`.

use crate::error::{Error, Kind};
use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path, process::ExitCode};

/// One thing that can be set up.
struct Setup {
    /// As it is typed.
    name: &'static str,
    /// One line.
    about: &'static str,
    /// What belongs to it: a name and a text each.
    files: &'static [(&'static str, &'static str)],
}

macro_rules! file {
    ($directory:literal, $name:literal) => {
        ($name, include_str!(concat!("../../samples/deploy/", $directory, "/", $name)))
    };
}

/// All of them, sorted.
const SETUPS: &[Setup] = &[
    Setup {
        name: "alloy",
        about: "Grafana Alloy: reads what sladd wrote, from where it stopped",
        files: &[file!("shippers", "sladd.alloy")],
    },
    Setup {
        name: "apache",
        about: "Apache httpd: piped through sladd, or a file that the sidecar follows; with its policy",
        files: &[file!("apache", "sladd-apache.conf"), file!("policies", "apache.toml")],
    },
    Setup {
        name: "container",
        about: "a container of one static file, and the policy in it",
        files: &[file!("container", "Containerfile"), file!("policies", "container.toml")],
    },
    Setup {
        name: "fail2ban",
        about: "bans by raw lines that live in memory for two hours at most; minimised ones on disk",
        files: &[
            file!("fail2ban", "run-rawlog.mount"),
            file!("fail2ban", "sladd-rawlog.service"),
            file!("fail2ban", "sladd-rawlog.timer"),
            file!("fail2ban", "rawlog.logrotate"),
            file!("fail2ban", "sladd-fail2ban.local"),
            file!("fail2ban", "sladd-jail.local"),
            file!("fail2ban", "nginx-rawlog.conf"),
            file!("policies", "fail2ban.toml"),
        ],
    },
    Setup {
        name: "fluent-bit",
        about: "Fluent Bit: reads what sladd wrote, from where it stopped",
        files: &[file!("shippers", "fluent-bit.conf")],
    },
    Setup {
        name: "logrotate",
        about: "what sladd wrote, and raw logs that it follows",
        files: &[file!("logrotate", "sladd.logrotate"), file!("logrotate", "raw.logrotate")],
    },
    Setup {
        name: "nginx",
        about: "nginx: a file, a named pipe or syslog",
        files: &[file!("nginx", "sladd-nginx.conf")],
    },
    Setup {
        name: "pod",
        about: "Kubernetes: a native sidecar; raw lines in memory only",
        files: &[file!("container", "pod.yaml")],
    },
    Setup {
        name: "policy-forward",
        about: "a policy for Fluent Bit and Fluentd that send raw records to sladd",
        files: &[file!("policies", "forward.toml")],
    },
    Setup {
        name: "policy-sidecar",
        about: "a policy for a web server under systemd, with its wiring",
        files: &[file!("policies", "sladd.toml")],
    },
    Setup {
        name: "rsyslog",
        about: "rsyslog: system messages through sladd, and what it wrote on to a receiver; with its policy",
        files: &[file!("rsyslog", "60-sladd.conf"), file!("policies", "rsyslog.toml")],
    },
    Setup {
        name: "store",
        about: "a timer that deletes what is due in a store",
        files: &[file!("systemd", "sladd-sweep.service"), file!("systemd", "sladd-sweep.timer")],
    },
    Setup {
        name: "systemd",
        about: "a service with no right that it does not use, and its user",
        files: &[file!("systemd", "sladd.service"), file!("systemd", "sladd.sysusers")],
    },
    Setup {
        name: "systemd-socket",
        about: "a socket for syslog that outlives restarts, with its policy",
        files: &[file!("systemd", "sladd.socket"), file!("policies", "syslog.toml")],
    },
    Setup {
        name: "vector",
        about: "Vector: reads what sladd wrote, from where it stopped",
        files: &[file!("shippers", "vector.toml")],
    },
];

/// What there is, a line each.
pub fn list() -> String {
    let longest = SETUPS.iter().map(|setup| setup.name.len()).max().unwrap_or(0);
    SETUPS.iter().map(|setup| format!("{:longest$}  {}\n", setup.name, setup.about)).collect()
}

/// Prints what was asked for, or writes its files into a directory.
///
/// # Errors
/// [`Kind::Usage`] for one that is not there; [`Kind::CannotCreate`] where a file is there already
pub fn run(words: &[String]) -> Result<ExitCode, Error> {
    let name = words.first().map_or("", String::as_str);
    let Some(setup) = SETUPS.iter().find(|setup| setup.name == name) else {
        let why =
            format!("there is nothing to generate that is called `{name}`; sladd generate list names all there is");
        return Err(Error::new(Kind::Usage, why));
    };
    match &words[1..] {
        [] => super::print(text(setup).as_bytes()),
        [directory] if !directory.starts_with('-') => write(setup, Path::new(directory)),
        _ => Err(Error::new(Kind::Usage, format!("sladd generate {name} takes a directory and nothing else"))),
    }
}

/// One file as it is, several under their names.
fn text(setup: &Setup) -> String {
    match setup.files {
        [(_, text)] => (*text).to_owned(),
        files => files.iter().map(|(name, text)| format!("# ==> {name} <==\n{text}\n")).collect(),
    }
}

/// Whoever keeps one of these files has changed it: it is never written over.
fn write(setup: &Setup, directory: &Path) -> Result<ExitCode, Error> {
    let cannot =
        |path: &Path, why: &str| Error::new(Kind::CannotCreate, format!("cannot write {}: {why}", path.display()));
    std::fs::create_dir_all(directory).map_err(|error| cannot(directory, &error.to_string()))?;
    if let Some((name, _)) = setup.files.iter().find(|(name, _)| directory.join(name).symlink_metadata().is_ok()) {
        return Err(cannot(&directory.join(name), "it is there already; remove it, or name another directory"));
    }
    for (name, text) in setup.files {
        let path = directory.join(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path);
        made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| cannot(&path, &error.to_string()))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn names_are_sorted_and_each_file_stands_in_the_samples() {
        assert!(SETUPS.is_sorted_by_key(|setup| setup.name));
        assert!(list().lines().count() == SETUPS.len());
        for (name, text) in SETUPS.iter().flat_map(|setup| setup.files) {
            assert!(text.ends_with('\n') && text.contains("sladd"), "{name}");
        }
    }

    #[test]
    fn every_policy_among_them_is_valid() {
        let files = SETUPS.iter().flat_map(|setup| setup.files).filter(|(name, _)| name.ends_with(".toml"));
        let policies: Vec<_> = files.filter(|(name, _)| *name != "vector.toml").collect();
        assert!(policies.len() >= 7);
        for (name, text) in policies {
            let (policy, findings) = Policy::parse(text, name);
            assert!(policy.is_some(), "{name}: {findings:?}");
        }
    }

    #[test]
    fn files_are_written_into_a_directory_and_never_over_others() {
        let room = tempfile::tempdir().unwrap();
        let to = room.path().join("new/deep");
        let words = ["systemd".to_owned(), to.display().to_string()];
        run(&words).unwrap();
        assert!(std::fs::read_to_string(to.join("sladd.service")).unwrap().contains("WatchdogSec"));
        std::fs::write(to.join("sladd.service"), "mine").unwrap();
        std::fs::remove_file(to.join("sladd.sysusers")).unwrap();
        let error = run(&words).unwrap_err();
        assert_eq!(error.kind(), Kind::CannotCreate);
        assert!(error.to_string().ends_with("it is there already; remove it, or name another directory"));
        assert_eq!(std::fs::read_to_string(to.join("sladd.service")).unwrap(), "mine");
        assert!(!to.join("sladd.sysusers").exists(), "half of it was written");
    }

    #[test]
    fn what_is_not_there_is_refused_with_where_to_look() {
        let refused = |words: &[&str]| {
            run(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap_err().to_string()
        };
        assert_eq!(
            refused(&["nginy"]),
            "there is nothing to generate that is called `nginy`; sladd generate list names all there is"
        );
        assert_eq!(refused(&["nginx", "--force"]), "sladd generate nginx takes a directory and nothing else");
    }
}
