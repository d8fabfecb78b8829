//! A checkpoint: how far every source was read and how much of every output is durable.
//!
//! A file is one line with its checksum, and then JSON. The checksum is keyed with the state's key, so that a file of another
//! state is none.

use super::{
    home::Key,
    manifest::{path, written},
    policies::Digest,
};
use crate::{
    output::segment::{Committed, Identity},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What is durable. `P` is how far one source was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint<P> {
    /// Each source that is known.
    pub sources: Vec<P>,
    /// The segment that each file output is written to; a record's part names its place in this list.
    pub outputs: Vec<Committed>,
    /// The policy in force.
    pub policy: Digest,
}

/// A checkpoint with its place among the others.
#[derive(Debug)]
pub(super) struct Sealed<P> {
    /// From 1, higher each time.
    pub generation: u64,
    /// The number of the first entry of its journal.
    pub sequence: u64,
    /// The start of the machine under which it was written.
    pub boot: [u8; 16],
    pub checkpoint: Checkpoint<P>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<P> {
    generation: u64,
    sequence: u64,
    boot: [u8; 16],
    policy: String,
    outputs: Vec<WrittenOutput>,
    sources: Vec<P>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOutput {
    path: String,
    device: u64,
    inode: u64,
    born: (i64, u32),
    length: u64,
    since: i64,
}

/// The bytes of a checkpoint's file.
pub(super) fn encode<P: Serialize>(
    key: &Key,
    (generation, sequence, boot): (u64, u64, [u8; 16]),
    checkpoint: &Checkpoint<P>,
) -> Result<Vec<u8>, serde_json::Error> {
    let outputs = checkpoint.outputs.iter().map(|output| WrittenOutput {
        path: written(output.path()),
        device: output.identity().device,
        inode: output.identity().inode,
        born: output.identity().born,
        length: output.length(),
        since: output.since().0,
    });
    let written = Written {
        generation,
        sequence,
        boot,
        policy: checkpoint.policy.to_string(),
        outputs: outputs.collect(),
        sources: checkpoint.sources.iter().collect(),
    };
    let json = serde_json::to_vec(&written)?;
    let mut bytes = [WORDS, checksum(key, &json).as_bytes(), b"\n"].concat();
    bytes.extend(json);
    Ok(bytes)
}

/// The checkpoint in these bytes; `None` where they are not what was written.
pub(super) fn decode<P: DeserializeOwned>(key: &Key, bytes: &[u8]) -> Option<Sealed<P>> {
    let (sum, rest) = bytes.strip_prefix(WORDS)?.split_at_checked(64)?;
    let json = rest.strip_prefix(b"\n")?;
    let sum = blake3::Hash::from_hex(sum).ok()?;
    // In constant time, which costs nothing.
    if sum != blake3::keyed_hash(&key.derive(PURPOSE), json) {
        return None;
    }
    let read: Written<P> = serde_json::from_slice(json).ok()?;
    let outputs = read.outputs.into_iter().map(|output| {
        let identity = Identity { device: output.device, inode: output.inode, born: output.born };
        Committed::recorded(path(&output.path), identity, output.length, Timestamp(output.since))
    });
    let outputs = outputs.collect();
    let checkpoint = Checkpoint { sources: read.sources, outputs, policy: read.policy.parse().ok()? };
    Some(Sealed { generation: read.generation, sequence: read.sequence, boot: read.boot, checkpoint })
}

fn checksum(key: &Key, json: &[u8]) -> String {
    blake3::keyed_hash(&key.derive(PURPOSE), json).to_hex().to_string()
}

const WORDS: &[u8] = b"sladd checkpoint 1 ";
const PURPOSE: &str = "checksum of a checkpoint";
