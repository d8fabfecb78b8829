//! `sladd import`: from a web server's configuration to a policy that is valid and minimises what the server writes.
#![allow(clippy::unwrap_used)]

mod common;

use common::corpus;
use proptest::prelude::*;
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn import(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sladd"))
        .arg("import")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The policy of a configuration that is read without error, and the warnings.
fn imported(path: &Path) -> (String, String) {
    let out = import(&[path.to_str().unwrap()]);
    let (policy, warnings) = (text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(0), "{warnings}");
    (policy, warnings)
}

/// Configuration files in a directory of their own; the first is the main one.
fn files(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let main = directory.path().join(files[0].0);
    (directory, main)
}

fn refused(path: &Path, code: i32) -> String {
    let out = import(&[path.to_str().unwrap()]);
    let error = text(&out.stderr);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(code), 0), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    error.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[test]
fn the_sample_configurations_come_out_as_their_files_say() {
    for server in ["nginx", "apache2"] {
        let (policy, warnings) = imported(Path::new(&format!("samples/configs/{server}")));
        for (end, have) in [("toml", policy), ("warnings.txt", warnings)] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/configs/{server}.{end}"));
            if std::env::var_os("SLADD_WRITE_GOLDEN").is_some() {
                fs::write(&path, &have).unwrap();
            }
            assert_eq!(have, fs::read_to_string(&path).unwrap(), "{}", path.display());
        }
    }
}

#[test]
fn the_policies_are_valid_without_a_warning_and_minimise_what_the_servers_write() {
    for (server, lines) in [
        (
            "nginx",
            &[
                (
                    "203.0.113.77 - kari [21/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\" \"198.51.100.9\" rt=0.001",
                    "\"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\" \"198.51.100.0\" rt=0.001",
                ),
                (
                    "203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET /static/a.css HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"",
                    "203.0.113.0 - - [21/Nov/2026:10:00:00 +0100] \"GET /static/a.css HTTP/1.1\" 200 5 \"-\" \"curl/8\"",
                ),
                (
                    "{\"time\":\"2026-11-21T10:00:00+01:00\",\"client\":\"203.0.113.77\",\"uri\":\"/cart?page=2\",\"status\":200,\"cookie\":\"a=198.51.100.9\",\"session\":\"198.51.100.9\",\"device\":\"198.51.100.9\"}",
                    "\"client\":\"203.0.113.0\",\"uri\":\"/cart?page=2\",\"status\":200,",
                ),
            ][..],
        ),
        (
            "apache2",
            &[
                (
                    "shop.example.com:80 203.0.113.77 - kari [21/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"",
                    "\"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"",
                ),
                (
                    "203.0.113.77 [21/Nov/2026:10:00:00 +0100] \"GET /a?page=2\" 200 \"sid=198.51.100.9\" 198.51.100.9 \"198.51.100.9, 203.0.113.77\"",
                    "203.0.113.0 [21/Nov/2026:10:00:00 +0100] \"GET /a?page=2\" 200 \"-\" - \"198.51.100.0, 203.0.113.0\"",
                ),
                (
                    "203.0.113.77 [21/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 200 5",
                    "203.0.113.0 [21/Nov/2026:10:00:00 +0100] \"GET /a HTTP/1.1\" 200 5",
                ),
                ("203.0.113.77 200 \"Basic a2FyaToxOTguNTEuMTAwLjk=\"", "203.0.113.0 200 \"-\""),
            ][..],
        ),
    ] {
        let (written, _) = imported(Path::new(&format!("samples/configs/{server}")));
        let (parsed, findings) = sladd::Policy::parse(&written, "imported.toml");
        assert_eq!(findings, [], "{written}");
        let mut engine = common::engine(&parsed.unwrap());
        for (line, part) in lines {
            let (out, tally) = common::run(&mut engine, format!("{line}\n").as_bytes());
            let out = text(&out);
            assert_eq!((tally.minimised, tally.unmatched), (1, 0), "{line}\n{out}");
            assert!(out.contains(part), "{line}\n{out}");
            for secret in ["203.0.113.77", "198.51.100.9", "kari", "a2Fy"] {
                assert!(!out.contains(secret), "{line}\n{out}");
            }
        }
    }
}

#[test]
fn no_secret_of_a_configuration_is_shown() {
    for server in ["nginx", "apache2"] {
        let out = import(&[&format!("samples/configs/{server}"), "--output", "json"]);
        let all = text(&out.stdout) + &text(&out.stderr) + &imported(Path::new(&format!("samples/configs/{server}"))).1;
        for secret in ["c2VjcmV0", "password=", "rotatelogs", "192.0.2.1", "tag=pay", "Basic"] {
            assert!(!all.contains(secret), "{server}: {secret}");
        }
    }
}

#[test]
fn the_report_for_machines_is_one_object() {
    let out =
        import(&["samples/configs/nginx/nginx.conf", "samples/configs/apache2", "--output", "json", "--name", "both"]);
    assert_eq!((out.status.code(), out.stderr.len()), (Some(0), 0));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(sladd::Policy::parse(report["policy"].as_str().unwrap(), "x").0.is_some());
    assert_eq!(report["formats"].as_array().unwrap().len(), 8);
    let logs = report["logs"].as_array().unwrap();
    let of = |to: &str| logs.iter().filter(|log| log["to"] == to).count();
    assert_eq!((of("sladd"), of("pipe"), of("syslog"), of("off")), (2, 1, 1, 2));
    assert!(logs.iter().any(|log| log["file"] == "/var/log/nginx/static.log" && log["conditional"] == true));
    for warning in report["warnings"].as_array().unwrap() {
        assert!(warning["place"]["line"].as_u64().unwrap() >= 1, "{warning}");
        assert!(warning["remedy"].as_str().unwrap().len() >= 5, "{warning}");
    }
}

#[test]
fn the_policy_goes_to_a_file_that_is_never_overwritten_unasked() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("web.toml");
    let name = file.to_str().unwrap();
    let out = import(&["samples/configs/nginx", "-o", name]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(0), 0));
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(written, imported(Path::new("samples/configs/nginx")).0);
    let again = import(&["samples/configs/apache2", "-o", name]);
    assert_eq!(again.status.code(), Some(73));
    assert_eq!(
        text(&again.stderr),
        format!("sladd: cannot write {name}: it is there already; add --force to replace it\n")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    assert_eq!(import(&["samples/configs/apache2", "-o", name, "--force"]).status.code(), Some(0));
    assert!(fs::read_to_string(&file).unwrap().contains("name = \"apache\""));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(import(&["samples/configs/apache2", "-o", "/nonexistent/x.toml"]).status.code(), Some(73));
    assert_eq!(import(&["samples/configs/apache2", "--name", "Web 1"]).status.code(), Some(2));
}

#[test]
fn what_is_broken_is_refused_with_its_file_and_line() {
    let nginx = |content: &str| {
        let (_kept, main) = files(&[("nginx.conf", content.as_bytes())]);
        refused(&main, 65)
    };
    assert_eq!(nginx("http {\n  log_format x '$status;\n}\n"), "sladd: nginx.conf:2: a quote is not closed\n");
    assert_eq!(nginx("http {\n"), "sladd: nginx.conf:1: the block is not closed; add its `}`\n");
    assert_eq!(nginx("\n}\n"), "sladd: nginx.conf:2: `}` closes no block\n");
    assert_eq!(nginx("user x"), "sladd: nginx.conf:1: the directive does not end; add a `;`\n");
    assert_eq!(nginx(&"a {".repeat(100_000)), "sladd: nginx.conf:1: blocks stand too deep in blocks\n");
    let apache = |content: &str| {
        let (_kept, main) = files(&[("httpd.conf", content.as_bytes())]);
        refused(&main, 65)
    };
    assert_eq!(apache("\nLogFormat \"%h x\n"), "sladd: httpd.conf:2: a quote is not closed\n");
    assert_eq!(apache("<VirtualHost *>\n"), "sladd: httpd.conf:1: the section is not closed\n");
    assert_eq!(apache("</VirtualHost>\n"), "sladd: httpd.conf:1: the end of a section that is not open\n");
    assert_eq!(
        apache("<VirtualHost *>\n<If \"x\">\n</VirtualHost>\n"),
        "sladd: httpd.conf:3: the section opened in line 2 is not closed before another\n"
    );
    let (_kept, main) = files(&[("nginx.conf", b"include a.conf;"), ("a.conf", b"\ninclude nginx.conf;")]);
    let error = refused(&main, 65);
    assert_eq!(error, "sladd: cannot read nginx.conf, included at a.conf:2: it includes itself\n");
    let (_kept, main) = files(&[("httpd.conf", b"Include *.conf\n")]);
    assert!(refused(&main, 65).contains("it includes itself"));
}

#[test]
fn what_cannot_be_read_is_refused_by_its_code() {
    assert!(refused(Path::new("/nonexistent/nginx.conf"), 66).contains("there is no such file"));
    let empty = tempfile::tempdir().unwrap();
    assert!(refused(empty.path(), 66).contains("a directory without nginx.conf, apache2.conf or httpd.conf"));
    assert!(refused(Path::new("/dev/null"), 66).contains("it is no regular file"));
    assert_eq!(import(&[]).status.code(), Some(2));
    // Where the tests run as root, no file is unreadable.
    let (_kept, main) = files(&[("nginx.conf", b"include secret.conf;"), ("secret.conf", b"")]);
    fs::set_permissions(main.with_file_name("secret.conf"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(main.with_file_name("secret.conf")).is_err() {
        assert!(refused(&main, 77).contains("no permission"));
    }
}

#[test]
fn odd_bytes_tabs_line_ends_and_marks_change_nothing() {
    let nginx =
        "\u{feff}http\t{\r\n\tlog_format\tmain\t'$remote_addr $status æ';\r\n\taccess_log\t/x/a.log\tmain;\r\n}\r\n";
    let (_kept, main) = files(&[("nginx.conf", nginx.as_bytes())]);
    assert!(imported(&main).0.contains("'nginx:$remote_addr $status æ',"));
    let apache = "\u{feff}LOGFORMAT\t\"%h\t%s\"\tmine\r\ncustomlog\tlogs/x\tmine\r\n";
    let (_kept, main) = files(&[("conf/httpd.conf", apache.as_bytes())]);
    let (policy, warnings) = imported(&main);
    assert!(policy.contains("\"apache:%h\\u0009%s\","), "{policy}");
    assert!(sladd::Policy::parse(&policy, "x").0.is_some());
    assert!(warnings.contains("httpd.conf:2: warning: the access log goes to logs/x as it is"), "{warnings}");
    // Neither bytes that are no text nor what would end a comment reach the policy.
    let hostile = b"http { access_log \"/x/\xff\nname = 'evil'\x1b[31m\"; access_log off; }";
    let (_kept, main) = files(&[("nginx.conf", hostile)]);
    let (policy, warnings) = imported(&main);
    assert_eq!(sladd::Policy::parse(&policy, "x").1, [], "{policy}");
    assert!(!policy.contains("\nname = 'evil'") && !(policy + &warnings).contains('\u{1b}'));
}

#[test]
fn defaults_that_stand_nowhere_are_found() {
    let (_kept, main) = files(&[("nginx.conf", b"events {}\nhttp {\n server { listen 80; }\n}\n")]);
    let (policy, warnings) = imported(&main);
    assert!(policy.contains("'combined',"), "{policy}");
    assert!(warnings.contains("nginx.conf:2: warning: the access log goes to logs/access.log"), "{warnings}");
    assert!(warnings.contains("nginx.conf:1: warning: the error log goes to logs/error.log"), "{warnings}");
    let (_kept, main) = files(&[("httpd.conf", b"TransferLog logs/access_log\n")]);
    assert!(imported(&main).0.contains("'apache:%h %l %u %t \"%r\" %>s %b',"));
    let (_kept, main) = files(&[("nginx.conf", b"http { access_log off; }\n")]);
    assert!(imported(&main).0.contains("format = \"auto\""));
}

#[test]
fn a_format_that_takes_any_line_is_tried_last_and_warned_of() {
    let config = "http {\nlog_format body $request_body;\naccess_log /x/body.log body;\n\
                  log_format short '$remote_addr $status';\naccess_log /x/short.log short;\n}\n";
    let (_kept, main) = files(&[("nginx.conf", config.as_bytes())]);
    let (policy, warnings) = imported(&main);
    assert!(policy.find("'nginx:$remote_addr $status'").unwrap() < policy.find("'nginx:$request_body'").unwrap());
    assert!(warnings.contains("nginx.conf:2: warning: the format body takes any line for its own"), "{warnings}");
    assert!(warnings.contains("$request_body (what visitors type and upload; drop)"), "{warnings}");
    assert!(!warnings.contains("format short takes"), "{warnings}");
}

#[test]
fn what_an_error_log_format_holds_is_warned_of() {
    let config =
        "ErrorLogFormat \"[%t] [%l] %a %{Cookie}i %M\"\nErrorLogFormat request \"[%{uc}t] %M\"\nErrorLog /dev/null\n";
    let (_kept, main) = files(&[("httpd.conf", config.as_bytes())]);
    let (_, warnings) = imported(&main);
    assert!(
        warnings.contains("httpd.conf:1: warning: ErrorLogFormat logs what is personal: %a, %{Cookie}i ("),
        "{warnings}"
    );
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
}

#[test]
fn a_configuration_of_any_size_is_read_in_a_moment() {
    let log = "access_log /var/log/nginx/x.log main; log_format main '$remote_addr $status';\n".repeat(60_000);
    let (_kept, main) = files(&[("nginx.conf", format!("http {{ {log} }}").as_bytes())]);
    let begun = std::time::Instant::now();
    imported(&main);
    let define = (0..64).map(|i| format!("Define A{} ${{A{i}}}${{A{i}}}xxxxxxxx\n", i + 1)).collect::<String>();
    let unclosed = format!("CustomLog {} common\n", "${".repeat(1_000_000));
    let (_kept, main) = files(&[("httpd.conf", format!("{define}{unclosed}CustomLog ${{A64}} common\n").as_bytes())]);
    imported(&main);
    let variables: String = (0..300_000).map(|i| format!("$v{i}")).collect();
    let (_kept, main) =
        files(&[("nginx.conf", format!("http {{ log_format x '{variables}'; access_log /x x; }}").as_bytes())]);
    assert!(imported(&main).1.contains("is left out of the policy"));
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn every_directive_of_other_projects_is_imported() {
    let Some(path) = corpus("log-formats/nginx.jsonl") else { return };
    let rows: Vec<Value> =
        fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut config = String::from("http {\n");
    let mut formats = std::collections::BTreeSet::new();
    for (i, row) in rows.iter().enumerate() {
        let (escape, format) = (row["escape"].as_str().unwrap(), row["format"].as_str().unwrap());
        formats.insert((escape.to_owned(), format.to_owned()));
        let quoted = format.replace('\\', "\\\\").replace('\'', "\\'");
        config += &format!("log_format f{i} escape={escape} '{quoted}';\naccess_log /var/log/{i}.log f{i};\n");
    }
    let (_kept, main) = files(&[("nginx.conf", (config + "}\n").as_bytes())]);
    let out = import(&[main.to_str().unwrap(), "--output", "json"]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(rows.len() >= 20);
    assert_eq!(report["formats"].as_array().unwrap().len(), formats.len());
    let (policy, findings) = sladd::Policy::parse(report["policy"].as_str().unwrap(), "x");
    assert_eq!(findings, []);
    sladd::Plan::compile(&policy.unwrap()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_a_policy_or_in_one_line(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        nginx in r#"((http|server|log_format|access_log|error_log|include) |[a-z$"'{};*%\\ \n]){0,60}"#,
        apache in r#"((LogFormat|CustomLog|Include|Define|<VirtualHost|</VirtualHost) |[a-z$"'{}<>*%\\ \n]){0,60}"#,
    ) {
        for (name, content) in [("nginx.conf", &bytes[..]), ("httpd.conf", &bytes), ("nginx.conf", nginx.as_bytes()), ("httpd.conf", apache.as_bytes())] {
            let (_kept, main) = files(&[(name, content)]);
            let out = import(&[main.to_str().unwrap()]);
            let code = out.status.code().unwrap();
            prop_assert!([0, 65].contains(&code), "{}: {}", code, text(&out.stderr));
            if code == 0 {
                let policy = text(&out.stdout);
                let (parsed, _) = sladd::Policy::parse(&policy, "x");
                prop_assert!(parsed.is_some(), "{}", policy);
                prop_assert!(sladd::Plan::compile(&parsed.unwrap()).is_ok());
            }
        }
    }
}
