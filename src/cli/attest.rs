//! `sladd attest`: what is published, claim by claim, against a policy and what lies in stores.

mod evidence;

use super::{AttestArgs, load, store};
use crate::{
    error::Error,
    policy::{self, Answer, Claim, Claims, Verdict},
    run::worker::clock,
};
use serde_json::json;
use std::process::ExitCode;

/// Judges each claim; exit code 1 unless all are true.
///
/// # Errors
/// [`Config`](crate::error::Kind::Config) for a faulty policy or claims file, drawn under its lines, and for a directory that is
/// no store; whatever reading says
pub fn run(args: &AttestArgs) -> Result<ExitCode, Error> {
    let policy = load::valid(&load::find(&args.policy)?)?;
    let origin = args.claims.display().to_string();
    let written = load::Written { text: load::read("claims", &args.claims)?, origin };
    let (claims, findings) = Claims::parse(&written.text, &written.origin);
    let Some(claims) = claims else {
        load::draw(&written, &findings);
        return Err(load::refusal(&written, &findings));
    };
    let now = args.now.as_deref().map_or_else(|| Ok(clock()), store::time)?;
    let found = match args.store.is_empty() {
        true => None,
        false => Some(evidence::gather(&policy, &args.store, now)?),
    };
    let answer = |claim: &Claim| match &found {
        Some(found) => policy::weigh(&policy, claim, found),
        None => policy::judge(&policy, claim),
    };
    let answers: Vec<(&Claim, Answer)> = claims.claims.iter().map(|claim| (claim, answer(claim))).collect();
    let name = format!("{}/{}", policy.name, policy.version);
    let out = if args.json { object(&name, &claims, &answers) } else { text(&name, &claims, &answers) };
    super::print(out.as_bytes())?;
    let held = answers.iter().all(|(_, answer)| answer.verdict == Verdict::True);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Two lines a claim, then what no claim covers, then the account.
fn text(name: &str, claims: &Claims, answers: &[(&Claim, Answer)]) -> String {
    let mut out = String::new();
    for (claim, answer) in answers {
        let word = answer.verdict.as_str();
        out.push_str(&format!("{word:12}  {}: {}\n{:14}{}\n", claim.id, claim.sentence, "", answer.reason));
    }
    for open in &claims.open {
        out.push_str(&format!("{:12}  {}: {}\n", "open", open.covers.join(", "), open.why));
    }
    let count = |verdict| answers.iter().filter(|(_, answer)| answer.verdict == verdict).count();
    let (held, not, nobody) = (count(Verdict::True), count(Verdict::False), count(Verdict::NotEnforced));
    out.push_str(&format!("{name}: {held} true, {not} false, {nobody} not enforced"));
    let open: usize = claims.open.iter().map(|open| open.covers.len()).sum();
    out.push_str(&if open > 0 { format!(", {open} open\n") } else { "\n".to_owned() });
    out
}

fn object(name: &str, claims: &Claims, answers: &[(&Claim, Answer)]) -> String {
    let row = |(claim, answer): &(&Claim, Answer)| {
        let Claim { id, sentence, covers, stated } = claim;
        let word = match answer.verdict {
            Verdict::True => "true",
            Verdict::False => "false",
            Verdict::NotEnforced => "not_enforced",
        };
        json!({
            "id": id, "claim": stated.word(), "answer": word, "reason": answer.reason,
            "sentence": sentence, "covers": covers,
        })
    };
    let open = claims.open.iter().map(|open| json!({ "covers": open.covers, "why": open.why }));
    let claims: Vec<_> = answers.iter().map(row).collect();
    json!({ "policy": name, "claims": claims, "open": open.collect::<Vec<_>>() }).to_string() + "\n"
}
