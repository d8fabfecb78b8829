//! Layouts of fixed order: combined and its kin, with or without more behind them.

use crate::{Engines, each, gone, mutate};

#[test]
fn any_layout_in_any_state_is_counted_and_ends_as_one_line() {
    let mut engines = Engines::new();
    each("layouts", 3_000, |dice| {
        let mut lines = mutate::line(dice, 6);
        lines.push(b'\n');
        if dice.below(4) == 0 {
            lines.extend(mutate::line(dice, 3));
        }
        engines.run(&lines);
    });
}

#[test]
fn forged_fields_save_no_client() {
    let mut engines = Engines::new();
    let layouts = ["", "www.example.com:443 "];
    each("forged", 3_000, |dice| {
        let mut inside = String::from("/a");
        for _ in 0..dice.below(4) {
            inside.push_str(dice.of(&[
                " ",
                "\\\"",
                "\\x22",
                "?",
                "] \\\"",
                " HTTP/1.1\\\" 200 5",
                "/%22",
                " 1.2.3.4",
                "\\\\",
            ]));
        }
        let user = dice.of(&["-", "", "\"\"", "zqplanted", "zq planted", "zqplanted [21/Nov/2026:10:00:00 +0100]"]);
        let line = format!(
            "{}81.23.157.209 - {user} [21/Nov/2026:10:00:00 +0100] \"GET {inside} HTTP/1.1\" 200 5{}\n",
            layouts[dice.below(layouts.len())],
            ENDS[dice.below(ENDS.len())],
        );
        let out = engines.run(line.as_bytes());
        // A user's name is a field of its own wherever the layout can be read.
        gone(line.as_bytes(), &out, &["157.209", "zqplanted", "zq planted"]);
    });
}

#[test]
fn every_host_client_user_and_end_comes_out_again() {
    let mut engines = Engines::new();
    let hosts = [
        "",
        "www.example.com ",
        "www.example.com:443 ",
        "203.0.113.9 ",
        "203.0.113.9:443 ",
        "[2001:db8:1:2::9]:443 ",
        "2001:db8:1:2::9 ",
        "203-0-113-9.dyn.example.net:80 ",
        "3405803785 ",
        "- ",
    ];
    let clients = [
        "81.23.157.209",
        "2a02:2a57:7d4:1a2b::beef",
        "::ffff:81.23.157.209",
        "198.51.100.7, 203.0.113.9",
        "81-23-157-209.dyn.example.net",
        "localhost",
        "unix:",
        "-",
    ];
    let users = [
        "- -",
        "- kari",
        "- \"\"",
        "- kari nordmann",
        "ident kari",
        "-  [x]",
        "kari",
        "- p1.20261121.9f86d081884c7d65",
    ];
    let requests = [
        "GET /a?b=c HTTP/1.1",
        "-",
        "",
        "GET /kari@example.org/203.0.113.9 HTTP/1.1",
        "GET / a b",
        r"\x16\x03",
        "- - -",
    ];
    for host in hosts {
        for client in clients {
            // A client's name is withheld, and then the host may be read as a client: only a name with a port is none.
            let name = !client.contains("::") && !client.ends_with(".209") && !client.contains(", ");
            if name && !matches!(host, "" | "www.example.com:443 ") {
                continue;
            }
            for user in users {
                let mut lines = String::new();
                for (i, end) in ENDS.iter().enumerate() {
                    let request = requests[(i + user.len()) % requests.len()];
                    lines += &format!("{host}{client} {user} [21/Nov/2026:10:00:00 +0100] \"{request}\" 200 5{end}\n");
                }
                engines.run_twice(lines.as_bytes(), &ALL);
            }
        }
    }
}

#[test]
fn what_came_out_comes_out_again() {
    let mut engines = Engines::new();
    for line in mutate::samples() {
        engines.run_twice(&[line, &b"\n"[..]].concat(), &ALL);
    }
    each("again", 1_500, |dice| {
        // Under `minimal` every line is text, and what is left of two findings in broken text may look like a third.
        // And a control character keeps a line out of a layout until it is written as an escape.
        let mut line = mutate::line(dice, 2);
        line.retain(|byte| (b' '..=b'~').contains(byte));
        line.push(b'\n');
        engines.run_twice(&line, &ALL[..2]);
    });
}

const ALL: [&str; 3] = ["hosting", "strict", "minimal"];

/// What may stand behind the size.
const ENDS: [&str; 9] = [
    "",
    " \"-\" \"curl/8\"",
    " \"https://203.0.113.9/a?b\" \"x\" \"198.51.100.7\"",
    " \"-\" \"x\" 5 \"a@b.example\" 0ms",
    " 0.003",
    " \"x",
    " x \"y\"",
    " \"x\"",
    " \"-\" \"class=security_log until=2020-01-01 policy=x/1\"",
];
