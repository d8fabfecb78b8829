//! What a store has to know of a policy.

use crate::{
    policy::{Policy, Treatment},
    store::{ClassFacts, Facts, Stability, TenantFacts, Terms, TreatmentFacts},
};

/// The facts of a policy, for manifests. `digest` is that of all that it says, in hexadecimal.
pub fn of(policy: &Policy, digest: &str) -> Facts {
    let fields = policy.fields.iter().map(|(name, treatment)| (&**name, treatment));
    let fields = fields.chain([("*", &policy.rest)]).map(|(field, treatment)| TreatmentFacts {
        field: field.to_owned(),
        treatment: treatment.to_string(),
        stability: stability(treatment),
    });
    let beside = policy.told_beside().into_iter().map(|(table, words)| TreatmentFacts {
        field: table.to_owned(),
        treatment: words,
        stability: Stability::Undefined,
    });
    let treatments: Vec<TreatmentFacts> = fields.chain(beside).collect();
    let is_keyed = treatments.iter().any(|facts| facts.stability == Stability::Session);
    Facts {
        name: policy.name.to_string(),
        version: policy.version,
        digest: digest.to_owned(),
        classes: policy.classes.iter().map(class).collect(),
        tenants: policy
            .tenants
            .all
            .iter()
            .filter_map(|tenant| {
                let classes = tenant.retention.as_ref()?.classes.iter().map(class).collect();
                Some(TenantFacts { name: tenant.name.to_string(), classes })
            })
            .collect(),
        treatments,
        epoch: is_keyed.then(|| policy.keys.epoch.to_string()),
    }
}

/// The classes of a policy, for what is due.
pub fn terms(policy: &Policy) -> Terms {
    Terms::new(policy.lives())
}

fn class(class: &crate::policy::Class) -> ClassFacts {
    ClassFacts {
        name: class.name.to_string(),
        keep: class.keep.to_string(),
        purpose: class.purpose.to_string(),
        basis: class.basis.to_string(),
    }
}

/// For how long equal values come out equal. A key is part of those that pseudonymise, and of no other.
fn stability(treatment: &Treatment) -> Stability {
    match treatment {
        Treatment::Cookie { pseudonym, .. } if pseudonym.is_empty() => Stability::Stable,
        Treatment::Pseudonym { .. } | Treatment::Cookie { .. } | Treatment::Query { .. } => Stability::Session,
        // The key of a reversible scheme is that of an epoch, as a pseudonym's is.
        Treatment::Reversible { .. } => Stability::Session,
        Treatment::Drop => Stability::Undefined,
        Treatment::Coarsen(_)
        | Treatment::Country { .. }
        | Treatment::Family { .. }
        | Treatment::Keep { .. }
        | Treatment::Language
        | Treatment::Origin
        | Treatment::Path
        | Treatment::Scrub { .. }
        | Treatment::Truncate(_) => Stability::Stable,
    }
}
