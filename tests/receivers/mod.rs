//! Receivers that take records as they should, and what stands between us and them and does not.
#![allow(dead_code)]

pub mod flaky;
pub mod forward;
pub mod http;
pub mod syslog;

use sha2::{Digest, Sha256};
use sladd::{
    encode::{Parcel, Unpacked},
    output::remote::{Receiver, Remote, Sent, Settings, Waits},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

/// What an answer of a receiver holds and no message of ours may.
pub const PLANTED: &str = "203.0.113.77 ola.nordmann@example.com";

/// The bytes of a parcel as a spool holds it.
pub fn parcel(number: u32, at: i64, lines: &str) -> Vec<u8> {
    let check = |bytes: &[u8]| Sha256::digest(bytes)[..8].to_vec();
    let mut bytes = b"sladd parcel 1\n".to_vec();
    bytes.extend_from_slice(&(lines.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(number.to_le_bytes())[..16]);
    bytes.extend_from_slice(&at.to_le_bytes());
    bytes.extend_from_slice(&check(&bytes));
    bytes.extend_from_slice(lines.as_bytes());
    bytes.extend_from_slice(&check(&bytes));
    bytes.push(b'\n');
    bytes
}

pub fn unpack(bytes: &[u8]) -> Parcel<'_> {
    match Parcel::unpack(bytes) {
        Unpacked::Parcel(parcel, _) => parcel,
        other => panic!("{other:?}"),
    }
}

/// Parcels with numbered lines, every third of them a JSON object, and what should arrive by id.
pub fn numbered(parcels: u32, lines: u32) -> (Vec<Vec<u8>>, BTreeMap<String, String>) {
    let mut expected = BTreeMap::new();
    let all = (0..parcels).map(|number| {
        let text: String = (0..lines)
            .map(|line| match line % 3 {
                0 => format!("{{\"line\":\"{number}/{line}\",\"nested\":{{\"a\":[1,2.5,null,true]}}}}\n"),
                _ => format!("line {number}/{line} \"quoted\" with a tab\t.\n"),
            })
            .collect();
        let bytes = parcel(number, 1_795_000_000 + i64::from(number / 4), &text);
        for (id, line) in unpack(&bytes).records() {
            expected.insert(id.to_string(), String::from_utf8(line.to_vec()).unwrap());
        }
        bytes
    });
    (all.collect::<Vec<_>>(), expected)
}

/// Short, so that a stalled receiver does not stall a test.
pub fn short() -> Waits {
    Waits {
        connect: Duration::from_secs(2),
        write: Duration::from_millis(300),
        acknowledge: Duration::from_millis(300),
    }
}

/// Long enough for a machine under load.
pub fn long() -> Waits {
    Waits { connect: Duration::from_secs(20), write: Duration::from_secs(60), acknowledge: Duration::from_secs(60) }
}

pub fn remote(receiver: Receiver, waits: Waits) -> Remote {
    Remote::new(&Settings { receiver, waits, stop: Arc::new(AtomicBool::new(false)) }).unwrap()
}

pub fn send(remote: &mut Remote, parcels: &[Vec<u8>]) -> Sent {
    let parcels: Vec<_> = parcels.iter().map(|bytes| unpack(bytes)).collect();
    let sent = remote.send(&parcels);
    assert!(sent.acknowledged <= parcels.len());
    assert!(sent.acknowledged == parcels.len() || sent.fault.is_some(), "{sent:?}");
    if let Some(fault) = sent.fault {
        let told = format!("{fault} {fault:?} {} {remote:?}", fault.class());
        assert!(!told.contains("203.0.113") && !told.contains("nordmann"), "{told}");
    }
    sent
}

/// Sends all, again and again, some parcels at a time. How often there was a fault, and how many records were refused.
pub fn deliver(remote: &mut Remote, parcels: &[Vec<u8>], at_once: usize) -> (usize, u64) {
    let (mut done, mut faults, mut rejected) = (0, 0, 0);
    let end = Instant::now() + Duration::from_secs(600);
    while done < parcels.len() {
        assert!(Instant::now() < end, "{done} of {} parcels after {faults} faults", parcels.len());
        let sent = send(remote, &parcels[done..parcels.len().min(done + at_once)]);
        done += sent.acknowledged;
        rejected += sent.rejected;
        faults += usize::from(sent.fault.is_some());
    }
    (faults, rejected)
}

/// Until it is so, or for a minute.
pub fn until(mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "it never came to be");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A certificate authority, a certificate of it for these names, and the files that clients and servers want.
pub struct Certificates {
    pub directory: tempfile::TempDir,
    pub server: Arc<rustls::ServerConfig>,
}

impl Certificates {
    pub fn new(names: &[&str]) -> Certificates {
        let directory = tempfile::tempdir().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority_certificate.pem()).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let private = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        Certificates { directory, server: Arc::new(server) }
    }

    pub fn ca(&self) -> std::path::PathBuf {
        self.directory.path().join("ca.pem")
    }
}

/// Random enough for flaps, and the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
