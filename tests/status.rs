//! What is seen of the sidecar from outside, over TCP and over a socket: by a plain client, by promtool and in Chromium. Tools that
//! are not installed are said loudly.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

use sladd::{
    Policy, Tally, Timestamp,
    engine::Counted,
    error::{Error, Kind},
    policy::wiring::Listen,
    run::sidecar::{
        board::{
            Board, CheckpointFigures, EpochFigures, FileFigures, InputFigures, Label, Life, MemoryFigures,
            OutputFigures, PolicyFigures, Quarantined, Reload, Snapshot,
        },
        status::Server,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const POLICY: &str = r#"
base = "hosting"
name = "example-host"
version = 3
[[input]]
follow = ["/var/log/nginx/access.log*"]
[[input]]
follow = ['/srv/"quoted" <b>&amp;\*.log']
[[input]]
fifo = "/run/sladd/access.fifo"
on_stall = "shed"
[[output]]
file = "/var/log/sladd/access.log"
[[output]]
stdout = true
"#;

/// Figures as a desk would publish them after so many lines.
fn snapshot(lines: u64) -> Snapshot {
    let (policy, findings) = Policy::parse(POLICY, "test.toml");
    assert_eq!(findings, []);
    let policy = policy.unwrap();
    let dropped = lines / 50;
    let tally = Tally {
        lines,
        minimised: lines - 2 * dropped,
        scrubbed: dropped,
        malformed: dropped - dropped / 4,
        shed: dropped / 4,
        cut: 3,
        late: 2,
        unmatched: dropped,
        bytes_in: lines * 240,
        bytes_out: lines * 190,
        ..Tally::default()
    };
    let now = Timestamp(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64);
    let shares = [lines / 2, lines / 3, lines - lines / 2 - lines / 3];
    let files = FileFigures { followed: 2, rotations: 4, truncations: 1, copies: 1, ..FileFigures::default() };
    let input = |(label, part): (Label, u64)| InputFigures {
        files: (label.kind() == "follow").then_some(files),
        sockets: None,
        shed_lines: if label.kind() == "fifo" { dropped / 4 } else { 0 },
        label,
        lines: part,
        bytes: part * 240,
        lag_bytes: part * 7 % 5_000_000,
        problems: 0,
    };
    let output = |label: Label| OutputFigures {
        stalled_since: (label.kind() == "stdout").then_some(Timestamp(now.0 - 75)),
        label,
        records: lines - dropped,
        bytes: lines * 190,
        last_write: Some(now),
        rotations: 2,
        left_out: 0,
        errors: 0,
        last_error: None,
        sent: None,
    };
    Snapshot {
        life: Life::Ready,
        policy: PolicyFigures {
            name: Arc::from(&*policy.name),
            version: policy.version,
            digest: "3f9a54c1d2e0b7a86e5d4c3b2a190817263544536271809fae1d2c3b4a596877".into(),
            since: Timestamp(now.0 - 7200),
            last_reload: Some(Reload {
                at: Timestamp(now.0 - 600),
                refused: Some(Error::new(
                    Kind::Config,
                    "the policy has 1 fault: unknown key `clases`, did you mean `classes`?",
                )),
            }),
            reloads: 2,
            reloads_refused: 1,
        },
        epoch: Some(EpochFigures { name: "20261122".into(), start: Timestamp(now.0 - 40_000), paused: false }),
        inputs: Label::inputs(&policy.wiring.inputs).into_iter().zip(shares).map(input).collect(),
        outputs: Label::outputs(&policy.wiring.outputs).into_iter().map(output).collect(),
        tally,
        quarantine: Some(Quarantined { bytes: 180 << 20, limit: 256 << 20, files: 41 }),
        pending: 17,
        classes: policy.classes.iter().map(Label::class).zip([lines / 4 * 3, lines / 4]).collect(),
        counted: Counted {
            treated: vec![
                ("client.address", "truncate", lines - dropped),
                ("url.path", "path", lines - dropped),
                ("user.name", "pseudonym", lines / 9),
                ("other", "drop", lines / 7),
            ],
            found: vec![("address", lines / 3), ("email", lines / 11)],
        },
        checkpoints: CheckpointFigures {
            generation: 1234,
            at: Some(now),
            made: 310,
            last_took: Duration::from_micros(12_300),
            all_took: Duration::from_secs(4),
            journal_batches: 12,
            recovered_whole: 8,
            recovered_completed: 1,
            recovered_cut: 0,
        },
        memory: MemoryFigures { resident: Some(41 << 20), limit: 64 << 20 },
    }
}

fn tcp(board: &Arc<Board>) -> (Server, SocketAddr) {
    let server = Server::bind(&Listen::Tcp("127.0.0.1:0".parse().unwrap()), board.clone()).unwrap();
    let Listen::Tcp(address) = *server.address() else { panic!("asked for TCP") };
    (server, address)
}

/// An answer: its status, its headers by small name, its body.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

fn read(mut stream: impl Read) -> Answer {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let all = String::from_utf8(all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {all:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())).unwrap();
    Answer { status, headers: lines.map(header).collect(), body: body.to_owned() }
}

fn request(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
}

fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    read(stream)
}

fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &request("GET", path, ""))
}

fn loudly(message: &str) {
    // Past the capture of the test harness.
    let _ = writeln!(std::io::stderr(), "\n!!! {message}");
}

fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn tcp_and_socket_answer_alike() {
    let board = Board::new();
    board.publish(snapshot(1_000_000));
    let (_tcp, address) = tcp(&board);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.sock");
    let socket = Server::bind(&Listen::Unix(path.clone()), board).unwrap();
    for (uri, media) in [
        ("/", "text/html; charset=utf-8"),
        ("/status.json", "application/json"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "text/plain; charset=utf-8"),
    ] {
        let over_tcp = get(address, uri);
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(request("GET", uri, "").replace("localhost", "anything").as_bytes()).unwrap();
        let over_socket = read(stream);
        for answer in [&over_tcp, &over_socket] {
            assert_eq!((answer.status, &*answer.headers["content-type"]), (200, media), "{uri}");
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert_eq!(answer.headers["connection"], "close");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            assert_eq!(answer.headers["content-length"], answer.body.len().to_string(), "{uri}");
        }
        let kinds = |body: &str| body.lines().filter(|line| line.starts_with("# ")).count();
        assert_eq!(kinds(&over_tcp.body), kinds(&over_socket.body));
        let head = ask(address, &request("HEAD", uri, ""));
        assert_eq!(
            (head.status, &*head.body, &head.headers["content-type"]),
            (200, "", &over_tcp.headers["content-type"])
        );
    }
    drop(socket);
    assert!(!path.exists());
}

#[test]
fn a_server_that_is_dropped_listens_no_more_and_cuts_who_waits() {
    let board = Board::new();
    let (server, address) = tcp(&board);
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(1));
    let mut rest = Vec::new();
    let _ = waiting.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn health_and_readiness_follow_the_desk() {
    let board = Board::new();
    let (_server, address) = tcp(&board);
    let seen = || (get(address, "/healthz").status, get(address, "/readyz"));
    let (health, ready) = seen();
    assert_eq!((health, ready.status, &*ready.body), (200, 503, "starting\n"));
    board.publish(snapshot(100));
    let (health, ready) = seen();
    assert_eq!((health, ready.status, &*ready.body), (200, 200, "ready\n"));
    board.publish(Snapshot { life: Life::Draining, ..snapshot(100) });
    let (health, ready) = seen();
    assert_eq!((health, ready.status, &*ready.body), (200, 503, "draining\n"));
}

#[test]
fn names_from_elsewhere_and_requests_that_are_none_are_refused() {
    let board = Board::new();
    let (_server, address) = tcp(&board);
    let answer = ask(address, "GET / HTTP/1.1\r\nHost: rebound.example.net\r\n\r\n");
    assert_eq!(answer.status, 421);
    assert!(!answer.body.contains("example") && !answer.headers.contains_key("content-security-policy"));
    assert_eq!(ask(address, "GET / HTTP/1.1\r\n\r\n").status, 421);
    let posted = ask(address, &request("POST", "/", "Content-Length: 0\r\n"));
    assert_eq!((posted.status, &*posted.headers["allow"]), (405, "GET, HEAD"));
    assert_eq!(get(address, "/etc/passwd").status, 404);
    let large = format!("X: {}\r\n", "a".repeat(32 << 10));
    let mut stream = TcpStream::connect(address).unwrap();
    // The server may close before all is written.
    let _ = stream.write_all(request("GET", "/", &large).as_bytes());
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&said));
    let many: String = (0..200).map(|i| format!("X-{i}: 1\r\n")).collect();
    assert_eq!(ask(address, &request("GET", "/", &many)).status, 431);
    for garbage in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"), "{garbage:?}: {}", String::from_utf8_lossy(&said));
    }
    assert_eq!(get(address, "/healthz").status, 200);
}

#[test]
fn those_who_connect_and_say_nothing_hold_it_up_for_seconds_only() {
    let board = Board::new();
    let (_server, address) = tcp(&board);
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    let start = Instant::now();
    assert_eq!(get(address, "/healthz").status, 200);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    drop(silent);
}

/// A line of OpenMetrics: name, labels as written, figure.
fn sample(line: &str) -> (&str, &str, f64) {
    let (series, figure) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    (name, labels, figure.parse().unwrap())
}

/// `a="b",c="d"` → the names; panics where that is not what stands there.
fn label_names(mut labels: &str) -> Vec<&str> {
    let mut names = Vec::new();
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        names.push(name);
        let mut escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let end = *c == '"' && !escaped;
            assert!(!escaped || matches!(c, '"' | '\\' | 'n'));
            escaped = *c == '\\' && !escaped;
            end
        });
        labels = &rest[end.unwrap().0 + 1..];
        labels = labels.strip_prefix(',').unwrap_or(labels);
    }
    names
}

#[test]
fn metrics_parse_as_openmetrics_and_their_labels_are_of_a_closed_set() {
    let board = Board::new();
    board.publish(snapshot(1_000_000));
    let (_server, address) = tcp(&board);
    let answer = ask(address, &request("GET", "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n"));
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let body = answer.body.strip_suffix("# EOF\n").unwrap();
    let (mut families, mut series) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut said) = (String::new(), Vec::new());
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, text) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            if name != family {
                assert!(families.insert(name.to_owned(), ()).is_none(), "{name} stands in two places");
                (family, said) = (name.to_owned(), Vec::new());
            }
            assert!(matches!(what, "HELP" | "TYPE" | "UNIT") && !said.iter().any(|(one, _)| *one == what), "{line}");
            assert!(what != "UNIT" || name.ends_with(&format!("_{text}")), "{line}");
            said.push((what, text.to_owned()));
            continue;
        }
        let (name, labels, figure) = sample(line);
        let kind = said.iter().find(|(what, _)| *what == "TYPE").map(|(_, kind)| &**kind).unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            "gauge" => "",
            other => panic!("{other}"),
        };
        assert_eq!(name, format!("{family}{suffix}"));
        assert!(said.iter().any(|(what, _)| *what == "HELP"), "{name} has no help");
        assert!(figure >= 0.0 && figure.is_finite(), "{line}");
        assert!(series.insert((name.to_owned(), labels.to_owned())), "{line} stands twice");
        for label in label_names(labels) {
            const KNOWN: [&str; 14] = [
                "class",
                "digest",
                "field",
                "how",
                "input",
                "kind",
                "mark",
                "name",
                "outcome",
                "output",
                "reason",
                "result",
                "treatment",
                "version",
            ];
            assert!(KNOWN.contains(&label), "{line}");
        }
    }
    for line in [
        "sladd_records_total{outcome=\"minimised\"} 960000",
        "sladd_records_total{outcome=\"dropped\"} 20000",
        "sladd_dropped_records_total{reason=\"malformed\"} 15000",
        "sladd_input_bytes_total{input=\"/var/log/nginx/access.log*\",kind=\"follow\"} 120000000",
        "sladd_input_lag_bytes{input=\"/srv/\\\"quoted\\\" <b>&amp;\\\\*.log\",kind=\"follow\"} 2333331.0",
        "sladd_class_records_total{class=\"login_history\"} 750000",
        "sladd_fields_total{field=\"client.address\",treatment=\"truncate\"} 980000",
        "sladd_found_total{kind=\"email\"} 90909",
        "sladd_policy_info{name=\"example-host\",version=\"3\",digest=",
        "sladd_checkpoint_generation 1234.0",
    ] {
        assert!(body.contains(line), "{line}\n{body}");
    }
}

#[test]
fn promtool_finds_nothing_to_say_of_the_metrics() {
    if !installed("promtool") {
        return loudly("PROMTOOL IS MISSING (Debian package prometheus): the metrics are not checked by it");
    }
    let board = Board::new();
    board.publish(snapshot(1_000_000));
    let (_server, address) = tcp(&board);
    let check = |text: &str| {
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut promtool = promtool.spawn().unwrap();
        promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    assert_eq!(check(&get(address, "/metrics").body), (true, String::new()));
    // It does look.
    assert!(!check("# TYPE sladdRecords counter\nsladdRecords 1\n").0);
}

/// Elements with a figure: where it comes from, and what they show.
fn figures(html: &str) -> BTreeMap<String, String> {
    let body = &html[html.find("<body").unwrap()..html.find("<script").unwrap()];
    let mut all = BTreeMap::new();
    for (at, _) in body.match_indices("data-path=\"") {
        let path = body[at + 11..].split('"').next().unwrap().to_owned();
        let open = body[at..].find('>').unwrap() + at;
        let element = &body[at..open];
        if ["\"width\"", "\"course\""].iter().any(|form| element.contains(form)) {
            continue;
        }
        let end = if element.contains("\"list\"") { "</ul>" } else { "</" };
        let shown = &body[open + 1..open + body[open..].find(end).unwrap()];
        let plain =
            [("&nbsp;", "\u{a0}"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        let shown = plain.iter().fold(shown.to_owned(), |text, (written, read)| text.replace(written, read));
        // One figure may stand in several places, and is the same in all.
        if let Some(before) = all.insert(path.clone(), shown.clone()) {
            assert_eq!(before, shown, "{path}");
        }
    }
    all
}

/// Runs Chromium on one page, cut off from everything but this machine. What it wrote, and what the page said on its console.
fn chromium(home: &Path, arguments: &[&str]) -> (String, Vec<String>) {
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
        ])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr", "--v=0"])
        .arg("--virtual-time-budget=5000")
        .arg(format!("--user-data-dir={}", home.display()))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console = said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), console)
}

#[test]
fn the_page_lives_in_a_browser() {
    if !installed("chromium") {
        return loudly("CHROMIUM IS MISSING: the status page is not looked at");
    }
    let home = tempfile::tempdir().unwrap();
    let board = Board::new();
    board.publish(snapshot(1_234_567));
    let (_server, address) = tcp(&board);
    let url = format!("http://{address}/");

    // It does hear the console.
    let control = "data:text/html,<script>console.error('heard')</script>";
    let (_, heard) = chromium(home.path(), &["--dump-dom", control]);
    assert!(heard.iter().any(|line| line.contains("heard")), "{heard:?}");

    let served = get(address, "/").body;
    let ended = AtomicBool::new(false);
    let (page, console) = thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                board.beat();
                thread::sleep(Duration::from_millis(100));
            }
        });
        let seen = chromium(home.path(), &["--dump-dom", &url]);
        ended.store(true, Ordering::Relaxed);
        seen
    });
    assert_eq!(console, [""; 0], "the console must be silent");
    let root = page.lines().find(|line| line.contains("<html")).unwrap();
    assert!(root.contains("data-updates=") && !root.contains("data-updates=\"0\""), "the script has not run: {root}");
    assert!(!root.contains("data-lost"), "{root}");

    // What the script shows is what the server wrote, but for what time changes.
    let moving = ["/uptime_seconds", "/now", "/heartbeat_age_seconds", "/outputs/1/stalled_seconds", "/problems"];
    let (before, after) = (figures(&served), figures(&page));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before.len() > 80, "{}", before.len());
    for (path, shown) in &before {
        if !moving.contains(&&**path) && !path.ends_with("age_seconds") && !path.ends_with("last_write_seconds") {
            assert_eq!(shown, &after[path], "{path}");
        }
    }
    assert_eq!(after["/lines"], "1\u{202f}234\u{202f}584");
    assert_eq!(after["/state"], "ready");
    assert_eq!(after["/found/1/times"], "112\u{202f}233");
    assert!(page.contains("Treated, by field") && page.contains("client.address: truncate"));
    assert_eq!(after["/policy/last_reload/result"], "refused");
    assert!(
        after["/problems"].contains("standard output has taken nothing for")
            && after["/problems"].contains("unknown key")
    );
    assert!(page.contains("/srv/\"quoted\" &lt;b&gt;&amp;amp;\\*.log"), "names are escaped");

    // Pictures, while lines come in: on a wide screen by day, on a narrow one by night.
    let ended = AtomicBool::new(false);
    let pictures = thread::scope(|scope| {
        scope.spawn(|| {
            let mut lines = 1_234_567;
            while !ended.load(Ordering::Relaxed) {
                board.publish(snapshot(lines));
                lines += 40_000 + lines % 13 * 900;
                thread::sleep(Duration::from_millis(250));
            }
        });
        thread::sleep(Duration::from_secs(5));
        let screens = [("status", "1280,1650", "1"), ("status-narrow", "500,2900", "0")];
        let pictures = screens.map(|(name, size, scheme)| {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("png");
            let _ = fs::remove_file(&path);
            let colours = format!("--blink-settings=preferredColorScheme={scheme}");
            let picture = format!("--screenshot={}", path.display());
            let (_, console) = chromium(home.path(), &[&picture, &colours, &format!("--window-size={size}"), &url]);
            assert_eq!(console, [""; 0]);
            path
        });
        ended.store(true, Ordering::Relaxed);
        pictures
    });
    for path in pictures {
        let png = fs::read(&path).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 30_000, "{}: {} bytes", path.display(), png.len());
    }
    let rate = get(address, "/status.json").body;
    let rate: serde_json::Value = serde_json::from_str(&rate).unwrap();
    assert!(rate["rate"]["lines"].as_f64().unwrap() > 100_000.0, "{}", rate["rate"]);
}
