//! One segment of a path, and what it says of the next.

use super::{names, scrub};
use crate::detect::USERS;

/// What the segments before say of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// Nothing.
    Anything,
    /// It is a package's scope if it begins with `@`.
    Scope,
    /// It names a user.
    User,
    /// It tells a device, a browser or a session from all others.
    Device,
    /// It may be a token; so may as many more.
    Token(u8),
}

/// Appends what stays of a segment and says what the next one is.
pub(super) fn write(segment: &[u8], follows: Follows, made: &mut Vec<u8>) -> Follows {
    if matches!(segment, b"" | b"." | b"..") {
        made.extend_from_slice(segment);
        return follows;
    }
    let (head, parameters) = segment.split_at(parameters_start(segment));
    let mut space = [0; LONGEST_WORD];
    // Read as the server will read it.
    let plain = match memchr::memchr2(b'%', b'\\', head) {
        Some(_) if head.len() <= LONGEST_WORD => names::plain(head, &mut space),
        _ => head,
    };
    let (stem, extension) = split_extension(head);
    let leads = leads(plain);
    let next = match follows {
        Follows::Anything | Follows::Scope => {
            write_named(head, plain, follows, made);
            leads
        }
        Follows::User | Follows::Device | Follows::Token(_) if is_placeholder(stem) || plain == b".." => {
            made.extend_from_slice(head);
            after_token(follows)
        }
        Follows::User | Follows::Device | Follows::Token(_)
            if is_known(plain) || !extension.is_empty() && is_known(stem) || is_code(extension) && is_word(stem) =>
        {
            write_named(head, plain, follows, made);
            if leads == Follows::Anything { after_token(follows) } else { leads }
        }
        Follows::User => {
            let number = stem.iter().all(u8::is_ascii_digit);
            made.extend_from_slice(if number { b"[id]" } else { b"[user]" });
            made.extend_from_slice(extension);
            Follows::Anything
        }
        Follows::Device => {
            made.extend_from_slice(b"[id]");
            made.extend_from_slice(extension);
            Follows::Anything
        }
        Follows::Token(_) => {
            made.extend_from_slice(b"[token]");
            after_token(follows)
        }
    };
    write_numbers(parameters, b"", made);
    next
}

/// Where the user's segment starts in a path under a directory of homes, `/home/kari/x.php`. The site's own pages stand under
/// that name too: it must be no word of theirs, and more must follow.
pub(super) fn home(path: &[u8]) -> Option<usize> {
    let rest = path.strip_prefix(b"/home/")?;
    let name = &rest[..memchr::memchr(b'/', rest)?];
    let plain = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    let more = rest.len() > name.len() + 1;
    (plain && more && (3..=32).contains(&name.len()) && !is_known(name) && !among(SITES, name)).then_some(6)
}

/// Directories of sites under a `home`.
const SITES: &[&str] = &[
    "api",
    "app",
    "apps",
    "area",
    "article",
    "articles",
    "assets",
    "banner",
    "banners",
    "blocks",
    "blog",
    "board",
    "body",
    "brand",
    "brands",
    "business",
    "calendar",
    "career",
    "careers",
    "cart",
    "catalog",
    "catalogue",
    "categories",
    "category",
    "checkout",
    "city",
    "cms",
    "collection",
    "collections",
    "common",
    "community",
    "company",
    "component",
    "components",
    "content",
    "contents",
    "core",
    "course",
    "courses",
    "css",
    "data",
    "day",
    "decor",
    "default",
    "demo",
    "design",
    "detail",
    "details",
    "doc",
    "docs",
    "document",
    "documents",
    "download",
    "downloads",
    "education",
    "event",
    "events",
    "family",
    "faq",
    "feature",
    "featured",
    "features",
    "feed",
    "file",
    "files",
    "filter",
    "folder",
    "fonts",
    "food",
    "footer",
    "forum",
    "furniture",
    "gallery",
    "garden",
    "get",
    "goods",
    "group",
    "groups",
    "header",
    "health",
    "hero",
    "html",
    "icons",
    "image",
    "images",
    "img",
    "improvement",
    "info",
    "item",
    "items",
    "job",
    "jobs",
    "journal",
    "kitchen",
    "landing",
    "lang",
    "law",
    "lib",
    "library",
    "list",
    "listing",
    "live",
    "living",
    "main",
    "map",
    "market",
    "media",
    "module",
    "modules",
    "music",
    "news",
    "office",
    "offer",
    "offers",
    "order",
    "orders",
    "page",
    "pages",
    "partner",
    "partners",
    "photo",
    "photos",
    "play",
    "portal",
    "portfolio",
    "post",
    "posts",
    "preview",
    "product",
    "products",
    "project",
    "projects",
    "promo",
    "property",
    "public",
    "rent",
    "research",
    "resources",
    "sale",
    "sales",
    "school",
    "search",
    "section",
    "sections",
    "service",
    "services",
    "shop",
    "show",
    "site",
    "sites",
    "slider",
    "solution",
    "solutions",
    "special",
    "sport",
    "static",
    "store",
    "story",
    "stories",
    "study",
    "style",
    "styles",
    "support",
    "tag",
    "tags",
    "team",
    "template",
    "templates",
    "test",
    "theme",
    "themes",
    "topic",
    "topics",
    "travel",
    "upload",
    "uploads",
    "video",
    "videos",
    "view",
    "views",
    "web",
    "welcome",
    "widget",
    "widgets",
    "work",
    "world",
    "bedroom",
    "bathroom",
    "living-room",
    "appliances",
    "insurance",
    "decoration",
    "improvements",
];

/// Directories of homes; see [`home`].
const HOMES: &[&str] = &["home"];

/// A token may come in two segments, `/reset/MTIz/abc-123/`.
fn after_token(follows: Follows) -> Follows {
    match follows {
        Follows::Token(more @ 1..) => Follows::Token(more - 1),
        Follows::Anything | Follows::Scope | Follows::User | Follows::Device | Follows::Token(0) => Follows::Anything,
    }
}

/// Whether a segment, or a word in one, says something of the next segment.
#[inline]
pub(super) fn may_lead(word: &[u8]) -> bool {
    match word {
        [first, .., last] if word.len() <= 16 => {
            FIRSTS[word.len()] >> (first & 31) & 1 == 1 && {
                let bit = leading_bit(*first, word[word.len() / 2], *last, word.len());
                LEADING[bit / 64] >> (bit % 64) & 1 == 1 && is_leading(word)
            }
        }
        [only] => *only | 0x20 == b'u',
        _ => false,
    }
}

#[inline(never)]
fn is_leading(word: &[u8]) -> bool {
    LISTS.iter().any(|list| among(list, word))
}

/// What a segment says of the next.
fn leads(segment: &[u8]) -> Follows {
    if may_lead(segment) {
        if among(USERS, segment) {
            return Follows::User;
        }
        if among(DEVICES, segment) {
            return Follows::Device;
        }
        if among(SCOPES, segment) {
            return Follows::Scope;
        }
    }
    let mut words = segment.split(|byte| matches!(byte, b'-' | b'_' | b'.'));
    if words.any(|word| may_lead(word) && among(TOKENS, word)) { Follows::Token(1) } else { Follows::Anything }
}

/// Where parameters start: at the first delimiter.
fn parameters_start(segment: &[u8]) -> usize {
    let plain = |byte: u8| matches!(byte, b';' | b'&' | b',');
    if !any(segment, plain) && !any_pair(segment, |byte, next| byte == b'%' && matches!(next, b'2' | b'3')) {
        return segment.len();
    }
    let mut bytes = segment.iter().enumerate();
    let starts = |(at, &byte): (usize, &u8)| plain(byte) || byte == b'%' && delimiter(&segment[at..]) > 0;
    bytes.position(starts).unwrap_or(segment.len())
}

/// Whether a byte of the text is one of these: without a branch for each, which makes it wide instructions.
#[inline]
fn any(text: &[u8], is: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(false, |any, &byte| any | is(byte))
}

/// The same of a byte and the next.
#[inline]
fn any_pair(text: &[u8], is: impl Fn(u8, u8) -> bool) -> bool {
    let next = text.get(1..).unwrap_or_default();
    text.iter().zip(next).fold(false, |any, (&byte, &next)| any | is(byte, next))
}

/// The first value at `from` or behind it whose name, in front of its equals sign, says that it identifies. An empty one
/// too: what follows it is none of its own.
pub(super) fn next_hidden(path: &[u8], from: usize) -> Option<(usize, usize)> {
    // Without an equals sign nothing has a name.
    // Once a path, or many values would cost the square of their number.
    if from == 0 && !any(path, |byte| byte == b'=') && !any_pair(path, |byte, next| byte == b'%' && next == b'3') {
        return None;
    }
    let (mut at, mut name) = (from, from);
    while at < path.len() {
        at += match path[at] {
            b'/' => {
                name = at + 1;
                1
            }
            b';' | b'&' | b',' | b'=' | b'%' => match (delimiter(&path[at..]), equals(&path[at..])) {
                (0, 0) => 1,
                (0, equals) => {
                    let start = at + equals;
                    // `[email]=` was no name before.
                    let telling = &path[name..at];
                    if !is_placeholder(telling) && names::lookup(telling).is_some() {
                        let length = (path[start..].iter().enumerate())
                            .position(|(i, &byte)| byte == b'/' || delimiter(&path[start + i..]) > 0)
                            .unwrap_or(path.len() - start);
                        return Some((start, start + length));
                    }
                    name = start;
                    equals
                }
                (delimiter, _) => {
                    name = at + delimiter;
                    delimiter
                }
            },
            _ => 1,
        };
    }
    None
}

/// Appends a segment or the start of one: user names behind `~` and `@`, numbers, hexadecimals, control characters.
fn write_named(head: &[u8], plain: &[u8], follows: Follows, made: &mut Vec<u8>) {
    let encoded = |sign: &[u8]| head.len() > sign.len() && head[..sign.len()].eq_ignore_ascii_case(sign);
    let tilde = if head.len() > 1 && head[0] == b'~' { 1 } else { 3 * usize::from(encoded(b"%7e")) };
    if tilde > 0 {
        made.extend_from_slice(&head[..tilde]);
        return made.extend_from_slice(b"[user]");
    }
    let at = if head.len() > 1 && head[0] == b'@' { 1 } else { 3 * usize::from(encoded(b"%40")) };
    if at > 0 && follows != Follows::Scope && !is_release(&head[at..]) {
        made.extend_from_slice(&head[..at]);
        return made.extend_from_slice(if is_tool(&head[at..]) { &head[at..] } else { b"[user]" });
    }
    let (stem, extension) = split_extension(head);
    if stem.len() >= 6
        && (stem.iter().all(u8::is_ascii_digit) || plain.len() >= 6 && plain.iter().all(u8::is_ascii_digit))
    {
        made.extend_from_slice(b"[id]");
        return made.extend_from_slice(extension);
    }
    // `(S(…))` is how ASP.NET writes a session without a cookie.
    let session = matches!(plain, [b'(', b'A'..=b'Z', b'(', ..]);
    if session || head.len() >= 16 && head.iter().all(u8::is_ascii_hexdigit) {
        return made.extend_from_slice(b"[token]");
    }
    // `user:password@host`, `anna@localhost`; what is an e-mail address was found before. `logo@2x.png` is none.
    if let Some((from, to)) = inner_at(head)
        && from > 0
        && !is_release(&head[to..])
        && !is_placeholder(&head[..from])
    {
        made.extend_from_slice(b"[user]");
        return write_numbers(&head[from..], extension, made);
    }
    write_numbers(head, extension, made);
}

/// Appends text with numbers of 8 and more digits that stand alone replaced.
fn write_numbers(text: &[u8], extension: &[u8], made: &mut Vec<u8>) {
    let (mut at, mut copied) = (0, 0);
    let digits = any(text, |byte| byte.is_ascii_digit());
    while digits && at < text.len() {
        if !text[at].is_ascii_digit() {
            // The digits of an escape are none of the number behind it.
            at += match text[at] {
                b'%' | b'\\' => names::escaped(&text[at..]).map_or(1, |(_, length)| length),
                _ => 1,
            };
            continue;
        }
        let end = at + text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let alone = (at == 0 || !text[at - 1].is_ascii_alphabetic() || at >= 3 && text[at - 3] == b'%')
            && text.get(end).is_none_or(|byte| !byte.is_ascii_alphabetic());
        if alone && end - at >= 8 && !is_code(extension) && !is_date(&text[at..end]) {
            made.extend_from_slice(&text[copied..at]);
            made.extend_from_slice(b"[id]");
            copied = end;
        }
        at = end;
    }
    made.extend_from_slice(&text[copied..]);
}

/// Appends text with control characters percent-encoded: they have no place in a path.
pub(super) fn write_plain(text: &[u8], made: &mut Vec<u8>) {
    scrub::each_control(text, made, |control, made| {
        for &byte in control {
            made.push(b'%');
            scrub::write_hex(byte, made);
        }
    });
}

/// How long the delimiter of parameters is that stands at the start of `text`; 0: none.
fn delimiter(text: &[u8]) -> usize {
    match text {
        [b';' | b'&' | b',', ..] => 1,
        [b'%', b'3', b'b' | b'B' | b'f' | b'F', ..] | [b'%', b'2', b'6' | b'c' | b'C', ..] => 3,
        _ => 0,
    }
}

/// How long the equals sign is that stands at the start of `text`; 0: none.
fn equals(text: &[u8]) -> usize {
    match text {
        [b'=', ..] => 1,
        [b'%', b'3', b'd' | b'D', ..] => 3,
        _ => 0,
    }
}

/// Where an at-sign, encoded or not, stands.
fn inner_at(text: &[u8]) -> Option<(usize, usize)> {
    let mut ends = text.iter().enumerate().filter_map(|(at, byte)| match byte {
        b'@' => Some((at, at + 1)),
        b'%' => text[at..].starts_with(b"%40").then_some((at, at + 3)),
        _ => None,
    });
    if any(text, |byte| matches!(byte, b'@' | b'%')) { ends.next() } else { None }
}

/// `[id]` and its like.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    matches!(text, b"[email]" | b"[token]" | b"[id]" | b"[user]" | b"[phone]" | b"[card]" | b"[iban]")
}

/// What stands behind the at-sign of a package or a picture: `3.7.1`, `2x.png`, `latest`.
fn is_release(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"v").or(text.strip_prefix(b"^")).unwrap_or(text);
    text.first().is_some_and(u8::is_ascii_digit)
        || [&b"latest"[..], b"next", b"beta", b"alpha", b"stable", b"canary", b"rc"].contains(&text)
}

/// What development servers and package mirrors put behind an at-sign.
fn is_tool(text: &[u8]) -> bool {
    [&b"vite"[..], b"fs", b"id", b"react-refresh", b"babel", b"angular", b"types", b"popperjs", b"fortawesome"]
        .contains(&text)
}

/// A date that is written as one number, `20240521`.
fn is_date(digits: &[u8]) -> bool {
    let two = |at: usize| (digits[at] - b'0') * 10 + digits[at + 1] - b'0';
    digits.len() == 8 && matches!(two(0), 19 | 20) && (1..=12).contains(&two(4)) && (1..=31).contains(&two(6))
}

/// A file's stem and its extension with the dot, if it is one of pages, data or media.
fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'.', name) {
        Some(dot) if dot > 0 && among(EXTENSIONS, &name[dot + 1..]) => name.split_at(dot),
        _ => (name, b""),
    }
}

/// An extension of what programs are delivered in: their names hold hashes and build numbers.
fn is_code(extension: &[u8]) -> bool {
    among(
        &["js", "mjs", "css", "map", "woff", "woff2", "ttf", "otf", "eot"],
        extension.strip_prefix(b".").unwrap_or(b"."),
    )
}

fn is_word(stem: &[u8]) -> bool {
    stem.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether each word of a segment is one that stands on pages about users and tokens.
fn is_known(segment: &[u8]) -> bool {
    let mut words = segment.split(|byte| matches!(byte, b'-' | b'_'));
    words.all(|word| among(HARMLESS, word) || among(TOKENS, word) || among(USERS, word) && word.len() > 1)
}

fn among(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

/// Longer segments are no words.
const LONGEST_WORD: usize = 64;

/// Words of segments that a token follows.
const TOKENS: &[&str] = &[
    "reset",
    "resets",
    "resetpassword",
    "passwordreset",
    "pwreset",
    "recover",
    "recovery",
    "activate",
    "activation",
    "activer",
    "confirm",
    "confirmation",
    "confirmemail",
    "verify",
    "verification",
    "verifyemail",
    "validate",
    "validation",
    "invite",
    "invites",
    "invitation",
    "invitations",
    "token",
    "tokens",
    "unsubscribe",
    "unsub",
    "optout",
    "optin",
    "magic",
    "magiclink",
    "magiclogin",
    "otp",
    "otl",
    "onetime",
    "rsvp",
    "accesstoken",
    "apikey",
    "bekreft",
];

/// Segments that a package's scope follows.
const SCOPES: &[&str] = &["npm", "node_modules", "esm", "unpkg", "packages"];

/// Segments that the id of a device, a browser or a session follows.
const DEVICES: &[&str] = &[
    "gaid",
    "idfa",
    "idfv",
    "aaid",
    "adid",
    "oaid",
    "udid",
    "openudid",
    "imei",
    "imsi",
    "meid",
    "iccid",
    "msisdn",
    "hwid",
    "deviceid",
    "device-id",
    "device_id",
    "deviceuuid",
    "device-uuid",
    "device_uuid",
    "androidid",
    "android-id",
    "android_id",
    "advertisingid",
    "advertising-id",
    "advertising_id",
    "vendorid",
    "installid",
    "install-id",
    "install_id",
    "installationid",
    "installation-id",
    "installation_id",
    "visitorid",
    "visitor-id",
    "visitor_id",
    "browserid",
    "sessionid",
    "session-id",
    "session_id",
    "phpsessid",
    "jsessionid",
    "macaddress",
    "mac-address",
    "mac_address",
    "serialnumber",
    "serial-number",
    "serial_number",
];

/// A bit for each word of the lists above, by its ends, its middle and its length: few other words share one.
static LEADING: [u64; 32] = {
    let mut table = [0; 32];
    let mut list = 0;
    while list < LISTS.len() {
        let mut i = 0;
        while i < LISTS[list].len() {
            let word = LISTS[list][i].as_bytes();
            let bit = leading_bit(word[0], word[word.len() / 2], word[word.len() - 1], word.len());
            table[bit / 64] |= 1 << (bit % 64);
            i += 1;
        }
        list += 1;
    }
    table
};

/// By length a bit for each letter that a word of the lists above begins with.
static FIRSTS: [u32; 17] = {
    let mut table = [0; 17];
    let mut list = 0;
    while list < LISTS.len() {
        let mut i = 0;
        while i < LISTS[list].len() {
            let word = LISTS[list][i].as_bytes();
            table[word.len()] |= 1 << (word[0] & 31);
            i += 1;
        }
        list += 1;
    }
    table
};

const LISTS: [&[&str]; 5] = [USERS, TOKENS, SCOPES, DEVICES, HOMES];

const fn leading_bit(first: u8, middle: u8, last: u8, length: usize) -> usize {
    ((first & 31) as usize * 41 + (middle & 31) as usize * 115 + (last & 31) as usize * 5 + length * 101) % 2048
}

const EXTENSIONS: &[&str] = &[
    "html", "htm", "xhtml", "php", "asp", "aspx", "jsp", "do", "cgi", "json", "xml", "rss", "atom", "txt", "csv",
    "pdf", "zip", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "mp4", "webm", "mp3", "js", "mjs", "css",
    "map", "woff", "woff2", "ttf", "otf", "eot",
];

/// Words that stand behind the segments above without naming anybody or opening anything.
const HARMLESS: &[&str] = &[
    "about",
    "accept",
    "account",
    "accounts",
    "active",
    "activity",
    "add",
    "admin",
    "all",
    "api",
    "app",
    "assets",
    "auth",
    "avatar",
    "avatars",
    "billing",
    "cancel",
    "cart",
    "change",
    "check",
    "checkout",
    "code",
    "comments",
    "complete",
    "completed",
    "config",
    "contact",
    "count",
    "create",
    "css",
    "current",
    "dashboard",
    "data",
    "default",
    "delete",
    "details",
    "devices",
    "done",
    "download",
    "edit",
    "email",
    "emails",
    "error",
    "expired",
    "export",
    "failed",
    "failure",
    "favorites",
    "feed",
    "files",
    "find",
    "followers",
    "following",
    "forgot",
    "form",
    "forms",
    "get",
    "groups",
    "help",
    "history",
    "home",
    "icons",
    "images",
    "img",
    "import",
    "in",
    "index",
    "info",
    "invalid",
    "invite",
    "js",
    "lib",
    "link",
    "list",
    "lists",
    "log",
    "login",
    "logout",
    "mail",
    "main",
    "manage",
    "me",
    "media",
    "messages",
    "mobile",
    "my",
    "new",
    "notifications",
    "ok",
    "options",
    "order",
    "orders",
    "out",
    "overview",
    "page",
    "pages",
    "password",
    "payment",
    "payments",
    "pending",
    "permissions",
    "phone",
    "photo",
    "photos",
    "picture",
    "plugins",
    "posts",
    "preferences",
    "privacy",
    "process",
    "profile",
    "recent",
    "refresh",
    "register",
    "remove",
    "request",
    "requests",
    "resend",
    "reset",
    "reviews",
    "roles",
    "save",
    "search",
    "security",
    "self",
    "send",
    "sent",
    "session",
    "sessions",
    "settings",
    "show",
    "sign",
    "signin",
    "signout",
    "signup",
    "sms",
    "start",
    "static",
    "stats",
    "status",
    "submit",
    "success",
    "template",
    "thanks",
    "themes",
    "thumbs",
    "tos",
    "two",
    "up",
    "update",
    "upload",
    "uploads",
    "view",
    "web",
    "welcome",
    "wishlist",
    "your",
];
