//! A fault in a policy, and how it is drawn under the user's own line.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

/// One fault or warning. A run over a policy collects all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which fault; stable from version to version.
    pub code: Code,
    /// Bytes of the policy's text. Empty where something is missing that has no place.
    pub span: Range<usize>,
    /// What is wrong, lower-case, without full stop.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
    /// Where the span starts, in words.
    pub place: Place,
}

/// The file, the line and the column at which a finding starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The name that the caller gave the text.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

/// Whether a policy with this finding can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can; the user ought to know.
    Warning,
}

/// Whether a drawing has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// Terminal escapes.
    Always,
}

impl Finding {
    /// A finding without remedy or place.
    pub(super) fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Finding {
        Finding { code, span, message: message.into(), help: None, place: Place::default() }
    }

    /// Whether it makes the policy unusable.
    pub fn is_error(&self) -> bool {
        self.code.severity() == Severity::Error
    }
}

/// One line: `web.toml:12:20: error[E023]: … (…)`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column } = &self.place;
        let severity = match self.code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{file}:{line}:{column}: {severity}[{}]: {}", self.code, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Draws findings under the lines of `text`, the policy they were found in, one after the other.
pub fn draw(text: &str, findings: &[Finding], colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let mut drawn = String::new();
    let text = &*without_secrets(text);
    for finding in findings {
        let level = match finding.code.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let snippet = Snippet::source(text)
            .path(&*finding.place.file)
            .annotation(AnnotationKind::Primary.span(visible(text, &finding.span)));
        let mut group = level.primary_title(&*finding.message).id(finding.code.as_str()).element(snippet);
        if let Some(help) = &finding.help {
            group = group.element(Level::HELP.message(&**help));
        }
        drawn.push_str(&renderer.render(&[group]));
        drawn.push_str("\n\n");
    }
    drawn
}

/// The text with stars for what opens sealed files: whatever is wrong on such a line, it is not shown.
fn without_secrets(text: &str) -> Cow<'_, str> {
    let is_one = |at: usize| text.get(at..at + SECRET.len()).is_some_and(|head| head.eq_ignore_ascii_case(SECRET));
    let Some(first) = (0..text.len()).find(|&at| is_one(at)) else { return Cow::Borrowed(text) };
    let (before, rest) = text.split_at(first);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    Cow::Owned(format!("{before}{}{}", "*".repeat(end), without_secrets(&rest[end..])))
}

pub(super) const SECRET: &str = "AGE-SECRET-KEY-";

/// Says where each finding stands and puts them in the order of the text.
pub(super) fn locate(text: &str, file: &str, findings: &mut [Finding]) {
    let file: Arc<str> = file.into();
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.code.as_str()));
    for finding in findings {
        let before = &text[..floor(text, finding.span.start)];
        let line = before.bytes().filter(|&byte| byte == b'\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().map_or(0, |part| part.chars().count()) as u32 + 1;
        finding.place = Place { file: file.clone(), line, column };
    }
}

/// The first line of the span, cut to whole characters: a table's span may reach over many lines.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor(text, span.start);
    let end = floor(text, span.end).max(start);
    let first = text[start..end].find('\n').map_or(end, |at| start + at);
    start..first
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What can be wrong with a policy. `E`: it cannot be used; `W`: a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// As it is printed, `E023`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $code,)*
                }
            }
        }
    };
}

codes! {
    /// Not TOML.
    Syntax = "E001",
    /// A string where a number should stand, and the like.
    WrongType = "E002",
    /// Not a value that this key can have.
    BadValue = "E003",
    /// A key that no one reads.
    UnknownKey = "E010",
    /// A key without which the policy says nothing.
    MissingKey = "E011",
    /// No such treatment.
    UnknownTreatment = "E020",
    /// A prefix for one address family only.
    HalfNetwork = "E021",
    /// More bits than an address has.
    PrefixRange = "E022",
    /// An address or identifier kept whole, and nobody said why.
    NeedsReason = "E023",
    /// The treatment cannot be done to this kind of field.
    Misfit = "E024",
    /// A hash without a key is reversed by trying all values.
    UnkeyedHash = "E025",
    /// A number out of its range.
    NumberRange = "E026",
    /// No such kind of identifier.
    UnknownKind = "E027",
    /// `"*"` may only drop or scrub.
    RestLetThrough = "E028",
    /// No such field.
    UnknownField = "E030",
    /// Two spellings of one field.
    FieldTwice = "E031",
    /// A dotted name without quotes.
    FieldUnquoted = "E032",
    /// A class without duration, purpose or basis.
    HalfClass = "E040",
    /// Records might be left without a class.
    LastRuleConditional = "E041",
    /// A rule that can never match.
    UnreachableRule = "E042",
    /// The basis `none` for something else than statistics.
    BasisMismatch = "E043",
    /// A condition on a field that does not come out.
    HiddenCondition = "E044",
    /// A pattern that is not text with `*` at its end.
    BadPattern = "E045",
    /// Not a calendar duration.
    BadDuration = "E046",
    /// Outside the closed list of purposes.
    UnknownPurpose = "E047",
    /// Outside the closed list of legal bases.
    UnknownBasis = "E048",
    /// One class with two sets of terms.
    ClassTwice = "E049",
    /// A duration that does not go with what the class is kept for.
    LifeMismatch = "E052",
    /// Not a network.
    BadNetwork = "E050",
    /// An exemption of every address there is.
    ExemptsAll = "E051",
    /// No such format.
    UnknownFormat = "E060",
    /// Formats in an order in which some are never tried.
    FormatOrder = "E061",
    /// Planned, but not in this version.
    NotBuiltYet = "E070",
    /// No such built-in policy.
    UnknownBase = "E080",
    /// The policy's name or version is missing or malformed.
    BadName = "E090",
    /// A path that depends on where the program was started.
    RelativeDirectory = "E091",
    /// Not a regular expression in linear time, or one that matches everywhere.
    BadExpression = "E092",
    /// A replacement that could break a layout.
    BadReplacement = "E093",
    /// A field is treated less strictly than in the base.
    FieldWeaker = "W100",
    /// Addresses are exempted that the base treats.
    ExemptWeaker = "W101",
    /// Records live longer than in the base.
    KeptLonger = "W102",
    /// Pseudonyms can be linked for longer than in the base.
    LinkableLonger = "W103",
    /// Lines that fit no format leave more than in the base.
    MalformedWeaker = "W104",
    /// Text is kept from the detectors that the base has read.
    TextKept = "W105",
    /// Identifiers inside the value leave with it.
    KeptWhole = "W110",
    /// Fields that nobody named leave, scrubbed.
    RestScrubbed = "W111",
    /// The name of a built-in policy on something else.
    BorrowedName = "W120",
    /// Somebody is named to whom nothing is sealed.
    NothingSealed = "W121",
    /// Records of a tenant that no output takes.
    TakenByNobody = "W122",
}

impl Code {
    /// Whether a policy with such a finding can be used.
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
