//! `format_date`: writes an ISO 8601 date in another format.

use chrono_tz::Tz;
use serde_json::json;

use super::kit::checked::Checked;
use super::kit::dates::{problem, zone};
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::datetime::{Moment, Unwritten, WriteFormat};
use crate::expression::Scope;
use crate::language::Language;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `format_date`: converts an ISO 8601 day or time to another format. A time keeps the offset that it is written with,
/// unless a zone is declared. A format that needs more than the text contains (a time from a day, an offset from a time
/// without one) is refused.
///
/// ```toml
/// op = "format_date"
/// path = "born"
/// format = "%d.%m.%Y"
/// ```
/// Turns `{"born":"1815-12-10"}` into `{"born":"10.12.1815"}`.
#[derive(Clone, Debug)]
pub struct FormatDate {
    frame: Frame,
    format: Checked<WriteFormat>,
    zone: Checked<Option<Tz>>,
}

frame_builders!(FormatDate, to);

impl FormatDate {
    /// Writes the value at `path` in a format, in strftime's notation (`docs/dates.md`).
    #[must_use]
    pub fn new(path: impl Into<PathText>, format: &str) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            format: Checked::new(|| write_format(format, Language::default())),
            zone: Checked::new(|| Ok(None)),
        }
    }

    /// Writes times as the clocks of this IANA zone show them; a day stays as it is.
    #[must_use]
    pub fn zone(mut self, name: &str) -> Self {
        self.zone = Checked::new(|| zone(name, None).map(Some));
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let format = settings.text("format").unwrap_or_default();
        let zone = settings.text("zone").map(|name| zone(name, None)).transpose();
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            format: Checked::new(|| write_format(format, settings.reading().language))
                .at(|| settings.place_of("format")),
            zone: Checked::new(|| zone).at(|| settings.place_of("zone")),
        }))
    }
}

fn write_format(format: &str, language: Language) -> Result<WriteFormat, Problem> {
    WriteFormat::in_language(format, language).map_err(|error| problem(error, None))
}

/// Formats a moment as the clocks of the zone show it.
fn written(moment: Moment, format: &WriteFormat, zone: Option<Tz>) -> Result<String, Unwritten> {
    match (moment, zone) {
        // A time without an offset cannot be converted to a zone.
        (Moment::Local(_), Some(_)) => Err(Unwritten::Incomplete),
        (moment, Some(zone)) => format.write(&moment.shown_in(zone)),
        (moment, None) => format.write(&moment),
    }
}

impl Operation for FormatDate {
    frame_methods!(beside: format, zone);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (format, zone) = (self.format.get()?, *self.zone.get()?);
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            let refuse = |reason, expected: &str| self.frame.refuse(reason, place).expected(expected);
            let moment = Moment::iso(&text)
                .map_err(|why| refuse(why.reason(), why.expected("an ISO 8601 day or time")))?;
            let written =
                written(moment, format, zone).map_err(|why| refuse(why.reason(), why.expected()))?;
            Ok(Value::text(&written))
        })
    }

    /// The first language accepted more than valid ISO 8601 times, among them a sixtieth second, no matter what the
    /// format wrote of it.
    fn language(&self) -> Language {
        Language::Two
    }

    fn meaning(&self) -> serde_json::Value {
        let zone = self.zone.known().copied().flatten();
        self.frame.meaning(json!({
            "format": self.format.known().map(WriteFormat::text),
            "zone": zone.map(Tz::name),
        }))
    }
}

/// The reference entry of `format_date`.
pub(super) static MANUAL: Manual = Manual {
    name: "format_date",
    group: "value",
    summary: "converts an ISO 8601 day or time to another format",
    keys: &[
        PATH,
        TO,
        Key::required(
            "format",
            Form::Text,
            "the format, in strftime notation (docs/dates.md)",
        ),
        Key::optional(
            "zone",
            Form::Text,
            "the offset of the time",
            "the IANA zone to write the time in",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "format_date.missing",
        "format_date.null",
        "format_date.type",
        "format_date.unparsed",
        "format_date.too_precise",
        "format_date.leap_second",
        "format_date.out_of_range",
        "format_date.offset_seconds",
        "format_date.incomplete",
        "format_date.exists",
        "format_date.blocked",
    ],
    undo: "lossy in place: what the format leaves out is lost; with `to` the original is kept",
    example: (
        r#"op = "format_date"
path = "born"
format = "%d.%m.%Y""#,
        r#"{"born":"1815-12-10"}"#,
        r#"{"born":"10.12.1815"}"#,
    ),
    build: FormatDate::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn the_format_writes_only_what_is_known() {
        for (format, zone, given, expected) in [
            ("%d.%m.%Y", "", "2024-01-31", Ok("31.01.2024")),
            (
                "%d.%m.%Y",
                "Europe/Berlin",
                "2024-01-31T23:30:00Z",
                Ok("01.02.2024"),
            ),
            ("%H:%M %:z", "", "2024-01-31T12:00:00+02:00", Ok("12:00 +02:00")),
            (
                "%Y-%m-%dT%H:%M:%SZ",
                "",
                "2024-01-31T12:00:00+02:00",
                Ok("2024-01-31T10:00:00Z"),
            ),
            ("%H:%M", "", "2024-01-31T12:00:00", Ok("12:00")),
            ("%H:%M", "", "2024-01-31", Err("incomplete")),
            ("%H:%M%z", "", "2024-01-31T12:00:00", Err("incomplete")),
            ("%H:%M", "UTC", "2024-01-31T12:00:00", Err("incomplete")),
            (
                "%H:%M %:z",
                "Europe/Berlin",
                "1850-01-01T00:00:00Z",
                Err("offset_seconds"),
            ),
            (
                "%H:%M %::z",
                "Europe/Berlin",
                "1850-01-01T00:00:00Z",
                Ok("00:53 +00:53:28"),
            ),
            ("%S%f", "", "2024-01-31T12:00:00.123456789Z", Err("too_precise")),
            ("%S%.f", "", "2024-01-31T12:00:00.1234567890Z", Err("too_precise")),
            ("%d", "", "2024-01-31T12:00:60Z", Err("leap_second")),
            ("%d", "", "0000-01-31", Err("out_of_range")),
            ("%d", "Asia/Tokyo", "9999-12-31T23:30:00Z", Err("out_of_range")),
            ("%Y", "", "31.01.2024", Err("unparsed")),
            ("%Y", "", "2024-1-3", Err("unparsed")),
            ("%Y", "", " 2024-01-03", Err("unparsed")),
            ("%Y", "", "2024-01-31T12:00:00+02", Err("unparsed")),
            ("%Y", "", "", Err("unparsed")),
        ] {
            let zone = if zone.is_empty() {
                String::new()
            } else {
                format!("\nzone = \"{zone}\"")
            };
            let op = built(
                &MANUAL,
                &format!("path = \"d\"\nformat = \"{format}\"{zone}"),
                None,
            )
            .unwrap();
            let expected = expected
                .map(|text| format!(r#"{{"d":"{text}"}}"#))
                .map_err(|reason| format!("format_date.{reason} at /d"));
            assert_eq!(
                run(op.as_ref(), &format!(r#"{{"d":"{given}"}}"#)),
                expected,
                "{format} {given}"
            );
        }
        assert_eq!(FormatDate::new("d", "%").problems()[0].code, "date.format");
    }
}
