//! Each treatment of one value alone, on values that change from call to call.
#![allow(clippy::type_complexity, missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sladd::{
    epoch::Epoch,
    record::{Clock, Kind},
    treatment::{
        Aid, Outcome,
        coarsen::{Coarsen, Unit},
        keep::Grammar,
        language::Language,
        path::Path,
        pseudonym::{Canonical, Form, Keys, Pseudonym, Secret},
        query::Query,
        reversible::{Cipher, Scheme},
        truncate::{Port, Truncate},
    },
};
use std::hint::black_box;

#[path = "generate.rs"]
#[allow(dead_code)]
mod generate;

fn benches(criterion: &mut Criterion) {
    let truncate = Truncate { v4: 24, v6: 48, port: Port::Drop, exempt: [].into() };
    let v4 = |i: u32| format!("{}.{}.{}.{}", i % 223 + 1, i / 7 % 256, i / 3 % 256, i % 256);
    let v6 = |i: u32| format!("2001:db8:{:x}:{:x}::{:x}:{:x}", i % 65_536, i / 5, i % 4_096, i % 13);
    let mut treat =
        |name: &str, values: Vec<String>, mut one: Box<dyn FnMut(&[u8], &mut Aid, &mut Vec<u8>) -> Outcome>| {
            let mut group = criterion.benchmark_group("treatment");
            group.throughput(Throughput::Elements(values.len() as u64));
            let mut keys = Keys::new(&["user.name".into()], vec![("".into(), "security_log".into())]);
            keys.admit(Epoch(1), "20261121", Some(Secret::new([1; 32])));
            keys.select(Epoch(1), 0);
            let mut aid = Aid { keys, ..Aid::default() };
            let mut made = Vec::new();
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    made.clear();
                    for value in &values {
                        black_box(one(value.as_bytes(), &mut aid, &mut made));
                    }
                    black_box(made.len())
                });
            });
            group.finish();
        };
    let cut = |truncate: &Truncate| -> Box<dyn FnMut(&[u8], &mut Aid, &mut Vec<u8>) -> Outcome> {
        let truncate = truncate.clone();
        Box::new(move |value, aid, made| truncate.treat(value, aid, made))
    };
    treat("truncate v4", (0..1000).map(v4).collect(), cut(&truncate));
    treat("truncate v6", (0..1000).map(v6).collect(), cut(&truncate));
    treat("truncate list", (0..1000).map(|i| format!("{}, {}", v4(i), v4(i + 1))).collect(), cut(&truncate));
    for (name, count, length) in [("pseudonym remembered", 1000, 8), ("pseudonym keyed anew", 1000, 60)] {
        let pseudonym = Pseudonym { slot: 0, digits: 16, form: Form::Token, canonical: Canonical::User };
        let values = (0..count).map(|i| format!("{i:0length$}")).collect();
        treat(name, values, Box::new(move |value, aid, made| pseudonym.treat(value, aid, made)));
    }
    let identifier = Pseudonym { slot: 0, digits: 16, form: Form::Token, canonical: Canonical::Identifier };
    let uuids = (0..1000u32).map(|i| format!("{:08x}-d9cb-469f-a165-{:012x}", i * 77_777, i)).collect();
    treat("pseudonym uuid remembered", uuids, Box::new(move |value, aid, made| identifier.treat(value, aid, made)));
    for (name, kind, value) in [
        ("keep status", Kind::Status, "200"),
        ("keep number", Kind::Number, "0.123"),
        ("keep method", Kind::Method, "GET"),
        ("keep rare method", Kind::Method, "PROPFIND"),
        ("keep protocol", Kind::Protocol, "HTTP/1.1"),
        ("keep host", Kind::Host, "www.example.org"),
        ("keep instant", Kind::Instant, "10/Oct/2000:13:55:36 -0700"),
        ("keep word", Kind::Word, "TLSv1.3"),
    ] {
        let grammar = Grammar::of(kind, Some(Clock::Clf), truncate.clone());
        let values = vec![value.to_owned(); 1000];
        treat(name, values, Box::new(move |value, aid, made| grammar.treat(value, aid, made)));
    }
    let hour = Coarsen::Time(Clock::Clf, Unit::Hour);
    let times = vec!["10/Oct/2000:13:55:36 -0700".to_owned(); 1000];
    treat("coarsen time", times, Box::new(move |value, aid, made| hour.treat(value, aid, made)));
    let languages = vec!["nb-NO,nb;q=0.9,en".to_owned(); 1000];
    treat("language", languages, Box::new(move |value, aid, made| Language.treat(value, aid, made)));
    let mut site = generate::Site::new(1000);
    let (mut paths, mut queries) = (Vec::new(), Vec::new());
    for _ in 0..100_000 {
        let mut line = Vec::new();
        site.line(&mut line);
        let line = String::from_utf8(line).unwrap();
        let target = line.split('"').nth(1).unwrap().split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        paths.push(path.to_owned());
        queries.extend((!query.is_empty()).then(|| query.to_owned()));
    }
    let path = Path::new(truncate.clone());
    treat("path of a site", paths, Box::new(move |value, aid, made| path.treat(value, aid, made)));
    let flood = vec![format!("/{}", "1.1.1.1.".repeat(20)); 1000];
    let path = Path::new(truncate.clone());
    treat("path of dots", flood, Box::new(move |value, aid, made| path.treat(value, aid, made)));
    let query = Query::new(Vec::new(), Vec::new(), identifier, identifier, truncate.clone());
    treat("query of a site", queries, Box::new(move |value, aid, made| query.treat(value, aid, made)));
    // Each address comes once: what is remembered is of no use.
    let cipher = |scheme| Cipher::new(scheme, &[7; 32]);
    for scheme in Scheme::ALL {
        let cipher = cipher(scheme);
        let mut group = criterion.benchmark_group("treatment");
        group.throughput(Throughput::Elements(1));
        for (family, first) in [("v4", "203.0.113.0"), ("v6", "2001:db8::")] {
            let mut address: std::net::IpAddr = first.parse().unwrap();
            group.bench_function(format!("{} {family}", scheme.name()), |bencher| {
                bencher.iter(|| {
                    address = match address {
                        std::net::IpAddr::V4(v4) => std::net::Ipv4Addr::from(u32::from(v4).wrapping_add(7919)).into(),
                        std::net::IpAddr::V6(v6) => std::net::Ipv6Addr::from(u128::from(v6).wrapping_add(7919)).into(),
                    };
                    black_box(cipher.encrypt(black_box(address)))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(group, benches);
criterion_main!(group);
