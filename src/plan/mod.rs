//! Policy + formats → Plan: flat, immutable, compiled once.

mod explain;
mod figure;
mod tenancy;

pub use explain::{Coverage, Explanation};
pub(crate) use figure::Figures;
pub(crate) use tenancy::{Memo, Tenancy, Tenanted, Whose};

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
    record::{Clock, Escape, Field, Kind, Proven, QUOTES, Record, Schema, Seen, Sight},
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
        pseudonym::{Canonical, Form, Pseudonym, Secret},
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
    /// Which of them are worth trying on a line.
    edges: Edges,
    /// Those of them that read lines by sight.
    seeing: Seeing,
    /// Whether the first of them reads lines of JSON, and no rule asks for their keys: such lines may be read by what is
    /// remembered of earlier ones.
    pub(crate) recalls: bool,
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
    /// Where a line goes that fits none; `None`: it is dropped or sealed.
    pub(crate) text: Option<Route>,
    /// To whom lines are sealed, where some are.
    seal: Option<policy::Seal>,
    /// Whether a line that fits no format is.
    seals_malformed: bool,
    /// Whether the policy names `text` as a format, so that such lines are minimised and not merely scrubbed.
    pub(crate) text_is_a_format: bool,
    /// Whether every line is text, of which nothing but the addresses is cut and to which nothing is added: then many lines
    /// are treated together.
    pub(crate) bare: bool,
    /// How records are written.
    pub(crate) encoding: Encoding,
    /// Under what the values of its fields are counted.
    pub(crate) figures: Figures,
    /// Whether the tag is written.
    pub(crate) tagged: bool,
    /// The zone of layouts that have none.
    pub(crate) zone: Zone,
    /// The keys' period, where some field is pseudonymised.
    pub(crate) period: Option<Period>,
    labels: Vec<Box<str>>,
    classes: Vec<retention::Class>,
    last_class: ClassId,
    /// Whose records are not those of whoever runs sladd.
    pub(crate) tenancy: Option<Box<Tenancy>>,
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

/// What stands around a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// This of the envelopes, up to here.
    Envelope { which: usize, end: usize },
    /// It is part of a line.
    Part,
}

/// Which formats a line may be of by its first byte and its last: one bit each, of the first [`MOST_EDGES`].
#[derive(Debug)]
struct Edges {
    first: Box<[u64; 256]>,
    last: Box<[u64; 256]>,
    /// Those whose lines all hold a time as Apache and nginx write it, in brackets and with a quote behind them.
    clf: u64,
    all: u64,
}

/// So many formats are told by their edges; more are tried on every line.
const MOST_EDGES: usize = 64;

impl Edges {
    fn of(routes: &[Route]) -> Edges {
        let routes = &routes[..routes.len().min(MOST_EDGES)];
        let set = |is: &dyn Fn(&Route) -> bool| {
            routes.iter().enumerate().fold(0, |set, (at, route)| set | u64::from(is(route)) << at)
        };
        let each = |is: &dyn Fn(&Route, u8) -> bool| {
            let mut sets = Box::new([0; 256]);
            for (byte, of) in (0..=255).zip(&mut *sets) {
                *of = set(&|route| is(route, byte));
            }
            sets
        };
        Edges {
            first: each(&|route, byte| route.format.begins_with(byte)),
            last: each(&|route, byte| route.format.ends_with(byte)),
            clf: set(&|route| route.clf),
            all: set(&|_| true),
        }
    }

    #[inline]
    fn may(&self, line: &[u8]) -> u64 {
        match (line.first(), line.last()) {
            (Some(&first), Some(&last)) => self.first[usize::from(first)] & self.last[usize::from(last)],
            _ => self.all,
        }
    }
}

/// The formats that read lines by sight, where those before them refuse all that they so read: by the number of quotes that
/// such a line has, first the one with nothing behind its layout.
#[derive(Debug, Default)]
struct Seeing {
    by_quotes: [[Option<u16>; 2]; QUOTES + 1],
    any: bool,
}

impl Seeing {
    fn of(formats: &[Format]) -> Seeing {
        let mut seeing = Seeing::default();
        for (at, format) in formats.iter().enumerate() {
            let Some(look) = format.look() else { continue };
            let place = seeing.by_quotes.get_mut(look.quotes).map(|both| &mut both[usize::from(look.behind)]);
            if let Some(place @ None) = place
                && formats[..at].iter().all(|before| before.refuses_seen(look))
            {
                *place = Some(at as u16);
                seeing.any = true;
            }
        }
        seeing
    }
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
    /// The figure that each field's values are counted under.
    pub(crate) counted: Box<[u16]>,
    /// Which of the fields the treatments should know of early.
    pub(crate) early: treatment::Early,
    /// Which of the values they have to look at in a line that was read by sight.
    pub(crate) seen: Box<[u16]>,
    pub(crate) rules: Rules,
    /// What is asked where there are tenants.
    pub(crate) tenanted: Tenanted,
    /// The place of a line that was read by sight at which its time stands, as Apache and nginx write it, where nothing else
    /// dates it.
    pub(crate) stamp: Option<u16>,
    /// Fields that can date the record, in order. Unused where fields stand in any order.
    pub(crate) clocks: Vec<(u16, Clock)>,
    /// Whether a field's value may stand at any place of a record: JSON, and formats of several layouts.
    pub(crate) dynamic: bool,
    /// Whether every line of the format holds a time as Apache and nginx write it, in brackets and with a quote behind them.
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
    /// The figure that each field's values are counted under.
    pub(crate) counted: Box<[u16]>,
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
        let mut may = self.edges.may(line);
        while may != 0 {
            let at = may.trailing_zeros() as usize;
            may &= may - 1;
            let route = &self.routes[at];
            if route.clf && !asked.holds_clf() {
                may &= !self.edges.clf;
            } else if route.format.parse(line, ending, record).is_ok() {
                return Some(at);
            }
        }
        let rest = self.routes.iter().enumerate().skip(MOST_EDGES);
        let mut rest = rest.filter(|(_, route)| !route.clf || asked.holds_clf());
        rest.find(|(_, route)| route.format.parse(line, ending, record).is_ok()).map(|(at, _)| at)
    }

    /// Whether some format reads lines by sight.
    #[inline]
    pub(crate) fn sees(&self) -> bool {
        self.seeing.any
    }

    /// The format that a whole line fits of which the sight is known, by its place among the routes, where it can be read by
    /// sight; its values are then in the record. `None` says nothing.
    #[inline(always)]
    pub(crate) fn read_sight(&self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<(u16, Seen)> {
        let [plain, behind] = *self.seeing.by_quotes.get(sight.count)?;
        if let Some(at) = plain
            && let Some(seen) = self.routes[usize::from(at)].format.read_sight(line, sight, record)
        {
            return Some((at, seen));
        }
        let at = behind?;
        let seen = self.routes[usize::from(at)].format.read_sight_behind(line, sight, record)?;
        Some((at, seen))
    }

    /// The same without a look at the line's edges: the reference.
    #[cfg(test)]
    fn fits_plainly(&self, line: &[u8], ending: Ending, record: &mut Record) -> Option<usize> {
        self.routes.iter().position(|route| route.format.parse(line, ending, record).is_ok())
    }

    /// Whether one of the envelopes stands around a line: which it is and where it ends, with its values in the record. A part
    /// of a line that a container runtime wrote has one too.
    #[inline]
    pub(crate) fn opens(&self, line: &[u8], record: &mut Record) -> Option<Opened> {
        let open = |(which, wrap): (usize, &Wrap)| {
            let end = wrap.envelope.open(line, record)?;
            Some(Opened::Envelope { which, end })
        };
        let opened = self.envelopes.iter().enumerate().find_map(open);
        opened.or_else(|| (self.joins_cri && envelope::part(line).is_some()).then_some(Opened::Part))
    }

    /// Whether a string of a record may be a line of its own: most texts have nothing that every such line has.
    #[inline]
    pub(crate) fn may_hold(&self, route: &Route, string: &[u8], record: &Record) -> bool {
        let marks = || string.iter().any(|byte| byte.is_ascii_digit() || format::MARKS.contains(byte));
        // Who wrote it, if that is said, says what it is.
        let named = || record.values.iter().any(|value| route.program == Some(value.field));
        !self.marked || marks() || named()
    }

    /// Whether the engine asks for a field's value, to date, to class or to unpack a record; else only treatments do.
    pub(crate) fn asks(&self, route: &Route, field: u16) -> bool {
        let by_rule = || route.rules.0.iter().any(|(_, rule)| rule.fields.iter().any(|(asked, _)| *asked == field));
        route.format.schema().fields[usize::from(field)].clock.is_some()
            || route.lines.contains(&field)
            || route.program == Some(field)
            || route.tenanted.asks(field)
            || by_rule()
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
        let mut compiler = Compiler {
            policy,
            exempt: sorted(&policy.exempt),
            labels: Vec::new(),
            missing: None,
            figures: figure::Draft::default(),
        };
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
        let seeing = Seeing::of(&formats);
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
        let asks_for_keys = |route: &Route| {
            let mut fields = route.rules.0.iter().flat_map(|(_, conditions)| &conditions.fields);
            fields.any(|(field, _)| matches!(*field, json::KNOWN_KEY | json::UNKNOWN_KEY))
        };
        let is_json = |route: &Route| matches!(route.format, Format::Json(_));
        let bare = |text: &Route| {
            let rules = text.rules.0.iter().all(|(_, conditions)| conditions.fields.is_empty());
            let step = matches!(&text.steps[..], [Step::Scrub(scrub)] if scrub.is_bare());
            rules && step && text.clocks.is_empty()
        };
        let bare = text_is_a_format
            && routes.is_empty()
            && envelopes.is_empty()
            && policy.encode.layout == Layout::Same
            && policy.encode.tag == TagForm::None
            && compiler.labels.is_empty()
            && policy.detect.is_empty()
            && policy.keep_text.is_none()
            && policy.tenants.all.is_empty()
            && text.as_ref().is_some_and(bare);
        Ok(Plan {
            bare,
            recalls: routes.first().is_some_and(|route| is_json(route) && !asks_for_keys(route)),
            joins_cri: envelopes.iter().any(|wrap| matches!(wrap.envelope, Envelope::Cri(_))),
            joins_docker: routes.iter().any(|route| matches!(route.format, Format::Json(_))),
            edges: Edges::of(&routes),
            routes,
            marked,
            export,
            seeing,
            envelopes,
            programs,
            text,
            seal: policy.seal.clone(),
            seals_malformed: policy.source.malformed == OnMalformed::Seal,
            text_is_a_format,
            encoding: match policy.encode.layout {
                Layout::Same => Encoding::Same,
                Layout::Json => Encoding::Json,
            },
            figures: compiler.figures.done(),
            tagged: policy.encode.tag == TagForm::Append,
            zone: policy.source.zone.clone(),
            period: (!compiler.labels.is_empty()).then_some(policy.keys.epoch),
            labels: compiler.labels.clone(),
            classes: classes(policy),
            last_class: ClassId(policy.rules.last().map_or(0, |rule| rule.class.into())),
            tenancy: Tenancy::of(&policy.tenants, policy.classes.len()),
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

    /// Whether lines that fit no format are set aside to be sealed.
    #[inline]
    pub(crate) fn seals_malformed(&self) -> bool {
        self.seals_malformed
    }

    /// Its retention classes, those of whoever runs sladd and of each tenant: a class's number is its place.
    pub fn classes(&self) -> &[retention::Class] {
        &self.classes
    }

    /// A worker's memory for treatments.
    pub(crate) fn aid(&self) -> Aid {
        let classes = self.classes.iter().map(|class| (class.tenant.clone(), class.name.clone())).collect();
        let detector = Detector::with(self.patterns.clone());
        Aid { keys: Keys::new(&self.labels, classes), detector, ..Aid::default() }
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
    figures: figure::Draft,
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
        let rules = self.rules(&self.policy.rules, schema);
        let theirs = self.policy.tenants.all.iter().filter_map(|tenant| tenant.retention.as_ref());
        let tenanted = match self.policy.tenants.all.is_empty() {
            true => Tenanted::default(),
            false => Tenanted::of(schema, theirs.map(|terms| self.rules(&terms.rules, schema))),
        };
        let is_line = |(field, (treatment, _)): (&Field, &(Treatment, bool))| {
            matches!(format, Format::Json(_))
                && &*field.name == "message"
                && matches!(treatment, Treatment::Scrub { .. })
        };
        let lines = schema.fields.iter().zip(&found).map(is_line);
        let lines = (0..).zip(lines).filter_map(|(field, is_line)| is_line.then_some(field)).collect();
        let early = treatment::Early::of(&steps);
        // Where several fields can date a record, it may have its time from another.
        let proven = |at| format.proven(at).filter(|proven| *proven != Proven::Instant || clocks.len() == 1);
        let stamp = clocks.iter().map(|clock| clock.0).find(|&at| proven(at) == Some(Proven::Instant));
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
            counted: self.figures.of(format.schema(), &steps),
            clf,
            format,
            steps,
            early,
            seen,
            stamp,
            rules,
            tenanted,
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
        let steps: Box<[Step]> =
            schema.fields.iter().zip(&found).map(|(field, (treatment, _))| self.step(field, treatment)).collect();
        let counted = self.figures.of(schema, &steps);
        let text = Format::Text(text::Text::named(&schema.name));
        let (treatments, named) = found.into_iter().unzip();
        Wrap { text: self.route(text), envelope, steps, counted, treatments, named }
    }

    /// The route of lines of which nothing is known: scrubbed as the policy scrubs messages, else by every detector.
    fn text_route(&mut self) -> Route {
        let mut route = self.route(format::text());
        let scrubs = |treatment: &Treatment| matches!(treatment, Treatment::Scrub { .. });
        if !scrubs(&route.treatments[0]) {
            let network = self.network();
            let treatment = Treatment::Scrub { kinds: Kinds::ALL, network };
            route.early = treatment::Early::default();
            route.steps = Box::new([self.step(&route.format.schema().fields[0].clone(), &treatment)]);
            route.counted = self.figures.of(route.format.schema(), &route.steps);
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
            Treatment::Pseudonym { digits, form } => {
                let form = match form {
                    policy::PseudonymForm::Token => Form::Token,
                    policy::PseudonymForm::Address => Form::Address,
                };
                Step::Pseudonym(Pseudonym { form, ..self.pseudonym(&field.name.clone(), field.kind, *digits) })
            }
            Treatment::Query { keep, pseudonym, digits } => Step::Query(Query::new(
                names(keep),
                names(pseudonym),
                self.pseudonym("device.id", Kind::Identifier, *digits),
                self.pseudonym("session.id", Kind::Identifier, *digits),
                self.truncate(self.network()),
            )),
            Treatment::Reversible { scheme, .. } => {
                let form = Form::Reversible(*scheme);
                Step::Pseudonym(Pseudonym { form, ..self.pseudonym(&field.name.clone(), field.kind, 16) })
            }
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
        Pseudonym { slot: slot as u16, digits, form: Form::Token, canonical }
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

    fn rules(&self, written: &[policy::Rule], schema: &Schema) -> Rules {
        let mut rules = Vec::new();
        for rule in written {
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
                rules.push((ClassId(rule.class.into()), Conditions { fields }));
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
    let class = |(tenant, class): (&str, &policy::Class)| retention::Class {
        tenant: tenant.into(),
        name: class.name.clone(),
        keep: class.keep,
        purpose: class.purpose,
        basis: class.basis,
    };
    policy.shelves().map(class).collect()
}

fn names(list: &[Box<str>]) -> Vec<Box<[u8]>> {
    list.iter().map(|name| name.as_bytes().into()).collect()
}

fn sorted(networks: &[IpNet]) -> Arc<[IpNet]> {
    let mut networks = networks.to_vec();
    networks.sort();
    networks.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// Lines of every format.
    const LINES: &[&str] = &[
        r#"192.0.2.72 - - [19/Nov/2026:08:00:00 +0100] "HEAD /index.html HTTP/2.0" 200 529 "https://www.example.com/" "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1""#,
        r#"192.0.2.43 - - [19/Nov/2026:08:07:13 +0100] "GET /shop/cart?page=2&lang=nb HTTP/2.0" 301 15124 "https://www.example.com/" "curl/8.5.0""#,
        r#"198.51.100.143 - - [19/Nov/2026:08:00:00 +0100] "GET /search?q=red+mittens&sort=price HTTP/1.1" 200 8671"#,
        r#"www.example.com:443 2001:db8:bf2f:a4c4::e665 - - [19/Nov/2026:08:00:00 +0100] "GET /index.html HTTP/1.1" 500 60447 "https://www.example.com/" "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1""#,
        r#"www.example.com:443 198.51.100.143 - - [19/Nov/2026:08:00:00 +0100] "GET /search?q=red+mittens&sort=price HTTP/1.1" 200 8671"#,
        r#"203.0.113.20 - - [21/Nov/2026:11:00:00 +0000] "GET /index.html HTTP/1.1" 200 5120 0.003"#,
        r#"203.0.113.21 - kari [21/Nov/2026:11:01:00 +0000] "GET /orders?page=2 HTTP/1.1" 200 812 15234"#,
        r#"203.0.113.22 - - [21/Nov/2026:11:02:00 +0000] "POST /login HTTP/1.1" 302 - "www.example.com" 0.120"#,
        r#"https 2026-11-21T10:00:00.186641Z app/shop/50dc6c495c0c9188 192.0.2.17:2817 198.51.100.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a?b=c HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:eu-north-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 2026-11-21T09:59:59.364000Z "authenticate,forward" "-" "-" "198.51.100.1:80" "200" "-" "-" TID_dd82d04321bd7e4e"#,
        r#"http 2026-11-21T10:00:01.186641Z app/shop/50dc6c495c0c9188 192.0.2.18:2819 - -1 -1 -1 503 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "-" - - arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-11-21T10:00:00.364000Z "forward" "-" "-" "-" "-" "-" "-""#,
        r#"2026-11-21T10:00:00.945958Z shop 192.0.2.17:2817 198.51.100.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/8.5.0" - -"#,
        r#"2026-11-21T10:00:01.945958Z shop 192.0.2.18:2818 - -1 -1 -1 504 0 0 0 "GET http://www.example.com:80/a HTTP/1.1""#,
        r#"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-files [21/Nov/2026:10:00:00 +0000] 192.0.2.17 arn:aws:iam::123456789012:user/kari 3E57427F3EXAMPLE REST.GET.OBJECT photos/kari.jpg "GET /shop-files/photos/kari.jpg?versioning HTTP/1.1" 200 - 113 113 7 6 "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader shop-files.s3.eu-north-1.amazonaws.com TLSV1.2 arn:aws:s3:eu-north-1:123456789012:accesspoint/example Yes"#,
        r#"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-files [21/Nov/2026:10:00:01 +0000] 192.0.2.18 - 3E57427F3EXAMPLF REST.GET.OBJECT a.css "GET /a.css HTTP/1.1" 404 NoSuchKey 297 - 9 - "https://www.example.com/x" "curl/8.5.0" -"#,
        r#"1795255200.899  16867 192.0.2.17 TCP_TUNNEL/200 6256 CONNECT www.example.com:443 - HIER_DIRECT/198.51.100.3 -"#,
        r#"1795255201.330      3 192.0.2.18 TCP_REFRESH_MISS/200 2014 GET http://www.example.com/a.txt?q=kari kari HIER_DIRECT/198.51.100.3 text/plain"#,
        r#"1795255202.222    132 2001:db8::7 TCP_MISS/504 1293 GET http://www.example.org/x - HIER_NONE/- -"#,
        r#"[2026-11-21T10:00:00.310Z] "POST /api/v1/locations?device_id=a1b2c3d4 HTTP/2" 204 - 154 0 226 100 "192.0.2.17,198.51.100.2" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "www.example.com" "tcp://192.0.2.35:80""#,
        r#"[2026-11-21T10:00:01.002Z] "- - -" 0 UF,URX 0 0 10 - "-" "-" "-" "-" "192.0.2.36:5432""#,
        r#"[2026-11-21T10:00:00.035Z] "GET /status/418?q=kari HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "203.0.113.8" "curl/8.5.0" "84961386-6d84-929d-98bd-c5aee93b5c88" "shop:8000" "192.0.2.9:80" outbound|8000||shop.web.svc.cluster.local 192.0.2.4:37652 192.0.2.59:8000 192.0.2.17:46520 - default"#,
        r#"[2026-11-21T10:00:01.035Z] "- - -" 0 UH,URX - - "TLS error: 268435581" 0 0 5 - "-" "-" "-" "-" "-" - - 192.0.2.59:443 192.0.2.17:46522 www.example.com -"#,
        r#"192.0.2.17:53332 [21/Nov/2026:10:00:00.143] www~ shop/web1 0/0/7/1457/1487 200 11394 - - ---- 2/1/0/0/0 0/0 "GET /shop/cart?page=2&email=kari%40example.org HTTP/1.1""#,
        r#"192.0.2.17:53333 [21/Nov/2026:10:00:01.020] www~ shop/web2 0/0/1/43/+2707 200 +26170 sid=9f86d081884c7d65 - --VN 3/3/1/1/+1 0/0 {www.example.com|Mozilla/5.0 (X11; Linux x86_64)|203.0.113.8} {nginx|} "POST /login HTTP/2.0""#,
        r#"2001:db8::7:40022 [21/Nov/2026:10:00:02.331] www~ www/<NOSRV> -1/-1/-1/-1/6001 408 212 - - cR-- 100/89/0/0/0 0/0 {||} "<BADREQ>""#,
        r#"192.0.2.17:33313 [21/Nov/2026:10:00:00.443] mail mx/mx1 0/0/5007 212 -- 0/0/0/0/3 0/0"#,
        r#"192.0.2.17 - - [21/Nov/2026:10:00:00 +0000] "GET /shop?page=2&token=9f86d081884c7d65 HTTP/2.0" 200 512 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" 34 0.004 [shop-web-80] [] 192.0.2.3:8080 512 0.003 200 a1b2c3d4e5f60718293a4b5c6d7e8f90"#,
        r#"192.0.2.18 - kari [21/Nov/2026:10:00:01 +0000] "GET /a HTTP/1.1" 502 150 "-" "curl/8.5.0" 80 0.010 [shop-web-80] [shop-canary-80] 192.0.2.3:8080, 192.0.2.4:8080 0, 150 0.001, 0.009 502, 502 b1b2c3d4e5f60718293a4b5c6d7e8f90"#,
        r#"192.0.2.17 - kari [21/Nov/2026:10:00:00 +0100] "GET /shop/cart?page=2 HTTP/2.0" 200 450 "https://search.example.net/find?q=wool" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" 300 "shop@docker -> cart@docker" "http://192.0.2.3:80" 12ms"#,
        r#"2001:db8::7 - - [21/Nov/2026:10:00:01 +0100] "GET / HTTP/1.1" 404 19 - "curl/8.5.0" 301 "-" "-" 0ms"#,
        r#""203.0.113.7, 198.51.100.9" 192.0.2.1 - - [21/Nov/2026:10:00:00 +0100] "GET /index.html?q=ola HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
        r#"203.0.113.7, 198.51.100.9 192.0.2.1 - kari [21/Nov/2026:10:00:01 +0100] "GET / HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
        r#"www.example.com:443 "2001:db8:1:2::3" 192.0.2.1 - - [21/Nov/2026:10:00:02 +0100] "GET / HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
        r#"203.0.113.77 - [21/Nov/2026:10:00:00 +0100] "GET /index.html?q=ola HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
        r#"203.0.113.77 kari [21/Nov/2026:10:00:01 +0100] "GET / HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
        r#"2026/11/21 10:00:00 [notice] 31#31: signal process started"#,
        r#"2026/11/21 10:00:01 [error] 31#31: *46 open() "/var/www/html/favicon.ico" failed (2: No such file or directory), client: 203.0.113.77, server: www.example.com, request: "GET /favicon.ico?v=2 HTTP/1.1", host: "www.example.com", referrer: "https://example.org/a?b=c""#,
        r#"[Sat Nov 21 10:00:00 2026] [error] [client 203.0.113.77] File does not exist: /var/www/favicon.ico, referer: https://example.org/a?b=c"#,
        r#"[Sat Nov 21 10:00:01.123456 2026] [mpm_event:notice] [pid 4711:tid 140169861986176] AH00489: Apache/2.4.62 (Debian) configured -- resuming normal operations"#,
        r#"[Sat Nov 21 10:00:02.123456 2026] [auth_basic:error] [pid 10:tid 11] [client 203.0.113.77:50229] AH01618: user kari not found: /admin"#,
        r#"[21-Nov-2026 10:00:00 UTC] PHP Warning:  Undefined variable $x in /var/www/html/index.php on line 12"#,
        r#"[21-Nov-2026 10:00:01 Europe/Oslo] PHP Fatal error:  Uncaught PDOException: SQLSTATE[28000]: Access denied for user 'kari'@'203.0.113.77' in /home/ola/www/db.php:3"#,
        r#"[21-Nov-2026 10:00:00] NOTICE: fpm is running, pid 4711"#,
        r#"[21-Nov-2026 10:00:01] WARNING: [pool www] child 123 said into stderr: "NOTICE: PHP message: login of user kari from 203.0.113.77 failed""#,
        r#"CEF:0|Example|WAF|1.2|100|blocked request|7|src=192.0.2.17 spt=4711 suser=Kari Nordmann request=/shop?token\=9f86d081884c7d65 requestMethod=POST requestClientApplication=curl/8.5.0 msg=blocked 192.0.2.18 for kari@example.org own=192.0.2.18 rt=1795255200000"#,
        r#"Sat Nov 21 10:00:00 2026 [pid 2] CONNECT: Client "203.0.113.77""#,
        r#"Sat Nov 21 10:00:01 2026 [pid 1] [kari] OK LOGIN: Client "203.0.113.77""#,
        r#"2026-11-21 10:00:00,123 ftp.example.com proftpd[4711] ftp.example.com (dyn-77.example.net[203.0.113.77]): FTP session opened."#,
        r#"2026-11-21 10:00:01,123 ftp.example.com proftpd[4711] ftp.example.com (dyn-77.example.net[203.0.113.77]): USER kari: Login successful."#,
        r#"Sat Nov 21 10:00:00 2026 1 dyn-77.example.net 123456 /home/kari/holiday.jpg b _ i r kari ftp 0 * c"#,
        r#"Sat Nov 21 10:00:01 2026 2 203.0.113.77 512 /pub/readme.txt a _ o a ola@example.org ftp 0 * c"#,
        r#"2026-11-21 10:00:00 1tDxyz-0001Ab-2C <= kari@example.com H=dyn-77.example.net (laptop) [203.0.113.77]:50229 P=esmtpsa X=TLS1.3:TLS_AES_256_GCM_SHA384:256 A=dovecot_login:kari S=2048 id=4711@mail.example.org"#,
        r#"2026-11-21 10:00:01 1tDxyz-0001Ab-2C => ola@example.org R=dnslookup T=remote_smtp H=mx.example.org [198.51.100.25] C="250 OK""#,
        r#"2026-11-21 10:00:02 1tDxyz-0001Ab-2C => ola <postmaster@example.com> R=local_user T=mail_spool"#,
        r#"2026-11-21 10:00:03 1tDxyz-0001Ab-2C ** nobody@example.org: Unrouteable address"#,
        r#"time=2026-11-21T10:00:00Z level=info msg="request completed" remote_addr=192.0.2.17:40022 method=GET path=/shop/cart?page=2&email=kari%40example.org status=200 duration=12 user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" user=kari own=secret"#,
        r#"#Software: Microsoft Internet Information Services 10.0"#,
        r#"#Version: 1.0"#,
        r#"#Date: 2026-11-21 10:00:00"#,
        r#"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"#,
        r#"2026-11-21 10:00:00 192.0.2.1 GET /shop/cart.aspx page=2&email=kari%40example.org 443 SHOP\kari 192.0.2.17 Mozilla/5.0+(X11;+Linux+x86_64;+rv:128.0)+Gecko/20100101+Firefox/128.0 https://search.example.net/find?q=wool 200 0 0 15"#,
        r#"connection from 203.0.113.77:51234 refused"#,
        r#"user ola.nordmann@example.org asked for a new password"#,
        r#"{"time": "2026-11-19T08:00:00+01:00", "remote_addr": "198.51.100.93", "remote_user": "kari", "request": "GET /konto/reset/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b HTTP/1.1", "status": 200, "body_bytes_sent": 6913, "request_time": 0.0, "http_referer": "https://shop.example.org/cart?session=8f14e45fceea167a5a36dedd4bea2543", "http_user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "http_x_forwarded_for": "203.0.113.81, 2001:db8:75ac:cdad::5e3f", "tenant_note": "call +47 22 22 22 22"}"#,
        r#"192.0.2.17 www.example.com - [21/Nov/2026:10:00:00 +0100] "GET /index.html HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
        r#"192.0.2.17 - - [21/Nov/2026:10:00:00 +0100] "GET /app/login HTTP/1.1" 200 512"#,
        r#"192.0.2.17 - kari [21/Nov/2026:10:00:01 +0100] "GET /app/account HTTP/1.1" 200 2048 12"#,
        r#"Connection from 203.0.113.77 port 50229 on 192.0.2.10 port 22"#,
        r#"Invalid user kari from 203.0.113.77 port 50229"#,
        r#"www.example.com:443 192.0.2.1 - - [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0" 0.003"#,
        r#"www.example.com:443 192.0.2.1 - - [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5 0.003"#,
        r#"192.0.2.1 - - [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0" rt=0.003"#,
        r#"192.0.2.1 - - [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0" "203.0.113.7""#,
    ];

    fn plan(formats: &[&str]) -> Plan {
        let mut policy = Policy::builtin("hosting").unwrap();
        policy.source.formats = formats.iter().map(|name| (*name).into()).collect();
        Plan::compile(&policy).unwrap()
    }

    /// `auto`, and layouts of other dialects and ends.
    static PLANS: LazyLock<[Plan; 2]> = LazyLock::new(|| {
        let others = [
            "nginx:$remote_addr $status",
            "nginx:$status $body_bytes_sent $request_time",
            "nginx:$http_x_forwarded_for - $remote_user [$time_local] \"$request\" $upstream_status $upstream_response_time",
            "nginx:escape=json $remote_user $status",
            "nginx:escape=none $request_method $request_uri $bytes_sent",
            "nginx:$time_iso8601",
            "apache:%h %>s %b",
            "apache:%b %>s",
            "apache:%{X-Forwarded-For}i:%>s-%b",
            "apache:%D %O",
            "apache:%t",
            "tomcat",
            "lighttpd",
        ];
        let others: Vec<&str> = others.into_iter().cycle().take(6 * others.len()).chain(["auto"]).collect();
        [plan(&["auto"]), plan(&others)]
    });

    fn line() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b' '), Just(b'"'), Just(b'-'), Just(b'['), Just(b'0'), Just(b'.'), any::<u8>()];
        let one = || (0..LINES.len()).prop_map(|at| LINES[at].as_bytes().to_vec());
        (one(), one(), any::<(u8, u16, u16)>(), byte).prop_map(|(mut line, other, (how, at, from), byte)| {
            let at = at as usize % (line.len() + 1);
            match how % 10 {
                0 => line.insert(at, byte),
                1 => line.truncate(at),
                2 => drop(line.drain(..at)),
                3 => {
                    line.truncate(at);
                    line.extend_from_slice(&other[from as usize % (other.len() + 1)..]);
                }
                4 => line.push(byte),
                5 => line.insert(0, byte),
                6 if at < line.len() => line[at] = byte,
                7 if at < line.len() => drop(line.remove(at)),
                8 => line.extend_from_slice(b" 0.003"),
                _ => {}
            }
            line
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_look_at_a_lines_edges_changes_no_choice(line in line()) {
            let (mut quick, mut plain) = (Record::default(), Record::default());
            for plan in &*PLANS {
                for ending in [Ending::Whole, Ending::Cut] {
                    let found = plan.fits(&line, ending, &mut quick);
                    prop_assert_eq!(found, plan.fits_plainly(&line, ending, &mut plain));
                    let (mut sight, mut seen) = (Sight::default(), Record::default());
                    let text = [&line[..], b"\n"].concat();
                    if Detector::default().sight(&text, &mut sight)
                        && sight.length == line.len()
                        && let Some((at, _)) = plan.read_sight(&line, &sight, &mut seen)
                        && ending == Ending::Whole
                    {
                        prop_assert_eq!(found, Some(usize::from(at)));
                        prop_assert_eq!(&seen.values, &quick.values);
                    }
                    if found.is_some() {
                        prop_assert_eq!((&quick.values, quick.layout), (&plain.values, plain.layout));
                    }
                }
            }
        }
    }

    #[test]
    fn every_format_of_auto_has_a_line() {
        let plan = &PLANS[0];
        let mut record = Record::default();
        let mut read = vec![false; plan.routes.len()];
        for line in LINES {
            if let Some(at) = plan.fits(line.as_bytes(), Ending::Whole, &mut record) {
                read[at] = true;
            }
        }
        let missing: Vec<&str> = plan
            .routes
            .iter()
            .zip(read)
            .filter(|(_, read)| !read)
            .map(|(route, _)| &*route.format.schema().name)
            .collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
