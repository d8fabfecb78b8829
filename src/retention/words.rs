//! The words of a policy that a class is described with: durations, purposes, grounds.

use crate::time::Date;
use std::{fmt, str::FromStr};

/// How long a class is kept: a calendar duration, reckoned from the record's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Keep {
    /// Calendar months (a year is twelve).
    pub months: u32,
    /// Days (a week is seven), added after the months.
    pub days: u32,
}

impl Keep {
    /// The day on which what was written on `day` must be deleted.
    pub fn until(self, day: Date) -> Date {
        day.plus(self.months, self.days)
    }
}

/// How long a class lives: what its records' day of deletion is reckoned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// So long from the record's own day: `6 months`.
    Span(Keep),
    /// So long from the end of the record's fiscal year, which is the calendar year: `fiscal year + 5 years`.
    FiscalYear(Keep),
    /// So long from the day on which the relationship with the records' tenant ends, which somebody says: `end of
    /// relationship + 3 months`.
    Relationship(Keep),
    /// Until somebody says that the case is closed: `until released`.
    UntilReleased,
    /// For ever, since nobody is in it: `no limit`.
    NoLimit,
}

impl Life {
    /// The day on which what was written on `day` must be deleted, where the calendar alone knows it.
    pub fn until(self, day: Date) -> Option<Date> {
        match self {
            Life::Span(keep) => Some(keep.until(day)),
            Life::FiscalYear(keep) => {
                let next = Date::new(day.year() + 1, 1, 1).unwrap_or(Date::from_days(i64::MAX));
                Some(keep.until(next))
            }
            Life::Relationship(_) | Life::UntilReleased | Life::NoLimit => None,
        }
    }

    /// The same where the relationship with the records' tenant ends on `end`, if it does.
    pub fn until_with(self, day: Date, end: Option<Date>) -> Option<Date> {
        match (self, end) {
            // What comes after the end waits no longer than what came before it, nor is it gone before it came.
            (Life::Relationship(keep), Some(end)) => Some(keep.until(end).max(day)),
            (life, _) => life.until(day),
        }
    }
}

impl FromStr for Life {
    type Err = KeepFault;

    /// As [`Keep`], or `fiscal year + 5 years`, `end of relationship + 3 months`, `until released`, `no limit`.
    fn from_str(text: &str) -> Result<Life, KeepFault> {
        match text {
            "until released" => Ok(Life::UntilReleased),
            "no limit" => Ok(Life::NoLimit),
            _ => match text.split_once(" + ") {
                Some(("fiscal year", keep)) => keep.parse().map(Life::FiscalYear),
                Some(("end of relationship", keep)) => keep.parse().map(Life::Relationship),
                Some(_) => Err(KeepFault::Form),
                None => text.parse().map(Life::Span),
            },
        }
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Life::Span(keep) => keep.fmt(f),
            Life::FiscalYear(keep) => write!(f, "fiscal year + {keep}"),
            Life::Relationship(keep) => write!(f, "end of relationship + {keep}"),
            Life::UntilReleased => f.write_str("until released"),
            Life::NoLimit => f.write_str("no limit"),
        }
    }
}

impl FromStr for Keep {
    type Err = KeepFault;

    /// `6 months`, `26 months`, `30 days`, `1 year`, `2 weeks`, `1 day`: a whole number, a blank, a unit. At most 100 years.
    fn from_str(text: &str) -> Result<Keep, KeepFault> {
        let (number, unit) = text.split_once(' ').ok_or(KeepFault::Form)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(KeepFault::Form);
        }
        let (months, days, most) = match unit {
            "day" | "days" => (0, 1, 36_525),
            "week" | "weeks" => (0, 7, 5_217),
            "month" | "months" => (1, 0, 1_200),
            "year" | "years" => (12, 0, 100),
            _ => return Err(KeepFault::Unit),
        };
        match number.parse::<u32>() {
            Ok(0) => Err(KeepFault::Zero),
            Ok(number) if number <= most => Ok(Keep { months: number * months, days: number * days }),
            Ok(_) | Err(_) => Err(KeepFault::TooLong),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number: u32| if number == 1 { "" } else { "s" };
        let Keep { months, days } = *self;
        if months > 0 && months.is_multiple_of(12) {
            write!(f, "{} year{}", months / 12, plural(months / 12))?;
        } else if months > 0 {
            write!(f, "{months} month{}", plural(months))?;
        }
        if months > 0 && days > 0 {
            f.write_str(" and ")?;
        }
        if days > 0 || months == 0 {
            write!(f, "{days} day{}", plural(days))?;
        }
        Ok(())
    }
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepFault {
    /// It is not a number, a blank and a unit.
    Form,
    /// Its unit is unknown.
    Unit,
    /// It is nothing.
    Zero,
    /// It is longer than 100 years.
    TooLong,
}

impl fmt::Display for KeepFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeepFault::Form => "not a duration; write a number and a unit: `6 months`",
            KeepFault::Unit => "unknown unit; write days, weeks, months or years",
            KeepFault::Zero => "a duration of nothing; write at least `1 day`",
            KeepFault::TooLong => "longer than 100 years; write a shorter duration",
        })
    }
}

impl std::error::Error for KeepFault {}

/// What a class is kept for: the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// `security`
    Security,
    /// `fault_detection`
    FaultDetection,
    /// `abuse_tracing`
    AbuseTracing,
    /// `service_delivery`
    ServiceDelivery,
    /// `analytics`
    Analytics,
    /// `statistics`
    Statistics,
    /// `support`
    Support,
    /// `legal_obligation`
    LegalObligation,
    /// `legal_claim`
    LegalClaim,
}

impl Purpose {
    /// All of them, in the order of the documentation.
    pub const ALL: [Purpose; 9] = [
        Purpose::Security,
        Purpose::FaultDetection,
        Purpose::AbuseTracing,
        Purpose::ServiceDelivery,
        Purpose::Analytics,
        Purpose::Statistics,
        Purpose::Support,
        Purpose::LegalObligation,
        Purpose::LegalClaim,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Security => "security",
            Purpose::FaultDetection => "fault_detection",
            Purpose::AbuseTracing => "abuse_tracing",
            Purpose::ServiceDelivery => "service_delivery",
            Purpose::Analytics => "analytics",
            Purpose::Statistics => "statistics",
            Purpose::Support => "support",
            Purpose::LegalObligation => "legal_obligation",
            Purpose::LegalClaim => "legal_claim",
        }
    }
}

/// On what ground (GDPR art. 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// `contract`
    Contract,
    /// `legitimate_interest`
    LegitimateInterest,
    /// `legal_obligation`
    LegalObligation,
    /// `consent`
    Consent,
    /// `none`: statistics only.
    None,
}

impl Basis {
    /// All of them, in the order of the documentation.
    pub const ALL: [Basis; 5] =
        [Basis::Contract, Basis::LegitimateInterest, Basis::LegalObligation, Basis::Consent, Basis::None];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Contract => "contract",
            Basis::LegitimateInterest => "legitimate_interest",
            Basis::LegalObligation => "legal_obligation",
            Basis::Consent => "consent",
            Basis::None => "none",
        }
    }
}

/// A word that is not in the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a word of the list")
    }
}

impl std::error::Error for UnknownWord {}

impl FromStr for Purpose {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Purpose, UnknownWord> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == word).ok_or(UnknownWord)
    }
}

impl FromStr for Basis {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Basis, UnknownWord> {
        Basis::ALL.into_iter().find(|basis| basis.as_str() == word).ok_or(UnknownWord)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, months, days, shown) in [
            ("6 months", 6, 0, "6 months"),
            ("26 months", 26, 0, "26 months"),
            ("1 month", 1, 0, "1 month"),
            ("12 months", 12, 0, "1 year"),
            ("2 years", 24, 0, "2 years"),
            ("1 year", 12, 0, "1 year"),
            ("30 days", 0, 30, "30 days"),
            ("1 day", 0, 1, "1 day"),
            ("2 weeks", 0, 14, "14 days"),
            ("100 years", 1_200, 0, "100 years"),
        ] {
            let keep: Keep = text.parse().unwrap();
            assert_eq!(keep, Keep { months, days }, "{text}");
            assert_eq!(keep.to_string(), shown);
            assert_eq!(shown.parse(), Ok(keep));
        }
        assert_eq!(Keep { months: 1, days: 2 }.to_string(), "1 month and 2 days");
    }

    #[test]
    fn a_class_lives_for_a_span_or_from_the_end_of_its_year_or_without_a_day_of_deletion() {
        let day = |text: &str| Date::parse(text.as_bytes()).unwrap();
        for (text, from, until) in [
            ("6 months", "2026-08-31", Some("2027-02-28")),
            ("fiscal year + 5 years", "2026-01-01", Some("2032-01-01")),
            ("fiscal year + 5 years", "2026-12-31", Some("2032-01-01")),
            ("fiscal year + 42 months", "2027-01-01", Some("2031-07-01")),
            ("fiscal year + 5 years", "9999-12-31", Some("9999-12-31")),
            ("end of relationship + 3 months", "2026-08-31", None),
            ("until released", "2026-08-31", None),
            ("no limit", "2026-08-31", None),
        ] {
            let life: Life = text.parse().unwrap();
            assert_eq!(life.until(day(from)).map(|day| day.to_string()).as_deref(), until, "{text}");
            assert_eq!(life.to_string().parse(), Ok(life));
        }
        for (text, fault) in [
            ("until  released", KeepFault::Form),
            ("no limits", KeepFault::Form),
            ("fiscal year + ", KeepFault::Form),
            ("fiscal year + 0 days", KeepFault::Zero),
            ("calendar year + 5 years", KeepFault::Form),
            ("end of relationship + 3 moons", KeepFault::Unit),
        ] {
            assert_eq!(text.parse::<Life>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn what_waits_for_the_end_of_a_relationship_is_reckoned_from_that_day() {
        let day = |text: &str| Date::parse(text.as_bytes()).unwrap();
        let life: Life = "end of relationship + 3 months".parse().unwrap();
        for (from, end, until) in [
            ("2026-08-31", None, None),
            ("2026-08-31", Some("2026-11-30"), Some("2027-02-28")),
            ("2026-11-30", Some("2026-11-30"), Some("2027-02-28")),
            ("2027-02-27", Some("2026-11-30"), Some("2027-02-28")),
            // What comes later is due on its own day.
            ("2027-03-15", Some("2026-11-30"), Some("2027-03-15")),
        ] {
            let found = life.until_with(day(from), end.map(day)).map(|day| day.to_string());
            assert_eq!(found.as_deref(), until, "{from}");
        }
        let span: Life = "6 months".parse().unwrap();
        assert_eq!(span.until_with(day("2026-08-31"), Some(day("2026-09-01"))), span.until(day("2026-08-31")));
    }

    #[test]
    fn a_duration_of_nothing_or_of_no_known_unit_is_refused() {
        for (text, fault) in [
            ("", KeepFault::Form),
            ("6", KeepFault::Form),
            ("6months", KeepFault::Form),
            ("six months", KeepFault::Form),
            ("-6 months", KeepFault::Form),
            ("+6 months", KeepFault::Form),
            (" 6 months", KeepFault::Form),
            ("1.5 years", KeepFault::Form),
            ("forever", KeepFault::Form),
            ("6  months", KeepFault::Unit),
            ("6 months ", KeepFault::Unit),
            ("6 Months", KeepFault::Unit),
            ("6 moons", KeepFault::Unit),
            ("6 hours", KeepFault::Unit),
            ("0 days", KeepFault::Zero),
            ("00 months", KeepFault::Zero),
            ("101 years", KeepFault::TooLong),
            ("1201 months", KeepFault::TooLong),
            ("99999999999 days", KeepFault::TooLong),
        ] {
            assert_eq!(text.parse::<Keep>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn every_word_of_the_closed_lists_is_read_and_no_other() {
        for purpose in Purpose::ALL {
            assert_eq!(purpose.to_string().parse(), Ok(purpose));
        }
        for basis in Basis::ALL {
            assert_eq!(basis.to_string().parse(), Ok(basis));
        }
        for word in ["", "Security", "security ", "marketing", "vital_interest", "None"] {
            assert_eq!(word.parse::<Purpose>(), Err(UnknownWord));
            assert_eq!(word.parse::<Basis>(), Err(UnknownWord));
        }
    }
}
