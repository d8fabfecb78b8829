//! The engine alone, in one thread: whole lines of the samples under each built-in policy.
//!
//! `cargo bench --bench engine`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sladd::{Batch, Engine, Plan, Policy, Progress, Secret, Timestamp, policy::Layout};
use std::{hint::black_box, sync::Arc};

fn engine(c: &mut Criterion) {
    for sample in ["nginx-combined", "nginx-json", "caddy.json", "text"] {
        let path = format!("{}/samples/logs/{sample}.log", env!("CARGO_MANIFEST_DIR"));
        let lines = std::fs::read(path).expect("a sample").repeat(40);
        let mut group = c.benchmark_group(sample);
        group.throughput(Throughput::Bytes(lines.len() as u64));
        for name in sladd::policy::names() {
            for layout in [Layout::Same, Layout::Json] {
                let mut policy = Policy::builtin(name).expect("a built-in");
                policy.encode.layout = layout;
                let mut engine = Engine::new(Arc::new(Plan::compile(&policy).expect("a plan")));
                engine.set_reference(Timestamp(1_795_262_400));
                let mut batch = Batch::default();
                let label = format!("{name}/{}", if layout == Layout::Same { "same" } else { "json" });
                group.bench_function(label, |b| {
                    b.iter(|| {
                        batch.clear();
                        let mut at = 0;
                        while let (_, Progress::Paused { at: done, epoch }) = engine.run(&lines[at..], &mut batch) {
                            at += done;
                            engine.admit(epoch, Some(Secret::new([7; 32])));
                        }
                        black_box(batch.bytes().len())
                    })
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);
