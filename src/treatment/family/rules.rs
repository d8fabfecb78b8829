//! Which words of an agent say what it is.

/// One rule for browsers, tools and crawlers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// What the agent contains.
    pub(super) word: &'static str,
    /// What is printed; the word itself where the two are the same.
    pub(super) name: &'static str,
    /// Where the version stands.
    pub(super) version: Version,
    /// What analysers make of the name.
    pub(super) known: Known,
}

/// What analysers make of a name. What it does not tell them is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// They know it as a crawler.
    Crawler,
    /// They know it.
    Name,
    /// They do not.
    No,
}

/// Where the version stands and how much of it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Behind the word; major and minor, as crawlers are told apart.
    Two,
    /// Behind the word; the major number.
    Major,
    /// Behind `Version/`; where that is not there, behind the word.
    Token,
    /// Behind the word, which is `Trident/`: four less than the browser's.
    Trident,
    /// Nowhere, or it says nothing.
    None,
}

use Version::{Major, None as Without, Token, Trident, Two};

const fn rule(word: &'static str, version: Version) -> Rule {
    Rule { word, name: word, version, known: Known::Name }
}

const fn named(word: &'static str, name: &'static str, version: Version) -> Rule {
    Rule { word, name, version, known: Known::Name }
}

const fn robot(word: &'static str, version: Version) -> Rule {
    Rule { word, name: word, version, known: Known::Crawler }
}

const fn fresh(word: &'static str, version: Version) -> Rule {
    Rule { word, name: word, version, known: Known::No }
}

/// How many of [`BROWSERS`], from the first, are crawlers: they win over the general rule for crawlers' names.
pub(super) const CRAWLERS: usize = 163;

/// The first rule whose word an agent contains says what it is.
#[rustfmt::skip]
pub(super) const BROWSERS: &[Rule] = &[
    // Crawlers and other programs that fetch pages by themselves, those that are known by a longer name first.
    robot("Googlebot-Image", Two), robot("Googlebot-News", Two), robot("Googlebot-Video", Two),
    robot("Googlebot-Mobile", Two), robot("Googlebot", Two),
    robot("AdsBot-Google-Mobile", Two), robot("AdsBot-Google", Two), robot("Mediapartners-Google", Two),
    robot("AppEngine-Google", Two), robot("Feedfetcher-Google", Two), robot("FeedFetcher-Google", Two),
    robot("APIs-Google", Two), robot("Storebot-Google", Two),
    robot("Google-InspectionTool", Two), robot("Google-Read-Aloud", Two), robot("Google-Site-Verification", Two),
    robot("Google-HTTP-Java-Client", Two), robot("GoogleOther", Two), robot("GoogleImageProxy", Two),
    robot("GoogleStackdriverMonitoring", Two), robot("GoogleEarth", Two), robot("GooglePlus", Without),
    robot("Google Web Preview", Without), robot("Google favicon", Without), robot("Google Page Speed", Without),
    robot("bingbot", Two), fresh("BingPreview", Two), fresh("adidxbot", Two), fresh("msnbot-media", Two),
    fresh("msnbot", Two), robot("YandexBot", Two), fresh("YandexImages", Two), fresh("YandexMobileBot", Two),
    fresh("YandexMetrika", Two), fresh("YandexDirect", Two), fresh("YandexWebmaster", Two),
    fresh("YandexFavicons", Two),
    fresh("Baiduspider-image", Two), fresh("Baiduspider", Two), fresh("DuckDuckBot", Two),
    robot("DuckDuckGo-Favicons-Bot", Two), fresh("DuckAssistBot", Two), fresh("Applebot-Extended", Two),
    fresh("Applebot", Two), robot("Sogou web spider", Two), robot("Sogou", Two),
    fresh("360Spider", Two), fresh("YisouSpider", Two), fresh("SeznamBot", Two), robot("PetalBot", Two),
    fresh("Bytespider", Two), fresh("Yeti", Two), fresh("Daum", Without), fresh("coccocbot-web", Two),
    fresh("coccocbot", Two), fresh("Mail.RU_Bot", Two), fresh("Exabot", Two), fresh("Qwantify", Two),
    fresh("MojeekBot", Two),
    robot("AhrefsBot", Two), fresh("AhrefsSiteAudit", Two), robot("SemrushBot", Two), fresh("SiteAuditBot", Two),
    robot("MJ12bot", Two), robot("DotBot", Two), fresh("dotbot", Two), robot("rogerbot", Two), robot("BLEXBot", Two),
    fresh("DataForSeoBot", Two), fresh("serpstatbot", Two), fresh("SEOkicks", Two),
    fresh("Screaming Frog SEO Spider", Two), fresh("SISTRIX", Two), fresh("Ezooms", Two), robot("ZoominfoBot", Two),
    fresh("Barkrowler", Two), fresh("ImagesiftBot", Two), fresh("Awario", Two), fresh("Seekport", Two),
    fresh("SiteExplorer", Two),
    fresh("GPTBot", Two), fresh("OAI-SearchBot", Two), fresh("ChatGPT-User", Two), fresh("ClaudeBot", Two),
    fresh("Claude-User", Two), fresh("Claude-SearchBot", Two), fresh("Claude-Web", Two), fresh("anthropic-ai", Two),
    fresh("PerplexityBot", Two), fresh("Perplexity-User", Two), fresh("CCBot", Two), fresh("Amazonbot", Two),
    fresh("cohere-ai", Two), fresh("Diffbot", Two), fresh("meta-externalagent", Two),
    fresh("meta-externalfetcher", Two),
    robot("facebookexternalhit", Two), fresh("facebookcatalog", Two), fresh("facebookexternalua", Two),
    robot("Twitterbot", Two), robot("LinkedInBot", Two), robot("Slackbot-LinkExpanding", Two), robot("Slackbot", Two),
    robot("Slack-ImgProxy", Two), robot("Discordbot", Two), fresh("TelegramBot", Two), robot("WhatsApp", Major),
    fresh("Pinterestbot", Two), fresh("redditbot", Two), fresh("SkypeUriPreview", Two), rule("Mastodon", Two),
    robot("Embedly", Two), fresh("Iframely", Two),
    fresh("archive.org_bot", Two), fresh("ia_archiver", Two), robot("heritrix", Two), fresh("Nutch", Two),
    fresh("nutch", Two), fresh("Scrapy", Two), fresh("W3C_Validator", Two), fresh("W3C-checklink", Two),
    fresh("W3C-mobileOK", Two), fresh("Wotbox", Two), fresh("findlinks", Two), fresh("ichiro", Two),
    robot("netEstate", Two), robot("NetcraftSurveyAgent", Two), fresh("CensysInspect", Two),
    fresh("InternetMeasurement", Two), fresh("zgrab", Two), robot("masscan", Two), fresh("Expanse", Without),
    fresh("Nmap Scripting Engine", Without), fresh("sqlmap", Two), fresh("Nikto", Two),
    fresh("UptimeRobot", Two), rule("Pingdom", Without), rule("StatusCake", Two), rule("NewRelicPinger", Two),
    fresh("Site24x7", Two), fresh("HetrixTools", Two), fresh("Better Uptime Bot", Two), fresh("kube-probe", Two),
    fresh("ELB-HealthChecker", Two), rule("check_http", Two), fresh("Prometheus", Two), fresh("Datadog", Two),
    fresh("Zabbix", Two), rule("jetmon", Two),
    fresh("FeedBurner", Two), rule("Feedbin", Two), rule("Feedly", Two), rule("NewsBlur", Two), rule("Netvibes", Two),
    rule("Bloglines", Two), fresh("Inoreader", Two), rule("libfetch", Major), rule("FlipboardProxy", Two),
    rule("Flipboard", Two), Rule { word: "theoldreader.com", name: "theoldreader", version: Two, known: Known::No },
    fresh("theoldreader", Two), rule("Tiny Tiny RSS", Two), fresh("UniversalFeedParser", Two),
    // From here on the general rule for crawlers' names comes first.
    fresh("WordPress", Major), rule("Dalvik", Major), rule("Thunderbird", Major), rule("iTunes", Major),
    rule("Liferea", Major), rule("NetNewsWire", Major), rule("Akregator", Major), robot("stagefright", Major),
    rule("Valve Steam", Without),
    rule("EdgiOS", Major), rule("EdgA", Major), rule("Edg", Major), rule("IEMobile", Major),
    named("MSIE ", "MSIE", Major), rule("MSIE", Major), named("Trident/", "MSIE", Trident),
    rule("Opera Mini", Major), rule("Opera Mobi", Token), rule("OPiOS", Major), rule("OPR", Major),
    fresh("OPT", Major), fresh("OPX", Major), rule("Opera", Token),
    fresh("SamsungBrowser", Major), rule("YaBrowser", Major), rule("UCBrowser", Major), fresh("UCWEB", Major),
    fresh("MQQBrowser", Major), fresh("QQBrowser", Major), rule("MicroMessenger", Major), fresh("MiuiBrowser", Major),
    rule("HuaweiBrowser", Major), fresh("VivoBrowser", Major), fresh("HeyTapBrowser", Major), rule("Vivaldi", Major),
    rule("Brave", Major), fresh("Whale", Major), fresh("Silk", Major), fresh("DuckDuckGo", Major),
    fresh("Ddg", Major), rule("Coast", Major), fresh("Puffin", Major), fresh("Maxthon", Major),
    fresh("Sleipnir", Major), fresh("Iron", Major), rule("Epiphany", Major), rule("Konqueror", Major),
    rule("Midori", Major), fresh("Falkon", Major), fresh("QupZilla", Major), fresh("Flock", Major),
    rule("SeaMonkey", Major), rule("PaleMoon", Major), rule("Waterfox", Major), rule("Iceweasel", Major),
    fresh("IceCat", Major), rule("Camino", Major), rule("K-Meleon", Major), rule("Galeon", Major),
    rule("Minefield", Without), fresh("FxiOS", Major), rule("Focus", Major), rule("Firefox", Major),
    rule("HeadlessChrome", Major), rule("CriOS", Major), fresh("GSA", Major), rule("Chrome", Major),
    named("Chromium", "Chrome", Major), rule("Netscape", Major), rule("Safari", Token),
    robot("CFNetwork", Without),
    rule("libcurl", Major), rule("curl", Major), rule("Wget", Major), rule("aria2", Major), rule("python-requests", Major),
    robot("python-urllib", Major), robot("Python-urllib", Major), robot("python-httpx", Major),
    fresh("aiohttp", Major), robot("Python", Major), robot("python", Major), robot("PycURL", Major),
    rule("Go-http-client", Major), rule("okhttp", Major), rule("Apache-HttpClient", Major),
    robot("Jakarta Commons-HttpClient", Major), rule("Apache-CXF", Major), rule("libwww-perl", Major),
    fresh("GuzzleHttp", Major), robot("PHP", Major), fresh("axios", Major), rule("node-fetch", Major),
    fresh("undici", Major), fresh("PostmanRuntime", Major), fresh("HTTPie", Major), robot("Java", Major),
    robot("Ruby", Major), robot("ruby", Major), rule("ELinks", Major), rule("Links", Major),
    rule("Lynx", Major), rule("w3m", Major), rule("Dillo", Major), rule("NetSurf", Major), rule("Mosaic", Major),
    rule("Chef Client", Major), fresh("Ansible", Without), fresh("Terraform", Major), rule("Debian APT-HTTP", Major),
    rule("Mozilla", Major),
];

/// The first rule whose word an agent contains says on what system it runs: word, then what is printed.
#[rustfmt::skip]
pub(super) const SYSTEMS: &[(&str, &str)] = &[
    ("Windows Phone", "Windows Phone"), ("Android", "Android"), ("android", "Android"), ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"), ("KAIOS", "KaiOS"), ("KaiOS", "KaiOS"), ("Tizen", "Tizen"), ("Web0S", "webOS"),
    ("webOS", "webOS"), ("hpwOS", "webOS"),
    ("Windows CE", "Windows CE"), ("Windows Mobile", "Windows CE"), ("Windows NT", "Windows NT"),
    ("Windows-NT", "Windows NT"), ("Windows", "Windows"), ("Win98", "Windows"), ("Win95", "Windows"),
    ("Win32", "Windows"), ("Win64", "Windows"),
    ("iPad", "iPad"), ("iPod", "iPod"), ("iPhone", "iPhone"), ("AppleTV", "AppleTV"), ("Apple TV", "AppleTV"),
    ("watchOS", "watchOS"), ("iOS", "iPhone"), ("Mac OS X", "Mac OS X"), ("macOS", "Mac OS X"),
    ("Macintosh", "Mac OS X"), ("Mac_PowerPC", "Mac OS X"), ("Darwin", "Darwin"),
    ("FreeBSD", "FreeBSD"), ("NetBSD", "NetBSD"), ("OpenBSD", "OpenBSD"), ("DragonFly", "DragonFly"),
    ("CrOS", "CrOS"), ("PlayStation", "PlayStation"), ("PLAYSTATION", "PlayStation"), ("Nintendo", "Nintendo"),
    ("Xbox", "Xbox"),
    ("SymbianOS", "SymbianOS"), ("Symbian", "SymbianOS"), ("SymbOS", "SymbianOS"), ("Series60", "SymbianOS"),
    ("BlackBerry", "BlackBerry"), ("BB10", "BlackBerry"),
    ("Linux", "Linux"), ("linux", "Linux"), ("Ubuntu", "Linux"), ("Debian", "Linux"), ("Fedora", "Linux"),
    ("SunOS", "SunOS"), ("AIX", "AIX"), ("QNX", "QNX"), ("Haiku", "Haiku"), ("AmigaOS", "AmigaOS"),
    ("Nokia", "Nokia"), ("Sony", "Sony"), ("X11", "Linux"),
];

/// What is printed where no rule fits.
pub(super) const OTHER: &str = "Other";

/// Words that sound like crawlers and are none: a maker of telephones.
pub(super) const NO_CRAWLERS: [&str; 3] = ["CUBOT", "Cubot", "cubot"];
