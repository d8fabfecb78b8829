//! nginx's configuration: what it logs, and where.
//!
//! Words and blocks are cut as `ngx_conf_read_token` cuts them.

use super::{
    Destination, Found, Kind as LogKind, Log, Logged, Named, Place, Server,
    files::{Files, expand, is_pattern, plain, shown},
};
use crate::error::{Error, Kind};
use std::path::{Path, PathBuf};

/// Reads a configuration and all that it includes.
pub(super) fn read(path: &Path, found: &mut Found) -> Result<(), Error> {
    let prefix = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut walk = Walk { prefix, files: Files::default(), scope: Vec::new(), found };
    walk.file(path, None)?;
    found.default_error_log(Server::Nginx, path, "logs/error.log (nginx's own default: no error_log stands here)");
    Ok(())
}

struct Walk<'f> {
    /// What relative paths are relative to.
    prefix: PathBuf,
    files: Files,
    /// The blocks that are open.
    scope: Vec<Block>,
    found: &'f mut Found,
}

struct Block {
    name: String,
    place: Place,
    /// Whether an access log was named in it.
    logs: bool,
}

impl Walk<'_> {
    fn file(&mut self, path: &Path, from: Option<&str>) -> Result<(), Error> {
        let bytes = self.files.open(path, from)?;
        let file = shown(path);
        let outside = self.scope.len();
        let broken = |line: u32, what: &str| Error::new(Kind::Data, format!("{file}:{line}: {what}"));
        let mut tokens = Tokens::new(&bytes);
        loop {
            let (line, event) = tokens.next().map_err(|fault| broken(fault.line, fault.what))?;
            let place = Place { file: file.as_str().into(), line };
            match event {
                Event::Directive(words) => self.directive(&words, &place)?,
                Event::Open(_) if self.scope.len() > DEEPEST => {
                    return Err(broken(line, "blocks stand too deep in blocks"));
                }
                Event::Open(words) => {
                    let name = words.first().cloned().unwrap_or_default();
                    self.scope.push(Block { name, place, logs: false });
                }
                Event::Close if self.scope.len() == outside => return Err(broken(line, "`}` closes no block")),
                Event::Close => {
                    if let Some(block) = self.scope.pop() {
                        self.leave(&block);
                    }
                }
                Event::End if self.scope.len() > outside => {
                    let line = self.scope.last().map_or(line, |block| block.place.line);
                    return Err(broken(line, "the block is not closed; add its `}`"));
                }
                Event::End => break,
            }
        }
        self.files.close();
        Ok(())
    }

    /// nginx has an access log even where nobody asks for one.
    fn leave(&mut self, block: &Block) {
        if block.name == "http" && self.scope.is_empty() && !block.logs {
            self.found.logs.push(Log {
                place: block.place.clone(),
                server: Server::Nginx,
                scope: "http".to_owned(),
                kind: LogKind::Access,
                to: Destination::File(
                    "logs/access.log (nginx's own default: no access_log stands in `http`)".to_owned(),
                ),
                format: Logged::Named("http/combined".to_owned()),
                conditional: false,
            });
        }
    }

    fn directive(&mut self, words: &[String], place: &Place) -> Result<(), Error> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match *words {
            ["include", path] => return self.include(path, place),
            ["log_format", name, ref rest @ ..] => self.format(name, rest, place),
            ["access_log", to, ref rest @ ..] => self.access_log(to, rest, place),
            ["error_log", to, ref rest @ ..] => self.error_log(to, rest, place),
            ["log_not_found", "on"] => self.found.warn(
                place,
                "log_not_found is on: each missing file writes a line with the client's address into the error log",
                "write log_not_found off; the access log has the 404",
            ),
            ["rewrite_log", "on"] => self.found.warn(
                place,
                "rewrite_log is on: addresses and query strings go into the error log",
                "write rewrite_log off when the rules work",
            ),
            _ => {}
        }
        Ok(())
    }

    fn include(&mut self, path: &str, place: &Place) -> Result<(), Error> {
        let full = self.prefix.join(path);
        let from = place.to_string();
        if is_pattern(path) {
            for path in expand(&full) {
                if !path.is_dir() {
                    self.file(&path, Some(&from))?;
                }
            }
        } else if full.exists() {
            self.file(&full, Some(&from))?;
        } else {
            let what = format!("the included file {} is missing: what it logs is not in the policy", shown(&full));
            self.found.warn(place, what, "import again where it stands");
        }
        Ok(())
    }

    fn format(&mut self, name: &str, rest: &[&str], place: &Place) {
        let (escape, parts) = match rest {
            [escape, parts @ ..] if escape.starts_with("escape=") => (Some(*escape), parts),
            parts => (None, parts),
        };
        let text = parts.concat();
        self.found.formats.push(Named {
            place: place.clone(),
            server: Server::Nginx,
            key: format!("{}/{name}", self.module()),
            name: plain(name),
            variables: variables(&text),
            written: written(name, escape.filter(|escape| *escape != "escape=default"), &text),
        });
    }

    fn access_log(&mut self, to: &str, rest: &[&str], place: &Place) {
        if let Some(block) = self.scope.last_mut() {
            block.logs = true;
        }
        let name = rest.first().filter(|word| !OPTIONS.iter().any(|option| word.starts_with(option)));
        let (scope, module) = (self.scope(), self.module());
        self.found.logs.push(Log {
            place: place.clone(),
            server: Server::Nginx,
            scope,
            kind: LogKind::Access,
            to: destination(to),
            format: Logged::Named(format!("{module}/{}", name.unwrap_or(&"combined"))),
            conditional: rest.iter().any(|word| word.starts_with("if=")),
        });
    }

    fn error_log(&mut self, to: &str, rest: &[&str], place: &Place) {
        if rest.contains(&"debug") {
            self.found.warn(
                place,
                "error_log is at level debug: whole requests, cookies and passwords included, are written",
                "write warn or error",
            );
        }
        let scope = self.scope();
        self.found.logs.push(Log {
            place: place.clone(),
            server: Server::Nginx,
            scope,
            kind: LogKind::Error,
            to: destination(to),
            format: Logged::Own,
            conditional: false,
        });
    }

    /// `stream` has formats of its own.
    fn module(&self) -> &'static str {
        if self.scope.first().is_some_and(|block| block.name == "stream") { "stream" } else { "http" }
    }

    fn scope(&self) -> String {
        if self.scope.is_empty() {
            return "main".to_owned();
        }
        self.scope.iter().map(|block| plain(&block.name)).collect::<Vec<_>>().join("/")
    }
}

const DEEPEST: usize = 256;
const OPTIONS: [&str; 4] = ["buffer=", "gzip", "flush=", "if="];

fn destination(to: &str) -> Destination {
    match to {
        "off" | "/dev/null" => Destination::Nowhere,
        "stderr" | "/dev/stderr" | "/dev/stdout" => Destination::Stream,
        _ if to.starts_with("syslog:") => Destination::Syslog,
        _ if to.starts_with("memory:") => Destination::Nowhere,
        _ => Destination::File(plain(to)),
    }
}

/// The format as a policy names it.
fn written(name: &str, escape: Option<&str>, text: &str) -> String {
    let bare =
        |text: &str| !text.starts_with("escape=") && !text.starts_with("log_format") && text.trim_start() == text;
    match escape {
        None if bare(text) => format!("nginx:{text}"),
        Some(escape) if bare(text) => format!("nginx:{escape} {text}"),
        // What a bare text would not say is said as the directive says it.
        _ => {
            let quoted = |text: &str| {
                let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
                format!("'{}'", escaped.replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r"))
            };
            let escape = escape.unwrap_or("escape=default");
            format!("nginx:log_format {} {escape} {};", quoted(name), quoted(text))
        }
    }
}

/// The variables of a format, with their dollar signs.
fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split('$').skip(1) {
        let part = part.strip_prefix('{').unwrap_or(part);
        let end = part.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(part.len());
        let name = format!("${}", &part[..end]);
        if end > 0 && !names.contains(&name) {
            names.push(name);
        }
        // No format that compiles has as many.
        if names.len() > 1_024 {
            break;
        }
    }
    names
}

/// What the text of a configuration is made of.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// Words up to a `;`.
    Directive(Vec<String>),
    /// Words up to a `{`.
    Open(Vec<String>),
    Close,
    End,
}

#[derive(Debug)]
struct Fault {
    line: u32,
    what: &'static str,
}

struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
}

impl<'t> Tokens<'t> {
    fn new(text: &'t [u8]) -> Tokens<'t> {
        Tokens { text, at: 0, line: 1 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.line += u32::from(byte == b'\n');
        Some(byte)
    }

    /// The next event and the line it starts in.
    fn next(&mut self) -> Result<(u32, Event), Fault> {
        let mut words: Vec<String> = Vec::new();
        let mut start = self.line;
        loop {
            let Some(byte) = self.peek() else {
                return match words.is_empty() {
                    true => Ok((self.line, Event::End)),
                    false => Err(Fault { line: start, what: "the directive does not end; add a `;`" }),
                };
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => drop(self.take()),
                b'#' => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                b';' | b'{' if words.is_empty() => {
                    return Err(Fault { line: self.line, what: "no directive stands before `;` or `{`" });
                }
                b';' => {
                    self.at += 1;
                    return Ok((start, Event::Directive(words)));
                }
                b'{' => {
                    self.at += 1;
                    if words[0].ends_with("_by_lua_block") {
                        self.lua(start)?;
                        return Ok((start, Event::Directive(words)));
                    }
                    return Ok((start, Event::Open(words)));
                }
                b'}' if words.is_empty() => {
                    self.at += 1;
                    return Ok((self.line, Event::Close));
                }
                b'}' => return Err(Fault { line: start, what: "the directive does not end before `}`; add a `;`" }),
                _ => {
                    if words.is_empty() {
                        start = self.line;
                    }
                    words.push(self.word()?);
                }
            }
        }
    }

    fn word(&mut self) -> Result<String, Fault> {
        let line = self.line;
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'\''));
        if quote.is_some() {
            self.at += 1;
        }
        let mut word = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return match quote {
                    Some(_) => Err(Fault { line, what: "a quote is not closed" }),
                    None => break,
                };
            };
            match (byte, quote) {
                (b'$', None) if self.text.get(self.at + 1) == Some(&b'{') => {
                    word.extend_from_slice(b"${");
                    self.at += 2;
                    continue;
                }
                (b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{', None) => break,
                _ => drop(self.take()),
            }
            if Some(byte) == quote {
                // As nginx: what follows a quote is white space, an end, or a closing parenthesis.
                return match self.peek() {
                    None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => Ok(text(&word)),
                    Some(_) => Err(Fault { line: self.line, what: "a blank is missing behind a quote" }),
                };
            }
            let resolved = match (byte, self.peek()) {
                (b'\\', Some(next @ (b'"' | b'\'' | b'\\'))) => Some(next),
                (b'\\', Some(b't')) => Some(b'\t'),
                (b'\\', Some(b'r')) => Some(b'\r'),
                (b'\\', Some(b'n')) => Some(b'\n'),
                _ => None,
            };
            match (byte, resolved) {
                (_, Some(resolved)) => {
                    self.take();
                    word.push(resolved);
                }
                (b'\\', None) => {
                    word.push(byte);
                    word.extend(self.take());
                }
                _ => word.push(byte),
            }
        }
        Ok(text(&word))
    }

    /// Skips Lua up to the brace that closes it.
    fn lua(&mut self, start: u32) -> Result<(), Fault> {
        let mut depth = 1;
        while let Some(byte) = self.take() {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                b'"' | b'\'' => {
                    while let Some(inside) = self.take() {
                        match inside {
                            b'\\' => drop(self.take()),
                            b'\n' => break,
                            _ if inside == byte => break,
                            _ => {}
                        }
                    }
                }
                b'-' if self.peek() == Some(b'-') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                b'[' if self.peek() == Some(b'[') => {
                    let end =
                        memchr::memmem::find(&self.text[self.at..], b"]]").map_or(self.text.len(), |at| self.at + at);
                    while self.at < end {
                        self.take();
                    }
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(Fault { line: start, what: "the Lua block is not closed; add its `}`" })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn events(text: &str) -> Vec<Event> {
        let mut tokens = Tokens::new(text.as_bytes());
        let mut events = Vec::new();
        loop {
            match tokens.next().unwrap_or_else(|fault| panic!("{}: {}", fault.line, fault.what)).1 {
                Event::End => return events,
                event => events.push(event),
            }
        }
    }

    fn directive(words: &[&str]) -> Event {
        Event::Directive(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn words_are_cut_as_nginx_cuts_them() {
        assert_eq!(
            events("log_format  main '$a \"$b\" '\r\n\t# it's a comment; }\n \"\\\"$c\\\" \" a\\ b\\;c ${d}x;"),
            [directive(&["log_format", "main", "$a \"$b\" ", "\"$c\" ", "a\\ b\\;c", "${d}x"])]
        );
        assert_eq!(
            events("http{server { listen 80;}}"),
            [
                Event::Open(vec!["http".into()]),
                Event::Open(vec!["server".into()]),
                directive(&["listen", "80"]),
                Event::Close,
                Event::Close
            ]
        );
        assert_eq!(
            events("content_by_lua_block { local a = {\"}\"} -- }\n s = [[ } ]] } x y;"),
            [directive(&["content_by_lua_block"]), directive(&["x", "y"])]
        );
        assert_eq!(events("a '\\t\\x' b#c;"), [directive(&["a", "\t\\x", "b#c"])]);
    }

    #[test]
    fn faults_say_their_line() {
        let fault = |text: &str| {
            let mut tokens = Tokens::new(text.as_bytes());
            loop {
                match tokens.next() {
                    Err(fault) => return (fault.line, fault.what),
                    Ok((_, Event::End)) => panic!("{text}"),
                    Ok(_) => {}
                }
            }
        };
        assert_eq!(fault("a;\nb 'c;\n"), (2, "a quote is not closed"));
        assert_eq!(fault("a;\n\nb c\n"), (3, "the directive does not end; add a `;`"));
        assert_eq!(fault("\n;"), (2, "no directive stands before `;` or `{`"));
        assert_eq!(fault("a {\n b }"), (2, "the directive does not end before `}`; add a `;`"));
        assert_eq!(fault("a 'b'c;"), (1, "a blank is missing behind a quote"));
        assert_eq!(fault("x_by_lua_block {\n{ }"), (1, "the Lua block is not closed; add its `}`"));
    }

    #[test]
    fn a_format_is_written_so_that_it_compiles_to_the_same() {
        for (name, escape, text, written_as) in [
            ("main", None, "$remote_addr $status", "nginx:$remote_addr $status"),
            ("j", Some("escape=json"), "{\"a\":\"$remote_addr\"}", "nginx:escape=json {\"a\":\"$remote_addr\"}"),
            ("tab", None, "\t$status", "nginx:log_format 'tab' escape=default '\\t$status';"),
            ("own's", None, "escape=x $status", "nginx:log_format 'own\\'s' escape=default 'escape=x $status';"),
        ] {
            let written = written(name, escape, text);
            assert_eq!(written, written_as);
            let format = crate::format::named(&written).unwrap();
            use crate::format::Parse;
            let literal = &format.schema().items[0].literal;
            assert!(text.as_bytes().starts_with(literal), "{written}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn any_text_ends_in_an_end_or_a_fault(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            near in r#"(log_format |a|;|\{|\}|"|'|\\|\$\{|#|\n|_by_lua_block|\[\[| ){0,30}"#,
        ) {
            for text in [&bytes[..], near.as_bytes()] {
                let mut tokens = Tokens::new(text);
                for turn in 0.. {
                    prop_assert!(turn <= text.len() + 1);
                    if matches!(tokens.next(), Err(_) | Ok((_, Event::End))) {
                        break;
                    }
                }
            }
        }
    }
}
