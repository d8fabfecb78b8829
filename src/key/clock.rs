//! Whether the clock can be believed: nothing is destroyed by a clock that jumped.
//!
//! Since the machine was started, the wall clock and the monotonic clock (that of the time since, sleep included) must go
//! together; from one start to the next the wall clock must not move by more than a day beside what was last seen of it, which
//! stands in the file `clock` beside the keys. A clock that moved by more than a day is believed again when it has gone on
//! for a day, or when somebody says that it is right.

use super::directory::Directory;
use crate::{error::Error, time::Timestamp};
use std::str::FromStr;

/// What the monotonic clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime {
    /// Which start of the machine it counts from.
    pub boot: u128,
    /// Seconds since then, those asleep included.
    pub seconds: i64,
}

impl Uptime {
    /// As the system says.
    pub fn now() -> Uptime {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        // Where the system does not say which start it is, a time that is less than before tells.
        let boot = u128::from_str_radix(&digits, 16).unwrap_or(0);
        Uptime { boot, seconds: rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec }
    }

    /// The same start, now: needs no file, which may be out of reach.
    pub fn later(self) -> Uptime {
        Uptime { seconds: rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec, ..self }
    }
}

/// What is remembered of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// The wall clock when it was last looked at.
    wall: i64,
    boot: u128,
    /// Both clocks at one moment of this start; they are compared with it, so that many small steps make a large one.
    anchor: (i64, i64),
    /// For how many seconds the clock has gone on since it last jumped, [`DAY`] at most: then it is believed.
    steady: i64,
    /// The monotonic clock when that was last counted.
    counted: i64,
}

/// What a look at the clock found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It goes as it should.
    Right,
    /// It has jumped by so many seconds since it was last looked at.
    Jumped(i64),
    /// It jumped before, and has not gone on for a day yet.
    Doubted,
    /// It has now gone on for a day.
    Settled,
}

/// Looks at the clock, and says whether it can be believed.
pub(super) fn look(directory: &Directory, now: Timestamp, uptime: Uptime) -> Result<Sight, Error> {
    let text = directory.read_note(FILE)?;
    let before: Option<Seen> = text.as_deref().and_then(|text| text.parse().ok());
    let (seen, sight) = match before {
        None => (Seen::first(now, uptime), Sight::Right),
        Some(before) => before.again(now, uptime),
    };
    // Once an hour is enough of what only goes on.
    let is_news = before.is_none_or(|before| before.boot != seen.boot || seen.wall - before.wall >= 3_600)
        || !matches!(sight, Sight::Right);
    if is_news {
        directory.write_note(FILE, &seen.to_string())?;
    }
    Ok(sight)
}

/// Believes the clock as it is: somebody says that it is right. Whether it was doubted.
pub(super) fn accept(directory: &Directory, now: Timestamp, uptime: Uptime) -> Result<bool, Error> {
    let doubted = look(directory, now, uptime)? != Sight::Right;
    if doubted {
        directory.write_note(FILE, &Seen::first(now, uptime).to_string())?;
    }
    Ok(doubted)
}

impl Seen {
    /// Where nothing is remembered there is nothing to doubt.
    fn first(now: Timestamp, uptime: Uptime) -> Seen {
        let anchor = (now.0, uptime.seconds);
        Seen { wall: now.0, boot: uptime.boot, anchor, steady: DAY, counted: uptime.seconds }
    }

    fn again(self, now: Timestamp, uptime: Uptime) -> (Seen, Sight) {
        let same_start = self.boot == uptime.boot && uptime.seconds >= self.counted;
        let jump = match same_start {
            true => now.0.saturating_sub(self.anchor.0) - (uptime.seconds - self.anchor.1),
            false => now.0.saturating_sub(self.wall),
        };
        let anchor = (now.0, uptime.seconds);
        if jump.unsigned_abs() > DAY as u64 {
            return (Seen { steady: 0, ..Seen::first(now, uptime) }, Sight::Jumped(jump));
        }
        let passed = if same_start { uptime.seconds - self.counted } else { 0 };
        let steady = self.steady.saturating_add(passed).min(DAY);
        let sight = match (self.steady < DAY, steady < DAY) {
            (false, _) => Sight::Right,
            (true, true) => Sight::Doubted,
            (true, false) => Sight::Settled,
        };
        let anchor = if same_start { self.anchor } else { anchor };
        (Seen { wall: now.0, boot: uptime.boot, anchor, steady, counted: uptime.seconds }, sight)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Seen { wall, boot, anchor, steady, counted } = self;
        writeln!(f, "sladd clock 1 {wall} {boot:032x} {} {} {steady} {counted}", anchor.0, anchor.1)
    }
}

impl FromStr for Seen {
    type Err = ();

    fn from_str(text: &str) -> Result<Seen, ()> {
        let mut words = text.strip_prefix("sladd clock 1 ").ok_or(())?.split_ascii_whitespace();
        let wall = number(words.next())?;
        let boot = u128::from_str_radix(words.next().ok_or(())?, 16).map_err(drop)?;
        let anchor = (number(words.next())?, number(words.next())?);
        let seen = Seen { wall, boot, anchor, steady: number(words.next())?, counted: number(words.next())? };
        let fits = (0..=DAY).contains(&seen.steady) && words.next().is_none();
        fits.then_some(seen).ok_or(())
    }
}

/// Of times that there are: differences of two cannot overflow.
fn number(word: Option<&str>) -> Result<i64, ()> {
    let number: i64 = word.and_then(|word| word.parse().ok()).ok_or(())?;
    (number.unsigned_abs() < 1 << 40).then_some(number).ok_or(())
}

const DAY: i64 = 86_400;
const FILE: &str = "clock";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_255_200;

    /// Looks at the clock at each of these (start of the machine, uptime, wall clock), and says what was seen last.
    fn last(looks: &[(u128, i64, i64)]) -> (Seen, Sight) {
        let (mut seen, mut sight) = (None, Sight::Right);
        for &(boot, seconds, wall) in looks {
            let (now, uptime) = (Timestamp(wall), Uptime { boot, seconds });
            let next = seen.map_or((Seen::first(now, uptime), Sight::Right), |seen: Seen| seen.again(now, uptime));
            assert_eq!(next.0.to_string().parse(), Ok(next.0));
            (seen, sight) = (Some(next.0), next.1);
        }
        (seen.unwrap(), sight)
    }

    #[test]
    fn a_clock_that_goes_with_the_other_is_right() {
        for step in [0, 1, 3_600, DAY, 400 * DAY] {
            assert_eq!(last(&[(1, 10, NOW), (1, 10 + step, NOW + step)]).1, Sight::Right);
            assert_eq!(last(&[(1, 10, NOW), (1, 10 + step, NOW + step + DAY)]).1, Sight::Right, "a day is allowed");
        }
        // An hour back, as by hand for a time zone; leap seconds.
        assert_eq!(last(&[(1, 10, NOW), (1, 20, NOW - 3_600)]).1, Sight::Right);
    }

    #[test]
    fn a_jump_of_more_than_a_day_is_seen_either_way_and_forgiven_after_a_day() {
        for jump in [DAY + 1, -DAY - 1, 3_650 * DAY, -3_650 * DAY] {
            let jumped = [(1, 10, NOW), (1, 70, NOW + 60 + jump)];
            assert_eq!(last(&jumped).1, Sight::Jumped(jump));
            let at = |seconds: i64| (1, 70 + seconds, NOW + 60 + jump + seconds);
            assert_eq!(last(&[&jumped[..], &[at(60), at(DAY - 1)]].concat()).1, Sight::Doubted);
            assert_eq!(last(&[&jumped[..], &[at(60), at(DAY)]].concat()).1, Sight::Settled);
            assert_eq!(last(&[&jumped[..], &[at(60), at(DAY), at(DAY + 60)]].concat()).1, Sight::Right);
            // Back to where it was is a jump too.
            assert_eq!(last(&[&jumped[..], &[(1, 130, NOW + 120)]].concat()).1, Sight::Jumped(-jump));
        }
    }

    #[test]
    fn many_small_steps_make_a_large_one() {
        let steps: Vec<_> = (0..30).map(|n| (1, 10 + n * 60, NOW + n * 3_660)).collect();
        assert!(matches!(last(&steps[..26]).1, Sight::Jumped(_)), "{:?}", last(&steps[..26]));
    }

    #[test]
    fn a_start_of_the_machine_may_take_a_day_and_no_more() {
        assert_eq!(last(&[(1, 9_999, NOW), (2, 5, NOW + DAY)]).1, Sight::Right);
        assert_eq!(last(&[(1, 9_999, NOW), (2, 5, NOW + DAY + 1)]).1, Sight::Jumped(DAY + 1));
        assert_eq!(last(&[(1, 9_999, NOW), (2, 5, NOW - DAY - 1)]).1, Sight::Jumped(-DAY - 1));
        // What was gone on before a start counts.
        let doubted = [(1, 10, NOW), (1, 20, NOW + 9 * DAY), (1, 20 + DAY / 2, NOW + 9 * DAY + DAY / 2)];
        let on = |seconds: i64| (2, seconds, NOW + 9 * DAY + DAY / 2 + seconds);
        assert_eq!(last(&[&doubted[..], &[on(10), on(DAY / 2 - 10)]].concat()).1, Sight::Doubted);
        assert_eq!(last(&[&doubted[..], &[on(10), on(DAY / 2 + 10)]].concat()).1, Sight::Settled);
    }

    #[test]
    fn what_is_no_memory_of_ours_is_none() {
        for text in [
            "",
            "sladd clock 1",
            "sladd clock 2 1 0 1 1 1 1",
            "sladd clock 1 1 0 1 1 90000 1",
            "sladd clock 1 9223372036854775807 0 1 1 1 1",
        ] {
            assert_eq!(text.parse::<Seen>(), Err(()), "{text}");
        }
    }
}
