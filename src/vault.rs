//! Memory for secrets: pages that are not swapped out, stand in no core and go to no forked process.
//!
//! Comes in: nothing. Goes out: places of 32 bytes, wiped when they are given back. Nothing here knows what the bytes are for.
//!
//! It is best effort: where the system refuses to lock, the places are there all the same ([`is_guarded`] says so), and what a
//! computation leaves in registers or on a stack is beyond it. The pages are never given back, because a secret may be asked
//! for until the process ends; there are as many as the most places that were held at once need.

use memmap2::{Advice, MmapMut};
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};
use zeroize::Zeroize;

/// 32 bytes in the vault, zeros at first, wiped when dropped. `Debug` shows none of them.
///
/// ```
/// use sladd::vault::Bytes;
/// let mut bytes = Bytes::default();
/// bytes[31] = 7;
/// assert_eq!(format!("{:?} {}", bytes.clone(), bytes[31]), "Bytes(..) 7");
/// ```
pub struct Bytes(Option<&'static mut [u8; SIZE]>);

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes(Some(lock().take()))
    }
}

impl Clone for Bytes {
    fn clone(&self) -> Bytes {
        let mut copy = Bytes::default();
        copy.copy_from_slice(&self[..]);
        copy
    }
}

impl Deref for Bytes {
    type Target = [u8; SIZE];

    #[inline]
    fn deref(&self) -> &[u8; SIZE] {
        self.0.as_deref().expect("a place is held until it is dropped")
    }
}

impl DerefMut for Bytes {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8; SIZE] {
        self.0.as_deref_mut().expect("a place is held until it is dropped")
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.zeroize();
            lock().free.push(place);
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes(..)")
    }
}

/// Whether all places so far lie in memory that the system keeps from being swapped out and from being written to cores.
pub fn is_guarded() -> bool {
    let vault = &mut *lock();
    if vault.free.is_empty() {
        vault.grow();
    }
    !vault.lacks
}

static VAULT: Mutex<Vault> = Mutex::new(Vault { free: Vec::new(), lacks: false });

struct Vault {
    /// Places that nobody holds, all zeros.
    free: Vec<&'static mut [u8; SIZE]>,
    /// Whether the system refused to guard some of them.
    lacks: bool,
}

impl Vault {
    fn take(&mut self) -> &'static mut [u8; SIZE] {
        loop {
            if let Some(place) = self.free.pop() {
                return place;
            }
            self.grow();
        }
    }

    fn grow(&mut self) {
        let (places, is_guarded) = match MmapMut::map_anon(PAGES) {
            Ok(pages) => {
                let advised = [Advice::DontDump, Advice::DontFork].map(|advice| pages.advise(advice).is_ok());
                let is_locked = pages.lock().is_ok();
                (&mut Box::leak(Box::new(pages))[..], is_locked && advised == [true; 2])
            }
            Err(_) => (vec![0; PAGES].leak(), false),
        };
        self.lacks |= !is_guarded;
        self.free.extend(places.as_chunks_mut().0);
    }
}

fn lock() -> MutexGuard<'static, Vault> {
    // Whatever panicked, the free places are those that nobody holds.
    VAULT.lock().unwrap_or_else(PoisonError::into_inner)
}

const SIZE: usize = 32;

/// How much is mapped at once: 512 places. Systems that are strict allow 64 KiB to be locked.
const PAGES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The flags of the mapping that an address lies in, as `/proc` says.
    fn flags(address: usize) -> String {
        let text = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in text.lines() {
            let bounds = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            if let Some((Ok(from), Ok(to))) =
                bounds.map(|(from, to)| (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16)))
            {
                inside = (from..to).contains(&address);
            }
            if inside && let Some(flags) = line.strip_prefix("VmFlags: ") {
                return flags.to_owned();
            }
        }
        panic!("there is no such mapping");
    }

    #[test]
    fn places_are_locked_and_stand_in_no_core_and_in_no_forked_process() {
        // More than fit in the pages that are mapped at once.
        let held: Vec<Bytes> = (0..3 * PAGES / SIZE).map(|_| Bytes::default()).collect();
        for bytes in &held {
            let flags = flags(bytes.as_ptr() as usize);
            let has = |flag: &str| flags.split(' ').any(|word| word == flag);
            assert!(has("dd") && has("dc"), "{flags}");
            assert_eq!(has("lo"), is_guarded(), "{flags}: raise the limit of locked memory (ulimit -l)");
        }
    }

    #[test]
    fn what_is_dropped_is_wiped_and_no_place_is_held_twice() {
        let mut held: Vec<Bytes> = (0..2_000).map(|_| Bytes::default()).collect();
        for (number, bytes) in held.iter_mut().enumerate() {
            assert_eq!(**bytes, [0; SIZE]);
            bytes.fill(number as u8 | 1);
        }
        let copies: Vec<Bytes> = held.iter().map(Bytes::clone).collect();
        for (number, (bytes, copy)) in held.iter().zip(&copies).enumerate() {
            assert_eq!((bytes[0], bytes[31], **bytes), (number as u8 | 1, number as u8 | 1, **copy));
        }
        drop((held, copies));
        assert!(lock().free.iter().all(|place| **place == [0; SIZE]));
    }
}
