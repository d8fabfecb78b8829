//! Databases in MaxMind's format, written here so that no test needs one of anybody else.
//!
//! <https://maxmind.github.io/MaxMind-DB/>: a binary tree over the bits of an address, 16 zero bytes, the records, a mark,
//! a map that describes the whole.
#![allow(dead_code)]

use std::net::IpAddr;

/// A value of a record.
pub enum Value {
    Text(&'static str),
    Short(u16),
    Number(u32),
    Map(Vec<(&'static str, Value)>),
}

use Value::{Map, Number, Short, Text};

/// A record of a country database. The network is registered elsewhere, which must not be taken for where it is.
pub fn country(code: &'static str) -> Value {
    Map(vec![
        ("continent", Map(vec![("code", Text("EU")), ("names", Map(vec![("en", Text("Europe"))]))])),
        ("country", Map(vec![("geoname_id", Number(3_144_096)), ("iso_code", Text(code))])),
        ("registered_country", Map(vec![("iso_code", Text("ZZ"))])),
    ])
}

/// A record of a city database.
pub fn city(code: &'static str, name: &'static str) -> Value {
    Map(vec![
        ("city", Map(vec![("names", Map(vec![("en", Text(name))]))])),
        ("country", Map(vec![("iso_code", Text(code))])),
        ("postal", Map(vec![("code", Text("0150"))])),
    ])
}

/// Networks of documentation, and what stands in them.
pub fn tiny() -> Vec<u8> {
    database(
        "Example-Country",
        6,
        &[
            ("192.0.2.0/24", country("NO")),
            ("198.51.100.0/25", country("SE")),
            ("198.51.100.128/25", country("DK")),
            ("2001:db8::/33", country("FI")),
            ("2001:db8:8000::/33", Map(vec![("registered_country", Map(vec![("iso_code", Text("IS"))]))])),
        ],
    )
}

/// A database of these networks, none of which lies in another, for addresses of IP version 4, or 6 with 4.
pub fn database(kind: &'static str, version: u16, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut nodes = vec![[Record::Empty; 2]];
    let mut data = Vec::new();
    for (network, value) in networks {
        let (address, length) = network.split_once('/').unwrap();
        let length: u32 = length.parse().unwrap();
        let (bits, length) = match address.parse().unwrap() {
            IpAddr::V4(v4) if version == 4 => (u128::from(u32::from(v4)) << 96, length),
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), length + 96),
            IpAddr::V6(v6) => (u128::from(v6), length),
        };
        let offset = data.len();
        write(value, &mut data);
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                nodes[node][side] = Record::Data(offset);
                break;
            }
            node = match nodes[node][side] {
                Record::Node(next) => next,
                Record::Empty => {
                    nodes.push([Record::Empty; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][side] = Record::Node(next);
                    next
                }
                Record::Data(_) => panic!("{network} lies in another network"),
            };
        }
    }
    let mut file = Vec::new();
    for record in nodes.iter().flatten() {
        let number = match *record {
            Record::Empty => nodes.len(),
            Record::Node(node) => node,
            Record::Data(offset) => nodes.len() + 16 + offset,
        };
        file.extend_from_slice(&(number as u32).to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xAB\xCD\xEFMaxMind.com");
    file.push(7 << 5 | 9);
    for (key, value) in [
        ("binary_format_major_version", 2),
        ("binary_format_minor_version", 0),
        ("ip_version", version),
        ("record_size", 24),
    ] {
        write(&Text(key), &mut file);
        write(&Short(value), &mut file);
    }
    write(&Text("node_count"), &mut file);
    write(&Number(nodes.len() as u32), &mut file);
    write(&Text("build_epoch"), &mut file);
    // A number of 64 bits, of an extended type.
    file.extend_from_slice(&[4, 2, 0x6a, 0, 0, 0]);
    write(&Text("database_type"), &mut file);
    write(&Text(kind), &mut file);
    write(&Text("languages"), &mut file);
    // A list without elements.
    file.extend_from_slice(&[0, 4]);
    write(&Text("description"), &mut file);
    write(&Map(vec![("en", Text("written by a test"))]), &mut file);
    file
}

#[derive(Clone, Copy)]
enum Record {
    Empty,
    Node(usize),
    Data(usize),
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Text(text) if text.len() < 29 => {
            out.push(2 << 5 | text.len() as u8);
            out.extend_from_slice(text.as_bytes());
        }
        Text(_) => panic!("a longer text"),
        Short(number) => {
            out.push(5 << 5 | 2);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Number(number) => {
            out.push(6 << 5 | 4);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Map(entries) => {
            out.push(7 << 5 | entries.len() as u8);
            for (key, value) in entries {
                write(&Text(key), out);
                write(value, out);
            }
        }
    }
}
