//! Record → tag: which class a record belongs to and the day it must be deleted.

use crate::{
    record::{Record, Schema},
    time::Timestamp,
};

/// How long a class is kept: a calendar duration, reckoned from the record's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Calendar months (a year is twelve).
    pub months: u32,
    /// Days (a week is seven), added after the months.
    pub days: u32,
}

/// What a class is kept for: the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `security`
    Security,
    /// `fault_detection`
    FaultDetection,
    /// `abuse_tracing`
    AbuseTracing,
    /// `service_delivery`
    ServiceDelivery,
    /// `analytics`
    Analytics,
    /// `statistics`
    Statistics,
    /// `support`
    Support,
    /// `legal_obligation`
    LegalObligation,
    /// `legal_claim`
    LegalClaim,
}

/// On what ground (GDPR art. 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// `contract`
    Contract,
    /// `legitimate_interest`
    LegitimateInterest,
    /// `legal_obligation`
    LegalObligation,
    /// `consent`
    Consent,
    /// `none`: statistics only.
    None,
}

/// A class by its place in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassId(pub u8);

/// A class as the tag writes it.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: Box<str>,
    /// How long it is kept.
    pub keep: Keep,
    /// What for.
    pub purpose: Purpose,
    /// On what ground.
    pub basis: Basis,
}

/// Conditions on one format's fields. All must hold.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Field indexes of the schema and patterns of which one must match some present value of that field.
    pub fields: Vec<(u16, Vec<Box<[u8]>>)>,
}

/// The rules of one format, in order; the first whose conditions hold wins. The last has none.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub Vec<(ClassId, Conditions)>);

impl Rules {
    /// The class of a record.
    #[inline]
    pub fn classify(&self, schema: &Schema, line: &[u8], record: &Record) -> ClassId {
        let _ = (schema, line, record);
        self.0.last().map_or(ClassId(0), |rule| rule.0)
    }
}

/// The tag of one record, in its printed forms.
#[derive(Clone, Copy, Debug)]
pub struct Tag<'a> {
    /// The class.
    pub class: ClassId,
    /// ` "class=security_log until=2027-05-21 policy=hosting/3"`, with its leading blank.
    pub field: &'a [u8],
    /// `"sladd":{"class":"security_log",…}`, without comma.
    pub member: &'a [u8],
}

/// Prints tags: knows the classes and the policy's name, remembers what it printed for a class and day. One a worker.
#[derive(Clone, Debug)]
pub struct Tagger {
    _classes: Vec<Class>,
}

impl Tagger {
    /// For these classes under this policy.
    pub fn new(classes: &[Class], policy: &str, version: u32) -> Tagger {
        let _ = (policy, version);
        Tagger { _classes: classes.to_vec() }
    }

    /// The tag of a record of this class and time.
    #[inline]
    pub fn tag(&mut self, class: ClassId, time: Timestamp) -> Tag<'_> {
        let _ = time;
        Tag { class, field: b"", member: b"" }
    }
}

/// Where one tag field of ours begins at the end of a line (before its leading blank), if there is one.
///
/// The form must be exactly ours: ` "class=NAME until=YYYY-MM-DD policy=NAME/N"`.
pub fn strip(line: &[u8]) -> Option<usize> {
    let _ = line;
    None
}
