//! The keys of pseudonyms: one a field and class, derived from the secret of the record's epoch.

use super::{
    address::{Address, own_network},
    cache::{Cache, Digest},
    met::{Counted, Met},
    pseudonym::Secret,
    reversible::{Cipher, Scheme},
};
use crate::{epoch::Epoch, vault::Bytes};
use sha2::{Sha256, block_api::compress256};
use std::num::NonZeroU32;

/// The keys of pseudonyms by epoch, field and class. One a worker. `Debug` shows none of them.
#[derive(Default)]
pub struct Keys {
    /// The pseudonymised fields' names, by slot, and those of the tenants and classes, by number. Each name goes into the
    /// keys, so that no field's pseudonyms can be compared with another's, nor a tenant's with another's.
    fields: Box<[Box<str>]>,
    classes: Box<[(Box<str>, Box<str>)]>,
    /// Sorted by epoch, never more than [`MOST_EPOCHS`].
    epochs: Vec<Live>,
    /// What was last asked for in [`Keys::select`], and where in `epochs` it is, if it has a secret.
    selected: Option<(Epoch, u16)>,
    at: Option<usize>,
    late: bool,
    /// How many keys were ever derived: each has a number that is never used again.
    derived: u32,
    cache: Cache,
    met: Met,
}

/// How many epochs a run holds secrets for: a log with forged dates cannot make more.
pub const MOST_EPOCHS: usize = 400;

/// One epoch that is known.
struct Live {
    epoch: Epoch,
    prefix: Prefix,
    /// `None`: destroyed or out of reach.
    secret: Option<Secret>,
    /// Where in `keys` a class's begin, by its number, if it had any: of many tenants a day sees few.
    begins: Box<[Option<NonZeroU32>]>,
    /// By class, in the order of their first record, then field; derived when first used. Before them none of any class.
    keys: Vec<Option<Box<Key>>>,
}

/// What is printed before a digest.
pub(super) struct Prefix {
    /// `p1.20261121.`, and zeros up to sixteen bytes: so many are written at once.
    pub(super) text: [u8; 16],
    pub(super) length: usize,
    /// Before one in the form of an address, if the epoch has room there.
    pub(super) network: Option<u128>,
}

impl Prefix {
    /// The longest name is that of an hour, ten digits.
    fn new(epoch: Epoch, name: &str) -> Prefix {
        let period = match name.len() {
            10 => 0,
            8 => 1,
            7 => 2,
            6 => 3,
            _ => 4,
        };
        let whole = format!("p1.{name}.");
        let mut text = [0; 16];
        assert!(whole.len() <= text.len(), "an epoch's compact name has ten digits at most");
        text[..whole.len()].copy_from_slice(whole.as_bytes());
        Prefix { text, length: whole.len(), network: own_network(period, epoch.0) }
    }
}

impl Live {
    /// Where the keys of a class begin that has none yet.
    #[cold]
    fn make_room(&mut self, class: u16, fields: usize) -> NonZeroU32 {
        let begins = NonZeroU32::new(self.keys.len() as u32).expect("one place is before all");
        self.keys.extend((0..fields).map(|_| None));
        self.begins[usize::from(class)] = Some(begins);
        begins
    }
}

struct Key {
    number: u32,
    tool: Tool,
}

/// What a key is for. A field has one treatment, and that has one tool.
enum Tool {
    Signer(Signer),
    Cipher(Scheme, Box<Cipher>),
}

/// HMAC-SHA-256 (RFC 2104) that has taken its key in: what both of its hashes have made of the key's block, words as the
/// machine has them.
struct Signer {
    inner: Bytes,
    outer: Bytes,
}

impl Keys {
    /// No secrets yet: keys for these fields (by canonical name or label) in these retention classes, each with whose it is.
    pub fn new(fields: &[Box<str>], classes: Vec<(Box<str>, Box<str>)>) -> Keys {
        Keys { fields: fields.into(), classes: classes.into(), ..Keys::default() }
    }

    /// Whether a record of the epoch can be treated without asking for the epoch's secret first: because it was admitted,
    /// because the news was that there is none, or because there are too many epochs already.
    #[inline]
    pub fn knows(&self, epoch: Epoch) -> bool {
        self.selected.is_some_and(|(selected, _)| selected == epoch && self.at.is_some())
            || self.find(epoch).is_ok()
            || self.is_full()
    }

    /// Gives the secret of an epoch, or the news that there is none. `name` is the epoch's printed name, `20261121`.
    pub fn admit(&mut self, epoch: Epoch, name: &str, secret: Option<Secret>) {
        self.forget(epoch);
        if self.is_full() {
            return;
        }
        if self.epochs.len() == MOST_EPOCHS {
            // One without secret makes room: it can be asked for again.
            self.epochs.remove(self.epochs.iter().position(|live| live.secret.is_none()).expect("not full"));
        }
        let count = secret.as_ref().map_or(0, |_| self.classes.len());
        let begins = vec![None; count].into();
        let live = Live { epoch, prefix: Prefix::new(epoch, name), secret, begins, keys: vec![None] };
        let place = self.find(epoch).unwrap_or_else(|place| place);
        self.epochs.insert(place, live);
    }

    /// Wipes what is known of an epoch. Its next record asks again.
    pub fn forget(&mut self, epoch: Epoch) {
        (self.selected, self.at) = (None, None);
        if let Ok(at) = self.find(epoch)
            && self.epochs.remove(at).secret.is_some()
        {
            self.cache.wipe();
            self.met.wipe();
        }
    }

    /// Wipes what is known of every epoch.
    pub fn forget_all(&mut self) {
        (self.selected, self.at) = (None, None);
        if self.epochs.drain(..).any(|live| live.secret.is_some()) {
            self.cache.wipe();
            self.met.wipe();
        }
    }

    /// Chooses the keys for the next record: those of its epoch and retention class (by its number).
    #[inline]
    pub fn select(&mut self, epoch: Epoch, class: u16) {
        if self.selected != Some((epoch, class)) {
            self.selected = Some((epoch, class));
            self.at = self.find(epoch).ok().filter(|&at| self.epochs[at].secret.is_some());
        }
    }

    /// Whether a value was withheld for want of a secret since this was last asked.
    #[inline]
    pub fn take_late(&mut self) -> bool {
        std::mem::take(&mut self.late)
    }

    /// Whether the selected epoch has a secret; where it has none, the record is late.
    #[inline]
    pub(super) fn ready(&mut self) -> bool {
        self.late |= self.at.is_none();
        self.at.is_some()
    }

    /// The keyed digest of `value` under the key of `slot`, and what is printed before it; `None` where there is no secret.
    ///
    /// `message` gives the bytes that are keyed, or `None` where the value has none; it is called only for a value that is
    /// not remembered, and must depend on nothing but `kind` and `value`.
    #[inline]
    pub(super) fn digest<'m>(
        &mut self,
        slot: u16,
        kind: u8,
        value: &[u8],
        message: impl FnOnce() -> Option<&'m [u8]>,
    ) -> Option<(&Prefix, Digest)> {
        let (prefix, key, cache, _) = self.key(slot, None)?;
        let Tool::Signer(signer) = &key.tool else { return None };
        let digest = cache.get(key.number, kind, value, || message().map(|message| signer.sign(kind, message)))?;
        Some((prefix, digest))
    }

    /// As [`Keys::digest`], of what counts of an address.
    #[inline]
    pub(super) fn digest_address(&mut self, slot: u16, kind: u8, address: Address) -> Option<(&Prefix, Digest)> {
        let (prefix, key, _, met) = self.key(slot, None)?;
        let Tool::Signer(signer) = &key.tool else { return None };
        let counted = Counted::of(address);
        let digest = met.get(key.number, counted, || signer.sign(kind, counted.bytes()));
        Some((prefix, digest))
    }

    /// What stands for the address of `value` under the key of `slot`; `None` where there is no secret.
    ///
    /// `address` is called only for a value that is not remembered, and must depend on nothing but `value`.
    #[inline]
    pub(super) fn replaced(
        &mut self,
        slot: u16,
        scheme: Scheme,
        value: &[u8],
        address: impl FnOnce() -> Option<Address>,
    ) -> Option<Address> {
        let (_, key, cache, _) = self.key(slot, Some(scheme))?;
        let cipher = match &key.tool {
            Tool::Cipher(of, cipher) if *of == scheme => cipher,
            Tool::Cipher(..) | Tool::Signer(_) => return None,
        };
        let replace = |address| match cipher.replace(address) {
            Address::V4(bits) => 0xffff << 32 | u128::from(bits),
            Address::V6(bits) => bits,
        };
        let bits =
            cache.get(key.number, REPLACED, value, || address().map(|address| replace(address).to_be_bytes()))?;
        Some(Address::from_v6(u128::from_be_bytes(bits)))
    }

    /// The key of a slot under the selected epoch and class, derived when it is first used.
    #[inline(always)]
    fn key(&mut self, slot: u16, scheme: Option<Scheme>) -> Option<(&Prefix, &Key, &mut Cache, &mut Met)> {
        let live = &mut self.epochs[self.at?];
        let (_, class) = self.selected?;
        let begins = match live.begins[usize::from(class)] {
            Some(begins) => begins,
            None => live.make_room(class, self.fields.len()),
        };
        let place = begins.get() as usize + usize::from(slot);
        if live.keys[place].is_none() {
            self.derived += 1;
            let (field, of) = (&self.fields[usize::from(slot)], &self.classes[usize::from(class)]);
            let tool = derive(live.secret.as_ref()?, field, of, scheme);
            live.keys[place] = Some(Box::new(Key { number: self.derived, tool }));
        }
        Some((&live.prefix, live.keys[place].as_ref()?, &mut self.cache, &mut self.met))
    }

    fn find(&self, epoch: Epoch) -> Result<usize, usize> {
        self.epochs.binary_search_by_key(&epoch, |live| live.epoch)
    }

    fn is_full(&self) -> bool {
        self.epochs.len() == MOST_EPOCHS && self.epochs.iter().all(|live| live.secret.is_some())
    }
}

impl Signer {
    /// Takes a key of one digest's length in.
    fn new(key: &[u8; 32]) -> Signer {
        let state = |pad: u8| {
            let (mut block, mut state) = ([pad; BLOCK], INITIAL);
            block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
            compress256(&mut state, &[block]);
            let mut held = Bytes::default();
            for (place, word) in held.as_chunks_mut::<4>().0.iter_mut().zip(&state) {
                *place = word.to_ne_bytes();
            }
            zeroize::Zeroize::zeroize(&mut block);
            zeroize::Zeroize::zeroize(&mut state);
            held
        };
        Signer { inner: state(0x36), outer: state(0x5c) }
    }

    /// The first bytes of the HMAC of the kind and the message, the message's length before it.
    #[inline(never)]
    fn sign(&self, kind: u8, message: &[u8]) -> Digest {
        let (mut state, mut block) = (words(&self.inner), [0; BLOCK]);
        block[0] = kind;
        block[1..HEAD].copy_from_slice(&(message.len() as u64).to_be_bytes());
        let (first, rest) = message.split_at(message.len().min(BLOCK - HEAD));
        block[HEAD..HEAD + first.len()].copy_from_slice(first);
        let mut filled = HEAD + first.len();
        if filled == BLOCK {
            compress256(&mut state, &[block]);
            let (blocks, rest) = rest.as_chunks::<BLOCK>();
            compress256(&mut state, blocks);
            block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            filled = rest.len();
        }
        finish(&mut state, &mut block, filled, HEAD + message.len());
        let mut block = [0; BLOCK];
        write(&state, &mut block);
        state = words(&self.outer);
        finish(&mut state, &mut block, LENGTH, LENGTH);
        write(&state, &mut block);
        std::array::from_fn(|i| block[i])
    }
}

#[inline(always)]
fn words(bytes: &Bytes) -> [u32; 8] {
    let words = bytes.as_chunks::<4>().0;
    std::array::from_fn(|at| u32::from_ne_bytes(words[at]))
}

/// Ends a hash whose last block has so many bytes and zeros behind them; `length` is that of the message, without the key's
/// block in front of it.
#[inline(always)]
fn finish(state: &mut [u32; 8], block: &mut [u8; BLOCK], filled: usize, length: usize) {
    block[filled] = 0x80;
    if filled >= BLOCK - 8 {
        compress256(state, &[*block]);
        *block = [0; BLOCK];
    }
    block[BLOCK - 8..].copy_from_slice(&(8 * (BLOCK + length) as u64).to_be_bytes());
    compress256(state, &[*block]);
}

/// Writes what a hash has come to at the start of a block.
#[inline(always)]
fn write(state: &[u32; 8], block: &mut [u8; BLOCK]) {
    for (place, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
}

/// How many bytes the hash takes at once, and how many it gives.
const BLOCK: usize = 64;
const LENGTH: usize = 32;

/// The kind and the length of a message stand in front of it.
const HEAD: usize = 9;

/// What SHA-256 begins with (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// In the memory of digests: what is remembered is an address.
const REPLACED: u8 = 0xff;

/// The key of one field, tenant and class: HKDF-Expand (RFC 5869) of the secret, each part of the info with its length before it.
#[cold]
fn derive(secret: &Secret, field: &str, (tenant, class): &(Box<str>, Box<str>), scheme: Option<Scheme>) -> Tool {
    let algorithm = scheme.map_or("HMAC-SHA-256", Scheme::name);
    let parts = ["sladd pseudonym 1", tenant, field, class, algorithm];
    let mut info = Vec::new();
    for part in parts {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part.as_bytes());
    }
    let mut key = [0; 32];
    hkdf::Hkdf::<Sha256>::from_prk(secret.bytes())
        .expect("a secret is as long as a digest")
        .expand(&info, &mut key)
        .expect("one block");
    let tool = match scheme {
        None => Tool::Signer(Signer::new(&key)),
        Some(scheme) => Tool::Cipher(scheme, Box::new(Cipher::new(scheme, &key))),
    };
    zeroize::Zeroize::zeroize(&mut key);
    tool
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("fields", &self.fields).field("classes", &self.classes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let classes = [("", "security_log"), ("", "login_history"), ("nord", "security_log"), ("sor", "security_log")];
        let classes = classes.map(|(tenant, class)| (tenant.into(), class.into()));
        Keys::new(&["user.name".into(), "device.id".into()], classes.into())
    }

    fn digest(keys: &mut Keys, slot: u16, kind: u8, value: &[u8]) -> Option<Digest> {
        keys.digest(slot, kind, value, || Some(value)).map(|(_, digest)| digest)
    }

    /// RFC 2104 and RFC 5869 spelled out over the plain hash.
    fn plain(secret: [u8; 32], info: &[&str], kind: u8, message: &[u8]) -> [u8; 32] {
        use sha2::Digest;
        let hmac = |key: &[u8; 32], message: &[u8]| -> [u8; 32] {
            let mut pad = [0x36; 64];
            pad.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
            let inner = Sha256::digest([&pad, message].concat());
            pad.iter_mut().for_each(|pad| *pad ^= 0x36 ^ 0x5c);
            Sha256::digest([&pad[..], &inner].concat()).into()
        };
        let prefixed = |part: &[u8]| [&(part.len() as u64).to_be_bytes(), part].concat();
        let mut text: Vec<u8> = info.iter().flat_map(|part| prefixed(part.as_bytes())).collect();
        text.push(1);
        hmac(&hmac(&secret, &text), &[&[kind], &prefixed(message)[..]].concat())
    }

    #[test]
    fn a_digest_is_that_of_the_specification() {
        let mut keys = keys();
        keys.admit(Epoch(5), "20261121", Some(Secret::new([7; 32])));
        keys.select(Epoch(5), 1);
        let theirs = ["sladd pseudonym 1", "sor", "device.id", "security_log", "HMAC-SHA-256"];
        keys.select(Epoch(5), 3);
        let whole = plain([7; 32], &theirs, 2, b"a");
        assert_eq!(digest(&mut keys, 1, 2, b"a"), Some(whole[..16].try_into().unwrap()));
        keys.select(Epoch(5), 1);
        for length in (0..200).chain([1000, 4096]) {
            let value = vec![b'v'; length];
            let info = ["sladd pseudonym 1", "", "device.id", "login_history", "HMAC-SHA-256"];
            let whole = plain([7; 32], &info, 2, &value);
            for _ in 0..2 {
                assert_eq!(digest(&mut keys, 1, 2, &value), Some(whole[..16].try_into().unwrap()));
            }
        }
    }

    #[test]
    fn epochs_tenants_classes_fields_and_kinds_have_different_digests() {
        let mut keys = keys();
        let mut seen = std::collections::HashSet::new();
        for round in 0..2 {
            for (epoch, class) in [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3)] {
                if round == 0 && class == 0 {
                    keys.admit(Epoch(epoch), "20261121", Some(Secret::new([epoch as u8; 32])));
                }
                keys.select(Epoch(epoch), class);
                for (slot, kind) in [(0, 1), (0, 2), (1, 1), (1, 2)] {
                    assert_eq!(seen.insert(digest(&mut keys, slot, kind, b"anna").unwrap()), round == 0);
                }
            }
        }
        assert_eq!(seen.len(), 32);
    }

    #[test]
    fn an_epoch_without_secret_is_known_and_late() {
        let mut keys = keys();
        assert!(!keys.knows(Epoch(1)));
        keys.admit(Epoch(1), "20261121", None);
        assert!(keys.knows(Epoch(1)));
        keys.select(Epoch(1), 0);
        assert!(!keys.take_late());
        assert!(!keys.ready());
        assert_eq!(digest(&mut keys, 0, 1, b"anna"), None);
        assert!(keys.take_late());
        assert!(!keys.take_late());
    }

    #[test]
    fn what_is_forgotten_must_be_admitted_again_and_may_have_another_secret() {
        let mut keys = keys();
        keys.admit(Epoch(1), "20261121", Some(Secret::new([1; 32])));
        keys.select(Epoch(1), 0);
        let first = digest(&mut keys, 0, 1, b"anna");
        keys.forget(Epoch(1));
        assert!(!keys.knows(Epoch(1)));
        keys.select(Epoch(1), 0);
        assert_eq!(digest(&mut keys, 0, 1, b"anna"), None);
        keys.admit(Epoch(1), "20261121", Some(Secret::new([2; 32])));
        keys.select(Epoch(1), 0);
        assert_ne!(digest(&mut keys, 0, 1, b"anna"), first);
    }

    #[test]
    fn addresses_are_forgotten_with_any_epoch_that_had_a_secret() {
        let forget: [fn(&mut Keys); 3] = [
            |keys| keys.forget(Epoch(1)),
            Keys::forget_all,
            |keys| keys.admit(Epoch(1), "20261121", Some(Secret::new([2; 32]))),
        ];
        for forget in forget {
            let mut keys = keys();
            keys.admit(Epoch(1), "20261121", Some(Secret::new([1; 32])));
            keys.select(Epoch(1), 0);
            for bits in [0, 0xc000_0207, 0xc000_0208] {
                assert!(keys.digest_address(0, 0, Address::V4(bits)).is_some());
            }
            assert!(!keys.met.holds_nothing());
            forget(&mut keys);
            assert!(keys.met.holds_nothing());
        }
    }

    #[test]
    fn no_more_than_four_hundred_epochs_live_and_the_rest_are_late() {
        let mut keys = keys();
        for epoch in 0..1000 {
            let known = keys.knows(Epoch(epoch));
            assert_eq!(known, epoch >= 400);
            keys.admit(Epoch(epoch), "20261121", Some(Secret::new([epoch as u8; 32])));
            keys.select(Epoch(epoch), 0);
            assert_eq!(keys.ready(), epoch < 400);
        }
        keys.forget(Epoch(7));
        assert!(!keys.knows(Epoch(999)));
    }

    #[test]
    fn epochs_without_secret_make_room() {
        let mut keys = keys();
        for epoch in 0..1000 {
            keys.admit(Epoch(epoch), "20261121", None);
            assert!(keys.knows(Epoch(epoch)));
        }
        assert_eq!(keys.epochs.len(), MOST_EPOCHS);
        keys.admit(Epoch(5000), "20261121", Some(Secret::new([1; 32])));
        keys.select(Epoch(5000), 1);
        assert!(keys.ready());
    }

    #[test]
    fn debug_shows_no_key() {
        let mut keys = keys();
        keys.admit(Epoch(1), "20261121", Some(Secret::new([77; 32])));
        assert!(!format!("{keys:?}").contains("77"));
    }
}
