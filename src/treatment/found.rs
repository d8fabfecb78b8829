//! How often each kind of identifier was found in free text.

use crate::detect::{Finding, What};

/// One count for each of [`Found::KINDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found([u64; Found::KINDS.len()]);

impl Found {
    /// The kinds, in the order of the counts.
    pub const KINDS: [&str; 15] = [
        "address",
        "host_name",
        "email",
        "jwt",
        "uuid",
        "mac",
        "imei",
        "token",
        "phone",
        "card",
        "iban",
        "national_id",
        "user",
        "query_value",
        "own_pattern",
    ];

    /// Counts what was found in one text.
    #[inline]
    pub(super) fn note(&mut self, findings: &[Finding]) {
        for finding in findings {
            self.0[place(&finding.what)] += 1;
        }
    }

    /// Adds what was counted elsewhere.
    #[inline]
    pub fn add(&mut self, other: &Found) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }

    /// Each kind with its count.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Found::KINDS.into_iter().zip(self.0)
    }
}

fn place(what: &What) -> usize {
    match what {
        What::Address(_) => 0,
        What::HostName => 1,
        What::Email => 2,
        What::Jwt => 3,
        What::Uuid => 4,
        What::Mac => 5,
        What::Imei => 6,
        What::Token => 7,
        What::Phone => 8,
        What::Card => 9,
        What::Iban => 10,
        What::NationalId => 11,
        What::User => 12,
        What::Value => 13,
        What::Own(_) => 14,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Span;

    #[test]
    fn each_kind_is_counted_under_its_name() {
        let finding = |what| Finding { span: Span::new(0, 1), core: Span::new(0, 1), what };
        let mut found = Found::default();
        found.note(&[finding(What::Email), finding(What::User), finding(What::Email)]);
        found.add(&found.clone());
        let counts: Vec<(&str, u64)> = found.each().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [("email", 4), ("user", 2)]);
    }
}
