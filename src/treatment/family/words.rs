//! The words that agents are made of: products in the order in which they say what a client is, and systems.

/// How much a product's name says of the client; the lowest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Reads sites by itself, and analysers know it by this name.
    Known,
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
    /// A browser that analysers take for the one it is made from, where it names that.
    Minor,
    /// The bare engine or runtime of an application.
    Runtime,
    /// What nearly all begin with: all that is known of some.
    Mozilla,
    /// The word behind which Safari's version stands.
    SafariVersion,
}

/// How a product is printed, and its rank.
pub(super) fn product(word: &[u8]) -> Option<(&'static [u8], Rank)> {
    let row = |table: &'static [&'static [u8]]| table.iter().find(|name| **name == word).copied();
    // Most words are none of ours: the first letters tell.
    match word {
        b"Version" => return Some((b"Version", Rank::SafariVersion)),
        b"Firefox" => return Some((b"Firefox", Rank::Firefox)),
        b"Chrome" | b"Chromium" => return Some((b"Chrome", Rank::Chrome)),
        b"Safari" => return Some((b"Safari", Rank::Safari)),
        b"MSIE" | b"Trident" => return Some((b"MSIE", Rank::Msie)),
        b"Mozilla" => return Some((b"Mozilla", Rank::Mozilla)),
        b"AppleWebKit" | b"Gecko" | b"like" | b"KHTML" | b"Mobile" | b"compatible" => return None,
        _ => {}
    }
    None.or_else(|| Some((row(KNOWN)?, Rank::Known)))
        .or_else(|| Some((row(CRAWLERS)?, Rank::Crawler)))
        .or_else(|| Some((row(TOOLS)?, Rank::Tool)))
        .or_else(|| Some((row(DERIVED)?, Rank::Derived)))
        .or_else(|| Some((row(MINOR)?, Rank::Minor)))
        .or_else(|| Some((row(RUNTIMES)?, Rank::Runtime)))
}

/// Crawlers that analysers know by exactly this word.
const KNOWN: &[&[u8]] = &[
    b"Googlebot",
    b"bingbot",
    b"YandexBot",
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
    b"Sogou",
    b"BLEXBot",
    b"heritrix",
    b"masscan",
    b"Discordbot",
    b"Slackbot",
    b"Slackbot-LinkExpanding",
    b"WhatsApp",
];

/// Crawlers whose names do not say so by themselves, or in which signs would mislead.
const CRAWLERS: &[&[u8]] = &[
    b"Slurp",
    b"DuckDuckBot",
    b"Baiduspider",
    b"Applebot",
    b"GPTBot",
    b"ClaudeBot",
    b"CCBot",
    b"Bytespider",
    b"ia_archiver",
    b"Yahoo",
    b"Exabot",
    b"msnbot",
    b"SeznamBot",
    b"UptimeRobot",
    b"Pingdom.com_bot_version_1.4",
    b"Amazonbot",
    b"DataForSeoBot",
    b"Qwantify",
    b"Mail.RU_Bot",
    b"Nutch",
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
    b"Nikto",
    b"zgrab",
    b"Nmap",
    b"sqlmap",
    b"WhatWeb",
    b"CensysInspect",
    b"TelegramBot",
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
    b"Opera",
    b"Vivaldi",
    b"Brave",
    b"YaBrowser",
    b"UCBrowser",
    b"HuaweiBrowser",
    b"Focus",
    b"Klar",
    b"CriOS",
    b"SeaMonkey",
    b"PaleMoon",
    b"Waterfox",
    b"Iceweasel",
    b"Camino",
    b"K-Meleon",
    b"Konqueror",
    b"Epiphany",
    b"Galeon",
    b"Midori",
    b"BlackBerry",
    b"Dillo",
    b"NetSurf",
    b"Netscape",
    b"Minefield",
    b"Firebird",
    b"IEMobile",
];

/// Browsers that analysers do not know, or by another name than this.
const MINOR: &[&[u8]] = &[
    b"OPT",
    b"SamsungBrowser",
    b"UBrowser",
    b"MiuiBrowser",
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
    b"FxiOS",
    b"GSA",
    b"Seamonkey",
    b"IceWeasel",
    b"IceCat",
    b"Icecat",
    b"Falkon",
    b"QupZilla",
    b"Iridium",
    b"Basilisk",
    b"OmniWeb",
    b"Arora",
    b"rekonq",
    b"BB10",
    b"NokiaBrowser",
    b"SymbianOS",
    b"Series60",
    b"Navigator",
    b"Namoroka",
    b"Phoenix",
    b"Flock",
    b"RockMelt",
    b"Instagram",
    b"FBAV",
    b"LINE",
    b"Snapchat",
    b"Pinterest",
    b"PhantomJS",
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
    WindowsCe,
    Windows98,
    Windows,
    MacOsX,
    Macintosh,
    Linux,
    FreeBsd,
    OpenBsd,
    NetBsd,
    SunOs,
    Symbian,
    X11,
    /// Phones with a system of their makers.
    Nokia,
    SonyEricsson,
}

/// Each system's word in an agent, and how it is printed: in the form that analysers look for, read as itself again.
pub(super) const SYSTEMS: [(System, &[u8]); 21] = [
    (System::WindowsPhone, b"Windows Phone"),
    (System::IPhone, b"iPhone"),
    (System::IPad, b"iPad"),
    (System::IPod, b"iPod"),
    (System::Android, b"Android"),
    (System::CrOs, b"CrOS"),
    (System::WindowsNt, b"Windows NT"),
    (System::WindowsCe, b"Windows CE"),
    (System::Windows98, b"Windows 98"),
    (System::Windows, b"Windows"),
    (System::MacOsX, b"Mac OS X"),
    (System::Macintosh, b"Macintosh"),
    (System::Linux, b"Linux"),
    (System::FreeBsd, b"FreeBSD"),
    (System::OpenBsd, b"OpenBSD"),
    (System::NetBsd, b"NetBSD"),
    (System::SunOs, b"SunOS"),
    (System::Symbian, b"SymbianOS"),
    (System::X11, b"X11"),
    (System::Nokia, b"Nokia"),
    (System::SonyEricsson, b"SonyEricsson"),
];

/// The system that a word, with what stands behind it, names.
pub(super) fn system(word: &[u8], behind: &[u8]) -> Option<System> {
    Some(match word {
        b"Windows" if behind.starts_with(b" Phone") => System::WindowsPhone,
        b"Windows" if behind.starts_with(b" NT") => System::WindowsNt,
        b"Windows" if behind.starts_with(b" CE") => System::WindowsCe,
        b"Windows" if [&b" 98"[..], b" 95", b" ME"].iter().any(|old| behind.starts_with(old)) => System::Windows98,
        b"Win98" | b"Win95" => System::Windows98,
        b"Win" if behind.starts_with(b" 9x") => System::Windows98,
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
        b"SymbianOS" | b"Symbian" | b"Series60" => System::Symbian,
        b"X11" => System::X11,
        _ if word.starts_with(b"Nokia") => System::Nokia,
        _ if word.starts_with(b"SonyEricsson") => System::SonyEricsson,
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
        let all: Vec<_> = [KNOWN, CRAWLERS, TOOLS, DERIVED, MINOR, RUNTIMES].concat();
        for (i, name) in all.iter().enumerate() {
            assert!(!all[..i].contains(name), "{}", String::from_utf8_lossy(name));
            assert!(name.len() <= 32);
        }
    }
}
