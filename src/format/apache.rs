//! Apache's `LogFormat` → a template.
//!
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>, with the directives of `mod_logio`, `mod_ssl` and
//! `mod_unique_id`.

use super::{
    CompileError, common,
    compile::{Dialect, Piece, Slot},
    grammar::Grammar,
    nginx::{request_header, response_header},
    template::{Shape, Template},
};
use crate::record::{Clock, Kind};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take, take_till},
    character::complete::{digit1, one_of},
    combinator::{map, opt, recognize},
    multi::many0,
    sequence::{delimited, preceded},
};
use std::borrow::Cow;

/// Compiles the text of a format (`%h %l …`), or a whole `LogFormat` or `CustomLog` directive.
///
/// # Errors
/// A directive that Apache does not know, braces that do not close, a nickname without its format.
pub fn compile(text: &str) -> Result<Template, CompileError> {
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    let name = "apache";
    let format = if word.eq_ignore_ascii_case("LogFormat") {
        let words = words(text)?;
        words.into_iter().nth(1).ok_or_else(|| {
            CompileError::new(text.len(), "`LogFormat` without a format; write `LogFormat \"format\" name`")
        })?
    } else if word.eq_ignore_ascii_case("CustomLog") {
        let words = words(text)?;
        words.into_iter().nth(2).ok_or_else(|| {
            CompileError::new(text.len(), "`CustomLog` without a format; write `CustomLog file \"format\"`")
        })?
    } else if text.contains("\\\"") {
        text.replace("\\\"", "\"")
    } else {
        text.to_owned()
    };
    if !format.contains('%') {
        return match format.as_str() {
            "common" => Ok(common::common()),
            "combined" => Ok(common::combined()),
            "vhost_combined" => Ok(common::vhost_combined()),
            _ => Err(CompileError::new(
                0,
                format!("`{format}` is a nickname, not a format; give the `LogFormat` directive that defines it"),
            )),
        }
        .map(|template| template.named(&format));
    }
    Template::compile(name, Dialect::Apache, pieces(&format)?)
}

/// The canonical name of a directive (`%h`, `%{Referer}i`) and what sort of value it holds.
///
/// ```
/// use sladd::{format::apache, record::Kind};
/// assert_eq!(apache::field("%>s"), Some(("http.response.status_code".into(), Kind::Status)));
/// assert_eq!(apache::field("%{Referer}i"), Some(("http.request.header.referer".into(), Kind::Referer)));
/// ```
pub fn field(directive: &str) -> Option<(Cow<'static, str>, Kind)> {
    let (rest, token) = token(directive).ok()?;
    match token {
        Token::Directive { argument, name } if rest.is_empty() => {
            let (name, kind, _) = known(argument, name)?;
            Some((name, kind))
        }
        Token::Directive { .. } | Token::Text(_) => None,
    }
}

/// The text of a format → its pieces.
pub(super) fn pieces(format: &str) -> Result<Vec<Piece>, CompileError> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        let at = format.len() - rest.len();
        let (behind, token) = token(rest).map_err(|_| {
            CompileError::new(at, "`%` without a directive; write `%%` for a per cent sign, and close each `{`")
        })?;
        match token {
            Token::Text(text) => pieces.push(Piece::Literal(unescape(text))),
            // `%U%q` is a target in its parts.
            Token::Directive { argument: "", name: "U" } if behind.starts_with("%q") => {
                pieces.push(Piece::Value(Slot {
                    shape: Shape::Target,
                    ..slot("url.original", Kind::Text, Grammar::Text)
                }));
                rest = &behind[2..];
                continue;
            }
            Token::Directive { argument, name: "t" } => time(argument, &mut pieces),
            Token::Directive { argument, name } => {
                let (field, kind, grammar) = known(argument, name).ok_or_else(|| {
                    CompileError::new(
                        at,
                        format!("unknown directive `%{name}`; see the list in Apache's mod_log_config"),
                    )
                })?;
                let shape = match name {
                    "r" => Shape::Request,
                    "q" => Shape::Query,
                    _ => Shape::Plain,
                };
                pieces.push(Piece::Value(Slot { shape, ..slot(&field, kind, grammar) }));
            }
        }
        rest = behind;
    }
    Ok(pieces)
}

fn slot(name: &str, kind: Kind, grammar: Grammar) -> Slot {
    Slot { name: name.into(), kind, grammar, clock: None, shape: Shape::Plain }
}

enum Token<'a> {
    Text(&'a str),
    Directive { argument: &'a str, name: &'a str },
}

/// `%` modifiers `{argument}` name, where modifiers are `<`, `>`, and a condition `!200,304`.
fn token(text: &str) -> IResult<&str, Token<'_>> {
    let argument = |text| delimited(tag("{"), take_till(|byte| byte == '}'), tag("}")).parse(text);
    let modifiers = |text| many0(alt((recognize(one_of("<>!,")), digit1))).parse(text);
    let name = |text| alt((recognize((tag("^"), take(2usize))), take(1usize))).parse(text);
    let directive = (tag("%"), modifiers, opt(argument), modifiers, name);
    alt((
        map(tag("%%"), |_| Token::Text("%")),
        map(directive, |(_, _, argument, _, name)| Token::Directive { argument: argument.unwrap_or_default(), name }),
        map(preceded(nom::combinator::not(tag("%")), take_till(|byte| byte == '%')), Token::Text),
    ))
    .parse(text)
}

/// `\n`, `\t`, `\r` and `\\` of a format's text.
fn unescape(text: &str) -> Vec<u8> {
    let mut made = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let resolved = match (byte, bytes.peek()) {
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'\\')) => Some(b'\\'),
            _ => None,
        };
        if resolved.is_some() {
            bytes.next();
        }
        made.push(resolved.unwrap_or(byte));
    }
    made
}

fn known(argument: &str, name: &str) -> Option<(Cow<'static, str>, Kind, Grammar)> {
    let plain = |name: &'static str, kind, grammar| Some((Cow::from(name), kind, grammar));
    let number = |name| plain(name, Kind::Number, Grammar::Number);
    let lower = argument.to_ascii_lowercase();
    match name {
        "a" if lower == "c" => plain("network.peer.address", Kind::Address, Grammar::Client),
        "a" | "h" => plain("client.address", Kind::Address, Grammar::Client),
        "A" => plain("network.local.address", Kind::Address, Grammar::Client),
        "b" | "B" => number("http.response.body.size"),
        "C" => Some((format!("http.request.cookie.{lower}").into(), Kind::Identifier, Grammar::Text)),
        "D" => number("http.request.duration"),
        "e" => Some((format!("process.environment_variable.{lower}").into(), Kind::Text, Grammar::Text)),
        "f" => plain("file.path", Kind::Path, Grammar::Text),
        "H" => plain("network.protocol.version", Kind::Protocol, Grammar::Protocol),
        "i" => {
            let (name, kind) = request_header(argument);
            Some((name, kind, Grammar::Text))
        }
        "I" => number("http.request.size"),
        "k" => number("connection.requests"),
        "l" => plain("user.ident", Kind::User, Grammar::Identity),
        "L" => plain("http.request.id", Kind::Identifier, Grammar::Text),
        "m" => plain("http.request.method", Kind::Method, Grammar::Token),
        "n" => Some((format!("apache.note.{lower}").into(), Kind::Text, Grammar::Text)),
        "o" => {
            let (name, kind) = response_header(argument);
            Some((name, kind, Grammar::Text))
        }
        "O" => number("http.response.size"),
        "p" if lower == "remote" => number("client.port"),
        "p" if lower == "local" => number("network.local.port"),
        "p" => number("server.port"),
        "P" if lower == "tid" => number("thread.id"),
        "P" if lower == "hextid" => plain("thread.id", Kind::Identifier, Grammar::Word),
        "P" => number("process.pid"),
        "q" => plain("url.query", Kind::Query, Grammar::Text),
        "r" => plain("http.request.line", Kind::Text, Grammar::Text),
        "R" => plain("apache.handler", Kind::Text, Grammar::Text),
        "s" => plain("http.response.status_code", Kind::Status, Grammar::Status),
        "S" => number("http.size"),
        "t" => plain("timestamp", Kind::Instant, Grammar::Text),
        "T" => number("http.request.duration"),
        "u" => plain("user.name", Kind::User, Grammar::User),
        "U" => plain("url.path", Kind::Path, Grammar::Text),
        "v" | "V" => plain("server.address", Kind::Host, Grammar::Token),
        "X" => plain("connection.status", Kind::Word, Grammar::Word),
        "^FB" => number("http.response.first_byte.duration"),
        "^FU" => number("http.request.first_byte.duration"),
        "^ti" => Some((format!("http.request.trailer.{lower}").into(), Kind::Text, Grammar::Text)),
        "^to" => Some((format!("http.response.trailer.{lower}").into(), Kind::Text, Grammar::Text)),
        "x" | "c" => Some(tls(argument, &lower)),
        _ => None,
    }
}

/// The variables of `mod_ssl`.
fn tls(variable: &str, lower: &str) -> (Cow<'static, str>, Kind, Grammar) {
    let (name, kind, grammar) = match variable {
        "SSL_PROTOCOL" | "version" => ("tls.protocol.version", Kind::Word, Grammar::Word),
        "SSL_CIPHER" | "cipher" => ("tls.cipher", Kind::Word, Grammar::Word),
        "SSL_CLIENT_S_DN" | "subjectdn" => ("tls.client.subject", Kind::User, Grammar::Text),
        "SSL_CLIENT_I_DN" | "issuerdn" => ("tls.client.issuer", Kind::User, Grammar::Text),
        "SSL_CLIENT_M_SERIAL" => ("tls.client.serial", Kind::Identifier, Grammar::Word),
        "SSL_CLIENT_CERT" => ("tls.client.certificate", Kind::Secret, Grammar::Text),
        "SSL_CLIENT_VERIFY" => ("tls.client.verify", Kind::Text, Grammar::Text),
        "SSL_SESSION_ID" => ("tls.session.id", Kind::Identifier, Grammar::Word),
        "SSL_SESSION_RESUMED" => ("tls.resumed", Kind::Word, Grammar::Word),
        "SSL_TLS_SNI" => ("tls.client.server_name", Kind::Host, Grammar::Text),
        "SSL_CIPHER_USEKEYSIZE" | "SSL_CIPHER_ALGKEYSIZE" => ("tls.cipher.bits", Kind::Number, Grammar::Number),
        "HTTPS" => ("tls.established", Kind::Word, Grammar::Word),
        _ if variable.starts_with("SSL_CLIENT_S_DN_") || variable.starts_with("SSL_CLIENT_SAN_") => {
            return (
                format!("tls.client.{}", lower.trim_start_matches("ssl_client_")).into(),
                Kind::User,
                Grammar::Text,
            );
        }
        _ if variable.starts_with("SSL_CLIENT_") => {
            return (format!("apache.{lower}").into(), Kind::Secret, Grammar::Text);
        }
        _ => return (format!("apache.{}", lower.replace(':', ".")).into(), Kind::Text, Grammar::Text),
    };
    (name.into(), kind, grammar)
}

/// `%t`, with its brackets, or `%{format}t`.
fn time(argument: &str, pieces: &mut Vec<Piece>) {
    let format = argument.strip_prefix("begin:").or(argument.strip_prefix("end:")).unwrap_or(argument);
    let value = |clock, grammar| Piece::Value(Slot { clock: Some(clock), ..slot("timestamp", Kind::Instant, grammar) });
    match format {
        "" => {
            pieces.push(Piece::Literal(b"[".to_vec()));
            pieces.push(value(Clock::Clf, Grammar::Clf));
            pieces.push(Piece::Literal(b"]".to_vec()));
        }
        "sec" => pieces.push(value(Clock::EpochSeconds, Grammar::Number)),
        "msec" => pieces.push(value(Clock::EpochMillis, Grammar::Number)),
        "usec" => pieces.push(value(Clock::EpochMicros, Grammar::Number)),
        "msec_frac" => pieces.push(value(Clock::Partial, Grammar::Fixed(3))),
        "usec_frac" => pieces.push(value(Clock::Partial, Grammar::Fixed(6))),
        "%s" => pieces.push(value(Clock::EpochSeconds, Grammar::Number)),
        "%d/%b/%Y:%H:%M:%S %z" | "%d/%b/%Y:%T %z" => pieces.push(value(Clock::Clf, Grammar::Clf)),
        _ => {
            let rfc3339 = RFC3339.contains(&format);
            let grammar = width(format).map_or(Grammar::Time, Grammar::Fixed);
            // What the form does not hold (brackets, quotes around the time) stands outside the value.
            let bare = format.trim_matches(|byte: char| !byte.is_ascii_alphanumeric() && byte != '%');
            if bare.len() == format.len() || bare.is_empty() {
                pieces.push(value(if rfc3339 { Clock::Rfc3339 } else { Clock::Partial }, grammar));
            } else {
                let start = format.find(bare).unwrap_or_default();
                pieces.push(Piece::Literal(format.as_bytes()[..start].to_vec()));
                time(bare, pieces);
                pieces.push(Piece::Literal(format.as_bytes()[start + bare.len()..].to_vec()));
            }
        }
    }
}

/// How many bytes a time in this layout has, where that is always the same (in the C locale, which Apache runs in).
fn width(format: &str) -> Option<u8> {
    let mut width = 0;
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        width += if byte == b'%' {
            match bytes.next()? {
                b'd' | b'H' | b'M' | b'S' | b'm' | b'y' | b'e' | b'I' | b'p' | b'C' | b'g' | b'U' | b'V' | b'W'
                | b'k' | b'l' => 2,
                b'a' | b'b' | b'h' | b'j' => 3,
                b'Y' | b'G' => 4,
                b'z' | b'R' => 5,
                b'T' | b'D' => 8,
                b'F' => 10,
                b'r' => 11,
                b'u' | b'w' => 1,
                _ => return None,
            }
        } else if Grammar::Time.holds(byte) {
            1
        } else {
            return None;
        };
    }
    u8::try_from(width).ok()
}

/// The words of a directive, quoted or bare, their escapes resolved as Apache resolves them.
fn words(text: &str) -> Result<Vec<String>, CompileError> {
    let joined = text.replace("\\\n", " ");
    let mut words = Vec::new();
    let mut rest = joined.trim();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
        let mut word = String::new();
        let mut chars = rest[usize::from(quote.is_some())..].char_indices().peekable();
        let mut end = None;
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' if chars.peek().is_some_and(|(_, next)| *next == '\\' || Some(*next) == quote) => {
                    word.extend(chars.next().map(|(_, next)| next));
                }
                _ if Some(char) == quote => {
                    end = Some(at + 2);
                    break;
                }
                _ if quote.is_none() && char.is_ascii_whitespace() => {
                    end = Some(at);
                    break;
                }
                _ => word.push(char),
            }
        }
        if end.is_none() && quote.is_some() {
            return Err(CompileError::new(0, "a quote is not closed; copy the whole directive"));
        }
        words.push(word);
        rest = rest[end.unwrap_or(rest.len())..].trim_start();
    }
    Ok(words)
}

const RFC3339: [&str; 10] = [
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%T%z",
    "%FT%T%z",
    "%FT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %T",
    "%F %T",
    "%Y-%m-%dT%H:%M:%S",
    "%FT%T",
    "%Y-%m-%dT%H:%M:%SZ",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    fn read(format: &str, line: &str) -> Option<Vec<String>> {
        let template = compile(format).unwrap();
        let mut record = Record::default();
        template.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let fields = &template.schema().fields;
        let shown = record.values.iter().filter(|value| value.state != State::Absent).map(|value| {
            let name = &fields[value.field as usize].name;
            let text = &line[value.span.start as usize..value.span.end as usize];
            if value.state == State::Present { format!("{name}={text}") } else { format!("{name}~") }
        });
        Some(shown.collect())
    }

    #[test]
    fn a_directive_is_read_as_apache_reads_it() {
        let line = r#"192.0.2.1 - - [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 5 "-" "curl/8""#;
        let text = r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;
        let escaped = text.replace('"', "\\\"");
        let expected = read(text, line).unwrap();
        assert_eq!(expected.len(), 11);
        for directive in [
            escaped.clone(),
            format!("LogFormat \"{escaped}\" mine"),
            format!("  logformat \"{escaped}\" mine"),
            format!("CustomLog \"|/usr/bin/sladd -o /var/log/x\" \"{escaped}\" env=!quiet"),
            format!("CustomLog logs/access.log '{text}'"),
            "CustomLog logs/access.log combined".to_owned(),
        ] {
            assert_eq!(read(&directive, line).as_ref(), Some(&expected), "{directive}");
        }
    }

    #[test]
    fn directives_have_canonical_names() {
        for (directive, name, kind) in [
            ("%h", "client.address", Kind::Address),
            ("%{c}a", "network.peer.address", Kind::Address),
            ("%!200,304{User-Agent}i", "user_agent.original", Kind::Agent),
            ("%{User-Agent}>i", "user_agent.original", Kind::Agent),
            ("%400,501{Cookie}i", "http.request.header.cookie", Kind::Cookie),
            ("%{JSESSIONID}C", "http.request.cookie.jsessionid", Kind::Identifier),
            ("%{ms}T", "http.request.duration", Kind::Number),
            ("%{remote}p", "client.port", Kind::Number),
            ("%{tid}P", "thread.id", Kind::Number),
            ("%{SSL_PROTOCOL}x", "tls.protocol.version", Kind::Word),
            ("%{SSL_CLIENT_S_DN_CN}x", "tls.client.s_dn_cn", Kind::User),
            ("%{X-Sum}^ti", "http.request.trailer.x-sum", Kind::Text),
            ("%^FB", "http.response.first_byte.duration", Kind::Number),
            ("%{UNIQUE_ID}e", "process.environment_variable.unique_id", Kind::Text),
            ("%V", "server.address", Kind::Host),
        ] {
            assert_eq!(field(directive), Some((name.into(), kind)), "{directive}");
        }
        assert_eq!(field("%Z"), None);
        assert_eq!(field("%h %l"), None);
        assert_eq!(field("h"), None);
    }

    #[test]
    fn faults_in_a_directive_say_where_and_what_to_do() {
        let error = |text: &str| compile(text).map(drop).unwrap_err();
        assert_eq!(
            error("%h %Z"),
            CompileError::new(3, "unknown directive `%Z`; see the list in Apache's mod_log_config")
        );
        assert_eq!(error("%h %{x").message, "unknown directive `%{`; see the list in Apache's mod_log_config");
        assert_eq!(
            error("%h %").message,
            "`%` without a directive; write `%%` for a per cent sign, and close each `{`"
        );
        assert_eq!(
            error("CustomLog x agent").message,
            "`agent` is a nickname, not a format; give the `LogFormat` directive that defines it"
        );
        assert_eq!(error("CustomLog x").message, "`CustomLog` without a format; write `CustomLog file \"format\"`");
        assert_eq!(error("LogFormat \"%h").message, "a quote is not closed; copy the whole directive");
    }

    #[test]
    fn times_are_read_in_the_layout_that_the_directive_gives() {
        let clock = |format: &str| {
            let template = compile(format).unwrap();
            template.schema().fields.iter().find(|field| field.kind == Kind::Instant).unwrap().clock
        };
        assert_eq!(clock("%t"), Some(Clock::Clf));
        assert_eq!(clock("%{begin:sec}t"), Some(Clock::EpochSeconds));
        assert_eq!(clock("%{end:msec}t"), Some(Clock::EpochMillis));
        assert_eq!(clock("%{usec_frac}t"), Some(Clock::Partial));
        assert_eq!(clock("%{%Y-%m-%dT%H:%M:%S%z}t"), Some(Clock::Rfc3339));
        assert_eq!(clock("%{[%d/%b/%Y:%H:%M:%S %z]}t"), Some(Clock::Clf));
        assert_eq!(clock("%{%H}t"), Some(Clock::Partial));
        assert_eq!(
            read("%{%Y-%m-%d}t %{%H:%M:%S}t.%{msec_frac}t %h", "2026-10-10 13:55:36.123 192.0.2.1").unwrap(),
            ["timestamp=2026-10-10", "timestamp=13:55:36", "timestamp=123", "client.address=192.0.2.1"]
        );
        assert_eq!(read("%{%A %d}t|%s", "Saturday 10|200").unwrap()[1], "http.response.status_code=200");
    }

    #[test]
    fn conditions_leave_a_dash() {
        let format = r#"%h %!200,304,302{Referer}i %400D %s"#;
        assert_eq!(read(format, "192.0.2.1 - - 200").unwrap().len(), 4);
        let read = read(format, "192.0.2.1 https://www.example.com/ 7 400").unwrap();
        assert_eq!(read[1], "http.request.header.referer=https://www.example.com/");
    }

    #[test]
    fn a_query_in_its_own_place_loses_its_mark() {
        assert_eq!(read("%m %U%q %H", "GET /a?b=c HTTP/1.1").unwrap()[1..3], ["url.path=/a", "url.query=b=c"]);
        assert_eq!(read("%s \"%q\"", "200 \"?b=c\"").unwrap()[1], "url.query=b=c");
        assert_eq!(read("%s \"%q\"", "200 \"\"").unwrap()[1], "url.original=");
    }

    #[test]
    fn a_per_cent_sign_and_a_tab_are_literals() {
        assert_eq!(read(r"%s%%\t%U", "200%\t/a").unwrap(), ["http.response.status_code=200", "url.path=/a"]);
    }
}
