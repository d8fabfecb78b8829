//! Each stage alone. Here: the detectors, over ordinary values and over what a hostile client can send.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sladd::detect::{Detector, Kinds, Place};
use std::hint::black_box;

fn detect(criterion: &mut Criterion) {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36";
    let line = format!(
        "203.0.113.7 - - [21/Nov/2026:10:05:03 +0100] \"GET /blog/2026/a-title/index.html?page=2&lang=no HTTP/1.1\" \
         200 5123 \"https://www.example.com/start.html\" \"{agent}\""
    );
    let clean =
        "upstream timed out while reading response header, request \"GET /some/page.html HTTP/1.1\", ".repeat(3);
    let flood = |piece: &str| piece.repeat(65536 / piece.len());
    let texts = [
        ("clean", clean, Place::Text),
        ("combined", line.clone(), Place::Text),
        ("escaped", line.replace("title", "ti%20tle"), Place::Text),
        ("agent", agent.to_owned(), Place::Agent),
        ("path", "/blog/2026/a-title/index.html".to_owned(), Place::Path),
        ("slug", "/blog/this-is-a-long-article-title-about-2024-election-results.html".to_owned(), Place::Path),
        ("flood %40", flood("%40"), Place::Text),
        ("flood 1.1.1.1.", flood("1.1.1.1."), Place::Text),
        ("flood @", flood("@"), Place::Text),
        ("flood a@", flood("a@"), Place::Text),
        ("flood :", flood(":"), Place::Text),
        ("flood a:", flood("a:"), Place::Text),
        ("flood -", flood("-"), Place::Text),
    ];
    let mut detector = Detector::default();
    for (kinds, name) in [(Kinds::ALL, "all"), (Kinds::IP, "ip")] {
        let mut group = criterion.benchmark_group(format!("detect/{name}"));
        for (name, text, place) in &texts {
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(*name, |b| {
                b.iter(|| detector.find(black_box(text.as_bytes()), kinds, *place).len());
            });
        }
    }
}

criterion_group!(benches, detect);
criterion_main!(benches);
