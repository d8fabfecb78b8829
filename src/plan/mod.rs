//! Policy + formats → Plan: flat, immutable, compiled once.

mod explain;

pub use explain::{Coverage, Explanation};

use crate::{
    detect::{Detector, Fixed, Kinds, Patterns},
    encode::{Encoding, Members},
    epoch::{Epoch, Period},
    error::{Error, Kind as ErrorKind},
    format::{
        self, Asked, CompileError, Ending, Format, Parse,
        envelope::{self, Envelope},
        json,
        message::{self, Message},
        text,
    },
    policy::{self, Layout, Network, OnMalformed, Policy, TagForm, Treatment},
    record::{Clock, Escape, Field, Kind, Proven, Record, Schema},
    retention::{self, ClassId, Conditions, Pattern, Rules, Tagger},
    time::Zone,
    treatment::{
        self, Aid, Heads, Step,
        coarsen::{Coarsen, Unit},
        cookie::Cookie,
        country::Country,
        family::Family,
        keep::Grammar,
        keys::Keys,
        name::Name,
        origin::Origin,
        path::Path,
        pseudonym::{Canonical, Pseudonym, Secret},
        query::Query,
        scrub::{Controls, Scrub},
        truncate::{Port, Truncate},
    },
};
use ipnet::IpNet;
use std::sync::Arc;

/// Everything the engine needs. Made once, shared by all workers.
#[derive(Debug)]
pub struct Plan {
    /// Formats in the order they are tried, each with its steps.
    pub(crate) routes: Vec<Route>,
    /// The first of them that reads lines by sight, where those before it refuse all that it so reads.
    pub(crate) seeing: Option<usize>,
    /// What may stand around a line, in the order in which it is tried.
    pub(crate) envelopes: Vec<Wrap>,
    /// For each of `format::message::PROGRAMS`, its messages; none where nothing may stand around a line.
    pub(crate) programs: Vec<Route>,
    /// Whether every line of the formats that it tries holds one of [`format::MARKS`].
    marked: bool,
    /// The journal's export format, where it may come.
    pub(crate) export: Option<Box<Export>>,
    /// Whether lines that Kubernetes' container runtimes wrote in parts are joined.
    joins_cri: bool,
    /// The same of those that Docker wrote, in strings of JSON.
    pub(crate) joins_docker: bool,
    /// Where a line goes that fits none; `None`: it is dropped.
    pub(crate) text: Option<Route>,
    /// Whether the policy names `text` as a format, so that such lines are minimised and not merely scrubbed.
    pub(crate) text_is_a_format: bool,
    /// How records are written.
    pub(crate) encoding: Encoding,
    /// Whether the tag is written.
    pub(crate) tagged: bool,
    /// The zone of layouts that have none.
    pub(crate) zone: Zone,
    /// The keys' period, where some field is pseudonymised.
    pub(crate) period: Option<Period>,
    labels: Vec<Box<str>>,
    classes: Vec<retention::Class>,
    last_class: ClassId,
    policy: (Box<str>, u32),
    /// How addresses inside paths, queries, URLs and host names are cut.
    inner: Network,
    /// What no field's step cuts, and why.
    exempt: (Arc<[IpNet]>, Option<Box<str>>),
    /// What the policy adds to the detectors and keeps from them, compiled, and as it is said for people.
    patterns: Patterns,
    detect: Vec<policy::Detect>,
    keep_text: Option<policy::KeepText>,
}

/// What happens to lines of the journal's export format.
#[derive(Debug)]
pub(crate) struct Export {
    /// Any field but the message.
    pub(crate) fields: Route,
    /// What stands around the message.
    pub(crate) message: Wrap,
}

/// One format with what happens to its fields.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) format: Format,
    /// One a field of the schema.
    pub(crate) steps: Box<[Step]>,
    /// Which of the fields the treatments should know of early.
    pub(crate) early: Vec<u16>,
    /// Which of the values they have to look at in a line that was read by sight.
    pub(crate) seen: Box<[u16]>,
    pub(crate) rules: Rules,
    /// Fields that can date the record, in order. Unused where fields stand in any order.
    pub(crate) clocks: Vec<(u16, Clock)>,
    /// Whether a field's value may stand at any place of a record: JSON, and formats of several layouts.
    pub(crate) dynamic: bool,
    /// Whether every line of the format holds a time as Apache and nginx write it.
    pub(crate) clf: bool,
    /// Fields whose strings may hold a line of their own: free text of JSON.
    pub(crate) lines: Box<[u16]>,
    /// How the members of its fields begin, where records are written as JSON.
    pub(crate) members: Members,
    /// What stands before the values of a line that was read by sight, where records are written as JSON.
    pub(crate) heads: Heads,
    /// The field that says which program wrote a line.
    program: Option<u16>,
    treatments: Vec<Treatment>,
    /// Whether the policy names the field.
    named: Vec<bool>,
}

/// One envelope with what happens to its fields.
#[derive(Debug)]
pub(crate) struct Wrap {
    pub(crate) envelope: Envelope,
    /// One a field of the schema.
    pub(crate) steps: Box<[Step]>,
    /// Where the line in it goes when it fits no format.
    pub(crate) text: Route,
    treatments: Vec<Treatment>,
    /// Whether the policy names the field.
    named: Vec<bool>,
}

impl Plan {
    /// The highest-ranked format that a line fits, by its place among the routes; its values are then in the record.
    #[inline]
    pub(crate) fn fits(&self, line: &[u8], ending: Ending, record: &mut Record) -> Option<usize> {
        let mut asked = Asked::of(line);
        self.routes
            .iter()
            .position(|route| (!route.clf || asked.holds_clf()) && route.format.parse(line, ending, record).is_ok())
    }

    /// Whether one of the envelopes stands around a line. What is in `record` then means nothing.
    #[inline]
    pub(crate) fn opens(&self, line: &[u8], record: &mut Record) -> bool {
        let part = self.joins_cri && envelope::part(line).is_some();
        part || self.envelopes.iter().any(|wrap| wrap.envelope.open(line, record).is_some())
    }

    /// Whether a string of a record may be a line of its own: most texts have nothing that every such line has.
    #[inline]
    pub(crate) fn may_hold(&self, route: &Route, string: &[u8], record: &Record) -> bool {
        let marks = || string.iter().any(|byte| byte.is_ascii_digit() || format::MARKS.contains(byte));
        // Who wrote it, if that is said, says what it is.
        let named = || record.values.iter().any(|value| route.program == Some(value.field));
        !self.marked || marks() || named()
    }

    /// The envelope of this number: one beyond them is what stands around a message of the journal.
    #[inline]
    pub(crate) fn wrap(&self, which: usize) -> &Wrap {
        let message = || &self.export.as_ref().expect("the journal's lines are read").message;
        self.envelopes.get(which).unwrap_or_else(message)
    }

    /// Whether parts of lines are joined, as they stand or in strings of JSON.
    #[inline]
    pub(crate) fn joins(&self, escaped: bool) -> bool {
        if escaped { self.joins_docker } else { self.joins_cri }
    }

    /// Compiles a valid policy.
    ///
    /// # Errors
    /// A format that is not known or a directive that cannot be compiled, with where and the remedy; a database that was
    /// not handed in ([`Policy::named_databases`])
    pub fn compile(policy: &Policy) -> Result<Plan, Error> {
        let mut compiler = Compiler { policy, exempt: sorted(&policy.exempt), labels: Vec::new(), missing: None };
        let mut formats = Vec::new();
        let mut envelopes: Vec<Envelope> = Vec::new();
        let mut text_is_a_format = false;
        for written in &policy.source.formats {
            match &**written {
                "auto" => {
                    formats.extend(format::auto());
                    envelopes.extend(envelope::all());
                }
                "text" => text_is_a_format = true,
                name if envelope::NAMES.contains(&name) => envelopes.extend(envelope::named(name).unwrap_or_default()),
                name => formats.push(format::named(name).map_err(|fault| unreadable(name, &fault))?),
            }
        }
        // What is named by its wrapping alone holds lines of any format.
        let wraps = |name: &str| matches!(name, "docker" | "journald") || envelope::NAMES.contains(&name);
        if policy.source.formats.iter().all(|name| wraps(name)) {
            formats = format::auto();
            if envelopes.is_empty() {
                envelopes = envelope::all();
            }
        }
        let envelopes: Vec<Wrap> = envelopes.into_iter().map(|envelope| compiler.wrap(envelope)).collect();
        let names_programs = !envelopes.is_empty() || formats.iter().any(|format| matches!(format, Format::Json(_)));
        let programs = message::PROGRAMS.iter().filter(|_| names_programs);
        let programs = programs.map(|program| compiler.route(Format::Message(Message::new(program)))).collect();
        let seeing =
            (formats.iter().position(Format::sees)).filter(|&at| formats[..at].iter().all(Format::refuses_seen));
        let routes: Vec<Route> = formats.into_iter().map(|format| compiler.route(format)).collect();
        let exports = policy.source.formats.iter().any(|name| matches!(&**name, "auto" | "journald"));
        let export = exports.then(|| {
            let fields = compiler.route(Format::Export(format::export::Export::new()));
            Box::new(Export { fields, message: compiler.wrap(envelope::journal()) })
        });
        let scrubs = text_is_a_format || policy.source.malformed == OnMalformed::Scrub;
        let text = scrubs.then(|| compiler.text_route());
        if let Some(path) = compiler.missing {
            let message = format!("database {} is not opened; hand it in by `Databases::provide`", path.display());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let marked = policy.source.formats.iter().all(|name| format::is_marked(name) || wraps(name));
        Ok(Plan {
            joins_cri: envelopes.iter().any(|wrap| matches!(wrap.envelope, Envelope::Cri(_))),
            joins_docker: routes.iter().any(|route| matches!(route.format, Format::Json(_))),
            routes,
            marked,
            export,
            seeing,
            envelopes,
            programs,
            text,
            text_is_a_format,
            encoding: match policy.encode.layout {
                Layout::Same => Encoding::Same,
                Layout::Json => Encoding::Json,
            },
            tagged: policy.encode.tag == TagForm::Append,
            zone: policy.source.zone.clone(),
            period: (!compiler.labels.is_empty()).then_some(policy.keys.epoch),
            labels: compiler.labels.clone(),
            classes: classes(policy),
            last_class: ClassId(policy.rules.last().map_or(0, |rule| rule.class)),
            policy: (policy.name.clone(), policy.version),
            inner: compiler.network(),
            exempt: (compiler.exempt, policy.exempt_reason.clone()),
            patterns: patterns(policy)?,
            detect: policy.detect.clone(),
            keep_text: policy.keep_text.clone(),
        })
    }

    /// What it does, for people: a row per field.
    pub fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }

    /// Which fields of its formats the policy does not name.
    pub fn coverage(&self) -> Coverage<'_> {
        Coverage(self)
    }

    /// Whether some field is pseudonymised, and with what period keys are asked for.
    pub fn period(&self) -> Option<Period> {
        self.period
    }

    /// A worker's memory for treatments.
    pub(crate) fn aid(&self) -> Aid {
        let classes: Vec<Box<str>> = self.classes.iter().map(|class| class.name.clone()).collect();
        let detector = Detector::with(self.patterns.clone());
        Aid { keys: Keys::new(&self.labels, &classes), detector, ..Aid::default() }
    }

    /// A worker's tags.
    pub(crate) fn tagger(&self) -> Tagger {
        Tagger::new(&self.classes, &self.policy.0, self.policy.1)
    }

    /// Hands a secret on with its epoch's printed name.
    pub(crate) fn admit(&self, aid: &mut Aid, epoch: Epoch, secret: Option<Secret>) {
        if let Some(period) = self.period {
            aid.keys.admit(epoch, period.name(epoch).as_str(), secret);
        }
    }

    /// The class of a line of which nothing is left: the one without conditions.
    pub(crate) fn last_class(&self) -> ClassId {
        self.last_class
    }
}

/// What compiling needs to know at each field.
struct Compiler<'a> {
    policy: &'a Policy,
    exempt: Arc<[IpNet]>,
    /// Names of the fields that are pseudonymised; a pseudonym's slot is an index into it.
    labels: Vec<Box<str>>,
    /// A database that nobody handed in.
    missing: Option<Box<std::path::Path>>,
}

impl Compiler<'_> {
    fn route(&mut self, format: Format) -> Route {
        let schema = format.schema();
        let dynamic = schema.items.is_empty() || !schema.more.is_empty();
        let found: Vec<(Treatment, bool)> = schema.fields.iter().map(|field| self.treatment(field)).collect();
        let steps: Box<[Step]> =
            schema.fields.iter().zip(&found).map(|(field, (treatment, _))| self.step(field, treatment)).collect();
        let clocks: Vec<(u16, Clock)> = (schema.fields.iter().enumerate())
            .filter_map(|(i, field)| Some((i as u16, field.clock?)))
            .filter(|(_, clock)| *clock != Clock::Partial)
            .collect();
        let rules = self.rules(schema);
        let is_line = |(field, (treatment, _)): (&Field, &(Treatment, bool))| {
            matches!(format, Format::Json(_))
                && &*field.name == "message"
                && matches!(treatment, Treatment::Scrub { .. })
        };
        let lines = schema.fields.iter().zip(&found).map(is_line);
        let lines = (0..).zip(lines).filter_map(|(field, is_line)| is_line.then_some(field)).collect();
        let early = treatment::early(&steps);
        // Where several fields can date a record, it may have its time from another.
        let proven = |at| format.proven(at).filter(|proven| *proven != Proven::Instant || clocks.len() == 1);
        let seen = treatment::seen(&steps, proven);
        let (treatments, named) = found.into_iter().unzip();
        let members = match self.policy.encode.layout {
            Layout::Same => Members::default(),
            Layout::Json => Members::of(schema),
        };
        let heads = Heads::of(schema, &seen, proven, |field| members.alone(field));
        let clf = format.holds_clf();
        let program = schema.fields.iter().position(|field| &*field.name == envelope::PROGRAM).map(|at| at as u16);
        Route {
            clf,
            format,
            steps,
            early,
            seen,
            rules,
            clocks,
            dynamic,
            lines,
            members,
            heads,
            program,
            treatments,
            named,
        }
    }

    fn wrap(&mut self, envelope: Envelope) -> Wrap {
        let schema = envelope.schema();
        let found: Vec<(Treatment, bool)> = schema.fields.iter().map(|field| self.treatment(field)).collect();
        let steps =
            schema.fields.iter().zip(&found).map(|(field, (treatment, _))| self.step(field, treatment)).collect();
        let text = Format::Text(text::Text::named(&schema.name));
        let (treatments, named) = found.into_iter().unzip();
        Wrap { text: self.route(text), envelope, steps, treatments, named }
    }

    /// The route of lines of which nothing is known: scrubbed as the policy scrubs messages, else by every detector.
    fn text_route(&mut self) -> Route {
        let mut route = self.route(format::text());
        let scrubs = |treatment: &Treatment| matches!(treatment, Treatment::Scrub { .. });
        if !scrubs(&route.treatments[0]) {
            let network = self.network();
            let treatment = Treatment::Scrub { kinds: Kinds::ALL, network };
            route.early = Vec::new();
            route.steps = Box::new([self.step(&route.format.schema().fields[0].clone(), &treatment)]);
            route.treatments = vec![treatment];
        }
        route
    }

    /// The policy's treatment of a field, and whether the policy names it or a family of it.
    fn treatment(&self, field: &Field) -> (Treatment, bool) {
        let treatment = self.policy.treatment(&field.name);
        (treatment.clone(), !std::ptr::eq(treatment, &self.policy.rest))
    }

    fn step(&mut self, field: &Field, treatment: &Treatment) -> Step {
        match &*field.name {
            json::KNOWN_KEY_NAME => return Step::Keep(Grammar::Known),
            json::UNKNOWN_KEY_NAME => return Step::Name(Name),
            _ => {}
        }
        match treatment {
            Treatment::Coarsen(how) => match (how, field.clock) {
                (policy::Coarsen::Step(step), _) => Step::Coarsen(Coarsen::Number(*step)),
                (policy::Coarsen::Minute, clock) => self.time(clock, Unit::Minute),
                (policy::Coarsen::Hour, clock) => self.time(clock, Unit::Hour),
                (policy::Coarsen::Day, clock) => self.time(clock, Unit::Day),
            },
            Treatment::Cookie { keep, pseudonym, digits } => Step::Cookie(Cookie::new(
                names(keep),
                names(pseudonym),
                self.pseudonym("device.id", Kind::Identifier, *digits),
                self.pseudonym("session.id", Kind::Identifier, *digits),
            )),
            Treatment::Country { database } => match self.policy.databases.at(database) {
                Some(database) => Step::Country(Country { database: database.clone() }),
                None => {
                    self.missing = Some(database.clone());
                    Step::Drop
                }
            },
            Treatment::Drop => Step::Drop,
            Treatment::Family { version } => Step::Family(Family::new(*version)),
            Treatment::Keep { .. } => Step::Keep(self.grammar(field)),
            Treatment::Language => Step::Language,
            Treatment::Origin => Step::Origin(Origin::new(self.truncate(self.network()))),
            Treatment::Path => Step::Path(Path::new(self.truncate(self.network()))),
            Treatment::Pseudonym { digits } => {
                Step::Pseudonym(self.pseudonym(&field.name.clone(), field.kind, *digits))
            }
            Treatment::Query { keep, pseudonym, digits } => Step::Query(Query::new(
                names(keep),
                names(pseudonym),
                self.pseudonym("device.id", Kind::Identifier, *digits),
                self.pseudonym("session.id", Kind::Identifier, *digits),
                self.truncate(self.network()),
            )),
            Treatment::Scrub { kinds, network } => {
                let controls = match field.escape {
                    // Who asks for addresses alone wants no other byte touched.
                    _ if *kinds == Kinds::IP => Controls::Leave,
                    Escape::Json => Controls::Json,
                    Escape::Hex | Escape::None => Controls::Escape,
                };
                let scrub = Scrub::new(*kinds, self.truncate(*network), controls);
                Step::Scrub(if field.kind == Kind::Address { scrub.of_addresses() } else { scrub })
            }
            Treatment::Truncate(network) => Step::Truncate(self.truncate(*network)),
        }
    }

    fn time(&self, clock: Option<Clock>, unit: Unit) -> Step {
        Step::Coarsen(Coarsen::Time(clock.unwrap_or(Clock::Any), unit))
    }

    /// The pseudonyms of one name share a key, wherever they stand.
    fn pseudonym(&mut self, name: &str, kind: Kind, digits: u8) -> Pseudonym {
        let slot = self.labels.iter().position(|label| **label == *name).unwrap_or_else(|| {
            self.labels.push(name.into());
            self.labels.len() - 1
        });
        let canonical = match kind {
            Kind::Address => Canonical::Address,
            Kind::User => Canonical::User,
            _ => Canonical::Identifier,
        };
        Pseudonym { slot: slot as u16, digits, canonical }
    }

    fn truncate(&self, network: Network) -> Truncate {
        let port = match network.port {
            policy::Port::Drop => Port::Drop,
            policy::Port::Keep => Port::Keep,
        };
        Truncate { v4: network.v4, v6: network.v6, port, exempt: self.exempt.clone() }
    }

    /// How addresses inside other values are cut: as the client's is.
    fn network(&self) -> Network {
        let client = self.policy.fields.iter().find(|(name, _)| &**name == "client.address");
        match client {
            Some((_, Treatment::Truncate(network))) => Network { port: policy::Port::Drop, ..*network },
            _ => Network { v4: 24, v6: 48, port: policy::Port::Drop },
        }
    }

    fn grammar(&self, field: &Field) -> Grammar {
        Grammar::of(field.kind, field.clock, self.truncate(self.network()))
    }

    fn rules(&self, schema: &Schema) -> Rules {
        let mut rules = Vec::new();
        for rule in &self.policy.rules {
            if !rule.formats.is_empty() && !rule.formats.iter().any(|name| **name == *schema.name) {
                continue;
            }
            // A condition on a field that the format does not have cannot hold.
            let conditions: Option<Vec<_>> = (rule.fields.iter())
                .map(|(name, patterns)| {
                    let at = schema.fields.iter().position(|field| field.name == *name)?;
                    Some((at as u16, patterns.iter().map(|pattern| Pattern::new(pattern)).collect()))
                })
                .collect();
            if let Some(fields) = conditions {
                rules.push((ClassId(rule.class), Conditions { fields }));
            }
        }
        Rules(rules)
    }
}

/// The policy's own patterns, compiled.
fn patterns(policy: &Policy) -> Result<Patterns, Error> {
    let mut patterns = Patterns::default();
    let refused =
        |name: &str, fault: &str| Error::new(ErrorKind::Config, format!("cannot use the pattern {name}: {fault}"));
    for detect in &policy.detect {
        let called = format!("of `{}`", detect.name);
        let replacement =
            Fixed::new(&detect.replacement).ok_or_else(|| refused(&called, "its replacement cannot stand in a log"))?;
        patterns.detect(&detect.pattern, replacement).map_err(|fault| refused(&called, &fault))?;
    }
    for pattern in policy.keep_text.iter().flat_map(|kept| &kept.patterns) {
        patterns.keep(pattern).map_err(|fault| refused("in [keep_text]", &fault))?;
    }
    Ok(patterns)
}

/// A format that cannot be compiled, with the place in it.
fn unreadable(name: &str, fault: &CompileError) -> Error {
    let place = match fault.at {
        0 => String::new(),
        at => format!(" at byte {at} of `{name}`"),
    };
    Error::new(ErrorKind::Config, format!("cannot use the format{place}: {fault}"))
}

fn classes(policy: &Policy) -> Vec<retention::Class> {
    let class = |class: &policy::Class| retention::Class {
        name: class.name.clone(),
        keep: class.keep,
        purpose: class.purpose,
        basis: class.basis,
    };
    policy.classes.iter().map(class).collect()
}

fn names(list: &[Box<str>]) -> Vec<Box<[u8]>> {
    list.iter().map(|name| name.as_bytes().into()).collect()
}

fn sorted(networks: &[IpNet]) -> Arc<[IpNet]> {
    let mut networks = networks.to_vec();
    networks.sort();
    networks.into()
}
