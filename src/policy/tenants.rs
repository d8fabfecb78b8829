//! Whose records are whose: a host's customers, known by the virtual hosts that are theirs.

use super::{Class, Policy, Rule};
use crate::retention::{Life, OWN, label};

/// `[tenants]` and every `[[tenant]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenants {
    /// What becomes of a line of a virtual host that is nobody's, or that names none.
    pub unknown: OnUnknown,
    /// In the order written; each has a name of its own.
    pub all: Vec<Tenant>,
    /// Whose all records are, whatever virtual host they name; none: each names its own. A policy does not say it, but who
    /// runs sladd ([`Policy::read_as_of`]).
    pub assumed: Option<Box<str>>,
}

/// What becomes of a line of which nobody can say whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is a record of whoever runs sladd.
    #[default]
    Own,
    /// It is left out.
    Drop,
    /// It is encrypted to whom `[seal]` names.
    Seal,
}

/// `[[tenant]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// `[a-z0-9-]{1,32}`, and not [`OWN`](crate::retention::OWN).
    pub name: Box<str>,
    /// Virtual hosts in lower case, `shop.example.com`, or all below one, `*.example.com`.
    pub hosts: Vec<Box<str>>,
    /// As what whoever runs sladd holds these records.
    pub role: Role,
    /// On what ground a processor does: a contract's number, say.
    pub instruction: Option<Box<str>>,
    /// Classes and rules of its own; `None`: the policy's.
    pub retention: Option<Terms>,
}

/// Classes and the rules that pick them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Each named once.
    pub classes: Vec<Class>,
    /// Their `class` is an index into these classes.
    pub rules: Vec<Rule>,
}

/// As what whoever runs sladd holds records (GDPR, article 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// For ends of their own.
    Controller,
    /// For a customer, who says what becomes of them.
    Processor,
}

impl Role {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Controller => "controller",
            Role::Processor => "processor",
        }
    }
}

impl Policy {
    /// Every class of everybody, in the order of their numbers: those of whoever runs sladd, under an empty name, then those
    /// of each tenant.
    pub fn shelves(&self) -> impl Iterator<Item = (&str, &Class)> {
        let own = self.classes.iter().map(|class| ("", class));
        let theirs = self.tenants.all.iter().flat_map(|tenant| {
            let classes = tenant.retention.as_ref().map_or(&self.classes, |terms| &terms.classes);
            classes.iter().map(|class| (&*tenant.name, class))
        });
        own.chain(theirs)
    }

    /// All records are this tenant's, or [`OWN`]'s, whatever virtual host they name; `false`: there is no such tenant.
    pub fn read_as_of(&mut self, tenant: &str) -> bool {
        let is_known = self.tenants.all.iter().any(|known| *known.name == *tenant);
        if is_known || tenant == OWN && !self.tenants.all.is_empty() {
            self.tenants.assumed = Some(tenant.into());
            return true;
        }
        false
    }

    /// Every class of everybody by its [`label`]: how long each is kept.
    pub fn lives(&self) -> impl Iterator<Item = (Box<str>, Life)> {
        self.shelves().map(|(tenant, class)| (label(tenant, &class.name).into(), class.keep))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn classes_are_numbered_tenant_by_tenant() {
        let text = "base = \"hosting\"\nname = \"a\"\nversion = 1\n[tenants]\nunknown = \"drop\"\n\
                    [[tenant]]\nname = \"nord\"\nhosts = [\"nord.example\"]\nrole = \"controller\"\n\
                    [[tenant]]\nname = \"sor\"\nhosts = [\"sor.example\"]\nrole = \"processor\"\ninstruction = \"agreement 7\"\n\
                    [[tenant.retention]]\nclass = \"visits\"\nkeep = \"1 month\"\npurpose = \"analytics\"\nbasis = \"consent\"\n";
        let policy = Policy::parse(text, "test").0.unwrap();
        let shelves: Vec<(&str, &str)> = policy.shelves().map(|(tenant, class)| (tenant, &*class.name)).collect();
        assert_eq!(
            shelves,
            [
                ("", "login_history"),
                ("", "security_log"),
                ("nord", "login_history"),
                ("nord", "security_log"),
                ("sor", "visits")
            ]
        );
    }
}
