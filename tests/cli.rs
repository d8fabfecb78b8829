//! The command line as a user meets it: messages, exit codes, streams.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Output, Stdio},
};

fn sladd(arguments: &[&str], input: &[u8]) -> Output {
    run(Command::new(env!("CARGO_BIN_EXE_sladd")).current_dir(env!("CARGO_MANIFEST_DIR")), arguments, input)
}

/// The user that whoever may do everything becomes, to be refused something.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// As somebody who is not root, from a directory of his.
fn as_nobody(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    if !is_root() {
        return sladd(arguments, input);
    }
    // The program may lie where nobody else can come.
    let program = directory.join("sladd");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_sladd"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    run(Command::new(program).uid(NOBODY).gid(NOBODY).current_dir(directory), arguments, input)
}

/// A directory of whoever [`as_nobody`] runs as.
fn directory_of_nobody(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn run(command: &mut Command, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const LINE: &[u8] = b"203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";

#[test]
fn without_arguments_it_is_a_pipe_under_hosting() {
    let out = sladd(&[], LINE);
    assert_eq!(code(&out), 0);
    assert_eq!(
        text(&out),
        "203.0.113.0 - - [21/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\" \"class=security_log until=2027-05-21 policy=hosting/1\"\n"
    );
    assert_eq!(text(&sladd(&["pipe"], LINE)), text(&out));
    let line = error(&out);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with("sladd: 1 lines in = 1 minimised + 0 scrubbed + 0 sealed + 0 dropped"), "{line}");
}

#[test]
fn quiet_says_nothing() {
    assert_eq!(error(&sladd(&["-q"], LINE)), "");
}

#[test]
fn the_summary_as_json_is_json() {
    let out = sladd(&["--summary", "json"], LINE);
    let summary: serde_json::Value = serde_json::from_str(&error(&out)).unwrap();
    assert_eq!(summary["lines"], 1);
    assert_eq!(summary["minimised"], 1);
}

#[test]
fn an_empty_input_is_done() {
    let out = sladd(&[], b"");
    assert_eq!((code(&out), text(&out).as_str()), (0, ""));
}

#[test]
fn binary_garbage_is_counted_and_does_not_come_out() {
    let garbage: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let out = sladd(&["--summary", "json"], &garbage);
    assert_eq!(code(&out), 0);
    assert!(out.stdout.iter().all(|&b| b == b'\n' || b == b'\t' || b == b'\r' || b >= 0x20 && b != 0x7f));
}

#[test]
fn a_directory_as_input_is_no_input() {
    let out = Command::new(env!("CARGO_BIN_EXE_sladd")).stdin(fs::File::open("/tmp").unwrap()).output().unwrap();
    assert_eq!(code(&out), 66, "{}", error(&out));
    assert!(error(&out).contains("directory"), "{}", error(&out));
}

#[test]
fn a_terminal_as_input_gets_the_help_on_stderr() {
    let script = "import os,pty,subprocess,sys\nm,s=pty.openpty()\np=subprocess.run([sys.argv[1]],stdin=s,capture_output=True)\nsys.stdout.buffer.write(p.stdout)\nsys.stderr.buffer.write(p.stderr)\nsys.exit(p.returncode)\n";
    let out = Command::new("python3").args(["-c", script, env!("CARGO_BIN_EXE_sladd")]).output().unwrap();
    assert_eq!(code(&out), 2);
    assert_eq!(text(&out), "");
    assert!(error(&out).contains("Usage: sladd") && error(&out).contains("sladd < access.log"), "{}", error(&out));
}

#[test]
fn a_missing_policy_file_is_no_input() {
    let out = sladd(&["--policy", "/nonexistent/p.toml"], LINE);
    assert_eq!(code(&out), 66);
    assert_eq!(error(&out), "sladd: cannot read policy /nonexistent/p.toml: there is no such file\n");
}

#[test]
fn an_unknown_policy_name_lists_the_built_ins() {
    let out = sladd(&["--policy", "hostign"], LINE);
    assert_eq!(code(&out), 78);
    assert!(error(&out).contains("hosting, strict, minimal"), "{}", error(&out));
}

#[test]
fn a_bad_policy_draws_its_fault_and_nothing_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.toml");
    fs::write(&path, "base = \"hosting\"\nname = \"x\"\nversion = 1\n[fields]\n\"client.address\" = { treatment = \"truncat\", v4 = 24, v6 = 48 }\n").unwrap();
    let out = sladd(&["--policy", path.to_str().unwrap()], LINE);
    assert_eq!(code(&out), 78);
    assert_eq!(text(&out), "");
    let drawn = error(&out);
    assert!(drawn.contains("truncat") && drawn.contains("truncate") && drawn.contains('^'), "{drawn}");
    let checked = sladd(&["check", path.to_str().unwrap()], b"");
    assert_eq!(code(&checked), 78);
    assert!(error(&checked).contains('^'));
}

#[test]
fn an_unknown_format_is_refused() {
    let out = sladd(&["--format", "combind"], LINE);
    assert_eq!(code(&out), 78, "{}", error(&out));
    assert!(error(&out).contains("combined"), "{}", error(&out));
    assert_eq!(text(&out), "");
}

#[test]
fn a_later_command_is_refused_by_name() {
    for word in ["subject", "report"] {
        let out = sladd(&[word], b"");
        assert_eq!(code(&out), 2);
        assert!(error(&out).contains("is not built in this version"), "{}", error(&out));
    }
    assert_eq!(code(&sladd(&["frobnicate"], b"")), 2);
}

#[test]
fn a_key_directory_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o755)).unwrap();
    let policy = directory.path().join("p.toml");
    let written = format!(
        "base = \"hosting\"\nname = \"x\"\nversion = 1\n[keys]\ndirectory = {:?}\nepoch = \"1 day\"\nkeep = \"30 days\"\n",
        keys.to_str().unwrap()
    );
    fs::write(&policy, written).unwrap();
    let line = LINE.to_vec();
    let out = sladd(&["--policy", policy.to_str().unwrap()], &line);
    assert_eq!(code(&out), 78, "{}", error(&out));
    assert!(error(&out).contains("chmod 700"), "{}", error(&out));
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).unwrap();
    let line = String::from_utf8(line).unwrap().replace(" - - ", " - kari ");
    let first = text(&sladd(&["-q", "--policy", policy.to_str().unwrap()], line.as_bytes()));
    let second = text(&sladd(&["-q", "--policy", policy.to_str().unwrap()], line.as_bytes()));
    assert!(first.contains(" p1.20261121."), "{first}");
    assert_eq!(first, second, "a key directory makes runs agree");
    let files: Vec<_> = fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(files.iter().any(|file| file.metadata().unwrap().permissions().mode() & 0o777 == 0o400));
    let memory = text(&sladd(&["-q"], line.as_bytes()));
    assert_ne!(memory, text(&sladd(&["-q"], line.as_bytes())), "keys in memory die with the process");
}

#[test]
fn fail_on_turns_counts_into_code_1() {
    let out = sladd(&["--fail-on", "malformed"], b"no format at all\n");
    assert_eq!(code(&out), 1);
    assert_eq!(code(&sladd(&["--fail-on", "malformed"], LINE)), 0);
    assert_eq!(code(&sladd(&["--policy", "strict", "--fail-on", "dropped"], b"no format at all\n")), 1);
}

#[test]
fn a_wrong_format_ends_the_run_with_65() {
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("p.toml");
    fs::write(&policy, "base = \"hosting\"\nname = \"x\"\nversion = 1\n[source]\nformat = \"combined\"\n").unwrap();
    let lines = "this is no combined line\n".repeat(30_000);
    let out = sladd(&["--policy", policy.to_str().unwrap()], lines.as_bytes());
    assert_eq!(code(&out), 65, "{}", error(&out));
}

#[test]
fn a_reader_that_goes_away_is_the_end_without_a_word() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let writer = std::thread::spawn(move || while input.write_all(&LINE.repeat(1000)).is_ok() {});
    output.read_exact(&mut [0; 100]).unwrap();
    drop(output);
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!((code(&out), error(&out).as_str()), (0, ""));
}

#[test]
fn output_files_are_0640_and_no_symlink_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.log");
    for _ in 0..2 {
        assert_eq!(code(&sladd(&["-q", "-o", file.to_str().unwrap()], LINE)), 0);
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2, "it appends");
    let target = directory.path().join("target");
    fs::write(&target, "untouched").unwrap();
    let link = directory.path().join("link.log");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let out = sladd(&["-q", "-o", link.to_str().unwrap()], LINE);
    assert_eq!(code(&out), 73, "{}", error(&out));
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
}

#[test]
fn no_input_byte_is_in_any_message() {
    let canary = "203.0.113.177 zqcanaryqz kari@example.org\n";
    for arguments in
        [&["--policy", "strict"][..], &["--format", "combined"], &["--encode", "json"], &["--fail-on", "malformed"]]
    {
        let said = error(&sladd(arguments, canary.repeat(40).as_bytes()));
        assert!(!said.contains("zqcanaryqz") && !said.contains("113.177") && !said.contains("kari"), "{said}");
    }
}

#[test]
fn check_explain_and_test_answer() {
    for name in ["hosting", "strict", "minimal"] {
        assert_eq!(code(&sladd(&["check", name], b"")), 0);
        let rows = text(&sladd(&["explain", "--policy", name], b""));
        let field = if name == "minimal" { "message" } else { "client.address" };
        assert!(rows.contains(field), "{rows}");
        let shown = text(&sladd(&["policy", "show", name], b""));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shown.toml");
        fs::write(&file, shown).unwrap();
        let checked = sladd(&["check", file.to_str().unwrap()], b"");
        assert_eq!(code(&checked), 0, "{}", error(&checked));
    }
    assert!(text(&sladd(&["check", "minimal"], b"")).len() > 40);
    let tested = sladd(&["test", "samples/policies/no-users.toml"], b"");
    assert_eq!((code(&tested), text(&tested).as_str()), (0, "2 passed, 0 failed\n"));
}

#[test]
fn explain_says_what_a_policy_gives_as_its_reasons() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("reasons.toml");
    let policy = r#"base = "hosting"
name = "reasons"
version = 1
[source]
format = "nginx:$remote_addr $host $request_uri $args $msg $http_cookie"
[fields]
"client.address" = { treatment = "truncate", v4 = 20, v6 = 44 }
"server.address" = { treatment = "keep", reason = "our own hosts" }
"url.query" = { treatment = "query", keep = ["shop"], pseudonym = ["till"] }
"nginx.msg" = { treatment = "scrub", kinds = ["email", "token"] }
[exempt]
networks = ["10.0.0.0/8", "2001:db8:9::/48"]
reason = "monitoring"
"#;
    fs::write(&file, policy).unwrap();
    let out = sladd(&["explain", "--policy", file.to_str().unwrap()], b"");
    let rows = text(&out);
    for part in [
        "for it is our own hosts",
        "; shop kept; till pseudonymised",
        "free text, only email, token replaced  ",
        "addresses cut to /20 and /44",
        "Addresses of 10.0.0.0/8, 2001:db8:9::/48 are exempt (monitoring)",
    ] {
        assert!(rows.contains(part), "{part} is not in\n{rows}{}", error(&out));
    }
    assert!(!text(&sladd(&["explain"], b"")).contains("exempt"));
}

#[test]
fn explain_shows_what_stands_around_a_line_and_the_messages_of_programs() {
    let rows = text(&sladd(&["explain"], b""));
    for part in [
        "envelope cri, around a line of any format above",
        "envelope syslog, around a line of any format above",
        "  log.syslog.structured_data  free text",
        "  sshd       class login_history (6 months, for security on legitimate_interest)\n",
        "  postfix    class security_log (6 months, for security on legitimate_interest)\n",
    ] {
        assert_eq!(rows.matches(part).count(), 1, "{part} in\n{rows}");
    }
    assert!(rows.contains("  email.from.address         keyed pseudonym"), "{rows}");
    // A layout of one server has neither.
    let rows = text(&sladd(&["explain", "--format", "combined"], b""));
    assert!(!rows.contains("envelope") && !rows.contains("sshd"), "{rows}");
}

#[test]
fn a_format_that_was_typed_ends_the_run_where_hardly_a_line_fits_it() {
    let lines = "nothing of it\n".repeat(11_000);
    let run = sladd(&["--format", "combined"], lines.as_bytes());
    assert_eq!(code(&run), 65, "{}", error(&run));
    assert!(error(&run).contains("do not fit the format, the limit is 20 %"), "{}", error(&run));
    assert_eq!(code(&sladd(&["--format", "combined", "--format", "auto"], lines.as_bytes())), 0);
    assert_eq!(code(&sladd(&["--format", "text"], lines.as_bytes())), 0);
}

#[test]
fn check_says_once_what_several_formats_leave_unnamed() {
    let said = text(&sladd(&["check", "hosting"], b""));
    assert!(said.contains("json, logfmt: ") && said.contains("every field is named in\n  vhost_combined, "), "{said}");
    for part in ["cloud.resource_id", "x-powered-by", "haproxy_http", "sshd", "syslog"] {
        assert_eq!(said.matches(part).count(), 1, "{part} in\n{said}");
    }
}

#[test]
fn explain_line_shows_originals_only_when_asked() {
    let hidden = text(&sladd(&["explain", "--line"], LINE));
    assert!(hidden.contains("203.0.113.0") && !hidden.contains("203.0.113.77"), "{hidden}");
    let shown = text(&sladd(&["explain", "--line", "--show-original"], LINE));
    assert!(shown.contains("203.0.113.77"), "{shown}");
}

#[test]
fn man_pages_and_completions_are_written() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(code(&sladd(&["generate", "man", directory.path().to_str().unwrap()], b"")), 0);
    for page in ["sladd.1", "sladd-pipe.1", "sladd-check.1", "sladd.toml.5"] {
        assert!(directory.path().join(page).exists(), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&sladd(&["generate", "completions", shell], b"")).contains("sladd"));
    }
}

#[test]
fn version_names_the_commit() {
    let said = text(&sladd(&["--version"], b""));
    assert!(said.starts_with("sladd 0.1.0 (") && said.trim_end().ends_with(')'), "{said}");
}

#[test]
fn a_long_line_is_minimised_up_to_the_limit_and_the_next_one_is_right() {
    let mut lines =
        format!("203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET /{} HTTP/1.1\" 200 5\n", "a".repeat(300_000))
            .into_bytes();
    lines.extend_from_slice(LINE);
    let out = sladd(&["--summary", "json"], &lines);
    let text = text(&out);
    assert_eq!(text.lines().count(), 2);
    assert!(text.lines().all(|line| line.starts_with("203.0.113.0 ")), "{}", &text[..100]);
    assert!(text.lines().nth(1).unwrap().ends_with("policy=hosting/1\""));
    let summary: serde_json::Value = serde_json::from_str(&error(&out)).unwrap();
    assert_eq!((&summary["lines"], &summary["cut"]), (&2.into(), &1.into()));
}

#[test]
fn a_file_as_argument_is_told_where_to_stand() {
    let out = sladd(&["samples/logs/nginx-combined.log"], b"");
    assert_eq!((code(&out), text(&out).as_str()), (2, ""));
    assert!(error(&out).contains("sladd < samples/logs/nginx-combined.log"), "{}", error(&out));
}

#[test]
fn an_unreadable_input_and_a_full_output_are_74_and_say_which() {
    let unreadable = fs::File::options().write(true).open("/dev/null").unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_sladd")).arg("-q").stdin(unreadable).output().unwrap();
    assert_eq!(code(&out), 74);
    assert!(error(&out).starts_with("sladd: cannot read standard input: "), "{}", error(&out));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let log = fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/logs/nginx-combined.log")).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_sladd")).arg("-q").stdin(log).stdout(full).output().unwrap();
    assert_eq!(code(&out), 74);
    assert!(error(&out).starts_with("sladd: cannot write standard output: No space left"), "{}", error(&out));
}

#[test]
fn a_policy_that_cannot_be_read_as_text_has_its_message_and_code() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.toml");
    fs::write(&path, b"name = \"\xff\"\n").unwrap();
    let out = sladd(&["check", path.to_str().unwrap()], b"");
    assert_eq!(code(&out), 78);
    assert!(error(&out).contains("UTF-8"), "{}", error(&out));
    let out = sladd(&["--policy", directory.path().join("").to_str().unwrap()], LINE);
    assert_eq!(code(&out), 66);
    assert!(error(&out).contains("it is a directory"), "{}", error(&out));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let out = as_nobody(directory.path(), &["check", path.to_str().unwrap()], b"");
    assert_eq!(code(&out), 77, "{}", error(&out));
    assert!(error(&out).contains("no permission"), "{}", error(&out));
}

#[test]
fn who_may_not_write_keys_or_output_is_told_with_77() {
    let directory = tempfile::tempdir().unwrap();
    let (keys, closed) = (directory.path().join("keys"), directory.path().join("closed"));
    directory_of_nobody(&keys, 0o500);
    directory_of_nobody(&closed, 0o500);
    let policy = directory.path().join("keys.toml");
    let text = format!("base = \"hosting\"\nname = \"t\"\nversion = 1\n[keys]\ndirectory = {keys:?}\n");
    fs::write(&policy, text).unwrap();
    let run = |arguments: &[&str]| as_nobody(directory.path(), arguments, LINE);
    let out = run(&["-q", "--policy", policy.to_str().unwrap()]);
    assert_eq!((code(&out), out.stdout.len()), (77, 0), "{}", error(&out));
    assert!(error(&out).contains("run sladd as the owner of the key directory"), "{}", error(&out));
    let file = closed.join("out.log");
    let out = run(&["-q", "-o", file.to_str().unwrap()]);
    assert_eq!((code(&out), out.stdout.len()), (77, 0), "{}", error(&out));
    // Where it may, it does.
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).unwrap();
    let out = run(&["-q", "--policy", policy.to_str().unwrap()]);
    assert_eq!(code(&out), 0, "{}", error(&out));
    let is_key = |path: &Path| path.extension().is_some_and(|end| end == "key");
    assert!(fs::read_dir(&keys).unwrap().any(|file| is_key(&file.unwrap().path())));
}

#[test]
fn an_output_that_cannot_be_created_is_73() {
    for path in ["/nonexistent/out.log", "/tmp", "/dev/null"] {
        let out = sladd(&["-q", "-o", path], LINE);
        assert_eq!((code(&out), text(&out).as_str()), (73, ""), "{}", error(&out));
        assert!(error(&out).starts_with("sladd: cannot write `"), "{}", error(&out));
    }
}

#[test]
fn explain_has_no_row_for_the_keys_of_json() {
    let out = text(&sladd(&["explain", "--line", "--format", "json"], b"{\"status\":200,\"note\":\"x\"}\n"));
    assert!(
        out.contains("http.response.status_code  200") && !out.contains("*key") && !out.contains("*known"),
        "{out}"
    );
}

#[test]
fn what_is_packed_is_refused_by_its_first_bytes_and_nothing_of_it_is_written() {
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&LINE.repeat(1000)).unwrap();
        encoder.finish().unwrap()
    };
    for (input, remedy) in [
        (&gzip[..], "zcat access.log.gz"),
        (b"\x28\xb5\x2f\xfd\x04\x00\n\nx\n", "zstdcat access.log.zst"),
        (b"BZh91AY&SY\n\n", "bzcat access.log.bz2"),
        (b"\xfd7zXZ\0\n\n", "xzcat access.log.xz"),
        (b"PK\x03\x04\x14\0\n\n", "unzip -p logs.zip"),
        (b"\xff\xfe2\x000\x003\0.\0\n\0", "iconv -f UTF-16 -t UTF-8 access.log"),
    ] {
        for (arguments, command) in
            [(&[][..], "sladd"), (&["pipe", "-q"], "sladd"), (&["explain", "--line"], "sladd explain --line")]
        {
            let out = sladd(arguments, input);
            assert_eq!((code(&out), text(&out)), (65, String::new()), "{remedy}");
            let said = error(&out);
            assert!(said.contains(&format!("not lines of a log; unpack it, as in `{remedy} | {command}`")), "{said}");
        }
    }
    // A mark that does not come whole is text.
    for input in [&b"BZh9 says x\n"[..], b"PK\x03", b"\x1f"] {
        assert_eq!(code(&sladd(&[], input)), 0);
        assert_eq!(code(&sladd(&["explain", "--line"], input)), 0);
    }
}

#[test]
fn a_mark_that_comes_byte_by_byte_is_known_too() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for byte in b"\x28\xb5\x2f\xfd" {
        stdin.write_all(&[*byte]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // The run ends though the input does not.
    let out = child.wait_with_output().unwrap();
    assert_eq!((code(&out), text(&out)), (65, String::new()));
    drop(stdin);
}

#[test]
fn a_line_in_parts_whose_end_never_comes_is_not_lost() {
    for (input, last) in [
        ("2026-11-21T10:00:00Z stdout P seen 203.0.113.77 with\n", "2026-11-21T10:00:00Z stdout F seen 203.0.113.0"),
        ("2026-11-21T10:00:00Z stdout P seen 203.0.113.77 with", "2026-11-21T10:00:00Z stdout F seen 203.0.113.0"),
    ] {
        for guard in [&[][..], &["--guard"]] {
            let arguments = [&["--summary", "json"], guard].concat();
            let out = sladd(&arguments, input.as_bytes());
            let said = text(&out);
            assert!(said.lines().last().unwrap().starts_with(&format!("{last} \"class=")), "{said}");
            let summary: serde_json::Value = serde_json::from_str(&error(&out)).unwrap();
            assert_eq!((&summary["lines"], &summary["minimised"], &summary["cut"]), (&1.into(), &1.into(), &1.into()));
        }
    }
}

#[test]
fn each_line_is_answered_where_a_reply_is_asked_for() {
    let line = b" 203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n\n";
    let out = sladd(&["--reply", "rsyslog-json"], line);
    // Whoever asks so takes what is said on standard error for an answer.
    assert_eq!((code(&out), error(&out)), (0, String::new()));
    let said = text(&out);
    let answers: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 2);
    let message = answers[0]["msg"].as_str().unwrap();
    assert!(message.starts_with(" 203.0.113.0 - - [21/Nov/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 200 5"), "{message}");
    assert!(answers.iter().all(|answer| answer["$!"]["sladd"] == "minimised"));
    let out = sladd(&["--reply", "rsyslog-json", "--policy", "minimal"], b"\n");
    assert_eq!(text(&out), "{\"msg\":\"\",\"$!\":{\"sladd\":\"dropped\"}}\n");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.log").display().to_string();
    // A line in parts is whole with its last, and what waits at the end is written.
    let parts = b"2026-11-21T10:00:00Z stdout P from 203.0.\n2026-11-21T10:00:00Z stdout F 113.77\n\
                  2026-11-21T10:00:00Z stdout P more of 203.0.113.78 or\n";
    let out = sladd(&["-q", "--encode", "json", "--reply", "ok", "--output", &path], parts);
    assert_eq!((code(&out), text(&out)), (0, "OK\n".repeat(4)));
    let written = std::fs::read_to_string(&path).unwrap();
    let written: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> = written.iter().map(|record| record["message"].as_str().unwrap()).collect();
    let messages: Vec<&str> = messages.into_iter().filter(|message| !message.is_empty()).collect();
    assert_eq!(messages, ["from 203.0.113.0", "more of 203.0.113.0"]);

    for (arguments, says) in [
        (&["--reply", "ok"][..], "say where, with --output FILE"),
        (&["--reply", "rsyslog-json", "--output", &path], "leave --output out"),
        (&["--reply", "ok", "--output", &path, "--on-stall", "shed"], "cannot be used with"),
    ] {
        let out = sladd(arguments, b"");
        assert!(code(&out) == 2 && error(&out).contains(says), "{}", error(&out));
    }
}
