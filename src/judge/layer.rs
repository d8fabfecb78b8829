//! One layer of escapes undone: `%40`, `\x40`, `\u0040`, `\/`, `&amp;`-free. Each byte remembers where it came from.

/// A text with one layer of escapes undone.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// The bytes.
    pub text: Vec<u8>,
    /// Where each byte began in the line, and after the last the line's length.
    from: Vec<u32>,
}

impl Layer {
    /// Undoes one layer of `text`, which is itself a layer of the line where `below` is given. Says whether there was one.
    pub fn undo(&mut self, text: &[u8], below: Option<&Layer>) -> bool {
        self.text.clear();
        self.from.clear();
        if !text.iter().any(|&byte| matches!(byte, b'%' | b'\\')) {
            return false;
        }
        let place = |at: usize| below.map_or(at as u32, |layer| layer.from[at]);
        let mut at = 0;
        let mut changed = false;
        while at < text.len() {
            let (byte, length) = match text[at] {
                b'%' => hex(text, at + 1, 2).map_or((b'%', 1), |byte| (byte as u8, 3)),
                b'\\' => escaped(text, at),
                byte => (byte, 1),
            };
            changed |= length > 1;
            self.text.push(byte);
            self.from.push(place(at));
            at += length;
        }
        self.from.push(place(text.len()));
        changed
    }

    /// Where in the line the bytes at `start..end` came from.
    pub fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        (self.from[start] as usize, self.from[end] as usize)
    }
}

/// What the backslash at `at` stands for, and how long it is written.
fn escaped(text: &[u8], at: usize) -> (u8, usize) {
    match text.get(at + 1) {
        Some(b'x') => hex(text, at + 2, 2).map_or((b'\\', 1), |byte| (byte as u8, 4)),
        // Only ASCII matters to any identifier; other characters become one byte that is part of no word.
        Some(b'u') => hex(text, at + 2, 4)
            .map_or((b'\\', 1), |unit| (u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(0xff), 6)),
        Some(b'n' | b'r' | b't' | b'b' | b'f') => (b' ', 2),
        Some(&byte @ (b'/' | b'"' | b'\\' | b'\'')) => (byte, 2),
        Some(_) | None => (b'\\', 1),
    }
}

fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    digits.iter().try_fold(0, |sum, &byte| Some(sum * 16 + char::from(byte).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_within_escapes_lead_back_to_the_line() {
        let (mut first, mut second) = (Layer::default(), Layer::default());
        assert!(first.undo(b"a%2540b\\u002E\\x2e", None));
        assert_eq!(first.text, b"a%40b..");
        assert!(second.undo(&first.text, Some(&first)));
        assert_eq!(second.text, b"a@b..");
        assert_eq!(second.origin(1, 2), (1, 6));
        assert_eq!(second.origin(3, 5), (7, 17));
    }

    #[test]
    fn what_is_no_escape_stays() {
        let mut layer = Layer::default();
        assert!(!layer.undo(b"100 % of \\ %zz \\xg1 \\u12", None));
        assert!(!layer.undo(b"plain", None));
        assert!(layer.undo(b"\\u00e5\\n", None));
        assert_eq!(layer.text, b"\xff ");
    }
}
