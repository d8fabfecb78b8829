//! Findings as they are drawn, word for word.

use sladd::policy::{Colour, Policy, draw};

fn drawn(policy: &str) -> String {
    let (_, findings) = Policy::parse(policy, "web.toml");
    draw(policy, &findings, Colour::Never)
}

#[test]
fn colours_are_drawn_only_where_they_are_asked_for() {
    let policy = "name = 1";
    let (_, findings) = Policy::parse(policy, "web.toml");
    assert!(draw(policy, &findings, Colour::Always).contains('\u{1b}'));
    assert!(!draw(policy, &findings, Colour::Never).contains('\u{1b}'));
}

#[test]
fn a_finding_in_one_line_has_file_line_and_column() {
    let (_, findings) = Policy::parse("base = \"hosting\"\nversion = 1\nname = \"Blåbær\"\n", "web.toml");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["web.toml:3:8: error[E090]: `Blåbær` cannot be a policy's name (use 1 to 32 of a-z, 0-9 and -)"]
    );
}

#[test]
fn what_opens_sealed_lines_is_never_drawn() {
    let secret = "AGE-SECRET-KEY-1QQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQQ";
    for written in [secret.to_owned(), secret.to_lowercase(), format!("{secret}x")] {
        for seal in [format!("[seal]\nrecipient = \"{written}\"\n"), format!("seal = {{ recipint = \"{written}\" }}\n")]
        {
            let policy = format!("base = \"hosting\"\nversion = 1\n{seal}");
            let drawn = drawn(&policy);
            assert!(!drawn.to_lowercase().contains("qqpqyqsz"), "{drawn}");
            let (_, findings) = Policy::parse(&policy, "web.toml");
            assert!(
                findings.iter().all(|finding| !finding.to_string().to_lowercase().contains("qqpqyqsz")),
                "{findings:?}"
            );
        }
    }
}

#[test]
fn an_unknown_key_is_drawn_with_what_was_meant() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1

[source]
formt = "combined"
"#;
    assert_eq!(drawn(policy), include_str!("drawn/an_unknown_key_is_drawn_with_what_was_meant.txt"));
}

#[test]
fn a_keep_without_reason_is_drawn_under_the_users_own_line() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1

[fields]
"$remote_addr" = { treatment = "keep" }
"#;
    assert_eq!(drawn(policy), include_str!("drawn/a_keep_without_reason_is_drawn_under_the_users_own_line.txt"));
}

#[test]
fn a_hash_without_a_key_is_explained() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1

[fields]
"user.name" = { treatment = "sha256" }
"#;
    assert_eq!(drawn(policy), include_str!("drawn/a_hash_without_a_key_is_explained.txt"));
}

#[test]
fn what_is_not_toml_is_drawn_where_it_breaks() {
    let policy = r#"base = "hosting"
name = example-web
version = 1
"#;
    assert_eq!(drawn(policy), include_str!("drawn/what_is_not_toml_is_drawn_where_it_breaks.txt"));
}

#[test]
fn what_is_missing_altogether_is_drawn_at_the_top() {
    let policy = r#"base = "hosting"
version = 1
"#;
    assert_eq!(drawn(policy), include_str!("drawn/what_is_missing_altogether_is_drawn_at_the_top.txt"));
}

#[test]
fn a_class_lists_what_it_lacks() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1

[[retention]]
class = "security_log"
keep = "6 months"
"#;
    assert_eq!(drawn(policy), include_str!("drawn/a_class_lists_what_it_lacks.txt"));
}

#[test]
fn advertising_is_no_purpose() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1

[[retention]]
class = "visitors"
keep = "26 months"
purpose = "advertising"
basis = "consent"
"#;
    assert_eq!(drawn(policy), include_str!("drawn/advertising_is_no_purpose.txt"));
}

#[test]
fn a_weakening_is_drawn_with_both_sides() {
    let policy = r#"base = "strict"
name = "example-web"
version = 1

[fields]
"client.address" = { treatment = "truncate", v4 = 24, v6 = 48 }
"user.name" = { treatment = "pseudonym" }

[exempt]
networks = ["10.0.0.0/8"]
reason = "monitoring"
"#;
    assert_eq!(drawn(policy), include_str!("drawn/a_weakening_is_drawn_with_both_sides.txt"));
}

#[test]
fn several_faults_are_drawn_in_the_order_of_the_text() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1

[fields]
"client.adress" = { treatment = "truncate", v4 = 24 }
"upstream.address" = { treatment = "truncate", v4 = 40, v6 = 48 }
client.port = { treatment = "drop" }

[keys]
directory = "keys"
"#;
    assert_eq!(drawn(policy), include_str!("drawn/several_faults_are_drawn_in_the_order_of_the_text.txt"));
}

#[test]
fn control_characters_of_a_policy_do_not_reach_the_terminal() {
    let policy = r#"base = "hosting"
name = "example-web"
version = 1
"\u001b[31mred" = 1
"#;
    assert_eq!(drawn(policy), include_str!("drawn/control_characters_of_a_policy_do_not_reach_the_terminal.txt"));
}
