//! Faults put in the way of a program: at one of its system calls, on a disk of its own that is too small, by limits.

use super::{SLADD, oracle};
use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output, Stdio},
};

/// The calls that change a disk, or lock or open what is on it.
pub const CALLS: [&str; 18] = [
    "write",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "ftruncate",
    "mkdir",
    "mkdirat",
    "fchmod",
    "fchmodat",
    "utimensat",
    "openat",
    "flock",
    "rmdir",
];

/// One call of a run.
#[derive(Clone, Debug)]
struct Call {
    thread: u32,
    name: String,
    /// The paths that it names, or that its descriptors stand for.
    marks: Vec<String>,
}

/// One moment of a run: the `nth` call of this name that has to do with this path, in the thread that comes there first.
///
/// strace counts the calls of each thread by itself. Told apart by what they are about, every one can be named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub name: String,
    mark: Option<String>,
    nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {:?}", self.name, self.nth, self.mark)
    }
}

/// What the points of a run are, and how many of its calls none names for itself alone.
pub struct Points {
    pub points: Vec<Point>,
    pub shadowed: usize,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Kill,
    /// It fails with this error.
    Error(&'static str),
}

/// The points of `sladd` with these arguments, in `room`, which `clean` makes as it was before each run.
pub fn points(room: &Path, arguments: &[&str], clean: &mut dyn FnMut()) -> Points {
    let mut run = || {
        clean();
        trace(room, arguments)
    };
    let (first, second) = (run(), run());
    clean();
    // A name that is drawn is another one the next time; one that is there is taken for more than itself.
    let lasting = |mark: &str| {
        second.iter().any(|call| call.marks.iter().any(|other| other == mark))
            && !(Path::new(mark).is_relative() && room.join(mark).exists())
            && ![".", ".."].contains(&mark)
    };
    let mut points = BTreeMap::new();
    let mut shadowed = 0;
    for (at, call) in first.iter().enumerate() {
        // What the loader reads is not ours.
        if call
            .marks
            .iter()
            .any(|mark| ["/lib", "/usr", "/etc", "/proc", "/sys"].iter().any(|root| mark.starts_with(root)))
        {
            continue;
        }
        let marks = call.marks.iter().filter(|mark| lasting(mark)).map(Some).chain([None]);
        let named = marks.map(|mark| {
            let is = |other: &&Call| other.name == call.name && mark.is_none_or(|mark| other.marks.contains(mark));
            let nth = first[..=at].iter().filter(is).filter(|other| other.thread == call.thread).count();
            // Of another thread that has as many, one comes there first, and nobody knows which.
            let mut others: BTreeMap<u32, usize> = BTreeMap::new();
            for other in first.iter().filter(is).filter(|other| other.thread != call.thread) {
                *others.entry(other.thread).or_default() += 1;
            }
            let rivals = others.values().filter(|&&count| count >= nth).count();
            (rivals, Point { name: call.name.clone(), mark: mark.cloned(), nth })
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by_key(|(rivals, point)| (*rivals, point.mark.is_none()));
        match named.into_iter().find(|(_, point)| !points.contains_key(point)) {
            Some((rivals, point)) => drop(points.insert(point, rivals)),
            None => shadowed += 1,
        }
    }
    Points { points: points.into_keys().collect(), shadowed }
}

fn trace(room: &Path, arguments: &[&str]) -> Vec<Call> {
    let log = room.join("calls");
    let output =
        strace(room, &log, None).args(["-e", &format!("trace={}", names(&CALLS))]).arg(SLADD).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    text.lines().filter_map(call).collect()
}

/// `123 openat(4</some/where>, "name", …) = 5</some/where/name>`
fn call(line: &str) -> Option<Call> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, rest) = rest.trim_start().split_once('(')?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let rest = rest.strip_suffix(" <unfinished ...>").unwrap_or(rest);
    let arguments = rest.rsplit_once(") = ").map_or(rest, |(arguments, _)| arguments);
    let mut marks = Vec::new();
    for part in arguments.split(", ") {
        let between = |open, close| part.split_once(open)?.1.rsplit_once(close).map(|(mark, _)| mark);
        let mark = match part.starts_with("AT_FDCWD") {
            true => None,
            false => between('"', '"').or_else(|| between('<', '>')),
        };
        marks.extend(mark.filter(|mark| !mark.is_empty()).map(str::to_owned));
    }
    Some(Call { thread: thread.parse().ok()?, name: name.to_owned(), marks })
}

/// The program with one fault at one point. Says whether it was met.
pub fn at(room: &Path, arguments: &[&str], point: &Point, fault: Fault) -> (Output, bool) {
    let log = room.join("calls");
    let what = match fault {
        Fault::Kill => "signal=SIGKILL".to_owned(),
        Fault::Error(error) => format!("error={error}"),
    };
    let inject = format!("inject={}:{what}:when={}", point.name, point.nth);
    let mut command = strace(room, &log, point.mark.as_deref());
    command.args(["-e", &format!("trace={}", point.name), "-e", &inject]).arg(SLADD).args(arguments);
    let output = command.output().unwrap();
    oracle::said(&output, &point.to_string());
    let met = match fault {
        Fault::Kill => output.status.signal() == Some(9),
        Fault::Error(_) => fs::read_to_string(&log).is_ok_and(|text| text.contains("(INJECTED)")),
    };
    fs::remove_file(log).unwrap();
    (output, met)
}

/// The program with calls that are interrupted again and again: every `step`-th from the `first` on.
pub fn interrupted(room: &Path, arguments: &[&str], name: &str, first: u64, step: u64) -> (Output, usize) {
    let log = room.join("calls");
    let inject = format!("inject={name}:error=EINTR:when={first}+{step}");
    let mut command = strace(room, &log, None);
    let output = command.args(["-e", &format!("trace={name}"), "-e", &inject]).arg(SLADD).args(arguments).output();
    let output = output.unwrap();
    oracle::said(&output, name);
    let met = fs::read_to_string(&log).unwrap().matches("(INJECTED)").count();
    fs::remove_file(log).unwrap();
    (output, met)
}

fn strace(room: &Path, log: &Path, mark: Option<&str>) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qqq", "-y", "-s", "0", "-e", "signal=none", "-o"]).arg(log);
    if let Some(mark) = mark {
        command.args(["-P", mark]);
    }
    command.current_dir(room).stdin(Stdio::null());
    command
}

/// Some are unknown on some machines.
fn names(calls: &[&str]) -> String {
    calls.iter().map(|name| format!("?{name}")).collect::<Vec<_>>().join(",")
}

/// A shell script that may mount: with file systems of its own, which are gone when it ends. `None` where that is not allowed.
pub fn with_mounts(room: &Path, script: &str) -> Option<Output> {
    let allowed = Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("!!! NO MOUNT HERE: a small disk is not tried");
        return None;
    }
    let mut command = Command::new("unshare");
    Some(command.args(["-m", "sh", "-c", script]).current_dir(room).stdin(Stdio::null()).output().unwrap())
}
