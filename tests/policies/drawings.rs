//! Findings as they are drawn, word for word.

use sladd::policy::{Colour, Policy, draw};

fn drawn(policy: &str) -> String {
    let (_, findings) = Policy::parse(policy, "web.toml");
    draw(policy, &findings, Colour::Never)
}
