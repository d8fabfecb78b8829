//! One reading of one text: where the marks say so, the verifiers look.

use super::{
    Finding, Kinds, Place, address, binary, colon, decode, email, host, iban, imei, introduced,
    kernel::{Kernel, STRIDE, WINDOW, Window},
    mac,
    marks::{Marks, REACH},
    number, secret, token, user, uuid,
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
            agents: Agents::default(),
        }
    }

    /// Reads the text, and says whether it holds escapes.
    #[inline]
    pub(super) fn fast(mut self, kernel: Kernel, window: &mut Window) -> bool {
        let gate = |kinds: Kinds| if self.kinds.overlaps(kinds) { u64::MAX } else { 0 };
        let ip = gate(Kinds::IP);
        // Known messages stand in free text only.
        let users = if self.place == Place::Text { gate(Kinds::USER) } else { 0 };
        let asked = Marks {
            word: ip,
            colon: gate(Kinds::IP.with(Kinds::MAC)),
            token: gate(Kinds::TOKEN.with(Kinds::JWT).with(Kinds::IMEI)),
            uuid: gate(Kinds::UUID),
            mac: gate(Kinds::MAC),
            imei: gate(Kinds::IMEI),
            at: gate(Kinds::EMAIL),
            named: gate(Kinds::TOKEN) | users,
            host: ip,
            escape: u64::MAX,
            number: gate(Kinds::NUMBERS),
            iban: gate(Kinds::IBAN),
            user: users,
        };
        let mut escaped = false;
        self.begin();
        let text = self.text;
        let mut base = 0;
        // All of the first block is new.
        let mut first = u64::MAX;
        while base + REACH < text.len() || base == 0 && !text.is_empty() {
            let blocks = kernel.window(&text[base..text.len().min(base + WINDOW)], &asked, first, window);
            for (i, any) in window.any[..blocks].iter().enumerate() {
                if *any != 0 {
                    self.look(&window.marks(i), base + i * STRIDE, &mut escaped);
                }
            }
            base += blocks * STRIDE;
            first = u64::MAX << REACH;
        }
        escaped
    }

    /// What can be said of the whole text.
    #[inline]
    fn begin(&mut self) {
        if self.place == Place::Host && self.kinds.has(Kinds::IP) {
            self.found.extend(host::whole(self.text, 0));
        }
        if self.place == Place::Text && self.kinds.overlaps(Kinds::USER.with(Kinds::TOKEN)) {
            introduced::all(self.text, self.kinds, self.found);
        }
    }

    #[inline(never)]
    fn look(&mut self, marks: &Marks, base: usize, escaped: &mut bool) {
        if marks.escape != 0 && !*escaped {
            each(marks.escape, |bit| *escaped |= decode::may_start(self.text, base + bit));
        }
        if marks.escape != 0 && self.kinds.has(Kinds::IP) {
            each(marks.escape, |bit| self.found.extend(binary::at(self.text, base + bit)));
        }
        each(marks.word, |bit| self.word(base + bit));
        each(marks.colon, |bit| self.colon(base + bit));
        each(marks.token, |bit| self.token(base + bit));
        each(marks.uuid, |bit| self.found.extend(uuid::at(self.text, base + bit)));
        each(marks.mac, |bit| self.found.extend(mac::at(self.text, base + bit)));
        each(marks.imei, |bit| self.found.extend(imei::at(self.text, base + bit)));
        each(marks.at, |bit| self.found.extend(email::at(self.text, base + bit)));
        each(marks.named, |bit| self.named(base + bit));
        each(marks.host, |bit| self.found.extend(host::at(self.text, base + bit)));
        each(marks.number, |bit| self.number(base + bit));
        each(marks.user, |bit| self.found.extend(user::at(self.text, base + bit)));
        each(marks.iban, |bit| self.found.extend(iban::at(self.text, base + bit)));
    }

    fn word(&mut self, at: usize) {
        if at >= self.word_end {
            self.word_end = address::word(self.text, at, self.word_end, self.place, &mut self.agents, self.found);
        }
    }

    fn colon(&mut self, at: usize) {
        if at >= self.colon_end {
            self.colon_end = colon::run(self.text, at, self.colon_end, self.kinds, self.found);
        }
    }

    fn token(&mut self, at: usize) {
        if at >= self.token_end {
            self.token_end = token::run(self.text, at, self.token_end, self.kinds, self.place, self.found);
        }
    }

    fn number(&mut self, at: usize) {
        if at >= self.number_end {
            self.number_end = number::run(self.text, at, self.number_end, self.kinds, self.found);
        }
    }

    fn named(&mut self, at: usize) {
        if self.place == Place::Text && self.kinds.has(Kinds::USER) {
            self.found.extend(user::named(self.text, at));
        }
        // A value is not read for names: it is hidden already.
        if at < self.secret_end || !self.kinds.has(Kinds::TOKEN) {
            return;
        }
        let secret = secret::at(self.text, at);
        if let Some(finding) = secret {
            self.secret_end = finding.span.end as usize;
        }
        self.found.extend(secret);
        self.found.extend(token::padded(self.text, at));
    }

    /// The reference: every verifier tried at every byte.
    #[cfg(test)]
    pub(super) fn plain(mut self) {
        self.begin();
        for at in 0..self.text.len() {
            if self.kinds.has(Kinds::IP) {
                self.word(at);
                self.found.extend(host::at(self.text, at));
                self.found.extend(binary::at(self.text, at));
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

/// Calls for each bit, lowest first.
#[inline(always)]
fn each(mut bits: u64, mut call: impl FnMut(usize)) {
    while bits != 0 {
        call(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
