//! Records by HTTP/1.1. Comes in: records. Goes out: how many the receiver has.
//!
//! One file for each shape of body; the smallest to copy is `ndjson.rs`. No redirection is followed, no proxy is taken from
//! the environment, and the connection stays open from one request to the next.

mod carry;
mod elasticsearch;
mod loki;
mod ndjson;
mod otlp;
mod place;
mod shape;
mod status;

use super::{
    MOST_BYTES, Sent,
    fault::Fault,
    item::{Item, Items, Numbering, gzip},
    route::Route,
    secret::Secret,
    settings::{self, Shape, Waits},
    wire::MOST_WRITES,
};
use crate::{encode::Parcel, error::Error};
use carry::{Carrier, Unresolved};
use shape::{Fate, Verdict};
use status::Sense;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use ureq::{
    Agent,
    http::{HeaderName, HeaderValue, Uri, header},
};
use zeroize::Zeroizing;

/// A server of HTTP, and what is known of it.
pub(super) struct Http {
    agent: Agent,
    uri: Uri,
    shape: Shape,
    token: Option<Secret>,
    headers: Vec<(HeaderName, HeaderValue)>,
    gzip: bool,
    early: Arc<AtomicBool>,
    numbering: Numbering,
    /// So many bytes of lines go into one request; less once the receiver said that it was too much.
    limit: usize,
    /// It has taken a record since the start: what it refuses is then the fault of the record.
    has_taken: bool,
    /// It has refused records, and taken none.
    refuses: Arc<AtomicBool>,
    body: Vec<u8>,
    packed: Vec<u8>,
}

/// What became of one request.
enum Posted {
    /// So many records from its front are done with; the places of those that were refused, and why it is not all.
    Done { count: usize, refused: Vec<usize>, fault: Option<Fault> },
    /// Nothing of it was taken: there are too many records in it.
    TooMany,
    /// Nothing of it was taken: a record in it is refused for good, or all are.
    Refused(u16),
}

impl Http {
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind) for what cannot be sent to, and as files are read.
    pub fn new(settings: &settings::Http, waits: Waits, stop: &Arc<AtomicBool>) -> Result<Http, Error> {
        settings.shape.check()?;
        let (uri, address) = place::of(&settings.url, &settings.shape)?;
        let route = Route::new(&address, &settings.trust, settings.plain)?;
        let token = settings.token.as_deref().map(Secret::read).transpose()?;
        let headers = settings.headers.iter().map(place::header).collect::<Result<_, _>>()?;
        let early = Arc::new(AtomicBool::new(false));
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("sladd/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .accept_encoding("")
            .max_response_header_size(MOST_HEAD_BYTES)
            .timeout_connect(Some(waits.connect * 20))
            .timeout_send_request(Some(waits.write * MOST_WRITES))
            .timeout_send_body(Some(waits.write * MOST_WRITES))
            .timeout_recv_response(Some(waits.acknowledge))
            .timeout_recv_body(Some(waits.acknowledge))
            .build();
        let (stop, seen) = (Arc::clone(stop), Arc::clone(&early));
        let carrier = Carrier { route: Mutex::new(route), waits, stop, early: seen };
        Ok(Http {
            agent: Agent::with_parts(config, carrier, Unresolved),
            uri,
            token,
            headers,
            gzip: settings.gzip.unwrap_or(settings.shape.takes_gzip()),
            shape: settings.shape.clone(),
            early,
            numbering: Numbering::default(),
            limit: MOST_BYTES,
            has_taken: false,
            refuses: Arc::default(),
            body: Vec::new(),
            packed: Vec::new(),
        })
    }

    /// So many bytes of lines should come at once.
    pub fn most_bytes(&self) -> usize {
        self.limit
    }

    pub fn refuses(&self) -> Arc<AtomicBool> {
        self.refuses.clone()
    }

    /// Sends them, in as many requests as it takes, until all are done with or there is a fault.
    pub fn send(&mut self, parcels: &[Parcel<'_>]) -> Sent {
        let items = Items::new(parcels, self.numbering);
        let (done, refused, fault) = self.send_items(&items.all);
        let acknowledged = items.parcels(done);
        let whole = acknowledged.checked_sub(1).map_or(0, |last| items.ends[last]);
        self.numbering = self.numbering.after(&items.all[..whole]);
        // What was refused in a parcel that is sent again will be refused again, and counted then.
        let rejected = refused.iter().filter(|&&place| place < whole).count() as u64;
        Sent { acknowledged, rejected, fault }
    }

    fn send_items(&mut self, all: &[Item<'_>]) -> (usize, Vec<usize>, Option<Fault>) {
        let (mut done, mut refused) = (0, Vec::new());
        // Halved where a record is looked for that is refused; `patience` bounds how often.
        let (mut most, mut patience, mut suspect) = (usize::MAX, PATIENCE, None::<(usize, u16)>);
        while done < all.len() {
            let rest = &all[done..];
            let items = &rest[..Item::fitting(rest, self.limit).min(most)];
            match self.post(items) {
                Err(fault) => return self.until(suspect, done, refused, Some(fault)),
                Ok(Posted::Done { count, refused: places, fault }) => {
                    self.has_taken |= places.len() < count;
                    self.refuses.store(!self.has_taken && count > 0, Ordering::Relaxed);
                    refused.extend(places.iter().map(|place| done + place));
                    done += count;
                    if fault.is_some() {
                        return self.until(suspect, done, refused, fault);
                    }
                    most = most.saturating_mul(2);
                    self.limit = (self.limit + self.limit / 64 + 1).min(MOST_BYTES);
                }
                Ok(Posted::TooMany) if items.len() > 1 => {
                    most = items.len() / 2;
                    self.limit = (bytes(items) / 2).max(LEAST_BYTES);
                }
                Ok(Posted::TooMany) => {
                    refused.push(done);
                    done += 1;
                }
                Ok(Posted::Refused(_)) if items.len() > 1 && patience > 0 => {
                    self.refuses.store(!self.has_taken, Ordering::Relaxed);
                    (most, patience) = (items.len() / 2, patience - 1);
                }
                Ok(Posted::Refused(status)) => {
                    if !self.has_taken {
                        // It is not known yet whether this is the records' fault; one that is taken will tell.
                        self.refuses.store(true, Ordering::Relaxed);
                        suspect = suspect.or(Some((done, status)));
                        if patience == 0 {
                            break;
                        }
                    }
                    refused.extend(done..done + items.len());
                    done += items.len();
                    (most, patience) = (most.saturating_mul(2), patience.saturating_sub(1));
                }
            }
        }
        self.until(suspect, done, refused, None)
    }

    /// How far it came: not past the first record that was refused, if none was ever taken.
    fn until(
        &self,
        suspect: Option<(usize, u16)>,
        done: usize,
        mut refused: Vec<usize>,
        fault: Option<Fault>,
    ) -> (usize, Vec<usize>, Option<Fault>) {
        match suspect {
            Some((place, status)) if !self.has_taken => {
                refused.retain(|&refused| refused < place);
                (place, refused, fault.or(Some(Fault::Refused(status))))
            }
            Some(_) | None => (done, refused, fault),
        }
    }

    fn post(&mut self, items: &[Item<'_>]) -> Result<Posted, Fault> {
        self.body.clear();
        self.shape.body(items, &mut self.body);
        if self.gzip {
            gzip(&self.body, &mut self.packed);
        }
        let key = self.shape.idempotency_key(items);
        let posted = self.request(key.as_deref(), items.len());
        // One line that was very long does not hold its memory for ever.
        self.body.shrink_to(4 * MOST_BYTES);
        self.packed.shrink_to(4 * MOST_BYTES);
        posted
    }

    fn request(&mut self, key: Option<&str>, count: usize) -> Result<Posted, Fault> {
        if let Some(token) = &mut self.token {
            token.refresh().map_err(|_| Fault::Secret)?;
        }
        let mut has_retried = false;
        let (status, after, answer) = loop {
            let (status, after, answer) = self.exchange(key)?;
            // The token may have been changed while the request was on its way.
            let changed = match &mut self.token {
                Some(token) if status == 401 && !has_retried => token.refresh().map_err(|_| Fault::Secret)?,
                Some(_) | None => false,
            };
            if !changed {
                break (status, after, answer);
            }
            has_retried = true;
        };
        match status::sense(status, after) {
            Sense::TooMany => Ok(Posted::TooMany),
            Sense::Refused => Ok(Posted::Refused(status)),
            Sense::Later(fault) => Err(fault),
            // It cannot have taken what it has not seen.
            Sense::Taken if self.early.load(Ordering::Relaxed) => Err(Fault::Answer),
            Sense::Taken => match self.shape.verdict(&answer, count) {
                Verdict::All => Ok(Posted::Done { count, refused: Vec::new(), fault: None }),
                // Which ones is not said: they are counted at the request's end.
                Verdict::Some(refused) => {
                    let refused = (count - refused as usize..count).collect();
                    Ok(Posted::Done { count, refused, fault: None })
                }
                Verdict::Each(fates) => Ok(one_by_one(&fates)),
                Verdict::Unknown => Err(Fault::Answer),
            },
        }
    }

    /// One request and its answer: the status, what `Retry-After` says, and the body of a success.
    fn exchange(&mut self, key: Option<&str>) -> Result<(u16, Option<std::time::Duration>, Vec<u8>), Fault> {
        self.early.store(false, Ordering::Relaxed);
        let mut request = self.agent.post(&self.uri).header(header::CONTENT_TYPE, self.shape.content_type());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            let bearer = Zeroizing::new([b"Bearer ", token.bytes()].concat());
            let mut value = HeaderValue::from_bytes(&bearer).expect("a token is printable");
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if self.gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        let body: &[u8] = if self.gzip { &self.packed } else { &self.body };
        let mut response = request.send(body).map_err(carry::fault)?;
        let status = response.status().as_u16();
        let after = response.headers().get(header::RETRY_AFTER).and_then(|value| status::after(value.as_bytes()));
        let is_success = response.status().is_success();
        let most = if is_success { MOST_ANSWER_BYTES } else { MOST_EXCUSE_BYTES };
        let answer = response.body_mut().with_config().limit(most).read_to_vec();
        match answer {
            Ok(answer) => Ok((status, after, answer)),
            // What a refusal says is read only so that the connection can be used again.
            Err(_) if !is_success => Ok((status, after, Vec::new())),
            Err(error) => Err(carry::fault(error)),
        }
    }
}

/// What became of the records before the first that must be sent again.
fn one_by_one(fates: &[Fate]) -> Posted {
    let mut refused = Vec::new();
    for (count, fate) in fates.iter().enumerate() {
        let Fate::Status(status) = *fate else { continue };
        match status::sense(status, None) {
            Sense::Taken => {}
            Sense::TooMany | Sense::Refused => refused.push(count),
            Sense::Later(fault) => return Posted::Done { count, refused, fault: Some(fault) },
        }
    }
    Posted::Done { count: fates.len(), refused, fault: None }
}

fn bytes(items: &[Item<'_>]) -> usize {
    items.iter().map(|item| item.line.len() + 1).sum()
}

/// So often a request is halved in one sending, to find what is refused.
const PATIENCE: u32 = 200;
/// A request is not made smaller than this for good, whatever the receiver says of one.
const LEAST_BYTES: usize = 4 << 10;
const MOST_HEAD_BYTES: usize = 32 << 10;
const MOST_ANSWER_BYTES: u64 = 16 << 20;
const MOST_EXCUSE_BYTES: u64 = 64 << 10;
