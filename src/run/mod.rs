//! Wiring: inputs, engines and outputs put together. One front end per file.
//!
//! Goes in: settings, an input, one worker's [`Work`] for each thread, an output. Comes out: a [`Summary`]. What happens to
//! a line is not decided here, and nothing here looks into one. The example to copy is `pipe.rs`.

pub mod bulk;
pub mod confine;
pub mod guard;
mod intake;
pub mod keys;
mod ordered;
pub mod pipe;
pub mod quarantine;
pub mod reply;
pub mod scan;
#[cfg(feature = "net")]
pub mod sidecar;
pub mod signals;
pub mod summary;
pub mod witness;
pub mod worker;

use crate::{encode::Batch, engine::Carry, error::Error, tally::Tally};
use std::time::Duration;

pub use {
    pipe::{OnStall, Settings, pipe, workers},
    signals::Signals,
    summary::{End, Summary},
};

/// Says a line on standard error. One that cannot be written, on a full disk or to nobody, must not end a run.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

/// The same without an end of line.
macro_rules! say_text {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stderr(), $($words)*);
    }};
}

pub(crate) use {say, say_text};

/// What one worker does with whole lines: an engine with its keys.
pub trait Work: Send + 'static {
    /// What stood before the lines that come next.
    fn carry(&mut self, before: &Carry) {
        let _ = before;
    }

    /// Minimises `lines` and appends them to `batch`. Each ends with a line feed; a last one without is a cut line.
    ///
    /// # Errors
    /// The run cannot go on.
    fn run(&mut self, lines: &[u8], batch: &mut Batch) -> Result<Tally, Error>;

    /// Does what must not wait for the next lines: called from time to time while there are none, 20 seconds apart at most.
    fn rest(&mut self) {}

    /// Takes note of lines that are dropped unread.
    fn skip(&mut self, lines: &[u8]) {
        let _ = lines;
    }

    /// Appends what waits for lines that will not come: at the end of the input.
    ///
    /// # Errors
    /// The run cannot go on.
    fn finish(&mut self, batch: &mut Batch) -> Result<Tally, Error> {
        let _ = batch;
        Ok(Tally::default())
    }
}

/// A secret that was destroyed is given up within a minute, also by who has nothing to do.
const REST: Duration = Duration::from_secs(20);

/// Is shown the sum of all tallies after each batch that went out, in the order of the input, and may end the run.
pub type Verdict = Box<dyn FnMut(&Tally) -> Result<(), Error> + Send>;

/// Makes a panic say where it happened and nothing else: its message could hold bytes of a line.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| match info.location() {
        Some(place) => crate::run::say!("sladd: internal fault at {}:{}", place.file(), place.line()),
        None => crate::run::say!("sladd: internal fault"),
    }));
}
