//! One bulk job: inputs that can be put back, what an undisturbed run makes of them, and the same job under a fault.

use super::{
    SLADD,
    inject::{self, Fault, Point},
    lines, oracle,
    program::{self, Running},
};
use regex::bytes::Regex;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

/// Files by their names.
pub type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// How a job is run: the call that meets the fault, and the calls that end the job after it.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub name: &'static str,
    first: &'static [&'static str],
    again: &'static [&'static [&'static str]],
    /// Its pseudonyms are made with a key that is drawn for the job and dies with it.
    draws_key: bool,
}

pub const OUT: Shape = Shape {
    name: "to a directory",
    first: &["--policy", "./policy.toml", "--out", "out", "in"],
    again: &[&["--policy", "./policy.toml", "--out", "out", "in"]],
    draws_key: false,
};
pub const ONE_KEY: Shape = Shape {
    name: "with a key of its own",
    first: &["--policy", "./drawn.toml", "--out", "out", "in"],
    again: &[&["--policy", "./drawn.toml", "--out", "out", "in"]],
    draws_key: true,
};
pub const SHARES: Shape = Shape {
    name: "in shares",
    first: &["--policy", "./drawn.toml", "--out", "out", "in", "--shard", "0/2"],
    again: &[
        &["--policy", "./drawn.toml", "--out", "out", "in", "--shard", "1/2"],
        &["--policy", "./drawn.toml", "--out", "out", "in", "--shard", "0/2"],
    ],
    draws_key: true,
};
pub const IN_PLACE: Shape = Shape {
    name: "in place",
    first: &["--policy", "./policy.toml", "--in-place", "in"],
    again: &[&["--policy", "./policy.toml", "--in-place", "in"]],
    draws_key: false,
};
pub const REMOVES: Shape = Shape {
    name: "and the originals go",
    first: &["--policy", "./policy.toml", "--out", "out", "in", "--remove-originals"],
    again: &[&["--policy", "./policy.toml", "--out", "out", "in", "--remove-originals"]],
    draws_key: false,
};

impl Shape {
    /// Of the call that meets the fault.
    pub fn arguments(&self) -> &'static [&'static str] {
        self.first
    }
}

/// See above.
pub struct Job {
    room: tempfile::TempDir,
    originals: Tree,
    wanted: Tree,
}

impl Job {
    /// A job without files yet, under a policy whose keys stay.
    pub fn empty() -> Job {
        let job = Job { room: tempfile::tempdir().unwrap(), originals: BTreeMap::new(), wanted: BTreeMap::new() };
        let keys = job.at("keys");
        let policy = "base = \"hosting\"\nname = \"faults\"\nversion = 1\n";
        fs::write(job.at("drawn.toml"), policy).unwrap();
        let policy = format!("{policy}[keys]\ndirectory = \"{}\"\n", keys.display());
        fs::write(job.at("policy.toml"), policy).unwrap();
        fs::create_dir(job.at("in")).unwrap();
        job
    }

    /// Files of so many lines, packed as they are called. What is made of them undisturbed has every line once and is clean.
    pub fn new(files: &[(&str, usize)]) -> Job {
        let mut job = Job::empty();
        let mut from = 0;
        for (name, count) in files {
            let bytes = lines::packed(name, &lines::lines(from, *count));
            job.input(name, &bytes);
            job.originals.insert(PathBuf::from(name), bytes);
            from += count;
        }
        let output = job.run(&["--policy", "./policy.toml", "--out", "wanted", "in", "--summary", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(oracle::balanced(&output, "undisturbed")["lines"], from);
        job.wanted = job.outputs("wanted");
        let mut from = 0;
        for (name, count) in files {
            let made = &job.wanted[Path::new(name)];
            oracle::clean(name, made, "undisturbed");
            oracle::each_once(&lines::unpacked(name, made).unwrap(), from, *count, name);
            from += count;
        }
        job
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    pub fn room(&self) -> &Path {
        self.room.path()
    }

    pub fn wanted(&self) -> &Tree {
        &self.wanted
    }

    pub fn input(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.at("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        lines::write_old(&path, bytes);
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(SLADD);
        command.arg("bulk").args(arguments).current_dir(self.room());
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        program::start(&mut self.command(arguments))
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).end(&arguments.join(" "))
    }

    /// The usual run to `out`, with more arguments.
    pub fn again(&self, more: &[&str]) -> Output {
        self.run(&[OUT.first, more].concat())
    }

    /// Our outputs below a directory, without our state.
    pub fn outputs(&self, name: &str) -> Tree {
        let is_state = |path: &Path| path.components().any(|part| part.as_os_str() == ".sladd");
        oracle::tree(&self.at(name)).into_iter().filter(|(path, _)| !is_state(path)).collect()
    }

    /// As it was before the first run.
    pub fn restore(&self) {
        self.forget("out");
        for (path, bytes) in oracle::tree(&self.at("in")) {
            if self.originals.get(&path) != Some(&bytes) {
                fs::remove_file(self.at("in").join(path)).unwrap();
            }
        }
        for name in ["in/.sladd", "in/sub/.sladd"] {
            self.forget(name);
        }
        for (path, bytes) in &self.originals {
            if !self.at("in").join(path).exists() {
                self.input(path.to_str().unwrap(), bytes);
            }
        }
    }

    pub fn forget(&self, name: &str) {
        match fs::remove_dir_all(self.at(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }

    /// After a fault: nothing raw anywhere, nothing half.
    pub fn is_whole(&self, shape: &Shape, what: &str) {
        for (path, bytes) in oracle::tree(&self.at("out")) {
            oracle::clean(&path.to_string_lossy(), &bytes, what);
        }
        let is_wanted = |path: &Path, bytes: &[u8]| {
            self.wanted
                .get(path)
                .is_some_and(|wanted| wanted == bytes || shape.draws_key && alike([(path, bytes)], [(path, wanted)]))
        };
        for (path, bytes) in self.outputs("out") {
            assert!(is_wanted(&path, &bytes), "{what}: {} is not whole: {} bytes", path.display(), bytes.len());
        }
        let left = self.outputs("in");
        for (path, original) in &self.originals {
            match left.get(path) {
                Some(bytes) => assert!(bytes == original || is_wanted(path, bytes), "{what}: {}", path.display()),
                None => assert!(self.at("out").join(path).exists(), "{what}: {} is lost", path.display()),
            }
        }
        for (path, bytes) in oracle::tree(&self.at("in")).iter().filter(|(path, _)| !left.contains_key(*path)) {
            oracle::clean(&path.to_string_lossy(), bytes, what);
        }
    }

    /// After a fault and the calls that end the job: as if nothing had been.
    pub fn recovers(&self, shape: &Shape, what: &str) {
        let what = &format!("{}, {what}", shape.name);
        self.is_whole(shape, what);
        for call in shape.again {
            let again = self.run(call);
            assert_eq!(again.status.code(), Some(0), "{what}: {}", String::from_utf8_lossy(&again.stderr));
        }
        self.is_done(shape, what);
    }

    fn is_done(&self, shape: &Shape, what: &str) {
        let place = if shape.first.contains(&"--in-place") { "in" } else { "out" };
        let made = self.outputs(place);
        let same = made == self.wanted || shape.draws_key && alike(by_path(&made), by_path(&self.wanted));
        assert!(same, "{what}: the outputs differ from those of an undisturbed run");
        if shape.first.contains(&"--remove-originals") {
            assert!(self.outputs("in").is_empty(), "{what}: originals stay");
        }
        let mut manifests = String::new();
        for (path, bytes) in oracle::tree(&self.at(place)) {
            let name = path.to_string_lossy().into_owned();
            let Some((_, name)) = name.split_once(".sladd/") else { continue };
            let left = ["tmp/", "keys/", "job"].iter().any(|start| name.starts_with(start));
            assert!(!left, "{what}: {name} is left");
            if name.starts_with("manifest") {
                manifests.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        }
        for path in self.wanted.keys() {
            let name = if place == "in" { Path::new(path.file_name().unwrap()) } else { path };
            let key = format!("{{\"path\":\"{}\",", name.display());
            assert!(manifests.lines().any(|line| line.starts_with(&key)), "{what}: no record of {}", path.display());
        }
        let verified = match place {
            "in" => self.run(&["-q", "--verify", "--in-place", "in"]),
            _ => self.run(&["-q", "--verify", "--out", "out"]),
        };
        assert!(verified.status.success(), "{what}: {}", String::from_utf8_lossy(&verified.stderr));
    }

    /// The points of a run on one worker.
    pub fn points(&self, shape: &Shape) -> inject::Points {
        inject::points(self.room(), &Job::one_worker(shape), &mut || self.restore())
    }

    /// One run with a fault, from the beginning. Says whether it was met; which files are made durable together is a matter of
    /// chance, so that it is tried some times.
    pub fn meets(&self, shape: &Shape, point: &Point, fault: Fault) -> Option<Output> {
        (0..TRIES).find_map(|_| {
            self.restore();
            let (output, met) = inject::at(self.room(), &Job::one_worker(shape), point, fault);
            met.then_some(output)
        })
    }

    fn one_worker(shape: &Shape) -> Vec<&'static str> {
        [&["bulk", "-j", "1"], shape.first].concat()
    }
}

const TRIES: usize = 20;

fn by_path(tree: &Tree) -> impl Iterator<Item = (&Path, &[u8])> {
    tree.iter().map(|(path, bytes)| (path.as_path(), &bytes[..]))
}

/// Whether files are the same but for the key: equal pseudonyms stand where equal ones stood, through all of them.
fn alike<'a>(
    made: impl IntoIterator<Item = (&'a Path, impl AsRef<[u8]>)>,
    wanted: impl IntoIterator<Item = (&'a Path, impl AsRef<[u8]>)>,
) -> bool {
    fn numbered<'a>(files: impl IntoIterator<Item = (&'a Path, impl AsRef<[u8]>)>) -> Vec<(PathBuf, Vec<u8>)> {
        static PSEUDONYM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?-u)p1\.[0-9]{8}\.[0-9a-f]{16}").unwrap());
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut number = |found: &regex::bytes::Captures| {
            let at = seen.iter().position(|known| known == &found[0]).unwrap_or_else(|| {
                seen.push(found[0].to_vec());
                seen.len() - 1
            });
            format!("p{at}").into_bytes()
        };
        let plain = |path: &Path, bytes: &[u8]| lines::unpacked(&path.to_string_lossy(), bytes).unwrap_or_default();
        files
            .into_iter()
            .map(|(path, bytes)| {
                (path.to_path_buf(), PSEUDONYM.replace_all(&plain(path, bytes.as_ref()), &mut number).into_owned())
            })
            .collect()
    }
    numbered(made) == numbered(wanted)
}
