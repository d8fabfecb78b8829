//! Thousands of changes to the built-in policies: none that shows more goes without a warning.
//!
//! What shows more is judged here by sets of facts, not by the comparison that `check` uses.

use sladd::{
    detect::Kinds,
    policy::{Coarsen, Code, Finding, Network, OnMalformed, Policy, Port, Treatment, names},
    record::Kind,
    retention::{Keep, Life},
};
use std::collections::BTreeSet;

#[test]
fn no_change_for_the_worse_goes_without_a_warning() {
    let mut dice = Dice(0x5eed_0f33);
    let (mut valid, mut weaker) = (0, 0);
    for _ in 0..2_500 {
        let base = *dice.of(&["hosting", "strict", "minimal"]);
        let text = mutation(base, &mut dice);
        let (policy, findings) = Policy::parse(&text, "mutated.toml");
        let Some(policy) = policy else { continue };
        valid += 1;
        let shown = shown_beyond(&policy, &Policy::builtin(base).unwrap());
        weaker += usize::from(!shown.is_empty());
        for (code, what) in shown {
            let warned = findings.iter().any(|finding| finding.code == code);
            assert!(warned, "{code} is missing for {what}: {findings:?}\n{text}");
        }
        assert!(!findings.iter().any(Finding::is_error));
    }
    assert!(valid >= 500, "only {valid} were valid");
    assert!(weaker >= 200, "only {weaker} were weaker");
    assert!(valid - weaker >= 100, "only {} were not", valid - weaker);
}

#[test]
fn what_only_hides_more_is_not_warned_of() {
    for (base, lines) in [
        ("hosting", r#""client.address" = { treatment = "truncate", v4 = 16, v6 = 32 }"#),
        ("hosting", r#""client.address" = { treatment = "scrub" }"#),
        ("hosting", r#""user.name" = { treatment = "drop" }"#),
        ("hosting", r#""timestamp" = { treatment = "coarsen", to = "minute" }"#),
        ("hosting", r#""user_agent.original" = { treatment = "family", version = false }"#),
        ("hosting", r#""session.id" = { treatment = "pseudonym", digits = 8 }"#),
        ("strict", r#""timestamp" = { treatment = "coarsen", to = "day" }"#),
        ("minimal", r#""message" = { treatment = "scrub" }"#),
        ("minimal", r#""user.name" = { treatment = "pseudonym" }"#),
        ("minimal", r#""*" = { treatment = "drop" }"#),
    ] {
        let text = format!("base = \"{base}\"\nname = \"x\"\nversion = 1\n[fields]\n{lines}\n");
        let (_, findings) = Policy::parse(&text, "x.toml");
        assert!(findings.iter().all(|finding| finding.code == Code::RestScrubbed), "{lines}: {findings:?}");
    }
}

/// A policy that changes one to four things of its base.
fn mutation(base: &str, dice: &mut Dice) -> String {
    let mut text = format!("base = \"{base}\"\nname = \"mutated\"\nversion = 1\n");
    if dice.one_in(4) {
        text += &format!("[source]\nmalformed = \"{}\"\n", dice.of(&["scrub", "drop"]));
        if dice.one_in(2) {
            text += &format!("format = \"{}\"\n", dice.of(&["text", "auto", "json"]));
        }
    }
    if dice.one_in(5) {
        let network = dice.of(&["192.0.2.0/24", "2001:db8::/32", "10.1.2.3"]);
        text += &format!("[exempt]\nnetworks = [\"{network}\"]\nreason = \"x\"\n");
    }
    if dice.one_in(4) {
        let (epoch, keep) =
            (dice.of(&["1 hour", "1 day", "1 week", "1 year"]), dice.of(&["3 days", "30 days", "1 month"]));
        text += &format!("[keys]\nepoch = \"{epoch}\"\nkeep = \"{keep}\"\n");
    }
    if dice.one_in(4) {
        let class = dice.of(&["security_log", "login_history", "other"]);
        let keep = dice.of(&["1 day", "180 days", "6 months", "184 days", "7 months", "2 years"]);
        text += &format!(
            "[[retention]]\nclass = \"{class}\"\nkeep = \"{keep}\"\npurpose = \"security\"\nbasis = \"contract\"\n"
        );
    }
    text += "[fields]\n";
    let names: Vec<&str> = names::all().map(|(name, _)| name).chain(["*", "http.request.header.*", "http.*"]).collect();
    let mut used = BTreeSet::new();
    for _ in 0..1 + dice.roll(3) {
        let name = *dice.of(&names);
        if !used.insert(name) {
            continue;
        }
        let kind = names::canonical(name).map_or(Kind::Text, |(_, kind)| kind);
        text += &format!("\"{name}\" = {{ {} }}\n", treatment(kind, dice));
    }
    text
}

/// Mostly one that fits the kind.
fn treatment(kind: Kind, dice: &mut Dice) -> String {
    let v4 = *dice.of(&[0, 8, 16, 23, 24, 25, 31, 32]);
    let v6 = *dice.of(&[0, 32, 47, 48, 49, 64, 128]);
    let port = *dice.of(&["drop", "keep"]);
    let digits = *dice.of(&[4, 8, 15, 16, 17, 32]);
    let names = *dice.of(&["[]", "[\"id\"]", "[\"page\"]", "[\"id\", \"uid\"]"]);
    let keep = format!("treatment = \"keep\"{}", dice.of(&[", reason = \"x\"", ""]));
    let network = format!("v4 = {v4}, v6 = {v6}, port = \"{port}\"");
    let scrub = match dice.roll(4) {
        0 => "treatment = \"scrub\"".to_owned(),
        1 => format!("treatment = \"scrub\", {network}, reason = \"x\""),
        2 => "treatment = \"scrub\", kinds = [\"ip\", \"email\"]".to_owned(),
        _ => format!("treatment = \"scrub\", kinds = [\"email\"], {network}, reason = \"x\""),
    };
    let own = match kind {
        Kind::Address => format!("treatment = \"truncate\", {network}, reason = \"x\""),
        Kind::Agent => format!("treatment = \"family\", version = {}", dice.of(&["true", "false"])),
        Kind::Cookie => format!("treatment = \"cookie\", keep = {names}, digits = {digits}"),
        Kind::Query => format!("treatment = \"query\", pseudonym = {names}, digits = {digits}"),
        Kind::Instant => format!("treatment = \"coarsen\", to = \"{}\"", dice.of(&["minute", "hour", "day"])),
        Kind::Number => format!("treatment = \"coarsen\", step = {}", dice.of(&[2, 10, 15])),
        Kind::Language => "treatment = \"language\"".to_owned(),
        Kind::Path => "treatment = \"path\"".to_owned(),
        Kind::Referer => "treatment = \"origin\"".to_owned(),
        Kind::Host | Kind::Identifier | Kind::User => format!("treatment = \"pseudonym\", digits = {digits}"),
        Kind::Method | Kind::Protocol | Kind::Secret | Kind::Status | Kind::Text | Kind::Word => scrub.clone(),
    };
    match dice.roll(7) {
        0 => keep,
        1 => scrub,
        2 => format!("treatment = \"pseudonym\", digits = {digits}"),
        3 => "treatment = \"drop\"".to_owned(),
        4 => "treatment = \"path\"".to_owned(),
        _ => own,
    }
}

/// What the policy shows that its base does not, and the warning that says so.
fn shown_beyond(policy: &Policy, base: &Policy) -> Vec<(Code, String)> {
    let mut shown = Vec::new();
    let mut fields: BTreeSet<String> = names::all().map(|(name, _)| name.to_owned()).collect();
    fields.extend(["http.request.header.x-other".to_owned(), "nobody.named.it".to_owned()]);
    for field in fields {
        let kind = names::canonical(&field).map_or(Kind::Text, |(_, kind)| kind);
        let (now, was) = (policy.treatment(&field), base.treatment(&field));
        if now == was {
            continue;
        }
        let (now, was) = (facts(now, kind), facts(was, kind));
        if let Some(fact) = now.difference(&was).next() {
            shown.push((Code::FieldWeaker, format!("{field}: {fact}")));
        }
    }
    if !policy.exempt.is_empty() {
        shown.push((Code::ExemptWeaker, "exempt".to_owned()));
    }
    let longest = |keep: Keep| keep.months * 31 + keep.days;
    // All classes of the built-ins live for 6 months, 181 days or more.
    let longer = |class: &sladd::policy::Class| match class.keep {
        Life::Span(Keep { months, days }) => months > 6 || (months == 0 && days > 181),
        Life::FiscalYear(_) | Life::Relationship(_) | Life::UntilReleased | Life::NoLimit => true,
    };
    if policy.classes.iter().any(longer) {
        shown.push((Code::KeptLonger, "retention".to_owned()));
    }
    if policy.keys.epoch as u8 > base.keys.epoch as u8 || longest(policy.keys.keep) > longest(base.keys.keep) {
        shown.push((Code::LinkableLonger, "keys".to_owned()));
    }
    let text = |policy: &Policy| policy.source.formats.iter().any(|format| &**format == "text");
    let scrubs = |policy: &Policy| policy.source.malformed == OnMalformed::Scrub;
    if (text(policy) && !text(base)) || (scrubs(policy) && !scrubs(base)) {
        shown.push((Code::MalformedWeaker, "malformed".to_owned()));
    }
    shown
}

/// Everything that could be learnt of a value from what a treatment leaves of it.
fn facts(treatment: &Treatment, kind: Kind) -> BTreeSet<String> {
    let everything = || -> BTreeSet<String> {
        let mut facts = network(&Network { v4: 32, v6: 128, port: Port::Keep });
        facts.extend((1..=32).map(|digit| format!("equal {digit}")));
        facts.extend(Kinds::NAMES.iter().map(|(name, _)| format!("kind {name}")));
        for name in ["id", "uid", "page"] {
            facts.extend([format!("parameter {name}"), format!("same {name}")]);
        }
        facts.extend((1..=32).map(|digit| format!("same {digit}")));
        facts.extend((0..=2).map(|unit| format!("time {unit}")));
        facts.extend((0..60).map(|number| format!("number {number}")));
        facts.extend(["names", "words", "family", "version", "language", "origin", "rest"].map(str::to_owned));
        facts
    };
    let few = |facts: &[&str]| -> BTreeSet<String> { facts.iter().map(|fact| (*fact).to_owned()).collect() };
    match treatment {
        Treatment::Keep { .. } | Treatment::Reversible { .. } => everything(),
        Treatment::Drop => BTreeSet::new(),
        Treatment::Truncate(cut) => network(cut),
        // A network of the usual size tells the country.
        Treatment::Country { .. } => few(&["country"]),
        Treatment::Scrub { kinds, network: cut } if kind == Kind::Address && kinds.has(Kinds::IP) => network(cut),
        Treatment::Scrub { kinds, network: cut } => {
            let mut facts = everything();
            for (name, found) in Kinds::NAMES {
                if kinds.has(found) {
                    facts.remove(&format!("kind {name}"));
                }
            }
            if kinds.has(Kinds::IP) {
                facts.retain(|fact| !fact.starts_with("bit") && fact != "port");
                facts.extend(network(cut));
            }
            facts
        }
        Treatment::Pseudonym { digits, .. } => {
            let mut facts: BTreeSet<String> = (1..=*digits).map(|digit| format!("equal {digit}")).collect();
            if kind == Kind::Address {
                // A pseudonym tells one visitor from another, which is taken to be more than the usual prefix tells.
                facts.extend(network(&Network { v4: 24, v6: 48, port: Port::Drop }));
            }
            facts
        }
        Treatment::Coarsen(Coarsen::Step(step)) => {
            (0..60).filter(|number| number % step == 0).map(|number| format!("number {number}")).collect()
        }
        Treatment::Coarsen(Coarsen::Minute) => few(&["time 0", "time 1", "time 2"]),
        Treatment::Coarsen(Coarsen::Hour) => few(&["time 1", "time 2"]),
        Treatment::Coarsen(Coarsen::Day) => few(&["time 2"]),
        Treatment::Family { version } => few(if *version { &["family", "version"] } else { &["family"] }),
        Treatment::Language => few(&["language"]),
        Treatment::Origin => few(&["origin"]),
        Treatment::Path => few(&["words"]),
        Treatment::Query { keep, pseudonym, digits } | Treatment::Cookie { keep, pseudonym, digits } => {
            let mut facts = few(&["names"]);
            for name in keep {
                facts.extend([format!("parameter {name}"), format!("same {name}")]);
            }
            facts.extend(pseudonym.iter().map(|name| format!("same {name}")));
            if kind == Kind::Query || !pseudonym.is_empty() {
                facts.extend((1..=*digits).map(|digit| format!("same {digit}")));
            }
            facts
        }
    }
}

fn network(network: &Network) -> BTreeSet<String> {
    let mut facts: BTreeSet<String> = (1..=network.v4).map(|bit| format!("bit {bit} of IPv4")).collect();
    facts.extend((1..=network.v6).map(|bit| format!("bit {bit} of IPv6")));
    if network.port == Port::Keep {
        facts.insert("port".to_owned());
    }
    facts
}

/// Throws the same numbers every time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.roll(things.len())]
    }
}
