//! `partition`: adds the fields by which exported records are put into folders: parts of a time, and a number of a few
//! for many ids.

use std::borrow::Cow;

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};
use chrono_tz::Tz;
use serde_json::json;
use toml_edit::Item;

use super::kit::checked::{Checked, ElementPath, whole};
use super::kit::dates::{ambiguous, zone};
use super::kit::frame::{Frame, NULL, frame_builders};
use super::kit::missing::Missing;
use super::kit::trail::Trail;
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::datetime::{ReadFormat, Unread};
use crate::expression::Scope;
use crate::lineage::{Dependence, Flow, Shape};
use crate::path::{Path, Segment};
use crate::problem::{Problem, within};
use crate::record::{Document, Object, Value};
use crate::refusal::Refusal;
use crate::toml::Section;

mod parts;

use parts::{Clock, bucket, of_number, of_text};

/// `partition`: adds the parts of a time, and the bucket of an id, as integers at the end of the record.
///
/// The parts are those of the time as it is written, in its own offset. The bucket of a whole number is its Euclidean
/// remainder, which is never negative; that of a string is the number in the first 8 bytes, big endian, of the SHA-256
/// of its UTF-8, modulo the number of buckets.
///
/// ```toml
/// op = "partition"
/// time = "at"
/// keys = ["year"]
/// hash = { path = "sensor", of = 10 }
/// ```
/// Turns `{"sensor":-3,"at":"2026-03-01T00:05:00+01:00"}` into `{"sensor":-3,"at":"2026-03-01T00:05:00+01:00","partition_year":2026,"partition_sensor":7}`.
#[derive(Clone, Debug)]
pub struct Partition {
    frame: Frame,
    clock: Checked<Clock>,
    keys: Vec<PartitionKey>,
    prefix: String,
    bucket: Option<Bucket>,
    /// The path of the id, if there is one.
    ids: Checked<Vec<ElementPath>>,
    /// The added fields: those of the keys, then that of the bucket.
    fields: Checked<Vec<ElementPath>>,
}

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartitionKey {
    /// The year, from 1 to 9999.
    Year,
    /// The month, from 1 to 12.
    Month,
    /// The day of the month, from 1 to 31.
    Day,
    /// The hour, from 0 to 23.
    Hour,
}

/// Into how many parts ids are divided, and the name of the field without its prefix.
#[derive(Clone, Debug)]
struct Bucket {
    path: PathText,
    of: u32,
    name: String,
}

frame_builders!(Partition);

impl PartitionKey {
    const ALL: [Self; 4] = [Self::Year, Self::Month, Self::Day, Self::Hour];

    const fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    fn of(self, time: NaiveDateTime) -> i64 {
        match self {
            Self::Year => time.year().into(),
            Self::Month => time.month().into(),
            Self::Day => time.day().into(),
            Self::Hour => time.hour().into(),
        }
    }
}

/// The words of `keys`.
const WORDS: [&str; 4] = ["year", "month", "day", "hour"];

impl Partition {
    /// Adds `partition_year`, `partition_month`, `partition_day` and `partition_hour` of the time at `time`, which is
    /// written as in RFC 3339, with or without its offset.
    #[must_use]
    pub fn new(time: impl Into<PathText>) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, time))
    }

    fn from_frame(frame: Frame) -> Self {
        let op = Self {
            frame,
            clock: Checked::new(|| Clock::new([], None)),
            keys: PartitionKey::ALL.to_vec(),
            prefix: "partition_".to_owned(),
            bucket: None,
            ids: Checked::new(|| Ok(Vec::new())),
            fields: Checked::new(|| Ok(Vec::new())),
        };
        op.placed()
    }

    /// Reads these formats, tried in this order, instead of RFC 3339. `zone` is the IANA name for times without an
    /// offset: those that its clocks skipped or showed twice are refused.
    #[must_use]
    pub fn formats(mut self, formats: &[&str], zone_name: Option<&str>) -> Self {
        self.clock = Checked::new(|| {
            let zone = zone_name.map(|name| zone(name, None)).transpose()?;
            Clock::new(formats.iter().map(|format| (*format, None)), zone)
        });
        self
    }

    /// Sets the parts of the time, at least one, in the order of their fields.
    #[must_use]
    pub fn keys(mut self, keys: impl IntoIterator<Item = PartitionKey>) -> Self {
        self.keys = keys.into_iter().collect();
        self.placed()
    }

    /// Sets what the names of the fields begin with.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self.placed()
    }

    /// Adds the bucket, one of `of`, of the whole number or string at `path`. `name` is that of its field, without the
    /// prefix.
    #[must_use]
    pub fn hash(mut self, path: impl Into<PathText>, of: u32, name: &str) -> Self {
        let name = name.to_owned();
        self.bucket = Some(Bucket {
            path: path.into(),
            of,
            name,
        });
        self.placed()
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let mut op = Self::from_frame(Frame::read_at(settings.path("time")?, settings)?);
        let zone = settings
            .text("zone")
            .map(|name| zone(name, Some(&settings.place_of("zone"))));
        let zone = zone.transpose()?;
        let list = settings.item("formats").and_then(Item::as_array);
        if list.is_some_and(toml_edit::Array::is_empty) {
            let message = "`formats` is empty: no time could be read";
            return Err(
                Problem::error("date.format", settings.place_of("formats"), message)
                    .help("leave it out to read RFC 3339"),
            );
        }
        let formats = list
            .into_iter()
            .flatten()
            .filter_map(|format| Some((format.as_str()?, Some(settings.reading().place(format.span())))));
        op.clock = Checked::new(|| Clock::new(formats, zone));
        if let Some(prefix) = settings.text("prefix") {
            op = op.prefix(prefix);
        }
        if settings.has("keys") {
            op = op.keys(keys(settings)?);
        }
        if let Some(table) = settings.item("hash").and_then(Item::as_table_like) {
            let span = settings.item("hash").and_then(Item::span);
            let section = Section::new("`hash`".to_owned(), table, span, settings.reading());
            let (path, of, name) = bucket(&section)?;
            op = op.hash(path, of, &name);
        }
        op.ids = op.ids.at(|| settings.place_of("hash"));
        op.fields = op.fields.at(|| settings.place_of("keys"));
        Ok(Box::new(op))
    }

    /// Works out the paths anew.
    fn placed(mut self) -> Self {
        let bucket = self.bucket.as_ref();
        self.ids = self
            .frame
            .alongside(bucket.map(|bucket| bucket.path.clone()), |path| {
                bucket.map_or(Ok(1), |bucket| within("of", bucket.of, 1..=u32::MAX))?;
                ElementPath::read(path)
            });
        let elements = self
            .frame
            .below()
            .map(|from| from.elements.clone())
            .unwrap_or_default();
        let words = self.keys.iter().map(|key| key.word());
        let names = words.chain(bucket.map(|bucket| bucket.name.as_str()));
        let names: Vec<String> = names.map(|name| format!("{}{name}", self.prefix)).collect();
        let twice = names
            .iter()
            .enumerate()
            .find(|(at, name)| names[..*at].contains(name));
        let twice = twice.map(|(_, name)| name.clone());
        let are_none = self.keys.is_empty();
        let paths = names.into_iter().map(|name| {
            let mut segments = elements.clone();
            segments.push(Segment::Key(name));
            Path::from_segments(segments)
        });
        self.fields = self
            .frame
            .alongside(paths, ElementPath::field)
            .and(|fields| match twice {
                Some(name) => {
                    let message = format!("two fields would be named `{name}`");
                    Err(Problem::error("stage.same_name", None, message))
                }
                None if are_none => {
                    let message = "`keys` is empty: no part of the time is wanted";
                    let help = format!("list one or more of: {}", WORDS.join(", "));
                    Err(Problem::error("partition.keys", None, message).help(help))
                }
                None => Ok(fields),
            });
        self
    }

    /// Adds values beside a value; null for each where it is null.
    fn add(
        &self,
        object: &mut Object,
        from: &ElementPath,
        fields: &[ElementPath],
        trail: &Trail<'_>,
        values: impl FnOnce(&Value, &Trail<'_>) -> Result<Vec<i64>, Refusal>,
    ) -> Result<bool, Refusal> {
        let place = trail.below(&from.below);
        let value = object.at(&from.below).map(Cow::into_owned);
        let values = match self.frame.present(value.as_ref(), &place)? {
            None => return Ok(false),
            Some(value) if value.is_null() => vec![Value::null(); fields.len()],
            Some(value) => values(value, &place)?.into_iter().map(Value::integer).collect(),
        };
        let mut changed = false;
        for (field, value) in fields.iter().zip(values) {
            changed |= self.frame.walk().add(object, &field.below, value, trail)?;
        }
        Ok(changed)
    }

    fn parts(&self, value: &Value, place: &Trail<'_>) -> Result<Vec<i64>, Refusal> {
        let clock = self.clock.get()?;
        let text = self.frame.text_or_number(value, place)?;
        let refuse = |why: Unread| {
            self.frame
                .refuse(why.reason(), place)
                .expected(why.expected(&clock.form))
        };
        let (time, has_time) = clock.read(&text).map_err(refuse)?;
        if !has_time && self.keys.contains(&PartitionKey::Hour) {
            return Err(self
                .frame
                .refuse("unparsed", place)
                .expected("a time, which has an hour"));
        }
        Ok(self.keys.iter().map(|key| key.of(time)).collect())
    }

    fn bucket_of(&self, value: &Value, of: u32, place: &Trail<'_>) -> Result<Vec<i64>, Refusal> {
        let number = match value.as_text() {
            Some(text) => Some(of_text(&text, of)),
            None => value.as_number().and_then(|number| of_number(number, of)),
        };
        let number = number.ok_or_else(|| self.frame.wrong_type(place, "a whole number or a string"))?;
        Ok(vec![number.into()])
    }

    /// Returns the added fields: of the time, and of the id.
    fn split_fields(&self) -> Result<(&[ElementPath], &[ElementPath]), Refusal> {
        Ok(self.fields.get()?.split_at(self.keys.len()))
    }
}

fn keys(settings: &Settings<'_>) -> Result<Vec<PartitionKey>, Problem> {
    let words = settings.texts("keys").into_iter();
    words
        .map(|word| {
            let key = PartitionKey::ALL.into_iter().find(|key| key.word() == word);
            key.ok_or_else(|| {
                let message = format!("`keys` takes {}; not `{word}`", WORDS.join(", "));
                Problem::error("partition.keys", settings.place_of("keys"), message).did_you_mean(word, WORDS)
            })
        })
        .collect()
}

impl Operation for Partition {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (parts, buckets) = self.split_fields()?;
        let ids = self.ids.get()?;
        let from = self.frame.below()?;
        self.frame
            .walk()
            .objects(document, &from.elements, &mut |object, trail| {
                let mut changed = self.add(object, from, parts, trail, |value, place| {
                    self.parts(value, place)
                })?;
                if let (Some(id), Some(bucket)) = (ids.first(), &self.bucket) {
                    changed |= self.add(object, id, buckets, trail, |value, place| {
                        self.bucket_of(value, bucket.of, place)
                    })?;
                }
                Ok(changed)
            })
    }

    fn reads(&self) -> Vec<Path> {
        let ids = self.ids.known().into_iter().flatten();
        self.frame.reads().into_iter().chain(whole(ids)).collect()
    }

    fn writes(&self) -> Vec<Path> {
        whole(self.fields.known().into_iter().flatten())
    }

    fn lineage(&self, flow: &mut Flow) {
        let Ok((parts, buckets)) = self.split_fields() else {
            return;
        };
        let ids = whole(self.ids.known().into_iter().flatten());
        for (sources, fields) in [(self.frame.reads(), parts), (ids, buckets)] {
            let value = flow.sources(&sources).made(Dependence::Transformation);
            for field in fields {
                if self.frame.may_skip() {
                    flow.put_or_keep(&field.path, Shape::made(value.clone()));
                } else {
                    flow.put(&field.path, Shape::made(value.clone()));
                }
            }
        }
    }

    fn reversibility(&self) -> Reversibility {
        self.frame.adding(self.fields.known().map_or(&[], Vec::as_slice))
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        self.frame.removal(self.fields.known()?)
    }

    fn problems(&self) -> Vec<Problem> {
        let given = [
            self.frame.problems(),
            self.clock.problems(),
            self.ids.problems(),
            self.fields.problems(),
        ];
        let mut problems: Vec<Problem> = given.into_iter().flatten().collect();
        let formats = self.clock.known().into_iter().flat_map(|clock| &clock.formats);
        let day = formats.into_iter().find(|format| format.is_day());
        if let Some(day) = day.filter(|_| self.keys.contains(&PartitionKey::Hour)) {
            let message = format!("`{}` reads no time, but `keys` has `hour`", day.text());
            problems.push(
                Problem::error("partition.keys", None, message)
                    .help("leave `hour` out of `keys`, or the format out"),
            );
        }
        problems
    }

    fn warnings(&self) -> Vec<Problem> {
        let formats = self.clock.known().into_iter().flat_map(|clock| &clock.formats);
        let formats: Vec<&str> = formats.map(ReadFormat::text).collect();
        ambiguous(&formats, "keep one of them").into_iter().collect()
    }

    fn meaning(&self) -> serde_json::Value {
        let clock = self.clock.known();
        let formats = clock.into_iter().flat_map(|clock| &clock.formats);
        let bucket = self.bucket.as_ref();
        let id = self.ids.known().and_then(|ids| ids.first());
        let mut meaning = self.frame.meaning(json!({
            "formats": formats.map(ReadFormat::text).collect::<Vec<_>>(),
            "zone": clock.and_then(|clock| clock.zone).map(Tz::name),
            "keys": self.keys.iter().map(|key| key.word()).collect::<Vec<_>>(),
            "prefix": self.prefix,
            "hash": bucket.map(|bucket| {
                json!({ "path": id.map(|id| id.path.pointer()), "of": bucket.of, "as": bucket.name })
            }),
        }));
        // The fields have names, not a place.
        meaning.as_object_mut().map(|meaning| meaning.remove("to"));
        meaning
    }
}

/// The reference entry of `partition`.
pub(super) static MANUAL: Manual = Manual {
    name: "partition",
    group: "value",
    summary: "adds parts of a time, and the bucket of an id, as integers at the end of the record: the folders of an \
        export",
    keys: &[
        Key::required("time", Form::Path, "the time"),
        Key::optional(
            "formats",
            Form::Texts,
            "RFC 3339, with or without the offset",
            "the formats of the time, in strftime notation (docs/dates.md), tried in this order",
        ),
        Key::optional(
            "zone",
            Form::Text,
            "none",
            "the IANA zone of times without an offset: those that its clocks skipped or showed twice are refused. It \
             does not change the parts, which are those of the time as written, in its own offset; seconds since 1970 \
             are in UTC",
        ),
        Key::optional(
            "keys",
            Form::Texts,
            "year, month, day, hour",
            "which parts of the time, of these four, in the order of their fields: `partition_year` and so on",
        ),
        Key::optional(
            "prefix",
            Form::Text,
            "`partition_`",
            "what the names of the fields begin with",
        ),
        Key::optional(
            "hash",
            Form::Table,
            "none",
            "`{ path = \"sensor_id\", of = 10, as = \"sensor\" }` adds `partition_sensor`, from 0 to 9; absent `as`: the \
             last name of the path. A whole number gives its Euclidean remainder, which is never negative: -3 gives 7. \
             A string gives the number in the first 8 bytes, big endian, of the SHA-256 of its UTF-8, modulo `of`",
        ),
        Key {
            summary: "what to do if a path does not exist; `skip` leaves out the fields that come from it",
            ..Missing::KEY
        },
        Key {
            summary: "what to do with null; `keep` makes the fields that come from it null",
            ..NULL
        },
    ],
    refusals: &[
        "partition.missing",
        "partition.null",
        "partition.type",
        "partition.unparsed",
        "partition.too_precise",
        "partition.leap_second",
        "partition.out_of_range",
        "partition.no_such_time",
        "partition.two_such_times",
        "partition.exists",
        "partition.blocked",
    ],
    undo: "exact: removes the fields; from the image with `missing = \"skip\"`",
    example: (
        r#"op = "partition"
time = "at"
keys = ["year"]
hash = { path = "sensor", of = 10 }"#,
        r#"{"sensor":-3,"at":"2026-03-01T00:05:00+01:00"}"#,
        r#"{"sensor":-3,"at":"2026-03-01T00:05:00+01:00","partition_year":2026,"partition_sensor":7}"#,
    ),
    build: Partition::build,
};
