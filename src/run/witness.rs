//! The judge with what a policy says: cut addresses, exempt networks, kept fields and kinds that a field's scrubbing
//! leaves alone are no findings. Used by `scan` and by the guard; the judge itself knows no field.

use crate::{
    detect::Kinds,
    error::{Error, Kind as ErrorKind},
    format::{self, Ending, Format, Parse},
    judge::{Hit, Judge, Kind, Known, OVERLAP_BYTES, Own, WINDOW_BYTES},
    policy::{Network, Policy, Treatment},
    record::{Record, State},
    retention,
};
use std::sync::Arc;

/// Reads lines and says what was found in them, field by field.
#[derive(Debug)]
pub struct Witness {
    judge: Judge,
    routes: Vec<Route>,
    record: Record,
    found: Vec<Found>,
}

/// One finding in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What and where.
    pub hit: Hit,
    /// The canonical name of the field that holds it; `None` where the line was not parsed or no field holds all of it.
    pub field: Option<Arc<str>>,
}

/// A format with what may stand in each of its fields.
#[derive(Debug)]
struct Route {
    format: Format,
    names: Vec<Arc<str>>,
    leaves: Vec<Leaves>,
}

/// What a field's treatment lets stand.
#[derive(Clone, Debug)]
enum Leaves {
    /// The judge's word holds.
    Nothing,
    /// The policy keeps the value as it is.
    Everything,
    /// Only these kinds are looked for when it is scrubbed.
    AllBut(Kinds),
    /// The policy keeps the values of these parameters.
    Parameters(Vec<Box<str>>),
}

impl Witness {
    /// A witness that knows the formats of these names and, if one is given, the policy.
    ///
    /// # Errors
    /// A format that is not known or cannot be compiled.
    pub fn new(policy: Option<&Policy>, formats: &[Box<str>]) -> Result<Witness, Error> {
        let mut all = Vec::new();
        for name in formats {
            match &**name {
                "auto" => all.extend(format::auto()),
                "text" => all.push(format::text()),
                name => all.push(format::named(name).map_err(|fault| {
                    let text = format!("cannot read format `{name}`: at byte {}: {fault}", fault.at);
                    Error::new(ErrorKind::Config, text)
                })?),
            }
        }
        if policy.is_some() {
            // What is scrubbed as a whole is a record of one field.
            all.push(format::text());
        }
        let routes = all.into_iter().map(|format| Route::new(format, policy)).collect();
        let judge = Judge::new(policy.map_or_else(Known::default, known));
        Ok(Witness { judge, routes, record: Record::default(), found: Vec::new() })
    }

    /// What identifies somebody in one line, without its end, however long it is.
    pub fn read(&mut self, line: &[u8]) -> &[Found] {
        self.found.clear();
        let mut at = 0;
        loop {
            let window = &line[at..line.len().min(at + WINDOW_BYTES)];
            let last = at + window.len() == line.len();
            self.look(window, at, at > 0, last);
            if last {
                break;
            }
            at += window.len() - 2 * OVERLAP_BYTES;
        }
        if !self.found.is_empty() {
            self.attribute(line);
        }
        &self.found
    }

    /// One window of a line too long to be held: findings belong to no field.
    pub fn read_window(&mut self, window: &[u8], continues: bool, last: bool) -> &[Found] {
        self.found.clear();
        self.look(window, 0, continues, last);
        &self.found
    }

    /// Hits that begin in the middle of the window; those near its ends are left to its neighbours, which hold them whole.
    fn look(&mut self, window: &[u8], at: usize, continues: bool, last: bool) {
        let from = if continues { OVERLAP_BYTES } else { 0 };
        let to = if last { window.len() } else { window.len() - OVERLAP_BYTES };
        let hits = self.judge.read(window).iter().filter(|hit| (from..to).contains(&hit.start));
        self.found.extend(hits.map(|hit| {
            let hit = Hit { kind: hit.kind, start: hit.start + at, end: hit.end + at };
            Found { hit, field: None }
        }));
    }

    /// Names the field of each finding, and leaves out what the policy lets stand there.
    fn attribute(&mut self, line: &[u8]) {
        let body = retention::strip(line).map_or(line, |at| &line[..at]);
        let record = &mut self.record;
        let route = self.routes.iter().find(|route| route.format.parse(body, Ending::Whole, record).is_ok());
        let Some(route) = route else { return };
        self.found.retain_mut(|found| {
            let (start, end) = (found.hit.start as u32, found.hit.end as u32);
            let holds = record
                .values
                .iter()
                .find(|value| value.state == State::Present && value.span.start <= start && end <= value.span.end);
            let Some(value) = holds else { return true };
            let field = value.field as usize;
            found.field = Some(route.names[field].clone());
            match &route.leaves[field] {
                Leaves::Nothing => true,
                Leaves::Everything => false,
                Leaves::AllBut(kinds) => is_looked_for(found.hit.kind, *kinds),
                Leaves::Parameters(kept) => {
                    let before = &body[value.span.start as usize..found.hit.start];
                    !kept.iter().any(|name| Some(name.as_bytes()) == parameter(before))
                }
            }
        });
    }
}

impl Route {
    fn new(format: Format, policy: Option<&Policy>) -> Route {
        let fields = &format.schema().fields;
        let leaves = fields.iter().map(|field| match policy.map(|policy| policy.treatment(&field.name)) {
            Some(Treatment::Keep { .. } | Treatment::Coarsen(_)) => Leaves::Everything,
            Some(Treatment::Scrub { kinds, .. }) => Leaves::AllBut(*kinds),
            Some(Treatment::Cookie { keep, .. } | Treatment::Query { keep, .. }) => Leaves::Parameters(keep.clone()),
            Some(
                Treatment::Country { .. }
                | Treatment::Drop
                | Treatment::Family { .. }
                | Treatment::Language
                | Treatment::Origin
                | Treatment::Path
                | Treatment::Pseudonym { .. }
                | Treatment::Truncate(_),
            )
            | None => Leaves::Nothing,
        });
        let (leaves, names) = (leaves.collect(), fields.iter().map(|field| Arc::from(&*field.name)).collect());
        Route { format, names, leaves }
    }
}

/// What the judge knows of a policy: the longest prefixes that it lets stand, and its exempt networks.
pub fn known(policy: &Policy) -> Known {
    let networks = policy.fields.iter().map(|(_, treatment)| treatment).chain([&policy.rest]).filter_map(network);
    let (v4, v6) = networks.fold((0, 0), |(v4, v6), network| (network.v4.max(v4), network.v6.max(v6)));
    Known { v4, v6, exempt: policy.exempt.clone(), own: Own::Pass }
}

fn network(treatment: &Treatment) -> Option<&Network> {
    match treatment {
        Treatment::Truncate(network) | Treatment::Scrub { network, .. } => Some(network),
        Treatment::Coarsen(_)
        | Treatment::Cookie { .. }
        | Treatment::Country { .. }
        | Treatment::Drop
        | Treatment::Family { .. }
        | Treatment::Keep { .. }
        | Treatment::Language
        | Treatment::Origin
        | Treatment::Path
        | Treatment::Pseudonym { .. }
        | Treatment::Query { .. } => None,
    }
}

/// The name of the parameter in whose value `before` ends.
fn parameter(before: &[u8]) -> Option<&[u8]> {
    let last = before.rsplit(|byte| matches!(byte, b'&' | b';' | b' ')).next()?;
    last.iter().position(|&byte| byte == b'=').map(|at| &last[..at])
}

/// Whether a field that is scrubbed of `kinds` must not hold this.
fn is_looked_for(kind: Kind, kinds: Kinds) -> bool {
    let name = match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::TruncatedAddress => "ip",
        Kind::Email => "email",
        Kind::Jwt => "jwt",
        Kind::ApiKey | Kind::Credential | Kind::SessionId | Kind::DeviceId | Kind::Token | Kind::Pseudonym => "token",
        Kind::Uuid => "uuid",
        Kind::Mac => "mac",
        Kind::Imei => "imei",
        Kind::Iban => "iban",
        Kind::Card => "card",
        Kind::Norwegian | Kind::Swedish | Kind::Danish | Kind::Finnish | Kind::Icelandic => "national_id",
        Kind::Phone => "phone",
    };
    match Kinds::NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, one)) => kinds.has(*one),
        // What no detector knows is promised by none; it is a finding where every detector was asked for.
        None => kinds == Kinds::ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(policy: Option<&str>, format: &str, line: &str) -> Vec<(Kind, Option<String>)> {
        let policy = policy.map(|name| Policy::builtin(name).unwrap());
        let mut witness = Witness::new(policy.as_ref(), &[format.into()]).unwrap();
        let found = witness.read(line.as_bytes());
        found.iter().map(|found| (found.hit.kind, found.field.as_deref().map(str::to_owned))).collect()
    }

    const LINE: &str = "203.0.113.7 - - [21/Nov/2026:10:00:00 +0100] \"GET /u/kari@example.org HTTP/1.1\" 200 4111111111111111 \"-\" \"curl/8\"";

    #[test]
    fn a_hit_is_attributed_to_its_field_and_a_kept_field_has_none() {
        let field = |name: &str| Some(name.to_owned());
        assert_eq!(
            read(None, "combined", LINE),
            [
                (Kind::Ipv4, field("client.address")),
                (Kind::Email, field("url.path")),
                (Kind::Card, field("http.response.body.size"))
            ]
        );
        // The size is kept by the policy: a number that happens to pass a check is no finding.
        assert_eq!(read(Some("hosting"), "combined", LINE).len(), 2);
        assert_eq!(read(None, "json", LINE).iter().filter(|(_, field)| field.is_none()).count(), 3);
    }

    #[test]
    fn what_a_policy_does_not_look_for_is_no_finding_under_it() {
        let kinds: Vec<Kind> = read(Some("minimal"), "auto", LINE).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [Kind::Ipv4]);
    }

    #[test]
    fn the_value_of_a_kept_parameter_is_no_finding_and_its_neighbour_is() {
        let text = "base = \"hosting\"\nname = \"x\"\nversion = 1\n[fields]\n\"url.query\" = { treatment = \"query\", keep = [\"ref\"] }\n";
        let policy = Policy::parse(text, "x").0.unwrap();
        let mut witness = Witness::new(Some(&policy), &["combined".into()]).unwrap();
        let line = LINE.replace("/u/kari@example.org", "/a?ref=kari@example.org&by=ola@example.org");
        let found: Vec<Kind> = witness.read(line.as_bytes()).iter().map(|found| found.hit.kind).collect();
        assert_eq!(found, [Kind::Ipv4, Kind::Email]);
    }

    #[test]
    fn a_long_line_is_read_in_windows_and_nothing_is_lost_or_counted_twice_at_their_ends() {
        let mut witness = Witness::new(None, &[]).unwrap();
        for shift in (0..3 * OVERLAP_BYTES).step_by(61) {
            let mut line = vec![b' '; 4 * WINDOW_BYTES];
            for (i, at) in (0..3).map(|i| (i, (i + 1) * (WINDOW_BYTES - 2 * OVERLAP_BYTES) - OVERLAP_BYTES + shift)) {
                let value = format!("kari{i}@example.org");
                line[at..at + value.len()].copy_from_slice(value.as_bytes());
            }
            assert_eq!(witness.read(&line).len(), 3, "{shift}");
        }
    }
}
