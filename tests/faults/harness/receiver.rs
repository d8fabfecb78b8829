//! A receiver of syslog over TCP that takes counted messages, and goes away whenever it is told to.

use super::{Dice, lines::numbers};
use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

/// It listens as long as the test runs.
pub struct Receiver {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Each record by its name; what came again under a name is in `again`.
    got: Mutex<BTreeMap<String, Vec<u8>>>,
    again: AtomicUsize,
    /// What made no sense, or came under a name that another record has.
    wrong: Mutex<Vec<String>>,
    flaps: AtomicUsize,
    flapping: AtomicBool,
}

impl Receiver {
    pub fn new() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = receiver.state.clone();
        thread::spawn(move || {
            let mut dice = Dice(53);
            for stream in listener.incoming() {
                // One sender, one connection at a time.
                serve(stream.unwrap(), &state, &mut dice);
            }
        });
        receiver
    }

    /// From now on each connection ends early, in one of the ways that connections end, or none does.
    pub fn flaps(&self, flapping: bool) {
        self.state.flapping.store(flapping, SeqCst);
    }

    /// How many connections it broke.
    pub fn flapped(&self) -> usize {
        self.state.flaps.load(SeqCst)
    }

    /// How many records it has, by their names.
    pub fn names(&self) -> usize {
        self.state.got.lock().unwrap().len()
    }

    /// All records, each once, in the order of their numbers; and how many came again.
    pub fn records(&self) -> (Vec<u8>, usize) {
        assert_eq!(*self.state.wrong.lock().unwrap(), Vec::<String>::new());
        let mut records: Vec<Vec<u8>> = self.state.got.lock().unwrap().values().cloned().collect();
        records.sort_by_cached_key(|record| numbers(record));
        (records.concat(), self.state.again.load(SeqCst))
    }
}

/// What a sender of syslog keeps to write again. Nobody confirms anything, so one who reads less than that of each connection
/// loses what is pushed out of it.
const TAIL: usize = 1 << 20;

/// Takes what comes until the sender or a fault ends it.
fn serve(mut stream: TcpStream, state: &State, dice: &mut Dice) {
    let breaks = state.flapping.load(SeqCst);
    let (way, after) = (dice.below(4), TAIL + dice.below(500_000) as usize);
    stream.set_read_timeout(Some(Duration::from_millis(3))).unwrap();
    let (mut bytes, mut chunk, mut taken, began) =
        (Vec::new(), vec![0; 1_000 + dice.below(60_000) as usize], 0, Instant::now());
    loop {
        let mut quiet = false;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => {
                bytes.extend_from_slice(&chunk[..n]);
                taken += n;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => quiet = true,
            Err(_) => break,
        }
        take(&mut bytes, state);
        if breaks && (taken > after || quiet && began.elapsed() > Duration::from_millis(10)) {
            match way {
                // It closes with bytes unread: a reset.
                0 => {}
                // Half of it closes first.
                1 => drop(stream.shutdown(std::net::Shutdown::Write)),
                // It stalls, and goes then.
                2 => thread::sleep(Duration::from_millis(dice.below(200))),
                // It reads no more, and still says nothing.
                _ => drop(stream.shutdown(std::net::Shutdown::Read)),
            }
            state.flaps.fetch_add(1, SeqCst);
            return;
        }
    }
}

/// Takes whole messages: `97 <134>1 time host sladd - - [sladd@32473 id="…"] record`.
fn take(bytes: &mut Vec<u8>, state: &State) {
    let mut at = 0;
    while let Some(blank) = memchr::memchr(b' ', &bytes[at..]) {
        let Some(length) = std::str::from_utf8(&bytes[at..at + blank]).ok().and_then(|text| text.parse::<usize>().ok())
        else {
            state.wrong.lock().unwrap().push("a count that is none".to_owned());
            break;
        };
        let from = at + blank + 1;
        let Some(message) = bytes.get(from..from + length) else { break };
        at = from + length;
        let behind = |mark: &[u8]| memchr::memmem::find(message, mark).map(|found| found + mark.len());
        let (Some(name), Some(record)) = (behind(b" id=\""), behind(b"\"] ")) else {
            state.wrong.lock().unwrap().push("a message without a name".to_owned());
            continue;
        };
        let name = String::from_utf8_lossy(&message[name..record - 3]).into_owned();
        let record = [&message[record..], b"\n"].concat();
        match state.got.lock().unwrap().entry(name) {
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(record)),
            std::collections::btree_map::Entry::Occupied(there) => {
                state.again.fetch_add(1, SeqCst);
                if *there.get() != record {
                    state.wrong.lock().unwrap().push("two records of one name".to_owned());
                }
            }
        }
    }
    bytes.drain(..at);
}
