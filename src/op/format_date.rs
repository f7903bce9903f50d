//! `format_date`: an ISO 8601 date in another format.

use chrono_tz::Tz;
use serde_json::json;

use super::dates::{DateFormat, Moment, zone};
use super::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::given::Given;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `format_date`: writes an ISO 8601 day or time in another format. A time keeps the offset that it is written with,
/// unless a zone is declared. A format that needs more than the text says (a time from a day, an offset from a time
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
    format: Given<DateFormat>,
    zone: Given<Option<Tz>>,
}

frame_builders!(FormatDate, to);

impl FormatDate {
    /// Writes the format, strftime's notation.
    #[must_use]
    pub fn new(path: impl Into<PathText>, format: &str) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            format: Given::new(|| DateFormat::writing(format, None)),
            zone: Given::new(|| Ok(None)),
        }
    }

    /// Writes times as the clocks of this IANA zone show them; a day stays as it is.
    #[must_use]
    pub fn zone(mut self, name: &str) -> Self {
        self.zone = Given::new(|| zone(name, None).map(Some));
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let format = settings.text("format").unwrap_or_default();
        let zone = settings.text("zone").map(|name| zone(name, None)).transpose();
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            format: Given::new(|| DateFormat::writing(format, None)).at(|| settings.place_of("format")),
            zone: Given::new(|| zone).at(|| settings.place_of("zone")),
        }))
    }
}

/// The moment in a format, as the clocks of the zone show it; `None` where the format needs more than it has.
fn written(moment: Moment, format: &DateFormat, zone: Option<Tz>) -> Option<String> {
    let moment = match (moment, zone) {
        (Moment::Instant(instant), Some(zone)) => {
            Moment::Instant(instant.with_timezone(&zone).fixed_offset())
        }
        // A time without an offset cannot be brought into a zone.
        (Moment::Local(_), Some(_)) => return None,
        (moment, _) => moment,
    };
    format.write(&moment)
}

impl Operation for FormatDate {
    frame_methods!(beside: format, zone);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (format, zone) = (self.format.get()?, *self.zone.get()?);
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            let refuse = |reason, expected: &str| self.frame.refuse(reason, place).expected(expected);
            let moment = Moment::iso(&text).ok_or_else(|| refuse("unparsed", "an ISO 8601 day or time"))?;
            let written = written(moment, format, zone);
            let written = written.ok_or_else(|| refuse("incomplete", "all that the format writes"))?;
            Ok(Value::text(&written))
        })
    }

    fn meaning(&self) -> serde_json::Value {
        let zone = self.zone.known().copied().flatten();
        self.frame.meaning(json!({
            "format": self.format.known().map(DateFormat::text),
            "zone": zone.map(Tz::name),
        }))
    }
}

/// The reference entry of `format_date`.
pub(super) static MANUAL: Manual = Manual {
    name: "format_date",
    group: "value",
    summary: "writes an ISO 8601 day or time in another format",
    keys: &[
        PATH,
        TO,
        Key::required("format", Form::Text, "the format, strftime's notation"),
        Key::optional(
            "zone",
            Form::Text,
            "the offset that the time is written with",
            "the IANA zone whose clocks are shown",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "format_date.missing",
        "format_date.null",
        "format_date.type",
        "format_date.unparsed",
        "format_date.incomplete",
        "format_date.exists",
        "format_date.blocked",
    ],
    undo: "lossy in place: what the format leaves out is gone; with `to` the text stays",
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
    use crate::op::testing::{built, run};

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
            ("%Y", "", "31.01.2024", Err("unparsed")),
            ("%Y", "", "2024-1-3", Err("unparsed")),
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
