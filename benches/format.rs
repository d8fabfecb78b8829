//! Line → record, each format alone. Lines differ, so that no branch is learned by heart.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sladd::{
    format::{self, Ending, Format, Parse},
    record::Record,
};
use std::hint::black_box;

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://www.example.com/bot.html)",
];

/// 4,096 lines of 268 bytes on average, made from a fixed sequence.
fn lines(head: &str, tail: &str) -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    (0..4096)
        .map(|_| {
            let client = match next(4) {
                0 => format!("2001:db8:{:x}:{:x}::{:x}", next(65536), next(65536), next(65536)),
                _ => format!("198.51.{}.{}", next(256), next(256)),
            };
            let user = if next(60) == 0 { format!("user{}", next(5000)) } else { "-".to_owned() };
            let term = "term".repeat(next(6) as usize);
            let query = if next(3) == 0 { format!("?page={}&q={}", next(50), term) } else { String::new() };
            let path = ["assets", "articles", "images", "api/v2", "shop"][next(5) as usize];
            let referer = if next(2) == 0 { "-".to_owned() } else { format!("https://www.example.com/{path}/{}", next(100_000)) };
            let bits = next(20);
            let size = next(1 << bits);
            format!(
                "{head}{client} - {user} [21/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /{path}/{}/{}-item.html{query} HTTP/{}\" {} {} \"{referer}\" \"{}\"{tail}",
                next(24),
                next(60),
                next(60),
                next(1000),
                "section".repeat(next(4) as usize),
                ["1.1", "2.0"][next(2) as usize],
                [200, 200, 200, 304, 404][next(5) as usize],
                size,
                AGENTS[next(4) as usize],
            )
        })
        .collect()
}

fn formats(criterion: &mut Criterion) {
    let nginx = "nginx:$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
    let timed = format!("{nginx} $request_time $upstream_response_time");
    let list = nginx.replace("$remote_addr", "$http_x_forwarded_for");
    let json = "nginx:escape=json {\"line\":\"$remote_addr - $remote_user [$time_local] \\\"$request\\\" $status $body_bytes_sent \\\"$http_referer\\\" \\\"$http_user_agent\\\"\"}";
    let in_json: Vec<String> =
        lines("", "").iter().map(|line| format!("{{\"line\":\"{}\"}}", line.replace('"', "\\\""))).collect();
    let cases: [(&str, Format, Vec<String>); 6] = [
        ("combined", format::named("combined").unwrap(), lines("", "")),
        ("vhost_combined", format::named("vhost_combined").unwrap(), lines("www.example.com:443 ", "")),
        ("nginx", format::named(nginx).unwrap(), lines("", "")),
        ("nginx_timed", format::named(&timed).unwrap(), lines("", " 0.012 0.004, 0.008")),
        ("forwarded_first", format::named(&list).unwrap(), lines("198.51.100.7, ", "")),
        ("line_in_json", format::named(json).unwrap(), in_json),
    ];
    let mut group = criterion.benchmark_group("format");
    for (name, format, lines) in &cases {
        let mut record = Record::default();
        assert!(lines.iter().all(|line| format.parse(line.as_bytes(), Ending::Whole, &mut record).is_ok()));
        let bytes: usize = lines.iter().map(String::len).sum();
        println!("{name}: {} bytes a line, {} lines", bytes / lines.len(), lines.len());
        group.throughput(Throughput::Elements(lines.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                for line in lines {
                    let read = format.parse(black_box(line.as_bytes()), Ending::Whole, &mut record);
                    let _ = black_box((read, &record));
                }
            });
        });
    }
    let (vhost, combined) = (&cases[1].1, &cases[0].2);
    group.throughput(Throughput::Elements(combined.len() as u64));
    group.bench_function("vhost_combined_refuses_combined", |bencher| {
        let mut record = Record::default();
        bencher.iter(|| {
            combined
                .iter()
                .filter(|line| vhost.parse(black_box(line.as_bytes()), Ending::Whole, &mut record).is_ok())
                .count()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500)).without_plots();
    targets = formats
}
criterion_main!(benches);
