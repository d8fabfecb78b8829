//! What each kind of receiver is sent, and how its answer is read.

use super::super::{item::Item, settings::Shape};
use crate::error::{Error, Kind};

/// What became of each record of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The receiver has it.
    Taken,
    /// It said so with this status; see [`Sense`](super::status::Sense).
    Status(u16),
}

/// What an answer of 200 says of the records.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All were taken.
    All,
    /// All are done with, and so many of them were refused for good.
    Some(u64),
    /// One by one.
    Each(Vec<Fate>),
    /// It is no answer of such a receiver.
    Unknown,
}

impl Shape {
    /// Where it takes records, if the URL does not say so.
    pub(super) fn path(&self) -> String {
        match self {
            Shape::Loki { .. } => "/loki/api/v1/push".to_owned(),
            Shape::Elasticsearch { index: None } => "/_bulk".to_owned(),
            Shape::Elasticsearch { index: Some(index) } => format!("/{index}/_bulk"),
            Shape::Otlp { .. } => "/v1/logs".to_owned(),
            Shape::Ndjson => "/".to_owned(),
        }
    }

    /// # Errors
    /// [`Kind::Config`] where a label, an attribute or an index cannot be one.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::new(Kind::Config, what.to_owned()));
        match self {
            Shape::Loki { labels } if labels.is_empty() => {
                wrong("cannot send to Loki: a stream needs a label at least")
            }
            Shape::Loki { labels } if !labels.iter().all(|(name, _)| super::loki::is_label(name)) => {
                wrong("cannot send to Loki: a label is written with letters, digits and _, and begins with no digit")
            }
            Shape::Elasticsearch { index: Some(index) } if !super::elasticsearch::is_index(index) => {
                wrong("cannot send to Elasticsearch: an index is written with small letters, digits, . _ and -")
            }
            Shape::Otlp { resource } if resource.iter().any(|(name, _)| name.is_empty()) => {
                wrong("cannot send by OTLP: an attribute needs a name")
            }
            Shape::Loki { .. } | Shape::Elasticsearch { .. } | Shape::Otlp { .. } | Shape::Ndjson => Ok(()),
        }
    }

    /// The `Content-Type` of a request.
    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Shape::Loki { .. } | Shape::Otlp { .. } => "application/json",
            Shape::Elasticsearch { .. } | Shape::Ndjson => "application/x-ndjson",
        }
    }

    /// Whether its receivers take bodies in gzip.
    pub(super) fn takes_gzip(&self) -> bool {
        match self {
            Shape::Loki { .. } | Shape::Elasticsearch { .. } | Shape::Otlp { .. } => true,
            Shape::Ndjson => false,
        }
    }

    /// The body of a request with these records.
    pub(super) fn body(&self, items: &[Item<'_>], into: &mut Vec<u8>) {
        match self {
            Shape::Loki { labels } => super::loki::body(labels, items, into),
            Shape::Elasticsearch { .. } => super::elasticsearch::body(items, into),
            Shape::Otlp { resource } => super::otlp::body(resource, items, into),
            Shape::Ndjson => super::ndjson::body(items, into),
        }
    }

    /// What an answer of 2xx with this body says of so many records.
    pub(super) fn verdict(&self, body: &[u8], count: usize) -> Verdict {
        match self {
            Shape::Loki { .. } | Shape::Ndjson => Verdict::All,
            Shape::Elasticsearch { .. } => super::elasticsearch::verdict(body, count),
            Shape::Otlp { .. } => super::otlp::verdict(body, count),
        }
    }

    /// What the request says beside its body so that a second one is known for it.
    pub(super) fn idempotency_key(&self, items: &[Item<'_>]) -> Option<String> {
        match self {
            Shape::Loki { .. } | Shape::Elasticsearch { .. } | Shape::Otlp { .. } => None,
            Shape::Ndjson => super::ndjson::idempotency_key(items),
        }
    }
}
