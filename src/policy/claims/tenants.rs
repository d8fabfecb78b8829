//! Claims that speak of customers: their roles, what is kept apart for each, what goes when they leave.

use super::{
    Answer, Role,
    judge::{no, no_for, not_enforced, yes},
};
use crate::{
    format::{self, Parse},
    policy::{
        Class, Policy, Tenant,
        weaken::{ends_as_soon, lives_as_short},
        wiring::{Output, To},
    },
    retention::{Keep, Life, OWN, Purpose},
};

/// As what records are held: those of customers each as `role` says, our own as ours.
pub(super) fn role(policy: &Policy, role: Role) -> Answer {
    let tenants = &policy.tenants.all;
    if tenants.is_empty() {
        return not_enforced("the policy does not say whose records these are: it has no [[tenant]]");
    }
    if !tells_apart(policy) {
        return not_enforced(UNTOLD);
    }
    let others: Vec<&Tenant> = tenants.iter().filter(|tenant| tenant.role == Role::Controller).collect();
    match role {
        Role::Controller => yes("our own records are told from those of each tenant by the virtual host"),
        Role::Processor => no_for(
            others,
            |tenant| format!("the records of the tenant {} are held for our own ends", tenant.name),
            || yes("the records of every tenant are held on its instruction, which the policy names"),
        ),
    }
}

/// Whether nothing of one customer meets something of another.
pub(super) fn apart(policy: &Policy) -> Answer {
    if policy.tenants.all.is_empty() {
        return not_enforced("keys, terms and outputs are the same for every customer: the policy has no [[tenant]]");
    }
    if policy.wiring.outputs.is_empty() {
        return not_enforced("the policy has no [[output]]: where records go is said on the command line");
    }
    if !tells_apart(policy) {
        return not_enforced(UNTOLD);
    }
    let outputs = &policy.wiring.outputs;
    let is_one =
        |output: &Output| output.tenants.windows(2).all(|pair| pair[0] == pair[1]) && !output.tenants.is_empty();
    let same = |output: &Output| {
        let twin = |other: &&Output| called(&other.to) == called(&output.to) && other.tenants != output.tenants;
        outputs.iter().any(|other| twin(&other))
    };
    let mixes = |output: &&Output| !matches!(output.to, To::Store(_)) && (!is_one(output) || same(output));
    let mixed: Vec<String> = outputs.iter().filter(mixes).map(|output| called(&output.to)).collect();
    no_for(
        mixed,
        |output| format!("{output} gets the records of several tenants"),
        || {
            yes(
                "each tenant has pseudonyms of its own, and every output is one tenant's or a store, which keeps them apart",
            )
        },
    )
}

const UNTOLD: &str =
    "no input is a tenant's, and no format that is read names a virtual host: all records are taken for our own";

/// Whether some record can be a tenant's: by its virtual host, or because its input is.
fn tells_apart(policy: &Policy) -> bool {
    let names_hosts = |formats: &[Box<str>]| {
        formats.iter().any(|name| match format::named(name) {
            Ok(format) => format.schema().fields.iter().any(|field| &*field.name == "server.address"),
            // What holds lines of any format, `auto` among them.
            Err(_) => &**name != "text",
        })
    };
    let own = &policy.source.formats;
    let of = |formats: &[Box<str>]| names_hosts(if formats.is_empty() { own } else { formats });
    match &policy.wiring.inputs[..] {
        [] => names_hosts(own),
        inputs => inputs.iter().any(|input| match &input.tenant {
            Some(tenant) => **tenant != *OWN,
            None => of(&input.formats),
        }),
    }
}

fn called(to: &To) -> String {
    match to {
        To::File { path, .. } | To::Store(path) => path.display().to_string(),
        To::Stdout => "standard output".to_owned(),
        To::Remote(remote) => {
            let (kind, at) = remote.receiver.label();
            format!("{kind} to {at}")
        }
    }
}

/// Whether the terms of every customer's records end so soon after the customer has left; what the law asks for apart. Which
/// classes are theirs, or why not.
pub(super) fn leaving(policy: &Policy, at_most: Keep) -> Result<Vec<&Class>, Answer> {
    if policy.tenants.all.is_empty() {
        return Err(not_enforced(
            "the policy says nothing of customers and when their contracts end: it has no [[tenant]]",
        ));
    }
    let theirs =
        || policy.shelves().filter(|(tenant, class)| !tenant.is_empty() && class.purpose != Purpose::LegalObligation);
    let outlives = |class: &Class| match class.keep {
        Life::Relationship(keep) => !ends_as_soon(keep, at_most),
        // What is written on the last day lives so long after it.
        life => !lives_as_short(life, Life::Span(at_most)),
    };
    if let Some((tenant, class)) = theirs().find(|(_, class)| outlives(class)) {
        return Err(no(format!("the class {} of the tenant {tenant} is kept for {}", class.name, class.keep)));
    }
    Ok(theirs().map(|(_, class)| class).collect())
}

/// Whether that is so, as far as a policy can say it.
pub(super) fn deleted(policy: &Policy, at_most: Keep) -> Answer {
    match leaving(policy, at_most) {
        Err(answer) => answer,
        Ok(_) => not_enforced(
            "the policy says it, but only a store deletes, when somebody says that a tenant has left and sweeps it",
        ),
    }
}
