//! Secrets by the name in front of them: `password=…`, `user[password]=…`, `"api_key": "…"`, `Authorization: Bearer …`; ids
//! of devices too.

use super::{
    Finding, What,
    bytes::{ALNUM, HEX, TOKEN, is, is_at, run_end, run_start},
};

/// How long a name may be, and how long a value; a longer one is hidden to here and its rest is read like any text.
const NAME: usize = 24;
const VALUE: usize = 4096;

/// The value behind the name whose `=` or `:` stands at `at`.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let sign = *text.get(at)?;
    if !matches!(sign, b'=' | b':') || at < 3 {
        return None;
    }
    let quoted = matches!(text[at - 1], b'"' | b'\'');
    let mut name_end = at - usize::from(quoted);
    if text[name_end - 1] == b']' {
        // `user[password]`, `password[]`, `password[0]`.
        let floor = name_end.saturating_sub(NAME);
        let open = floor + text[floor..name_end].iter().rposition(|&b| b == b'[')?;
        let index = text[open + 1..name_end - 1].iter().all(u8::is_ascii_digit);
        name_end = if index { open } else { name_end - 1 };
        if name_end < 2 {
            return None;
        }
    }
    // One look at the last two letters spares nearly every name.
    let (before, last) = (text[name_end - 2], text[name_end - 1]);
    if LAST_TWO[(last & 31) as usize] & (1 << (before & 31)) == 0 || !is(last, ALNUM) {
        return None;
    }
    let name = run_start(text, name_end, name_end.saturating_sub(NAME), TOKEN);
    let starts = name == 0 || !is(text[name - 1], TOKEN);
    let strength = words(&text[name..name_end], starts)?;
    let mut start = at + 1;
    while start < text.len() && start < at + 4 && text[start] == b' ' {
        start += 1;
    }
    if strength == Strength::Assigned && (start > at + 1 || sign == b':') && !quoted {
        return None;
    }
    if strength == Strength::Hardware {
        return hardware(text, start);
    }
    let quote = text.get(start).copied().filter(|b| matches!(b, b'"' | b'\''));
    start += usize::from(quote.is_some());
    if strength == Strength::Header && quote.is_none() {
        // The scheme stays, the credentials go.
        let scheme = run_end(text, start, ALNUM);
        let credentials = is_at(text, scheme + 1, 0xFF) || text.get(scheme + 1) == Some(&b'[');
        if is_outcome(&text[start..scheme]) {
            return None;
        }
        if scheme > start && text.get(scheme) == Some(&b' ') && credentials {
            start = scheme + 1;
        }
    }
    let reach = &text[start..text.len().min(start + VALUE)];
    let length = reach
        .iter()
        .position(|&b| match quote {
            Some(quote) => b == quote,
            None => matches!(
                b,
                b' ' | b'\t' | b'\r' | b'\n' | b'&' | b';' | b',' | b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}'
            ),
        })
        .unwrap_or(reach.len());
    let value = &reach[..length];
    // `PWD=/home` is where a program runs.
    let directory =
        name_end - name == 3 && value.first() == Some(&b'/') && text[name..name_end].eq_ignore_ascii_case(b"pwd");
    let blank = directory
        || matches!(value, b"true" | b"false" | b"yes" | b"no" | b"none" | b"null" | b"YES" | b"NO")
        || is_task(text, name, value)
        || value.is_empty()
        || value.iter().all(|&b| matches!(b, b'*' | b'-' | b'.'))
        || is_ours(value);
    (!blank).then(|| Finding::new(start, start + length, What::Token))
}

/// Whether it says how an authorization went, and is none: `authorization: denied by policy`.
fn is_outcome(word: &[u8]) -> bool {
    let known: [&[u8]; 28] = [
        b"denied",
        b"granted",
        b"allowed",
        b"failed",
        b"failure",
        b"ok",
        b"success",
        b"successful",
        b"succeeded",
        b"required",
        b"rejected",
        b"accepted",
        b"missing",
        b"invalid",
        b"expired",
        b"forbidden",
        b"refused",
        b"passed",
        b"pending",
        b"disabled",
        b"enabled",
        b"none",
        b"error",
        b"skipped",
        b"header",
        b"unauthorized",
        b"not",
        b"no",
    ];
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether a program named `passwd` asks PAM for something: `pam_unix(passwd:chauthtok)`.
fn is_task(text: &[u8], name: usize, value: &[u8]) -> bool {
    let called = name > 0 && text[name - 1] == b'(';
    called && matches!(value, b"auth" | b"account" | b"session" | b"chauthtok" | b"setcred")
}

/// What sort of secret a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// Whatever follows is secret.
    Always,
    /// Prose uses the word too (`invalid token: …`): only behind `=` or as a quoted key.
    Assigned,
    /// A scheme may stand in front of the secret.
    Header,
    /// A hardware address may follow, and then it may be written without separators.
    Hardware,
}

/// The twelve hexadecimal digits that start at `at`, behind a quote or none, and end there.
fn hardware(text: &[u8], at: usize) -> Option<Finding> {
    let start = at + usize::from(matches!(text.get(at), Some(b'"' | b'\'')));
    let digits = text.get(start..start + 12)?;
    let ends = !is_at(text, start + 12, TOKEN) && digits.iter().all(|&b| is(b, HEX));
    ends.then(|| Finding::new(start, start + 12, What::Mac))
}

/// What the last words of a name promise: those of `db_password`, `userPassword` and `x-session-token` too. `starts`
/// tells whether the name starts where `name` does.
fn words(name: &[u8], starts: bool) -> Option<Strength> {
    let mut at = 0;
    loop {
        if at > 0 || starts {
            let strength = strength(&name[at..]);
            if strength.is_some() {
                return strength;
            }
        }
        at = (at + 1..name.len()).find(|&at| {
            let (before, here) = (name[at - 1], name[at]);
            is(here, ALNUM) && !is(before, ALNUM) || here.is_ascii_uppercase() && before.is_ascii_lowercase()
        })?;
    }
}

fn strength(name: &[u8]) -> Option<Strength> {
    let mut plain = [0u8; NAME];
    let mut length = 0;
    for &b in name {
        if is(b, ALNUM) {
            *plain.get_mut(length)? = b.to_ascii_lowercase();
            length += 1;
        }
    }
    match &plain[..length] {
        b"password" | b"pgpassword" | b"passwd" | b"pwd" | b"passphrase" | b"apikey" | b"xapikey" | b"apisecret"
        | b"secret" | b"clientsecret" | b"secretkey" | b"accesskey" | b"accesskeyid" | b"secretaccesskey"
        | b"privatekey" | b"accesstoken" | b"authtoken" | b"refreshtoken" | b"idtoken" | b"csrftoken"
        | b"xsrftoken" | b"sessiontoken" | b"xauthtoken" | b"bearertoken" | b"userpassword" | b"newpassword"
        | b"oldpassword" | b"jsessionid" | b"phpsessid" | b"aspsessionid" | b"sessionid" | b"sessid" | b"passcode"
        | b"authkey" => Some(Strength::Always),
        b"token" | b"pass" | b"auth" | b"session" | b"sid" | b"sig" | b"signature" | b"jwt" | b"otp"
        | b"credential" | b"credentials" | b"nonce" => Some(Strength::Assigned),
        // No secrets, but a device's.
        b"deviceid" | b"deviceuuid" | b"uniquedeviceid" | b"udid" | b"openudid" | b"gaid" | b"aaid" | b"adid"
        | b"idfa" | b"idfv" | b"oaid" | b"advertisingid" | b"advertiserid" | b"androidid" | b"vendorid"
        | b"installid" | b"installationid" | b"instanceid" | b"hardwareid" | b"hwid" | b"machineid" | b"visitorid"
        | b"clientid" | b"imei" | b"imsi" | b"meid" | b"iccid" | b"msisdn" | b"serialnumber" | b"serialno"
        | b"fingerprint" => Some(Strength::Assigned),
        b"authorization" | b"proxyauthorization" => Some(Strength::Header),
        b"mac" | b"macaddr" | b"macaddress" | b"hwaddr" | b"hwaddress" | b"lladdr" | b"ether" | b"bssid"
        | b"callingstationid" | b"calledstationid" | b"clientmac" | b"stamac" | b"apmac" | b"chaddr" => {
            Some(Strength::Hardware)
        }
        _ => None,
    }
}

/// How those names end: for each last letter the letters before it, as bits.
const LAST_TWO: [u32; 32] = {
    let pairs: [&[u8; 2]; 28] = [
        b"rd", b"wd", b"id", b"se", b"re", b"ce", b"de", b"ey", b"et", b"wt", b"en", b"on", b"th", b"ss", b"ls", b"al",
        b"ig", b"tp", b"fa", b"fv", b"ei", b"si", b"dn", b"nt", b"no", b"er", b"ac", b"dr",
    ];
    let mut table = [0; 32];
    let mut i = 0;
    while i < pairs.len() {
        table[(pairs[i][1] & 31) as usize] |= 1 << (pairs[i][0] & 31);
        i += 1;
    }
    table
};

/// Whether a name says that a secret is assigned behind it.
pub(super) fn promises(name: &[u8]) -> bool {
    !matches!(words(name, true), None | Some(Strength::Hardware))
}

/// Whether nothing else than a secret is called so.
pub(super) fn is_certain(name: &[u8]) -> bool {
    words(name, true) == Some(Strength::Always)
}

/// What a placeholder of ours holds between its brackets.
pub(super) fn is_word(name: &[u8]) -> bool {
    matches!(name, b"email" | b"token" | b"id" | b"phone" | b"card" | b"iban" | b"user")
}

/// Whether it is a placeholder of ours.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    value.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")).is_some_and(is_word)
}

/// A placeholder or a pseudonym that an earlier run put there.
pub(super) fn is_ours(value: &[u8]) -> bool {
    if let [b'[', name @ ..] = value {
        return name.iter().all(|b| b.is_ascii_lowercase());
    }
    value.starts_with(b"p1.")
        && value.iter().filter(|&&b| b == b'.').count() == 2
        && value
            .iter()
            .rposition(|&b| b == b'.')
            .is_some_and(|dot| super::version::pseudonym(value, dot + 1, value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        (0..text.len())
            .filter_map(|p| at(text.as_bytes(), p))
            .map(|f| std::str::from_utf8(f.span.of(text.as_bytes())).unwrap())
            .collect()
    }

    #[test]
    fn values_of_well_known_names_are_found() {
        for (text, value) in [
            ("password=hunter2&x=1", "hunter2"),
            ("{\"api_key\": \"a b c\"}", "a b c"),
            ("X-API-Key: abc, next", "abc"),
            ("Authorization: Bearer abc.def", "abc.def"),
            ("authorization: Basic dXNlcjpw", "dXNlcjpw"),
            ("token=abc", "abc"),
            (";jsessionid=12AB?x", "12AB?x"),
            ("db_password=hunter2 x", "hunter2"),
            ("userPassword=hunter2 x", "hunter2"),
            ("a_rather_long_application_access_token=abc", "abc"),
            ("?device_id=abc&x=1", "abc"),
            ("app-gaid=abc", "abc"),
            ("user[password]=hunter2 x", "hunter2"),
            ("user[0][password]=hunter2 x", "hunter2"),
            ("password[]=hunter2&x", "hunter2"),
            ("\"user[api_key]\": \"a b\"", "a b"),
            ("mac=001b44113ab7 ok", "001b44113ab7"),
            ("client_mac: 001B44113AB7,", "001B44113AB7"),
            ("\"bssid\":\"001b44113ab7\"", "001b44113ab7"),
        ] {
            assert_eq!(found(text), [value], "{text}");
        }
    }

    #[test]
    fn every_name_is_let_through_to_be_compared() {
        for name in NAMES_OF_TESTS.split(' ') {
            assert_eq!(found(&format!("{name}=x1")), ["x1"], "{name}");
        }
    }

    const NAMES_OF_TESTS: &str = "password passwd pwd passphrase apikey x-api-key api_secret secret client_secret secret_key \
        access_key access_key_id private_key access_token auth_token refresh_token id_token csrf_token session_token \
        jsessionid PHPSESSID sessionid sessid passcode auth_key token pass auth session sid sig signature jwt otp \
        credential credentials nonce authorization deviceid udid gaid aaid adid idfa idfv oaid advertising_id android_id \
        vendorId installId installation-id hwid machine_id visitor_id client_id imei imsi meid iccid msisdn serialNumber \
        serial_no fingerprint device_uuid";

    #[test]
    fn prose_and_placeholders_are_left() {
        for text in [
            "invalid token: expected }",
            "password=",
            "password=[token]",
            "Authorization: Bearer [token]",
            "key=page",
            "session: opened",
            "token=p1.20261121.9f86d081884c7d65",
            "password=***",
            "PWD=/srv/app",
            "compass=north",
            "authorization: denied by policy",
            "authorization: required",
            "authorization: failed for the request",
            "smtp_auth=yes",
            "device id: unknown",
            "mac: os",
            "mac=001b44113ab7cd",
            "hmac=sha256",
            "a[b]=c",
            "[]=x",
            "x[page]=2",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
