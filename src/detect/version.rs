//! What looks like an address or a token and is known not to be one: versions of products and files, hashes of assets,
//! pseudonyms of ours. In doubt it is an identifier.

use super::{
    Place,
    bytes::{ALNUM, DIGIT, HOST, is, is_at, is_before, run_end, run_start},
};
use memchr::memrchr;

/// How far in front of a product a `Mozilla/` still makes the text around it an agent.
const AGENT_REACH: usize = 512;

/// What is known so far of agents inside one text, so that each byte is searched once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agents {
    searched: usize,
    last: Option<usize>,
}

impl Agents {
    /// Whether the dotted number at `start..end` is the version of a product: `Chrome/139.0.0.0`.
    ///
    /// A product starts with a letter and stands at the start or behind a delimiter that is no slash. In free text it must
    /// be a browser's, or stand behind `Mozilla/` in the same quotes, for `localhost/192.0.2.7` is how Java prints a host.
    #[inline]
    pub(super) fn version(&mut self, text: &[u8], start: usize, end: usize, place: Place) -> bool {
        let open = matches!(place, Place::Agent | Place::Text);
        open && start > 1 && text[start - 1] == b'/' && self.product(text, start, end, place)
    }

    /// Whether it was asked for a `Mozilla/` in front of a product.
    pub(super) fn was_asked(&self) -> bool {
        self.searched > 0
    }

    fn product(&mut self, text: &[u8], start: usize, end: usize, place: Place) -> bool {
        let slash = start - 1;
        let mut product = slash;
        while product > slash.saturating_sub(40) && (is(text[product - 1], HOST) || text[product - 1] == b'!') {
            product -= 1;
        }
        let name = &text[product..slash];
        let led = name.first().is_some_and(u8::is_ascii_alphabetic);
        let agent = place == Place::Agent;
        let before = product == 0
            || matches!(text[product - 1], b' ' | b'\t' | b'"' | b'\'' | b'(' | b'[' | b';' | b',' | b'+')
            || agent && text[product - 1] == b'/' && is_browser(text, product, slash);
        let after = match text.get(end) {
            None => true,
            Some(b'/') => agent,
            Some(b) => matches!(b, b' ' | b'\t' | b'"' | b'\'' | b')' | b']' | b';' | b',' | b'+' | b'\\'),
        };
        led && before && after && (agent || is_browser(text, product, slash) || self.behind_mozilla(text, product))
    }

    fn behind_mozilla(&mut self, text: &[u8], product: usize) -> bool {
        if product > self.searched {
            let from = self.searched.saturating_sub(7);
            let mut end = product;
            while let Some(i) = memrchr(b'M', &text[from..end]) {
                if text[from + i..product].starts_with(b"Mozilla/") {
                    self.last = Some(from + i);
                    break;
                }
                end = from + i;
            }
            self.searched = product;
        }
        let Some(mozilla) = self.last else { return false };
        mozilla < product
            && product - mozilla <= AGENT_REACH
            && (mozilla == 0 || matches!(text[mozilla - 1], b'"' | b' ' | b'\'' | b'(' | b'\t'))
            && memrchr(b'"', &text[mozilla..product]).is_none()
    }
}

/// Whether the word at `start` stands behind a slash and what may be a name: [`Agents::version`] is false otherwise.
#[inline]
pub(super) fn may_be_product(text: &[u8], start: usize) -> bool {
    start > 1 && text[start - 1] == b'/' && (is(text[start - 2], HOST) || text[start - 2] == b'!')
}

/// Whether a file's name stands in front of the number at `start..end` and an extension behind it: `lib-1.128.1.0.js`.
pub(super) fn file_version(text: &[u8], start: usize, end: usize) -> bool {
    if start < 2 || !is_extension(text, end, &FILES) {
        return false;
    }
    let name_end = match text[start - 1] {
        b'-' | b'_' | b'.' => start - 1,
        b'v' | b'V' if matches!(text[start - 2], b'-' | b'_' | b'.') => start - 2,
        b'v' | b'V' => start - 1,
        _ => return false,
    };
    let floor = name_end.saturating_sub(40);
    let word = &text[run_start(text, name_end, floor, ALNUM)..name_end];
    let name = &text[run_start(text, name_end, floor, HOST)..name_end];
    !word.is_empty()
        && name.iter().any(u8::is_ascii_alphabetic)
        && !HOSTS.iter().any(|host| host.eq_ignore_ascii_case(word))
}

/// Whether the hexadecimal run at `start..end` is joined to a name and followed by an asset's extension: `app.3f2a9c….js`.
pub(super) fn asset_hash(text: &[u8], start: usize, end: usize) -> bool {
    if start < 2 || !matches!(text[start - 1], b'-' | b'_' | b'.') || !is_extension(text, end, &ASSETS) {
        return false;
    }
    let name = run_start(text, start - 1, (start - 1).saturating_sub(64), HOST);
    is(text[start - 2], ALNUM) && text[name..start - 1].iter().any(u8::is_ascii_alphabetic)
}

/// Whether the run of hexadecimal digits at `start..end` ends a pseudonym of ours: `p1.20261121.9f86d081884c7d65`.
pub(super) fn pseudonym(text: &[u8], start: usize, end: usize) -> bool {
    let digits = &text[start..end];
    if !(4..=32).contains(&digits.len()) || !digits.iter().all(|&b| is(b, DIGIT) || matches!(b, b'a'..=b'f')) {
        return false;
    }
    if start < 8 || text[start - 1] != b'.' {
        return false;
    }
    // The epoch's name: a year, month, day or hour in digits, or a week as `2026w47`.
    let epoch = run_start(text, start - 1, (start - 1).saturating_sub(10), ALNUM);
    let name = &text[epoch..start - 1];
    let dated = name.len() >= 4
        && name.iter().enumerate().all(|(i, &b)| is(b, DIGIT) || (i == 4 && name.len() == 7 && b == b'w'));
    let scheme = epoch >= 3 && &text[epoch - 3..epoch] == b"p1." && !is_before(text, epoch - 3, HOST);
    // A stop may follow it, but no name.
    let goes_on = is_at(text, end, HOST) && (text[end] != b'.' || is_at(text, end + 1, ALNUM));
    dated && scheme && !goes_on
}

/// Whether a last label is what files end in rather than a domain's.
pub(super) fn is_extension_of_files(label: &[u8]) -> bool {
    FILES.iter().chain(&ASSETS).chain(&PAGES).any(|ext| ext.eq_ignore_ascii_case(label))
}

/// Whether `.ext`, perhaps behind `.min` or the like, stands at `at` and ends the name.
fn is_extension(text: &[u8], at: usize, known: &[&[u8]]) -> bool {
    let mut at = at;
    for _ in 0..3 {
        if text.get(at) != Some(&b'.') {
            return false;
        }
        let end = run_end(&text[..text.len().min(at + 12)], at + 1, ALNUM);
        let label = &text[at + 1..end];
        if known.iter().any(|ext| ext.eq_ignore_ascii_case(label)) {
            let packed = [&b".map"[..], b".gz", b".br", b".sig", b".asc", b".sha256"];
            let end = packed.iter().find(|p| text[end..].starts_with(p)).map_or(end, |p| end + p.len());
            let goes_on = is_at(text, end, ALNUM) || is_at(text, end, HOST) && is_at(text, end + 1, HOST);
            return !goes_on && !matches!(text.get(end), Some(b'@' | b'%'));
        }
        if !BUILDS.iter().any(|build| build.eq_ignore_ascii_case(label)) {
            return false;
        }
        at = end;
    }
    false
}

/// Extensions of other files that have names of several parts.
const PAGES: [&[u8]; 18] = [
    b"json", b"html", b"htm", b"txt", b"xml", b"log", b"csv", b"pdf", b"php", b"bak", b"tmp", b"conf", b"lock", b"yml",
    b"yaml", b"mp4", b"mp3", b"webm",
];

/// Extensions of files that carry a version in their name. None that logs and exports of one client would have.
const FILES: [&[u8]; 48] = [
    b"js", b"mjs", b"cjs", b"css", b"map", b"wasm", b"jar", b"war", b"ear", b"aar", b"zip", b"gz", b"tgz", b"bz2",
    b"xz", b"zst", b"7z", b"rar", b"tar", b"exe", b"msi", b"msu", b"cab", b"dmg", b"pkg", b"deb", b"rpm", b"apk",
    b"aab", b"ipa", b"xpi", b"crx", b"iso", b"dll", b"whl", b"nupkg", b"gem", b"vsix", b"woff", b"woff2", b"ttf",
    b"otf", b"eot", b"svg", b"png", b"jpg", b"gif", b"swf",
];

/// Extensions of assets that carry a hash in their name: scripts, styles, maps, fonts, images.
const ASSETS: [&[u8]; 19] = [
    b"js", b"mjs", b"cjs", b"css", b"map", b"woff", b"woff2", b"ttf", b"otf", b"eot", b"svg", b"png", b"jpg", b"jpeg",
    b"gif", b"webp", b"avif", b"ico", b"bmp",
];

/// What a build puts between a name and its extension.
const BUILDS: [&[u8]; 17] = [
    b"min", b"chunk", b"bundle", b"module", b"esm", b"umd", b"prod", b"dev", b"legacy", b"async", b"lazy", b"slim",
    b"pack", b"packed", b"debug", b"tar", b"iife",
];

/// Names behind which a dotted four is an address, whatever follows.
const HOSTS: [&[u8]; 12] = [
    b"ip", b"ipv4", b"host", b"client", b"addr", b"address", b"remote", b"from", b"user", b"visitor", b"peer",
    b"server",
];

/// Whether the name at `start..end` is that of a product which is known to carry four-part versions.
#[inline]
fn is_browser(text: &[u8], start: usize, end: usize) -> bool {
    let name = &text[start..end];
    if name.len() > 16 {
        return name == LONG_BROWSER;
    }
    // As a number, the letters behind it shifted out.
    let packed = match text[..end].last_chunk::<16>() {
        Some(last) if start < end => u128::from_le_bytes(*last) >> (8 * (16 - name.len())),
        _ => pack(name),
    };
    let mut slot = slot_of(packed);
    while BY_NAME[slot] != 0 {
        if BY_NAME[slot] == packed {
            return true;
        }
        slot = (slot + 1) % BY_NAME.len();
    }
    false
}

/// Up to 16 letters as a number, the first one lowest.
const fn pack(name: &[u8]) -> u128 {
    let (mut packed, mut at) = (0, name.len());
    while at > 0 {
        at -= 1;
        packed = packed << 8 | name[at] as u128;
    }
    packed
}

/// Where in the table a name is looked for first.
const fn slot_of(packed: u128) -> usize {
    let folded = packed as u64 ^ (packed >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// The names, each in the first free slot from its own on; 0 where there is none.
static BY_NAME: [u128; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < BROWSERS.len() {
        let packed = pack(BROWSERS[i]);
        let mut slot = slot_of(packed);
        while table[slot] != 0 {
            slot = (slot + 1) % table.len();
        }
        table[slot] = packed;
        i += 1;
    }
    table
};

/// The one that is too long for the table.
const LONG_BROWSER: &[u8] = b"AvastSecureBrowser";

const BROWSERS: [&[u8]; 70] = [
    b"Chrome",
    b"Chromium",
    b"HeadlessChrome",
    b"CriOS",
    b"Edg",
    b"EdgA",
    b"EdgiOS",
    b"Edge",
    b"OPR",
    b"OPT",
    b"OPX",
    b"Opera",
    b"Vivaldi",
    b"YaBrowser",
    b"Yowser",
    b"SamsungBrowser",
    b"UCBrowser",
    b"Whale",
    b"Brave",
    b"DuckDuckGo",
    b"Ddg",
    b"Electron",
    b"QtWebEngine",
    b"MiuiBrowser",
    b"Silk",
    b"Puffin",
    b"QQBrowser",
    b"MQQBrowser",
    b"LBBROWSER",
    b"Maxthon",
    b"Iron",
    b"Avast",
    b"AVG",
    b"CCleaner",
    b"Norton",
    b"Instagram",
    b"FBAV",
    b"Firefox",
    b"Safari",
    b"Version",
    b"AppleWebKit",
    b"GSA",
    b"Viber",
    b"WhatsApp",
    b"Teams",
    b"Slack",
    b"Spotify",
    b"Thunderbird",
    b"SeaMonkey",
    b"Epiphany",
    b"HuaweiBrowser",
    b"VivoBrowser",
    b"HeyTapBrowser",
    b"OculusBrowser",
    b"Coc_Coc",
    b"coc_coc_browser",
    b"Trident",
    b"Gecko",
    b"Netscape",
    b"Navigator",
    b"Sleipnir",
    b"Comodo_Dragon",
    b"Mozilla",
    b"zlib",
    b"OpenSSL",
    b"libcurl",
    b"curl",
    b"libssh2",
    b"libidn",
    b"nghttp2",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_versions_in_agents_and_browsers_everywhere() {
        let version = |text: &str, place| {
            let start = text.find("1.2").unwrap();
            let end =
                start + text[start..].find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len() - start);
            Agents::default().version(text.as_bytes(), start, end, place)
        };
        for text in ["Foo/1.2.3.4", "x (Foo/1.2.3.4; y)", "UCBrowser/1.2.3.4/69", "a/UCBrowser/1.2.3.4"] {
            assert!(version(text, Place::Agent), "{text}");
        }
        for text in ["Chrome/1.2.3.4", "\"Mozilla/5.0 (x) Foo/1.2.3.4\""] {
            assert!(version(text, Place::Text), "{text}");
        }
        for text in ["Foo/1.2.3.4", "\"Mozilla/5.0\" Foo/1.2.3.4", "Chrome/1.2.3.4:80", "//1.2.3.4", "/Chrome/1.2.3.4"]
        {
            assert!(!version(text, Place::Text), "{text}");
        }
        assert!(!version("http://1.2.3.4/", Place::Agent));
        assert!(!version("Chrome/1.2.3.4", Place::Path));
    }

    #[test]
    fn files_carry_versions_between_a_name_and_an_extension() {
        for (text, is) in [
            ("lib-1.2.3.4.js", true),
            ("jquery.1.2.3.4.min.js", true),
            ("tool_v1.2.3.4.tar.gz", true),
            ("libv1.2.3.4.js", true),
            ("1.2.3.4.js", false),
            ("ip-1.2.3.4.js", false),
            ("lib-1.2.3.4.isp.example", false),
            ("access-1.2.3.4.log", false),
            ("7-1.2.3.4.js", false),
        ] {
            let start = text.find("1.2").unwrap();
            assert_eq!(file_version(text.as_bytes(), start, start + 7), is, "{text}");
        }
    }

    #[test]
    fn pseudonyms_of_ours_have_one_form() {
        let is = |text: &str| {
            let start = text.rfind("9f86").unwrap();
            let end = start + text[start..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len() - start);
            pseudonym(text.as_bytes(), start, end)
        };
        for text in ["p1.20261121.9f86d081884c7d65", "=p1.2026w47.9f86, ", "p1.2026112110.9f86."] {
            assert!(is(text), "{text}");
        }
        for text in [
            "p2.20261121.9f86",
            "xp1.20261121.9f86",
            "p1.20261121.9f86.a",
            "p1.2026112a.9f86",
            "20261121.9f86",
            "p1.20261121.9f86-x",
        ] {
            assert!(!is(text), "{text}");
        }
    }
}
