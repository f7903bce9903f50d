//! What is read of a time and of an id.

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use toml_edit::Item;

use crate::datetime::{self, Moment, ReadFormat, Unread, read_first};
use crate::digest;
use crate::op::PathText;
use crate::op::kit::dates::problem;
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};
use crate::record::NumberText;
use crate::toml::Section;

/// How the time is read.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// Empty: RFC 3339, where the offset may be missing.
    pub(super) formats: Vec<ReadFormat>,
    /// Description of a text that can be read.
    pub(super) form: Box<str>,
    pub(super) zone: Option<Tz>,
}

impl Clock {
    pub(super) fn new<'f>(
        formats: impl IntoIterator<Item = (&'f str, Option<Place>)>,
        zone: Option<Tz>,
    ) -> Result<Self, Problem> {
        let read = formats
            .into_iter()
            .map(|(text, place)| ReadFormat::new(text).map_err(|error| problem(error, place.as_ref())));
        let formats = read.collect::<Result<Vec<_>, _>>()?;
        let form = match formats[..] {
            [] => "a time as in RFC 3339".to_owned(),
            _ => datetime::form(&formats),
        };
        Ok(Self {
            formats,
            form: form.into(),
            zone,
        })
    }

    /// Reads a time as it is written, and whether it has an hour.
    pub(super) fn read(&self, text: &str) -> Result<(NaiveDateTime, bool), Unread> {
        let moment = match self.formats[..] {
            [] => Moment::iso(text)?,
            _ => read_first(&self.formats, text)?.1,
        };
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN);
        Ok(match moment.in_zone(self.zone)? {
            Moment::Day(day) => (midnight(day), false),
            Moment::Local(local) => (local, true),
            Moment::Instant(instant) => (instant.naive_local(), true),
        })
    }
}

/// Returns the number in the first 8 bytes of the digest of a text, modulo `of`.
pub(super) fn of_text(text: &str, of: u32) -> u32 {
    let digest = digest::sha256(&[text.as_bytes()]);
    let head = digest.first_chunk().expect("a digest has 32 bytes");
    let number = u64::from_be_bytes(*head) % u64::from(of);
    u32::try_from(number).unwrap_or(0)
}

/// Returns the Euclidean remainder of a whole number, however many digits it has.
pub(super) fn of_number(text: &str, of: u32) -> Option<u32> {
    let (digits, is_negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let of = u64::from(of);
    let remainder = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.bytes().fold(0, |remainder, byte| {
            (remainder * 10 + u64::from(byte - b'0')) % of
        })
    } else {
        let number = NumberText::JSON.read(digits).ok()?.normalize();
        let whole = number.mantissa().unsigned_abs() % u128::from(of);
        u64::try_from(whole).ok().filter(|_| number.scale() == 0)?
    };
    u32::try_from(if is_negative {
        (of - remainder) % of
    } else {
        remainder
    })
    .ok()
}

/// Reads the table `hash`: the path of the id, the number of its buckets, and the name of the field.
pub(super) fn bucket(section: &Section<'_>) -> Result<(Path, u32, String), Problem> {
    let known = ["path", "of", "as"];
    if let Some((name, _)) = section.table().iter().find(|(name, _)| !known.contains(name)) {
        return Err(section.unknown_key(name).did_you_mean(name, known));
    }
    let text = |key: &str, item: &Item| {
        item.as_str()
            .map(str::to_owned)
            .ok_or_else(|| section.wrong_type(key, "a string"))
    };
    let path = section
        .item("path")
        .ok_or_else(|| section.missing_key("path", "the id"))?;
    let path = PathText::from(text("path", path)?).read();
    let path = path.map_err(|problem| Problem {
        place: Some(section.place_of("path")),
        ..problem
    })?;
    let of = section
        .item("of")
        .ok_or_else(|| section.missing_key("of", "into how many parts"))?;
    let of = of
        .as_integer()
        .ok_or_else(|| section.wrong_type("of", "a whole number"))?;
    let of = section.within("of", of, 1..=i64::from(u32::MAX))?;
    let name = match (section.item("as"), path.last()) {
        (Some(name), _) => text("as", name)?,
        (None, Segment::Key(name)) => name.clone(),
        (None, _) => return Err(section.missing_key("as", "the name of the field, without the prefix")),
    };
    Ok((path, u32::try_from(of).unwrap_or(u32::MAX), name))
}
