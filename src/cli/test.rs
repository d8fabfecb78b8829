//! `sladd test`: runs a policy's examples.

use super::{TestArgs, load};
use crate::{
    encode::Batch,
    engine::{Engine, Progress},
    error::{Error, Kind},
    plan::Plan,
    policy::{Example, Policy},
    time::Timestamp,
    treatment::pseudonym::Secret,
};
use memchr::memmem;
use std::{process::ExitCode, sync::Arc};

/// Runs each `[[example]]`; exit code 1 if one fails.
pub fn run(args: &TestArgs) -> Result<ExitCode, Error> {
    let policy = load::policy(&args.policy)?;
    if policy.examples.is_empty() {
        return Err(Error::new(
            Kind::Config,
            format!("{} has no [[example]]; add one with line, gone and kept", args.policy),
        ));
    }
    let mut out = String::new();
    let mut failed = 0;
    for (number, example) in policy.examples.iter().enumerate() {
        let number = number + 1;
        let treated = treat(&policy, example)?;
        // The texts looked for stand in the policy file; the line itself is not shown.
        let still = example.gone.iter().filter(|text| memmem::find(&treated, text.as_bytes()).is_some());
        let lost = example.kept.iter().filter(|text| memmem::find(&treated, text.as_bytes()).is_none());
        let faults: Vec<String> = still
            .map(|text| format!("example {number}: `{text}` should be gone and is there"))
            .chain(lost.map(|text| format!("example {number}: `{text}` should be kept and is gone")))
            .collect();
        failed += usize::from(!faults.is_empty());
        for fault in faults {
            out.push_str(&fault);
            out.push('\n');
        }
    }
    let all = policy.examples.len();
    out.push_str(&format!("{} passed, {failed} failed\n", all - failed));
    super::print(out.as_bytes())?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn treat(policy: &Policy, example: &Example) -> Result<Vec<u8>, Error> {
    let mut policy = policy.clone();
    if let Some(format) = &example.format {
        policy.source.formats = vec![format.clone()];
    }
    let mut engine = Engine::new(Arc::new(Plan::compile(&policy)?));
    engine.set_reference(Timestamp(0));
    let line = format!("{}\n", example.line);
    let mut batch = Batch::default();
    let mut at = 0;
    // Examples need no lasting key: any secret shows whether a value is replaced.
    while let (_, Progress::Paused { at: done, epoch }) = engine.run(&line.as_bytes()[at..], &mut batch) {
        at += done;
        engine.admit(epoch, Some(Secret::new([0x5a; 32])));
    }
    Ok(batch.bytes().to_vec())
}
