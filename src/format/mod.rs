//! Line → record. One family of formats per file.
//!
//! Comes in: one line without its end and without a tag of ours. Goes out: spans of values, or [`Malformed`].
//! A parser knows nothing of policies, treatments or outputs; it never allocates once warm, and it is anchored at both
//! ends: what it does not account for makes the line malformed. The smallest example to copy is `common.rs`.

pub mod apache;
pub mod apache_error;
pub mod common;
mod compile;
pub mod extended;
mod grammar;
pub mod json;
mod literal;
pub mod message;
pub mod nginx;
pub mod nginx_error;
pub(crate) mod request;
mod seek;
mod soft;
pub mod template;
pub mod text;
mod usual;

use crate::record::{Record, Schema};
use std::fmt;

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
    /// A layout of fixed order with free text behind it.
    Extended(extended::Extended),
    /// One JSON object a line.
    Json(json::Json),
    /// Messages of one program.
    Message(message::Message),
    /// nginx's error log.
    NginxError(nginx_error::NginxError),
    /// A layout of fixed order.
    Template(template::Template),
    /// A line of which nothing is known.
    Text(text::Text),
}

impl Parse for Format {
    fn schema(&self) -> &Schema {
        match self {
            Format::ApacheError(error) => error.schema(),
            Format::Extended(extended) => extended.schema(),
            Format::Json(json) => json.schema(),
            Format::Message(message) => message.schema(),
            Format::NginxError(error) => error.schema(),
            Format::Template(template) => template.schema(),
            Format::Text(text) => text.schema(),
        }
    }

    #[inline]
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        match self {
            Format::ApacheError(error) => error.parse(line, ending, record),
            Format::Extended(extended) => extended.parse(line, ending, record),
            Format::Json(json) => json.parse(line, ending, record),
            Format::Message(message) => message.parse(line, ending, record),
            Format::NginxError(error) => error.parse(line, ending, record),
            Format::Template(template) => template.parse(line, ending, record),
            Format::Text(text) => text.parse(line, ending, record),
        }
    }
}

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
        "main" => Ok(Format::Template(common::main())),
        "combined_extended" => Ok(combined_extended()),
        "json" | "ndjson" => Ok(Format::Json(json::Json::new())),
        "text" => Ok(text()),
        "nginx_error" => Ok(Format::NginxError(nginx_error::NginxError::new())),
        "apache_error" => Ok(Format::ApacheError(apache_error::ApacheError::new())),
        _ => match message::Message::named(name) {
            Some(message) => Ok(Format::Message(message)),
            None => Err(CompileError::new(0, format!("unknown format `{name}`; known are {NAMES}"))),
        },
    }
}

/// The layouts that `auto` tries, in order of rank. Every line fits `text`, so that it is not among them.
pub fn auto() -> Vec<Format> {
    let layouts = [common::vhost_combined(), common::combined(), common::main(), common::common()];
    let [vhost, combined, main, common] = layouts.map(Format::Template);
    let vhost_extended = extended::Extended::new("vhost_combined_extended", common::vhost_combined());
    let extended = [Format::Extended(vhost_extended), combined_extended()];
    let [vhost_extended, combined_extended] = extended;
    let mut formats =
        vec![Format::Json(json::Json::new()), vhost, combined, main, vhost_extended, combined_extended, common];
    formats.extend(ERROR_LOGS.iter().filter_map(|name| named(name).ok()));
    formats
}

fn combined_extended() -> Format {
    Format::Extended(extended::Extended::new("combined_extended", common::combined()))
}

/// The format of lines of which nothing is known.
pub fn text() -> Format {
    Format::Text(text::Text::new())
}

/// Error logs: a time in a form of their own begins each line, so that others fail at its first bytes.
const ERROR_LOGS: [&str; 4] = ["nginx_error", "apache_error", "php_fpm", "php_error"];

const NAMES: &str = "auto, combined, combined_extended, common, vhost_combined, main, json, text, nginx_error, apache_error, php_error, php_fpm, sshd, sudo, su, pam, logind, postfix, dovecot, exim, vsftpd, proftpd, xferlog, nginx:FORMAT and apache:FORMAT";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn formats_are_found_by_name_or_directive() {
        for (given, name) in [
            ("combined", "combined"),
            ("nginx", "combined"),
            ("apache", "combined"),
            ("common", "common"),
            ("vcombined", "vhost_combined"),
            ("main", "main"),
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
            "unknown format `combinde`; known are auto, combined, combined_extended, common, vhost_combined, main, json, text, nginx_error, apache_error, php_error, php_fpm, sshd, sudo, su, pam, logind, postfix, dovecot, exim, vsftpd, proftpd, xferlog, nginx:FORMAT and apache:FORMAT"
        );
        assert_eq!(named("nginx:a $").map(drop).unwrap_err().at, 8);
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
