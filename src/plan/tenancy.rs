//! Whose a record is: by the virtual host that it names, or because its input is somebody's.

use crate::{
    policy::{OnUnknown, Tenants},
    record::{Escape, Record, Schema, State},
    retention::{ClassId, OWN, Rules},
    treatment::unescape,
};
use std::collections::HashMap;

/// The tenants of a policy, as the engine looks for them.
#[derive(Debug)]
pub(crate) struct Tenancy {
    /// Hosts in lower case.
    hosts: HashMap<Box<[u8]>, u16>,
    /// Domains of which all hosts below are somebody's.
    domains: HashMap<Box<[u8]>, u16>,
    /// By tenant.
    shares: Box<[Share]>,
    written: Tenants,
}

/// A tenant's classes and rules.
#[derive(Clone, Copy, Debug)]
struct Share {
    /// The number of its first class.
    first: u16,
    /// The place of its own rules in [`Tenanted::rules`]; `None`: the policy's.
    rules: Option<u16>,
    /// Of its own rules, which class the last gives, counted from the first.
    last: Option<u16>,
}

/// Somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// That of whoever runs sladd.
    Own,
    /// A tenant's, by its place.
    Tenant(u16),
    /// Nobody can say.
    Unknown,
}

/// What a route has to know where there are tenants.
#[derive(Debug, Default)]
pub(crate) struct Tenanted {
    /// The fields that hold a virtual host as the server chose it.
    chosen: Box<[u16]>,
    /// Those that hold one as it was asked for, as far as the format tells.
    hosts: Box<[u16]>,
    /// Those that hold the one that was asked for while the connection was encrypted.
    named: Box<[u16]>,
    /// Whether such values are bodies of JSON strings.
    escaped: bool,
    /// The rules of tenants that have some of their own.
    rules: Box<[Rules]>,
}

/// The virtual host that was looked for last: most records repeat it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo {
    last: Option<(Vec<u8>, Whose)>,
    /// A host whose escapes are undone.
    plain: Vec<u8>,
}

impl Tenancy {
    pub(super) fn of(tenants: &Tenants, own_classes: usize) -> Option<Box<Tenancy>> {
        if tenants.all.is_empty() {
            return None;
        }
        let (mut hosts, mut domains) = (HashMap::new(), HashMap::new());
        let (mut first, mut rules) = (own_classes, 0);
        let mut shares = Vec::with_capacity(tenants.all.len());
        for (place, tenant) in (0u16..).zip(&tenants.all) {
            for host in &tenant.hosts {
                match host.strip_prefix("*.") {
                    Some(domain) => domains.insert(domain.as_bytes().into(), place),
                    None => hosts.insert(host.as_bytes().into(), place),
                };
            }
            let own = tenant.retention.as_ref();
            let last = own.map(|terms| terms.rules.last().map_or(0, |rule| rule.class.into()));
            shares.push(Share { first: first as u16, rules: own.map(|_| rules), last });
            rules += u16::from(own.is_some());
            first += own.map_or(own_classes, |terms| terms.classes.len());
        }
        Some(Box::new(Tenancy { hosts, domains, shares: shares.into(), written: tenants.clone() }))
    }

    /// A tenant by name, or [`OWN`].
    pub(crate) fn named(&self, name: &str) -> Option<Whose> {
        if name == OWN {
            return Some(Whose::Own);
        }
        let place = self.written.all.iter().position(|known| *known.name == *name);
        place.map(|place| Whose::Tenant(place as u16))
    }

    /// Whose all records are, where whoever runs sladd has said it.
    pub(crate) fn assumed(&self) -> Option<Whose> {
        self.named(self.written.assumed.as_deref()?)
    }

    /// The class of what is no record, where all is somebody's; `own` is that of whoever runs sladd.
    pub(crate) fn last_class(&self, whose: Whose, own: ClassId) -> ClassId {
        let Whose::Tenant(place) = whose else { return own };
        let Share { first, last, .. } = self.shares[usize::from(place)];
        ClassId(first + last.unwrap_or(own.0))
    }

    /// Whether these classes are all of one tenant, or all of whoever runs sladd.
    pub(crate) fn is_ones(&self, mut classes: impl Iterator<Item = ClassId>) -> bool {
        let holder = |class: ClassId| self.shares.partition_point(|share| share.first <= class.0);
        let first = classes.next().map(holder);
        classes.all(|class| Some(holder(class)) == first)
    }

    /// Whether what is nobody's is set aside to be sealed.
    pub(crate) fn seals_unknown(&self) -> bool {
        self.written.unknown == OnUnknown::Seal
    }

    /// As the policy writes them.
    pub(super) fn written(&self) -> &Tenants {
        &self.written
    }

    /// Whose a record is of which one of the values is a virtual host: of several the first that the line has, but what the
    /// server chose goes before what a visitor asked for.
    #[inline]
    pub(crate) fn whose(&self, of: &Tenanted, line: &[u8], record: &Record, memo: &mut Memo) -> Whose {
        let first = |fields: &[u16]| {
            let is_host = |field: u16| fields.contains(&field);
            let host = record.values.iter().find(|value| value.state == State::Present && is_host(value.field));
            host.map(|host| host.span.of(line))
        };
        // nginx writes `_` or nothing for a server without a name.
        let chosen =
            if of.chosen.is_empty() { None } else { first(&of.chosen).filter(|name| !matches!(*name, b"" | b"_")) };
        let host = chosen.or_else(|| first(&of.hosts)).or_else(|| first(&of.named));
        match host {
            Some(host) if of.escaped && memchr::memchr(b'\\', host).is_some() => self.of_escaped(host, memo),
            Some(host) => self.of_host(host, memo),
            None => Whose::Unknown,
        }
    }

    #[cold]
    fn of_escaped(&self, host: &[u8], memo: &mut Memo) -> Whose {
        if host.len() > LONGEST_ESCAPED_BYTES {
            return Whose::Unknown;
        }
        let mut plain = std::mem::take(&mut memo.plain);
        plain.clear();
        unescape(host, &mut plain);
        let whose = self.of_host(&plain, memo);
        memo.plain = plain;
        whose
    }

    #[inline]
    fn of_host(&self, host: &[u8], memo: &mut Memo) -> Whose {
        match &memo.last {
            Some((known, whose)) if known == host => *whose,
            _ if host.len() > LONGEST_BYTES => self.look_up(host),
            _ => {
                let whose = self.look_up(host);
                let (known, found) = memo.last.get_or_insert_with(|| (Vec::new(), whose));
                known.clear();
                known.extend_from_slice(host);
                *found = whose;
                whose
            }
        }
    }

    /// `shop.example.com`, `Shop.Example.com.:8443`, `[2001:db8::1]:443`.
    fn look_up(&self, host: &[u8]) -> Whose {
        let host = match host {
            [b'[', inner @ ..] => match memchr::memchr(b']', inner) {
                Some(end) => &inner[..end],
                None => return Whose::Unknown,
            },
            // A plain IPv6 address has more than one colon, and no port.
            _ => match (memchr::memchr(b':', host), memchr::memrchr(b':', host)) {
                (Some(first), Some(last)) if first == last => &host[..first],
                _ => host,
            },
        };
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.len() > LONGEST_BYTES {
            return Whose::Unknown;
        }
        let mut lower = [0; LONGEST_BYTES];
        let lower = &mut lower[..host.len()];
        lower.copy_from_slice(host);
        lower.make_ascii_lowercase();
        let found = self.hosts.get(&*lower).or_else(|| {
            memchr::memchr_iter(b'.', lower).filter(|&dot| dot > 0).find_map(|dot| self.domains.get(&lower[dot + 1..]))
        });
        found.map_or(Whose::Unknown, |place| Whose::Tenant(*place))
    }

    /// The class of a record that is somebody's under the rules of its format; `None`: nobody can say whose, and such are left
    /// out.
    #[inline]
    pub(crate) fn class(
        &self,
        whose: Whose,
        (own, of): (&Rules, &Tenanted),
        (schema, line, record): (&Schema, &[u8], &Record),
    ) -> Option<ClassId> {
        let place = match whose {
            Whose::Unknown if self.written.unknown != OnUnknown::Own => return None,
            Whose::Unknown | Whose::Own => return Some(own.classify(schema, line, record)),
            Whose::Tenant(place) => place,
        };
        let Share { first, rules, last: _ } = self.shares[usize::from(place)];
        let rules = rules.map_or(own, |rules| &of.rules[usize::from(rules)]);
        Some(ClassId(first + rules.classify(schema, line, record).0))
    }
}

impl Tenanted {
    pub(super) fn of(schema: &Schema, rules: impl Iterator<Item = Rules>) -> Tenanted {
        let called = |name: &str| {
            (0..).zip(&schema.fields).filter(|(_, field)| *field.name == *name).map(|(at, _)| at).collect()
        };
        Tenanted {
            chosen: called(CHOSEN_HOST),
            hosts: called(VIRTUAL_HOST),
            named: called(NAMED_HOST),
            escaped: schema.fields.iter().any(|field| *field.name == *VIRTUAL_HOST && field.escape == Escape::Json),
            rules: rules.collect(),
        }
    }

    /// Whether a field's value says whose a record is.
    pub(super) fn asks(&self, field: u16) -> bool {
        let by_rule =
            |rules: &Rules| rules.0.iter().any(|(_, rule)| rule.fields.iter().any(|(asked, _)| *asked == field));
        let hosts = [&self.chosen, &self.hosts, &self.named];
        hosts.iter().any(|fields| fields.contains(&field)) || self.rules.iter().any(by_rule)
    }
}

/// What formats call the virtual host that was asked for, and the one that the server took it for.
const VIRTUAL_HOST: &str = "server.address";
const CHOSEN_HOST: &str = "server.name";
/// And the one by which a visitor's program asked for a certificate: it says whose a record is where none of them stands.
const NAMED_HOST: &str = "tls.client.server_name";

/// No host's name is longer.
const LONGEST_BYTES: usize = 253;
/// Nor one with dot, brackets and port of which each byte is written in six.
const LONGEST_ESCAPED_BYTES: usize = 6 * (LONGEST_BYTES + ".[]:65535".len());

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::policy::Policy;
    use proptest::prelude::*;

    const TENANTS: &str = "base = \"hosting\"\nname = \"a\"\nversion = 1\n[tenants]\nunknown = \"drop\"\n\
        [[tenant]]\nname = \"nord\"\nhosts = [\"nord.example\", \"*.nord.example\", \"192.0.2.10\", \"2001:db8::10\"]\nrole = \"controller\"\n\
        [[tenant]]\nname = \"sor\"\nhosts = [\"Butikk.Nord.example.\", \"sor.example\"]\nrole = \"controller\"\n";

    fn tenancy() -> Box<Tenancy> {
        let policy = Policy::parse(TENANTS, "test").0.unwrap();
        Tenancy::of(&policy.tenants, policy.classes.len()).unwrap()
    }

    #[test]
    fn a_virtual_host_is_one_tenants_however_it_is_written() {
        let tenancy = tenancy();
        let (nord, sor) = (Whose::Tenant(0), Whose::Tenant(1));
        for (host, want) in [
            ("nord.example", nord),
            ("NORD.Example", nord),
            ("nord.example.", nord),
            ("nord.example:8443", nord),
            ("Nord.Example.:8443", nord),
            ("www.nord.example", nord),
            ("a.b.nord.example:443", nord),
            ("butikk.nord.example", sor),
            ("x.butikk.nord.example", nord),
            ("192.0.2.10", nord),
            ("192.0.2.10:80", nord),
            ("2001:db8::10", nord),
            ("[2001:db8::10]", nord),
            ("[2001:DB8::10]:443", nord),
            ("sor.example", sor),
            ("www.sor.example", Whose::Unknown),
            ("evilnord.example", Whose::Unknown),
            (".nord.example", Whose::Unknown),
            ("nord.example.evil.example", Whose::Unknown),
            ("example", Whose::Unknown),
            ("-", Whose::Unknown),
            ("", Whose::Unknown),
            (".", Whose::Unknown),
            (":", Whose::Unknown),
            ("[nord.example", Whose::Unknown),
        ] {
            assert_eq!(tenancy.look_up(host.as_bytes()), want, "{host}");
        }
        assert_eq!(tenancy.look_up(&[b'a'; 300]), Whose::Unknown);
    }

    proptest! {
        #[test]
        fn what_is_remembered_changes_nothing(hosts in prop::collection::vec(
            prop_oneof![
                "[a-c]{0,2}\\.?nord\\.example(:80)?",
                "(sor|butikk\\.nord)\\.EXAMPLE",
                "[a-z]{250,260}",
                "\\[?[a-b]{238,242}\\.nord\\.example\\]?[y]?",
                prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            ],
            0..12,
        )) {
            let tenancy = tenancy();
            let mut memo = Memo::default();
            for host in &hosts {
                prop_assert_eq!(tenancy.of_host(host.as_bytes(), &mut memo), tenancy.look_up(host.as_bytes()));
            }
        }
    }
}
