//! Apache's configuration: what it logs, and where.
//!
//! Lines and words are cut as `ap_build_config` and `ap_getword_conf` cut them. Sections that depend on something
//! (`<IfModule>`, `<IfDefine>`, `<If>`) are read as if they held: a log that may be written is a log.

use super::{
    Destination, Found, Kind as LogKind, Log, Logged, Named, Place, Server,
    files::{Files, expand, is_pattern, plain, shown},
    settle::what_it_is,
};
use crate::error::{Error, Kind};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Reads a configuration and all that it includes.
pub(super) fn read(path: &Path, found: &mut Found) -> Result<(), Error> {
    let mut root = path.parent().map(Path::to_path_buf).unwrap_or_default();
    // Where Apache keeps its configuration in a directory of the root.
    if root.ends_with("conf") {
        root.pop();
    }
    let mut defined = BTreeMap::new();
    // Debian sets its variables in the environment of the server.
    if let Ok(variables) = std::fs::read(root.join("envvars")) {
        environment(&String::from_utf8_lossy(&variables), &mut defined);
    }
    let mut walk = Walk { root, defined, files: Files::default(), scope: Vec::new(), transfer: BTreeMap::new(), found };
    walk.file(path, None)?;
    found.default_error_log(Server::Apache, path, "logs/error_log (Apache's own default: no ErrorLog stands here)");
    Ok(())
}

struct Walk<'f> {
    /// What relative paths are relative to.
    root: PathBuf,
    /// What `${NAME}` stands for.
    defined: BTreeMap<String, String>,
    files: Files,
    /// The sections that are open: name, what the virtual host is called, line.
    scope: Vec<Section>,
    /// The format of `TransferLog`, by virtual host: the last `LogFormat` without a name.
    transfer: BTreeMap<String, String>,
    found: &'f mut Found,
}

struct Section {
    name: String,
    called: String,
    line: u32,
}

impl Walk<'_> {
    fn file(&mut self, path: &Path, from: Option<&str>) -> Result<(), Error> {
        let bytes = self.files.open(path, from)?;
        let text = String::from_utf8_lossy(&bytes);
        let file = shown(path);
        let outside = self.scope.len();
        let broken = |line: u32, what: &str| Error::new(Kind::Data, format!("{file}:{line}: {what}"));
        for (number, line) in lines(&text) {
            let place = Place { file: file.as_str().into(), line: number };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix("</") {
                let name = name.trim_end_matches('>').trim();
                match self.scope.pop().filter(|_| self.scope.len() >= outside) {
                    Some(section) if section.name.eq_ignore_ascii_case(name) => {}
                    Some(section) => {
                        let what = format!("the section opened in line {} is not closed before another", section.line);
                        return Err(broken(number, &what));
                    }
                    None => return Err(broken(number, "the end of a section that is not open")),
                }
                continue;
            }
            if self.scope.last().is_some_and(|section| section.name.eq_ignore_ascii_case("Perl")) {
                continue;
            }
            let line = self.resolved(line);
            if let Some(section) = line.strip_prefix('<') {
                let Some(section) = section.trim_end().strip_suffix('>') else {
                    return Err(broken(number, "the section has no `>`"));
                };
                let (name, argument) = section.split_once(char::is_whitespace).unwrap_or((section, ""));
                if self.scope.len() > DEEPEST {
                    return Err(broken(number, "sections stand too deep in sections"));
                }
                let virtual_host = name.eq_ignore_ascii_case("VirtualHost");
                let called = if virtual_host { format!("VirtualHost {}", plain(argument.trim())) } else { plain(name) };
                self.scope.push(Section { name: name.to_owned(), called, line: number });
                continue;
            }
            match words(&line) {
                Ok(words) => self.directive(&words, &place)?,
                // Apache takes a quote that is not closed to the end of the line; of a log that is a slip.
                Err(what) if is_about_logs(&line) => return Err(broken(number, what)),
                Err(_) => {}
            }
        }
        if let Some(section) = self.scope.get(outside) {
            return Err(broken(section.line, "the section is not closed"));
        }
        self.files.close();
        Ok(())
    }

    fn directive(&mut self, words: &[String], place: &Place) -> Result<(), Error> {
        let Some((name, rest)) = words.split_first() else { return Ok(()) };
        let name = name.to_ascii_lowercase();
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        match (name.as_str(), &*rest) {
            ("include", [path]) => return self.include(path, Needed::Yes, place),
            ("includeoptional", [path]) => return self.include(path, Needed::No, place),
            ("serverroot", [path]) => self.root = self.root.join(path),
            ("define", [name]) => drop(self.defined.insert((*name).to_owned(), String::new())),
            ("define", [_, value]) if value.len() > LONGEST_LINE => {}
            ("define", [name, value]) => drop(self.defined.insert((*name).to_owned(), (*value).to_owned())),
            ("undefine", [name]) => drop(self.defined.remove(*name)),
            ("logformat", [text]) => drop(self.transfer.insert(self.host(), (*text).to_owned())),
            ("logformat", [text, nickname, ..]) => self.format(text, nickname, place),
            ("customlog" | "globallog", [to, format, rest @ ..]) => {
                let conditional = rest.iter().any(|word| word.starts_with("env=") || word.starts_with("expr="));
                let format = if format.contains('%') {
                    Logged::Text(written(format), variables(format))
                } else {
                    Logged::Named(format!("{}/{format}", self.host()))
                };
                self.log(place, LogKind::Access, to, format, conditional);
            }
            ("transferlog", [to]) => {
                let host = self.host();
                let text = self.transfer.get(&host).or_else(|| self.transfer.get("")).map_or(COMMON, String::as_str);
                let format = Logged::Text(written(text), variables(text));
                self.log(place, LogKind::Access, to, format, false);
            }
            ("errorlog", [to, ..]) => self.log(place, LogKind::Error, to, Logged::Own, false),
            ("errorlogformat", [.., text]) => {
                let mut personal = variables(text);
                personal.retain(|variable| {
                    let held = crate::format::apache::field(variable).and_then(|(name, kind)| what_it_is(&name, kind));
                    // Here `%l` is the level.
                    held.is_some() && variable != "%l" || matches!(&**variable, "%a" | "%{c}a" | "%{Referer}i" | "%{User-Agent}i")
                });
                if !personal.is_empty() {
                    let what = format!("ErrorLogFormat logs what is personal: {}", personal.join(", "));
                    self.found.warn(place, what, "leave it out, or pipe the error log through sladd");
                }
            }
            ("hostnamelookups", [on]) if !on.eq_ignore_ascii_case("off") => self.found.warn(
                place,
                "HostnameLookups is on: %h is the visitor's host name, which sladd drops, and nothing of the network stays",
                "write HostnameLookups Off",
            ),
            ("identitycheck", [on]) if !on.eq_ignore_ascii_case("off") => self.found.warn(
                place,
                "IdentityCheck is on: %l is the user's name on the visitor's machine",
                "write IdentityCheck Off",
            ),
            ("loglevel", levels) => {
                let chatty = |level: &&str| {
                    let level = level.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
                    level == "debug" || level.starts_with("trace")
                };
                if levels.iter().any(chatty) {
                    self.found.warn(
                        place,
                        "LogLevel debug or trace: requests, headers and users go into the error log",
                        "write LogLevel warn",
                    );
                }
            }
            ("dumpioinput" | "dumpiooutput", [on]) if !on.eq_ignore_ascii_case("off") => self.found.warn(
                place,
                "mod_dumpio writes whole requests, bodies and passwords included, into the error log",
                "turn it off",
            ),
            ("forensiclog" | "scriptlog" | "secauditlog", [..]) => {
                let what = format!("{} writes whole request headers, cookies included, into a file of its own", words[0]);
                self.found.warn(place, plain(&what), "turn it off, or keep its file short and closed");
            }
            _ => {}
        }
        Ok(())
    }

    fn include(&mut self, path: &str, needed: Needed, place: &Place) -> Result<(), Error> {
        let full = self.root.join(path);
        let from = place.to_string();
        let mut paths = if is_pattern(path) { expand(&full) } else { vec![full.clone()] };
        paths.retain(|path| path.exists());
        if paths.is_empty() {
            if needed == Needed::Yes || path.contains("${") {
                let what = format!("the included file {} is missing: what it logs is not in the policy", shown(&full));
                self.found.warn(place, what, "import again where it stands");
            }
            return Ok(());
        }
        // A directory stands for all that is in it.
        let mut at = 0;
        while at < paths.len() {
            if paths[at].is_dir() {
                let inside = expand(&paths[at].join("*"));
                paths.splice(at..=at, inside);
            } else {
                at += 1;
            }
            if paths.len() > MOST {
                return Err(Error::new(Kind::Data, format!("{from}: files are included without end")));
            }
        }
        paths.iter().try_for_each(|path| self.file(path, Some(&from)))
    }

    fn format(&mut self, text: &str, nickname: &str, place: &Place) {
        self.found.formats.push(Named {
            place: place.clone(),
            server: Server::Apache,
            key: format!("{}/{nickname}", self.host()),
            name: plain(nickname),
            variables: variables(text),
            written: written(text),
        });
    }

    fn log(&mut self, place: &Place, kind: LogKind, to: &str, format: Logged, conditional: bool) {
        if to.contains("${") {
            let what = "the path of this log holds a variable that nothing in the configuration defines";
            self.found.warn(place, what, "Define it, or look for its value in what starts the server");
        }
        let scope = self.scope.iter().rev().find(|section| section.name.eq_ignore_ascii_case("VirtualHost"));
        let scope = scope.map_or_else(|| "server".to_owned(), |section| section.called.clone());
        self.found.logs.push(Log {
            place: place.clone(),
            server: Server::Apache,
            scope,
            kind,
            to: destination(to),
            format,
            conditional,
        });
    }

    /// The virtual host, by its line; nothing for the main server. Formats of a host hide those of the server.
    fn host(&self) -> String {
        let host = self.scope.iter().rev().find(|section| section.name.eq_ignore_ascii_case("VirtualHost"));
        host.map_or(String::new(), |section| format!("{}:{}", section.called, section.line))
    }

    /// The line with its variables replaced; those that nobody defined stay as they are.
    fn resolved(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find("${").filter(|_| out.len() < LONGEST_LINE) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.bytes().take(LONGEST_NAME).position(|byte| byte == b'}');
            let value = end.and_then(|end| self.defined.get(&rest[2..end]));
            match (end, value) {
                (Some(end), Some(value)) => {
                    out.push_str(value);
                    rest = &rest[end + 1..];
                }
                (_, _) => {
                    out.push_str("${");
                    rest = &rest[2..];
                }
            }
        }
        out + rest
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Yes,
    No,
}

/// The longest name of a variable, and the longest line that variables make.
const LONGEST_NAME: usize = 256;
const LONGEST_LINE: usize = 1 << 16;
const DEEPEST: usize = 256;
/// The most files that one directory may stand for.
const MOST: usize = 10_000;
const COMMON: &str = "%h %l %u %t \"%r\" %>s %b";

fn destination(to: &str) -> Destination {
    if let Some(command) = to.strip_prefix('|') {
        let sladd = |word: &str| word.trim_matches(['"', '\'']).rsplit('/').next() == Some("sladd");
        let through = command.trim_start_matches(['|', '$']).split_whitespace().any(sladd);
        return if through { Destination::Sladd } else { Destination::Pipe };
    }
    match to {
        "/dev/null" => Destination::Nowhere,
        "/dev/stderr" | "/dev/stdout" | "/proc/self/fd/1" | "/proc/self/fd/2" => Destination::Stream,
        _ if to == "syslog" || to.starts_with("syslog:") || to == "journald" => Destination::Syslog,
        _ => Destination::File(plain(to)),
    }
}

/// The format as a policy names it.
fn written(text: &str) -> String {
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    let directive = word.eq_ignore_ascii_case("LogFormat") || word.eq_ignore_ascii_case("CustomLog");
    if text.contains("\\\"") || directive || text.trim() != text {
        return format!("apache:LogFormat \"{}\" x", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    format!("apache:{text}")
}

/// The directives of a format that stand for a value: `%h`, `%{Cookie}i`, without modifiers.
fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('%') {
            rest = behind;
            continue;
        }
        let modifiers = |text: &str| text.find(|char: char| !"<>!,0123456789".contains(char)).unwrap_or(text.len());
        rest = &rest[modifiers(rest)..];
        let argument = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        if let Some((_, behind)) = argument {
            rest = &behind[modifiers(behind)..];
        }
        let argument = argument.map_or(String::new(), |(argument, _)| format!("{{{argument}}}"));
        let length = if rest.starts_with('^') { 3 } else { 1 };
        let letters: String = rest.chars().take(length).collect();
        let name = plain(&format!("%{argument}{letters}"));
        if !letters.is_empty() && !names.contains(&name) {
            names.push(name);
        }
        rest = &rest[letters.len()..];
        // No format that compiles has as many.
        if names.len() > 1_024 {
            break;
        }
    }
    names
}

/// Whether a line that cannot be cut into words says something of logs.
fn is_about_logs(line: &str) -> bool {
    let name = line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    name.ends_with("log") || name.ends_with("logformat")
}

/// Lines with their numbers, those joined that end in a backslash.
fn lines(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        let joined = line.strip_suffix('\\');
        let part = joined.unwrap_or(line);
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, last)) => last.push_str(part),
            None => lines.push((number, part.to_owned())),
        }
        goes_on = joined.is_some();
    }
    lines
}

/// The words of a line.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let quote = matches!(first, '"' | '\'').then_some(first);
        let mut word = String::new();
        let mut chars = rest.char_indices().skip(usize::from(quote.is_some())).peekable();
        let mut end = None;
        while let Some((at, char)) = chars.next() {
            match (char, quote) {
                ('\\', Some(quote)) if chars.peek().is_some_and(|(_, next)| *next == '\\' || *next == quote) => {
                    word.extend(chars.next().map(|(_, next)| next));
                }
                (_, Some(quote)) if char == quote => {
                    end = Some(at + 1);
                    break;
                }
                (_, None) if char.is_ascii_whitespace() => {
                    end = Some(at);
                    break;
                }
                _ => word.push(char),
            }
        }
        if end.is_none() && quote.is_some() {
            return Err("a quote is not closed");
        }
        words.push(word);
        rest = rest[end.unwrap_or(rest.len())..].trim_start();
    }
    Ok(words)
}

/// `export NAME=value` of a shell, as far as no shell is needed for it.
fn environment(text: &str, defined: &mut BTreeMap<String, String>) {
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix("export ").and_then(|rest| rest.split_once('=')) else {
            continue;
        };
        let value = value.trim_matches(['"', '\'']);
        // `$SUFFIX` is empty but for a second instance.
        if !value.contains(['`', '(']) {
            defined.insert(name.to_owned(), value.replace("$SUFFIX", "").replace("${SUFFIX}", ""));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_that_end_in_a_backslash_go_on() {
        let text = "a \\\r\n  b\r\n\n# c \\\nd\ne\\";
        let lines: Vec<_> = lines(text);
        assert_eq!(lines, [(1, "a   b".into()), (3, String::new()), (4, "# c d".into()), (6, "e".into())]);
    }

    #[test]
    fn words_are_cut_as_apache_cuts_them() {
        assert_eq!(
            words("LogFormat\t\"%h \\\"%r\\\" \\\\n\" 'a\\'b' c\"d").unwrap(),
            ["LogFormat", "%h \"%r\" \\n", "a'b", "c\"d"]
        );
        assert_eq!(words("a \"b"), Err("a quote is not closed"));
        assert_eq!(words("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn variables_are_named_without_their_modifiers() {
        assert_eq!(
            variables("%h %>s %{Cookie}i %!200,304{Referer}i %% %^FB %{c}a %"),
            ["%h", "%s", "%{Cookie}i", "%{Referer}i", "%^FB", "%{c}a"]
        );
    }

    #[test]
    fn a_pipe_is_known_by_its_program() {
        for (to, destination_is) in [
            ("|/usr/local/bin/sladd -q -o /var/log/x", Destination::Sladd),
            ("||\"/opt/my bin/sladd\" -q", Destination::Sladd),
            ("|$exec /usr/bin/sladd", Destination::Sladd),
            ("|/usr/bin/rotatelogs /var/log/x 86400", Destination::Pipe),
            ("syslog:local1", Destination::Syslog),
            ("/dev/null", Destination::Nowhere),
            ("logs/access_log", Destination::File("logs/access_log".to_owned())),
        ] {
            assert_eq!(destination(to), destination_is, "{to}");
        }
    }

    #[test]
    fn debians_variables_are_read_without_a_shell() {
        let mut defined = BTreeMap::new();
        environment(
            "SUFFIX=\nexport A=/var/log/apache2$SUFFIX\n#export B=x\nexport C=`id`\nexport D=\"x y\"\n",
            &mut defined,
        );
        assert_eq!(
            defined.into_iter().collect::<Vec<_>>(),
            [("A".to_owned(), "/var/log/apache2".to_owned()), ("D".to_owned(), "x y".to_owned())]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_cut_without_panic(
            any in ".{0,60}",
            near in r#"(%|\{|\}|"|'|\\|\^|é|<|>|!|,|[a-z]| |\n|\r){0,30}"#,
        ) {
            for text in [&any, &near] {
                for (_, line) in lines(text) {
                    let _ = words(&line);
                    variables(&line);
                    destination(&line);
                    let format = written(&line);
                    let _ = crate::format::named(&format);
                }
                environment(text, &mut BTreeMap::new());
            }
        }

        #[test]
        fn a_format_is_written_so_that_its_text_comes_back(text in r#"[ -~]{0,20}%h[ -~]{0,20}"#) {
            if let Some(directive) = written(&text).strip_prefix("apache:LogFormat") {
                prop_assert_eq!(&words(directive).unwrap()[0], &text);
            }
        }
    }
}
