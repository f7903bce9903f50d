//! `parse_date`: reads a date in one of the declared formats and writes it as ISO 8601.

use chrono_tz::Tz;
use serde_json::json;
use toml_edit::Item;

use super::kit::checked::Checked;
use super::kit::dates::{ambiguous, problem, zone};
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::datetime::{self, Moment, ReadFormat, Unread, Unwritten, WriteFormat, read_first};
use crate::expression::Scope;
use crate::language::Language;
use crate::problem::{Place, Problem};
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// Warning, counted per stage, that two formats read a date differently and the first one was used.
const AMBIGUOUS: &str = "parse_date.ambiguous";

/// `parse_date`: reads a date or time in declared formats, tried in the declared order, and writes it as ISO 8601: a
/// day as `2024-01-31`, an instant in UTC as `2024-01-31T12:00:00Z`, with its fraction of a second if it has one.
///
/// A text that no format reads is refused, never "now". A format with a time but no offset needs a zone; a time that
/// the zone's clocks skipped or showed twice is refused.
///
/// ```toml
/// op = "parse_date"
/// path = "born"
/// formats = ["%d.%m.%Y"]
/// ```
/// Turns `{"born":"10.12.1815"}` into `{"born":"1815-12-10"}`.
#[derive(Clone, Debug)]
pub struct ParseDate {
    frame: Frame,
    plan: Checked<DatePlan>,
    refuse_ambiguous: bool,
}

/// The formats to read and to write.
#[derive(Clone, Debug)]
struct DatePlan {
    formats: Vec<ReadFormat>,
    /// Description of a text that one of the formats reads.
    form: Box<str>,
    zone: Option<Tz>,
    output: Option<WriteFormat>,
}

/// The result of reading a text.
struct ParsedText {
    moment: Moment,
    /// Whether another format reads it differently.
    is_ambiguous: bool,
}

frame_builders!(ParseDate, to);

impl ParseDate {
    /// Reads these formats, strftime's notation (`docs/dates.md`); `zone` is the IANA name for times without an offset.
    #[must_use]
    pub fn new(path: impl Into<PathText>, formats: &[&str], zone_name: Option<&str>) -> Self {
        let plan = Checked::new(|| {
            let zone = zone_name.map(|name| zone(name, None)).transpose()?;
            DatePlan::new(
                formats.iter().map(|format| (*format, None)),
                zone,
                Language::default(),
            )
        });
        Self {
            frame: Frame::new(MANUAL.name, path),
            plan,
            refuse_ambiguous: false,
        }
    }

    /// Refuses a text that two formats read differently, instead of taking the first and counting a warning.
    #[must_use]
    pub fn refuse_ambiguous(mut self) -> Self {
        self.refuse_ambiguous = true;
        self
    }

    /// Writes another format than ISO 8601; instants are written in UTC. It must not have a time if a format that is
    /// read has none.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.plan = self.plan.and(|plan| plan.output(format, Language::default()));
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let zone_name = settings.text("zone");
        let zone = zone_name
            .map(|name| zone(name, Some(&settings.place_of("zone"))))
            .transpose()?;
        let list = settings.item("formats").and_then(Item::as_array);
        let formats = list
            .into_iter()
            .flatten()
            .filter_map(|format| Some((format.as_str()?, Some(settings.reading().place(format.span())))));
        let language = settings.reading().language;
        let mut plan =
            Checked::new(|| DatePlan::new(formats, zone, language)).at(|| settings.place_of("formats"));
        if let Some(format) = settings.text("format") {
            plan = plan
                .and(|plan| plan.output(format, language))
                .at(|| settings.place_of("format"));
        }
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            plan,
            refuse_ambiguous: settings.text("ambiguous") == Some("refuse"),
        }))
    }
}

impl DatePlan {
    fn new<'f>(
        formats: impl IntoIterator<Item = (&'f str, Option<Place>)>,
        zone: Option<Tz>,
        language: Language,
    ) -> Result<Self, Problem> {
        let mut read = Vec::new();
        for (text, place) in formats {
            let format =
                ReadFormat::in_language(text, language).map_err(|error| problem(error, place.as_ref()))?;
            if format.is_naive() && zone.is_none() {
                let message = format!("`{text}` has a time, but neither an offset nor a zone");
                return Err(Problem::error("stage.naive_time", place, message)
                    .help("add `zone = \"UTC\"`, or the zone in which these times were written"));
            }
            read.push(format);
        }
        if read.is_empty() {
            let message = "`formats` is empty: no date could be read";
            return Err(Problem::error("date.format", None, message));
        }
        Ok(Self {
            form: datetime::form(&read).into(),
            formats: read,
            zone,
            output: None,
        })
    }

    fn output(mut self, text: &str, language: Language) -> Result<Self, Problem> {
        let output = WriteFormat::in_language(text, language).map_err(|error| problem(error, None))?;
        let day = self.formats.iter().find(|format| format.is_day());
        if let Some(day) = day.filter(|_| language > Language::One && !output.is_day()) {
            let message = format!("`{text}` writes a time, but `{}` does not read one", day.text());
            return Err(Problem::error("date.format", None, message));
        }
        self.output = Some(output);
        Ok(self)
    }

    /// Reads the text by the first format that accepts it.
    fn read(&self, text: &str) -> Result<ParsedText, Unread> {
        let (at, moment) = read_first(&self.formats, text)?;
        let first = moment.in_zone(self.zone);
        let mut others = self.formats[at + 1..]
            .iter()
            .filter_map(|other| other.read(text).ok());
        let is_ambiguous = others.any(|other| other.in_zone(self.zone) != first);
        first.map(|moment| ParsedText {
            moment: moment.in_utc(),
            is_ambiguous,
        })
    }

    fn written(&self, moment: &Moment) -> Result<String, Unwritten> {
        match &self.output {
            None => Ok(moment.to_string()),
            Some(output) => output.write(moment),
        }
    }
}

impl Operation for ParseDate {
    frame_methods!(beside: plan);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let plan = self.plan.get()?;
        self.frame.apply(document, |value, place| {
            let text = self.frame.text_or_number(value, place)?;
            let refuse = |reason: &str, expected: &str| self.frame.refuse(reason, place).expected(expected);
            let found = plan
                .read(&text)
                .map_err(|why| refuse(why.reason(), why.expected(&plan.form)))?;
            if found.is_ambiguous && self.refuse_ambiguous {
                let expected = "a date that all declared formats read in the same way";
                return Err(refuse("ambiguous", expected));
            }
            if found.is_ambiguous {
                scope.warn(AMBIGUOUS);
            }
            let written = plan
                .written(&found.moment)
                .map_err(|why| refuse(why.reason(), why.expected()))?;
            Ok(Value::text(&written))
        })
    }

    /// The first language read blanks before the text but not after it, years of less than four digits, a sixtieth
    /// second and fractions of any length, so there is no format for which it read every text as today.
    fn language(&self) -> Language {
        Language::Two
    }

    fn warnings(&self) -> Vec<Problem> {
        if self.refuse_ambiguous {
            return Vec::new();
        }
        let formats = self.plan.known().into_iter().flat_map(|plan| &plan.formats);
        let formats: Vec<&str> = formats.map(ReadFormat::text).collect();
        let help = "keep one of them, or add `ambiguous = \"refuse\"`";
        ambiguous(&formats, help).into_iter().collect()
    }

    fn meaning(&self) -> serde_json::Value {
        let plan = self.plan.known();
        let formats = plan.into_iter().flat_map(|plan| &plan.formats);
        self.frame.meaning(json!({
            "formats": formats.map(ReadFormat::text).collect::<Vec<_>>(),
            "zone": plan.and_then(|plan| plan.zone).map(Tz::name),
            "ambiguous": if self.refuse_ambiguous { "refuse" } else { "first" },
            "format": plan.and_then(|plan| plan.output.as_ref()).map(WriteFormat::text),
        }))
    }
}

/// The reference entry of `parse_date`.
pub(super) static MANUAL: Manual = Manual {
    name: "parse_date",
    group: "value",
    summary: "reads a date in one of the declared formats and writes it as ISO 8601",
    keys: &[
        PATH,
        TO,
        Key::required(
            "formats",
            Form::Texts,
            "the formats, in strftime notation (docs/dates.md), tried in this order",
        ),
        Key::optional(
            "zone",
            Form::Text,
            "none; required by a format with a time and no offset",
            "the IANA zone in which times without an offset were written",
        ),
        Key::optional(
            "ambiguous",
            Form::Choice(&["first", "refuse"]),
            "first",
            "what to do if two formats read a date differently; `first` adds a warning",
        ),
        Key::optional(
            "format",
            Form::Text,
            "%Y-%m-%d for a day, %Y-%m-%dT%H:%M:%SZ for a time",
            "the format to write; times are in UTC",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "parse_date.missing",
        "parse_date.null",
        "parse_date.type",
        "parse_date.unparsed",
        "parse_date.too_precise",
        "parse_date.leap_second",
        "parse_date.out_of_range",
        "parse_date.ambiguous",
        "parse_date.no_such_time",
        "parse_date.two_such_times",
        "parse_date.exists",
        "parse_date.blocked",
    ],
    undo: "lossy in place: which format it had is lost; with `to` the original is kept",
    example: (
        r#"op = "parse_date"
path = "born"
formats = ["%d.%m.%Y"]"#,
        r#"{"born":"10.12.1815"}"#,
        r#"{"born":"1815-12-10"}"#,
    ),
    build: ParseDate::build,
};
