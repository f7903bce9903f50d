//! Compiling the windows of an aggregate, and how the time of a reading is read.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;

use super::compile::AggregateCompiler;
use super::compiled::Windowing;
use super::draft::{Draft, DraftTime, Written};
use crate::aggregate::{Every, TimeReader, Unit, Windows};
use crate::datetime::{self, ReadFormat};
use crate::op::{date_problem, date_zone};
use crate::problem::Problem;

/// Name of the label, unless the stage says otherwise.
const NAME: &str = "window";
/// Microseconds of a second and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// What a time is, where no format is given.
const LOCAL: &str = "a day or a time, such as 2026-03-01 or 2026-03-01T00:05:00";
const RFC_3339: &str = "a time with an offset, such as 2026-03-01T00:05:00Z";

impl AggregateCompiler<'_, '_> {
    pub(super) fn windowing(&mut self, draft: &Draft, time: &DraftTime) -> Option<Windowing> {
        let path = if time.path.text.starts_with("= ") {
            self.error(
                "aggregate.expression",
                time.path.place.clone(),
                "`time` takes a path, not an expression",
                "make the field in a stage before this one, with an operation or [into], and write its path here",
            );
            None
        } else {
            self.path(&time.path)
        };
        let formats = self.formats(time);
        let time_zone = self.zone(time.zone.as_ref());
        let zone = self.zone(draft.zone.as_ref()).unwrap_or(Tz::UTC);
        let windows = self.windows(draft, zone);
        let name = self.named_or(draft.name.as_ref(), NAME);
        let end = draft.end.as_ref().map(|end| self.named_or(Some(end), ""));
        let local = draft.local.as_ref().map(|local| self.named_or(Some(local), ""));
        if let Some(written) = draft.end.as_ref().filter(|_| draft.labels_end) {
            self.error(
                "aggregate.label",
                written.place.clone(),
                "`end` has no effect with `label = \"right\"`: the label is the end of the window",
                "leave one of the two out",
            );
        }
        let formats = formats?;
        let form = if formats.is_empty() && time_zone.is_none() {
            RFC_3339.to_owned()
        } else if formats.is_empty() {
            LOCAL.to_owned()
        } else {
            datetime::form(&formats)
        };
        let texts = formats.iter().map(|format| format.text().to_owned()).collect();
        let reader = TimeReader::new(formats, time_zone);
        Some(Windowing {
            time: path?,
            time_place: time.path.place.clone(),
            reader,
            formats: texts,
            time_zone,
            form,
            windows: windows?,
            name,
            labels_end: draft.labels_end,
            end,
            local: local.map(|name| (name, zone)),
        })
    }

    fn zone(&mut self, written: Option<&Written>) -> Option<Tz> {
        let written = written?;
        self.problems
            .take(date_zone(&written.text, written.place.as_ref()))
    }

    /// Reads the formats of times; empty for RFC 3339.
    fn formats(&mut self, time: &DraftTime) -> Option<Vec<ReadFormat>> {
        let Some(written) = &time.formats else {
            return Some(Vec::new());
        };
        let mut formats = Vec::new();
        for text in written {
            let format = ReadFormat::in_language(&text.text, self.reading.language)
                .map_err(|error| date_problem(error, text.place.as_ref()));
            let Some(format) = self.problems.take(format) else {
                continue;
            };
            if format.is_naive() && time.zone.is_none() {
                let message = format!("`{}` has a time, but neither an offset nor a zone", text.text);
                let problem = Problem::error("stage.naive_time", text.place.clone(), message);
                self.problems
                    .add(problem.help("add `zone = \"UTC\"`, or the zone in which these times were written"));
            }
            formats.push(format);
        }
        (formats.len() == written.len() && !formats.is_empty()).then_some(formats)
    }

    fn windows(&mut self, draft: &Draft, zone: Tz) -> Option<Windows> {
        let Some(written) = &draft.every else {
            let message = "[aggregate] needs the key `every`: how long windows are";
            self.error(
                "stage.missing_key",
                draft.place.clone(),
                message,
                "write `every = \"5m\"`, or leave out `time` to sum up whole groups",
            );
            return None;
        };
        let every = Every::read(&written.text).map_err(|problem| Problem {
            place: written.place.clone(),
            ..problem
        });
        match self.problems.take(every)? {
            Every::Fixed(length) if draft.aligns_to_days => {
                if let Some(origin) = &draft.origin {
                    self.error(
                        "aggregate.align",
                        origin.place.clone(),
                        "`origin` has no effect with `align = \"day\"`: windows begin anew with every day",
                        "leave one of the two out",
                    );
                }
                if length > DAY {
                    self.error(
                        "aggregate.align",
                        written.place.clone(),
                        "`align = \"day\"` needs windows that are not longer than a day",
                        "write at most `every = \"24h\"`, or calendar windows such as `every = \"2 days\"`",
                    );
                }
                Some(Windows::Daily { length, zone })
            }
            Every::Fixed(length) => {
                let origin = match &draft.origin {
                    Some(written) => self.instant(written)?,
                    None => 0,
                };
                Some(Windows::Fixed { length, origin })
            }
            Every::Calendar { unit, count } => {
                if draft.aligns_to_days {
                    self.error(
                        "aggregate.align",
                        draft.place_of("align"),
                        "`align` has no effect on calendar windows: they begin with a day of the zone",
                        "leave it out",
                    );
                }
                let origin = match &draft.origin {
                    Some(written) => self.day(written, unit)?,
                    None => first_day(unit),
                };
                Some(Windows::Calendar {
                    unit,
                    count,
                    zone,
                    origin,
                })
            }
        }
    }

    /// Reads the instant at which windows begin.
    fn instant(&mut self, written: &Written) -> Option<i64> {
        let instant = TimeReader::rfc3339().read(&written.text).ok();
        let instant = instant.filter(|instant| instant.rem_euclid(SECOND) == 0);
        if instant.is_none() {
            self.error(
                "aggregate.origin",
                written.place.clone(),
                "`origin` takes an instant of whole seconds: a window of elapsed time begins there",
                "write `origin = \"2026-03-01T00:00:00Z\"`",
            );
        }
        instant
    }

    /// Reads the day on which windows begin.
    fn day(&mut self, written: &Written, unit: Unit) -> Option<NaiveDate> {
        let day = NaiveDate::parse_from_str(&written.text, "%Y-%m-%d").ok();
        let day = day.filter(|day| written.text.len() == 10 && (1..=9999).contains(&day.year()));
        let of_months = matches!(unit, Unit::Month | Unit::Quarter | Unit::Year);
        let (message, help) = match day {
            None => (
                "`origin` takes a day: a calendar window begins there",
                "write `origin = \"2026-03-01\"`",
            ),
            Some(day) if of_months && day.day() != 1 => (
                "`origin` takes the first day of a month: months, quarters and years begin there",
                "write `origin = \"2026-03-01\"`, or count in days or weeks",
            ),
            Some(_) => return day,
        };
        self.error("aggregate.origin", written.place.clone(), message, help);
        None
    }
}

/// Returns the day on which calendar windows begin unless the stage says otherwise: weeks begin on a Monday.
fn first_day(unit: Unit) -> NaiveDate {
    let days = match unit {
        Unit::Week => 4,
        Unit::Day | Unit::Month | Unit::Quarter | Unit::Year => 0,
    };
    NaiveDate::default() + chrono::Days::new(days)
}
