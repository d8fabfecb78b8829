//! Line → record, each format alone, and whole lines of many formats under `hosting` and `auto`. Lines differ, so that no
//! branch is learned by heart.
//!
//! `cargo bench --bench format`; `cargo bench --bench format -- hosting` for whole lines alone.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "generate.rs"]
#[allow(dead_code)]
mod generate;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sladd::{
    Batch, Engine, Plan, Policy, Progress, Secret, Timestamp,
    format::{self, Ending, Format, Parse},
    record::Record,
};
use std::{hint::black_box, sync::Arc};

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

/// What the lines of other formats are made of: a line of `combined`.
struct Parts<'a> {
    client: &'a str,
    /// `28/Nov/2026:11:06:40 +0100`
    clf: &'a str,
    method: &'a str,
    target: &'a str,
    status: &'a str,
    size: &'a str,
    referer: &'a str,
    agent: &'a str,
    number: usize,
}

impl<'a> Parts<'a> {
    fn of(line: &'a str, number: usize) -> Option<Parts<'a>> {
        let (head, rest) = line.split_once(" [")?;
        let (clf, rest) = rest.split_once("] \"")?;
        let (request, rest) = rest.split_once("\" ")?;
        let (numbers, rest) = rest.split_once(" \"")?;
        let (referer, rest) = rest.split_once("\" \"")?;
        let (status, size) = numbers.split_once(' ')?;
        let (method, rest_of_request) = request.split_once(' ')?;
        let (target, _) = rest_of_request.split_once(' ')?;
        let client = head.split(' ').next()?;
        Some(Parts { client, clf, method, target, status, size, referer, agent: rest.strip_suffix('"')?, number })
    }

    fn combined(&self) -> String {
        format!("{} \"{}\" \"{}\"", self.common(), self.referer, self.agent)
    }

    fn common(&self) -> String {
        let Parts { client, clf, method, target, status, size, .. } = self;
        format!("{client} - - [{clf}] \"{method} {target} HTTP/1.1\" {status} {size}")
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// `2026-11-28T11:06:40`
    fn iso(&self, separator: char) -> String {
        format!("2026-11-{}{separator}{}", &self.clf[..2], &self.clf[12..20])
    }

    /// `Nov 28 11:06:40`
    fn traditional(&self) -> String {
        format!("Nov {} {}", &self.clf[..2], &self.clf[12..20])
    }

    fn milliseconds(&self) -> usize {
        self.number * 7919 % 997
    }

    /// A number that differs from line to line, as sixteen hexadecimal digits.
    fn id(&self) -> String {
        format!("{:016x}", (self.number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

type Write = fn(&Parts<'_>) -> String;

/// The formats, each with what a line of it is.
const WHOLE: &[(&str, Write)] = &[
    ("combined", |p| p.combined()),
    ("common", |p| p.common()),
    ("vhost_combined", |p| format!("www.example.com:443 {}", p.combined())),
    ("main", |p| format!("{} \"-\"", p.combined())),
    ("combined_timed", |p| format!("{} 0.{:03}", p.combined(), p.milliseconds())),
    ("common_timed", |p| format!("{} 0.{:03}", p.common(), p.milliseconds())),
    ("docker", |p| {
        let line = p.combined().replace('"', "\\\"");
        format!("{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"{}.{:03}Z\"}}", p.iso('T'), p.milliseconds())
    }),
    ("cri", |p| format!("{}.{:03}Z stdout F {}", p.iso('T'), p.milliseconds(), p.combined())),
    ("syslog", |p| format!("<190>{} web1 nginx: {}", p.traditional(), p.combined())),
    ("sshd", |p| match p.number % 2 {
        0 => format!(
            "{} web1 sshd[4711]: Invalid user u{} from {} port 50229",
            p.traditional(),
            p.milliseconds(),
            p.client
        ),
        _ => format!(
            "{} web1 sshd[4711]: Connection from {} port 50229 on 192.0.2.10 port 22",
            p.traditional(),
            p.client
        ),
    }),
    ("postfix", |p| {
        let (time, id) = (p.traditional(), &p.id()[..11].to_uppercase());
        match p.number % 2 {
            0 => format!("{time} web1 postfix/smtpd[4711]: {id}: client=dyn-7.example.net[{}]", p.client),
            _ => format!(
                "{time} web1 postfix/qmgr[4711]: {id}: from=<u{}@example.com>, size={}, nrcpt=1 (queue active)",
                p.milliseconds(),
                p.size
            ),
        }
    }),
    ("exim", |p| {
        let mail = format!("u{}@example.com", p.milliseconds());
        let id = p.id();
        format!(
            "{} {}-{}-{} => {mail} R=dnslookup T=remote_smtp H=mx.example.org [198.51.100.25] C=\"250 OK\"",
            p.iso(' '),
            &id[..6],
            &id[6..12],
            &id[12..14]
        )
    }),
    ("haproxy", |p| {
        let front =
            format!("{}:50229 [{}.{:03}] www~ shop/web{}", p.client, &p.clf[..20], p.milliseconds(), p.number % 4);
        format!(
            "{front} 0/0/7/30/40 {} {} - - ---- 9/1/0/0/0 0/0 {{www.example.com|{}}} \"{} {} HTTP/1.1\"",
            p.status, p.size, p.agent, p.method, p.target
        )
    }),
    ("traefik", |p| {
        format!("{} {} \"shop@docker\" \"http://192.0.2.3:80\" {}ms", p.combined(), p.number, p.milliseconds())
    }),
    ("alb", |p| {
        let front = format!(
            "https {}.186641Z app/shop/50dc6c495c0c9188 {}:2817 198.51.100.1:80 0.086 0.{:03} 0.037",
            p.iso('T'),
            p.client,
            p.milliseconds()
        );
        let asked = format!("\"{} https://www.example.com:443{} HTTP/1.1\" \"{}\"", p.method, p.target, p.agent);
        let arn = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/shop/73e2d6bc24d8a067";
        let behind = format!(
            "\"Root=1-58337281-{}01234567\" \"www.example.com\" \"arn:aws:acm:eu-north-1:123456789012:certificate/1\" 1",
            p.id()
        );
        format!(
            "{front} {} {} 0 {} {asked} ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 {arn} {behind} {}.364000Z \"forward\" \"-\" \"-\" \"198.51.100.1:80\" \"200\" \"-\" \"-\"",
            p.status,
            p.status,
            p.size,
            p.iso('T')
        )
    }),
    ("squid", |p| {
        format!(
            "1795255200.{:03} {:6} {} TCP_MISS/{} {} {} http://www.example.com{} - HIER_DIRECT/198.51.100.3 text/html",
            p.milliseconds(),
            p.milliseconds(),
            p.client,
            p.status,
            p.size,
            p.method,
            p.target
        )
    }),
    ("nginx_error", |p| {
        let time = format!("2026/11/{} {}", &p.clf[..2], &p.clf[12..20]);
        format!(
            "{time} [error] 31#31: *{} open() \"/var/www/html{}\" failed (2: No such file or directory), client: {}, server: www.example.com, request: \"{} {} HTTP/1.1\", host: \"www.example.com\"",
            p.number,
            p.path(),
            p.client,
            p.method,
            p.target
        )
    }),
    ("apache_error", |p| {
        format!(
            "[Sat Nov {} {}.{:06} 2026] [core:error] [pid 4711:tid 14] [client {}:50229] AH00128: File does not exist: /var/www/html{}",
            &p.clf[..2],
            &p.clf[12..20],
            p.milliseconds(),
            p.client,
            p.path()
        )
    }),
    ("cef", |p| {
        format!(
            "CEF:0|Example|WAF|1.2|100|allowed request|7|src={} spt=4711 request={} requestMethod={} requestClientApplication={} outcome=success",
            p.client,
            p.target.replace('=', "\\="),
            p.method,
            p.agent
        )
    }),
    ("logfmt", |p| {
        format!(
            "time={}Z level=info msg=\"request completed\" remote_addr={} method={} path=\"{}\" status={} duration={} user_agent=\"{}\"",
            p.iso('T'),
            p.client,
            p.method,
            p.target,
            p.status,
            p.milliseconds(),
            p.agent
        )
    }),
    ("iis", |p| {
        let (path, query) = p.target.split_once('?').unwrap_or((p.target, "-"));
        format!(
            "{} 192.0.2.10 {} {path} {query} 443 - {} {} {} {} 0 0 {}",
            p.iso(' '),
            p.method,
            p.client,
            p.agent.replace(' ', "+"),
            p.referer,
            p.status,
            p.milliseconds()
        )
    }),
    ("text", |p| match p.number % 2 {
        0 => format!("worker {} handled {} for client {} after {} ms", p.number, p.path(), p.client, p.milliseconds()),
        _ => format!("cache refreshed, {} bytes kept in section {} of the store", p.size, p.number % 17),
    }),
];

const IIS: &str = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n";

/// Whole lines, from bytes to bytes.
fn hosting(criterion: &mut Criterion) {
    let mut site = generate::Site::new(10_000);
    let lines: Vec<String> = (0..40_000)
        .map(|_| {
            let mut line = Vec::new();
            site.line(&mut line);
            String::from_utf8(line).unwrap().trim_end().to_owned()
        })
        .collect();
    let parts: Vec<Parts<'_>> = lines.iter().enumerate().filter_map(|(number, line)| Parts::of(line, number)).collect();
    assert!(parts.len() > lines.len() / 2);
    let plan = Arc::new(Plan::compile(&Policy::builtin("hosting").unwrap()).unwrap());
    let mut group = criterion.benchmark_group("hosting");
    for (name, write) in WHOLE {
        let mut block = if *name == "iis" { IIS.to_owned() } else { String::new() };
        parts.iter().for_each(|parts| {
            block.push_str(&write(parts));
            block.push('\n');
        });
        let mut engine = Engine::new(plan.clone());
        engine.set_reference(Timestamp(1_795_262_400));
        let mut batch = Batch::default();
        let mut run = || {
            batch.clear();
            let (mut at, mut unmatched) = (0, 0);
            loop {
                let (tally, progress) = engine.run(&block.as_bytes()[at..], &mut batch);
                unmatched += tally.unmatched;
                let Progress::Paused { at: done, epoch } = progress else { return (batch.bytes().len(), unmatched) };
                at += done;
                engine.admit(epoch, Some(Secret::new([7; 32])));
            }
        };
        assert_eq!(run().1 > 0, *name == "text", "{name}");
        group.throughput(Throughput::Bytes(block.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| bencher.iter(|| black_box(run())));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500)).without_plots();
    targets = formats, hosting
}
criterion_main!(benches);
