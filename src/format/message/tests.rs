#![allow(clippy::unwrap_used)]
use super::*;
use crate::record::State;

/// The values of a line as `name=value`; `name~` where it is withheld.
pub(super) fn read(format: &str, line: &str) -> Option<Vec<String>> {
    read_to(format, line, Ending::Whole)
}

fn read_to(format: &str, line: &str, ending: Ending) -> Option<Vec<String>> {
    let message = Message::named(format).unwrap();
    let mut record = Record::default();
    message.parse(line.as_bytes(), ending, &mut record).ok()?;
    let (items, tail) = message.schema.layout(record.layout);
    assert_eq!(items.len(), record.values.len(), "{line}");
    // Literals and values are the whole line, in order.
    let mut whole = String::new();
    for (item, value) in items.iter().zip(&record.values) {
        assert_eq!(item.field, value.field, "{line}");
        whole += std::str::from_utf8(&item.literal).unwrap();
        whole += std::str::from_utf8(value.span.of(line.as_bytes())).unwrap();
    }
    whole += std::str::from_utf8(tail).unwrap();
    if record.values.iter().all(|value| value.state == State::Present) {
        assert_eq!(whole, line.trim_start());
    }
    let text = |value: &crate::record::Value| {
        let name = &message.schema.fields[value.field as usize].name;
        match value.state {
            State::Present => format!("{name}={}", std::str::from_utf8(value.span.of(line.as_bytes())).unwrap()),
            _ => format!("{name}~"),
        }
    };
    Some(record.values.iter().map(text).collect())
}

#[test]
fn every_shape_compiles_and_names_itself() {
    for program in PROGRAMS {
        let message = Message::new(program);
        assert_eq!(&*message.schema.name, program.name);
        println!("{} {} layouts {} fields", program.name, message.schema.more.len() + 1, message.schema.fields.len());
        for layout in &message.schema.more {
            assert!(!layout.items.is_empty() || !layout.tail.is_empty());
        }
    }
}

#[test]
fn programs_are_found_by_the_names_that_they_write_under() {
    for (i, program) in PROGRAMS.iter().enumerate() {
        for name in program.programs {
            assert_eq!(of_program(name.as_bytes()), Some(i), "{name}");
        }
    }
    assert_eq!(PROGRAMS[POSTFIX].name, "postfix");
    assert_eq!(of_program(b"postfix-out/smtp"), Some(POSTFIX));
    for name in ["", "nginx", "ssh", "sshd2", "postfixx", "postfix/".repeat(9).as_str()] {
        assert_eq!(of_program(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn a_user_is_read_as_long_as_the_rest_of_the_shape_allows() {
    assert_eq!(
        read("sshd", "Failed password for invalid user kari from 203.0.113.7 port 4711 ssh2").unwrap(),
        ["auth.method=password", "user.name=kari", "client.address=203.0.113.7", "client.port=4711"]
    );
    assert_eq!(
        read("sshd", "Failed password for invalid user x from 192.0.2.1 port 22 ssh2 from 203.0.113.7 port 4711 ssh2")
            .unwrap(),
        [
            "auth.method=password",
            "user.name=x from 192.0.2.1 port 22 ssh2",
            "client.address=203.0.113.7",
            "client.port=4711"
        ]
    );
    assert_eq!(
        read("sshd", "Invalid user  from 203.0.113.7 port 4711 [preauth]").unwrap(),
        ["user.name=", "client.address=203.0.113.7", "client.port=4711"]
    );
}

#[test]
fn what_can_be_read_two_ways_is_withheld() {
    let values = read("su", "(to a) b (to c) d on pts/0").unwrap();
    assert!(values[0].ends_with('~') == values[1].ends_with('~'), "{values:?}");
    assert_eq!(
        read("sudo", "x : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/echo ; PWD=/ ; USER=root ; COMMAND=/bin/ls")
            .unwrap()[2..],
        ["process.working_directory~", "user.target.name~", "process.command_line~"]
    );
}

#[test]
fn users_in_texts_are_users() {
    assert_eq!(
        read("sudo", "    kari : TTY=pts/0 ; PWD=/home/kari ; USER=root ; COMMAND=/bin/cat /home/kari/x /home/ola/y")
            .unwrap(),
        [
            "user.name=kari",
            "process.tty=pts/0",
            "process.working_directory=/home/kari",
            "user.target.name=root",
            "process.command_line=/bin/cat /home/",
            "user.name=kari",
            "process.command_line=/x /home/",
            "user.name=ola",
            "process.command_line=/y",
        ]
    );
    let many = read("sshd", "user p user q user r user s user t user u").unwrap();
    assert_eq!(many.last().unwrap(), "message~");
    assert_eq!(many.len(), 9);
}

#[test]
fn a_cut_line_keeps_no_half_value() {
    assert_eq!(read_to("sshd", "Failed password for kari from 203.0.113.7 po", Ending::Cut).unwrap(), ["message~"]);
    assert_eq!(
        read_to("sshd", "Invalid user kari from 203.0.113.7 port 4", Ending::Cut).unwrap(),
        ["user.name=kari", "client.address=203.0.113.7", "client.port~"]
    );
}
