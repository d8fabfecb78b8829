//! Rotation that compresses, as logrotate does it: rename, create, pack, remove.

use super::*;
use flate2::{Compression, write::GzEncoder};

impl Room {
    fn packing(pattern: &str) -> Room {
        let mut room = Room::new(pattern);
        room.settings.packed = Packed::ReadOn;
        room
    }

    /// As gzip does: what it makes is as old as what it was made of.
    fn pack(&self, name: &str) {
        let bytes = fs::read(self.at(name)).unwrap();
        let written = fs::metadata(self.at(name)).unwrap().modified().unwrap();
        let packed = fs::File::create(self.at(&format!("{name}.gz"))).unwrap();
        let mut encoder = GzEncoder::new(packed, Compression::fast());
        encoder.write_all(&bytes).unwrap();
        encoder.finish().unwrap().set_modified(written).unwrap();
        fs::remove_file(self.at(name)).unwrap();
    }

    /// One rotation; `delay`: what was rotated last is packed now, and this one with the next.
    fn rotate(&self, delay: bool) {
        let old = |number: usize, end: &str| format!("access.log.{number}{end}");
        for number in (1..20).rev() {
            for end in ["", ".gz"] {
                if self.at(&old(number, end)).exists() {
                    self.rename(&old(number, end), &old(number + 1, end));
                }
            }
        }
        self.rename("access.log", "access.log.1");
        tick();
        self.append("access.log", "");
        let packed = old(1 + usize::from(delay), "");
        if self.at(&packed).exists() {
            self.pack(&packed);
        }
    }
}

/// Files are stamped by a clock that ticks every few milliseconds.
fn tick() {
    std::thread::sleep(Duration::from_millis(11));
}

fn numbers(to: usize) -> Vec<String> {
    (1..=to).map(|number| number.to_string()).collect()
}

#[test]
fn what_was_packed_before_it_was_read_to_its_end_is_read_on_in_order_and_once() {
    for pattern in ["access.log", "access.log*"] {
        for delay in [false, true] {
            for rotations in 1..=4 {
                let what = format!("{pattern}, {delay}, {rotations}");
                let mut room = Room::packing(pattern);
                room.append("access.log", "1\n");
                assert_eq!(room.all(), ["1"]);
                room.append("access.log", "2\n");
                room.stop();
                let mut written = 2;
                for _ in 0..rotations {
                    tick();
                    written += 1;
                    room.append("access.log", &format!("{written}\n"));
                    room.rotate(delay);
                }
                written += 1;
                room.append("access.log", &format!("{written}\n"));
                assert_eq!(room.all(), numbers(written), "{what}");
                assert_eq!(room.settle(), numbers(written), "{what}");
                assert_eq!(room.counts().gaps, 0, "{what}");
                assert!(room.problems.is_empty(), "{:?}", room.problems);
                room.stop();
                room.rotate(delay);
                room.append("access.log", &format!("{}\n", written + 1));
                assert_eq!(room.settle(), numbers(written + 1), "{what}");
                assert_eq!(room.gap_bytes, 0);
            }
        }
    }
}

#[test]
fn what_was_read_in_its_plain_form_is_not_read_again() {
    for pattern in ["access.log", "access.log*"] {
        for delay in [false, true] {
            let mut room = Room::packing(pattern);
            for number in 1..=9 {
                tick();
                room.append("access.log", &format!("{number}\n"));
                room.all();
                match number % 3 {
                    0 => room.rotate(delay),
                    1 => {
                        room.stop();
                        room.rotate(delay);
                    }
                    _ => {
                        room.rotate(delay);
                        room.all();
                        room.stop();
                    }
                }
                assert_eq!(room.settle(), numbers(number), "{pattern}, {delay}");
            }
            // One that is packed anew, with a time of its own, is known by what is in it.
            room.stop();
            let packed = fs::read(room.at("access.log.5.gz")).unwrap();
            fs::remove_file(room.at("access.log.5.gz")).unwrap();
            tick();
            fs::write(room.at("access.log.5.gz"), packed).unwrap();
            assert_eq!(room.settle(), numbers(9), "{pattern}, {delay}");
        }
    }
}

#[test]
fn old_logs_are_left_alone_and_so_is_everything_packed_unless_it_is_asked_for() {
    for packed in [Packed::ReadOn, Packed::PassedOver] {
        for pattern in ["access.log", "access.log*"] {
            let mut room = Room::packing(pattern);
            room.settings.packed = packed;
            room.append("access.log", "old\n");
            room.rotate(false);
            room.append("access.log", "1\n");
            for _ in 0..3 {
                assert_eq!(room.settle(), ["1"]);
                room.stop();
            }
        }
    }
    let mut room = Room::new("access.log*");
    room.append("access.log", "1\n");
    room.all();
    room.append("access.log", "2\n");
    room.stop();
    room.rotate(false);
    assert_eq!(room.settle(), ["1"]);
}

#[test]
fn one_that_is_not_whole_is_said_once_and_read_when_it_is() {
    let mut room = Room::packing("access.log");
    room.append("access.log", "1\n");
    room.all();
    room.append("access.log", "2\n3\n");
    room.stop();
    room.rotate(false);
    let path = room.at("access.log.1.gz");
    let packed = fs::read(&path).unwrap();
    for cut in [0, 1, packed.len() / 2, packed.len() - 1] {
        fs::write(&path, &packed[..cut]).unwrap();
        assert_eq!(room.settle(), ["1"]);
    }
    fs::write(&path, [&packed[..], b"\x1f"].concat()).unwrap();
    assert_eq!(room.settle(), ["1"]);
    let why = "it is damaged, or not whole yet; it is read once it is whole";
    assert_eq!(room.problems, [format!("cannot follow `{}`: {why}", path.display())]);
    fs::write(&path, &packed).unwrap();
    room.settle();
    assert_eq!(room.settle(), ["1", "2", "3"]);
    assert_eq!(room.problems.len(), 1);
}

#[test]
fn one_of_which_a_checkpoint_knows_nothing_but_its_name_is_made_again_in_its_packed_form() {
    let room = Room::packing("access.log");
    room.append("access.log", "1\n2\n");
    let key = StateKey::new([5; 32]);
    let mut follow = Follow::open(room.settings.clone(), key.clone(), Vec::new(), 1).unwrap();
    assert!(matches!(follow.next().unwrap(), Step::Checkpoint));
    let (known, next) = (follow.positions(), follow.next_source());
    let Step::Portion(portion) = follow.next().unwrap() else { panic!("lines are there") };
    let (source, from, to) = (portion.source, portion.from, portion.to);
    assert_eq!(portion.lines.0, b"1\n2\n");
    drop(follow);
    tick();
    room.append("access.log", "3\n");
    room.rotate(false);
    room.append("access.log", "4\n");
    tick();
    room.rotate(false);
    let mut follow = Follow::open(room.settings.clone(), key, known, next).unwrap();
    let mut lines = Vec::new();
    assert!(follow.replay(source, from, to, &mut lines).unwrap());
    loop {
        match follow.next().unwrap() {
            Step::Portion(portion) => lines.extend_from_slice(portion.lines.0),
            Step::Checkpoint => drop(follow.positions()),
            Step::Idle => break,
        }
    }
    assert_eq!(lines, b"1\n2\n3\n4\n");
}

#[test]
fn a_copy_that_was_packed_and_one_followed_from_its_end_are_known() {
    let mut room = Room::packing("access.log");
    room.settings.start = Start::End;
    room.append("access.log", "old\n");
    room.all();
    room.append("access.log", "1\n");
    assert_eq!(room.all(), ["1"]);
    room.append("access.log", "2\n");
    room.stop();
    tick();
    fs::copy(room.at("access.log"), room.at("access.log.1")).unwrap();
    OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
    room.pack("access.log.1");
    room.append("access.log", "3\n");
    assert_eq!(room.settle(), ["1", "2", "3"]);
    assert_eq!((room.counts().copies, room.counts().gaps), (1, 0));
}

#[test]
fn a_long_one_is_read_in_portions_over_restarts_and_what_was_handed_out_can_be_made_again() {
    let mut room = Room::packing("access.log");
    let line = |number: usize| match number % 97 {
        // Over the limit, longer than a portion, and a hole.
        0 => format!("{number} {}", "x".repeat(3000)),
        1 => format!("{number} {}", "y".repeat(20_000)),
        2 => format!("{}{number}", "\0".repeat(100)),
        _ => format!("{number} {}", "z".repeat(number % 90)),
    };
    let text: String = (0..3000).map(|number| line(number) + "\n").collect();
    let (head, rest) = text.split_at(text.find("500 ").unwrap() + 2);
    room.append("access.log", head);
    room.all();
    room.stop();
    tick();
    room.append("access.log", rest);
    room.append("access.log", "the last");
    room.rotate(false);
    let mut plain = Room::new("access.log");
    plain.append("access.log", head);
    plain.all();
    plain.append("access.log", rest);
    plain.append("access.log", "the last\n");
    let wanted = plain.all();
    // Killed now and then: what was handed out behind the checkpoint is made again, byte for byte.
    let mut killed: Vec<(SourceId, u64, u64, Vec<u8>)> = Vec::new();
    let mut lines: Vec<u8> = Vec::new();
    let key = StateKey::new([5; 32]);
    let mut is_over = false;
    for round in 0.. {
        if is_over {
            break;
        }
        let mut follow = Follow::open(room.settings.clone(), key.clone(), room.state.0.clone(), room.state.1).unwrap();
        for (source, from, to, handed) in killed.drain(..) {
            let mut again = Vec::new();
            assert!(follow.replay(source, from, to, &mut again).unwrap(), "round {round}");
            assert!(again == handed);
            again.clear();
            assert!(follow.read_again(source, from, to, &mut again).unwrap());
            assert!(again == handed);
        }
        room.state = (follow.positions(), follow.next_source());
        for portion in 0..17 {
            if round % 2 == 0 && portion == 9 {
                killed.clear();
                room.state = (follow.positions(), follow.next_source());
            }
            match follow.next().unwrap() {
                Step::Portion(Portion { source, from, to, lines: Lines(handed), closed }) => {
                    is_over |= closed;
                    lines.extend_from_slice(handed);
                    if !handed.is_empty() && !handed.ends_with(b"\n") {
                        lines.push(b'\n');
                    }
                    if !closed {
                        killed.push((source, from, to, handed.to_vec()));
                    }
                }
                Step::Checkpoint => panic!("nothing new"),
                Step::Idle => break,
            }
        }
        assert!(follow.unpacked.as_ref().is_none_or(|held| held.is_small()), "it is not unpacked into memory");
        assert!(follow.take_problems().is_empty());
    }
    let handed = String::from_utf8(lines).unwrap();
    let all: Vec<String> =
        room.lines.iter().map(|(_, line)| line.as_str()).chain(handed.lines()).map(str::to_owned).collect();
    assert_eq!(all.len(), wanted.len());
    assert!(all == wanted);
}

#[test]
fn what_bursts_or_is_packed_twice_is_said_and_not_read() {
    let mut room = Room::packing("access.log");
    room.append("access.log", "1\n");
    room.all();
    room.stop();
    for (name, bytes) in [
        ("access.log.3.gz", vec![b'\n'; 80 << 20]),
        ("access.log.4.gz", {
            let mut inner = GzEncoder::new(Vec::new(), Compression::fast());
            inner.write_all(b"1\n2\n").unwrap();
            inner.finish().unwrap()
        }),
    ] {
        tick();
        let mut encoder = GzEncoder::new(fs::File::create(room.at(name)).unwrap(), Compression::best());
        encoder.write_all(&bytes).unwrap();
        encoder.finish().unwrap();
    }
    fs::remove_file(room.at("access.log")).unwrap();
    assert_eq!(room.settle(), ["1"]);
    room.problems.sort();
    room.problems.dedup();
    let say = |name: &str, why: &str| format!("cannot follow `{}`: {why}", room.at(name).display());
    assert_eq!(
        room.problems,
        [
            say("access.log.3.gz", "it unpacks to more than 400 times its size; put it there unpacked"),
            say("access.log.4.gz", "it is packed as gzip, and not by gzip alone; put it there unpacked"),
        ]
    );
}
