//! `sladd` minimises logs while they are being written: raw lines in, minimised lines out, each with the class that says how
//! long it may live. This crate is the engine and, behind the feature `cli`, the program around it.
//!
//! **A raw byte cannot leave.** Every byte that comes out is a literal of the format, a typed value that passed its own strict
//! grammar, something that a treatment made, or free text that the detectors have read from end to end.
//!
//! ```
//! use sladd::{Batch, Engine, Plan, Policy, Progress, Timestamp};
//! use std::sync::Arc;
//!
//! let policy = Policy::builtin("hosting").expect("a built-in");
//! let plan = Plan::compile(&policy)?;
//! let mut engine = Engine::new(Arc::new(plan));
//! engine.set_reference(Timestamp(1_795_262_400)); // for records without a time
//!
//! let line = b"203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET /a?q=ola HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";
//! let mut batch = Batch::default();
//! let mut at = 0;
//! while let (_, Progress::Paused { at: done, epoch }) = engine.run(&line[at..], &mut batch) {
//!     // No secret yet for this record's day. A program that keeps keys looks it up; here the values are withheld.
//!     at += done;
//!     engine.admit(epoch, None);
//! }
//! assert_eq!(
//!     batch.bytes(),
//!     b"203.0.113.0 - - [21/Nov/2026:10:00:00 +0100] \"GET /a?q= HTTP/1.1\" 200 5 \"-\" \"curl/8\" \
//!       \"class=security_log until=2027-05-21 policy=hosting/1\"\n"
//! );
//! # Ok::<(), sladd::Error>(())
//! ```
//!
//! # The structure as built
//! ```text
//!  input ──▶ frame ──▶ format ──▶ treatment ──▶ retention ──▶ encode ──▶ output
//!  bytes     whole     Record      Treated        Tag          Batch  │   bytes
//!            lines     (spans)     (values)                (minimised)│
//!                                                                     └─▶ judge (--guard: the last look)
//!
//!  policy (TOML) ──check──▶ Policy ──▶ plan ──▶ Plan (flat, immutable, Arc) ──▶ engine (the loop)
//!
//!  0  record time epoch error vault      the vocabulary; memory for secrets
//!  1  frame format detect treatment retention encode judge seal
//!  2  policy key                         cold: may be slow and explain at length
//!  3  plan                               where policy and formats meet, compiled once; explain
//!  4  engine tally                       hot: cannot fail, allocates nothing once warm
//!  5  input output state store           files and streams; outputs take a Batch and nothing else; what outlives a run
//!  6  run                                wiring and threads: pipe, ordered, worker, signals; bulk; scan, witness, guard
//!  7  cli main                           what may be typed: pipe bulk sidecar check explain policy scan store test attest import key
//!                                        generate
//!
//!  format/                               line → Record
//!    template compile grammar            literal · field · literal, compiled; nginx and apache: directives → template
//!    common extended request             the access formats of every server, with free text behind them or not
//!    preset                              layouts known by name, over the compiler: haproxy traefik ingress envoy aws squid servers
//!    json logfmt cef w3c                 names beside their values, or in a header
//!    json/memory                         lines of JSON read by what stood between the values of earlier ones
//!    nginx_error apache_error soft       error logs, whose free text anybody may have written
//!    envelope/                           what stands around a line: cri, syslog (RFC 3164), ietf (RFC 5424)
//!    message/                            what programs say in known shapes: logins, mail, transfers, PHP
//!  audit/chain                         what was done to keys, as lines that are chained; written, and read again
//!  key/clock ratchet wrap               whether the clock can be believed; secrets from the one before; secrets encrypted where they lie
//!  seal/                               what only another machine can open, in the format of age; raw are lines that leave so alone; own
//!                                        is a file under a key of its own
//!  engine/carry                          what a line needs of the lines before it: columns, parts of a line
//!  engine/export                         entries of the journal's export format, values behind a length
//!  engine/wrapped                        lines in envelopes and in strings of JSON, opened and written back
//!  engine/recall                         lines of JSON whose keys came before, read ahead
//!  plan/tenancy                          whose a record is, by the virtual host it names
//!  engine/count plan/figure              what was treated and found, where somebody asks
//!  engine/stretch                        many lines at once, where each is text of which nothing but the addresses is cut
//!  treatment/flat object                 lines of JSON laid in one go; repeated and harmless remember what became of values
//!  treatment/cache met                   digests of the texts and of the addresses that were seen last
//!  detect/                               free text → findings, one kind a file; kernel is the one SIMD pass, own the policy's
//!  detect/introduced/                    users in messages that no format knows, by the words around them
//!  judge/                                the second opinion: bytes → hits; shares no code with format and detect
//!  run/bulk/                             walk → plan → crew (feed, reading, ordered) → office, which commits; verify, report
//!  input/unpack                          what is packed, as bytes, with the place and the reason where it ends early
//!  output/fresh                          a new file under a temporary name, packed as it is written
//!  output/packer members                 ways of packing; pieces that several workers pack, each a member of its own
//!  output/remote/                        parcels over the network (feature `net`): http in its shapes, forward, syslog; wire is
//!                                        the one connection under all
//!  output/segment                        a file that grows by exact lengths: recover, rotate, found again when renamed; hidden or plain
//!  state/                                place (a directory held open), files, shard, manifest, ledger (commit, recovery),
//!                                        job (its one key)
//!  state/book                            checkpoint and journal of a home; mend puts outputs right by them
//!  state/quarantine                      sealed lines in files: gathered, bounded, gone after a week; written before the checkpoint
//!                                        that speaks of their lines
//!  input/follow                          files that grow, through rotation, copies, truncation and restarts
//!  input/intake                          sockets (feature `net`): bound or handed over, a bounded queue, every loss counted
//!  input/syslog forward                  what comes through them: datagrams and frames of RFC 6587; Fluent Forward with acks
//!  run/sidecar/                          desk (the loop), lane (an input's engine), streams, sinks, begin (recovery), control,
//!                                        aside (checkpoints on a thread of their own), remote (sockets, and pumps to receivers)
//!  encode/parcel state/spool             a batch with its name, as it waits on the disk for a receiver; written by the journal's rules
//!  run/sidecar/board status              what is seen of the sidecar from outside (feature `net`): metrics, health, a page
//!  encode/project                        some members of our own JSON lines, for one output
//!  run/reply encode/reply                one line in, one answer out, for who waits: rsyslog
//!  store/                                what is kept by tenant, class and day: open files, segments with manifests, sweep, holds,
//!                                        tenants that leave, verify; keys of sealed files
//!  run/confine                           another user, no core, only the files that are needed (Landlock)
//!  policy/claims told                    what is published of logs, in a closed vocabulary; judged against a policy, and weighed by
//!                                        what stores and keys show; a policy as it is told beside records
//!  run/witness                           the judge with what a policy lets stand, for scan and for guard
//!  cli/import/                           a server's configuration → a policy and warnings
//! ```
//! `tests/layers.rs` holds who may import whom. Where the structure differs from the first drawing, and why:
//! - A value's place in a record is an index of its own, because the members of a JSON line come in any order
//!   ([`record::Mark`]); a JSON key is a value like any other, so that only a treatment can let it out.
//! - `plan` is a folder, with `explain` beside the compiler, because it says what was compiled and not what was written.
//! - `engine` is a folder: a line in an envelope, or in a string of JSON, runs through the same steps again, and columns and
//!   parts of lines are handed to the worker with its piece of the input, so that output does not depend on how it was cut.
//! - Envelopes and messages are no formats among the others: an envelope is opened before any format is tried, and who wrote
//!   the line says which messages it may be; what a visitor typed cannot choose.
//! - The judge knows no policy. `run::witness` reads its hits under one, so that the judge stays bytes in, hits out.
//! - A country database is read into memory and not mapped: a file that is replaced while it is mapped kills its readers, and
//!   mapping is `unsafe`.
//! - `vault` maps memory, not files: secrets have to lie where nothing else does. It is below the treatments, because theirs do, too.
//! - Bulk reads files and does not map them: a file that is cut while it is mapped is a SIGBUS, mapping is `unsafe`, and
//!   reading 128 to 256 KiB at a time into a buffer that stays in the cache is as fast.
//! - Bulk has no channels of slabs: like the pipe's, its workers read, minimise and write in turn; a channel only takes finished
//!   files to the thread that commits them. How a file stands in place is recorded in its own directory, so that it
//!   is found however the file is named.
//! - A receiver on the network is an output that is written to a spool under the journal's rules, and a plain thread that sends what a
//!   checkpoint speaks of: delivery, order and names are then those of files. tokio has the sockets of inputs and the status.
//! - The sidecar is part of the feature `net`: most of it is for the network, and half of it would be no use.
//! - `detect::kernel` holds the only `unsafe`: instructions picked at run time, with the plain version beside them.
//! - `seal` stands in layer 1 and not beside the keys, because a batch holds the lines that were set aside to be sealed, in a type
//!   with no other way out; random bytes are passed in. What is opened here again, files of a store and of a spool, lies under
//!   a [`seal::FileKey`], each byte in the place that it would have plainly: the journal's lengths hold for hidden files too.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod audit;
pub mod detect;
pub mod encode;
pub mod engine;
pub mod epoch;
pub mod error;
pub mod format;
pub mod frame;
pub mod input;
pub mod judge;
pub mod key;
pub mod output;
pub mod plan;
pub mod policy;
pub mod record;
pub mod retention;
pub mod seal;
pub mod tally;
pub mod time;
pub mod treatment;
pub mod vault;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod run;
#[cfg(feature = "cli")]
pub mod state;
#[cfg(feature = "cli")]
pub mod store;

pub use encode::Batch;
pub use engine::{Engine, Progress};
pub use error::Error;
pub use plan::Plan;
pub use policy::Policy;
pub use tally::Tally;
pub use time::Timestamp;
pub use treatment::pseudonym::Secret;
