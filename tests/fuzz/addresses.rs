//! Addresses: every spelling, planted anywhere in a line in any state.

use crate::planted;

/// How 81.23.157.209 and 2a02:2a57:7d4:1a2b:9f3e:5c6d:77aa:beef are written, and what must not be seen of it afterwards.
const SPELLINGS: &[(&str, &[&str])] = &[
    ("81.23.157.209", &["157.209"]),
    ("81.23.157.209:47113", &["157.209"]),
    ("[81.23.157.209]:47113", &["157.209"]),
    ("::ffff:81.23.157.209", &["157.209", "9dd1"]),
    ("::ffff:5117:9dd1", &["157.209", "9dd1"]),
    ("81%2e23%2E157%2e209", &["157%2e209", "157.209"]),
    ("81\\x2e23\\x2e157\\x2e209", &["157\\x2e209", "157.209"]),
    ("81-23-157-209.dyn.example.net", &["157-209"]),
    ("209.157.23.81.in-addr.arpa", &["209.157"]),
    ("p51179dd1.dip0.isp.example", &["51179dd1"]),
    ("81[.]23[.]157[.]209", &["157[.]209", "157.209"]),
    ("0x51.0x17.0x9d.0xd1", &["0xd1", "157.209"]),
    ("http://1360502225/", &["1360502225"]),
    ("2a02:2a57:7d4:1a2b:9f3e:5c6d:77aa:beef", &["1a2b", "beef", "9f3e"]),
    ("[2a02:2a57:7d4:1a2b:9f3e:5c6d:77aa:beef]:47113", &["1a2b", "beef"]),
    ("2A02:2A57:07D4:1A2B:9F3E:5C6D:77AA:BEEF", &["1a2b", "beef"]),
    ("2a02:2a57:7d4:1a2b::beef%wwan7", &["1a2b", "beef", "wwan7"]),
    ("2002:5117:9dd1::1", &["9dd1"]),
    ("64:ff9b::81.23.157.209", &["157.209", "9dd1"]),
];

#[test]
fn a_planted_address_does_not_come_out() {
    planted("addresses", 4000, SPELLINGS);
}
