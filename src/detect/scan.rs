//! One reading of one text: where the marks say so, the verifiers look.

use super::{
    Finding, Kinds, Place, address, binary, colon,
    decode::{self, Escapes},
    email, host, iban, imei, introduced,
    kernel::{Kernel, STRIDE, WINDOW, Window},
    mac,
    marks::{Marks, REACH},
    number, passive, secret, token, user, uuid,
    version::Agents,
};

/// One text being read. Verifiers of words and runs read each of them once, which keeps a flood linear.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    kinds: Kinds,
    place: Place,
    found: &'a mut Vec<Finding>,
    word_end: usize,
    colon_end: usize,
    token_end: usize,
    secret_end: usize,
    number_end: usize,
    list_end: usize,
    agents: Agents,
}

impl<'a> Scan<'a> {
    #[inline]
    pub(super) fn new(text: &'a [u8], kinds: Kinds, place: Place, found: &'a mut Vec<Finding>) -> Scan<'a> {
        Scan {
            text,
            kinds,
            place,
            found,
            word_end: 0,
            colon_end: 0,
            token_end: 0,
            secret_end: 0,
            number_end: 0,
            list_end: 0,
            agents: Agents::default(),
        }
    }

    /// Reads the text, and notes where it may hold escapes. Says whether it was asked what stands in front of a product, far
    /// off in the text.
    #[inline]
    pub(super) fn fast(self, kernel: Kernel, window: &mut Window, escapes: &mut Escapes) -> bool {
        if self.kinds == Kinds::IP {
            self.read::<false>(kernel, window, escapes)
        } else {
            self.read::<true>(kernel, window, escapes)
        }
    }

    /// Reads the text by marks of all kinds, or by those of addresses and escapes.
    #[inline]
    fn read<const ALL: bool>(mut self, kernel: Kernel, window: &mut Window, escapes: &mut Escapes) -> bool {
        escapes.clear();
        self.begin(kernel);
        let text = self.text;
        let mut base = 0;
        // All of the first block is new.
        let mut first = u64::MAX;
        while base + REACH < text.len() || base == 0 && !text.is_empty() {
            let blocks = kernel.window::<ALL>(&text[base..text.len().min(base + WINDOW)], first, window);
            if window.hits[Marks::ESCAPE] != 0 {
                self.escapes(window, base, escapes);
            }
            if ALL {
                self.look(window, base);
            } else {
                self.addresses(window, base);
            }
            base += blocks * STRIDE;
            first = u64::MAX << REACH;
        }
        self.agents.was_asked()
    }

    /// Looks for addresses among the marks of a window from `from` to `to`, places of a longer text in which this one begins
    /// at `start`.
    #[inline]
    pub(super) fn part(
        &mut self,
        window: &Window,
        base: usize,
        start: usize,
        (from, to): (usize, usize),
        escapes: &mut Escapes,
    ) {
        let part = Part::of(base, from, to);
        if window.hits[Marks::ESCAPE] & part.blocks != 0 {
            self.escapes_of(escapes, |call| part.each(window, Marks::ESCAPE, start, call));
        }
        part.each(window, Marks::WORD, start, |at| self.word(at));
        if window.hits[Marks::COLON] & part.blocks != 0 {
            part.each(window, Marks::COLON, start, |at| self.colon(at));
        }
        part.each(window, Marks::HOST, start, |at| self.add(host::at(self.text, at)));
        if window.hits[Marks::LIST] & part.blocks != 0 {
            part.each(window, Marks::LIST, start, |at| self.list(at));
        }
    }

    /// Whether it was asked what stands in front of a product, far off in the text.
    #[inline]
    pub(super) fn was_asked(&self) -> bool {
        self.agents.was_asked()
    }

    /// What can be said of the whole text.
    #[inline]
    fn begin(&mut self, kernel: Kernel) {
        if self.place == Place::Host && self.kinds.has(Kinds::IP) {
            self.found.extend(host::whole(self.text, 0));
        }
        if self.place == Place::Text && self.kinds.overlaps(Kinds::USER.with(Kinds::TOKEN)) {
            introduced::all(kernel, self.text, self.kinds, self.found);
        }
    }

    /// Notes the escapes of a window.
    #[cold]
    fn escapes(&mut self, window: &Window, base: usize, escapes: &mut Escapes) {
        self.escapes_of(escapes, |call| each(window, Marks::ESCAPE, base, call));
    }

    /// Notes those at the places that `each` calls for.
    #[inline]
    fn escapes_of(&mut self, escapes: &mut Escapes, each: impl FnOnce(&mut dyn FnMut(usize) -> usize)) {
        let (binary, parts) = (self.kinds.has(Kinds::IP), self.kinds == Kinds::IP);
        each(&mut |at| {
            let wanted = parts || !escapes.any();
            if wanted && decode::may_be(self.text, at) {
                if parts { escapes.note(self.text, at) } else { escapes.tell() }
            }
            if binary && self.text[at] == b'\\' {
                self.found.extend(binary::at(self.text, at));
            }
            0
        });
    }

    /// Looks for addresses alone.
    #[inline]
    fn addresses(&mut self, window: &Window, base: usize) {
        each(window, Marks::WORD, base, |at| self.word(at));
        if window.hits[Marks::COLON] != 0 {
            each(window, Marks::COLON, base, |at| self.colon(at));
        }
        each(window, Marks::HOST, base, |at| self.add(host::at(self.text, at)));
        if window.hits[Marks::LIST] != 0 {
            each(window, Marks::LIST, base, |at| self.list(at));
        }
    }

    /// Looks for what was asked for.
    #[inline(never)]
    fn look(&mut self, window: &Window, base: usize) {
        let kinds = self.kinds;
        if kinds.has(Kinds::IP) {
            each(window, Marks::WORD, base, |at| self.word(at));
            each(window, Marks::HOST, base, |at| self.add(host::at(self.text, at)));
            each(window, Marks::LIST, base, |at| self.list(at));
        }
        if kinds.overlaps(Kinds::IP.with(Kinds::MAC)) {
            each(window, Marks::COLON, base, |at| self.colon(at));
        }
        if kinds.overlaps(Kinds::TOKEN.with(Kinds::JWT).with(Kinds::IMEI)) {
            each(window, Marks::TOKEN, base, |at| self.token(at));
        }
        if kinds.has(Kinds::UUID) {
            each(window, Marks::UUID, base, |at| self.add(uuid::at(self.text, at)));
        }
        if kinds.has(Kinds::MAC) {
            each(window, Marks::MAC, base, |at| self.add(mac::at(self.text, at)));
        }
        if kinds.has(Kinds::IMEI) {
            each(window, Marks::IMEI, base, |at| self.add(imei::at(self.text, at)));
        }
        if kinds.has(Kinds::EMAIL) {
            each(window, Marks::AT, base, |at| self.add(email::at(self.text, at)));
        }
        // Known messages stand in free text only.
        let users = kinds.has(Kinds::USER) && self.place == Place::Text;
        if users || kinds.has(Kinds::TOKEN) {
            each(window, Marks::NAMED, base, |at| self.named(at));
        }
        if kinds.overlaps(Kinds::NUMBERS) {
            each(window, Marks::NUMBER, base, |at| self.number(at));
        }
        if users {
            each(window, Marks::USER, base, |at| self.add(user::at(self.text, at)));
        }
        if kinds.has(Kinds::IBAN) {
            each(window, Marks::IBAN, base, |at| self.add(iban::at(self.text, at)));
        }
    }

    fn word(&mut self, at: usize) -> usize {
        if at >= self.word_end {
            self.word_end = address::word(self.text, at, self.word_end, self.place, &mut self.agents, self.found);
        }
        self.word_end
    }

    fn colon(&mut self, at: usize) -> usize {
        if at >= self.colon_end {
            self.colon_end = colon::run(self.text, at, self.colon_end, self.kinds, self.found);
        }
        self.colon_end
    }

    fn list(&mut self, at: usize) -> usize {
        if self.place == Place::Text
            && at > self.list_end
            && let Some(finding) = passive::at(self.text, at)
        {
            self.list_end = finding.span.end as usize;
            self.found.push(finding);
        }
        self.list_end
    }

    fn token(&mut self, at: usize) -> usize {
        if at >= self.token_end {
            self.token_end = token::run(self.text, at, self.token_end, self.kinds, self.place, self.found);
        }
        self.token_end
    }

    fn number(&mut self, at: usize) -> usize {
        if at >= self.number_end {
            self.number_end = number::run(self.text, at, self.number_end, self.kinds, self.found);
        }
        self.number_end
    }

    /// Adds what was found. Every mark of such a kind counts.
    #[inline(always)]
    fn add(&mut self, finding: Option<Finding>) -> usize {
        self.found.extend(finding);
        0
    }

    fn named(&mut self, at: usize) -> usize {
        if self.place == Place::Text && self.kinds.has(Kinds::USER) {
            self.found.extend(user::named(self.text, at));
        }
        // A value is not read for names: it is hidden already.
        if at < self.secret_end || !self.kinds.has(Kinds::TOKEN) {
            return 0;
        }
        let secret = secret::at(self.text, at);
        if let Some(finding) = secret {
            self.secret_end = finding.span.end as usize;
        }
        self.found.extend(secret);
        self.found.extend(token::padded(self.text, at));
        0
    }

    /// The reference: every verifier tried at every byte.
    #[cfg(test)]
    pub(super) fn plain(mut self) {
        self.begin(Kernel::Plain);
        for at in 0..self.text.len() {
            if self.kinds.has(Kinds::IP) {
                self.word(at);
                self.found.extend(host::at(self.text, at));
                self.found.extend(binary::at(self.text, at));
                self.list(at);
            }
            if self.kinds.overlaps(Kinds::IP.with(Kinds::MAC)) {
                self.colon(at);
            }
            if self.kinds.overlaps(Kinds::TOKEN.with(Kinds::JWT).with(Kinds::IMEI)) {
                self.token(at);
            }
            if self.kinds.has(Kinds::UUID) {
                self.found.extend(uuid::at(self.text, at));
            }
            if self.kinds.has(Kinds::MAC) {
                self.found.extend(mac::at(self.text, at));
            }
            if self.kinds.has(Kinds::IMEI) {
                self.found.extend(imei::at(self.text, at));
            }
            if self.kinds.has(Kinds::EMAIL) {
                self.found.extend(email::at(self.text, at));
            }
            if self.kinds.overlaps(Kinds::TOKEN.with(Kinds::USER)) {
                self.named(at);
            }
            if self.kinds.has(Kinds::USER) && self.place == Place::Text {
                self.found.extend(user::at(self.text, at));
            }
            if self.kinds.overlaps(Kinds::NUMBERS) {
                self.number(at);
            }
            if self.kinds.has(Kinds::IBAN) {
                self.found.extend(iban::at(self.text, at));
            }
        }
    }
}

/// A stretch of a window's marks.
#[derive(Clone, Copy)]
struct Part {
    base: usize,
    from: usize,
    to: usize,
    /// The blocks that hold its marks, a bit a block.
    blocks: u8,
}

impl Part {
    /// Of the window that begins at `base`. `from < to`, and both lie within what the window tells.
    #[inline(always)]
    fn of(base: usize, from: usize, to: usize) -> Part {
        let block = |at: usize| (at - base).saturating_sub(REACH) / STRIDE;
        let (first, last) = (block(from) as u32 & 7, block(to - 1) as u32 & 7);
        Part { base, from, to, blocks: (u8::MAX >> (7 - last)) & (u8::MAX << first) }
    }

    /// As [`each`], with places of a text that begins at `start`.
    #[inline(always)]
    fn each(self, window: &Window, kind: usize, start: usize, mut call: impl FnMut(usize) -> usize) {
        let mut hits = window.hits[kind] & self.blocks;
        while hits != 0 {
            let block = (hits.trailing_zeros() & 7) as usize;
            let begins = self.base + block * STRIDE;
            let mut bits = window.marks[kind][block];
            bits &= u64::MAX << self.from.saturating_sub(begins);
            let behind = self.to - begins;
            bits &= if behind < 64 { (1 << behind) - 1 } else { u64::MAX };
            while bits != 0 {
                let done = (start + call(begins + bits.trailing_zeros() as usize - start)).saturating_sub(begins);
                bits &= bits - 1;
                bits = if done < 64 { bits >> done << done } else { 0 };
            }
            hits &= hits - 1;
        }
    }
}

/// Calls for each mark of a kind, first one first, but for those in front of what the last call returned.
#[inline(always)]
fn each(window: &Window, kind: usize, base: usize, mut call: impl FnMut(usize) -> usize) {
    let mut hits = window.hits[kind];
    while hits != 0 {
        let block = (hits.trailing_zeros() & 7) as usize;
        let start = base + block * STRIDE;
        let mut bits = window.marks[kind][block];
        while bits != 0 {
            let done = call(start + bits.trailing_zeros() as usize).saturating_sub(start);
            bits &= bits - 1;
            bits = if done < 64 { bits >> done << done } else { 0 };
        }
        hits &= hits - 1;
    }
}
