//! Claims: every sample says what is so today, and each claim stands on the settings that it is said to stand on.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "cli")]

mod common;

use sladd::policy::{Claims, Code, Colour, Policy, Verdict, claim_words, draw, judge};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Output},
};

const SAMPLES: [&str; 5] = ["g", "n", "p", "s", "w"];

/// The statements that software can make true, by the sample that speaks of them.
const STATEMENTS: [(&str, &str); 5] = [
    (
        "g",
        "G1 G4 G5 G6 G7 G8 G9 G10 G11 G12 G13 G14 G15 G16 G17 G18 G19 G20 G21 G22 G26 G27 G28 G30 G31 G32 G33 G34 G35 G37 \
         G38 G39 G40 G42 G44 G46",
    ),
    (
        "n",
        "N3 N4 N5 N6 N7 N8 N9 N10 N11 N12 N13 N14 N15 N16 N17 N18 N19 N20 N23 N24 N25 N26 N28 N29 N30 N31 N32 N33 N34 N36 \
         N37 N38 N39",
    ),
    ("p", "P2 P3 P4 P6 P7 P8 P9 P10 P12 P15 P16 P17 P18 P21 P22 P23 P24 P26 P27 P28 P29 P31 P32 P33 P37 P38"),
    (
        "s",
        "S1 S2 S3 S6 S7 S8 S9 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S23 S24 S25 S26 S27 S29 S30 S31 S32 S33 S34 S35 \
         S37 S39",
    ),
    ("w", "W1 W3 W5 W7 W8 W9 W10 W11 W12 W13 W14 W15 W16 W17 W18 W19 W20"),
];

/// What stands on no setting that there is: nothing that a policy says can change the answer.
const FIXED: [&str; 5] = ["held_on_order", "no_unkeyed_hash", "output_scanned", "region", "versions_never_lengthen"];

type Answers = BTreeMap<String, &'static str>;

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn sample(name: &str, file: &str) -> String {
    read(&format!("samples/policies/statements/{name}/{file}.toml"))
}

fn claims(text: &str) -> Claims {
    let (claims, findings) = Claims::parse(text, "claims.toml");
    claims.unwrap_or_else(|| panic!("{}", draw(text, &findings, Colour::Never)))
}

fn policy(text: &str) -> Policy {
    let (policy, findings) = Policy::parse(text, "policy.toml");
    policy.unwrap_or_else(|| panic!("{}", draw(text, &findings, Colour::Never)))
}

fn answers(policy_text: &str, claims: &Claims) -> Answers {
    let policy = policy(policy_text);
    claims.claims.iter().map(|claim| (claim.id.to_string(), judge(&policy, claim).verdict.as_str())).collect()
}

#[test]
fn each_sample_answers_what_is_so_today() {
    let expected: toml::Table = include_str!("attest/answers.toml").parse().unwrap();
    for name in SAMPLES {
        let claims = claims(&sample(name, "claims"));
        let answers = answers(&sample(name, "policy"), &claims);
        let said: BTreeMap<String, &str> =
            expected[name].as_table().unwrap().iter().map(|(id, word)| (id.clone(), word.as_str().unwrap())).collect();
        assert_eq!(answers, said, "{name}");
    }
}

#[test]
fn each_statement_is_claimed_or_said_to_be_open_and_never_both() {
    let mut count = 0;
    for (name, statements) in STATEMENTS {
        let claims = claims(&sample(name, "claims"));
        let claimed: BTreeSet<&str> =
            claims.claims.iter().flat_map(|claim| &claim.covers).map(|label| &**label).collect();
        let open: Vec<&str> = claims.open.iter().flat_map(|open| &open.covers).map(|label| &**label).collect();
        let all: BTreeSet<&str> = claimed.iter().chain(&open).copied().collect();
        assert_eq!(all, statements.split_whitespace().collect(), "{name}");
        assert!(open.iter().all(|label| !claimed.contains(label)), "{name}");
        count += all.len();
    }
    assert_eq!(count, 144);
}

#[test]
fn every_word_of_the_vocabulary_is_used_by_a_sample_and_named_in_the_readme() {
    let readme = read("README.md");
    let used: BTreeSet<&str> = SAMPLES
        .iter()
        .flat_map(|name| claims(&sample(name, "claims")).claims)
        .map(|claim| claim.stated.word())
        .collect();
    for word in claim_words() {
        assert!(used.contains(word), "no sample claims {word}");
        assert!(readme.contains(&format!("`{word}`")), "the README does not name {word}");
    }
    assert_eq!(used.len(), claim_words().count());
}

struct Weakened {
    sample: String,
    policy: String,
    replace: String,
    changes: Answers,
}

/// Each case changes one setting of a sample's policy.
fn weakened() -> Vec<Weakened> {
    let file: toml::Table = include_str!("attest/weakened.toml").parse().unwrap();
    let word = |word: &str| *["TRUE", "FALSE", "NOT ENFORCED"].iter().find(|known| **known == word).unwrap();
    let case = |case: &toml::Value| {
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        let (name, replace) = (text("sample"), text("replace"));
        let policy = sample(&name, "policy");
        assert_eq!(policy.matches(&replace).count(), 1, "{name}: `{replace}` should stand there once");
        let changes = case["changes"].as_table().unwrap();
        let changes = changes.iter().map(|(id, now)| (id.clone(), word(now.as_str().unwrap()))).collect();
        Weakened { policy: policy.replacen(&replace, &text("with"), 1), sample: name, replace, changes }
    };
    file["case"].as_array().unwrap().iter().map(case).collect()
}

#[test]
fn one_setting_changed_changes_exactly_the_claims_that_stand_on_it() {
    let mut failed = Vec::new();
    for case in weakened() {
        let claims = claims(&sample(&case.sample, "claims"));
        let before = answers(&sample(&case.sample, "policy"), &claims);
        let after = answers(&case.policy, &claims);
        let changed: Answers = after.into_iter().filter(|(id, now)| before[id] != *now).collect();
        if changed != case.changes {
            failed.push(format!("{}: {}\n  {changed:?}\n  not {:?}", case.sample, case.replace, case.changes));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_claim_that_stands_on_a_setting_is_changed_by_one() {
    let mut changed: BTreeSet<(String, String)> = BTreeSet::new();
    for case in weakened() {
        changed.extend(case.changes.into_keys().map(|id| (case.sample.clone(), id)));
    }
    let mut missing = Vec::new();
    for name in SAMPLES {
        for claim in claims(&sample(name, "claims")).claims {
            let fixed = FIXED.contains(&claim.stated.word());
            let is_changed = changed.contains(&(name.to_owned(), claim.id.to_string()));
            if fixed == is_changed {
                missing.push(format!("{name}: {} ({})", claim.id, claim.stated.word()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn what_is_not_built_is_true_under_no_policy() {
    let claims: Vec<_> = SAMPLES.iter().flat_map(|name| claims(&sample(name, "claims")).claims).collect();
    let mut policies: Vec<Policy> = ["hosting", "strict", "minimal"].map(|name| Policy::builtin(name).unwrap()).into();
    policies.extend(SAMPLES.map(|name| policy(&sample(name, "policy"))));
    policies.extend(weakened().iter().map(|case| policy(&case.policy)));
    let mut asked = 0;
    for claim in claims {
        let word = claim.stated.word();
        let waits = FIXED.contains(&word) && word != "no_unkeyed_hash";
        if waits || ["deleted_after", "deleted_after_relationship", "key_destroyed_after"].contains(&word) {
            for policy in &policies {
                let answer = judge(policy, &claim);
                assert_ne!(answer.verdict, Verdict::True, "{word}");
                assert!(!answer.reason.is_empty() && !answer.reason.ends_with('.'), "{}", answer.reason);
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "{asked}");
}

const HEAD: &str = "[[claim]]\nid = \"a\"\nsentence = \"A sentence.\"\n";

/// The answer to one claim under `hosting` with these lines.
fn asked(lines: &str, claim: &str) -> (Verdict, String) {
    let base = "base = \"hosting\"\nname = \"x\"\nversion = 1\n";
    let answer = judge(&policy(&format!("{base}{lines}")), &claims(&format!("{HEAD}{claim}\n")).claims[0]);
    (answer.verdict, answer.reason)
}

#[test]
fn each_answer_gives_what_it_stands_on() {
    use Verdict::{False, NotEnforced, True};
    let drop = "[source]\nmalformed = \"drop\"\n";
    let cut = "claim = \"address_at_most\"\nv4 = 24\nv6 = 48";
    let exempt = "[exempt]\nnetworks = [\"192.0.2.0/24\"]\nreason = \"x\"\n";
    let key = "claim = \"key_destroyed_after\"\nat_most = \"30 days\"";
    let sidecar = "[state]\ndirectory = \"/var/lib/sladd/state\"\n[[input]]\nfollow = [\"/var/log/a.log\"]\n";
    let apart = "claim = \"not_linkable_across\"\nperiod = \"1 day\"";
    let output = |line: &str| format!("{sidecar}[[output]]\n{line}\n");
    let query = "claim = \"field_never_stored\"\nfields = [\"$args\"]";
    for (lines, claim, verdict, says) in [
        ("", cut, True, "no field and no text shows more of an address than /24 /48"),
        (exempt, cut, False, "addresses of 192.0.2.0/24 are exempt"),
        (exempt, &format!("{cut}\nexcept = [\"192.0.0.0/16\"]"), True, "no field"),
        (exempt, &format!("{cut}\nexcept = [\"192.0.2.0/25\"]"), False, "are exempt"),
        ("[fields]\n\"$remote_addr\" = { treatment = \"pseudonym\" }\n", cut, False, "pseudonym of its own"),
        ("[fields]\n\"x-real-ip\" = { treatment = \"keep\", reason = \"x\" }\n", cut, False, "leaves whole"),
        ("[fields]\n\"nginx.own\" = { treatment = \"scrub\", kinds = [\"email\"] }\n", cut, False, "nginx.own"),
        ("[fields]\n\"apache.*\" = { treatment = \"scrub\", kinds = [\"email\"] }\n", cut, False, "apache.*"),
        (
            "[fields]\n\"$remote_addr\" = { treatment = \"truncate\", v4 = 24, v6 = 48, port = \"keep\" }\n",
            cut,
            False,
            "with port",
        ),
        ("", query, False, "no field is told from another"),
        (drop, query, False, "url.query: query"),
        (
            &format!("{drop}[fields]\n\"$args\" = {{ treatment = \"drop\" }}\n"),
            query,
            False,
            "may stand in http.request.line",
        ),
        (
            &format!(
                "{drop}[fields]\n\"$args\" = {{ treatment = \"drop\" }}\n\"$request\" = {{ treatment = \"drop\" }}\n\
                 \"$request_uri\" = {{ treatment = \"drop\" }}\n"
            ),
            query,
            True,
            "url.query: dropped",
        ),
        ("[source]\nformat = \"text\"\nmalformed = \"drop\"\n", query, False, "no field is told from another"),
        ("", key, NotEnforced, "what runs then destroys it"),
        ("[keys]\nkeep = \"31 days\"\n", key, False, "31 days"),
        (drop, apart, True, "pseudonyms change each day"),
        ("", apart, False, "no field is told from another"),
        (&format!("{drop}{exempt}"), apart, False, "exempt"),
        (&output("stdout = true"), "claim = \"no_third_parties\"", True, "standard output"),
        (&output("forward = \"tcp:127.0.0.1:24224\""), "claim = \"no_third_parties\"", NotEnforced, "may pass it on"),
        (&output("syslog = \"unix-datagram:/dev/log\""), "claim = \"no_third_parties\"", NotEnforced, "/dev/log"),
        (&output("forward = \"tcp:127.0.0.1:24224\""), "claim = \"encrypted_in_transit\"", True, "TLS"),
        (
            &output("http = \"https://[2001:db8::7]:3100/a\"\nshape = \"ndjson\""),
            "claim = \"recipients_only\"\nrecipients = [\"2001:db8::7\"]",
            True,
            "no output goes to anybody else",
        ),
        (
            &output("http = \"https://logs.example.net:3100/a\"\nshape = \"ndjson\""),
            "claim = \"recipients_only\"\nrecipients = [\"example.net\"]",
            False,
            "https://logs.example.net:3100/a is not among them",
        ),
        (
            &output("syslog = \"unix-datagram:/dev/log\""),
            "claim = \"recipients_only\"\nrecipients = [\"/dev/log\"]",
            True,
            "no output",
        ),
        (
            &output("syslog = \"unix-datagram:/dev/log\""),
            "claim = \"recipient_fields\"\nfields = [\"url.path\"]",
            False,
            "gets every field",
        ),
        (&output("stdout = true"), "claim = \"not_readable_by_others\"", NotEnforced, "standard output"),
        ("", "claim = \"not_readable_by_others\"", NotEnforced, "no [[output]]"),
        ("", "claim = \"deleted_after\"\nclass = \"none\"\nat_most = \"1 day\"", False, "no class none"),
        ("", "claim = \"deleted_after\"\nat_most = \"6 months\"", NotEnforced, "only a store deletes"),
        ("", "claim = \"deleted_after\"\nat_most = \"5 months\"", False, "kept for 6 months, not for 5 months"),
        ("", "claim = \"unparsed_never_stored_raw\"", True, "every detector"),
    ] {
        let (answer, reason) = asked(lines, claim);
        assert!(answer == verdict && reason.contains(says), "{lines}{claim}\n{answer:?}: {reason}");
    }
}

#[test]
fn every_fault_of_a_claims_file_is_found_under_its_line() {
    for (text, code, says, at) in [
        ("", Code::MissingKey, "at least one [[claim]]", ""),
        ("[[claim]\n", Code::Syntax, "not TOML", ""),
        ("claim = 7\n", Code::WrongType, "should be tables", "7"),
        ("claim = [7]\n", Code::WrongType, "should be tables", "7"),
        ("[[claims]]\n", Code::UnknownKey, "unknown key `claims`", "claims"),
        ("HEADclaim = \"tagget\"\n", Code::BadValue, "nothing can be claimed by `tagget`", "\"tagget\""),
        ("HEAD", Code::MissingKey, "needs `claim`", ""),
        ("[[claim]]\nsentence = \"x\"\nclaim = \"tagged\"\n", Code::MissingKey, "needs `id`", ""),
        ("[[claim]]\nid = \"x\"\nclaim = \"tagged\"\n", Code::MissingKey, "needs `sentence`", ""),
        (
            "[[claim]]\nid = \"a b\"\nsentence = \"x\"\nclaim = \"tagged\"\n",
            Code::BadValue,
            "cannot be an id",
            "\"a b\"",
        ),
        ("[[claim]]\nid = \"a\"\nsentence = \" \"\nclaim = \"tagged\"\n", Code::BadValue, "one line of text", "\" \""),
        ("HEADclaim = \"tagged\"\nHEADclaim = \"tagged\"\n", Code::BadValue, "the id `a` stands above", "\"a\""),
        ("HEADclaim = \"tagged\"\nclass = \"x\"\n", Code::UnknownKey, "in the claim `tagged`", "class"),
        ("HEADclaim = \"address_at_most\"\nv4 = 24\n", Code::HalfNetwork, "needs `v4` and `v6`", ""),
        ("HEADclaim = \"address_at_most\"\nv4 = 33\nv6 = 48\n", Code::PrefixRange, "between 0 and 32", "33"),
        (
            "HEADclaim = \"address_at_most\"\nv4 = 24\nv6 = 48\nexcept = [\"here\"]\n",
            Code::BadNetwork,
            "not a network",
            "\"here\"",
        ),
        ("HEADclaim = \"basis_of\"\nbasis = [\"assent\"]\n", Code::UnknownBasis, "not a word of `basis`", "\"assent\""),
        ("HEADclaim = \"basis_of\"\n", Code::MissingKey, "needs `basis`", ""),
        ("HEADclaim = \"basis_of\"\nbasis = []\n", Code::BadValue, "names nothing", "[]"),
        ("HEADclaim = \"purposes_only\"\npurposes = [\"ads\"]\n", Code::UnknownPurpose, "not a word of", "\"ads\""),
        ("HEADclaim = \"deleted_after\"\nat_most = \"soon\"\n", Code::BadDuration, "not a duration", "\"soon\""),
        ("HEADclaim = \"deleted_after\"\n", Code::MissingKey, "needs `at_most`", ""),
        (
            "HEADclaim = \"deleted_after\"\nclass = \"A\"\nat_most = \"1 day\"\n",
            Code::BadValue,
            "cannot be a class's name",
            "\"A\"",
        ),
        ("HEADclaim = \"not_linkable_across\"\nperiod = \"2 days\"\n", Code::BadDuration, "period", "\"2 days\""),
        ("HEADclaim = \"field_never_stored\"\nfields = [\"colour\"]\n", Code::UnknownField, "no field", "\"colour\""),
        (
            "HEADclaim = \"field_at_most\"\nfields = [\"url.path\"]\nat_most = { treatment = \"shred\" }\n",
            Code::UnknownTreatment,
            "shred",
            "\"shred\"",
        ),
        (
            "HEADclaim = \"field_at_most\"\nfields = [\"url.path\"]\nat_most = { treatment = \"language\" }\n",
            Code::Misfit,
            "does not fit",
            "{ treatment = \"language\" }",
        ),
        ("HEADclaim = \"free_text_scrubbed\"\nkinds = [\"mood\"]\n", Code::UnknownKind, "no kind", "\"mood\""),
        ("HEADclaim = \"role\"\nrole = \"judge\"\n", Code::BadValue, "no role", "\"judge\""),
        ("HEADclaim = \"region\"\n", Code::MissingKey, "needs `regions`", ""),
        ("HEADclaim = \"tagged\"\n[[open]]\ncovers = [\"b\"]\n", Code::MissingKey, "needs `why`", ""),
        ("HEADclaim = \"tagged\"\n[[open]]\ncovers = []\nwhy = \"x\"\n", Code::BadValue, "names nothing", "[]"),
    ] {
        let text = text.replace("HEAD", HEAD);
        let (claims, findings) = Claims::parse(&text, "claims.toml");
        assert!(claims.is_none(), "{text}");
        let found = &findings[0];
        assert!(found.code == code && found.message.contains(says), "{text}\n{findings:?}");
        assert!(findings.iter().all(|finding| finding.is_error() && !finding.message.ends_with('.')), "{findings:?}");
        if !at.is_empty() {
            assert_eq!(&text[found.span.clone()], at, "{text}");
        }
        let drawn = draw(&text, &findings, Colour::Never);
        assert!(drawn.contains(code.as_str()) && drawn.contains("claims.toml:"), "{drawn}");
    }
}

#[test]
fn the_claim_of_the_readme_is_valid() {
    let readme = read("README.md");
    let mut blocks = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let block = blocks.find(|block| block.contains("[[claim]]")).unwrap();
    assert_eq!(claims(block).claims[0].stated.word(), "deleted_after");
}

#[test]
fn what_is_judged_true_is_so_of_what_comes_out() {
    let claims = claims(&format!(
        "{}claim = \"address_at_most\"\nv4 = 24\nv6 = 48\n{}claim = \"free_text_scrubbed\"\nkinds = [\"email\"]\n{}",
        HEAD,
        HEAD.replace("\"a\"", "\"b\""),
        format_args!("{}claim = \"identifier_pseudonymised\"\n", HEAD.replace("\"a\"", "\"c\"")),
    ));
    let mut logs = String::new();
    for entry in std::fs::read_dir(format!("{}/samples/logs", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        logs += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    // Nobody knows what these are lines of.
    logs += "?? from 203.0.113.77 [2001:db8:1:2:3:4:5:6]: kari@example.org was here\n";
    let hosts = regex::Regex::new(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.[1-9]").unwrap();
    let mail = regex::Regex::new(r"kari@example\.org").unwrap();
    assert!(hosts.is_match(&logs) && mail.is_match(&logs) && logs.contains(" kari ["));
    let (mut held, mut asked) = ([0; 3], 0);
    let mut texts: Vec<String> = weakened().into_iter().map(|case| case.policy).collect();
    texts.extend(["hosting", "strict", "minimal"].map(|name| sladd::policy::show(name).unwrap()));
    for text in texts {
        let policy = policy(&text);
        let (out, _) = common::minimised(&policy, logs.as_bytes());
        let out = String::from_utf8_lossy(&out);
        asked += 1;
        let is_true = |at: usize| judge(&policy, &claims.claims[at]).verdict == Verdict::True;
        if is_true(0) {
            held[0] += 1;
            let left = hosts.find(&out).map(|hit| &out[hit.range().start.saturating_sub(80)..hit.range().end]);
            assert_eq!(left, None, "{text}");
        }
        if is_true(1) {
            held[1] += 1;
            assert!(!mail.is_match(&out), "{text}");
        }
        if is_true(2) {
            held[2] += 1;
            // The users of the samples' access logs.
            assert!(!out.contains(" kari [") && !out.contains("\"user.name\":\"kari\""), "{text}");
        }
    }
    assert!(held.iter().all(|held| (10..asked).contains(held)), "{held:?} of {asked}");
}

#[test]
fn a_claims_file_that_is_none_never_panics() {
    let text = sample("s", "claims");
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)).step_by(41) {
        for byte in ["", "\"", "[", "\n", "=", "\u{0}", "é"] {
            let changed = format!("{}{byte}{}", &text[..at], &text[at..]);
            let (_, findings) = Claims::parse(&changed, "changed.toml");
            draw(&changed, &findings, Colour::Always);
        }
        Claims::parse(&text[..at], "cut.toml");
    }
}

fn attest(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
    command.arg("attest").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

#[test]
fn the_command_ends_with_one_unless_all_is_true() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let held = file("held.toml", &format!("{HEAD}claim = \"tagged\"\n"));
    let not = file("not.toml", &format!("{HEAD}claim = \"address_at_most\"\nv4 = 16\nv6 = 32\n"));
    let nobody =
        file("nobody.toml", &format!("{HEAD}claim = \"tenants_apart\"\n[[open]]\ncovers = [\"b\"]\nwhy = \"x\"\n"));
    let faulty = file("faulty.toml", &format!("{HEAD}claim = \"tagget\"\n"));
    for (claims, policy, code, says) in [
        (&held, "hosting", 0, "TRUE          a: A sentence.\n              each record says"),
        (&held, "hosting", 0, "hosting/1: 1 true, 0 false, 0 not enforced\n"),
        (
            &not,
            "hosting",
            1,
            "FALSE         a: A sentence.\n              client.address (truncate /24 /48): addresses leave",
        ),
        (&not, "strict", 0, "1 true"),
        (&nobody, "strict", 1, "NOT ENFORCED  a: A sentence.\n"),
        (&nobody, "strict", 1, "open          b: x\nstrict/1: 0 true, 0 false, 1 not enforced, 1 open\n"),
    ] {
        let out = attest(&["--claims", claims, "--policy", policy]);
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.code() == Some(code) && text.contains(says), "{claims} {policy}: {text}");
    }
    let out = attest(&["--claims", &faulty, "--policy", "hosting"]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), &out.stdout[..]), (Some(78), &b""[..]));
    assert!(said.contains("claim = \"tagget\"") && said.contains("did you mean `tagged`?"), "{said}");
    let missing = directory.path().join("none.toml").to_str().unwrap().to_owned();
    let out = attest(&["--claims", &missing, "--policy", "hosting"]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.code() == Some(66) && said.contains("cannot read claims"), "{said}");
    assert_eq!(attest(&["--claims", &held, "--policy", "lax"]).status.code(), Some(78));
    assert_eq!(attest(&["--claims", &held]).status.code(), Some(2));
}

#[test]
fn the_object_holds_each_claim_with_its_answer() {
    let at = "samples/policies/statements/w";
    let (claims, policy) = (format!("{at}/claims.toml"), format!("{at}/policy.toml"));
    let out = attest(&["--claims", &claims, "--policy", &policy, "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let object: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(object["policy"], "statements-w/1");
    let rows = object["claims"].as_array().unwrap();
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    assert_eq!((&row("nobody")["answer"], &row("nobody")["covers"][0]), (&"false".into(), &"W19".into()));
    assert_eq!(
        (&row("six-months")["answer"], &row("six-months")["claim"]),
        (&"not_enforced".into(), &"deleted_after".into())
    );
    assert_eq!(row("provider")["answer"], "true");
    assert_eq!(object["open"].as_array().unwrap().len(), 3);
}
