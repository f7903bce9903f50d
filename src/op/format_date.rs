//! `format_date`: an ISO 8601 date in another format.

use chrono_tz::Tz;
use serde_json::json;

use super::dates::{DateFormat, Moment, zone};
use super::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, Reversibility, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `format_date`: writes an ISO 8601 day or time in another format. A time keeps the offset that it is written with,
/// unless a zone is declared. A format that needs more than the text says (a time from a day, an offset from a time
/// without one) is refused.
#[derive(Clone, Debug)]
pub struct FormatDate {
    frame: Frame,
    format: DateFormat,
    zone: Option<Tz>,
}

frame_builders!(FormatDate, to);

impl FormatDate {
    /// Writes the format, strftime's notation.
    ///
    /// # Errors
    /// A [`Problem`] without a place when the path or the format is wrong.
    pub fn new(path: &str, format: &str) -> Result<Self, Problem> {
        Ok(Self {
            frame: Frame::new(MANUAL.name, path)?,
            format: DateFormat::writing(format, None)?,
            zone: None,
        })
    }

    /// Writes times as the clocks of this IANA zone show them; a day stays as it is.
    ///
    /// # Errors
    /// A [`Problem`] without a place when there is no such zone.
    pub fn zone(mut self, name: &str) -> Result<Self, Problem> {
        self.zone = Some(zone(name, None)?);
        Ok(self)
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let zone_name = settings.text("zone");
        let format = settings.text("format").unwrap_or_default();
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            format: DateFormat::writing(format, Some(&settings.place_of("format")))?,
            zone: zone_name
                .map(|name| zone(name, Some(&settings.place_of("zone"))))
                .transpose()?,
        }))
    }

    fn written(&self, moment: Moment) -> Option<String> {
        let moment = match (moment, self.zone) {
            (Moment::Instant(instant), Some(zone)) => {
                Moment::Instant(instant.with_timezone(&zone).fixed_offset())
            }
            // A time without an offset cannot be brought into a zone.
            (Moment::Local(_), Some(_)) => return None,
            (moment, _) => moment,
        };
        self.format.write(&moment)
    }
}

impl Operation for FormatDate {
    frame_methods!();

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            let refuse = |reason, expected: &str| self.frame.refuse(reason, place).expected(expected);
            let moment = Moment::iso(&text).ok_or_else(|| refuse("unparsed", "an ISO 8601 day or time"))?;
            let written = self.written(moment);
            let written = written.ok_or_else(|| refuse("incomplete", "all that the format writes"))?;
            Ok(Value::text(&written))
        })
    }

    fn reversibility(&self) -> Reversibility {
        self.frame.reversibility()
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame
            .meaning(json!({ "format": self.format.text(), "zone": self.zone.map(Tz::name) }))
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
    build: FormatDate::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::trial::{built, run};

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
        assert_eq!(FormatDate::new("d", "%").unwrap_err().code, "date.format");
    }
}
