//! The words that agents are made of: products in the order in which they say what a client is, and systems.

/// How much a product's name says of the client; the lowest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Reads sites by itself.
    Crawler,
    /// A program or a library, not a person's browser.
    Tool,
    /// A browser that also names the one it is made from.
    Derived,
    /// Firefox and Chrome themselves, which derived browsers name too.
    Firefox,
    Chrome,
    /// Named by all who came after.
    Safari,
    Msie,
    /// The bare engine or runtime of an application.
    Runtime,
    /// The word behind which Safari's version stands.
    SafariVersion,
}

/// How a product is printed, and its rank.
pub(super) fn product(word: &[u8]) -> Option<(&'static [u8], Rank)> {
    match word {
        b"Version" => return Some((b"Version", Rank::SafariVersion)),
        b"Firefox" => return Some((b"Firefox", Rank::Firefox)),
        b"Chrome" => return Some((b"Chrome", Rank::Chrome)),
        b"Safari" => return Some((b"Safari", Rank::Safari)),
        b"MSIE" | b"Trident" => return Some((b"MSIE", Rank::Msie)),
        b"Mozilla" | b"AppleWebKit" | b"Gecko" | b"like" | b"KHTML" | b"Mobile" | b"compatible" => return None,
        _ => {}
    }
    // Most words are none of ours: the first letter and the length tell.
    let first = usize::from(*word.first()?);
    let names = &ORDER[usize::from(STARTS[first])..usize::from(STARTS[first + 1])];
    names.iter().find(|(name, _)| name.len() == word.len() && *name == word).copied()
}

const COUNT: usize = CRAWLERS.len() + TOOLS.len() + DERIVED.len() + RUNTIMES.len();

/// All products by their first byte.
static ORDER: [(&[u8], Rank); COUNT] = {
    let tables = [(CRAWLERS, Rank::Crawler), (TOOLS, Rank::Tool), (DERIVED, Rank::Derived), (RUNTIMES, Rank::Runtime)];
    let mut order: [(&[u8], Rank); COUNT] = [(b"", Rank::Runtime); COUNT];
    let (mut filled, mut byte) = (0, 0);
    while byte < 256 {
        let mut table = 0;
        while table < tables.len() {
            let mut row = 0;
            while row < tables[table].0.len() {
                if tables[table].0[row][0] as usize == byte {
                    order[filled] = (tables[table].0[row], tables[table].1);
                    filled += 1;
                }
                row += 1;
            }
            table += 1;
        }
        byte += 1;
    }
    order
};

/// Where the products of each first byte begin.
static STARTS: [u16; 257] = {
    let mut starts = [0; 257];
    let (mut at, mut byte) = (0, 0);
    while byte < 256 {
        starts[byte] = at as u16;
        while at < COUNT && ORDER[at].0[0] as usize == byte {
            at += 1;
        }
        byte += 1;
    }
    starts[256] = COUNT as u16;
    starts
};

/// Crawlers whose names do not say so by themselves, or that analysers know by exactly this word.
const CRAWLERS: &[&[u8]] = &[
    b"Googlebot",
    b"bingbot",
    b"Slurp",
    b"DuckDuckBot",
    b"Baiduspider",
    b"YandexBot",
    b"Applebot",
    b"GPTBot",
    b"ClaudeBot",
    b"CCBot",
    b"Bytespider",
    b"PetalBot",
    b"AhrefsBot",
    b"SemrushBot",
    b"MJ12bot",
    b"DotBot",
    b"facebookexternalhit",
    b"Twitterbot",
    b"LinkedInBot",
    b"AdsBot-Google",
    b"Mediapartners-Google",
    b"FeedFetcher-Google",
    b"Googlebot-Image",
    b"Googlebot-Video",
    b"Googlebot-News",
    b"Google-InspectionTool",
    b"Storebot-Google",
    b"ia_archiver",
    b"Yahoo",
    b"Sogou",
    b"Exabot",
    b"msnbot",
    b"BLEXBot",
    b"SeznamBot",
    b"UptimeRobot",
    b"Pingdom.com_bot_version_1.4",
    b"Amazonbot",
    b"DataForSeoBot",
    b"Qwantify",
    b"Mail.RU_Bot",
    b"Nutch",
    b"heritrix",
    b"W3C_Validator",
    b"Feedly",
    b"FeedBurner",
    b"Tiny",
    b"TinyRSS",
    b"Feedbin",
    b"NewsBlur",
    b"Zabbix",
    b"Nagios",
    b"check_http",
    b"masscan",
    b"Nikto",
    b"zgrab",
    b"Nmap",
    b"sqlmap",
    b"WhatWeb",
    b"CensysInspect",
    b"Discordbot",
    b"TelegramBot",
    b"Slackbot",
    b"Slackbot-LinkExpanding",
    b"WhatsApp",
];

/// Programs and libraries.
const TOOLS: &[&[u8]] = &[
    b"curl",
    b"Wget",
    b"wget",
    b"python-requests",
    b"Python-urllib",
    b"Python",
    b"aiohttp",
    b"httpx",
    b"python-httpx",
    b"Scrapy",
    b"Go-http-client",
    b"Java",
    b"okhttp",
    b"Apache-HttpClient",
    b"libwww-perl",
    b"lwp-request",
    b"PostmanRuntime",
    b"axios",
    b"node-fetch",
    b"undici",
    b"got",
    b"HTTPie",
    b"Ruby",
    b"Faraday",
    b"GuzzleHttp",
    b"PHP",
    b"WordPress",
    b"Drupal",
    b"Lynx",
    b"Links",
    b"ELinks",
    b"w3m",
    b"HeadlessChrome",
    b"PhantomJS",
    b"Electron",
    b"git",
    b"Debian",
    b"APT-HTTP",
    b"dnf",
    b"yum",
    b"gPXE",
    b"iPXE",
    b"rclone",
    b"aws-cli",
    b"Varnish",
    b"HAProxy",
    b"ApacheBench",
    b"Siege",
    b"wrk",
    b"k6",
    b"VLC",
    b"LibVLC",
    b"MPlayer",
    b"Lavf",
    b"iTunes",
    b"AppleCoreMedia",
    b"Thunderbird",
    b"Outlook",
    b"Microsoft-Office",
    b"NetNewsWire",
    b"Liferea",
    b"Akregator",
    b"Vienna",
    b"UniversalFeedParser",
    b"SimplePie",
    b"MagpieRSS",
    b"Apache",
    b"Evernote",
    b"Dropbox",
    b"Spotify",
];

/// Browsers that also name the one they are made from.
const DERIVED: &[&[u8]] = &[
    b"Edg",
    b"EdgA",
    b"EdgiOS",
    b"Edge",
    b"OPR",
    b"OPiOS",
    b"OPT",
    b"Opera",
    b"Vivaldi",
    b"Brave",
    b"YaBrowser",
    b"SamsungBrowser",
    b"UCBrowser",
    b"UBrowser",
    b"MiuiBrowser",
    b"HuaweiBrowser",
    b"QQBrowser",
    b"MQQBrowser",
    b"Silk",
    b"DuckDuckGo",
    b"Ddg",
    b"Whale",
    b"Sleipnir",
    b"Maxthon",
    b"Puffin",
    b"Iron",
    b"Coc_Coc_browser",
    b"Focus",
    b"Klar",
    b"FxiOS",
    b"CriOS",
    b"GSA",
    b"Seamonkey",
    b"SeaMonkey",
    b"PaleMoon",
    b"Waterfox",
    b"Iceweasel",
    b"IceWeasel",
    b"IceCat",
    b"Icecat",
    b"Camino",
    b"K-Meleon",
    b"Konqueror",
    b"Epiphany",
    b"Galeon",
    b"Midori",
    b"Falkon",
    b"QupZilla",
    b"Chromium",
    b"Iridium",
    b"Basilisk",
    b"OmniWeb",
    b"Arora",
    b"rekonq",
    b"BlackBerry",
    b"BB10",
    b"NokiaBrowser",
    b"SymbianOS",
    b"Series60",
    b"Dillo",
    b"NetSurf",
    b"Netscape",
    b"Navigator",
    b"Minefield",
    b"Namoroka",
    b"Phoenix",
    b"Firebird",
    b"Flock",
    b"RockMelt",
    b"IEMobile",
    b"Instagram",
    b"FBAV",
    b"LINE",
    b"Snapchat",
    b"Pinterest",
];

/// What an application runs in.
const RUNTIMES: &[&[u8]] =
    &[b"Dalvik", b"CFNetwork", b"Darwin", b"Adobe-AIR", b"NintendoBrowser", b"PLAYSTATION", b"PlayStation"];

/// Systems; where several are named, the first of this order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum System {
    WindowsPhone,
    IPhone,
    IPad,
    IPod,
    Android,
    CrOs,
    WindowsNt,
    Windows,
    MacOsX,
    Macintosh,
    Linux,
    FreeBsd,
    OpenBsd,
    NetBsd,
    SunOs,
    X11,
}

/// Each system's word in an agent, and how it is printed: in the form that analysers look for, read as itself again.
pub(super) const SYSTEMS: [(System, &[u8]); 16] = [
    (System::WindowsPhone, b"Windows Phone"),
    (System::IPhone, b"iPhone"),
    (System::IPad, b"iPad"),
    (System::IPod, b"iPod"),
    (System::Android, b"Android"),
    (System::CrOs, b"CrOS"),
    (System::WindowsNt, b"Windows NT"),
    (System::Windows, b"Windows"),
    (System::MacOsX, b"Mac OS X"),
    (System::Macintosh, b"Macintosh"),
    (System::Linux, b"Linux"),
    (System::FreeBsd, b"FreeBSD"),
    (System::OpenBsd, b"OpenBSD"),
    (System::NetBsd, b"NetBSD"),
    (System::SunOs, b"SunOS"),
    (System::X11, b"X11"),
];

/// The system that a word, with what stands behind it, names.
pub(super) fn system(word: &[u8], behind: &[u8]) -> Option<System> {
    Some(match word {
        b"Windows" if behind.starts_with(b" Phone") => System::WindowsPhone,
        b"Windows" if behind.starts_with(b" NT") => System::WindowsNt,
        b"Windows" => System::Windows,
        b"iPhone" => System::IPhone,
        b"iPad" => System::IPad,
        b"iPod" => System::IPod,
        b"Android" => System::Android,
        b"CrOS" => System::CrOs,
        b"Mac" if behind.starts_with(b" OS X") => System::MacOsX,
        b"Macintosh" => System::Macintosh,
        b"Linux" | b"Ubuntu" | b"Fedora" => System::Linux,
        b"FreeBSD" => System::FreeBsd,
        b"OpenBSD" => System::OpenBsd,
        b"NetBSD" => System::NetBsd,
        b"SunOS" => System::SunOs,
        b"X11" => System::X11,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_is_printed_as_itself() {
        for (i, (system, printed)) in SYSTEMS.iter().enumerate() {
            assert_eq!(*system as usize, i);
            let length = printed.iter().position(|byte| *byte == b' ').unwrap_or(printed.len());
            assert_eq!(super::system(&printed[..length], &printed[length..]), Some(*system));
        }
    }

    #[test]
    fn no_product_stands_in_two_tables() {
        let all: Vec<_> = [CRAWLERS, TOOLS, DERIVED, RUNTIMES].concat();
        for (i, name) in all.iter().enumerate() {
            assert!(!all[..i].contains(name), "{}", String::from_utf8_lossy(name));
            assert!(name.len() <= 32);
        }
    }
}
