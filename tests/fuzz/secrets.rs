//! Tokens and what stands behind the names of secrets, planted anywhere in a line in any state.

use crate::planted;

const SPELLINGS: &[(&str, &[&str])] = &[
    ("d41a7c30be95f8264c1e9073a5fb82d6", &["a5fb82d6"]),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxeiJ9.q7TzKcVb3LmN-xY58Wd2RfGh9Jp0sUa_eO4iZkXlCvB", &["q7tzkcvb3lmn"]),
    ("password=zq7hunter", &["zq7hunter"]),
    ("user[password]=zq7hunter", &["zq7hunter"]),
    ("api_key%3dzq7hunter", &["zq7hunter"]),
    ("access_token=zq7hunter", &["zq7hunter"]),
    ("gaid=zq7hunter", &["zq7hunter"]),
    ("device_id=zq7hunter", &["zq7hunter"]),
];

#[test]
fn a_planted_secret_does_not_come_out() {
    planted("secrets", 3000, SPELLINGS);
}
