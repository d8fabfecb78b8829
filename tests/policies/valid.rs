//! What valid policies come to.

use sladd::{
    detect::Kinds,
    epoch::Period,
    policy::{Coarsen, Layout, Network, OnMalformed, Policy, Port, PseudonymForm, TagForm, Treatment},
    retention::{Keep, Life},
};

fn policy(text: &str) -> Policy {
    let (policy, findings) = Policy::parse(text, "valid.toml");
    policy.unwrap_or_else(|| panic!("{findings:?}"))
}

fn on(base: &str, rest: &str) -> Policy {
    policy(&format!("base = \"{base}\"\nname = \"x\"\nversion = 1\n{rest}"))
}

const CLASS: &str = "name = \"x\"\nversion = 1\n[[retention]]\nclass = \"a\"\nkeep = \"1 day\"\npurpose = \"security\"\nbasis = \"contract\"\n";

#[test]
fn without_a_base_everything_has_the_stated_default() {
    let policy = policy(CLASS);
    assert_eq!(policy.source.formats, ["auto".into()]);
    assert_eq!(policy.source.malformed, OnMalformed::Scrub);
    assert_eq!((policy.fields.len(), &policy.rest), (0, &Treatment::Drop));
    assert_eq!((policy.encode.layout, policy.encode.tag), (Layout::Same, TagForm::Append));
    assert_eq!((policy.keys.epoch, policy.keys.keep), (Period::Day, Keep { months: 0, days: 30 }));
    assert_eq!(policy.keys.directory, None);
}

#[test]
fn the_limit_of_malformed_lines_holds_wherever_the_format_is_known() {
    assert_eq!(on("hosting", "").source.malformed_limit, None);
    assert_eq!(on("hosting", "[source]\nformat = \"combined\"").source.malformed_limit, Some(20.0));
    let own = "[source]\nformat = [\"combined\", \"common\"]\nmalformed_limit = \"2.5 %\"";
    assert_eq!(on("hosting", own).source.malformed_limit, Some(2.5));
}

#[test]
fn a_line_under_an_alias_replaces_the_line_of_the_base() {
    let policy = on("hosting", "[fields]\n\"%u\" = { treatment = \"drop\" }");
    assert_eq!(*policy.treatment("user.name"), Treatment::Drop);
    assert_eq!(policy.fields.len(), Policy::builtin("hosting").unwrap().fields.len());
}

#[test]
fn a_scrub_of_the_base_cuts_addresses_as_the_policy_cuts_client_addresses() {
    let policy = on("hosting", "[fields]\n\"client.address\" = { treatment = \"truncate\", v4 = 16, v6 = 32 }");
    let network = Network { v4: 16, v6: 32, port: Port::Drop };
    assert_eq!(*policy.treatment("message"), Treatment::Scrub { kinds: Kinds::ALL, network });
}

#[test]
fn a_scrub_without_client_addresses_to_follow_has_the_usual_network() {
    let policy = policy(&format!("{CLASS}[fields]\n\"message\" = {{ treatment = \"scrub\", kinds = [\"ip\"] }}"));
    let network = Network { v4: 24, v6: 48, port: Port::Drop };
    assert_eq!(*policy.treatment("message"), Treatment::Scrub { kinds: Kinds::IP, network });
}

#[test]
fn a_name_goes_before_a_pattern_and_a_long_pattern_before_a_short_one() {
    let policy = policy(&format!(
        "{CLASS}[fields]\n\"http.request.header.*\" = {{ treatment = \"drop\" }}\n\"http.*\" = {{ treatment = \"drop\" }}\n\
         \"http.request.header.accept-language\" = {{ treatment = \"language\" }}\n"
    ));
    assert_eq!(*policy.treatment("http.request.header.accept-language"), Treatment::Language);
    assert_eq!(*policy.treatment("http.request.header.dnt"), Treatment::Drop);
    // A pattern never reaches over the names of a base.
    let hosting = on("hosting", "[fields]\n\"http.request.header.*\" = { treatment = \"scrub\" }");
    assert_eq!(*hosting.treatment("http.request.header.cookie"), Treatment::Drop);
    assert!(matches!(hosting.treatment("http.request.header.dnt"), Treatment::Scrub { .. }));
}

#[test]
fn every_treatment_can_be_written_with_every_option() {
    let policy = policy(&format!(
        "{CLASS}[fields]\n\
         \"client.address\" = {{ treatment = \"truncate\", v4 = 0, v6 = 64, port = \"keep\" }}\n\
         \"upstream.address\" = {{ treatment = \"keep\", reason = \"ours\" }}\n\
         \"user.name\" = {{ treatment = \"pseudonym\", digits = 4 }}\n\
         \"timestamp\" = {{ treatment = \"coarsen\", to = \"minute\" }}\n\
         \"http.response.size\" = {{ treatment = \"coarsen\", step = 0x10 }}\n\
         \"user_agent.original\" = {{ treatment = \"family\", version = false }}\n\
         \"url.query\" = {{ treatment = \"query\", keep = [\"a\"], pseudonym = [\"b[]\"], digits = 32 }}\n\
         \"$http_cookie\" = {{ treatment = \"cookie\", keep = [\"theme\"], pseudonym = [\"sid\"] }}\n"
    ));
    let address = Treatment::Truncate(Network { v4: 0, v6: 64, port: Port::Keep });
    assert_eq!(*policy.treatment("client.address"), address);
    assert_eq!(*policy.treatment("upstream.address"), Treatment::Keep { reason: Some("ours".into()) });
    assert_eq!(*policy.treatment("user.name"), Treatment::Pseudonym { digits: 4, form: PseudonymForm::Token });
    assert_eq!(*policy.treatment("timestamp"), Treatment::Coarsen(Coarsen::Minute));
    assert_eq!(*policy.treatment("http.response.size"), Treatment::Coarsen(Coarsen::Step(16)));
    assert_eq!(*policy.treatment("user_agent.original"), Treatment::Family { version: false });
    let query = Treatment::Query { keep: vec!["a".into()], pseudonym: vec!["b[]".into()], digits: 32 };
    assert_eq!(*policy.treatment("url.query"), query);
    let cookie = Treatment::Cookie { keep: vec!["theme".into()], pseudonym: vec!["sid".into()], digits: 16 };
    assert_eq!(*policy.treatment("http.request.header.cookie"), cookie);
}

#[test]
fn a_class_that_stands_twice_is_one_class() {
    let policy = policy(
        "name = \"x\"\nversion = 1\n[[retention]]\nclass = \"a\"\nwhen = { format = \"json\" }\nkeep = \"1 year\"\n\
         purpose = \"support\"\nbasis = \"contract\"\n[[retention]]\nclass = \"a\"\n",
    );
    assert_eq!((policy.classes.len(), policy.rules.len()), (1, 2));
    assert_eq!(policy.classes[0].keep, Life::Span(Keep { months: 12, days: 0 }));
}

#[test]
fn single_addresses_and_networks_can_be_exempt() {
    let exempt = on("hosting", "[exempt]\nnetworks = [\"192.0.2.1\", \"2001:db8::/32\"]\nreason = \"ours\"").exempt;
    assert_eq!(exempt.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.1/32", "2001:db8::/32"]);
}

#[test]
fn minimal_touches_addresses_only() {
    let minimal = Policy::builtin("minimal").unwrap();
    let network = Network { v4: 24, v6: 48, port: Port::Keep };
    assert_eq!(minimal.rest, Treatment::Scrub { kinds: Kinds::IP, network });
    assert_eq!((minimal.fields.len(), minimal.encode.tag), (0, TagForm::None));
    assert_eq!(minimal.source.formats, ["text".into()]);
}

#[test]
fn hosting_is_what_the_design_says() {
    let hosting = Policy::builtin("hosting").unwrap();
    assert_eq!((&*hosting.name, hosting.version), ("hosting", 1));
    let classes: Vec<&str> = hosting.classes.iter().map(|class| &*class.name).collect();
    assert_eq!(classes, ["login_history", "security_log"]);
    assert!(hosting.classes.iter().all(|class| class.keep == Life::Span(Keep { months: 6, days: 0 })));
    assert!(hosting.rules[0].formats.contains(&"sshd".into()) && hosting.rules[1].formats.is_empty());
    let network = Network { v4: 24, v6: 48, port: Port::Drop };
    assert_eq!(*hosting.treatment("client.address"), Treatment::Truncate(network));
    assert_eq!(*hosting.treatment("session.id"), Treatment::Pseudonym { digits: 16, form: PseudonymForm::Token });
    assert!(matches!(hosting.treatment("server.address"), Treatment::Keep { reason: Some(_) }));
    assert!(hosting.exempt.is_empty());
}

#[test]
fn patterns_of_the_policys_own_are_read_and_laid_over_the_base() {
    let policy = on(
        "hosting",
        "[[detect]]\nname = \"customer\"\npattern = 'K-[0-9]{6}'\nreplacement = \"[customer]\"\n\
         [[detect]]\nname = \"ticket\"\npattern = 'T[0-9]+'\n[keep_text]\npatterns = ['build [0-9a-f]+']\nreason = \"ours\"",
    );
    let replacements: Vec<&str> = policy.detect.iter().map(|detect| &*detect.replacement).collect();
    assert_eq!(replacements, ["[customer]", "[id]"]);
    assert_eq!(policy.keep_text.unwrap().patterns, ["build [0-9a-f]+".into()]);
}
