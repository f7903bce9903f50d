//! Why a reading is refused, in words that name what to write in the stage, and never what the reading holds.

use super::compiled::Windowing;
use crate::aggregate::Rejected;
use crate::datetime::{Moment, Unread};
use crate::path::Path;
use crate::record::{NumberText, Value};
use crate::refusal::Violation;
use crate::stage::finish::parse;

/// Why a reading has no time.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoTime {
    /// It is absent, or written otherwise.
    Unreadable,
    Unread(Unread),
    /// Its window is not between the years 1 and 9999.
    Far,
}

/// Returns why a reading has no time. `data`: the reading; `json`: what is there, if it is not null.
pub(super) fn not_timed(windowing: &Windowing, data: &str, json: Option<&str>, why: NoTime) -> Violation {
    let expected = match why {
        NoTime::Far => "a time whose window is between the years 1 and 9999".to_owned(),
        NoTime::Unread(why) => why.expected(&windowing.form).to_owned(),
        NoTime::Unreadable => {
            let (kind, help) = found(windowing, data, json);
            format!("{}; found {kind}{help}", windowing.form)
        }
    };
    Violation::new("aggregate.time", windowing.time.pointer()).expected(expected)
}

/// Returns what kind of value is where the time should be, and what to write in the stage to read it.
fn found(windowing: &Windowing, data: &str, json: Option<&str>) -> (&'static str, String) {
    const OTHER: &str = ": `time = { path, formats, zone }` in the stage says how times are written";
    let path = &windowing.time;
    let by_formats = !windowing.formats.is_empty();
    let Some(json) = json else {
        let document = parse(data);
        let is_null = document.is_ok_and(|document| document.at(path).is_some());
        return if is_null {
            ("null", String::new())
        } else {
            (
                "nothing",
                ": the field is absent; `time` in the stage is the path of the time".to_owned(),
            )
        };
    };
    match json.as_bytes().first() {
        Some(b'"') => {}
        Some(b'-' | b'0'..=b'9') if by_formats => return ("another number", OTHER.to_owned()),
        Some(b'-' | b'0'..=b'9') => {
            let help =
                format!(": `time = {{ path = \"{path}\", formats = [\"%s\"] }}` reads seconds since 1970");
            return ("a number", help);
        }
        Some(b't' | b'f') => return ("a boolean", String::new()),
        Some(b'[') => return ("a list", String::new()),
        _ => return ("an object", String::new()),
    }
    let text = Value::Raw(json.into());
    let moment = text.as_text().and_then(|text| Moment::iso(&text).ok());
    match moment {
        Some(Moment::Day(_) | Moment::Local(_)) if !by_formats => {
            let help = format!(
                ": `time = {{ path = \"{path}\", zone = \"UTC\" }}` reads it, with the zone it is in"
            );
            ("a text without an offset", help)
        }
        _ => ("another text", OTHER.to_owned()),
    }
}

/// Returns why a value is not measured. `json`: the value.
pub(super) fn not_measured(path: &Path, json: &str, why: Rejected, texts: bool) -> Violation {
    let inner = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    let is_decimal = inner.is_some_and(|text| NumberText::JSON.read(text).is_ok());
    let expected = match (why, texts) {
        (Rejected::NotNumber, false) if is_decimal => {
            "a number, and found one in a text: `values = \"text\"` in the stage measures such texts"
        }
        (Rejected::NotNumber, false) => "a number",
        (Rejected::NotNumber, true) => "a string with a decimal, such as \"12.50\"",
        (Rejected::TooLong, _) => "a number of at most 28 digits",
    };
    Violation::new("aggregate.number", path.pointer()).expected(expected)
}
