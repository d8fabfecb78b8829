//! A program that is started, fed, signalled, stopped, killed and looked at from outside.

use super::oracle;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// A child under way. What it says is read all the time, so that it never waits for us.
pub struct Running {
    child: Child,
    said: [JoinHandle<Vec<u8>>; 2],
    fed: Option<JoinHandle<()>>,
    peak: u64,
    descriptors: usize,
}

/// Starts it, with nothing on standard input.
pub fn start(command: &mut Command) -> Running {
    fed(command.stdin(Stdio::null()), Vec::new())
}

/// Starts it, with these bytes on standard input if that is a pipe.
pub fn fed(command: &mut Command, bytes: Vec<u8>) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let fed = child.stdin.take().map(|mut stdin| {
        // A reader that goes away is a matter of the oracle.
        std::thread::spawn(move || drop(stdin.write_all(&bytes)))
    });
    fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }
    let said = [drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap())];
    Running { child, said, fed, peak: 0, descriptors: 0 }
}

impl Running {
    pub fn signal(&self, signal: Signal) {
        // It may be gone.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Whether it listens for SIGTERM: a program that has just started is ended by it.
    pub fn listens(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
        caught.is_some_and(|set| set >> (Signal::TERM.as_raw() - 1) & 1 == 1)
    }

    /// Where it stands in a file that it reads, if it has it open.
    pub fn position(&self, path: &Path) -> Option<u64> {
        let process = format!("/proc/{}", self.child.id());
        let open = fs::read_dir(format!("{process}/fd")).ok()?.flatten();
        let number = open.into_iter().find(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))?;
        let info = format!("{process}/fdinfo/{}", number.file_name().to_str()?);
        fs::read_to_string(info).ok()?.lines().next()?.strip_prefix("pos:")?.trim().parse().ok()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Looks at its memory and its descriptors; the most of each is kept.
    pub fn probe(&mut self) {
        let process = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        self.peak = self.peak.max(peak.unwrap_or(0));
        let open = fs::read_dir(format!("{process}/fd")).map_or(0, Iterator::count);
        self.descriptors = self.descriptors.max(open);
    }

    /// Probes it until it ends. Says the most memory, in KiB, and the most descriptors that were seen.
    pub fn probed(mut self) -> (Output, u64, usize) {
        while !self.is_over() {
            self.probe();
            std::thread::sleep(Duration::from_millis(2));
        }
        let (peak, descriptors) = (self.peak, self.descriptors);
        (self.end("probed"), peak, descriptors)
    }

    /// Waits for its end, which must come: nothing hangs for ten minutes. What it said is clean.
    pub fn end(mut self, what: &str) -> Output {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > HANGS {
                self.child.kill().unwrap();
                panic!("{what}: it hangs");
            }
            std::thread::sleep(Duration::from_micros(500));
        };
        self.gather(status, what)
    }

    /// Kills it.
    pub fn kill(mut self, what: &str) -> Output {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.gather(status, what)
    }

    fn gather(self, status: ExitStatus, what: &str) -> Output {
        let [stdout, stderr] = self.said.map(|said| said.join().unwrap());
        if let Some(fed) = self.fed {
            fed.join().unwrap();
        }
        let output = Output { status, stdout, stderr };
        oracle::said(&output, what);
        output
    }
}

/// Generous: machines are slow, and the long forms work on gigabytes.
const HANGS: Duration = Duration::from_secs(600);
