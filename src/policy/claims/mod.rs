//! Claims: what somebody publishes about their logs, in a closed vocabulary, each with the sentence it stands for; judged
//! against a policy.
//!
//! Comes in: the text of a claims file and a policy, and what was found in stores and key directories where somebody looked.
//! Goes out: an [`Answer`] a claim. What is written is read in `read` and faults are drawn as those of policies are; what a
//! policy makes true is decided in `judge`, what of a field leaves in `leaves`, what was found ([`Evidence`]) in `weigh`.
//! Nothing here opens a file. The smallest claim to copy is [`Stated::Tagged`].

mod evidence;
mod judge;
mod leaves;
mod read;
mod tenants;
mod weigh;

pub use evidence::{Evidence, Filed, Keyed, Stored};
pub use judge::judge;
pub use weigh::weigh;

use super::{Finding, Network, Role, Treatment};
use crate::{
    detect::Kinds,
    epoch::Period,
    retention::{Basis, Keep, Life, Purpose},
};
use ipnet::IpNet;

/// A valid claims file.
///
/// ```
/// use sladd::policy::{Claims, Policy, Verdict, judge};
/// let (claims, findings) = Claims::parse(
///     r#"
///     [[claim]]
///     id = "purposes"
///     sentence = "Our logs are there to keep the service secure."
///     claim = "purposes_only"
///     purposes = ["security"]
///     "#,
///     "claims.toml",
/// );
/// assert_eq!(findings, []);
/// let policy = Policy::builtin("hosting").unwrap();
/// assert_eq!(judge(&policy, &claims.unwrap().claims[0]).verdict, Verdict::True);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// In the order written, each under an id of its own; at least one.
    pub claims: Vec<Claim>,
    /// What is published and no claim stands for yet.
    pub open: Vec<Open>,
}

impl Claims {
    /// The claims that `text` writes, unless it has faults, and all findings in the order of the text.
    ///
    /// `file` is the name that findings give the text; nothing is opened. There are claims if and only if there is no finding.
    pub fn parse(text: &str, file: &str) -> (Option<Claims>, Vec<Finding>) {
        read::read(text, file)
    }
}

/// One claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// `[A-Za-z0-9_.-]{1,32}`.
    pub id: Box<str>,
    /// The sentence that is published.
    pub sentence: Box<str>,
    /// The statements that it covers, by the names the operator gives them.
    pub covers: Vec<Box<str>>,
    /// What the sentence comes to.
    pub stated: Stated,
}

/// Statements that no claim covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// By the names the operator gives them.
    pub covers: Vec<Box<str>>,
    /// Why not.
    pub why: Box<str>,
}

/// What can be claimed.
#[derive(Clone, Debug, PartialEq)]
pub enum Stated {
    /// `address_at_most`: of no address, wherever it stands, more than so many bits leave.
    AddressAtMost {
        /// Bits of IPv4 and of IPv6.
        network: Network,
        /// Networks of which it is not said.
        except: Vec<IpNet>,
    },
    /// `basis_of`: the class, or every class, is kept on one of these grounds.
    BasisOf {
        /// The class; `None`: every one.
        class: Option<Box<str>>,
        /// The grounds.
        basis: Vec<Basis>,
    },
    /// `deleted_after`: records of the class, or of every class, are deleted no later.
    DeletedAfter {
        /// The class; `None`: every one.
        class: Option<Box<str>>,
        /// From the record's time.
        at_most: Life,
    },
    /// `deleted_after_relationship`: what is a customer's is deleted no later than so long after the contract ends.
    DeletedAfterRelationship {
        /// From the end of the contract.
        at_most: Keep,
    },
    /// `encrypted_at_rest`: what lies on a disk can be read with a key only.
    EncryptedAtRest,
    /// `encrypted_in_transit`: no line and no record crosses a network in the clear.
    EncryptedInTransit,
    /// `field_at_most`: no more of these fields leaves than this treatment would leave.
    FieldAtMost {
        /// Canonical names and `family.*` patterns.
        fields: Vec<Box<str>>,
        /// The treatment.
        at_most: Treatment,
    },
    /// `field_never_stored`: nothing of these fields leaves.
    FieldNeverStored {
        /// Canonical names and `family.*` patterns.
        fields: Vec<Box<str>>,
    },
    /// `free_text_scrubbed`: all text is read by the detectors of these kinds.
    FreeTextScrubbed {
        /// What they look for.
        kinds: Kinds,
    },
    /// `held_on_order`: what an order or a claim covers is kept, and nothing else.
    HeldOnOrder,
    /// `identifier_pseudonymised`: these fields leave as keyed pseudonyms or not at all.
    IdentifierPseudonymised {
        /// Canonical names and `family.*` patterns; empty: every user and identifier there is.
        fields: Vec<Box<str>>,
    },
    /// `key_destroyed_after`: a key of pseudonyms is destroyed so long after its period at the latest.
    KeyDestroyedAfter {
        /// From the end of the period.
        at_most: Keep,
    },
    /// `listens_only_here`: nobody on another machine can connect, but who proves to know a secret.
    ListensOnlyHere,
    /// `no_third_parties`: records go to nobody.
    NoThirdParties,
    /// `no_unkeyed_hash`: nothing leaves as a hash that can be undone by trying all values.
    NoUnkeyedHash,
    /// `not_linkable_across`: nothing tells that two records of different periods are of the same person.
    NotLinkableAcross {
        /// The period.
        period: Period,
    },
    /// `not_readable_by_others`: files can be read by their owner and group alone.
    NotReadableByOthers,
    /// `output_scanned`: a second reader goes over every record before it is written.
    OutputScanned,
    /// `purposes_only`: the class, or every class, is kept for one of these purposes.
    PurposesOnly {
        /// The class; `None`: every one.
        class: Option<Box<str>>,
        /// The purposes.
        purposes: Vec<Purpose>,
    },
    /// `recipient_fields`: whoever gets records over a connection gets these members of them alone.
    RecipientFields {
        /// Canonical names.
        fields: Vec<Box<str>>,
    },
    /// `recipients_only`: records go to nobody but these.
    RecipientsOnly {
        /// Host names, addresses and paths of sockets.
        recipients: Vec<Box<str>>,
    },
    /// `region`: records stay in these regions.
    Region {
        /// Their names.
        regions: Vec<Box<str>>,
    },
    /// `role`: for whose ends the records are kept.
    Role {
        /// Whose.
        role: Role,
    },
    /// `tagged`: every record says its class, its last day and the policy with its version.
    Tagged,
    /// `tenants_apart`: each customer's records have keys, terms and outputs of their own.
    TenantsApart,
    /// `unnamed_never_stored`: a field that the policy does not name does not leave.
    UnnamedNeverStored,
    /// `unparsed_never_stored_raw`: a line that fits no format does not leave as it came.
    UnparsedNeverStoredRaw,
    /// `versions_never_lengthen`: a new version of the policy lengthens the life of no record that is there.
    VersionsNeverLengthen,
}

/// What is said of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it holds.
    pub verdict: Verdict,
    /// Why, from the policy or from what was found: lower-case, no full stop.
    pub reason: String,
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The policy says so, and this version does it, or what was found shows that it is done.
    True,
    /// The policy, or what was found, says otherwise.
    False,
    /// The policy does not say otherwise, but nothing here makes it so.
    NotEnforced,
}

impl Verdict {
    /// As it is printed, `NOT ENFORCED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::True => "TRUE",
            Verdict::False => "FALSE",
            Verdict::NotEnforced => "NOT ENFORCED",
        }
    }
}

impl Stated {
    /// Its word in a claims file.
    pub fn word(&self) -> &'static str {
        match self {
            Stated::AddressAtMost { .. } => "address_at_most",
            Stated::BasisOf { .. } => "basis_of",
            Stated::DeletedAfter { .. } => "deleted_after",
            Stated::DeletedAfterRelationship { .. } => "deleted_after_relationship",
            Stated::EncryptedAtRest => "encrypted_at_rest",
            Stated::EncryptedInTransit => "encrypted_in_transit",
            Stated::FieldAtMost { .. } => "field_at_most",
            Stated::FieldNeverStored { .. } => "field_never_stored",
            Stated::FreeTextScrubbed { .. } => "free_text_scrubbed",
            Stated::HeldOnOrder => "held_on_order",
            Stated::IdentifierPseudonymised { .. } => "identifier_pseudonymised",
            Stated::KeyDestroyedAfter { .. } => "key_destroyed_after",
            Stated::ListensOnlyHere => "listens_only_here",
            Stated::NoThirdParties => "no_third_parties",
            Stated::NoUnkeyedHash => "no_unkeyed_hash",
            Stated::NotLinkableAcross { .. } => "not_linkable_across",
            Stated::NotReadableByOthers => "not_readable_by_others",
            Stated::OutputScanned => "output_scanned",
            Stated::PurposesOnly { .. } => "purposes_only",
            Stated::RecipientFields { .. } => "recipient_fields",
            Stated::RecipientsOnly { .. } => "recipients_only",
            Stated::Region { .. } => "region",
            Stated::Role { .. } => "role",
            Stated::Tagged => "tagged",
            Stated::TenantsApart => "tenants_apart",
            Stated::UnnamedNeverStored => "unnamed_never_stored",
            Stated::UnparsedNeverStoredRaw => "unparsed_never_stored_raw",
            Stated::VersionsNeverLengthen => "versions_never_lengthen",
        }
    }
}

/// Every word of the vocabulary, in the order of the alphabet.
///
/// ```
/// assert!(sladd::policy::claim_words().any(|word| word == "deleted_after"));
/// ```
pub fn claim_words() -> impl Iterator<Item = &'static str> {
    read::VOCABULARY.iter().map(|(word, _)| *word)
}
