//! Once warm, no line allocates.
#![allow(clippy::unwrap_used)]

mod common;

use sladd::encode::Batch;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator unchanged; the counter is a plain thread-local cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of_a_second_run(policy: &sladd::policy::Policy, lines: &[u8]) -> u64 {
    let mut engine = common::engine(policy);
    let (out, tally) = common::run(&mut engine, lines);
    assert!(!out.is_empty() || tally.dropped() == tally.lines);
    let mut batch = Batch::default();
    for _ in 0..2 {
        batch.clear();
        let _ = engine.run(lines, &mut batch);
    }
    batch.clear();
    let before = COUNT.with(Cell::get);
    let _ = engine.run(lines, &mut batch);
    COUNT.with(Cell::get) - before
}

#[test]
fn a_warm_engine_allocates_nothing_for_any_sample_under_any_policy() {
    let samples = std::fs::read_dir(format!("{}/samples/logs", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for path in samples.map(|entry| entry.unwrap().path()) {
        let (sample, lines) = (path.display(), std::fs::read(&path).unwrap());
        for name in ["hosting", "strict", "minimal"] {
            assert_eq!(allocations_of_a_second_run(&common::builtin(name), &lines), 0, "{sample} under {name}");
            let json = common::as_json(common::builtin(name));
            assert_eq!(allocations_of_a_second_run(&json, &lines), 0, "{sample} under {name} as JSON");
        }
    }
}

#[test]
fn a_country_is_looked_up_without_an_allocation() {
    let policy = common::policy(
        "base = \"hosting\"\nname = \"by-country\"\nversion = 1\n[source]\n\
         format = 'nginx:$remote_addr \"$http_x_forwarded_for\" $status'\n[fields]\n\
         \"client.address\" = { treatment = \"country\", database = \"/x.mmdb\" }\n\
         \"http.request.header.x-forwarded-for\" = { treatment = \"country\", database = \"/x.mmdb\" }\n",
    );
    let lines =
        b"192.0.2.1 \"2001:db8::1, 10.0.0.1, 2002:c000:201::1, 192%2e0.2.9, unknown\" 200\n10.1.2.3 \"NO, SE\" 200\n\
        client.example.net \"2001:db8:ffff::1\" 404\n203.0.113.77 \"198\\x2e51.100.7\" 200\n";
    assert_eq!(allocations_of_a_second_run(&policy, lines), 0);
}

#[test]
fn the_counter_counts() {
    let before = COUNT.with(Cell::get);
    drop(std::hint::black_box(vec![1u8; 64]));
    assert!(COUNT.with(Cell::get) > before);
}
