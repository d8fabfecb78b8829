//! Line → record. One family of formats per file.
//!
//! Comes in: one line without its end and without a tag of ours. Goes out: spans of values, or [`Malformed`].
//! A parser knows nothing of policies, treatments or outputs; it never allocates once warm, and it is anchored at both
//! ends: what it does not account for makes the line malformed. The smallest example to copy is `common.rs`.

pub mod apache;
pub mod apache_error;
pub mod aws;
pub mod cef;
pub mod common;
mod compile;
pub mod envelope;
pub mod envoy;
pub mod export;
pub mod extended;
mod grammar;
pub mod haproxy;
pub mod ingress;
pub mod json;
mod literal;
pub mod logfmt;
pub mod message;
pub mod nginx;
pub mod nginx_error;
pub mod preset;
pub(crate) mod request;
mod seek;
pub mod servers;
mod soft;
pub mod squid;
pub mod template;
pub mod text;
pub mod traefik;
mod usual;
pub mod variants;
pub mod w3c;

use crate::record::{Clock, Item, Proven, Record, Schema, Seen, Sight, Syntax};
use extended::{Extended, Last};
use std::fmt;
use usual::Usual;

/// A line that does not fit the format. Holds no byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where, in bytes from the start of the line.
    pub at: u32,
    /// What should have stood there.
    pub expected: &'static str,
}

/// Whether the line's end is known to be the end that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A line feed followed.
    Whole,
    /// The input ended, or the line was longer than the limit: its last value may be half a value.
    Cut,
}

/// Cuts lines of one format into values.
pub trait Parse {
    /// The fields and the layout.
    fn schema(&self) -> &Schema;

    /// Fills `record` from `line`.
    ///
    /// On an error the record's content is unspecified. A value that reaches the end of a [`Ending::Cut`] line is
    /// marked `State::Cut`.
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed>;
}

/// A format, ready to parse.
#[derive(Clone, Debug)]
pub enum Format {
    /// Apache's error log.
    ApacheError(apache_error::ApacheError),
    /// Pairs behind values between bars.
    Cef(cef::Cef),
    /// A layout of fixed order with free text behind it.
    Extended(Extended),
    /// A line of an entry in the journal's export format.
    Export(export::Export),
    /// One JSON object a line.
    Json(json::Json),
    /// Messages of one program.
    Message(message::Message),
    /// nginx's error log.
    NginxError(nginx_error::NginxError),
    /// Pairs.
    Logfmt(logfmt::Logfmt),
    /// One of several layouts that share their fields.
    Preset(preset::Preset),
    /// A layout of fixed order.
    Template(template::Template),
    /// A line of which nothing is known.
    Text(text::Text),
    /// Columns that a header line names.
    W3c(w3c::W3c),
}

impl Format {
    /// Whether it accounts for every byte of a line; the others have a place where anything may stand.
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Format::Cef(_)
            | Format::Export(_)
            | Format::Json(_)
            | Format::Logfmt(_)
            | Format::Preset(_)
            | Format::Template(_)
            | Format::W3c(_) => true,
            Format::ApacheError(_)
            | Format::Extended(_)
            | Format::Message(_)
            | Format::NginxError(_)
            | Format::Text(_) => false,
        }
    }
}

impl Format {
    /// Whether every line of it holds a time as Apache and nginx write it, in brackets and with a quote behind them: a line
    /// without one need not be tried.
    pub(crate) fn holds_clf(&self) -> bool {
        let schema = self.schema();
        let is_clf = |field: u16| schema.fields[field as usize].clock == Some(Clock::Clf);
        (0..=schema.more.len() as u16).all(|layout| {
            let (items, _) = schema.layout(layout);
            let open = |item: &Item| is_clf(item.field) && item.literal.ends_with(b"[");
            items.windows(2).any(|pair| open(&pair[0]) && pair[1].literal.starts_with(b"] \""))
        })
    }
}

impl Format {
    /// Whether a line of it may begin with this byte. `true` says nothing.
    pub(crate) fn begins_with(&self, byte: u8) -> bool {
        match self {
            Format::ApacheError(_) => byte == b'[',
            Format::Cef(_) => byte == b'C',
            Format::Extended(extended) => extended.begins_with(byte),
            // Blanks may stand before the brace.
            Format::Json(_) => byte == b'{' || byte <= b' ',
            Format::Message(message) => message.begins_with(byte),
            Format::NginxError(_) => byte.is_ascii_digit(),
            Format::Preset(preset) => preset.begins_with(byte),
            Format::Template(template) => template.begins_with(byte),
            Format::Export(_) | Format::Logfmt(_) | Format::Text(_) | Format::W3c(_) => true,
        }
    }

    /// Whether a line of it may end with this byte. `true` says nothing.
    pub(crate) fn ends_with(&self, byte: u8) -> bool {
        match self {
            Format::Preset(preset) => preset.ends_with(byte),
            Format::Template(template) => template.ends_with(byte),
            Format::ApacheError(_)
            | Format::Cef(_)
            | Format::Export(_)
            | Format::Extended(_)
            | Format::Json(_)
            | Format::Logfmt(_)
            | Format::Message(_)
            | Format::NginxError(_)
            | Format::Text(_)
            | Format::W3c(_) => true,
        }
    }
}

/// Finds out about a line what several formats ask, when the first of them does.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    line: &'a [u8],
    clf: Option<bool>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(line: &'a [u8]) -> Asked<'a> {
        Asked { line, clf: None }
    }

    /// Whether it holds a time as Apache and nginx write it, in brackets and with a quote behind them.
    #[inline]
    pub(crate) fn holds_clf(&mut self) -> bool {
        *self.clf.get_or_insert_with(|| grammar::holds_clf(self.line))
    }
}

impl Parse for Format {
    fn schema(&self) -> &Schema {
        match self {
            Format::ApacheError(error) => error.schema(),
            Format::Export(export) => export.schema(),
            Format::Extended(extended) => extended.schema(),
            Format::Cef(cef) => cef.schema(),
            Format::Json(json) => json.schema(),
            Format::Message(message) => message.schema(),
            Format::NginxError(error) => error.schema(),
            Format::Logfmt(logfmt) => logfmt.schema(),
            Format::Preset(preset) => preset.schema(),
            Format::Template(template) => template.schema(),
            Format::Text(text) => text.schema(),
            Format::W3c(w3c) => w3c.schema(),
        }
    }

    #[inline]
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        match self {
            Format::ApacheError(error) => error.parse(line, ending, record),
            Format::Export(export) => export.parse(line, ending, record),
            Format::Extended(extended) => extended.parse(line, ending, record),
            Format::Cef(cef) => cef.parse(line, ending, record),
            Format::Json(json) => json.parse(line, ending, record),
            Format::Message(message) => message.parse(line, ending, record),
            Format::NginxError(error) => error.parse(line, ending, record),
            Format::Logfmt(logfmt) => logfmt.parse(line, ending, record),
            Format::Preset(preset) => preset.parse(line, ending, record),
            Format::Template(template) => template.parse(line, ending, record),
            Format::Text(text) => text.parse(line, ending, record),
            Format::W3c(w3c) => w3c.parse(line, ending, record),
        }
    }
}

impl Format {
    /// What is known of the value at a place of its layout in lines that [`Format::read_sight`] took.
    pub(crate) fn proven(&self, at: u16) -> Option<Proven> {
        self.sees().then(|| Usual::proven(at)).flatten()
    }

    /// Whether it may read lines by sight.
    pub(crate) fn sees(&self) -> bool {
        self.look().is_some()
    }

    /// How lines of it look that it may read by sight.
    pub(crate) fn look(&self) -> Option<Look> {
        match self {
            Format::Extended(extended) => extended.look(),
            Format::Template(template) => {
                let usual = template.usual.filter(|usual| usual.sees())?;
                Some(Look { quotes: usual.quotes(), behind: false })
            }
            Format::ApacheError(_)
            | Format::Cef(_)
            | Format::Export(_)
            | Format::Json(_)
            | Format::Logfmt(_)
            | Format::Message(_)
            | Format::NginxError(_)
            | Format::Preset(_)
            | Format::Text(_)
            | Format::W3c(_) => None,
        }
    }

    /// Whether it refuses every line that another format reads by sight, of this look: JSON begins with a brace, a layout with
    /// a host in front does not begin as those lines do, and the usual ones end where they end.
    pub(crate) fn refuses_seen(&self, look: Look) -> bool {
        match self {
            Format::Extended(extended) => extended.refuses_seen(look),
            Format::Json(_) => true,
            Format::Preset(preset) => BESIDE_USUAL.contains(&&*preset.schema().name),
            Format::Template(template) => {
                template.hosted
                    || template.usual.is_some_and(|usual| look != Look { quotes: usual.quotes(), behind: false })
            }
            Format::ApacheError(_)
            | Format::Cef(_)
            | Format::Export(_)
            | Format::Logfmt(_)
            | Format::Message(_)
            | Format::NginxError(_)
            | Format::Text(_)
            | Format::W3c(_) => false,
        }
    }

    /// Fills `record` from a whole line of which the sight is known, with nothing behind its layout ([`Look::behind`]). `None`
    /// says nothing: [`Parse::parse`] must decide.
    #[inline]
    pub(crate) fn read_sight(&self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        match self {
            Format::Template(template) => template.read_sight(line, sight, record),
            Format::ApacheError(_)
            | Format::Cef(_)
            | Format::Export(_)
            | Format::Extended(_)
            | Format::Json(_)
            | Format::Logfmt(_)
            | Format::Message(_)
            | Format::NginxError(_)
            | Format::Preset(_)
            | Format::Text(_)
            | Format::W3c(_) => None,
        }
    }

    /// The same of a line with more behind its layout.
    #[inline(never)]
    pub(crate) fn read_sight_behind(&self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        match self {
            Format::Extended(extended) => extended.read_sight(line, sight, record),
            Format::ApacheError(_)
            | Format::Cef(_)
            | Format::Export(_)
            | Format::Json(_)
            | Format::Logfmt(_)
            | Format::Message(_)
            | Format::NginxError(_)
            | Format::Preset(_)
            | Format::Template(_)
            | Format::Text(_)
            | Format::W3c(_) => None,
        }
    }
}

/// How a line looks that may be read by sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// How many quotes it has.
    pub(crate) quotes: usize,
    /// Whether a blank and more stand behind the last value that its layout knows.
    pub(crate) behind: bool,
}

/// Formats that refuse every line that is read by sight, `client - - [time] "request" status size` and texts or one word
/// behind it: HAProxy's times have another width, and the others have one word between client and time, three of them
/// in front of two dashes, or more than one word behind the last quote.
const BESIDE_USUAL: [&str; 6] =
    ["haproxy_http", "haproxy_tcp", "traefik", "ingress_nginx", "combined_forwarded", "combined_short"];

/// A format that cannot be compiled. It shows the configuration's own text, never a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Where, in bytes from the start of what was given.
    pub at: usize,
    /// What is wrong and the remedy: lower-case, no full stop.
    pub message: String,
}

impl CompileError {
    fn new(at: usize, message: impl Into<String>) -> CompileError {
        CompileError { at, message: message.into() }
    }

    fn behind(self, bytes: usize) -> CompileError {
        CompileError { at: self.at + bytes, ..self }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CompileError {}

/// The format that a policy or a flag names: `combined`, `nginx:$remote_addr - …`, `apache:%h %l …`, or a whole
/// `log_format`, `LogFormat` or `CustomLog` directive as the server's own configuration has it.
///
/// ```
/// use sladd::{format::{self, Parse}, record::Record};
/// let format = format::named("nginx:$remote_addr $status")?;
/// assert_eq!(&*format.schema().fields[0].name, "client.address");
/// let mut record = Record::default();
/// assert!(format.parse(b"192.0.2.1 200", format::Ending::Whole, &mut record).is_ok());
/// # Ok::<(), sladd::format::CompileError>(())
/// ```
pub fn named(name: &str) -> Result<Format, CompileError> {
    if let Some(text) = name.strip_prefix("nginx:") {
        return nginx::compile(text).map(Format::Template).map_err(|error| error.behind("nginx:".len()));
    }
    if let Some(text) = name.strip_prefix("apache:") {
        return apache::compile(text).map(Format::Template).map_err(|error| error.behind("apache:".len()));
    }
    let word = name.trim_start();
    let word = &word[..word.find(|byte: char| byte.is_ascii_whitespace()).unwrap_or(word.len())];
    if word == "log_format" {
        return nginx::compile(name).map(Format::Template);
    }
    if word.eq_ignore_ascii_case("LogFormat") || word.eq_ignore_ascii_case("CustomLog") {
        return apache::compile(name).map(Format::Template);
    }
    match name {
        "combined" | "nginx" | "apache" => Ok(Format::Template(common::combined())),
        "common" | "clf" => Ok(Format::Template(common::common())),
        "vhost_combined" | "vcombined" => Ok(Format::Template(common::vhost_combined())),
        "vhost_common" => Ok(Format::Template(common::vhost_common())),
        "main" => Ok(Format::Template(common::main())),
        "gunicorn" | "litespeed" | "varnish" => Ok(Format::Template(common::combined().named(name))),
        "cef" => Ok(Format::Cef(cef::Cef::new())),
        "logfmt" => Ok(Format::Logfmt(logfmt::Logfmt::new())),
        "alb" => Ok(Format::Preset(aws::alb())),
        "elb" => Ok(Format::Preset(aws::elb())),
        "envoy" => Ok(Format::Preset(envoy::envoy())),
        "haproxy_http" | "haproxy" => Ok(Format::Preset(haproxy::http())),
        "haproxy_tcp" => Ok(Format::Preset(haproxy::tcp())),
        "ingress_nginx" => Ok(Format::Preset(ingress::ingress_nginx())),
        "istio" => Ok(Format::Preset(envoy::istio())),
        "lighttpd" => Ok(Format::Preset(servers::lighttpd())),
        "s3" => Ok(Format::Preset(aws::s3())),
        "squid" => Ok(Format::Preset(squid::squid())),
        "tomcat" => Ok(Format::Preset(servers::tomcat())),
        "combined_forwarded" => Ok(Format::Preset(variants::combined_forwarded())),
        "combined_short" => Ok(Format::Preset(variants::combined_short())),
        "traefik" => Ok(Format::Preset(traefik::traefik())),
        "combined_extended" => Ok(combined_extended()),
        "common_extended" => Ok(common_extended()),
        "json" | "ndjson" | "docker" | "journald" | "caddy" => Ok(Format::Json(json::Json::new())),
        "ecs" | "gelf" | "loki" | "otlp" => Ok(Format::Json(json::Json::new().of(name, Syntax::Json))),
        "text" => Ok(text()),
        "nginx_error" => Ok(Format::NginxError(nginx_error::NginxError::new())),
        "apache_error" => Ok(Format::ApacheError(apache_error::ApacheError::new())),
        "w3c" | "iis" | "cloudfront" => Ok(Format::W3c(w3c::W3c::new())),
        _ => match message::Message::named(name) {
            Some(message) => Ok(Format::Message(message)),
            None => Err(unknown(name)),
        },
    }
}

/// The layouts that `auto` tries, in order of rank: those behind a virtual host before those without, for a host may be
/// taken for a client; and those that account for every byte before those with free text behind them. Every line fits
/// `text`, so that it is not among them.
pub fn auto() -> Vec<Format> {
    let vhost_combined = Extended::new("vhost_combined_extended", common::vhost_combined(), Last::Agent);
    let vhost_common = Extended::new("vhost_common_extended", common::vhost_common(), Last::Size);
    let mut all = vec![
        Format::Json(json::Json::new()),
        Format::Template(common::vhost_combined()),
        Format::Template(common::combined()),
        Format::Extended(vhost_combined),
        Format::Template(common::main()),
        Format::Template(common::vhost_common()),
        Format::Template(common::common()),
    ];
    // What knows the values behind `combined` goes before what takes them for free text.
    let presets = [
        haproxy::http(),
        haproxy::tcp(),
        traefik::traefik(),
        ingress::ingress_nginx(),
        variants::combined_forwarded(),
        variants::combined_short(),
    ];
    all.extend(presets.map(Format::Preset));
    all.extend([combined_extended(), Format::Extended(vhost_common), common_extended()]);
    let others = [envoy::envoy(), envoy::istio(), aws::alb(), aws::elb(), aws::s3(), squid::squid()];
    all.extend(others.map(Format::Preset));
    all.extend(ERROR_LOGS.iter().filter_map(|name| named(name).ok()));
    all.push(Format::Cef(cef::Cef::new()));
    all.push(Format::W3c(w3c::W3c::dated()));
    all.extend(message::Message::in_files().map(Format::Message));
    all.push(Format::Logfmt(logfmt::Logfmt::sure()));
    all
}

/// Beside digits what a line of [`auto`]'s formats holds: a brace, the equals sign of a pair, the sign before a header.
pub(crate) const MARKS: &[u8] = b"{=#";

/// Whether every line of the format of this name holds a digit or one of [`MARKS`].
pub(crate) fn is_marked(name: &str) -> bool {
    matches!(name, "auto" | "json" | "ndjson" | "docker" | "journald" | "caddy" | "ecs" | "gelf" | "loki" | "otlp")
}

fn combined_extended() -> Format {
    Format::Extended(Extended::new("combined_extended", common::combined(), Last::Agent))
}

fn common_extended() -> Format {
    Format::Extended(Extended::new("common_extended", common::common(), Last::Size))
}

/// The format of lines of which nothing is known.
pub fn text() -> Format {
    Format::Text(text::Text::new())
}

/// Error logs: a time in a form of their own begins each line, so that others fail at its first bytes.
const ERROR_LOGS: [&str; 4] = ["nginx_error", "apache_error", "php_fpm", "php_error"];

/// What may be named, beside a server's own directives.
pub const NAMES: &[&str] = &[
    "auto",
    "combined",
    "combined_extended",
    "combined_forwarded",
    "combined_short",
    "common",
    "common_extended",
    "vhost_combined",
    "vhost_common",
    "main",
    "json",
    "docker",
    "journald",
    "syslog",
    "cri",
    "text",
    "nginx_error",
    "apache_error",
    "php_error",
    "php_fpm",
    "sshd",
    "sudo",
    "su",
    "pam",
    "logind",
    "postfix",
    "dovecot",
    "exim",
    "vsftpd",
    "proftpd",
    "pureftpd",
    "xferlog",
    "alb",
    "elb",
    "envoy",
    "gunicorn",
    "haproxy_http",
    "haproxy_tcp",
    "ingress_nginx",
    "istio",
    "lighttpd",
    "litespeed",
    "s3",
    "squid",
    "tomcat",
    "traefik",
    "varnish",
    "w3c",
    "cef",
    "logfmt",
    "ecs",
    "gelf",
    "loki",
    "otlp",
];

fn unknown(name: &str) -> CompileError {
    let known = NAMES.join(", ");
    CompileError::new(0, format!("unknown format `{name}`; known are {known}, nginx:FORMAT and apache:FORMAT"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_are_found_by_name_or_directive() {
        for (given, name) in [
            ("combined", "combined"),
            ("nginx", "combined"),
            ("apache", "combined"),
            ("common", "common"),
            ("vcombined", "vhost_combined"),
            ("main", "main"),
            ("haproxy", "haproxy_http"),
            ("gunicorn", "gunicorn"),
            ("json", "json"),
            ("text", "text"),
            ("nginx:$status", "nginx"),
            ("nginx:log_format x '$status';", "nginx"),
            ("log_format x '$status';", "nginx"),
            ("apache:%s", "apache"),
            ("LogFormat \"%s\" x", "apache"),
            ("CustomLog logs/x common", "common"),
        ] {
            assert_eq!(&*named(given).unwrap().schema().name, name, "{given}");
        }
    }

    #[test]
    fn an_unknown_name_says_what_is_known() {
        assert_eq!(
            named("combinde").map(drop).unwrap_err().to_string(),
            format!("unknown format `combinde`; known are {}, nginx:FORMAT and apache:FORMAT", NAMES.join(", "))
        );
        assert_eq!(named("nginx:a $").map(drop).unwrap_err().at, 8);
    }

    #[test]
    fn every_name_is_a_format_of_that_name() {
        let wraps = ["auto", "cri", "docker", "journald", "syslog"];
        for name in NAMES.iter().filter(|name| !wraps.contains(*name)) {
            assert_eq!(&*named(name).unwrap().schema().name, *name);
        }
    }

    proptest! {
        #[test]
        fn no_line_without_a_mark_is_of_a_format_that_holds_one(line in "[A-Za-z]{0,9}[ :\\[\\](),.<>\\\"'/_*|\t-]{0,3}[ -\"$-/:-<>-z|}\u{80}-\u{ff}]{0,80}") {
            thread_local! { static ALL: Vec<Format> = auto(); }
            ALL.with(|all| {
                let mut record = Record::default();
                for format in all {
                    for ending in [Ending::Whole, Ending::Cut] {
                        prop_assert!(format.parse(line.as_bytes(), ending, &mut record).is_err(), "{}", format.schema().name);
                    }
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn each_field_of_a_layout_has_a_place_of_its_own() {
        for format in &auto() {
            let schema = format.schema();
            // JSON lines and messages have many layouts.
            if schema.items.is_empty() || !schema.more.is_empty() {
                continue;
            }
            assert_eq!(schema.items.len(), schema.fields.len());
            assert!(schema.items.iter().enumerate().all(|(at, item)| usize::from(item.field) == at));
        }
    }
}
