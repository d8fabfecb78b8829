//! UUIDs, hardware addresses and equipment ids, planted anywhere in a line in any state.

use crate::planted;

const SPELLINGS: &[(&str, &[&str])] = &[
    ("3c9d70e2-58b1-4f06-8d27-91ab6ce4f053", &["91ab6ce4f053"]),
    ("3C9D70E2-58B1-4F06-8D27-91AB6CE4F053", &["91ab6ce4f053"]),
    ("{3c9d70e2-58b1-4f06-8d27-91ab6ce4f053}", &["91ab6ce4f053"]),
    ("urn:uuid:3c9d70e2-58b1-4f06-8d27-91ab6ce4f053", &["91ab6ce4f053"]),
    ("3c9d70e2%2d58b1%2d4f06%2d8d27%2d91ab6ce4f053", &["91ab6ce4f053"]),
    ("b8:27:eb:5d:3c:9f", &["5d:3c"]),
    ("B8-27-EB-5D-3C-9F", &["5d-3c"]),
    ("b827.eb5d.3c9f", &[".eb5d"]),
    ("mac=b827eb5d3c9f", &["eb5d3c9f"]),
    ("imei=358240051111078", &["051111078"]),
    ("35-824005-111107-8", &["111107"]),
];

#[test]
fn a_planted_id_does_not_come_out() {
    planted("ids", 3000, SPELLINGS);
}
