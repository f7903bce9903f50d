//! `parse_date`: a date in one of the declared formats, as ISO 8601.

use chrono_tz::Tz;
use serde_json::json;
use toml_edit::Item;

use super::dates::{problem, zone};
use super::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::given::Given;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::datetime::{self, Moment, ReadFormat, Unread, WriteFormat};
use crate::expression::Scope;
use crate::language::Language;
use crate::problem::{Place, Problem};
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// The warning, counted per stage, that two formats read a date differently and the first one was taken.
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
    plan: Given<Plan>,
    refuse_ambiguous: bool,
}

/// What is read and written.
#[derive(Clone, Debug)]
struct Plan {
    formats: Vec<ReadFormat>,
    /// What a text is that one of them reads.
    form: Box<str>,
    zone: Option<Tz>,
    output: Option<WriteFormat>,
}

frame_builders!(ParseDate, to);

impl ParseDate {
    /// Reads these formats, strftime's notation (`docs/dates.md`); `zone` is the IANA name for times without an offset.
    #[must_use]
    pub fn new(path: impl Into<PathText>, formats: &[&str], zone_name: Option<&str>) -> Self {
        let plan = Given::new(|| {
            let zone = zone_name.map(|name| zone(name, None)).transpose()?;
            Plan::of(
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

    /// Writes another format than ISO 8601; instants are written in UTC. It must not have a time where a format that
    /// is read has none.
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
        let mut plan = Given::new(|| Plan::of(formats, zone, language)).at(|| settings.place_of("formats"));
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

impl Plan {
    fn of<'f>(
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
            let message = format!("`{text}` has a time, but `{}` reads none", day.text());
            return Err(Problem::error("date.format", None, message));
        }
        self.output = Some(output);
        Ok(self)
    }

    /// What the text says by the first format that reads it, and whether another one reads it differently.
    fn read(&self, text: &str) -> Result<(Moment, bool), Unread> {
        let mut why = Unread::Unparsed;
        for (at, format) in self.formats.iter().enumerate() {
            match format.read(text) {
                Ok(moment) => {
                    let first = moment.in_zone(self.zone);
                    let mut others = self.formats[at + 1..]
                        .iter()
                        .filter_map(|other| other.read(text).ok());
                    let is_ambiguous = others.any(|other| other.in_zone(self.zone) != first);
                    return first.map(|moment| (moment.in_utc(), is_ambiguous));
                }
                // The first format that knows more than that the text is another one's, or no day.
                Err(other) if why == Unread::Unparsed => why = other,
                Err(other) if why == Unread::NoSuchDay && other != Unread::Unparsed => why = other,
                Err(_) => {}
            }
        }
        Err(why)
    }

    fn written(&self, moment: &Moment) -> Result<String, (&'static str, &'static str)> {
        match &self.output {
            None => Ok(moment.to_string()),
            Some(output) => output.write(moment).map_err(|why| (why.reason(), why.expected())),
        }
    }
}

impl Operation for ParseDate {
    frame_methods!(beside: plan);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let plan = self.plan.get()?;
        self.frame.apply(document, |value, place| {
            let text = self.frame.text_or_number(value, place)?;
            let refuse =
                |(reason, expected): (&str, &str)| self.frame.refuse(reason, place).expected(expected);
            let (moment, ambiguous) = plan
                .read(&text)
                .map_err(|why| refuse((why.reason(), why.expected(&plan.form))))?;
            if ambiguous && self.refuse_ambiguous {
                return Err(refuse((
                    "ambiguous",
                    "a date that all declared formats read alike",
                )));
            }
            if ambiguous {
                scope.warn(AMBIGUOUS);
            }
            let written = plan.written(&moment).map_err(refuse)?;
            Ok(Value::text(&written))
        })
    }

    /// The first language read blanks before the text but not behind it, years of less than four digits, a sixtieth
    /// second and fractions of any length: there is no format of which it read every text as it is read today.
    fn language(&self) -> Language {
        Language::Two
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
            "the formats, strftime's notation (docs/dates.md), tried in this order",
        ),
        Key::optional(
            "zone",
            Form::Text,
            "none; needed by a format with a time and no offset",
            "the IANA zone in which times without an offset were written",
        ),
        Key::optional(
            "ambiguous",
            Form::Choice(&["first", "refuse"]),
            "first",
            "what a date means that two formats read differently; `first` counts a warning",
        ),
        Key::optional(
            "format",
            Form::Text,
            "%Y-%m-%d for a day, %Y-%m-%dT%H:%M:%SZ for a time",
            "the format that is written; times in UTC",
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
    undo: "lossy in place: which format it had is gone; with `to` the text stays",
    example: (
        r#"op = "parse_date"
path = "born"
formats = ["%d.%m.%Y"]"#,
        r#"{"born":"10.12.1815"}"#,
        r#"{"born":"1815-12-10"}"#,
    ),
    build: ParseDate::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::{built, run, run_with};

    fn read(op: &ParseDate, text: &str) -> Result<String, String> {
        let json = run(op, &format!(r#"{{"d":"{text}"}}"#))?;
        Ok(json[6..json.len() - 2].to_owned())
    }

    #[test]
    fn each_format_gives_iso_8601_in_utc() {
        for (format, zone, given, expected) in [
            (
                "%Y-%m-%d %H:%M:%S",
                Some("UTC"),
                "2024-01-15 10:30:00",
                "2024-01-15T10:30:00Z",
            ),
            (
                "%Y-%m-%d %H:%M:%S",
                Some("Europe/Berlin"),
                "2024-01-15 00:30:00",
                "2024-01-14T23:30:00Z",
            ),
            ("%d/%m/%Y", None, "1/2/2024", "2024-02-01"),
            ("%m/%d/%y", None, "01/02/69", "1969-01-02"),
            ("%Y%m%d", None, "20240229", "2024-02-29"),
            (
                "%Y-%m-%dT%H:%M:%S%z",
                None,
                "2024-01-15T10:30:00+02:00",
                "2024-01-15T08:30:00Z",
            ),
            (
                "%Y-%m-%dT%H:%M:%S%.fZ",
                None,
                "2024-01-15T10:30:00.250Z",
                "2024-01-15T10:30:00.250Z",
            ),
            ("%s", None, "981173106", "2001-02-03T04:05:06Z"),
            (
                "%d %B %Y %I:%M %p",
                Some("UTC"),
                "3 March 2024 1:05 PM",
                "2024-03-03T13:05:00Z",
            ),
        ] {
            let op = ParseDate::new("d", &[format], zone);
            assert_eq!(read(&op, given).as_deref(), Ok(expected), "{format}");
        }
        let op = ParseDate::new("d", &["%Y%m%d"], None);
        assert_eq!(run(&op, r#"{"d":20240229}"#).unwrap(), r#"{"d":"2024-02-29"}"#);
        let op = op.format("%d.%m.%Y");
        assert_eq!(read(&op, "20240229").unwrap(), "29.02.2024");
    }

    #[test]
    fn the_first_format_that_knows_why_says_it() {
        let op = ParseDate::new(
            "d",
            &["%d.%m.%Y", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S.%f%z"],
            Some("UTC"),
        );
        for (text, reason) in [
            ("2024-01-31 12:00:60", "leap_second"),
            ("2024-01-31 12:00:00.1234567890", "too_precise"),
            ("9999-12-31 23:00:00.5-02:00", "out_of_range"),
            ("31.01.10000", "out_of_range"),
            ("31.02.2024", "unparsed"),
        ] {
            assert_eq!(
                read(&op, text).unwrap_err(),
                format!("parse_date.{reason} at /d"),
                "{text}"
            );
        }
        assert_eq!(
            read(&op, "2024-01-31 12:00:00.5").unwrap(),
            "2024-01-31T12:00:00.500Z"
        );
        let op = ParseDate::new("d", &["%Y-%m-%d %H:%M:%S%.f"], Some("UTC")).format("%s.%f");
        assert_eq!(read(&op, "2024-01-31 12:00:00.5").unwrap(), "1706702400.500000");
        assert_eq!(
            read(&op, "2024-01-31 12:00:00.1234567").unwrap_err(),
            "parse_date.too_precise at /d"
        );
    }

    #[test]
    fn a_refusal_names_the_formats_or_says_that_the_calendar_has_no_such_day() {
        use crate::op::testing::applied;
        let expected = |formats: &str, text: &str| {
            let toml = format!("op = 'parse_date'\npath = 'd'\nformats = {formats}");
            let refusal = applied(&toml, &format!(r#"{{"d":"{text}"}}"#)).unwrap_err();
            assert!(refusal.contains("parse_date.unparsed"), "{refusal}");
            assert!(!refusal.contains(text), "{refusal}");
            let refusal: Refusal = serde_json::from_str(&refusal).unwrap();
            refusal.violations[0].expected.clone().unwrap()
        };
        let day = "a day that the calendar has";
        for (formats, text, told) in [
            ("['%d.%m.%Y']", "31.02.2024", day),
            ("['%Y-%m-%d', '%d.%m.%Y']", "29.02.2023", day),
            ("['%Y %j']", "2023 366", day),
            ("['%d.%m.%Y']", "1.2.25", "a date in the format %d.%m.%Y"),
            ("['%d.%m.%Y']", "31.13.2024", "a date in the format %d.%m.%Y"),
            (
                "['%d.%m.%Y', '%F']",
                "1.2.25",
                "a date in one of the formats %d.%m.%Y, %F",
            ),
            (
                "['%d.%m.%Y', '%F', '%d/%m/%Y', '%Y%m%d', '%s']",
                "1.2.25",
                "a date in one of the formats %d.%m.%Y, %F, %d/%m/%Y, and 2 more",
            ),
        ] {
            assert_eq!(expected(formats, text), told, "{text}");
        }
    }

    #[test]
    fn what_no_format_reads_is_refused_never_now() {
        let op = ParseDate::new("d", &["%Y-%m-%d", "%Y%m%d"], None);
        for text in [
            "",
            "2023-02-29",
            "24-01-02",
            "2024-01-02T00:00:00Z",
            "2024112",
            "202401",
            "today",
        ] {
            assert_eq!(
                read(&op, text).unwrap_err(),
                "parse_date.unparsed at /d",
                "{text}"
            );
        }
    }

    #[test]
    fn a_date_that_two_formats_read_differently_is_counted_or_refused() {
        let op = ParseDate::new("d", &["%m/%d/%Y", "%d/%m/%Y"], None);
        let of = |text: &str| run_with(&op, &format!(r#"{{"d":"{text}"}}"#));
        assert_eq!(
            of("03/04/2024"),
            (Ok(r#"{"d":"2024-03-04"}"#.to_owned()), vec![AMBIGUOUS.to_owned()])
        );
        assert_eq!(of("03/03/2024").1, Vec::<String>::new());
        assert_eq!(
            of("31/01/2024"),
            (Ok(r#"{"d":"2024-01-31"}"#.to_owned()), Vec::new())
        );
        let strict = op.clone().refuse_ambiguous();
        assert_eq!(
            read(&strict, "03/04/2024").unwrap_err(),
            "parse_date.ambiguous at /d"
        );
        assert!(read(&strict, "03/03/2024").is_ok());
    }

    #[test]
    fn a_local_time_that_is_no_instant_is_refused() {
        let op = ParseDate::new("d", &["%Y-%m-%d %H:%M"], Some("America/New_York"));
        assert_eq!(
            read(&op, "2024-03-10 02:30").unwrap_err(),
            "parse_date.no_such_time at /d"
        );
        assert_eq!(
            read(&op, "2024-11-03 01:30").unwrap_err(),
            "parse_date.two_such_times at /d"
        );
        assert_eq!(read(&op, "2024-11-03 02:30").unwrap(), "2024-11-03T07:30:00Z");
    }

    #[test]
    fn what_cannot_work_is_a_problem_with_its_place() {
        for (settings, code, help) in [
            (
                r#"formats = ["%Y-%m-%d", "%Y-%m-%d %H:%M"]"#,
                "stage.naive_time",
                "zone = \"UTC\"",
            ),
            (r#"formats = ["%Q"]"#, "date.format", "strftime"),
            (r#"formats = ["%v"]"#, "date.format", "%e-%b-%Y"),
            (r#"formats = ["%Y-%m"]"#, "date.format", "month and day"),
            (r#"formats = ["%Y-%m-%d %I:%M"]"#, "date.format", "%I with %p"),
            (r#"formats = ["%Y-%m-%d %H:%M %Z"]"#, "date.format", "%z"),
            (r#"formats = ["%Y-%m-%d"], format = "%H""#, "date.format", ""),
            (r#"formats = ["%Y-%m-%d"], format = "%+""#, "date.format", "%:z"),
            ("formats = []", "date.format", ""),
            (
                r#"formats = ["%Y-%m-%d"], zone = "Europe/Berlim""#,
                "date.zone",
                "Europe/Berlin",
            ),
        ] {
            let settings = format!(
                "path = \"d\"\n{}",
                settings
                    .replace(", format =", "\nformat =")
                    .replace(", zone", "\nzone")
            );
            let problem = built(&MANUAL, &settings, None).unwrap_err();
            assert_eq!(problem.code, code, "{settings}");
            assert!(problem.place.is_some_and(|place| place.line > 1), "{settings}");
            assert!(problem.help.unwrap_or_default().contains(help), "{settings}");
        }
        assert_eq!(
            ParseDate::new("d", &["%H:%M %F"], None).problems()[0].code,
            "stage.naive_time"
        );
    }
}
