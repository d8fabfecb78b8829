//! What a name says of its value: parameters, cookies, headers and JSON members that hold an identifier.
//!
//! The list is curated: names that SDKs, advertisers and frameworks really write. A name is read as its meaning stands:
//! percent-encoded, escaped, in any case, with or without `-`, `_`, `.`, prefixed (`app_device_id`, `appDeviceId`) or as
//! a member (`user[device_id]`).

/// What the value behind a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It tells one device, installation or browser from all others.
    Device,
    /// It tells one session from all others.
    Session,
    /// An advertiser's click or an affiliate: name and value go.
    Click,
    /// Who holds it can act as its owner: never printed, never a pseudonym.
    Secret,
    /// It names a person or an account.
    User,
}

/// The role of a value by its name; `None` for a name that says nothing. Does not allocate; constant time.
///
/// ```
/// use sladd::treatment::names::{Role, lookup};
/// assert_eq!(lookup(b"device_id"), Some(Role::Device));
/// assert_eq!(lookup(b"%64eviceId"), Some(Role::Device));
/// assert_eq!(lookup(b"user[PHPSESSID]"), Some(Role::Session));
/// assert_eq!(lookup(b"page"), None);
/// ```
#[inline]
pub fn lookup(name: &[u8]) -> Option<Role> {
    if name.iter().any(|byte| matches!(byte, b'%' | b'\\')) { lookup_escaped(name) } else { lookup_unescaped(name) }
}

/// The same of a name that has neither `%` nor `\`.
#[inline]
pub(super) fn lookup_unescaped(name: &[u8]) -> Option<Role> {
    let nothing = match name {
        [] | [_] => true,
        [y, z] => TWOS[*y as usize & 31] >> (z & 31) & 1 == 0,
        [a, b, c, ..] if STARTS[triple(*a, *b)] >> (c & 31) & 1 == 0 && !is_separator(*a) => {
            // A separator among the last letters would have others come to stand there.
            let [.., x, y, z] = *name else { return None };
            let letters = x.is_ascii_alphanumeric() & y.is_ascii_alphanumeric() & z.is_ascii_alphanumeric();
            letters && usize::from(LEAST[ending(x, y, z)]) > name.len()
        }
        _ => false,
    };
    if nothing { None } else { among(name) }
}

#[inline(never)]
fn lookup_escaped(name: &[u8]) -> Option<Role> {
    if name.len() > 3 * LONGEST {
        return None;
    }
    let mut space = [0; 3 * LONGEST];
    among(plain(name, &mut space))
}

/// What the lists say of a name in its plain form.
#[inline(never)]
fn among(plain: &[u8]) -> Option<Role> {
    // What is longer than any encoded name is not read to find its index.
    if plain.len() > 3 * LONGEST {
        return None;
    }
    let plain = without_index(plain);
    if plain.len() < 2 || plain.len() > LONGEST {
        return None;
    }
    by_start(plain).or_else(|| by_end(plain))
}

/// The name with percent-encodings (also of percent signs) and the escapes of logs undone, in `space`.
///
/// `space` must be at least as long as the name.
pub(super) fn plain<'a>(name: &[u8], space: &'a mut [u8]) -> &'a [u8] {
    let mut length = name.len();
    space[..length].copy_from_slice(name);
    // Three rounds: a name that is encoded more often than that is nobody's parameter.
    for _ in 0..3 {
        if !space[..length].iter().any(|byte| matches!(byte, b'%' | b'\\')) {
            break;
        }
        let (mut read, mut write) = (0, 0);
        while read < length {
            let (byte, taken) = escaped(&space[read..length]).unwrap_or((space[read], 1));
            space[write] = byte;
            read += taken;
            write += 1;
        }
        if write == length {
            break;
        }
        length = write;
    }
    &space[..length]
}

/// The byte that an escape at the start of `text` stands for, and the escape's length.
pub(super) fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    let hex = |at: usize| text.get(at).and_then(|&byte| (byte as char).to_digit(16)).map(|digit| digit as u8);
    match text {
        [b'%', b'u' | b'U', b'0', b'0', ..] => Some((hex(4)? << 4 | hex(5)?, 6)),
        [b'%', ..] => Some((hex(1)? << 4 | hex(2)?, 3)),
        [b'\\', b'x' | b'X', ..] => Some((hex(2)? << 4 | hex(3)?, 4)),
        [b'\\', b'u' | b'U', b'0', b'0', ..] => Some((hex(4)? << 4 | hex(5)?, 6)),
        [b'\\', b'/' | b'"' | b'\\', ..] => Some((text[1], 2)),
        _ => None,
    }
}

/// `device_id` of `device_id[0]` and of `device_id[]`.
fn without_index(name: &[u8]) -> &[u8] {
    if let Some(open) = name.strip_suffix(b"]").and_then(|body| body.iter().rposition(|&byte| byte == b'['))
        && open > 0
        && name[open + 1..name.len() - 1].iter().all(u8::is_ascii_digit)
    {
        return &name[..open];
    }
    name
}

/// Families of names that a number, a host or a hash is appended to.
fn by_start(name: &[u8]) -> Option<Role> {
    let starts: &[(&str, Role)] = match name[0] | 0x20 {
        // `_` with the bit of lower case set.
        0x7f => &UNDERSCORE_STARTS,
        b'a' => &A_STARTS,
        b'b'..=b'z' => &OTHER_STARTS,
        _ => &[],
    };
    starts.iter().find(|(start, _)| starts_with(name, start.as_bytes())).map(|&(_, role)| role)
}

fn starts_with(name: &[u8], start: &[u8]) -> bool {
    name.len() > start.len() && name[..start.len()].eq_ignore_ascii_case(start)
}

/// The longest word or run of words at the name's end that the table has.
///
/// One pass from the end: the hash grows letter by letter, and where a word starts the table is asked.
fn by_end(name: &[u8]) -> Option<Role> {
    let mut hash = SEED;
    let mut length = 0;
    let mut found = None;
    let first = name.iter().position(|&byte| !is_separator(byte)).unwrap_or(0);
    for at in (first..name.len()).rev() {
        let byte = name[at];
        if is_separator(byte) {
            continue;
        }
        hash = step(hash, byte.to_ascii_lowercase());
        length += 1;
        if length > LONGEST_ENTRY {
            break;
        }
        let whole = at == first;
        if !(whole || length >= TELLING || word_starts(name, at)) {
            continue;
        }
        if let Some(&(_, role, fit)) = entry(hash, length, &name[at..])
            && (whole || fit == Fit::End)
        {
            found = Some(role);
        }
    }
    found
}

fn entry(hash: u32, length: usize, end: &[u8]) -> Option<&'static Entry> {
    let mut slot = hash as usize % SLOTS;
    while let Some(index) = TABLE[slot].checked_sub(1) {
        let entry = &NAMES[index as usize];
        if entry.0.len() == length && same(entry.0.as_bytes(), end) {
            return Some(entry);
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

/// Whether `name` is `entry` once separators and case are laid aside.
fn same(entry: &[u8], name: &[u8]) -> bool {
    let letters = name.iter().filter(|&&byte| !is_separator(byte)).map(u8::to_ascii_lowercase);
    letters.eq(entry.iter().copied())
}

/// Whether a word starts at `at`: behind a separator, or where the case says so (`appId`, `HTTPSession`).
fn word_starts(name: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|at| name[at]) else { return true };
    let here = name[at];
    is_separator(before)
        || here.is_ascii_uppercase()
            && (!before.is_ascii_uppercase() || name.get(at + 1).is_some_and(u8::is_ascii_lowercase))
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.' | b'[' | b']' | b':' | b' ' | b'+' | b'$')
}

const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// Where in a name an entry may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It is the whole name: too short or too common to say anything at the end of another.
    Whole,
    /// It is the name's last word or words.
    End,
}

type Entry = (&'static str, Role, Fit);

const SEED: u32 = 0x811c_9dc5;
/// Names of more bytes (in plain form) are nobody's.
const LONGEST: usize = 64;
/// An entry of so many letters is recognised even where no word starts: `appdeviceid`.
const TELLING: usize = 8;
const SLOTS: usize = 2048;
const LONGEST_ENTRY: usize = {
    let (mut longest, mut i) = (0, 0);
    while i < NAMES.len() {
        if NAMES[i].0.len() > longest {
            longest = NAMES[i].0.len();
        }
        i += 1;
    }
    longest
};

/// Open addressing by the hash of the name's letters from last to first: index into [`NAMES`] plus one, 0 where empty.
static TABLE: [u16; SLOTS] = {
    let mut table = [0; SLOTS];
    let mut i = 0;
    while i < NAMES.len() {
        let name = NAMES[i].0.as_bytes();
        let (mut hash, mut at) = (SEED, name.len());
        while at > 0 {
            at -= 1;
            hash = step(hash, name[at]);
        }
        let mut slot = hash as usize % SLOTS;
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = i as u16 + 1;
        i += 1;
    }
    table
};

/// By two letters a bit for each third: the first three of the families of names that begin with a letter.
static STARTS: [u32; 1024] = {
    let mut table = [0; 1024];
    let mut i = 0;
    while i < A_STARTS.len() + OTHER_STARTS.len() {
        let start = if i < A_STARTS.len() { A_STARTS[i].0 } else { OTHER_STARTS[i - A_STARTS.len()].0 }.as_bytes();
        table[triple(start[0], start[1])] |= 1 << (start[2] & 31);
        i += 1;
    }
    table
};

/// The length of the shortest entry that ends in three letters, by those; those that share a place share the shortest.
static LEAST: [u8; 4096] = {
    let mut table = [u8::MAX; 4096];
    let mut i = 0;
    while i < NAMES.len() {
        let name = NAMES[i].0.as_bytes();
        if let [.., x, y, z] = name {
            let place = ending(*x, *y, *z);
            if table[place] as usize > name.len() {
                table[place] = name.len() as u8;
            }
        }
        i += 1;
    }
    table
};

const fn ending(x: u8, y: u8, z: u8) -> usize {
    ((x & 31) as usize * 1033 + triple(y, z)) % 4096
}

/// By its first letter a bit for the second of each entry of two. None has fewer, and none of two ends a longer name.
static TWOS: [u32; 32] = {
    let mut table = [0; 32];
    let mut i = 0;
    while i < NAMES.len() {
        match NAMES[i].0.as_bytes() {
            [_, _, _, ..] => {}
            [y, z] if matches!(NAMES[i].2, Fit::Whole) => table[(*y & 31) as usize] |= 1 << (*z & 31),
            _ => panic!("an entry is too short"),
        }
        i += 1;
    }
    table
};

/// Letters of both cases and digits have the same five bits; that some share theirs does no harm.
const fn triple(first: u8, second: u8) -> usize {
    (first & 31) as usize * 32 + (second & 31) as usize
}

const UNDERSCORE_STARTS: [(&str, Role); 30] = [
    ("_ga_", Role::Device),
    ("_gac_", Role::Click),
    ("_gat", Role::Session),
    ("_gcl_", Role::Click),
    ("_hjsession_", Role::Session),
    ("_hjsessionuser_", Role::Device),
    ("_pk_id", Role::Device),
    ("_pk_ses", Role::Session),
    ("_pk_ref", Role::Click),
    ("_sp_id", Role::Device),
    ("_sp_ses", Role::Session),
    ("_li_id", Role::Device),
    ("_li_ses", Role::Session),
    ("_uet", Role::Device),
    ("_ym_uid", Role::Device),
    ("_vwo_uuid", Role::Device),
    ("_dsp_uid", Role::Device),
    ("__utm", Role::Device),
    ("__cf", Role::Session),
    ("__secure-", Role::Secret),
    ("__host-", Role::Secret),
    ("__requestverificationtoken", Role::Secret),
    ("__gads", Role::Device),
    ("_hp2_id", Role::Device),
    ("_hp2_ses", Role::Session),
    ("_hp2_props", Role::Device),
    ("_tq_id", Role::Device),
    ("_vis_opt_", Role::Device),
    ("_vwo_", Role::Device),
    ("__kla_id", Role::Device),
];

const A_STARTS: [(&str, Role); 12] = [
    ("aspsessionid", Role::Session),
    ("asp.net_session", Role::Session),
    ("amplitude_id", Role::Device),
    ("ab.storage.deviceid", Role::Device),
    ("ab.storage.sessionid", Role::Session),
    ("ab.storage.userid", Role::User),
    ("ajs_anonymous_id", Role::Device),
    ("ajs_user_id", Role::User),
    ("amcv_", Role::Device),
    ("auth_session_id", Role::Session),
    ("awsalb", Role::Session),
    ("arraffinity", Role::Session),
];

const OTHER_STARTS: [(&str, Role); 31] = [
    ("wordpress_logged_in_", Role::Secret),
    ("wordpress_sec_", Role::Secret),
    ("wordpressuser_", Role::User),
    ("wp-postpass_", Role::Secret),
    ("wp_woocommerce_session_", Role::Session),
    ("comment_author_", Role::User),
    ("intercom-device-id-", Role::Device),
    ("intercom-id-", Role::Device),
    ("intercom-session-", Role::Session),
    ("visid_incap_", Role::Device),
    ("incap_ses_", Role::Session),
    ("visitor_id", Role::Device),
    ("jsessionid", Role::Session),
    ("mp_", Role::Device),
    ("hm_lvt_", Role::Device),
    ("hm_lpvt_", Role::Session),
    ("remember_web_", Role::Secret),
    ("bigipserver", Role::Session),
    ("nsc_", Role::Session),
    ("nlbi_", Role::Session),
    ("ts01", Role::Session),
    ("crisp-client", Role::Session),
    ("ph_phc_", Role::Device),
    ("wp-settings-", Role::User),
    ("krtbcookie_", Role::Device),
    ("ezoadgid", Role::Device),
    ("sid_customer_", Role::Session),
    ("moodleid", Role::User),
    ("estsauth", Role::Secret),
    ("x-ms-cpim-", Role::Secret),
    ("ubid-", Role::Device),
];

use Fit::{End, Whole};
use Role::{Click, Device, Secret, Session, User};

/// Lower case, without separators. No two are the same.
#[rustfmt::skip]
const NAMES: &[Entry] = &[
    // Advertising ids of systems and shops.
    ("gaid", Device, End), ("aaid", Device, End), ("adid", Device, End), ("idfa", Device, End), ("idfv", Device, End),
    ("ifa", Device, End), ("ifv", Device, End), ("oaid", Device, End), ("vaid", Device, End), ("waid", Device, End),
    ("rida", Device, End), ("afai", Device, End), ("tifa", Device, End), ("lgudid", Device, End), ("msai", Device, End),
    ("asid", Device, Whole), ("gpsadid", Device, End), ("fireadid", Device, End), ("amazonadid", Device, End),
    ("googleadid", Device, End), ("googleadvertisingid", Device, End), ("advertisingid", Device, End),
    ("advertiserid", Device, End), ("advertisingidentifier", Device, End), ("advertisingidhash", Device, End),
    ("adidentifier", Device, End), ("identifierforadvertising", Device, End), ("identifierforvendor", Device, End),
    ("vendoridentifier", Device, End), ("vendorid", Device, End), ("appleifa", Device, End), ("iosifa", Device, End),
    ("iosidfa", Device, End), ("androidadvertisingid", Device, End), ("androidaaid", Device, End),
    ("huaweioaid", Device, End), ("openudid", Device, End), ("idfamd5", Device, End), ("idfasha1", Device, End),
    ("aaidmd5", Device, End), ("gaidmd5", Device, End), ("gaidsha1", Device, End), ("oaidmd5", Device, End),
    ("androididmd5", Device, End), ("androididsha1", Device, End), ("imeimd5", Device, End), ("imeisha1", Device, End),
    ("macmd5", Device, End), ("macsha1", Device, End), ("dpidmd5", Device, End), ("dpidsha1", Device, End),
    ("dpid", Device, Whole), ("didmd5", Device, End), ("didsha1", Device, End),
    // Devices and installations.
    ("androidid", Device, End), ("anid", Device, Whole), ("deviceid", Device, End), ("devid", Device, End),
    ("did", Device, Whole), ("duid", Device, End), ("udid", Device, End), ("uniquedeviceid", Device, End),
    ("devicehash", Device, End), ("deviceuid", Device, End), ("deviceuuid", Device, End), ("deviceguid", Device, End),
    ("devicefingerprint", Device, End), ("deviceidentifier", Device, End), ("deviceifa", Device, End),
    ("devicekey", Device, End), ("deviceno", Device, End), ("devicenumber", Device, End), ("deviceserial", Device, End),
    ("deviceserialnumber", Device, End), ("devicesn", Device, End), ("devicemac", Device, End),
    ("deviceimei", Device, End), ("devicename", Device, End), ("hardwareid", Device, End), ("hwid", Device, End),
    ("machineid", Device, End), ("machineguid", Device, End), ("machineuuid", Device, End), ("machinekey", Device, End),
    ("computerid", Device, End), ("computername", Device, End), ("hostuuid", Device, End), ("biosuuid", Device, End),
    ("systemuuid", Device, End), ("terminalid", Device, End), ("phoneid", Device, End), ("handsetid", Device, End),
    ("boxid", Device, End), ("stbid", Device, End), ("smartcardid", Device, End), ("installid", Device, End),
    ("installationid", Device, End), ("installuuid", Device, End), ("installationuuid", Device, End),
    ("installationidentifier", Device, End), ("installerid", Device, End), ("iid", Device, Whole),
    ("instanceid", Device, End), ("appinstanceid", Device, End), ("appinstallid", Device, End),
    ("firebaseinstanceid", Device, End), ("firebaseinstallationid", Device, End), ("fid", Device, Whole),
    ("appsflyerid", Device, End), ("appsflyeruid", Device, End), ("adjustid", Device, End),
    ("adjustdeviceid", Device, End), ("branchidentityid", Device, End), ("branchdevicefingerprintid", Device, End),
    ("kochavadeviceid", Device, End), ("singulardeviceid", Device, End), ("tenjinid", Device, End),
    ("amplitudedeviceid", Device, End), ("imei", Device, End), ("imei1", Device, End), ("imei2", Device, End),
    ("imeisv", Device, End), ("meid", Device, End), ("esn", Device, Whole), ("imsi", Device, End),
    ("iccid", Device, End), ("simserial", Device, End), ("simserialnumber", Device, End), ("simid", Device, End),
    ("eid", Device, Whole), ("msisdn", User, End), ("mac", Device, End), ("macaddr", Device, End),
    ("macaddress", Device, End), ("macid", Device, End), ("wifimac", Device, End), ("bluetoothmac", Device, End),
    ("btmac", Device, End), ("ethmac", Device, End), ("wlanmac", Device, End), ("hwaddr", Device, End),
    ("hwaddress", Device, End), ("ethernetaddress", Device, End), ("clientmac", Device, End), ("bssid", Device, End),
    ("apmac", Device, End), ("callingstationid", Device, End), ("serial", Device, End), ("serialno", Device, End),
    ("serialnr", Device, End), ("serialnumber", Device, End), ("serialnum", Device, End), ("sernum", Device, End),
    ("hwserial", Device, End), ("productserial", Device, End), ("boardserial", Device, End),
    ("roserialno", Device, End), ("sn", Device, Whole), ("assettag", Device, End), ("fingerprint", Device, End),
    ("browserfingerprint", Device, End), ("fpid", Device, End), ("fingerprintid", Device, End),
    ("canvashash", Device, End), ("browserid", Device, End), ("browseruuid", Device, End), ("bid", Device, Whole),
    ("buid", Device, Whole),
    // Browsers and visitors, as analytics name them.
    ("ga", Device, Whole), ("fbp", Device, End), ("fbc", Click, End), ("gid", Device, Whole),
    ("gaclientid", Device, End), ("clientid", Device, End), ("cid", Device, Whole), ("gacid", Device, End),
    ("clientuuid", Device, End), ("clientguid", Device, End), ("visitorid", Device, End), ("visitor", Device, Whole),
    ("visitoruuid", Device, End), ("visitorguid", Device, End), ("vid", Device, Whole), ("visid", Device, End),
    ("visitid", Session, End), ("pkvid", Device, Whole), ("viewerid", Device, End), ("anonid", Device, End),
    ("anonymousid", Device, End), ("guestid", Device, End), ("guestuuid", Device, End), ("trackingid", Device, End),
    ("trackid", Device, End), ("trackerid", Device, End), ("trackinguuid", Device, End), ("distinctid", Device, End),
    ("puid", Device, Whole), ("tuuid", Device, Whole), ("tpid", Device, Whole), ("uuid", Device, End),
    ("uuid2", Device, Whole), ("guid", Device, End), ("uniqueid", Device, End), ("uniqid", Device, End),
    ("persistentid", Device, End), ("permanentid", Device, End), ("pcid", Device, Whole), ("muid", Device, Whole),
    ("muidb", Device, Whole), ("nid", Device, Whole), ("ttp", Device, Whole), ("scid", Device, Whole),
    ("idclck", Device, Whole), ("clck", Device, Whole), ("clsk", Session, Whole), ("uetvid", Device, End),
    ("uetsid", Session, End), ("hubspotutk", Device, End), ("hstc", Device, Whole), ("hssc", Session, Whole),
    ("mkto", Device, Whole), ("mktotrk", Device, End), ("yandexuid", Device, End), ("ymuid", Device, End),
    ("ymclientid", Device, End), ("amuid", Device, Whole), ("utma", Device, Whole), ("utmb", Session, Whole),
    ("utmc", Session, Whole), ("utmz", Click, Whole), ("utmv", Device, Whole), ("optimizelyenduserid", Device, End),
    ("scorecardid", Device, End), ("demdex", Device, Whole), ("ecid", Device, End), ("marketingcloudid", Device, End),
    ("marketingcloudvisitorid", Device, End), ("mcmid", Device, End), ("svi", Device, Whole), ("sfid", Device, Whole),
    ("datr", Device, Whole), ("qca", Device, Whole), ("gpi", Device, Whole), ("gads", Device, Whole),
    ("panoramaid", Device, End), ("id5id", Device, End), ("uid2", Device, Whole), ("sharedid", Device, End),
    ("pubcid", Device, End), ("unifiedid", Device, End), ("liveramp", Device, Whole), ("idlenv", Device, Whole),
    ("rxvisitor", Device, Whole), ("aiuser", Device, Whole), ("aisession", Session, Whole), ("bcookie", Device, Whole),
    ("lidc", Device, Whole), ("visitorinfo1live", Device, Whole), ("ysc", Session, Whole), ("aamuuid", Device, Whole),
    ("everestgv2", Device, Whole), ("subscriberid", User, End), ("snowplowid", Device, End),
    ("networkuserid", Device, End), ("domainuserid", Device, End), ("pushid", Device, End),
    ("onesignalid", Device, End), ("playerid", Device, End), ("apnsid", Device, End), ("spidsha1", Device, Whole),
    ("xuid", Device, Whole), ("ppid", Device, Whole), ("shopifyy", Device, Whole), ("shopifys", Session, Whole),
    ("shopifyuniq", Session, Whole),
    // Sessions, as frameworks name them.
    ("sid", Session, End), ("ssid", Session, Whole), ("sess", Session, End), ("sessid", Session, End),
    ("session", Session, End), ("sessionid", Session, End), ("sessionkey", Secret, End), ("sessionhash", Session, End),
    ("sessionuuid", Session, End), ("sessionguid", Session, End), ("sessiondata", Session, End),
    ("sessionidentifier", Session, End), ("sessioncookie", Session, End), ("phpsessid", Session, End),
    ("jsessionid", Session, End), ("jsessionidsso", Session, End), ("jsession", Session, End),
    ("aspnetsessionid", Session, End), ("aspsessionid", Session, End), ("aspxanonymous", Device, End),
    ("connectsid", Session, End), ("expresssid", Session, End), ("koasess", Session, End), ("koasesssig", Secret, End),
    ("laravelsession", Session, End), ("cisession", Session, End), ("cakephp", Session, Whole),
    ("symfony", Session, Whole), ("railssession", Session, End), ("racksession", Session, End),
    ("playsession", Session, End), ("gsessionid", Session, End), ("cgisessid", Session, End),
    ("djangosession", Session, End), ("flasksession", Session, End), ("beakersessionid", Session, End),
    ("mojolicious", Session, Whole), ("plsession", Session, End), ("zensid", Session, End), ("oscsid", Session, End),
    ("xtcsid", Session, End), ("magesessid", Session, End), ("magecachesessid", Session, End),
    ("frontendcid", Session, End), ("prestashop", Session, Whole), ("fetypouser", Session, End),
    ("betypouser", Session, End), ("bbsessionhash", Session, End), ("phpbbsid", Session, End),
    ("phpbb3sid", Session, End), ("xfsession", Session, End), ("dlesession", Session, End), ("cfid", Session, Whole),
    ("cftoken", Secret, Whole), ("cfglobals", Session, Whole), ("zopeid", Session, Whole),
    ("plesksessid", Session, End), ("phpmyadmin", Session, Whole), ("roundcubesessid", Session, End),
    ("horde", Session, Whole), ("bigipserver", Session, Whole), ("awsalb", Session, Whole),
    ("awsalbcors", Session, Whole), ("awselb", Session, Whole), ("arraffinity", Session, Whole),
    ("serverid", Session, Whole), ("routeid", Session, Whole), ("abck", Session, Whole), ("bmsz", Session, Whole),
    ("akbmsc", Session, Whole), ("datadome", Session, Whole), ("dtcookie", Session, Whole), ("hjid", Device, Whole),
    ("twittersess", Secret, Whole), ("ghsess", Secret, Whole), ("viewstate", Secret, End), ("callid", Session, Whole),
    ("conversationid", Session, End), ("chatid", Session, End), ("cartid", Session, End), ("basketid", Session, End),
    ("checkoutid", Session, End), ("viewid", Session, Whole), ("pageviewid", Session, End),
    ("playbackid", Session, End),
    // What services for many sites, shops and networks set.
    ("cfuvid", Session, Whole), ("cfclearance", Secret, Whole), ("ct0", Secret, Whole), ("kdt", Secret, Whole),
    ("personalizationid", Device, End), ("guestidads", Device, End), ("guestidmarketing", Device, End),
    ("ahoyvisitor", Device, End), ("ahoyvisit", Session, End), ("ahoyvisittoken", Session, End),
    ("ahoyvisitortoken", Device, End), ("amplitudeid", Device, End), ("vuid", Device, Whole), ("ide", Device, Whole),
    ("dsid", Device, Whole), ("anonchk", Device, Whole), ("srchuid", Device, Whole), ("igdid", Device, Whole),
    ("bscookie", Device, Whole), ("usermatchhistory", Device, Whole), ("analyticssynchistory", Device, Whole),
    ("liat", Secret, Whole), ("lisugr", Device, Whole), ("pinunauth", Device, Whole), ("pinterestsess", Session, Whole),
    ("routingid", Session, End), ("ttwebid", Device, End), ("ttwebidv2", Device, End), ("ttwid", Device, Whole),
    ("svwebid", Device, End), ("loid", Device, Whole), ("edgebucket", Session, Whole), ("tokenv2", Secret, End),
    ("sessiontracker", Session, End), ("derivedepik", Click, Whole), ("messagesutk", Device, Whole),
    ("driftaid", Device, End), ("drifttaid", Device, End), ("zlcmid", Device, Whole), ("lfa", Device, Whole),
    ("fsuid", User, Whole), ("mfuser", Device, Whole), ("chartbeat2", Device, Whole), ("parselyvisitor", Device, End),
    ("nmstat", Device, Whole), ("mbox", Device, Whole), ("klaid", Device, End), ("woocommercecarthash", Session, End),
    ("tkai", Device, Whole), ("omappvp", Device, Whole), ("omappvs", Session, Whole), ("dyid", Device, Whole),
    ("dyidserver", Device, Whole), ("kameleoonvisitorcode", Device, End), ("abtasty", Device, Whole),
    ("convv", Device, Whole), ("convs", Session, Whole), ("fplc", Device, Whole), ("eoi", Device, Whole),
    ("ctobundle", Device, Whole), ("tdid", Device, Whole), ("tluid", Device, Whole), ("khaos", Device, Whole),
    ("apid", Device, Whole), ("cmid", Device, Whole), ("ruid", Device, Whole), ("wtfpc", Device, Whole),
    ("wteid", Device, Whole), ("etcoid", Device, Whole), ("ccid", Device, Whole), ("adrollfpc", Device, Whole),
    ("adroll", Device, Whole), ("arv4", Device, Whole), ("logininfo", Secret, Whole),
    ("visitorprivacymetadata", Device, Whole), ("1pjar", Device, Whole), ("aec", Session, Whole),
    ("octo", Device, Whole), ("stripemid", Device, End), ("rdid", Device, Whole), ("mcvisid", Device, End),
    ("xclientdata", Device, Whole), ("xupcallinglineid", User, Whole), ("xupsubno", User, Whole),
    ("clientprincipalid", User, End), ("clientprincipalname", User, End), ("amznoidcidentity", User, End),
    ("amznoidcdata", Secret, End), ("dpop", Secret, Whole), ("frontend", Session, Whole), ("adminhtml", Session, Whole),
    ("smsession", Secret, Whole), ("ocsessid", Session, Whole), ("cgisid", Session, End), ("mrhsession", Session, End),
    ("citrixnsid", Session, End), ("reese84", Session, Whole), ("bmsv", Session, Whole), ("bmmi", Session, Whole),
    ("bms", Session, Whole), ("pxvid", Device, Whole), ("px3", Session, Whole), ("pxhd", Device, Whole),
    ("pxcts", Session, Whole), ("pxde", Session, Whole), ("kpuidz", Device, Whole),
    ("applicationgatewayaffinity", Session, Whole), ("applicationgatewayaffinitycors", Session, Whole),
    ("rtfa", Secret, Whole), ("fpc", Device, Whole), ("esctx", Secret, Whole), ("auth0", Secret, Whole),
    ("ltpatoken2", Secret, Whole), ("atmain", Secret, Whole), ("xmain", Secret, Whole), ("sessatmain", Secret, Whole),
    ("ubidmain", Device, Whole),
    // Clicks, campaigns of one mail, affiliates.
    ("gclid", Click, End), ("gclsrc", Click, End), ("gbraid", Click, End), ("wbraid", Click, End),
    ("gadsource", Click, End), ("gadcampaignid", Click, End), ("dclid", Click, End), ("srsltid", Click, End),
    ("gl", Click, Whole), ("gclaw", Click, End), ("gclau", Click, End), ("gcldc", Click, End), ("fbclid", Click, End),
    ("fbactionids", Click, End), ("fbactiontypes", Click, End), ("fbsource", Click, End), ("fbadid", Click, End),
    ("igshid", Click, End), ("igsh", Click, Whole), ("msclkid", Click, End), ("yclid", Click, End),
    ("ysclid", Click, End), ("openstat", Click, End), ("ttclid", Click, End), ("twclid", Click, End),
    ("twadid", Click, End), ("lifatid", Click, End), ("sccid", Click, End), ("ndclid", Click, End),
    ("rdtcid", Click, End), ("qclid", Click, End), ("obclid", Click, End), ("oborigurl", Click, End),
    ("dicbo", Click, Whole), ("tblci", Click, Whole), ("taboolaclickid", Click, End), ("epik", Click, Whole),
    ("pinid", Click, Whole), ("mceid", Click, Whole), ("mccid", Click, Whole), ("mcid", Click, Whole),
    ("mkttok", Click, End), ("hsenc", Click, Whole), ("hsmi", Click, Whole), ("hsctatracking", Click, End),
    ("hsfp", Click, Whole), ("kx", Click, Whole), ("ke", Click, Whole), ("veroid", Click, End),
    ("veroconv", Click, End), ("olyencid", Click, End), ("olyanonid", Click, End), ("mlsubscriber", Click, End),
    ("mlsubscriberhash", Click, End), ("ckcampaign", Click, Whole), ("cksubscriberid", Click, End),
    ("iterableemailcampaignid", Click, End), ("iterabletemplateid", Click, End), ("sfmcid", Click, End),
    ("sfmcsubscriberkey", Click, End), ("elqtrackid", Click, End), ("elqtrack", Click, End), ("elqat", Click, End),
    ("elq", Click, Whole), ("elqcampaignid", Click, End), ("dmi", Click, Whole), ("btatid", Click, Whole),
    ("btac", Click, Whole), ("trkcontact", Click, End), ("trkmsg", Click, End), ("trksid", Click, End),
    ("trk", Click, Whole), ("trkcampaign", Click, End), ("ecid2", Click, Whole), ("emci", Click, Whole),
    ("emdi", Click, Whole), ("ceid", Click, Whole), ("bsftclkid", Click, End), ("bsftuid", Click, End),
    ("bsftmid", Click, End), ("irclickid", Click, End), ("irgwc", Click, Whole), ("clickid", Click, End),
    ("clickuuid", Click, End), ("clkid", Click, End), ("clid", Click, Whole), ("clickref", Click, End),
    ("cjevent", Click, End), ("cjdata", Click, End), ("tduid", Click, End), ("awc", Click, Whole),
    ("sscid", Click, Whole), ("zanpid", Click, Whole), ("wickedid", Click, End), ("wickedsource", Click, End),
    ("rbclickid", Click, End), ("kclickid", Click, End), ("koclickid", Click, End), ("voluumid", Click, End),
    ("ransiteid", Click, End), ("ranmid", Click, End), ("raneaid", Click, End), ("siteid2", Click, Whole),
    ("pjid", Click, Whole), ("avad", Click, Whole), ("admitaduid", Click, End), ("belboon", Click, Whole),
    ("effiid", Click, End), ("webgainsclickid", Click, End), ("faid", Click, Whole), ("xtor", Click, Whole),
    ("spm", Click, Whole), ("scm", Click, Whole), ("pvid", Click, Whole), ("algopvid", Click, End),
    ("algoexpid", Click, End), ("aff", Click, End), ("affid", Click, End), ("affiliate", Click, End),
    ("affiliateid", Click, End), ("affcode", Click, End), ("affsub", Click, End), ("affsub2", Click, End),
    ("afftrack", Click, End), ("affname", Click, End), ("afid", Click, Whole), ("aid", Click, Whole),
    ("associatetag", Click, End), ("ascsubtag", Click, End), ("subid", Click, End), ("subid1", Click, End),
    ("subid2", Click, End), ("subid3", Click, End), ("partnerid", Click, End), ("publisherid", Click, End),
    ("pubid", Click, End), ("ref", Click, End), ("refid", Click, End), ("refcode", Click, End),
    ("referrer", Click, End), ("referer", Click, End), ("referral", Click, End), ("referralid", Click, End),
    ("referralcode", Click, End), ("referrerid", Click, End), ("refererid", Click, End), ("referredby", Click, End),
    ("invitecode", Click, End), ("invitedby", Click, End), ("kwcid", Click, End), ("skwcid", Click, End),
    ("efid", Click, Whole), ("mkwid", Click, End), ("pcrid", Click, Whole), ("mkcid", Click, Whole),
    ("mkevt", Click, Whole), ("mkrid", Click, Whole), ("campid", Click, Whole), ("toolid", Click, Whole),
    ("customid", Click, Whole), ("rtid", Click, Whole), ("vmcid", Click, Whole), ("branchmatchid", Click, End),
    ("branchreferrer", Click, End), ("redirectmongoid", Click, End), ("redirectlogmongoid", Click, End),
    ("sbrefererhost", Click, End), ("smsclick", Click, End), ("smsuph", Click, End), ("cvid", Click, Whole),
    ("oicd", Click, Whole), ("guccounter", Click, Whole), ("gucereferrer", Click, End), ("gucereferrersig", Click, End),
    ("utmid", Click, Whole), ("adclickid", Click, End),
    // What opens a door.
    ("token", Secret, End), ("tokens", Secret, End), ("accesstoken", Secret, End), ("refreshtoken", Secret, End),
    ("idtoken", Secret, End), ("idtokenhint", Secret, End), ("authtoken", Secret, End), ("bearertoken", Secret, End),
    ("bearer", Secret, End), ("jwt", Secret, End), ("oauthtoken", Secret, End), ("oauthverifier", Secret, End),
    ("oauthsignature", Secret, End), ("devicetoken", Secret, End), ("pushtoken", Secret, End),
    ("fcmtoken", Secret, End), ("apnstoken", Secret, End), ("registrationtoken", Secret, End),
    ("registrationid", Secret, End), ("regid", Secret, Whole), ("sessiontoken", Secret, End),
    ("sessionsecret", Secret, End), ("csrf", Secret, End), ("csrftoken", Secret, End),
    ("csrfmiddlewaretoken", Secret, End), ("xsrf", Secret, End), ("xsrftoken", Secret, End),
    ("authenticitytoken", Secret, End), ("requestverificationtoken", Secret, End), ("formkey", Secret, End),
    ("nonce", Secret, End), ("wpnonce", Secret, End), ("password", Secret, End), ("passwd", Secret, End),
    ("passwort", Secret, End), ("passord", Secret, End), ("passphrase", Secret, End), ("passcode", Secret, End),
    ("pass", Secret, End), ("pwd", Secret, End), ("pw", Secret, Whole), ("pin", Secret, Whole),
    ("pincode", Secret, End), ("otp", Secret, End), ("totp", Secret, End), ("mfacode", Secret, End),
    ("verificationcode", Secret, End), ("securitycode", Secret, End), ("cvv", Secret, End), ("cvc", Secret, End),
    ("secret", Secret, End), ("clientsecret", Secret, End), ("sharedsecret", Secret, End), ("apikey", Secret, End),
    ("apisecret", Secret, End), ("appkey", Secret, End), ("appsecret", Secret, End), ("accesskey", Secret, End),
    ("accesskeyid", Secret, End), ("secretkey", Secret, End), ("privatekey", Secret, End), ("licensekey", Secret, End),
    ("licencekey", Secret, End), ("key", Secret, Whole), ("subscriptionkey", Secret, End), ("signature", Secret, End),
    ("sig", Secret, End), ("hmac", Secret, End), ("awsaccesskeyid", Secret, End), ("xamzsignature", Secret, End),
    ("xamzcredential", Secret, End), ("xamzsecuritytoken", Secret, End), ("credential", Secret, End),
    ("credentials", Secret, End), ("authorization", Secret, End), ("authorisation", Secret, End),
    ("proxyauthorization", Secret, End), ("auth", Secret, End), ("authkey", Secret, End), ("authcode", Secret, End),
    ("assertion", Secret, End), ("clientassertion", Secret, End), ("samlresponse", Secret, End),
    ("samlrequest", Secret, End), ("samlart", Secret, End), ("codeverifier", Secret, End),
    ("codechallenge", Secret, End), ("ticket", Secret, End), ("cookie", Secret, End), ("cookies", Secret, End),
    ("setcookie", Secret, End), ("rememberme", Secret, End), ("remembertoken", Secret, End),
    ("rememberusertoken", Secret, End), ("aspxauth", Secret, End), ("identityapplication", Secret, End),
    ("fedauth", Secret, End), ("keycloakidentity", Secret, End), ("keycloaksession", Secret, End),
    ("magiclink", Secret, End), ("confirmationcode", Secret, End), ("activationcode", Secret, End),
    ("activationkey", Secret, End), ("resetkey", Secret, End), ("resetcode", Secret, End),
    ("invitationcode", Secret, End), ("sapisid", Secret, Whole), ("apisid", Secret, Whole), ("hsid", Secret, Whole),
    ("sidcc", Secret, Whole), ("cuser", User, Whole), ("xs", Secret, Whole),
    // People and accounts.
    ("user", User, End), ("username", User, End), ("usernm", User, End), ("userid", User, End), ("usrid", User, End),
    ("uid", User, End), ("uname", User, End), ("usr", User, End), ("useruuid", User, End), ("userguid", User, End),
    ("userhash", User, End), ("userkey", User, End), ("useremail", User, End), ("login", User, Whole),
    ("loginid", User, End), ("loginname", User, End), ("loginhint", User, End), ("nick", User, End),
    ("nickname", User, End), ("handle", User, Whole), ("screenname", User, End), ("displayname", User, End),
    ("accountid", User, End), ("accountname", User, End), ("accountno", User, End), ("accountnumber", User, End),
    ("acctid", User, End), ("memberid", User, End), ("membernumber", User, End), ("customerid", User, End),
    ("customernumber", User, End), ("customerno", User, End), ("custid", User, End), ("clientnumber", User, End),
    ("contactid", User, End), ("profileid", User, End), ("personid", User, End), ("patientid", User, End),
    ("studentid", User, End), ("employeeid", User, End), ("employeenumber", User, End), ("externalid", User, End),
    ("externaluserid", User, End), ("crmid", User, End), ("ownerid", User, End), ("authorid", User, End),
    ("mail", User, End), ("email", User, End), ("emailaddress", User, End), ("emailhash", User, End),
    ("emailmd5", User, End), ("emailsha256", User, End), ("epost", User, End), ("eposta", User, Whole),
    ("phone", User, End), ("phonenumber", User, End), ("phoneno", User, End), ("telephone", User, End),
    ("tel", User, Whole), ("mobile", User, Whole), ("mobilenumber", User, End), ("mobileno", User, End),
    ("telefon", User, End), ("mobil", User, Whole), ("firstname", User, End), ("lastname", User, End),
    ("surname", User, End), ("givenname", User, End), ("familyname", User, End), ("fullname", User, End),
    ("realname", User, End), ("fornavn", User, End), ("etternavn", User, End), ("birthdate", User, End),
    ("dateofbirth", User, End), ("dob", User, Whole), ("birthday", User, End), ("ssn", User, End),
    ("socialsecuritynumber", User, End), ("nationalid", User, End), ("personnummer", User, End),
    ("fodselsnummer", User, End), ("fnr", User, Whole), ("passportno", User, End), ("passportnumber", User, End),
    ("taxid", User, End), ("vatid", User, End), ("iban", User, End), ("cardnumber", User, End), ("cardno", User, End),
    ("pan", User, Whole), ("licenseplate", User, End), ("address", User, Whole), ("streetaddress", User, End),
    ("sub", User, Whole), ("upn", User, Whole), ("samaccountname", User, End),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_entry_is_found_by_its_own_name_and_is_there_once() {
        for (i, &(name, role, _)) in NAMES.iter().enumerate() {
            assert_eq!(by_end(name.as_bytes()), Some(role), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
            assert!(NAMES[..i].iter().all(|&(other, ..)| other != name), "{name}");
        }
    }

    #[test]
    fn device_and_session_names_are_known_as_programs_write_them() {
        for name in [
            "gaid",
            "idfa",
            "adid",
            "aaid",
            "idfv",
            "ifa",
            "android_id",
            "androidid",
            "device_id",
            "deviceid",
            "udid",
            "imei",
            "meid",
            "mac",
            "mac_address",
            "serial",
            "serialno",
            "_ga",
            "_ga_ABC123XYZ",
            "_gid",
            "_fbp",
            "cid",
            "client_id",
            "visitor_id",
            "uuid",
            "X-Device-Id",
            "X-Device-UUID",
            "DEVICE-ID",
            "Device.Id",
            "hwid",
            "_pk_id.1.1fff",
            "__utma",
            "ahoy_visitor",
            "ajs_anonymous_id",
            "amplitude_id",
            "amplitude_id_0123abcdexample.org",
            "mp_0123456789abcdef_mixpanel",
            "optimizelyEndUserId",
            "ph_phc_0123abcd_posthog",
            "_hjid",
            "_hjSessionUser_12345",
            "_pxvid",
            "__kla_id",
            "__stripe_mid",
            "_octo",
            "cto_bundle",
            "tt_webid_v2",
            "X-Client-Data",
            "ubid-acbuk",
        ] {
            assert_eq!(lookup(name.as_bytes()), Some(Role::Device), "{name}");
        }
        for name in [
            "PHPSESSID",
            "JSESSIONID",
            "jsessionid",
            "ASP.NET_SessionId",
            "sid",
            "sessionid",
            "session_id",
            "connect.sid",
            "laravel_session",
            "ASPSESSIONIDQQABCDEF",
            "ci_session",
            "sessionId",
            "SESSION-ID",
            "_pk_ses.1.1fff",
            "x-session-id",
            "_cfuvid",
            "__cf_bm",
            "ahoy_visit",
            "AWSALBTG",
            "ARRAffinitySameSite",
            "BIGipServerpool",
            "TS01a2b3c4",
            "OCSESSID",
            "frontend",
            "bm_sv",
            "reese84",
            "ApplicationGatewayAffinityCORS",
            "citrix_ns_id",
            "_gitlab_session",
            "sails.sid",
        ] {
            assert_eq!(lookup(name.as_bytes()), Some(Role::Session), "{name}");
        }
        for name in [
            "gclid",
            "gbraid",
            "wbraid",
            "fbclid",
            "msclkid",
            "dclid",
            "yclid",
            "ttclid",
            "twclid",
            "li_fat_id",
            "mc_eid",
            "mc_cid",
            "aff",
            "affid",
            "aff_id",
            "ref",
            "irclickid",
            "_gl",
            "igshid",
            "srsltid",
            "epik",
            "_hsenc",
            "clickId",
        ] {
            assert_eq!(lookup(name.as_bytes()), Some(Role::Click), "{name}");
        }
        for name in [
            "token",
            "access_token",
            "csrf-token",
            "X-Api-Key",
            "password",
            "wordpress_logged_in_0123abcd",
            "Authorization",
            "code_verifier",
            "reset_token",
            "device_token",
            "sig",
            "__Secure-1PSID",
            "remember_web_59ba36addc2b2f94",
            "ct0",
            "XSRF-TOKEN",
            "cf_clearance",
            "ESTSAUTHPERSISTENT",
            "SMSESSION",
            "LtpaToken2",
            "DPoP",
            "tokenv2",
        ] {
            assert_eq!(lookup(name.as_bytes()), Some(Role::Secret), "{name}");
        }
        for name in ["user", "userId", "user_name", "email", "uid", "msisdn", "fodselsnummer", "customer-id"] {
            assert_eq!(lookup(name.as_bytes()), Some(Role::User), "{name}");
        }
    }

    #[test]
    fn spelling_and_prefixes_change_nothing() {
        for name in [
            "%64evice_id",
            "device%5Fid",
            "device%255Fid",
            "%2564evice%255fid",
            r"device\x5Fid",
            r"device\u005fid",
            "device%u005fid",
            "user[device_id]",
            "user%5Bdevice_id%5D",
            "app_device_id",
            "appDeviceId",
            "app.deviceID",
            "appdeviceid",
            "device_id[]",
            "device_id[0]",
            "a[b][deviceId][12]",
            "DEVICE_ID",
            "x-device-id",
            "events[0][device][id]",
        ] {
            assert_eq!(lookup(name.as_bytes()), Some(Role::Device), "{name}");
        }
        assert_eq!(lookup(b"utm.gaid"), Some(Role::Device));
        assert_eq!(lookup(b"HTTPSessionId"), Some(Role::Session));
        assert_eq!(lookup(b"xGAID"), Some(Role::Device));
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "",
            "a",
            "_",
            "-",
            "page",
            "p",
            "limit",
            "offset",
            "lang",
            "hl",
            "sort",
            "order",
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "q",
            "search",
            "category",
            "id",
            "product_id",
            "v",
            "staff",
            "pref",
            "monkey",
            "sort_key",
            "compass",
            "format",
            "size",
            "width",
            "legal",
            "inside",
            "squid",
            "machine",
            "paid",
            "said",
            "dmac",
            "%",
            "%%",
            "%zz",
            r"\",
            "[]",
            "[0]",
            "\u{e9}",
            "filter[page]",
        ] {
            assert_eq!(lookup(name.as_bytes()), None, "{name}");
        }
        assert_eq!(lookup(&[b'a'; 70_000]), None);
        assert_eq!(lookup(&[b'_'; 100]), None);
    }

    proptest! {
        #[test]
        fn what_is_told_by_a_few_letters_is_what_all_of_them_tell(
            any in proptest::collection::vec(any::<u8>(), 0..6),
            plain in r"[a-zA-Z0-9_.\[\]%-]{0,8}",
            index in 0..NAMES.len(),
            start in 0..NAMES.len(),
            around in (r"[a-z_.\[-]{0,2}", r"[]\[0-9_.a]{0,3}", any::<bool>()),
        ) {
            let listed = format!("{}{}{}", around.0, NAMES[index].0, around.1);
            let starts = [&UNDERSCORE_STARTS[..], &A_STARTS, &OTHER_STARTS].concat();
            let (start, _) = starts[start % starts.len()];
            let start = if around.2 { start.to_uppercase() } else { start.to_owned() } + &around.1;
            let first = NAMES[index].0.split_at(NAMES[index].0.len() / 2);
            let apart = format!("{}_{}", first.0, first.1);
            for name in [&any[..], plain.as_bytes(), listed.as_bytes(), start.as_bytes(), apart.as_bytes()] {
                prop_assert_eq!(lookup(name), lookup_escaped(name));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(name in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = lookup(&name);
        }

        #[test]
        fn a_listed_name_keeps_its_role_in_any_case_and_encoding(
            index in 0..NAMES.len(), upper in any::<u64>(), encoded in any::<u64>(), apart in any::<u64>(),
        ) {
            let (name, role, _) = NAMES[index];
            let mut spelled = String::new();
            for (i, letter) in name.chars().enumerate() {
                let bit = |mask: u64| mask >> (i % 64) & 1 == 1;
                if i > 0 && bit(apart) && bit(apart >> 7) {
                    spelled.push('_');
                }
                let letter = if bit(upper) { letter.to_ascii_uppercase() } else { letter };
                if bit(encoded) && name.len() < 20 {
                    spelled.push_str(&format!("%{:02x}", letter as u32));
                } else {
                    spelled.push(letter);
                }
            }
            prop_assert_eq!(lookup(spelled.as_bytes()), Some(role), "{}", spelled);
        }
    }
}
