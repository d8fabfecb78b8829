//! Long tokens: hexadecimal from 16 digits, numbers from 12 digits, random-looking runs from 20 characters, base64 with
//! its padding, keys with well-known beginnings. JSON Web Tokens and bare IMEIs are seen here too, for they stand in the
//! same runs.
//!
//! Read by runs of `0-9A-Za-z_+-`, each once. What people write (slugs, `CamelCase` names, versions, dates) is told from
//! what machines draw by how often the class of neighbouring characters changes inside a word, and by the pairs of letters
//! in the whole run ([`Look`]); behind a word that promises a secret less is asked.

use super::{
    Finding, Kinds, Place, What, base64,
    bytes::{ALNUM, DIGIT, HEX, HOST, TOKEN, is, is_at, is_before, run_end, run_start},
    card,
    drawn::Look,
    imei, jwt, version,
};

/// From how many characters a run is read at all, unless it has that many digits.
const SHORTEST: usize = 16;
/// From how many digits a number is taken for somebody's.
const LONG_NUMBER: usize = 12;
/// From how many characters a run is a token if it looks random.
const LONG_RANDOM: usize = 20;
/// Words this short say nothing.
const SHORT_WORD: usize = 4;
/// How far base64 is followed over slashes to the left of what was recognised.
const LEFT_REACH: usize = 64;

/// Reads the run that holds `at`, adds what it finds, and says up to where it read. Nothing before `floor` is part of it.
pub(super) fn run(text: &[u8], at: usize, floor: usize, kinds: Kinds, place: Place, found: &mut Vec<Finding>) -> usize {
    if !is_at(text, at, TOKEN) {
        return at;
    }
    let start = run_start(text, at, floor, TOKEN);
    let (end, changes, longest) = glance(text, start);
    if end - start >= SHORTEST {
        if let Some(jwt_end) = jwt::end(text, start, end) {
            let what = if kinds.has(Kinds::JWT) { What::Jwt } else { What::Token };
            if kinds.has(Kinds::JWT) || kinds.has(Kinds::TOKEN) {
                found.push(Finding::new(start, jwt_end, what));
                return jwt_end;
            }
        }
    } else if end - start < LONG_NUMBER {
        return end;
    }
    if end - start >= SHORTEST && kinds.has(Kinds::TOKEN) {
        if let Some(end) = credentials(text, start, end) {
            found.push(Finding::new(start, end, What::Token));
            return end;
        }
        if let Some(from) = promised(text, start, end) {
            let to = whole(text, start, end).1;
            found.push(Finding::new(from, to, What::Token));
            return to.max(end);
        }
        if place == Place::Text && follows_segment(text, start, end) {
            found.push(Finding::new(start, end, What::Token));
            return end;
        }
    }
    // `4111_1111_1111_1111`
    if kinds.has(Kinds::CARD)
        && text.get(start + 4) == Some(&b'_')
        && let Some(card) = card::at(text, start)
    {
        found.push(card);
        return end;
    }
    // Most runs are slugs: no long word, hardly a change of class. To be odd, 16 characters need four changes.
    if longest < LONG_NUMBER && changes < 4 && !known_key(&text[start..end]) {
        return end;
    }
    let shape = Shape::read(text, start, end, kinds, place, found);
    if !kinds.has(Kinds::TOKEN) {
        return end;
    }
    // `xn--` starts a host name's label in other letters than ASCII.
    let random = end - start >= LONG_RANDOM
        && !text[start..end].starts_with(b"xn--")
        && (shape.odd >= SHORTEST || !shape.told && Look::read(&text[start..end]).is_drawn());
    // A shorter one must look so in every way.
    let short = (SHORTEST..LONG_RANDOM).contains(&(end - start))
        && !shape.told
        && shape.odd == end - start
        && Look::read(&text[start..end]).is_surely_drawn();
    let random = random || short;
    if random || known_key(&text[start..end]) || end - start >= SHORTEST && base64::tells(&text[start..end]) {
        let (from, to) = whole(text, start, end);
        found.push(Finding::new(from, to, What::Token));
        return to.max(end);
    }
    end
}

/// Where the run that starts at `start` ends, how often neighbours inside its words are of different class, and how long
/// its longest word is.
#[inline]
fn glance(text: &[u8], start: usize) -> (usize, usize, usize) {
    let (mut at, mut changes, mut longest, mut word, mut before) = (start, 0, 0, 0, NONE);
    while let Some(&byte) = text.get(at) {
        if !is(byte, TOKEN) {
            break;
        }
        let class = CLASS[byte as usize];
        changes += usize::from((class != before) & (class != NONE) & (before != NONE));
        word = if class == NONE { 0 } else { word + 1 };
        longest = longest.max(word);
        before = class;
        at += 1;
    }
    (at, changes, longest)
}

/// Whether base64 that ends with its padding at the `=` at `at` stands there, in pieces too short to be seen alone.
pub(super) fn padded(text: &[u8], at: usize) -> Option<Finding> {
    if text.get(at) != Some(&b'=') || !is_before(text, at, TOKEN) || is_at(text, at + 1, TOKEN) {
        return None;
    }
    let floor = at.saturating_sub(LEFT_REACH);
    let mut start = at;
    while start > floor && (is(text[start - 1], TOKEN) || text[start - 1] == b'/') {
        start -= 1;
    }
    let end = if text.get(at + 1) == Some(&b'=') { at + 2 } else { at + 1 };
    // A path may stand in front: base64 starts where four divide what is left.
    while !(end - start).is_multiple_of(4) || text[start] == b'/' {
        start += 1 + text[start..at].iter().position(|&b| b == b'/')?;
    }
    let body = &text[start..at];
    let digits = body.iter().filter(|&&b| is(b, DIGIT)).count();
    let upper = body.iter().filter(|b| b.is_ascii_uppercase()).count();
    let lower = body.iter().filter(|b| b.is_ascii_lowercase()).count();
    let drawn = body.len() >= SHORTEST && digits > 0 && upper > 1 && lower > 1;
    (drawn || base64::tells(body)).then(|| Finding::new(start, end, What::Token))
}

/// How a run looks: how many of its characters stand in words that nobody writes.
#[derive(Debug, Default)]
struct Shape {
    odd: usize,
    /// Whether a long number or a long hexadecimal word was read: what they are is settled.
    told: bool,
}

impl Shape {
    /// Reads the run word by word and adds its long numbers and its hexadecimal words.
    fn read(text: &[u8], start: usize, end: usize, kinds: Kinds, place: Place, found: &mut Vec<Finding>) -> Shape {
        let mut shape = Shape::default();
        let mut at = start;
        while at < end {
            let word = Word::read(text, at, end);
            if word.len() < SHORT_WORD {
                at = word.end + 1;
                continue;
            }
            if word.longest_number >= LONG_NUMBER {
                number(text, &word, kinds, place, found);
                shape.told = true;
            }
            if word.hex && word.len() >= SHORTEST && kinds.has(Kinds::TOKEN) {
                shape.told = true;
                let spared = (matches!(place, Place::Path | Place::Text)
                    && version::asset_hash(text, word.start, word.end))
                    || version::pseudonym(text, word.start, word.end)
                    || (word.digits == word.len() && is_ordinary_number(text, word.start, word.end));
                if !spared {
                    found.push(Finding::new(word.start, word.end, What::Token));
                }
            } else if word.is_odd() {
                shape.odd += word.len();
            }
            at = word.end;
        }
        shape
    }
}

/// Letters and digits between separators.
#[derive(Debug, Default)]
struct Word {
    start: usize,
    end: usize,
    digits: usize,
    mixed_case: bool,
    hex: bool,
    /// How often the class of neighbours changes, a capital letter at the start of a word not counted.
    changes: usize,
    longest_number: usize,
}

impl Word {
    /// Reads the word from `start` on: empty if none starts there. Written without branches on what the bytes are, since
    /// they follow no pattern.
    #[inline]
    fn read(text: &[u8], start: usize, end: usize) -> Word {
        const LETTER: u32 = 1 << LOWER | 1 << UPPER;
        let mut word = Word { start, hex: true, ..Word::default() };
        let mut at = start;
        let (mut before, mut run, mut number, mut seen) = (NONE, 0u32, 0, 0u32);
        while at < end {
            let byte = text[at];
            let class = CLASS[byte as usize];
            if class == NONE {
                break;
            }
            word.hex &= is(byte, HEX);
            let same = class == before;
            let capital = before == UPPER && run == 1 && class == LOWER;
            word.changes += usize::from(!same & !capital);
            run = if same { run + 1 } else { 1 };
            number = if class == NUMBER { number + 1 } else { 0 };
            word.longest_number = word.longest_number.max(number);
            word.digits += usize::from(class == NUMBER);
            seen |= 1 << class;
            before = class;
            at += 1;
        }
        // The first byte was counted too.
        word.changes = word.changes.saturating_sub(1);
        word.mixed_case = seen & LETTER == LETTER;
        word.end = at;
        if !word.hex && matches!(&text[start..at], [b'0', b'x' | b'X', digits @ ..] if digits.len() >= SHORTEST) {
            word.hex = text[start + 2..at].iter().all(|&b| is(b, HEX));
        }
        word
    }

    fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it looks drawn rather than written. Of 20 random characters 8 to 12 stand beside one of another class; in
    /// names such as `XMLHttpRequest2Level3Api` at most one in four does.
    fn is_odd(&self) -> bool {
        let len = self.len();
        if self.changes < 2 {
            return false;
        }
        match (self.digits > 0, self.mixed_case) {
            (true, true) => self.changes * 10 >= len * 3,
            (true, false) => self.changes * 5 >= len,
            (false, true) => len >= 6 && self.changes * 5 >= len * 2,
            (false, false) => false,
        }
    }
}

const NONE: u8 = 0;
const NUMBER: u8 = 1;
const UPPER: u8 = 2;
const LOWER: u8 = 3;

/// The class of each byte.
const CLASS: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = match b as u8 {
            b'0'..=b'9' => NUMBER,
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => LOWER,
            _ => NONE,
        };
        b += 1;
    }
    table
};

/// Adds the longest number of a word: an IMEI, or a token unless it is a time or a fraction.
fn number(text: &[u8], word: &Word, kinds: Kinds, place: Place, found: &mut Vec<Finding>) {
    let mut start = word.start;
    let mut end = run_end(&text[..word.end], start, DIGIT);
    while end - start < word.longest_number {
        start = end + 1;
        end = run_end(&text[..word.end], start, DIGIT);
    }
    if let Ok(digits) = <&[u8; 15]>::try_from(&text[start..end])
        && kinds.has(Kinds::IMEI)
        && imei::passes(digits)
    {
        found.push(Finding::new(start, end, What::Imei));
        if word.digits < digits.len() + LONG_NUMBER {
            return;
        }
    }
    if !kinds.has(Kinds::TOKEN) || is_ordinary_number(text, start, end) {
        return;
    }
    // A long hexadecimal word is judged as a whole by the caller.
    let judged = word.hex && word.len() >= SHORTEST;
    let asset =
        matches!(place, Place::Path | Place::Text) && end - start >= SHORTEST && version::asset_hash(text, start, end);
    let spared = judged || asset || version::pseudonym(text, word.start, word.end);
    if !spared {
        found.push(Finding::new(word.start, word.end, What::Token));
    }
}

/// Milliseconds since 1970, `20261121100503`, a thread, or the fraction of a number.
fn is_ordinary_number(text: &[u8], start: usize, end: usize) -> bool {
    let digits = &text[start..end];
    if is_before(text, start, HOST) && text[start - 1] == b'.' {
        // `0.0012345678901`, `1700000000.123456789012`: at most ten digits before the stop, and nothing else.
        let whole = run_start(text, start - 1, (start - 1).saturating_sub(11), DIGIT);
        let count = start - 1 - whole;
        return (1..=3).contains(&count)
            && digits.len() <= 20
            && !is_before(text, whole, HOST)
            && !is_at(text, end, HOST);
    }
    if is_before(text, start, ALNUM) || is_at(text, end, ALNUM) {
        return false;
    }
    // Servers number their threads by address.
    if text[..start].ends_with(b"tid ") {
        return true;
    }
    match digits.len() {
        13 => digits[0] == b'1' && (b'2'..=b'9').contains(&digits[1]) || is_book(digits),
        14 => {
            let two = |at: usize| (digits[at] - b'0') * 10 + digits[at + 1] - b'0';
            (19..=20).contains(&two(0))
                && (1..=12).contains(&two(4))
                && (1..=31).contains(&two(6))
                && two(8) < 24
                && two(10) < 60
                && two(12) <= 60
        }
        _ => false,
    }
}

/// A book's number (ISBN), 978 or 979 and a check digit.
fn is_book(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().enumerate().map(|(i, &b)| u32::from(b - b'0') * if i % 2 == 1 { 3 } else { 1 }).sum();
    (digits.starts_with(b"978") || digits.starts_with(b"979")) && sum.is_multiple_of(10)
}

/// Keys whose makers put a mark in front.
fn known_key(run: &[u8]) -> bool {
    let known = |at: usize| run.len() - at >= SHORTEST && marks(run[at]).iter().any(|m| run[at..].starts_with(m));
    // At the start of the run or of a word in it.
    known(0)
        || (1..run.len().saturating_sub(SHORTEST - 1))
            .any(|at| !is(run[at - 1], ALNUM) && is(run[at + 1], ALNUM) && known(at))
}

/// The marks that start with a letter.
fn marks(first: u8) -> &'static [&'static [u8]] {
    match first {
        b'A' => &[b"AKIA", b"ASIA", b"ABIA", b"ACCA", b"AIza", b"ATATT3", b"ATBB", b"ATCTT3", b"AGE-SECRET-KEY-"],
        b'E' => &[b"EAAA", b"EAAC"],
        b'G' => &[b"GOCSPX-"],
        b'N' => &[b"NRAK-", b"NRJS-"],
        b'P' => &[b"PMAK-"],
        b'd' => &[b"dckr_pat_", b"dop_v1_", b"doo_v1_", b"dor_v1_", b"dapi"],
        b'f' => &[b"figd_", b"flb_"],
        b'g' => &[
            b"ghp_",
            b"gho_",
            b"ghu_",
            b"ghs_",
            b"ghr_",
            b"github_pat_",
            b"glpat-",
            b"gldt-",
            b"glrt-",
            b"glcbt-",
            b"glptt-",
            b"glsa_",
            b"glc_",
        ],
        b'h' => &[b"hf_", b"hvs_", b"heroku_"],
        b'l' => &[b"lin_api_", b"lin_oauth_"],
        b'n' => &[b"npm_", b"ntn_", b"nfp_"],
        b'p' => &[b"pk_live_", b"pk_test_", b"pypi-", b"phc_", b"phx_", b"pat-na1-", b"pat-eu1-", b"pnu_", b"pscale_"],
        b'r' => &[b"rk_live_", b"rk_test_", b"rubygems_", b"rdme_"],
        b's' => &[
            b"sk_live_",
            b"sk_test_",
            b"sk-",
            b"secret_",
            b"shpat_",
            b"shpca_",
            b"shppa_",
            b"shpss_",
            b"sq0atp-",
            b"sq0csp-",
            b"sntrys_",
            b"sbp_",
        ],
        b't' => &[b"tskey-", b"tfp_"],
        b'v' => &[b"vercel_"],
        b'w' => &[b"whsec_"],
        b'x' => &[b"xoxb-", b"xoxp-", b"xoxa-", b"xoxr-", b"xoxs-", b"xoxe-", b"xapp-", b"xkeysib-"],
        _ => &[],
    }
}

/// Where the credentials end that start at `start` behind the name of their scheme: `Bearer …`, `Basic …`, `Digest …`.
fn credentials(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let before = text[..start].strip_suffix(b" ")?;
    let schemes: [&[u8]; 7] = [b"bearer", b"basic", b"negotiate", b"digest", b"token", b"apikey", b"ntlm"];
    let told = schemes.iter().any(|scheme| {
        before.len() >= scheme.len() && before[before.len() - scheme.len()..].eq_ignore_ascii_case(scheme)
    });
    // `basic authentication-required` is prose.
    let drawn = text[start..end].iter().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if !told || !drawn {
        return None;
    }
    let rest = text[end..].iter().take_while(|&&b| is(b, TOKEN) || matches!(b, b'.' | b'/' | b'~' | b'=')).count();
    Some(end + rest)
}

/// Whether the segment of a path in front of the run says that a token follows: `/reset/…`, `/verify-email/…`.
fn follows_segment(text: &[u8], start: usize, end: usize) -> bool {
    let Some(before) = text[..start].strip_suffix(b"/") else { return false };
    let name = &before[run_start(before, before.len(), before.len().saturating_sub(24), TOKEN)..];
    let words: [&[u8]; 18] = [
        b"reset",
        b"password",
        b"verify",
        b"verification",
        b"confirm",
        b"confirmation",
        b"activate",
        b"activation",
        b"invite",
        b"invitation",
        b"unsubscribe",
        b"magic",
        b"token",
        b"recover",
        b"recovery",
        b"otp",
        b"passwordreset",
        b"session",
    ];
    let told = name.split(|b| matches!(b, b'-' | b'_')).any(|part| words.iter().any(|w| w.eq_ignore_ascii_case(part)));
    told && text[start..end].iter().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// Where the value starts that a word in front of the run or at its beginning promises to be secret: `session: …`,
/// `totp secret …`, `sess_…`, `session_id_…`. Identifiers stay as they are, and so does prose.
fn promised(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let floor = start.saturating_sub(4);
    let mut front = start;
    while front > floor && matches!(text[front - 1], b' ' | b'=' | b':' | b'"' | b'\'' | b'[' | b'(' | b'#') {
        front -= 1;
    }
    let before = front < start && {
        let from = run_start(text, front, front.saturating_sub(24), ALNUM);
        let word = &text[from..front];
        // `session id …`, `api key …`.
        let more = from > 0 && is_second(word) && matches!(text[from - 1], b' ' | b'_' | b'-');
        is_promise(word)
            || more && is_promise(&text[run_start(text, from - 1, from.saturating_sub(24), ALNUM)..from - 1])
    };
    let mut from = start;
    let mut told = before;
    // At most three words of the run's own.
    for _ in 0..3 {
        let word = run_end(&text[..end.min(from + 24)], from, ALNUM);
        let separator = text[..end].get(word).is_some_and(|b| matches!(b, b'_' | b'-'));
        if !separator
            || end - word <= SHORTEST
            || !(is_promise(&text[from..word]) || told && is_second(&text[from..word]))
        {
            break;
        }
        (from, told) = (word + 1, true);
    }
    let value = &text[from..end];
    (told && value.len() >= SHORTEST && !is_settled(value) && Look::read(value).may_be_drawn()).then_some(from)
}

/// Whether the rules for hexadecimal, UUIDs and numbers say more about it: no letter in it is other than hexadecimal.
fn is_settled(value: &[u8]) -> bool {
    value.iter().all(|&b| is(b, HEX) || !is(b, ALNUM))
}

/// Whether a secret or the number of a session stands behind the word.
fn is_promise(word: &[u8]) -> bool {
    const WORDS: [&[u8]; 17] = [
        b"sess",
        b"session",
        b"sessionid",
        b"sessid",
        b"sid",
        b"secret",
        b"token",
        b"tokens",
        b"nonce",
        b"ticket",
        b"otp",
        b"totp",
        b"apikey",
        b"api",
        b"password",
        b"passcode",
        b"cookie",
    ];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether the word may stand between a promise and the secret.
fn is_second(word: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"id", b"key", b"is", b"value", b"secret", b"code"];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The run with the base64 that goes on over slashes beside it, and its padding.
fn whole(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let (mut from, mut to) = (start, end);
    while to < text.len() && text[to] == b'/' {
        let next = run_end(text, to + 1, TOKEN);
        if !goes_on(text, to + 1, next) {
            break;
        }
        to = next;
    }
    while from > 0 && text[from - 1] == b'/' && start - from < LEFT_REACH {
        let next = run_start(text, from - 1, (from - 1).saturating_sub(LEFT_REACH), TOKEN);
        if !goes_on(text, next, from - 1) {
            break;
        }
        from = next;
    }
    let padding = text[to..].iter().take(2).take_while(|&&b| b == b'=').count();
    // `name=value`, not padding, if something follows it.
    if padding > 0 && !is_at(text, to + padding, TOKEN) {
        to += padding;
    }
    (from, to)
}

/// Whether a piece between slashes looks like base64 and not like a word of a path.
fn goes_on(text: &[u8], start: usize, end: usize) -> bool {
    let mut odd = 0;
    let mut at = start;
    while at < end {
        if is(text[at], ALNUM) {
            let word = Word::read(text, at, end);
            odd += if word.is_odd() { word.len() } else { 0 };
            at = word.end;
        } else {
            at += 1;
        }
    }
    odd * 2 > end - start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, What)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            at = run(text.as_bytes(), at, at, Kinds::ALL, Place::Path, &mut found).max(at) + 1;
        }
        found.iter().map(|f| (std::str::from_utf8(f.span.of(text.as_bytes())).unwrap(), f.what)).collect()
    }

    #[test]
    fn what_machines_draw_is_found() {
        for token in [
            "9f86d081884c7d65",
            "9F86D081884C7D659A2FEAA0C55AD015",
            "aGVsbG8gd29ybGQ0Mg1x",
            "k2j3h4k5j6h7l8q9w0e1r2",
            "198001011234",
            "AKIAIOSFODNN7EXAMPLE",
            "tK3x-9_vQz71LmNb0PdW2y",
        ] {
            assert_eq!(found(token), [(token, What::Token)], "{token}");
        }
        for (text, token) in [
            ("SG.aBcDeFgHiJkLmNoPqRsTuV.x", "aBcDeFgHiJkLmNoPqRsTuV"),
            ("sk-proj-abcdefghijklmnop", "sk-proj-abcdefghijklmnop"),
            ("bearer ABCDEFGHIJKLMNOPQR.STU/VW=", "ABCDEFGHIJKLMNOPQR.STU/VW="),
            ("MjAzLjAuMTEzLjc3", "MjAzLjAuMTEzLjc3"),
        ] {
            assert_eq!(found(text), [(token, What::Token)], "{text}");
        }
        assert_eq!(found("490154203237518"), [("490154203237518", What::Imei)]);
        assert_eq!(found("report_AKIAIOSFODNN7EXAMPLE.pdf"), [("report_AKIAIOSFODNN7EXAMPLE", What::Token)]);
    }

    #[test]
    fn what_people_write_is_left() {
        for text in [
            "this-is-a-long-article-title-about-2024-election-results",
            "This-Is-A-Long-Article-Title-About-2024",
            "combined-javascript",
            "XMLHttpRequest2Level3Api",
            "iPhone14ProMaxCase2024",
            "com_google_android_gms_auth",
            "app-9f86d081884c7d65.js",
            "app.9f86d081884c7d65.min.css",
            "p1.20261121.9f86d081884c7d65",
            "1763719503123",
            "20261121100503",
            "0.0012345678901",
            "how+to+mend+a+broken+pipe+in+2024",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_promised_goes() {
        for (text, token) in [
            ("open(/var/lib/php/sessions/sess_vejneksppkisq0gbtnpo194tmj, O_RDWR)", "vejneksppkisq0gbtnpo194tmj"),
            ("session vejneksppkisq0gbtnpo194tmj expired", "vejneksppkisq0gbtnpo194tmj"),
            ("session id: k7Rw2pXq9LmZt4Vb", "k7Rw2pXq9LmZt4Vb"),
            ("totp secret CXEBUU3QQUFXVLCJ x", "CXEBUU3QQUFXVLCJ"),
            ("api key 'qZxKwPvTbRgHjMnD'", "qZxKwPvTbRgHjMnD"),
            ("session_id_k7rw2pxq9lmzt4vb", "k7rw2pxq9lmzt4vb"),
        ] {
            assert_eq!(found(text), [(token, What::Token)], "{text}");
        }
        for text in [
            "session opened-for-the-user",
            "nonce getAccessTokenFromHeader2",
            "token_validation_failed_v2_handler",
            "secret management-and-rotation",
            "session SessionManagerFactoryBean",
            "cookie consent-banner-2024-autumn",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    /// How many of a thousand seeded random tokens survive.
    fn survivors(letters: &[u8], length: usize) -> usize {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize
        };
        (0..1000)
            .filter(|_| {
                let token: String = (0..length).map(|_| char::from(letters[draw() % letters.len()])).collect();
                let text = format!("/konto/{token}/edit");
                !found(&text).iter().any(|(what, _)| what.len() * 2 > length)
            })
            .count()
    }

    #[test]
    fn hardly_a_drawn_token_survives() {
        const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for length in [20, 22, 24, 27, 32, 43] {
            for (letters, name, from, most) in [
                (BASE64, "base64url", 22, 10),
                (&BASE64[..62], "base62", 22, 10),
                (&BASE64[26..62], "base36", 24, 30),
                (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "base32", 24, 30),
                (&BASE64[..52], "letters", 24, 100),
            ] {
                let share = survivors(letters, length);
                println!("{name} {length}: {share} of 1000");
                assert!(length < from || share <= most, "{name} of {length}: {share} of 1000 survive");
            }
        }
    }
}
