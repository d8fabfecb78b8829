//! The board as JSON: what `/status.json` says, and all that the page shows.
//!
//! Keys are fixed words; times are seconds since 1970, shares stand between 0 and 1, and what is not known is `null`.

use super::metrics::{self, VERSION};
use crate::run::sidecar::board::{InputFigures, Life, OutputFigures, Rate, SentFigures, Snapshot, View};
use serde_json::{Value, json};

/// All figures of a view.
pub(super) fn figures(view: &View) -> Value {
    let nothing = Snapshot::default();
    let now = view.snapshot.as_deref().unwrap_or(&nothing);
    let lines = now.lines();
    let rate = |figure: fn(&Rate) -> f64| view.rate.as_ref().map(|rate| figure(rate).round());
    let course: Vec<f64> = view.course.iter().map(|lines| lines.round()).collect();
    let dropped = now.tally.dropped();
    let shares = |list: &[(&'static str, u64)], of: u64| -> Value {
        list.iter().map(|&(name, lines)| json!({ "name": name, "lines": lines, "share": share(lines, of) })).collect()
    };
    let records: u64 = now.classes.iter().map(|(_, records)| records).sum();
    let found: u64 = now.counted.found.iter().map(|(_, count)| count).sum();
    let treated: u64 = now.counted.treated.iter().map(|(_, _, count)| count).sum();
    let checkpoints = &now.checkpoints;
    let mut figures = json!({
        "version": VERSION,
        "state": state(view),
        "alive": view.is_alive(),
        "ready": view.is_ready(),
        "now": view.now.0,
        "started": view.started.0,
        "uptime_seconds": view.uptime.as_secs(),
        "heartbeat_age_seconds": view.beat_age.as_secs(),
        "rate": { "lines": rate(|r| r.lines), "bytes_in": rate(|r| r.bytes_in), "bytes_out": rate(|r| r.bytes_out) },
        "course": course,
        "course_peak": course.iter().copied().reduce(f64::max),
        "lines": lines,
        "pending": now.pending,
        "bytes_in": now.tally.bytes_in,
        "bytes_out": now.tally.bytes_out,
        "outcomes": shares(&metrics::outcomes(now), lines),
        "reasons": shares(&metrics::reasons(now), dropped),
        "marks": shares(&metrics::marks(now), lines),
        "classes": now.classes.iter().map(|(class, count)| {
            json!({ "name": class.name(), "records": count, "share": share(*count, records) })
        }).collect::<Value>(),
        "found": now.counted.found.iter().map(|&(kind, count)| {
            json!({ "name": kind, "times": count, "share": share(count, found) })
        }).collect::<Value>(),
        "fields": now.counted.treated.iter().map(|&(field, treatment, count)| {
            json!({ "name": format!("{field}: {treatment}"), "field": field, "treatment": treatment, "values": count,
                "share": share(count, treated) })
        }).collect::<Value>(),
        "inputs": now.inputs.iter().map(input).collect::<Value>(),
        "outputs": now.outputs.iter().map(|output| self::output(view, output)).collect::<Value>(),
        "policy": policy(now),
        "key_epoch": now.epoch.as_ref().map(|epoch| json!({ "name": &*epoch.name, "start": epoch.start.0, "paused": epoch.paused })),
        "checkpoints": {
            "generation": checkpoints.generation,
            "at": checkpoints.at.map(|at| at.0),
            "age_seconds": checkpoints.at.map(|at| metrics::seconds_since(view, at.0)),
            "made": checkpoints.made,
            "last_seconds": checkpoints.at.map(|_| checkpoints.last_took.as_secs_f64()),
            "all_seconds": checkpoints.all_took.as_secs_f64(),
            "journal_batches": checkpoints.journal_batches,
            "recovered_whole": checkpoints.recovered_whole,
            "recovered_completed": checkpoints.recovered_completed,
            "recovered_cut": checkpoints.recovered_cut,
        },
        "quarantine": now.quarantine.map(|kept| {
            json!({ "bytes": kept.bytes, "limit_bytes": kept.limit, "share": share(kept.bytes, kept.limit), "files": kept.files })
        }),
        "memory": {
            "resident_bytes": now.memory.resident,
            "limit_bytes": now.memory.limit,
            "share": now.memory.resident.map(|bytes| share(bytes, now.memory.limit)),
        },
        "problems": problems(view, now),
    });
    figures["shape"] = shape(&figures).into();
    figures
}

/// One word on how it is.
fn state(view: &View) -> &'static str {
    match (view.is_alive(), view.life()) {
        (false, _) => "stuck",
        (true, life @ (Life::Starting | Life::Ready | Life::Draining)) => life.name(),
    }
}

fn policy(now: &Snapshot) -> Value {
    let policy = &now.policy;
    let reload = policy.last_reload.as_ref();
    let tag = (!policy.name.is_empty()).then(|| format!("{}/{}", policy.name, policy.version));
    json!({
        "name": &*policy.name,
        "version": policy.version,
        "tag": tag,
        "digest": &*policy.digest,
        "since": tag.is_some().then_some(policy.since.0),
        "reloads": policy.reloads,
        "reloads_refused": policy.reloads_refused,
        "last_reload": {
            "at": reload.map(|reload| reload.at.0),
            "result": reload.map(|reload| if reload.refused.is_some() { "refused" } else { "done" }),
            "why": reload.and_then(|reload| reload.refused.as_ref()).map(ToString::to_string),
        },
    })
}

fn input(input: &InputFigures) -> Value {
    let files = input.files.as_ref();
    json!({
        "kind": input.label.kind(),
        "name": input.label.name(),
        "lines": input.lines,
        "bytes": input.bytes,
        "lag_bytes": input.lag_bytes,
        "shed_lines": input.shed_lines,
        "problems": input.problems,
        "files": {
            "followed": files.map(|files| files.followed),
            "rotations": files.map(|files| files.rotations),
            "truncations": files.map(|files| files.truncations),
            "copies": files.map(|files| files.copies),
            "gaps": files.map(|files| files.gaps),
            "gap_bytes": files.map(|files| files.gap_bytes),
            "unreadable": files.map(|files| files.unreadable),
        },
    })
}

fn output(view: &View, output: &OutputFigures) -> Value {
    json!({
        "kind": output.label.kind(),
        "name": output.label.name(),
        "records": output.records,
        "bytes": output.bytes,
        "stalled_since": output.stalled_since.map(|at| at.0),
        "stalled_seconds": output.stalled_since.map(|at| metrics::seconds_since(view, at.0)),
        "last_write": output.last_write.map(|at| at.0),
        "last_write_seconds": output.last_write.map(|at| metrics::seconds_since(view, at.0)),
        "rotations": output.rotations,
        "errors": output.errors,
        "last_error": output.last_error.map(|kind| kind.to_string()),
        "waiting_bytes": output.sent.map(|sent| sent.waiting_bytes),
        "rejected": output.sent.map(|sent| sent.rejected),
    })
}

/// What somebody should look at, in words.
fn problems(view: &View, now: &Snapshot) -> Vec<String> {
    let mut all = Vec::new();
    if !view.is_alive() {
        all.push(format!("nothing has moved for {} seconds", view.beat_age.as_secs()));
    }
    for output in &now.outputs {
        let name = output.label.name();
        if let Some(SentFigures { fault: Some(fault), waiting_bytes, .. }) = output.sent {
            all.push(format!("{name} takes nothing ({fault}); {waiting_bytes} bytes wait for it"));
        }
        let rejected = output.sent.unwrap_or_default().rejected;
        if rejected > 0 {
            all.push(format!("{name} refused records for good: {rejected}"));
        }
        if let Some(kind) = output.last_error {
            all.push(format!("writing to {name} fails: {kind}"));
        } else if let Some(at) = output.stalled_since {
            all.push(format!("{name} has taken nothing for {} seconds", metrics::seconds_since(view, at.0)));
        }
    }
    if let Some(why) = now.policy.last_reload.as_ref().and_then(|reload| reload.refused.as_ref()) {
        all.push(format!("the last reload was refused, and the policy before stays: {why}"));
    }
    for input in &now.inputs {
        let name = input.label.name();
        let files = input.files.unwrap_or_default();
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                all.push(format!("{name}: {what}: {count}"));
            }
        };
        say(input.shed_lines, "lines dropped because an output took nothing");
        let sockets = input.sockets.unwrap_or_default();
        say(sockets.lost_datagrams, "datagrams lost because the kernel's buffer was full");
        say(sockets.refused, "senders refused because so many were connected");
        say(files.gaps, "files that lost bytes before they were read");
        say(files.unreadable, "times that a file could not be read");
        say(input.problems, "other problems, told on standard error");
    }
    if now.tally.guard > 0 {
        all.push(format!("the guard stopped lines in which it found somebody: {}", now.tally.guard));
    }
    if now.checkpoints.recovered_cut > 0 {
        all.push(format!("outputs cut back after a crash: {}", now.checkpoints.recovered_cut));
    }
    if let Some(resident) = now.memory.resident.filter(|bytes| now.memory.limit > 0 && *bytes > now.memory.limit) {
        all.push(format!("{} bytes of memory are more than the limit of {}", resident, now.memory.limit));
    }
    all
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

/// What the page's structure hangs on: where this changes, a page that is open must be fetched again.
fn shape(figures: &Value) -> String {
    let names = |list: &str| -> Value {
        let all = figures[list].as_array().into_iter().flatten();
        all.map(|one| json!([one["kind"], one["name"], one["files"]["followed"].is_null()])).collect()
    };
    json!([VERSION, names("inputs"), names("outputs"), names("classes"), names("found"), names("fields")]).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        error::{Error, Kind},
        run::sidecar::board::{Board, Quarantined, Reload},
        tally::Tally,
        time::Timestamp,
    };

    #[test]
    fn shares_are_of_the_whole_and_nothing_of_nothing_is_nothing() {
        assert_eq!((share(1, 3), share(0, 0), share(5, 5)), (0.3333, 0.0, 1.0));
        let board = Board::new();
        let tally = Tally { lines: 4, minimised: 3, malformed: 1, ..Tally::default() };
        board.publish(Snapshot { life: Life::Ready, tally, ..Snapshot::default() });
        let figures = figures(&board.view());
        assert_eq!(figures["outcomes"][0], json!({ "name": "minimised", "lines": 3, "share": 0.75 }));
        assert_eq!(figures["reasons"][0], json!({ "name": "malformed", "lines": 1, "share": 1.0 }));
        assert_eq!((&figures["state"], &figures["rate"]["lines"]), (&json!("ready"), &Value::Null));
        assert_eq!(figures["problems"], json!([]));
    }

    #[test]
    fn how_full_the_quarantine_is_can_be_seen_where_there_is_one() {
        let board = Board::new();
        board.publish(Snapshot::default());
        assert_eq!(figures(&board.view())["quarantine"], Value::Null);
        let quarantine = Some(Quarantined { bytes: 192, limit: 256, files: 3 });
        board.publish(Snapshot { quarantine, ..Snapshot::default() });
        let want = json!({ "bytes": 192, "limit_bytes": 256, "share": 0.75, "files": 3 });
        assert_eq!(figures(&board.view())["quarantine"], want);
    }

    #[test]
    fn a_refused_reload_is_a_problem_until_one_takes_effect() {
        let board = Board::new();
        let mut now = Snapshot::default();
        let refused = Some(Error::new(Kind::Config, "the policy has 2 faults"));
        now.policy.last_reload = Some(Reload { at: Timestamp(5), refused });
        board.publish(now.clone());
        let said = figures(&board.view());
        assert_eq!(
            said["policy"]["last_reload"],
            json!({ "at": 5, "result": "refused", "why": "the policy has 2 faults" })
        );
        assert_eq!(
            said["problems"],
            json!(["the last reload was refused, and the policy before stays: the policy has 2 faults"])
        );
        now.policy.last_reload = Some(Reload { at: Timestamp(6), refused: None });
        board.publish(now);
        let said = figures(&board.view());
        assert_eq!((&said["policy"]["last_reload"]["result"], &said["problems"]), (&json!("done"), &json!([])));
    }
}
