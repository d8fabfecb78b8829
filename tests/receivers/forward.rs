//! A server of Fluent Forward v1, strict about what it gets. The messages are read by a small reader of its own.

use sha2::{Digest, Sha512};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// A value of MessagePack, as far as events have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Str(String),
    Bin(Vec<u8>),
    Ext(i8, Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    pub fn read(from: &mut impl Read) -> Option<Value> {
        let byte = |from: &mut dyn Read| {
            let mut byte = [0];
            from.read_exact(&mut byte).ok().map(|()| byte[0])
        };
        let number = |from: &mut dyn Read, width: usize| {
            let mut bytes = [0; 8];
            from.read_exact(&mut bytes[8 - width..]).ok().map(|()| u64::from_be_bytes(bytes))
        };
        let bytes = |from: &mut dyn Read, length: u64| {
            let mut bytes = vec![0; length as usize];
            from.read_exact(&mut bytes).ok().map(|()| bytes)
        };
        let marker = byte(from)?;
        let text = |bytes: Vec<u8>| Value::Str(String::from_utf8(bytes).unwrap());
        Some(match marker {
            0x00..=0x7f => Value::Unsigned(marker.into()),
            0xe0..=0xff => Value::Int(i64::from(marker as i8)),
            0x80..=0x8f => Value::map(from, u64::from(marker & 15))?,
            0x90..=0x9f => Value::array(from, u64::from(marker & 15))?,
            0xa0..=0xbf => text(bytes(from, u64::from(marker & 31))?),
            0xc0 => Value::Nil,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let length = number(from, 1 << (marker - 0xc4))?;
                Value::Bin(bytes(from, length)?)
            }
            0xcb => Value::Float(f64::from_bits(number(from, 8)?)),
            0xcc..=0xcf => Value::Unsigned(number(from, 1 << (marker - 0xcc))?),
            0xd0 => Value::Int(i64::from(number(from, 1)? as i8)),
            0xd1 => Value::Int(i64::from(number(from, 2)? as i16)),
            0xd2 => Value::Int(i64::from(number(from, 4)? as i32)),
            0xd3 => Value::Int(number(from, 8)? as i64),
            0xd4..=0xd8 => {
                let kind = byte(from)? as i8;
                Value::Ext(kind, bytes(from, 1 << (marker - 0xd4))?)
            }
            0xd9..=0xdb => {
                let length = number(from, 1 << (marker - 0xd9))?;
                text(bytes(from, length)?)
            }
            0xdc | 0xdd => {
                let count = number(from, 2 << (marker - 0xdc))?;
                Value::array(from, count)?
            }
            0xde | 0xdf => {
                let count = number(from, 2 << (marker - 0xde))?;
                Value::map(from, count)?
            }
            _ => return None,
        })
    }

    fn array(from: &mut impl Read, count: u64) -> Option<Value> {
        (0..count).map(|_| Value::read(from)).collect::<Option<Vec<_>>>().map(Value::Array)
    }

    fn map(from: &mut impl Read, count: u64) -> Option<Value> {
        let pairs = (0..count).map(|_| Some((Value::read(from)?, Value::read(from)?)));
        pairs.collect::<Option<Vec<_>>>().map(Value::Map)
    }

    pub fn str(&self) -> &str {
        match self {
            Value::Str(text) => text,
            other => panic!("{other:?}"),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(pairs) => pairs.iter().find(|(key, _)| *key == Value::Str(name.into())).map(|(_, value)| value),
            other => panic!("{other:?}"),
        }
    }
}

/// One event as it came.
#[derive(Clone, Debug)]
pub struct Event {
    pub tag: String,
    pub seconds: u32,
    pub nanos: u32,
    pub record: Value,
}

/// What is answered to the nth request, which has this chunk.
pub type Answer = Arc<dyn Fn(usize, &str) -> Vec<u8> + Send + Sync>;

/// What a server does beside taking events.
#[derive(Clone, Default)]
pub struct Manners {
    pub tls: Option<Arc<rustls::ServerConfig>>,
    pub key: Option<&'static str>,
    /// What it answers to the nth request instead of its confirmation.
    pub answer: Option<Answer>,
}

pub struct Server {
    pub address: SocketAddr,
    pub events: Arc<Mutex<Vec<Event>>>,
    pub chunks: Arc<Mutex<Vec<String>>>,
    pub connections: Arc<AtomicUsize>,
}

pub fn ack(chunk: &str) -> Vec<u8> {
    let mut bytes = vec![0x81, 0xa3, b'a', b'c', b'k'];
    rmp::encode::write_str(&mut bytes, chunk).unwrap();
    bytes
}

pub fn serve(manners: Manners) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server { address, events: Arc::default(), chunks: Arc::default(), connections: Arc::default() };
    let (events, chunks) = (Arc::clone(&server.events), Arc::clone(&server.chunks));
    let (connections, requests) = (Arc::clone(&server.connections), Arc::<AtomicUsize>::default());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            connections.fetch_add(1, Ordering::SeqCst);
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let (manners, events, chunks) = (manners.clone(), Arc::clone(&events), Arc::clone(&chunks));
            let requests = Arc::clone(&requests);
            thread::spawn(move || match manners.tls.clone() {
                None => talk(stream, &manners, &events, &chunks, &requests),
                Some(config) => {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    let stream = rustls::StreamOwned::new(connection, stream);
                    talk(stream, &manners, &events, &chunks, &requests)
                }
            });
        }
    });
    server
}

/// As [`serve`], at a unix socket of this path.
pub fn serve_unix(path: &std::path::Path) -> Server {
    let listener = UnixListener::bind(path).unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let server = Server { address, events: Arc::default(), chunks: Arc::default(), connections: Arc::default() };
    let (events, chunks) = (Arc::clone(&server.events), Arc::clone(&server.chunks));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = talk(stream.unwrap(), &Manners::default(), &events, &chunks, &AtomicUsize::new(0));
        }
    });
    server
}

fn talk(
    mut stream: impl Read + Write,
    manners: &Manners,
    events: &Mutex<Vec<Event>>,
    chunks: &Mutex<Vec<String>>,
    requests: &AtomicUsize,
) -> Option<()> {
    if let Some(key) = manners.key {
        greet(&mut stream, key)?;
    }
    loop {
        let Value::Array(parts) = Value::read(&mut stream)? else { panic!("no array") };
        let (tag, option) = (parts[0].str().to_owned(), &parts[2]);
        let Value::Bin(mut packed) = parts[1].clone() else { panic!("no bin") };
        if let Some(compressed) = option.get("compressed") {
            assert_eq!(compressed.str(), "gzip");
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            packed = unpacked;
        }
        let mut rest = &packed[..];
        let mut count = 0;
        while !rest.is_empty() {
            let Some(Value::Array(event)) = Value::read(&mut rest) else { panic!("no event") };
            let Value::Ext(0, time) = &event[0] else { panic!("no time") };
            let part = |at: usize| u32::from_be_bytes(time[at..at + 4].try_into().unwrap());
            let event = Event { tag: tag.clone(), seconds: part(0), nanos: part(4), record: event[1].clone() };
            events.lock().unwrap().push(event);
            count += 1;
        }
        assert_eq!(option.get("size"), Some(&Value::Unsigned(count)));
        let chunk = option.get("chunk").unwrap().str().to_owned();
        let number = requests.fetch_add(1, Ordering::SeqCst);
        let answer = manners.answer.as_ref().map_or_else(|| ack(&chunk), |answer| answer(number, &chunk));
        chunks.lock().unwrap().push(chunk);
        stream.write_all(&answer).and_then(|()| stream.flush()).ok()?;
    }
}

fn greet(stream: &mut (impl Read + Write), key: &str) -> Option<()> {
    let hex = |parts: &[&[u8]]| -> String {
        Sha512::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let nonce = b"a nonce of bytes";
    let mut helo = vec![0x92, 0xa4, b'H', b'E', b'L', b'O', 0x83];
    rmp::encode::write_str(&mut helo, "nonce").unwrap();
    rmp::encode::write_bin(&mut helo, nonce).unwrap();
    rmp::encode::write_str(&mut helo, "auth").unwrap();
    rmp::encode::write_str(&mut helo, "").unwrap();
    rmp::encode::write_str(&mut helo, "keepalive").unwrap();
    rmp::encode::write_bool(&mut helo, true).unwrap();
    stream.write_all(&helo).and_then(|()| stream.flush()).ok()?;
    let Value::Array(ping) = Value::read(stream)? else { panic!("no array") };
    assert_eq!((ping.len(), ping[0].str()), (6, "PING"));
    let (host, salt) = (ping[1].str(), ping[2].str());
    let knows = ping[3].str() == hex(&[salt.as_bytes(), host.as_bytes(), nonce, key.as_bytes()]);
    let mut pong = vec![0x95];
    rmp::encode::write_str(&mut pong, "PONG").unwrap();
    rmp::encode::write_bool(&mut pong, knows).unwrap();
    rmp::encode::write_str(&mut pong, if knows { "" } else { super::PLANTED }).unwrap();
    rmp::encode::write_str(&mut pong, "server.example").unwrap();
    let digest = hex(&[salt.as_bytes(), b"server.example", nonce, key.as_bytes()]);
    rmp::encode::write_str(&mut pong, &digest).unwrap();
    stream.write_all(&pong).and_then(|()| stream.flush()).ok()?;
    knows.then_some(())
}
