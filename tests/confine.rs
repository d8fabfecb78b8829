//! What a sidecar and a pipe give up at their start, what goes on working all the same, and what a supervisor is told.
#![allow(clippy::unwrap_used)]

use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::UnixDatagram,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

const SLADD: &str = env!("CARGO_BIN_EXE_sladd");

/// A user that no system has, of whom nothing is known but numbers.
const USER: (u32, u32) = (48_711, 48_712);

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(120);

struct Room(tempfile::TempDir);

impl Room {
    /// Directories `etc`, `in/log` and `out`, which this user can use, and a policy.
    fn new(wiring: &str) -> Room {
        let room = Room(tempfile::tempdir().unwrap());
        fs::set_permissions(room.0.path(), PermissionsExt::from_mode(0o755)).unwrap();
        for name in ["etc", "in", "in/log", "out"] {
            fs::create_dir(room.at(name)).unwrap();
            fs::set_permissions(room.at(name), PermissionsExt::from_mode(0o755)).unwrap();
        }
        room.policy(1, wiring);
        room
    }

    fn following() -> Room {
        Room::new("[[input]]\nfollow = [\"ROOM/in/log/*.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn policy(&self, version: u32, wiring: &str) {
        let text = format!(
            "base = \"hosting\"\nname = \"confined\"\nversion = {version}\n[state]\ndirectory = \"ROOM/state\"\n{wiring}"
        );
        // As an editor writes it: another file takes the name.
        let new = self.at("etc/policy.new");
        fs::write(&new, text.replace("ROOM", &self.0.path().display().to_string())).unwrap();
        fs::rename(new, self.at("etc/policy.toml")).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(SLADD);
        command.args(["sidecar", "--policy"]).arg(self.at("etc/policy.toml"));
        command
    }

    fn append(&self, name: &str, lines: &str) {
        let mut file = fs::File::options().create(true).append(true).open(self.at(name)).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    fn reaches(&self, name: &str, lines: usize) {
        let read = || fs::read_to_string(self.at(name)).unwrap_or_default();
        until(&format!("{lines} lines in {name}"), || read().lines().count() >= lines);
        assert_eq!(read().lines().count(), lines, "{name}");
        assert!(!read().contains("203.0.113.77"));
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn line(number: usize) -> String {
    format!("203.0.113.77 - - [21/Nov/2026:10:00:00 +0000] \"GET /n/{number} HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n")
}

/// A child, and what it says on standard error, line by line.
struct Running {
    child: Child,
    said: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Running {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, said) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(say.send(line))));
        Running { child, said }
    }

    fn hears(&self, what: &str) -> String {
        let began = Instant::now();
        let mut all = String::new();
        while began.elapsed() < LIMIT {
            let Ok(line) = self.said.recv_timeout(Duration::from_secs(10)) else { continue };
            if line.contains(what) {
                return line;
            }
            all.push_str(&line);
            all.push('\n');
        }
        panic!("`{what}` was never said: {all}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    fn ends(mut self) -> String {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        let said: Vec<String> = self.said.iter().collect();
        assert_eq!(status.code(), Some(0), "{said:?}");
        said.join("\n")
    }
}

/// Whether the system of the test has Landlock at all. That of CI has.
fn is_held(said: &str) -> bool {
    let holds = said.contains("confined to its own files") && !said.contains("not confined");
    assert!(holds || said.contains("no Landlock"), "{said}");
    holds
}

fn give(path: &Path) {
    chown(path, Some(USER.0), Some(USER.1)).unwrap();
}

fn as_user() -> String {
    format!("{}:{}", USER.0, USER.1)
}

#[test]
fn under_confinement_rotation_reopening_reloading_and_files_to_come_go_on() {
    let room = Room::following();
    room.append("in/log/a.log", &line(1));
    let running = Running::start(&mut room.command());
    is_held(&running.hears("no core, no new privileges"));
    room.reaches("out/access.log", 1);
    // Renamed and made again, a new file, and a directory that is removed and made again.
    fs::rename(room.at("in/log/a.log"), room.at("in/log/a.log.1")).unwrap();
    room.append("in/log/a.log", &line(2));
    room.append("in/log/b.log", &line(3));
    room.reaches("out/access.log", 3);
    fs::remove_dir_all(room.at("in/log")).unwrap();
    fs::create_dir(room.at("in/log")).unwrap();
    room.append("in/log/c.log", &line(4));
    room.reaches("out/access.log", 4);
    // The output is renamed, as logrotate does.
    fs::rename(room.at("out/access.log"), room.at("out/access.log.1")).unwrap();
    running.signal(Signal::USR1);
    until("a new output", || room.at("out/access.log").exists());
    room.append("in/log/c.log", &line(5));
    room.reaches("out/access.log", 1);
    // Another policy takes the name.
    room.policy(2, "[[input]]\nfollow = [\"ROOM/in/log/*.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n");
    running.signal(Signal::HUP);
    running.hears("the policy is now confined/2");
    room.append("in/log/c.log", &line(6));
    room.reaches("out/access.log", 2);
    assert!(fs::read_to_string(room.at("out/access.log")).unwrap().contains("policy=confined/2"));
    running.ends();
}

/// Records are tagged with name and version, so two texts must not share them.
#[test]
fn a_changed_policy_is_taken_over_with_a_new_version_only() {
    let room = Room::following();
    let text = fs::read_to_string(room.at("etc/policy.toml")).unwrap();
    let running = Running::start(&mut room.command());
    running.hears("no core, no new privileges");
    let weaker = format!("{text}[fields]\n\"client.address\" = {{ treatment = \"truncate\", v4 = 16, v6 = 32 }}\n");
    fs::write(room.at("etc/policy.toml"), &weaker).unwrap();
    running.signal(Signal::HUP);
    let said = running.hears("the policy stays as it was");
    let why = "its text has changed and it still calls itself confined/1, which is what records are tagged with; \
               give it a new `version`";
    assert!(said.contains(why), "{said}");
    room.append("in/log/a.log", &line(1));
    room.reaches("out/access.log", 1);
    let first = fs::read_to_string(room.at("out/access.log")).unwrap();
    // The one that holds may be read as often as one likes.
    fs::write(room.at("etc/policy.toml"), &text).unwrap();
    running.signal(Signal::HUP);
    running.hears("the policy is now confined/1");
    fs::write(room.at("etc/policy.toml"), weaker.replace("version = 1", "version = 2")).unwrap();
    running.signal(Signal::HUP);
    running.hears("the policy is now confined/2");
    room.append("in/log/a.log", &line(1));
    room.reaches("out/access.log", 2);
    let both = fs::read_to_string(room.at("out/access.log")).unwrap();
    let second = both.strip_prefix(&first).unwrap();
    let address = |line: &str| line.split(' ').next().unwrap().to_owned();
    assert!(first.contains("policy=confined/1") && second.contains("policy=confined/2"), "{both}");
    assert_ne!(address(&first), address(second));
    running.ends();
}

#[test]
fn a_policy_behind_links_that_are_swapped_is_read_again() {
    // As Kubernetes mounts a ConfigMap.
    let room = Room::following();
    let text = fs::read_to_string(room.at("etc/policy.toml")).unwrap();
    let publish = |number: u32, text: &str| {
        let directory = format!("..{number}");
        fs::create_dir(room.at("etc").join(&directory)).unwrap();
        fs::write(room.at("etc").join(&directory).join("policy.toml"), text).unwrap();
        symlink(&directory, room.at("etc/..new")).unwrap();
        fs::rename(room.at("etc/..new"), room.at("etc/..data")).unwrap();
    };
    fs::remove_file(room.at("etc/policy.toml")).unwrap();
    symlink("..data/policy.toml", room.at("etc/policy.toml")).unwrap();
    publish(1, &text);
    let running = Running::start(&mut room.command());
    running.hears("no core, no new privileges");
    publish(2, &text.replace("version = 1", "version = 2"));
    fs::remove_dir_all(room.at("etc/..1")).unwrap();
    running.signal(Signal::HUP);
    running.hears("the policy is now confined/2");
    running.ends();
}

#[test]
fn what_was_under_way_into_another_directory_is_looked_at_before_that_is_out_of_reach() {
    let room = Room::following();
    room.append("in/log/a.log", &line(1));
    let mut running = Running::start(&mut room.command());
    room.reaches("out/access.log", 1);
    running.signal(Signal::KILL);
    running.child.wait().unwrap();
    let whole = fs::read(room.at("out/access.log")).unwrap();
    fs::create_dir(room.at("elsewhere")).unwrap();
    room.policy(2, "[[input]]\nfollow = [\"ROOM/in/log/*.log\"]\n[[output]]\nfile = \"ROOM/elsewhere/access.log\"\n");
    room.append("in/log/a.log", &line(2));
    let running = Running::start(&mut room.command());
    room.reaches("elsewhere/access.log", 1);
    running.ends();
    assert_eq!(fs::read(room.at("out/access.log")).unwrap(), whole);
}

#[test]
fn an_output_that_rotates_itself_and_a_fifo_work_under_confinement() {
    let room = Room::new(
        "[[input]]\nfifo = \"ROOM/in/pipe\"\n[[output]]\nfile = \"ROOM/out/access.log\"\nrotate = { size = \"64 KiB\", keep = 2 }\n",
    );
    let running = Running::start(&mut room.command());
    running.hears("no core, no new privileges");
    let mut pipe = fs::File::options().write(true).open(room.at("in/pipe")).unwrap();
    let many: String = (0..1_000).map(line).collect();
    pipe.write_all(many.as_bytes()).unwrap();
    until("an output put aside", || room.at("out/access.log.1").exists());
    running.ends();
}

#[test]
fn what_the_wiring_does_not_name_is_out_of_reach_and_a_reload_says_so() {
    let room = Room::following();
    let running = Running::start(&mut room.command());
    let held = is_held(&running.hears("no core, no new privileges"));
    fs::create_dir(room.at("geo")).unwrap();
    fs::write(room.at("geo/country.mmdb"), "x").unwrap();
    room.policy(
        2,
        "[fields]\n\"client.address\" = { treatment = \"country\", database = \"ROOM/geo/country.mmdb\" }\n\
         [[input]]\nfollow = [\"ROOM/in/log/*.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n",
    );
    running.signal(Signal::HUP);
    let said = running.hears("the policy stays as it was");
    assert_eq!(said.contains("no permission to read it"), held, "{said}");
    running.ends();
}

#[test]
fn a_followed_symlink_to_elsewhere_is_followed_and_said() {
    let room = Room::following();
    fs::create_dir(room.at("far")).unwrap();
    room.append("far/real.log", &line(1));
    symlink(room.at("far/real.log"), room.at("in/log/link.log")).unwrap();
    let running = Running::start(&mut room.command());
    let said = running.hears("no core, no new privileges");
    assert!(said.contains("reading is not") || said.contains("no Landlock"), "{said}");
    room.reaches("out/access.log", 1);
    room.append("far/real.log", &line(2));
    room.reaches("out/access.log", 2);
    running.ends();
}

#[test]
fn started_as_root_it_becomes_the_user_and_the_state_is_his() {
    if !geteuid().is_root() {
        return;
    }
    let room = Room::following();
    give(&room.at("out"));
    room.append("in/log/a.log", &line(1));
    let running = Running::start(room.command().args(["--user", &as_user()]));
    let said = running.hears("no core, no new privileges");
    assert!(said.contains(&format!("user `{}`", USER.0)), "{said}");
    room.reaches("out/access.log", 1);
    let status = fs::read_to_string(running.proc("status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(field("Uid:"), vec![USER.0.to_string(); 4]);
    assert_eq!(field("Gid:"), vec![USER.1.to_string(); 4]);
    assert_eq!(field("Groups:"), [USER.1.to_string()]);
    for capabilities in ["CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(field(capabilities), ["0000000000000000"], "{capabilities}");
    }
    assert_eq!(field("NoNewPrivs:"), ["1"]);
    for (_, stat) in tree(&room.at("state")) {
        use std::os::unix::fs::MetadataExt;
        assert_eq!((stat.uid(), stat.mode() & 0o007), (USER.0, 0));
    }
    // All of its threads, and it goes on as that user.
    for thread in fs::read_dir(running.proc("task")).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.contains(&format!("Uid:\t{0}\t{0}\t{0}\t{0}", USER.0)));
    }
    fs::rename(room.at("out/access.log"), room.at("out/access.log.1")).unwrap();
    running.signal(Signal::USR1);
    until("a new output", || room.at("out/access.log").exists());
    running.ends();
}

#[test]
fn what_the_user_may_not_open_is_an_error_that_names_him() {
    if !geteuid().is_root() {
        return;
    }
    let room = Room::following();
    let said = |room: &Room| {
        let output = room.command().args(["--user", &as_user()]).output().unwrap();
        assert_eq!(output.status.code(), Some(77));
        String::from_utf8(output.stderr).unwrap()
    };
    let why = format!("(--user: everything is opened as user `{}`, so that it can be opened again)", USER.0);
    let refused = said(&room);
    assert!(refused.contains("access.log") && refused.contains(&why), "{refused}");
    // A state of root's.
    fs::remove_dir_all(room.at("state")).unwrap();
    fs::create_dir(room.at("state")).unwrap();
    fs::write(room.at("state/key"), "x").unwrap();
    let refused = said(&room);
    assert!(refused.contains(&format!("run chown -R {} on it", as_user())), "{refused}");
    fs::remove_dir_all(room.at("state")).unwrap();
    // A policy that could not be read again.
    fs::set_permissions(room.at("etc/policy.toml"), PermissionsExt::from_mode(0o600)).unwrap();
    let refused = said(&room);
    assert!(refused.contains("cannot read policy") && refused.contains(&why), "{refused}");
    // Somebody else than root cannot choose.
    let mut other = room.command();
    other.args(["--user", &as_user()]).uid(USER.0 + 1).gid(USER.1);
    fs::set_permissions(room.at("etc/policy.toml"), PermissionsExt::from_mode(0o644)).unwrap();
    let output = other.output().unwrap();
    let refused = String::from_utf8(output.stderr).unwrap();
    assert!(refused.contains("only root can; start sladd as root"), "{refused}");
    assert_eq!(output.status.code(), Some(77));
}

#[test]
fn a_pipe_becomes_the_user_before_it_opens_its_output_and_opens_it_again() {
    if !geteuid().is_root() {
        return;
    }
    let room = Room::following();
    let mut command = Command::new(SLADD);
    command.args(["-q", "--user", &as_user(), "-o"]).arg(room.at("out/access.log")).stdin(Stdio::piped());
    let refused = command.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(refused.status.code(), Some(77));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("everything is opened as user"));
    give(&room.at("out"));
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(line(1).as_bytes()).unwrap();
    room.reaches("out/access.log", 1);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    assert!(status.contains(&format!("Uid:\t{0}\t{0}\t{0}\t{0}", USER.0)));
    fs::rename(room.at("out/access.log"), room.at("out/access.log.1")).unwrap();
    kill_process(Pid::from_child(&child), Signal::USR1).unwrap();
    until("a new output", || room.at("out/access.log").exists());
    stdin.write_all(line(2).as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    room.reaches("out/access.log", 1);
}

#[test]
fn an_abort_leaves_no_core_and_nobody_of_the_same_user_looks_in() {
    let room = Room::following();
    let user = geteuid().is_root();
    let mut command = room.command();
    if user {
        give(&room.at("out"));
        command.args(["--user", &as_user()]);
    }
    // Where whoever starts it would have a core.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    let mut running = Running::start(shell.current_dir(room.at("out")));
    running.hears("no core, no new privileges");
    room.append("in/log/a.log", &line(1));
    room.reaches("out/access.log", 1);
    let limits = fs::read_to_string(running.proc("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // Neither its words nor its environment hold what the state keeps secret.
    let key = fs::read(room.at("state/key")).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for file in ["cmdline", "environ"] {
        let bytes = fs::read(running.proc(file)).unwrap();
        assert!(!bytes.is_empty());
        assert!(!bytes.windows(16).any(|window| key.windows(16).any(|part| part == window)), "{file}");
        assert!(!String::from_utf8_lossy(&bytes).contains(&hex), "{file}");
    }
    if user {
        for file in ["environ", "maps", "mem", "fd"] {
            let path = running.proc(file);
            let mut look = Command::new(if file == "fd" { "ls" } else { "cat" });
            let seen = look.arg(&path).uid(USER.0).gid(USER.1).output().unwrap();
            let said = String::from_utf8_lossy(&seen.stderr).into_owned();
            assert!(!seen.status.success() && said.contains("denied"), "{file}: {said}");
            assert!(seen.stdout.is_empty(), "{file}");
        }
    }
    running.signal(Signal::ABORT);
    let status = running.child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
    let left: Vec<_> = fs::read_dir(room.at("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["access.log"]);
}

/// A supervisor's socket, and what comes in by it.
struct Supervisor(UnixDatagram);

impl Supervisor {
    fn bind(room: &Room) -> Supervisor {
        let socket = UnixDatagram::bind(room.at("notify")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Supervisor(socket)
    }

    fn next(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    fn hears(&self, what: &str) -> String {
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            let said = self.next();
            if said.contains(what) {
                return said;
            }
        }
        panic!("`{what}` was never told");
    }
}

#[test]
fn a_supervisor_hears_of_life_of_lines_of_reloads_and_of_the_end() {
    let room = Room::following();
    let supervisor = Supervisor::bind(&room);
    let mut command = room.command();
    command.env("NOTIFY_SOCKET", room.at("notify")).env("WATCHDOG_USEC", "300000").env_remove("WATCHDOG_PID");
    let running = Running::start(&mut command);
    supervisor.hears("READY=1");
    // At rest too, a sign of life comes again and again.
    for _ in 0..4 {
        supervisor.hears("WATCHDOG=1");
    }
    room.append("in/log/a.log", &format!("{}{}", line(1), line(2)));
    let said = supervisor.hears("STATUS=2 lines in");
    assert_eq!(said.trim_end(), "STATUS=2 lines in, 2 minimised, 0 dropped; 0 bytes to be read");
    running.signal(Signal::HUP);
    let said = supervisor.hears("RELOADING=1");
    assert!(said.contains("MONOTONIC_USEC="), "{said}");
    supervisor.hears("READY=1");
    running.signal(Signal::TERM);
    supervisor.hears("STOPPING=1");
    supervisor.hears("EXTEND_TIMEOUT_USEC=");
    running.ends();
}

#[test]
fn another_process_s_watchdog_is_not_answered() {
    let room = Room::following();
    let supervisor = Supervisor::bind(&room);
    let mut command = room.command();
    command.env("NOTIFY_SOCKET", room.at("notify")).env("WATCHDOG_USEC", "30000").env("WATCHDOG_PID", "1");
    let running = Running::start(&mut command);
    supervisor.hears("READY=1");
    running.signal(Signal::TERM);
    loop {
        let said = supervisor.next();
        assert!(!said.contains("WATCHDOG"), "{said}");
        if said.contains("STOPPING=1") {
            break;
        }
    }
    running.ends();
}

#[test]
fn a_desk_that_waits_for_room_is_alive_and_one_that_hangs_is_not() {
    if !geteuid().is_root() {
        return;
    }
    let room = Room::following();
    let supervisor = Supervisor::bind(&room);
    // No more than this much of a file can be written, which is as good as a full disk.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -f 128; exec \"$0\" \"$@\"", SLADD, "sidecar", "--policy"])
        .arg(room.at("etc/policy.toml"));
    shell.env("NOTIFY_SOCKET", room.at("notify")).env("WATCHDOG_USEC", "300000").env_remove("WATCHDOG_PID");
    let mut running = Running::start(&mut shell);
    supervisor.hears("READY=1");
    room.append("in/log/a.log", &(0..2_000).map(line).collect::<String>());
    supervisor.hears("STATUS=waiting for room");
    for _ in 0..4 {
        supervisor.hears("WATCHDOG=1");
    }
    // A process that stands still says nothing more: what is told comes from the desk itself.
    running.signal(Signal::STOP);
    until("it stands", || fs::read_to_string(running.proc("stat")).unwrap().contains(") T "));
    supervisor.0.set_nonblocking(true).unwrap();
    while supervisor.0.recv(&mut [0; 4096]).is_ok() {}
    running.signal(Signal::CONT);
    supervisor.0.set_nonblocking(false).unwrap();
    supervisor.hears("WATCHDOG=1");
    running.signal(Signal::KILL);
    running.child.wait().unwrap();
    let mut rest = String::new();
    let _ = running.child.stdout.take().map(|mut out| out.read_to_string(&mut rest));
}

fn tree(directory: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let stat = fs::symlink_metadata(&path).unwrap();
        if stat.is_dir() {
            found.extend(tree(&path));
        }
        found.push((path, stat));
    }
    found
}
