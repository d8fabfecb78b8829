//! The policy: what is written (`raw`) → checked (`check`) → valid ([`Policy`]). Faults are collected as findings and drawn
//! under the user's own lines (`finding`). A `Policy` that exists is right: nothing after it checks again. What somebody says
//! of their logs in public is judged against it (`claims`). What is told of a policy beside records is read back (`told`).
//!
//! Comes in: the text of a policy and a name for it. Goes out: a [`Policy`], or findings. It opens no file and knows nothing
//! of lines. The smallest example to copy is `check/words.rs`.

mod builtin;
mod check;
mod claims;
pub mod finding;
pub mod names;
mod raw;
mod suggest;
mod tenants;
mod told;
mod weaken;
pub mod wiring;

pub use builtin::{names, show};
pub use claims::{
    Answer, Claim, Claims, Evidence, Filed, Keyed, Open, Stated, Stored, Verdict, claim_words, judge, weigh,
};
pub use finding::{Code, Colour, Finding, Severity, draw};
pub use tenants::{OnUnknown, Role, Tenant, Tenants, Terms};
pub use weaken::Weakening;
pub use wiring::Wiring;

use crate::{
    detect::Kinds,
    epoch::Period,
    retention::{Basis, Keep, Life, Purpose},
    seal::Recipient,
    time::Zone,
    treatment::{country::Database, reversible::Scheme},
};
use ipnet::IpNet;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A valid policy.
///
/// ```
/// use sladd::policy::{Policy, Treatment};
/// let (policy, findings) = Policy::parse(
///     r#"
///     base = "hosting"
///     name = "example-host"
///     version = 1
///     [fields]
///     "$remote_addr" = { treatment = "drop" }
///     "#,
///     "example.toml",
/// );
/// assert_eq!(findings, []);
/// assert_eq!(*policy.unwrap().treatment("client.address"), Treatment::Drop);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Goes into every tag: `[a-z0-9-]{1,32}`.
    pub name: Box<str>,
    /// Goes into every tag.
    pub version: u32,
    /// What comes in.
    pub source: Source,
    /// What happens to each field, by canonical name or `family.*` pattern, in the order written, without `"*"`.
    pub fields: Vec<(Box<str>, Treatment)>,
    /// What happens to every other field.
    pub rest: Treatment,
    /// Addresses that are left as they are.
    pub exempt: Vec<IpNet>,
    /// Why they are; `None` where there are none.
    pub exempt_reason: Option<Box<str>>,
    /// What the detectors look for beside what they know.
    pub detect: Vec<Detect>,
    /// Text that the detectors leave.
    pub keep_text: Option<KeepText>,
    /// Classes, each named once, in the order of their first rule.
    pub classes: Vec<Class>,
    /// First match wins; the last has no conditions.
    pub rules: Vec<Rule>,
    /// Whose records are not those of whoever runs sladd.
    pub tenants: Tenants,
    /// How the output is written.
    pub encode: Encode,
    /// To whom lines are sealed, and where they are kept; `None`: none are.
    pub seal: Option<Seal>,
    /// Keys of pseudonyms.
    pub keys: Keys,
    /// Examples that `sladd test` runs.
    pub examples: Vec<Example>,
    /// What was opened for it. Nothing of it is written in the policy.
    pub databases: Databases,
    /// What the sidecar reads and writes.
    pub wiring: Wiring,
}

impl Policy {
    /// The policy that `text` writes, unless it has faults, and all findings in the order of the text.
    ///
    /// `file` is the name that findings give the text; nothing is opened. There is a policy if and only if no finding is an error.
    pub fn parse(text: &str, file: &str) -> (Option<Policy>, Vec<Finding>) {
        check::check(text, file)
    }

    /// Lines are of these formats and not of the policy's own. The limit of malformed lines holds where none is `auto`, as
    /// it does where a policy names them.
    pub fn read_as(&mut self, formats: Vec<Box<str>>) {
        let limit = self.source.malformed_limit.unwrap_or(check::DEFAULT_LIMIT);
        self.source.malformed_limit = (!formats.iter().any(|format| &**format == "auto")).then_some(limit);
        self.source.formats = formats;
    }

    /// A built-in policy, by name.
    ///
    /// ```
    /// use sladd::policy::{Policy, names};
    /// assert!(names().iter().all(|name| Policy::builtin(name).is_some()));
    /// assert_eq!(Policy::builtin("lax"), None);
    /// ```
    pub fn builtin(name: &str) -> Option<Policy> {
        builtin::policy(name)
    }

    /// What happens to the field of this canonical name: its own line decides, else the longest pattern, else `"*"`.
    pub fn treatment(&self, field: &str) -> &Treatment {
        let pattern =
            |(name, _): &&(Box<str>, Treatment)| name.strip_suffix('*').is_some_and(|prefix| field.starts_with(prefix));
        let exact = self.fields.iter().find(|(name, _)| &**name == field);
        let found = exact.or_else(|| self.fields.iter().filter(pattern).max_by_key(|(name, _)| name.len()));
        found.map_or(&self.rest, |(_, treatment)| treatment)
    }

    /// The databases that it names, each once. Whoever may open files hands them in by [`Databases::provide`] before the
    /// policy is compiled.
    pub fn named_databases(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = Vec::new();
        for treatment in self.fields.iter().map(|(_, treatment)| treatment).chain([&self.rest]) {
            if let Treatment::Country { database } = treatment
                && !paths.contains(&&**database)
            {
                paths.push(database);
            }
        }
        paths
    }

    /// Each point in which this policy protects less than `base`.
    pub fn weakenings(&self, base: &Policy) -> Vec<Weakening> {
        weaken::weakenings(self, base)
    }
}

/// `[source]`
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Formats as written, tried in order: `auto` alone, or names and directives.
    pub formats: Vec<Box<str>>,
    /// What becomes of a line that fits none.
    pub malformed: OnMalformed,
    /// The share of malformed lines that ends the run, in per cent; `None`: no limit.
    pub malformed_limit: Option<f64>,
    /// The zone of layouts that have none.
    pub zone: Zone,
}

/// Databases that were opened for a policy, by their paths.
///
/// Two policies that say the same are equal, whatever was opened for them.
#[derive(Clone, Debug, Default)]
pub struct Databases(Vec<(Box<Path>, Arc<Database>)>);

impl Databases {
    /// Hands in what stands at `path`.
    pub fn provide(&mut self, path: &Path, database: Arc<Database>) {
        self.0.retain(|(other, _)| **other != *path);
        self.0.push((path.into(), database));
    }

    /// What stands at `path`, if it was handed in.
    pub fn at(&self, path: &Path) -> Option<&Arc<Database>> {
        self.0.iter().find(|(other, _)| **other == *path).map(|(_, database)| database)
    }
}

impl PartialEq for Databases {
    fn eq(&self, _: &Databases) -> bool {
        true
    }
}

/// What becomes of a line that fits no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMalformed {
    /// Its text is scrubbed.
    Scrub,
    /// It is left out.
    Drop,
    /// It is left out, and sealed as it came: only another machine can open it.
    Seal,
}

/// What happens to a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Treatment {
    /// Rounds a time (`to`) or a number.
    Coarsen(Coarsen),
    /// Parameter by parameter; the `keep` names' values stay, the `pseudonym` names' values are pseudonymised, the rest goes.
    Cookie {
        /// Names whose values stay.
        keep: Vec<Box<str>>,
        /// Names whose values are pseudonymised.
        pseudonym: Vec<Box<str>>,
        /// Of each pseudonym, 4 to 32.
        digits: u8,
    },
    /// The country of an address, two letters.
    Country {
        /// Where the database is: an absolute path.
        database: Box<Path>,
    },
    /// Withholds it.
    Drop,
    /// A user agent's family, major version and system; without version where `version` is false.
    Family {
        /// Whether the major version stays.
        version: bool,
    },
    /// Keeps it if it passes the grammar of its kind.
    Keep {
        /// Why an address or identifier may stay.
        reason: Option<Box<str>>,
    },
    /// A language header's primary tag.
    Language,
    /// A URL's scheme, host and port.
    Origin,
    /// A path with the segments that look like identifiers replaced.
    Path,
    /// A keyed pseudonym.
    Pseudonym {
        /// Hexadecimal digits, 4 to 32; in the form of an address 4 to 16.
        digits: u8,
        /// How it is printed.
        form: PseudonymForm,
    },
    /// Parameter by parameter: beside what the built-in rule keeps, `keep` names' values stay and `pseudonym` names' values are pseudonymised.
    Query {
        /// Names whose values stay.
        keep: Vec<Box<str>>,
        /// Names whose values are pseudonymised.
        pseudonym: Vec<Box<str>>,
        /// Of each pseudonym, 4 to 32.
        digits: u8,
    },
    /// An address encrypted: whoever has the key can have it back.
    Reversible {
        /// How.
        scheme: Scheme,
        /// Why it may be.
        reason: Option<Box<str>>,
    },
    /// Free text with what the detectors find replaced.
    Scrub {
        /// What the detectors look for.
        kinds: Kinds,
        /// How found addresses are cut.
        network: Network,
    },
    /// An address cut to a prefix.
    Truncate(Network),
}

/// How a pseudonym is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PseudonymForm {
    /// `p1.20261121.9f86d081884c7d65`
    Token,
    /// An IPv6 address of a unique-local network of ours, with the epoch in it.
    Address,
}

/// How addresses are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Bits of an IPv4 address that stay, 0 to 32.
    pub v4: u8,
    /// Bits of an IPv6 address that stay, 0 to 128.
    pub v6: u8,
    /// What becomes of a port.
    pub port: Port,
}

/// What becomes of the port behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It goes.
    Drop,
    /// It stays.
    Keep,
}

/// `[[detect]]`: a pattern that the operator calls an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detect {
    /// `[a-z0-9_]{1,32}`.
    pub name: Box<str>,
    /// A regular expression on bytes that [`crate::detect::compile`] takes.
    pub pattern: Box<str>,
    /// What stands for it: a text that [`crate::detect::Fixed::new`] takes.
    pub replacement: Box<str>,
}

/// `[keep_text]`: patterns of text that is known to hold no identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepText {
    /// Regular expressions on bytes that [`crate::detect::compile`] takes.
    pub patterns: Vec<Box<str>>,
    /// Why such text may stay.
    pub reason: Box<str>,
}

/// How far a value is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coarsen {
    /// A time, to its full minute.
    Minute,
    /// A time, to its full hour.
    Hour,
    /// A time, to its day.
    Day,
    /// A number, to a multiple of this.
    Step(u64),
}

/// A retention class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// `[a-z0-9_]{1,32}`.
    pub name: Box<str>,
    /// How long its records live.
    pub keep: Life,
    /// What they are kept for.
    pub purpose: Purpose,
    /// On what ground.
    pub basis: Basis,
}

/// A retention rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Index into [`Policy::classes`].
    pub class: u8,
    /// Formats by name; empty: any.
    pub formats: Vec<Box<str>>,
    /// Canonical field names and the patterns of which one must match (`*` at the end, `4xx`); all conditions must hold.
    pub fields: Vec<(Box<str>, Vec<Box<str>>)>,
}

/// `[encode]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encode {
    /// The layout of the output.
    pub layout: Layout,
    /// Whether the tag is written.
    pub tag: TagForm,
}

/// The layout of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The input's own.
    Same,
    /// One flat JSON object a line, with canonical names.
    Json,
}

/// Whether the tag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagForm {
    /// As a field of the record.
    Append,
    /// Not at all.
    None,
}

/// `[seal]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Each of them can open what is sealed. There is one at least.
    pub recipients: Vec<Recipient>,
    /// Where it is kept: an absolute path.
    pub directory: PathBuf,
    /// No more is kept.
    pub limit_bytes: u64,
    /// So long it is kept: [`MOST_SEALED_DAYS`] at most, and no longer than any class.
    pub keep_days: u32,
}

/// Sealed or not, no raw line is kept longer.
pub const MOST_SEALED_DAYS: u32 = 7;

/// `[keys]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Where secrets are kept; `None`: in memory.
    pub directory: Option<std::path::PathBuf>,
    /// How long one secret is used, by the records' time.
    pub epoch: Period,
    /// How long a secret lives after its epoch.
    pub keep: Keep,
    /// What secrets are encrypted with where they lie; `None`: they are not.
    pub wrap: Option<Wrap>,
    /// How a secret comes to be.
    pub mode: KeyMode,
}

/// How the secret of an epoch comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMode {
    /// From random bytes of its own.
    Random,
    /// From the one before it, so that hosts that once shared one agree.
    Ratchet,
}

/// Where the 32 bytes are that secrets are encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// In a file: an absolute path.
    File(std::path::PathBuf),
    /// In a credential of systemd, by its name: `[A-Za-z0-9_.-]{1,64}`.
    Credential(Box<str>),
}

/// `[[example]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// A line as a server would write it.
    pub line: Box<str>,
    /// The format it is in, where the policy's own does not say.
    pub format: Option<Box<str>>,
    /// Texts that must not be in what comes out.
    pub gone: Vec<Box<str>>,
    /// Texts that must.
    pub kept: Vec<Box<str>>,
}
