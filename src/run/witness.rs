//! The judge with what a policy says: cut addresses, exempt networks, kept fields and kinds that a field's scrubbing
//! leaves alone are no findings. Used by `scan` and by the guard; the judge itself knows no field.

use crate::{
    detect::{self, Kinds},
    error::{Error, Kind as ErrorKind},
    format::{
        self, Ending, Format, Parse,
        envelope::{self, Envelope},
        message::{self, Message},
        w3c,
    },
    judge::{Hit, Judge, Kind, Known, OVERLAP_BYTES, Own, WINDOW_BYTES},
    policy::{Network, Policy, Treatment},
    record::{Field, Record, State, Value},
    retention,
};
use regex::bytes::Regex;
use std::sync::Arc;

/// Reads lines and says what was found in them, field by field.
#[derive(Debug)]
pub struct Witness {
    judge: Judge,
    routes: Vec<Route>,
    /// What may stand around a line.
    envelopes: Vec<(Envelope, Fields)>,
    /// The messages of programs that an envelope names, as `format::message::PROGRAMS`.
    programs: Vec<Route>,
    /// Texts that the policy keeps from the detectors.
    kept: Vec<Regex>,
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
    fields: Fields,
}

/// Each field's canonical name and what may stand in it.
type Fields = Vec<(Arc<str>, Leaves)>;

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
        let mut envelopes: Vec<Envelope> = Vec::new();
        for name in formats {
            match &**name {
                "auto" => {
                    all.extend(format::auto());
                    envelopes.extend(envelope::all());
                }
                "text" => all.push(format::text()),
                name if envelope::NAMES.contains(&name) => envelopes.extend(envelope::named(name).unwrap_or_default()),
                name => all.push(format::named(name).map_err(|fault| {
                    let text = format!("cannot read format `{name}`: at byte {}: {fault}", fault.at);
                    Error::new(ErrorKind::Config, text)
                })?),
            }
        }
        if all.is_empty() && !envelopes.is_empty() {
            // What is named by its envelope alone holds lines of any format.
            all = format::auto();
        }
        if policy.is_some() {
            // What is scrubbed as a whole is a record of one field.
            all.push(format::text());
        }
        let routes = all.into_iter().map(|format| Route::new(format, policy)).collect();
        let programs = message::PROGRAMS.iter().filter(|_| !envelopes.is_empty());
        let programs = programs.map(|program| Route::new(Format::Message(Message::new(program)), policy)).collect();
        let fields = |envelope: Envelope| {
            let fields = fields(&envelope.schema().fields, policy);
            (envelope, fields)
        };
        let envelopes = envelopes.into_iter().map(fields).collect();
        let patterns = policy.and_then(|policy| policy.keep_text.as_ref()).map_or(&[][..], |kept| &kept.patterns);
        let kept = patterns.iter().map(|pattern| {
            detect::compile(pattern)
                .map_err(|fault| Error::new(ErrorKind::Config, format!("cannot use a pattern of [keep_text]: {fault}")))
        });
        let kept = kept.collect::<Result<_, _>>()?;
        let judge = Judge::new(policy.map_or_else(Known::default, known));
        Ok(Witness { judge, routes, envelopes, programs, kept, record: Record::default(), found: Vec::new() })
    }

    /// Takes a line that names the columns of those behind it. For whoever reads the lines of one input in order.
    pub fn learn(&mut self, line: &[u8]) {
        if line.first() == Some(&b'#') {
            w3c::learn(&mut self.record.columns, line);
        }
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
        self.found.retain(|found| !self.kept.iter().any(|pattern| holds(pattern, body, &found.hit)));
        let record = &mut self.record;
        let mut start = 0;
        let mut program = None;
        for _ in 0..envelope::MOST {
            let rest = &body[start..];
            let opened = self
                .envelopes
                .iter()
                .find_map(|(envelope, fields)| envelope.open(rest, record).map(|length| (envelope, fields, length)));
            let Some((envelope, fields, length)) = opened else { break };
            program = envelope.program(rest, record).and_then(message::of_program);
            self.found.retain_mut(|found| stands(found, rest, start, record, fields));
            start += length;
        }
        let rest = &body[start..];
        let mut fits = |route: &&Route| route.format.parse(rest, Ending::Whole, record).is_ok();
        let named = program.and_then(|at| self.programs.get(at)).filter(&mut fits);
        if let Some(route) = named.or_else(|| self.routes.iter().find(&mut fits)) {
            self.found.retain_mut(|found| stands(found, rest, start, record, &route.fields));
        }
    }
}

/// Whether a finding stands wholly inside what the policy keeps.
fn holds(pattern: &Regex, text: &[u8], hit: &Hit) -> bool {
    pattern.find_iter(text).any(|kept| kept.start() <= hit.start && hit.end <= kept.end())
}

/// Names the field of a finding, if `record` has one there; `false`: the policy lets it stand.
///
/// `text` is what was read, `start` where it stands in the line.
fn stands(found: &mut Found, text: &[u8], start: usize, record: &Record, fields: &Fields) -> bool {
    let Some(from) = found.hit.start.checked_sub(start) else { return true };
    let (from, to) = (from as u32, (found.hit.end - start) as u32);
    let holds = |value: &&Value| value.state == State::Present && value.span.start <= from && to <= value.span.end;
    let Some(value) = record.values.iter().find(holds) else { return true };
    let (name, leaves) = &fields[value.field as usize];
    found.field = Some(name.clone());
    match leaves {
        Leaves::Nothing => true,
        Leaves::Everything => false,
        Leaves::AllBut(kinds) => is_looked_for(found.hit.kind, *kinds),
        Leaves::Parameters(kept) => {
            let before = &text[value.span.start as usize..from as usize];
            !kept.iter().any(|name| Some(name.as_bytes()) == parameter(before))
        }
    }
}

impl Route {
    fn new(format: Format, policy: Option<&Policy>) -> Route {
        let fields = fields(&format.schema().fields, policy);
        Route { format, fields }
    }
}

fn fields(fields: &[Field], policy: Option<&Policy>) -> Fields {
    let named = fields.iter().map(|field| {
        let leaves = match policy.map(|policy| policy.treatment(&field.name)) {
            Some(Treatment::Keep { .. } | Treatment::Coarsen(_) | Treatment::Reversible { .. }) => Leaves::Everything,
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
        };
        (Arc::from(&*field.name), leaves)
    });
    named.collect()
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
        | Treatment::Query { .. }
        | Treatment::Reversible { .. } => None,
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
    fn a_line_in_envelopes_is_attributed_as_if_it_stood_alone() {
        let field = |name: &str| Some(name.to_owned());
        for (format, around) in [
            ("syslog", "<190>Nov 21 10:00:00 198.51.100.9 nginx: "),
            ("auto", "<134>1 2026-11-21T10:05:03Z 198.51.100.9 nginx 12 - - "),
            ("cri", "2026-11-21T10:00:00.000000000Z stdout F "),
        ] {
            let line = format!("{around}{LINE}");
            let mut found = read(None, format, &line);
            if format != "cri" {
                assert_eq!(found.remove(0), (Kind::Ipv4, field("host.name")), "{format}");
            }
            let inner = [
                (Kind::Ipv4, field("client.address")),
                (Kind::Email, field("url.path")),
                (Kind::Card, field("http.response.body.size")),
            ];
            assert_eq!(found, inner, "{format}");
            // The host of the envelope is kept, and so is the size.
            assert_eq!(read(Some("hosting"), format, &line).len(), 2, "{format}");
        }
        let login = "Nov 21 10:00:00 web1 sshd[7]: Failed password for kari@example.org from 203.0.113.7 port 22 ssh2";
        let found = read(None, "auto", login);
        assert_eq!(found, [(Kind::Email, field("user.name")), (Kind::Ipv4, field("client.address"))]);
    }

    #[test]
    fn text_that_the_policy_keeps_is_no_finding() {
        let text = "base = \"hosting\"\nname = \"x\"\nversion = 1\n[keep_text]\npatterns = ['build [0-9a-f]{40}']\nreason = \"ours\"\n";
        let policy = Policy::parse(text, "x").0.unwrap();
        let mut witness = Witness::new(Some(&policy), &["auto".into()]).unwrap();
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(witness.read(format!("of build {commit}").as_bytes()), []);
        assert_eq!(witness.read(format!("of key {commit}").as_bytes()).len(), 1);
        assert_eq!(witness.read(format!("build {commit} kari@example.org").as_bytes()).len(), 1);
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
