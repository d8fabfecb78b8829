//! The journal's export format: `NAME=value` lines, a blank line behind each entry.
//!
//! Source: systemd.io/JOURNAL_EXPORT_FORMATS. One line is one field; names are looked up in the table of JSON's names
//! (`json/names.rs`), as those of the journal's JSON are. What stands under another name is of the field `*`. Values with
//! control characters come behind their length; `engine/export.rs` puts those together.

use super::{
    Ending, Malformed, Parse,
    json::{Json, KNOWN_KEY},
};
use crate::record::{Blank, Escape, Field, Item, Layout, Record, Schema, State};
use std::sync::Arc;

/// One line of an entry.
#[derive(Clone, Debug)]
pub struct Export {
    json: Json,
    schema: Schema,
}

/// The name of the field that is a line of any format.
pub const MESSAGE: &[u8] = b"MESSAGE=";

/// The name of what [`Export::new`] makes.
pub const NAME: &str = "journald";

/// What is written of the boot's identifier: the journal takes 128 bits and nothing else.
const BOOT: &[u8] = b"_BOOT_ID=00000000000000000000000000000000";

/// The names that the journal gives fields of its own (systemd.journal-fields(7)). They stay as they are, whatever becomes
/// of the values.
const NAMES: &[&[u8]] = &[
    b"MESSAGE",
    b"MESSAGE_ID",
    b"PRIORITY",
    b"CODE_FILE",
    b"CODE_LINE",
    b"CODE_FUNC",
    b"ERRNO",
    b"INVOCATION_ID",
    b"USER_INVOCATION_ID",
    b"SYSLOG_FACILITY",
    b"SYSLOG_IDENTIFIER",
    b"SYSLOG_PID",
    b"SYSLOG_TIMESTAMP",
    b"SYSLOG_RAW",
    b"DOCUMENTATION",
    b"TID",
    b"UNIT",
    b"USER_UNIT",
    b"_PID",
    b"_UID",
    b"_GID",
    b"_COMM",
    b"_EXE",
    b"_CMDLINE",
    b"_CAP_EFFECTIVE",
    b"_AUDIT_SESSION",
    b"_AUDIT_LOGINUID",
    b"_SYSTEMD_CGROUP",
    b"_SYSTEMD_SLICE",
    b"_SYSTEMD_UNIT",
    b"_SYSTEMD_USER_UNIT",
    b"_SYSTEMD_USER_SLICE",
    b"_SYSTEMD_SESSION",
    b"_SYSTEMD_OWNER_UID",
    b"_SELINUX_CONTEXT",
    b"_SOURCE_REALTIME_TIMESTAMP",
    b"_SOURCE_MONOTONIC_TIMESTAMP",
    b"_SOURCE_BOOTTIME_TIMESTAMP",
    b"_BOOT_ID",
    b"_MACHINE_ID",
    b"_SYSTEMD_INVOCATION_ID",
    b"_HOSTNAME",
    b"_TRANSPORT",
    b"_STREAM_ID",
    b"_LINE_BREAK",
    b"_NAMESPACE",
    b"_RUNTIME_SCOPE",
    b"_KERNEL_DEVICE",
    b"_KERNEL_SUBSYSTEM",
    b"_UDEV_SYSNAME",
    b"_UDEV_DEVNODE",
    b"_UDEV_DEVLINK",
    b"COREDUMP_UNIT",
    b"COREDUMP_USER_UNIT",
    b"OBJECT_PID",
    b"OBJECT_UID",
    b"OBJECT_GID",
    b"OBJECT_COMM",
    b"OBJECT_EXE",
    b"OBJECT_CMDLINE",
    b"OBJECT_AUDIT_SESSION",
    b"OBJECT_AUDIT_LOGINUID",
    b"OBJECT_CAP_EFFECTIVE",
    b"OBJECT_SELINUX_CONTEXT",
    b"OBJECT_SYSTEMD_CGROUP",
    b"OBJECT_SYSTEMD_SESSION",
    b"OBJECT_SYSTEMD_OWNER_UID",
    b"OBJECT_SYSTEMD_UNIT",
    b"OBJECT_SYSTEMD_USER_UNIT",
    b"OBJECT_SYSTEMD_SLICE",
    b"OBJECT_SYSTEMD_USER_SLICE",
    b"OBJECT_SYSTEMD_INVOCATION_ID",
    b"__CURSOR",
    b"__REALTIME_TIMESTAMP",
    b"__MONOTONIC_TIMESTAMP",
    b"__SEQNUM",
    b"__SEQNUM_ID",
];

impl Export {
    /// The format.
    pub fn new() -> Export {
        let json = Json::new();
        let plain = |field: &Field| Field { escape: Escape::None, ..field.clone() };
        let fields: Vec<Field> = json.schema().fields.iter().map(plain).collect();
        let item = |field, literal: &[u8]| Item { literal: literal.into(), field, blank: Blank::Empty };
        // One layout a field, and that of the boot.
        let layout = |field| Layout { items: vec![item(KNOWN_KEY, b""), item(field, b"=")], tail: Arc::default() };
        let mut more: Vec<Layout> = (1..fields.len() as u16).map(layout).collect();
        more.push(Layout { items: Vec::new(), tail: BOOT.into() });
        let Layout { items, tail } = layout(0);
        Export { json, schema: Schema { name: NAME.into(), fields, items, tail, more, ..Schema::default() } }
    }
}

impl Default for Export {
    fn default() -> Export {
        Export::new()
    }
}

impl Parse for Export {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        let Some(end) = name(line).filter(|end| line.get(*end) == Some(&b'=')) else {
            return Err(Malformed { at: 0, expected: "a name and an equals sign" });
        };
        if line.starts_with(&BOOT[..9]) {
            record.layout = self.schema.more.len() as u16;
            return Ok(());
        }
        let (mut key, field) = self.json.meaning(&line[..end]);
        // What the journal calls its own fields says nothing of anybody, and a reader knows the stream by it.
        if NAMES.contains(&&line[..end]) {
            key = KNOWN_KEY;
        }
        record.push(key, 0, end);
        record.push(field, end + 1, line.len());
        if ending == Ending::Cut {
            record.values[1].state = State::Cut;
        }
        record.layout = field;
        Ok(())
    }
}

/// The end of the name that a line begins with: capitals, digits and underscores, at most 64, no digit first.
#[inline]
pub fn name(line: &[u8]) -> Option<usize> {
    let holds = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let length = line.iter().take(65).take_while(|byte| holds(byte)).count();
    ((1..=64).contains(&length) && !line[0].is_ascii_digit()).then_some(length)
}

/// Whether an entry begins with this line, as the journal writes its own.
#[inline]
pub fn begins_entry(line: &[u8]) -> bool {
    line.starts_with(b"__CURSOR=") || line.starts_with(b"__REALTIME_TIMESTAMP=")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<String> {
        let format = Export::new();
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let value = record.values.get(1).map(|value| (value.span.of(line.as_bytes()), value.field));
        let Some((value, field)) = value else { return Some("literal".into()) };
        Some(format!("{}={}", format.schema().fields[field as usize].name, String::from_utf8_lossy(value)))
    }

    #[test]
    fn a_line_is_a_name_and_all_that_follows() {
        for (line, expected) in [
            ("MESSAGE=a = b", "message=a = b"),
            ("_HOSTNAME=web1", "host.name=web1"),
            ("SYSLOG_IDENTIFIER=sshd", "process.name=sshd"),
            ("__REALTIME_TIMESTAMP=1795262400123456", "timestamp=1795262400123456"),
            ("__CURSOR=s=1;i=2", "*=s=1;i=2"),
            ("X=", "*="),
            ("_BOOT_ID=0123456789abcdef0123456789abcdef", "literal"),
        ] {
            assert_eq!(read(line).as_deref(), Some(expected), "{line}");
        }
        for line in ["", "=", "MESSAGE", "message=x", "1A=x", " A=x", &format!("{}=x", "A".repeat(65))] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn only_the_journals_own_marks_begin_an_entry() {
        assert!(begins_entry(b"__CURSOR=s=1") && begins_entry(b"__REALTIME_TIMESTAMP=1"));
        assert!(!begins_entry(b"MESSAGE=x") && !begins_entry(b"") && !begins_entry(b"__CURSOR"));
    }
}
