//! The status page: one HTML text that needs nothing from elsewhere and no script.
//!
//! Each figure stands in an element that says where in `/status.json` it comes from and in which form it is shown. The page is
//! filled here from the same JSON with which its script refreshes it, so that both show the same.

use crate::time::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The page, filled with `figures`.
pub(super) fn page(figures: &Value) -> String {
    let mut page = Page { out: String::with_capacity(32 << 10), figures };
    page.head();
    page.now();
    page.list("half", "Problems", "/problems");
    page.reload();
    page.shares("third", "What became of lines", ["Outcome", "Lines"], "outcomes", "lines");
    page.shares("third", "Dropped, by reason", ["Reason", "Lines"], "reasons", "lines");
    page.shares("third", "Records, by class", ["Class", "Records"], "classes", "records");
    page.shares("third", "Found in free text, by kind", ["Kind", "Times"], "found", "times");
    page.shares("half", "Treated, by field", ["Field: treatment", "Values"], "fields", "values");
    page.inputs();
    page.outputs();
    page.marks();
    page.facts(
        "third",
        "Checkpoints",
        &[
            ("Generation", "/checkpoints/generation", "count"),
            ("Last", "/checkpoints/age_seconds", "ago"),
            ("Took", "/checkpoints/last_seconds", "millis"),
            ("Made since the start", "/checkpoints/made", "count"),
            ("Batches in the journal", "/checkpoints/journal_batches", "count"),
            ("Found whole at the start", "/checkpoints/recovered_whole", "count"),
            ("Completed at the start", "/checkpoints/recovered_completed", "count"),
            ("Cut back at the start", "/checkpoints/recovered_cut", "count"),
        ],
    );
    page.facts(
        "third",
        "Process",
        &[
            ("Memory", "/memory/resident_bytes", "bytes"),
            ("Memory limit", "/memory/limit_bytes", "bytes"),
            ("Sealed lines", "/quarantine/bytes", "bytes"),
            ("Sealed lines, limit", "/quarantine/limit_bytes", "bytes"),
            ("Last moved", "/heartbeat_age_seconds", "ago"),
            ("Started", "/started", "time"),
            ("As of", "/now", "time"),
        ],
    );
    page.foot();
    page.out
}

/// What a browser is told to allow: this style, this script and questions to where the page came from.
pub(super) fn content_security_policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        base64(&Sha256::digest(STYLE)),
        base64(&Sha256::digest(SCRIPT)),
    )
}

struct Page<'a> {
    out: String,
    figures: &'a Value,
}

impl Page<'_> {
    fn put(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    /// An element with the figure at `path`.
    fn figure(&mut self, element: &str, path: &str, form: &str) {
        self.marked(element, "", path, form);
    }

    /// The same with more attributes.
    fn marked(&mut self, element: &str, attributes: &str, path: &str, form: &str) {
        let shown = shown(self.figures.pointer(path).unwrap_or(&Value::Null), form);
        self.put(&format!("<{element}{attributes} data-path=\"{path}\" data-form=\"{form}\">"));
        self.text(&shown);
        self.put(&format!("</{element}>"));
    }

    /// The same, whose look goes by its word.
    fn word(&mut self, element: &str, class: &str, path: &str) {
        let value = self.figures.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let mut attributes = format!(" class=\"{class}\" data-state=\"");
        escape(value, &mut attributes);
        attributes.push('"');
        self.marked(element, &attributes, path, "text");
    }

    fn length(&self, list: &str) -> usize {
        self.figures[list].as_array().map_or(0, Vec::len)
    }

    fn head(&mut self) {
        let shape = self.figures["shape"].as_str().unwrap_or_default();
        self.put("<!doctype html>\n<html lang=\"en\" data-updates=\"0\" data-shape=\"");
        self.text(shape);
        self.put(
            "\">\n<head>\n<meta charset=\"utf-8\">\n<title>sladd</title>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
             <noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n<style>",
        );
        self.put(STYLE);
        self.put("</style>\n</head>\n<body>\n<header>\n<h1>sladd</h1>\n");
        self.word("span", "state", "/state");
        self.put("\n<p>up ");
        self.figure("b", "/uptime_seconds", "span");
        self.put("</p>\n<p>policy ");
        self.figure("b", "/policy/tag", "text");
        self.put("</p>\n<p>key epoch ");
        self.figure("b", "/key_epoch/name", "text");
        self.put(
            "</p>\n<div id=\"lost\" role=\"status\">No answer: these are the last figures known.</div>\n</header>\n<main>\n",
        );
    }

    fn now(&mut self) {
        self.put("<section>\n<h2>Now</h2>\n<div class=\"tiles\">\n");
        for (label, path, form) in [
            ("lines", "/rate/lines", "per_second"),
            ("in", "/rate/bytes_in", "bytes_per_second"),
            ("out", "/rate/bytes_out", "bytes_per_second"),
            ("lines since the start", "/lines", "count"),
            ("pending", "/pending", "count"),
        ] {
            self.put("<div class=\"tile\"><span>");
            self.put(label);
            self.put("</span>");
            self.figure("b", path, form);
            self.put("</div>\n");
        }
        let course = points(&self.figures["course"]);
        self.put(
            "<figure><svg viewBox=\"0 0 120 32\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"Lines a second in the last two minutes\"><polyline data-path=\"/course\" data-form=\"course\" points=\"",
        );
        self.text(&course);
        self.put("\"/></svg><figcaption><span>lines a second, two minutes</span><span>peak ");
        self.figure("span", "/course_peak", "per_second");
        self.put("</span></figcaption></figure>\n</div>\n</section>\n");
    }

    fn open(&mut self, class: &str, title: &str) {
        self.put(&format!("<section class=\"{class}\">\n<h2>{title}</h2>\n"));
    }

    fn list(&mut self, class: &str, title: &str, path: &str) {
        self.open(class, title);
        self.put(&format!("<ul data-path=\"{path}\" data-form=\"list\">"));
        for one in self.figures.pointer(path).and_then(Value::as_array).into_iter().flatten() {
            self.put("<li>");
            self.text(one.as_str().unwrap_or_default());
            self.put("</li>");
        }
        self.put("</ul>\n</section>\n");
    }

    fn facts(&mut self, class: &str, title: &str, facts: &[(&str, &str, &str)]) {
        self.open(class, title);
        self.put("<dl>\n");
        for (name, path, form) in facts {
            self.put(&format!("<dt>{name}</dt>"));
            self.figure("dd", path, form);
            self.put("\n");
        }
        self.put("</dl>\n</section>\n");
    }

    fn reload(&mut self) {
        self.open("half", "Policy and keys");
        self.put("<dl>\n<dt>Policy</dt>");
        self.figure("dd", "/policy/tag", "text");
        self.put("\n<dt>Digest</dt>");
        self.marked("dd", " class=\"digest\"", "/policy/digest", "text");
        self.put("\n<dt>In use since</dt>");
        self.figure("dd", "/policy/since", "time");
        self.put("\n<dt>Last reload</dt>");
        self.figure("dd", "/policy/last_reload/at", "time");
        self.put("\n<dt>It was</dt>");
        self.word("dd", "", "/policy/last_reload/result");
        self.put("\n<dt>Reloads done, refused</dt><dd>");
        self.figure("span", "/policy/reloads", "count");
        self.put(", ");
        self.figure("span", "/policy/reloads_refused", "count");
        self.put("</dd>\n<dt>Key epoch</dt>");
        self.figure("dd", "/key_epoch/name", "text");
        self.put("\n<dt>It began</dt>");
        self.figure("dd", "/key_epoch/start", "time");
        self.put("\n</dl>\n</section>\n");
    }

    /// A table of names, counts and shares.
    fn shares(&mut self, class: &str, title: &str, heads: [&str; 2], list: &str, count: &str) {
        self.open(class, title);
        self.put(&format!(
            "<div class=\"wide\"><table><thead><tr><th>{}</th><th></th><th>{}</th><th>Share</th></tr></thead><tbody>\n",
            heads[0], heads[1]
        ));
        for i in 0..self.length(list) {
            let name = self.figures[list][i]["name"].as_str().unwrap_or_default();
            let width = shown(&self.figures[list][i]["share"], "width");
            self.put("<tr><th scope=\"row\">");
            self.text(name);
            self.put("</th><td><svg class=\"bar\" aria-hidden=\"true\"><rect height=\"100%\"");
            self.put(&format!(" data-path=\"/{list}/{i}/share\" data-form=\"width\" width=\"{width}\"/></svg></td>"));
            self.figure("td", &format!("/{list}/{i}/{count}"), "count");
            self.figure("td", &format!("/{list}/{i}/share"), "share");
            self.put("</tr>\n");
        }
        self.put("</tbody></table></div>\n</section>\n");
    }

    fn inputs(&mut self) {
        const COLUMNS: [(&str, &str, &str); 11] = [
            ("Lag", "lag_bytes", "bytes"),
            ("Lines", "lines", "count"),
            ("Bytes", "bytes", "bytes"),
            ("Files", "files/followed", "count"),
            ("Rotations", "files/rotations", "count"),
            ("Truncations", "files/truncations", "count"),
            ("Copies", "files/copies", "count"),
            ("Gaps", "files/gaps", "count"),
            ("Unreadable", "files/unreadable", "count"),
            ("Shed", "shed_lines", "count"),
            ("Problems", "problems", "count"),
        ];
        self.ends("Inputs", "inputs", &COLUMNS);
    }

    fn outputs(&mut self) {
        const COLUMNS: [(&str, &str, &str); 8] = [
            ("Records", "records", "count"),
            ("Bytes", "bytes", "bytes"),
            ("Waiting", "waiting_bytes", "bytes"),
            ("Last write", "last_write_seconds", "ago"),
            ("Stalled for", "stalled_seconds", "span"),
            ("Rotations", "rotations", "count"),
            ("Errors", "errors", "count"),
            ("Fails with", "last_error", "text"),
        ];
        self.ends("Outputs", "outputs", &COLUMNS);
    }

    /// A table with a row for each input or output.
    fn ends(&mut self, title: &str, list: &str, columns: &[(&str, &str, &str)]) {
        self.open("", title);
        self.put("<div class=\"wide\"><table><thead><tr><th></th>");
        for (head, _, _) in columns {
            self.put(&format!("<th>{head}</th>"));
        }
        self.put("</tr></thead><tbody>\n");
        for i in 0..self.length(list) {
            let word = |key: &str| self.figures[list][i][key].as_str().unwrap_or_default();
            let (name, kind) = (word("name"), word("kind"));
            self.put("<tr><td class=\"name\">");
            self.text(name);
            self.put("<span>");
            self.text(kind);
            self.put("</span></td>");
            for (_, path, form) in columns {
                self.figure("td", &format!("/{list}/{i}/{path}"), form);
            }
            self.put("</tr>\n");
        }
        self.put("</tbody></table></div>\n</section>\n");
    }

    fn marks(&mut self) {
        let titles = ["Cut at the limit", "Fitted no format", "Late for their key", "Due to be deleted"];
        let paths: Vec<String> = (0..titles.len()).map(|i| format!("/marks/{i}/lines")).collect();
        let facts: Vec<_> = titles.iter().zip(&paths).map(|(title, path)| (*title, &**path, "count")).collect();
        self.facts("third", "Of the lines", &facts);
    }

    fn foot(&mut self) {
        self.put("</main>\n<footer>sladd ");
        self.figure("span", "/version", "text");
        self.put(
            " · <a href=\"metrics\">metrics</a> · <a href=\"status.json\">status.json</a> · <a href=\"healthz\">healthz</a> · \
             <a href=\"readyz\">readyz</a></footer>\n<script>",
        );
        self.put(SCRIPT);
        self.put("</script>\n</body>\n</html>\n");
    }
}

/// A figure as it is shown; the script has the same forms.
fn shown(value: &Value, form: &str) -> String {
    if let (Value::String(text), "text") = (value, form) {
        return text.clone();
    }
    let Some(number) = value.as_f64() else {
        return if form == "width" { "0.0%".to_owned() } else { "–".to_owned() };
    };
    match form {
        "count" => grouped(number),
        "per_second" => grouped(number) + "/s",
        "bytes" => bytes(number),
        "bytes_per_second" => bytes(number) + "/s",
        "span" => span(number),
        "ago" => span(number) + " ago",
        "millis" => tenth(number * 1000.0) + "\u{a0}ms",
        "time" => time(number as i64),
        "share" => tenth(number * 100.0) + "\u{a0}%",
        "width" => tenth(number * 100.0) + "%",
        _ => number.to_string(),
    }
}

fn tenth(number: f64) -> String {
    format!("{:.1}", (number * 10.0).round() / 10.0)
}

/// `12 345 678`, with narrow blanks.
fn grouped(number: f64) -> String {
    let digits = format!("{}", number.round());
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn bytes(mut number: f64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    while number >= 1024.0 && unit < 5 {
        number /= 1024.0;
        unit += 1;
    }
    let figure = if unit == 0 { format!("{}", number.round()) } else { tenth(number) };
    format!("{figure}\u{a0}{}", UNITS[unit])
}

fn span(seconds: f64) -> String {
    let pair = |a: f64, x: &str, b: f64, y: &str| {
        let mut out = format!("{}\u{a0}{x}", a.floor());
        if b.floor() > 0.0 {
            let _ = write!(out, " {}\u{a0}{y}", b.floor());
        }
        out
    };
    match seconds {
        s if s < 60.0 => format!("{}\u{a0}s", s.floor()),
        s if s < 3600.0 => pair(s / 60.0, "min", s % 60.0, "s"),
        s if s < 86_400.0 => pair(s / 3600.0, "h", s % 3600.0 / 60.0, "min"),
        s => pair(s / 86_400.0, "d", s % 86_400.0 / 3600.0, "h"),
    }
}

/// `2026-11-22 04:45:42 UTC`.
fn time(seconds: i64) -> String {
    let time = Timestamp(seconds.clamp(0, Timestamp::LAST.0));
    let clock = time.0.rem_euclid(86_400);
    format!("{} {:02}:{:02}:{:02} UTC", time.date(), clock / 3600, clock / 60 % 60, clock % 60)
}

/// The course of lines a second, one step a point, now at the right.
fn points(course: &Value) -> String {
    let course: Vec<f64> = course.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let peak = course.iter().copied().fold(1.0, f64::max);
    let at = |(i, lines): (usize, &f64)| {
        format!("{},{}", 120 - (course.len() as i64 - 1 - i as i64), tenth(31.0 - lines / peak * 30.0))
    };
    course.iter().enumerate().map(at).collect::<Vec<_>>().join(" ")
}

/// Text → text of HTML, in an element or in a quoted attribute.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_read_well() {
        for (value, form, reads) in [
            (json!(1_234_567), "count", "1\u{202f}234\u{202f}567"),
            (json!(999), "count", "999"),
            (json!(1234.4), "per_second", "1\u{202f}234/s"),
            (json!(0), "bytes", "0\u{a0}B"),
            (json!(1023), "bytes", "1023\u{a0}B"),
            (json!(1280), "bytes", "1.3\u{a0}KiB"),
            (json!(64 << 20), "bytes", "64.0\u{a0}MiB"),
            (json!(59.9), "span", "59\u{a0}s"),
            (json!(3600), "span", "1\u{a0}h"),
            (json!(3725), "span", "1\u{a0}h 2\u{a0}min"),
            (json!(200_000), "ago", "2\u{a0}d 7\u{a0}h ago"),
            (json!(0.0123), "millis", "12.3\u{a0}ms"),
            (json!(1_795_322_742), "time", "2026-11-22 04:45:42 UTC"),
            (json!(-5), "time", "1970-01-01 00:00:00 UTC"),
            (json!(0.98765), "share", "98.8\u{a0}%"),
            (json!(0.5), "width", "50.0%"),
            (Value::Null, "width", "0.0%"),
            (Value::Null, "count", "–"),
            (json!("ready"), "text", "ready"),
        ] {
            assert_eq!(shown(&value, form), reads, "{value} as {form}");
        }
        assert_eq!(points(&json!([0, 5, 10])), "118,31.0 119,16.0 120,1.0");
        assert_eq!(points(&json!([])), "");
    }

    #[test]
    fn the_script_knows_every_form_of_the_page() {
        let page = page(&json!({}));
        let body = &page[page.find("<body>").unwrap()..page.find("<script>").unwrap()];
        for (at, _) in body.match_indices("data-form=\"") {
            let form = body[at + 11..].split('"').next().unwrap();
            let known = SCRIPT.contains(&format!("    {form}: ")) || SCRIPT.contains(&format!("form === '{form}'"));
            assert!(known, "{form}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere_and_nothing_breaks_out_of_its_element() {
        let name = "<script>alert(1)</script>\"'&";
        let page = page(&json!({
            "shape": name, "state": name, "problems": [name], "policy": { "tag": name, "last_reload": { "result": name } },
            "classes": [{ "name": name, "records": 1, "share": 1.0 }], "inputs": [{ "kind": name, "name": name }],
        }));
        assert!(!page.contains("alert(1)</") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
        assert_eq!(page.matches("<script>").count(), 1);
        assert!(
            !page.contains("http:") && !page.contains("https") && !page.contains("@import") && !page.contains("url("),
            "something is fetched"
        );
        let body = &page[page.find("<body>").unwrap()..page.find("<script>").unwrap()];
        assert!(!body.contains(" style=") && !body.contains("onclick") && !body.contains("href=\"http"));
    }

    #[test]
    fn hashes_are_those_of_what_the_page_holds() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert!(content_security_policy().contains(&base64(&Sha256::digest(SCRIPT))));
        let page = page(&json!({}));
        let script = page.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        assert_eq!((script, style), (SCRIPT, STYLE));
    }
}
