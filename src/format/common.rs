//! The layouts everybody has: `common`, `combined`, both behind a virtual host, and `main` of nginx's own packages.
//!
//! They are instances of Apache's directive. nginx writes the same layouts with `-` for the identity and `\x22` for a
//! quote, which pass as well.

use super::{
    apache,
    compile::{Dialect, Piece},
    grammar::Grammar,
    template::Template,
};

/// `%h %l %u %t "%r" %>s %b`
pub fn common() -> Template {
    build("common", COMMON, false)
}

/// `common` with referer and user agent.
pub fn combined() -> Template {
    build("combined", COMBINED, false)
}

/// `combined` behind the virtual host, with or without its port.
pub fn vhost_combined() -> Template {
    build("vhost_combined", VHOST_COMBINED, true)
}

/// `common` behind the virtual host, with or without its port.
pub fn vhost_common() -> Template {
    build("vhost_common", VHOST_COMMON, true)
}

/// `combined` with the forwarded addresses behind it: the `main` of nginx's own packages.
pub fn main() -> Template {
    build("main", MAIN, false)
}

fn build(name: &str, directive: &str, host: bool) -> Template {
    let mut pieces = apache::pieces(directive).expect("a built-in directive is right");
    if host {
        // Apache has no directive of its own for a host with a port that may be missing.
        for piece in &mut pieces {
            match piece {
                Piece::Value(slot) if &*slot.name == "server.address" => slot.grammar = Grammar::Host,
                Piece::Value(slot) if &*slot.name == "client.address" => slot.grammar = Grammar::Visitor,
                Piece::Value(_) | Piece::Literal(_) => {}
            }
        }
    }
    Template::compile(name, Dialect::Apache, pieces).expect("a built-in directive compiles")
}

pub(super) const COMMON: &str = r#"%h %l %u %t "%r" %>s %b"#;
pub(super) const COMBINED: &str = r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;
const VHOST_COMBINED: &str = r#"%v %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;
const VHOST_COMMON: &str = r#"%v %h %l %u %t "%r" %>s %b"#;
const MAIN: &str = r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{X-Forwarded-For}i""#;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    /// The values that stand, as `name=value`; `name~` where it is withheld.
    fn read(template: &Template, line: &[u8]) -> Option<Vec<String>> {
        read_to(template, line, Ending::Whole)
    }

    fn read_to(template: &Template, line: &[u8], ending: Ending) -> Option<Vec<String>> {
        let mut record = Record::default();
        template.parse(line, ending, &mut record).ok()?;
        let fields = &template.schema().fields;
        assert_eq!(record.values.len(), fields.len());
        Some(
            record
                .values
                .iter()
                .filter(|value| value.state != State::Absent)
                .map(|value| {
                    let name = &fields[value.field as usize].name;
                    let text = String::from_utf8_lossy(value.span.of(line));
                    if value.state == State::Present { format!("{name}={text}") } else { format!("{name}~") }
                })
                .collect(),
        )
    }

    const LINE: &str = r#"192.0.2.1 - frank [10/Oct/2026:13:55:36 +0200] "GET /a.gif?b=c HTTP/1.1" 200 2326 "https://www.example.com/" "Mozilla/5.0 (X11)""#;

    #[test]
    fn a_combined_line_has_its_fields() {
        assert_eq!(
            read(&combined(), LINE.as_bytes()).unwrap(),
            [
                "client.address=192.0.2.1",
                "user.ident=-",
                "user.name=frank",
                "timestamp=10/Oct/2026:13:55:36 +0200",
                "http.request.method=GET",
                "url.path=/a.gif",
                "url.query=b=c",
                "network.protocol.version=HTTP/1.1",
                "http.response.status_code=200",
                "http.response.body.size=2326",
                "http.request.header.referer=https://www.example.com/",
                "user_agent.original=Mozilla/5.0 (X11)",
            ]
        );
    }

    #[test]
    fn each_layout_takes_its_own_lines_only() {
        let common_line = LINE.split(" \"http").next().unwrap();
        let vhost = format!("www.example.com:443 {LINE}");
        let main_line = format!("{LINE} \"198.51.100.7, 203.0.113.9\"");
        let vhost_common_line = format!("www.example.com:443 {common_line}");
        let layouts = [common(), combined(), vhost_combined(), main(), vhost_common()];
        for (i, line) in [common_line, LINE, &vhost, &main_line, &vhost_common_line].iter().enumerate() {
            for (j, layout) in layouts.iter().enumerate() {
                assert_eq!(read(layout, line.as_bytes()).is_some(), i == j, "{line} as {}", layout.schema().name);
            }
        }
    }

    #[test]
    fn a_virtual_host_needs_a_client_behind_it() {
        let fits = |head: &str| {
            read(&vhost_combined(), format!("{head} {}", &LINE["192.0.2.1 - frank ".len()..]).as_bytes()).is_some()
        };
        for head in [
            "www.example.com 192.0.2.1 - -",
            "www.example.com:80 2001:db8::1 - frank",
            "192.0.2.9 192.0.2.1 - -",
            "[2001:db8::9]:443 192.0.2.1 - -",
            "www.example.com 198.51.100.7, 192.0.2.1 - -",
            "www.example.com client7.example.net - -",
            "www.example.com:80 unix: - -",
            "www.example.com localhost, localhost - -",
            "www.example.com:443 - - -",
            "www.example.com:443 - - frank",
        ] {
            assert!(fits(head), "{head}");
        }
        for head in [
            "192.0.2.1 - john doe",
            "198.51.100.7, 192.0.2.1 - -",
            "unix: - -",
            "192.0.2.1 ident john doe",
            "- - -",
            "www.example.com - - frank",
            "2001:db8::1 - - -",
            "{\"a\" 192.0.2.1 - -",
        ] {
            assert!(!fits(head), "{head}");
        }
    }

    #[test]
    fn a_client_may_be_a_list_a_name_or_a_socket() {
        let client = |head: &str| {
            read(&combined(), format!("{head} {}", &LINE["192.0.2.1 - frank ".len()..]).as_bytes())
                .map(|read| read[0].clone())
        };
        for one in [
            "2001:db8::1",
            "198.51.100.7, 192.0.2.1",
            "localhost",
            "unix:",
            "-",
            "::ffff:192.0.2.1",
            "localhost, localhost",
        ] {
            assert_eq!(client(&format!("{one} - -")), Some(format!("client.address={one}")));
        }
        for head in [
            "192.0.2.1 -",
            "\"198.51.100.7\" - -",
            "Oct 10 13:55:36 host httpd: 192.0.2.1 - -",
            "www.example.com 192.0.2.1 - -",
            "192.0.2.1 localhost - -",
            "",
        ] {
            assert_eq!(client(head), None, "{head}");
        }
    }

    #[test]
    fn a_forged_line_in_the_user_stays_in_the_user() {
        let forged = r#"x [10/Oct/2026:13:55:36 +0200] \x22GET / HTTP/1.1\x22 200 1 \x22-\x22"#;
        let line = LINE.replace("frank", forged);
        assert_eq!(read(&combined(), line.as_bytes()).unwrap()[2], format!("user.name={forged}"));
        let apache = LINE.replace("frank", r#"x [10/Oct/2026:13:55:36 +0200] \"GET / HTTP/1.1\" 200 1"#);
        assert_eq!(read(&combined(), apache.as_bytes()).unwrap()[3], "timestamp=10/Oct/2026:13:55:36 +0200");
        assert!(read(&combined(), LINE.replace("frank", "x [10/Oct/2026:13:55:36 +0200]").as_bytes()).is_some());
        assert!(read(&combined(), LINE.replace("frank", "x\" [").as_bytes()).is_none());
    }

    #[test]
    fn a_user_may_hold_blanks_brackets_and_dashes_or_nothing() {
        for user in ["-", "", "john doe", "- -", "[x]", "frank [", " ", "\"\"", "a - b", r"d\\", "j\u{f8}rn"] {
            let line = LINE.replace("frank", user);
            assert_eq!(read(&combined(), line.as_bytes()).unwrap()[2], format!("user.name={user}"));
        }
    }

    #[test]
    fn an_identity_beside_a_user_with_blanks_is_ambiguous() {
        let line = LINE.replace("- frank", "ident frank");
        assert_eq!(read(&combined(), line.as_bytes()).unwrap()[1..3], ["user.ident=ident", "user.name=frank"]);
        let line = LINE.replace("- frank", "ident john doe");
        assert_eq!(
            read(&combined(), line.as_bytes()).unwrap()[1..4],
            ["user.ident~", "user.name~", "timestamp=10/Oct/2026:13:55:36 +0200"]
        );
    }

    #[test]
    fn a_hostile_request_shifts_nothing() {
        let long = "/".repeat(64 << 10);
        for request in [
            "",
            "-",
            r"\x16\x03\x01\x02",
            r#"GET /\" 200 1 \"-\" \"x HTTP/1.1"#,
            r"GET /\x22 200 1 HTTP/1.1",
            "GET http://www.example.com/a?b HTTP/1.1",
            "CONNECT www.example.com:443 HTTP/1.1",
            "GET /a b HTTP/1.1",
            "GET /a",
            "quit",
            r"GET /a\\ HTTP/1.1",
            "GET / HTTP/1.1 200 1 - x",
            "GET /[10/Oct/2026:13:55:36 +0200] HTTP/1.1",
            &long,
        ] {
            let line = LINE.replace("GET /a.gif?b=c HTTP/1.1", request);
            let read = read(&combined(), line.as_bytes()).unwrap();
            let whole: String = read[4..read.len() - 4].iter().map(|value| value.split_once('=').unwrap().1).collect();
            assert_eq!(whole.replace([' ', '?'], ""), request.replace([' ', '?'], ""));
            assert_eq!(read[read.len() - 4], "http.response.status_code=200");
            assert_eq!(read[read.len() - 1], "user_agent.original=Mozilla/5.0 (X11)");
        }
    }

    #[test]
    fn the_parity_of_backslashes_decides_where_a_quote_ends() {
        let line = LINE.replace("(X11)", r"(X11)\\");
        assert_eq!(read(&combined(), line.as_bytes()).unwrap()[11], r"user_agent.original=Mozilla/5.0 (X11)\\");
        let line = LINE.replace("(X11)", r"(X11)\");
        assert_eq!(read(&combined(), line.as_bytes()), None);
        let line = LINE.replace("(X11)", r#"(X11)\\\""#);
        assert_eq!(read(&combined(), line.as_bytes()).unwrap()[11], r#"user_agent.original=Mozilla/5.0 (X11)\\\""#);
    }

    #[test]
    fn what_is_left_over_or_missing_is_malformed() {
        for line in [
            format!("{LINE} "),
            format!("{LINE} \"x\""),
            format!(" {LINE}"),
            LINE[..LINE.len() - 1].to_owned(),
            LINE.replace(" 200 ", " 20 "),
            LINE.replace(" 200 ", " 2000 "),
            LINE.replace(" 200 ", "  "),
            LINE.replace("2326", "x"),
            LINE.replace("2326", ""),
            LINE.replace("10/Oct/2026:", "10/Oct/2026 "),
            LINE.replace("X11", "X\t11"),
            LINE.replace("X11", "X\"11"),
            String::new(),
        ] {
            assert_eq!(read(&combined(), line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn status_and_size_may_be_missing() {
        assert!(read(&combined(), LINE.replace(" 200 2326", " - -").as_bytes()).is_some());
    }

    #[test]
    fn a_cut_line_is_whole_behind_a_quote_and_cut_behind_a_number() {
        let whole = read_to(&combined(), LINE.as_bytes(), Ending::Cut).unwrap();
        assert_eq!(whole[11], "user_agent.original=Mozilla/5.0 (X11)");
        let line = LINE.split(" \"http").next().unwrap();
        assert_eq!(read_to(&common(), line.as_bytes(), Ending::Cut).unwrap()[9], "http.response.body.size~");
        assert_eq!(read_to(&combined(), line.as_bytes(), Ending::Cut), None);
    }

    #[test]
    fn a_request_or_its_whole_carries_the_literal_before_it() {
        let schema = combined().schema().clone();
        let literals: Vec<&[u8]> = schema.items[4..9].iter().map(|item| &*item.literal).collect();
        assert_eq!(literals, [b"] \"".as_slice(), b" ", b"?", b" ", b"] \""]);
        assert_eq!(&*schema.tail, b"\"");
    }
}
