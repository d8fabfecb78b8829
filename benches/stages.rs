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

/// Paths, referers and agents as a site's visitors send them, one call a value: what the detectors read of a combined line.
fn values(criterion: &mut Criterion) {
    let sections = ["blog", "shop/wool", "css", "images/2026/11", "api/v2/items", "om-oss"];
    let names =
        ["a-title", "index.html", "main.3f2a9c1b.js", "lib-1.54.3.0.css", "photo_0123.jpg", "wool-sweaters-176"];
    let queries = ["", "", "?page=2&lang=nb", "?q=wool+socks&sort=price", "?id=56844", "?v=1.13.5&utm_source=news"];
    let systems = ["X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"];
    let mix = |i: usize, list: &[&str]| list[i % list.len()].to_owned();
    let path = |i: usize| format!("/{}/{}", mix(i, &sections), mix(i / 6, &names));
    let paths: Vec<String> = (0..36).map(path).collect();
    let referers: Vec<String> =
        (0..36).map(|i| format!("https://www.example.com{}{}", path(i * 5), mix(i, &queries))).collect();
    let agents = (0..36).map(|i| {
        let (system, version) = (mix(i, &systems), 90 + i);
        match i % 3 {
            0 => format!("Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"),
            1 => format!(
                "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
            ),
            _ => "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".to_owned(),
        }
    });
    let agents: Vec<String> = agents.collect();
    let mut detector = Detector::default();
    for (kinds, name) in [(Kinds::ALL, "all"), (Kinds::IP, "ip")] {
        let mut group = criterion.benchmark_group(format!("values/{name}"));
        for (name, texts, place) in
            [("paths", &paths, Place::Path), ("referers", &referers, Place::Text), ("agents", &agents, Place::Agent)]
        {
            let texts: &Vec<String> = texts;
            group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum()));
            group.bench_function(name, |b| {
                b.iter(|| {
                    let found = texts.iter().map(|text| detector.find(black_box(text.as_bytes()), kinds, place).len());
                    found.sum::<usize>()
                });
            });
        }
    }
}

criterion_group!(benches, detect, values);
criterion_main!(benches);
