//! A sidecar with its room: a policy, what it reads, what it writes, and the oracle over all of it.

use super::{
    SLADD,
    lines::{self, numbers},
    oracle,
    program::{self, Running},
};
use rustix::process::Signal;
use sladd::key::Wrap;
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A room with a policy, inputs and outputs.
pub struct Beside {
    pub room: tempfile::TempDir,
}

impl Beside {
    /// `wiring` may say `ROOM`.
    pub fn new(wiring: &str) -> Beside {
        let beside = Beside { room: tempfile::tempdir().unwrap() };
        for name in ["in", "out", "keys"] {
            fs::create_dir(beside.at(name)).unwrap();
            fs::set_permissions(beside.at(name), PermissionsExt::from_mode(0o700)).unwrap();
        }
        beside.policy(1, wiring);
        beside
    }

    /// Files are followed into one file.
    pub fn following() -> Beside {
        Beside::new("[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n")
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    pub fn policy(&self, version: u32, wiring: &str) {
        let room = self.room.path().display().to_string();
        let wrap = match wiring.contains("seal = true") {
            true => "wrap = \"ROOM/wrap.key\"\n",
            false => "",
        };
        let text = format!(
            "base = \"hosting\"\nname = \"faults\"\nversion = {version}\n[keys]\ndirectory = \"ROOM/keys\"\n{wrap}[state]\ndirectory = \"ROOM/state\"\n{wiring}"
        );
        let wrap = self.at("wrap.key");
        if !wrap.exists() {
            fs::write(&wrap, [7; 32]).unwrap();
            fs::set_permissions(&wrap, PermissionsExt::from_mode(0o400)).unwrap();
        }
        fs::write(self.at("policy.toml"), text.replace("ROOM", &room)).unwrap();
    }

    /// What keys are wrapped with, where something is sealed.
    pub fn wrap(&self) -> Wrap {
        Wrap::read(&self.at("wrap.key")).unwrap()
    }

    /// The sidecar under this policy.
    pub fn command(&self) -> Command {
        let mut command = Command::new(SLADD);
        command.args(["sidecar", "--policy", "./policy.toml"]).current_dir(self.room.path());
        command
    }

    /// Runs it from here on.
    pub fn start(&self) -> Running {
        program::start(&mut self.command())
    }

    pub fn append(&self, name: &str, bytes: &[u8]) {
        OpenOptions::new().create(true).append(true).open(self.at(name)).unwrap().write_all(bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_default()
    }

    /// Waits until so many lines stand in the output; a machine may be slow.
    pub fn reaches(&self, wanted: usize, what: &str) {
        self.reaches_in("out/access.log", wanted, what);
    }

    /// The same of another output.
    pub fn reaches_in(&self, name: &str, wanted: usize, what: &str) {
        let (began, mut grown) = (Instant::now(), Grown::new(&self.at(name)));
        while grown.lines() < wanted {
            assert!(began.elapsed() < PATIENCE, "{what}: {} of {wanted}", grown.lines());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What the pipe makes of lines, under the same policy and the same keys.
    pub fn piped(&self, bytes: &[u8]) -> Vec<u8> {
        let mut command = Command::new(SLADD);
        command.args(["-q", "--policy", "./policy.toml"]).current_dir(self.room.path()).stdin(Stdio::piped());
        program::fed(&mut command, bytes.to_vec()).end("the pipe").stdout
    }

    /// Each line once, byte for byte as the pipe makes it, in order, and nothing raw anywhere.
    pub fn is_whole(&self, wanted: usize, what: &str) {
        let made = self.read("out/access.log");
        self.holds(&made, wanted, what);
        self.is_clean(what);
    }

    /// These bytes are what the pipe makes of so many lines.
    pub fn holds(&self, made: &[u8], wanted: usize, what: &str) {
        let places = numbers(made);
        let turns: Vec<&[usize]> = places.windows(2).filter(|two| two[0] > two[1]).collect();
        assert!(turns.is_empty(), "{what}: out of order: {turns:?}");
        oracle::each_once(made, 0, wanted, what);
        assert!(made == self.piped(&lines::lines(0, wanted)), "{what}: not as the pipe makes it");
    }

    /// The same in any order: files that came and went while nobody looked tell by their times alone which was first.
    pub fn is_complete(&self, wanted: usize, what: &str) {
        let made = self.read("out/access.log");
        oracle::each_once(&made, 0, wanted, what);
        let sorted = |bytes: &[u8]| {
            let mut lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.sort_unstable();
            lines
        };
        assert!(sorted(&made) == sorted(&self.piped(&lines::lines(0, wanted))), "{what}: not as the pipe makes it");
        self.is_clean(what);
    }

    /// Nothing raw is in the outputs or the state, and both are nobody else's.
    pub fn is_clean(&self, what: &str) {
        for name in ["out", "state"] {
            for (path, bytes) in oracle::tree(&self.at(name)) {
                oracle::clean(&path.to_string_lossy(), &bytes, what);
            }
            oracle::private(&self.at(name), what);
        }
    }
}

/// It is asked to end, and ends well. What it said.
pub fn ends(running: Running, what: &str) -> String {
    listens(&running);
    running.signal(Signal::TERM);
    let output = running.end(what);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{what}: {said}");
    said
}

/// Generous: machines are slow, and shared.
const PATIENCE: Duration = Duration::from_secs(180);

/// Lines of a file that grows, counted without reading it again from its beginning, unless it was cut.
pub struct Grown {
    path: PathBuf,
    at: u64,
    lines: usize,
}

impl Grown {
    pub fn new(path: &Path) -> Grown {
        Grown { path: path.to_owned(), at: 0, lines: 0 }
    }

    /// How many there are now.
    pub fn lines(&mut self) -> usize {
        // A named pipe would have us wait.
        if !fs::metadata(&self.path).is_ok_and(|found| found.is_file()) {
            return 0;
        }
        let Ok(mut file) = File::open(&self.path) else { return 0 };
        if file.metadata().unwrap().len() < self.at {
            (self.at, self.lines) = (0, 0);
        }
        file.seek(SeekFrom::Start(self.at)).unwrap();
        let mut more = Vec::new();
        self.at += file.read_to_end(&mut more).unwrap() as u64;
        self.lines += lines::count(&more);
        self.lines
    }
}

/// Waits for something that must come.
pub fn comes(what: &str, mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < PATIENCE, "{what}: it does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until it listens for signals.
pub fn listens(running: &Running) {
    let began = Instant::now();
    while !running.listens() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(1));
    }
}
