//! Statistics of one field, and of the fields below it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::report::FieldProfile;
use super::report::FrequentValue;
use crate::contract::{Exact, key_text};
use crate::datetime::Moment;
use crate::digest::{Hash, sha256};
use crate::path::Segment;
use crate::record::{Document, Kind, NumberText, RecordNumber, Value};

/// Maximum number of names of an object, over all records. An object with more is a map: its values are counted
/// together, in any order.
const MOST_NAMES: usize = 300;
/// Represents its names.
const ANY_NAME: &str = crate::record::ANY_NAME;
/// Maximum number of distinct values for them to be shown.
const FEW: usize = 12;
/// Maximum length of a shown value.
const SHORT: usize = 40;

/// A field and the fields below it.
#[derive(Debug, Default)]
pub(super) struct FieldTree {
    field: ProfiledField,
    /// Fields of objects, with their position in the order of first appearance.
    names: HashMap<String, (usize, FieldTree)>,
    /// The values of an object with very many names.
    others: Option<Box<FieldTree>>,
    /// Elements of lists.
    elements: Option<Box<FieldTree>>,
}

#[derive(Debug, Default)]
pub(super) struct ProfiledField {
    values: u64,
    /// Number of records that have the field.
    records: u64,
    newest: Option<RecordNumber>,
    nulls: u64,
    empty: u64,
    kinds: BTreeMap<&'static str, u64>,
    forms: BTreeMap<&'static str, u64>,
    /// 64-bit hashes of the values: the probability that two of a million values collide is about one in forty million.
    distinct: HashSet<u64>,
    /// Lower bound of the number of distinct values, when they were too many to keep.
    bound: Option<u64>,
    numbers: Option<[String; 2]>,
    /// Only as much of each text as is shown.
    texts: Option<[String; 2]>,
    lengths: Option<[u64; 2]>,
    /// Every value, as long as they are few.
    frequent: HashMap<String, u64>,
    has_many: bool,
}

impl FieldTree {
    /// Adds a record.
    pub(super) fn record(&mut self, number: RecordNumber, document: &Document) {
        self.object(number, document);
    }

    fn object(&mut self, record: RecordNumber, object: &Document) {
        for field in object.fields() {
            self.below(&field.name()).value(record, &field.value);
        }
    }

    fn below(&mut self, name: &str) -> &mut Self {
        let next = self.names.len();
        if self.others.is_none() && next >= MOST_NAMES && !self.names.contains_key(name) {
            let mut all = Box::<Self>::default();
            let mut names: Vec<_> = std::mem::take(&mut self.names).into_values().collect();
            names.sort_unstable_by_key(|(place, _)| *place);
            for (_, node) in names {
                all.merge(node);
            }
            self.others = Some(all);
        }
        if self.others.is_some() {
            return self.others.get_or_insert_default();
        }
        &mut self
            .names
            .entry(name.to_owned())
            .or_insert_with(|| (next, Self::default()))
            .1
    }

    fn value(&mut self, record: RecordNumber, value: &Value) {
        self.field.add(record, value);
        if let Some(object) = value.as_object() {
            self.object(record, &object);
            return;
        }
        let mut tell = |element: &Value| self.elements.get_or_insert_default().value(record, element);
        if let Some(length) = value.each_element(&mut tell) {
            self.field.length(length);
        }
    }

    /// Adds the statistics of later records.
    pub(super) fn merge(&mut self, later: Self) {
        self.field.merge(later.field);
        let mut names: Vec<_> = later.names.into_iter().collect();
        names.sort_unstable_by_key(|(_, (place, _))| *place);
        for (name, (_, node)) in names {
            self.below(&name).merge(node);
        }
        if let Some(others) = later.others {
            // A map in either part is one in both.
            let names = std::mem::take(&mut self.names);
            let all = self.others.get_or_insert_default();
            let mut names: Vec<_> = names.into_values().collect();
            names.sort_unstable_by_key(|(place, _)| *place);
            for (_, node) in names {
                all.merge(node);
            }
            all.merge(*others);
        }
        if let Some(elements) = later.elements {
            self.elements.get_or_insert_default().merge(*elements);
        }
    }

    /// Shows every field below this one, in the order of first appearance.
    pub(super) fn each(self, show: &mut dyn FnMut(&[Segment], &ProfiledField)) {
        self.each_below(&mut Vec::new(), show);
    }

    fn each_below(self, path: &mut Vec<Segment>, show: &mut dyn FnMut(&[Segment], &ProfiledField)) {
        let mut below: Vec<_> = self
            .names
            .into_iter()
            .map(|(name, (place, node))| (place, Segment::Key(name), node))
            .collect();
        below.sort_unstable_by_key(|(place, ..)| *place);
        below.extend(
            self.others
                .map(|others| (MOST_NAMES, Segment::Key(ANY_NAME.to_owned()), *others)),
        );
        below.extend(self.elements.map(|elements| (0, Segment::Each, *elements)));
        for (_, segment, mut node) in below {
            path.push(segment);
            let field = std::mem::take(&mut node.field);
            show(path, &field);
            node.each_below(path, show);
            path.pop();
        }
    }

    /// Stops distinguishing the values of the fields with the most of them, until at most `most` are left.
    pub(super) fn bound_distinct(&mut self, most: usize) {
        while self.kept() > most {
            let largest = self.largest();
            self.forget(largest);
        }
    }

    fn children(&mut self) -> impl Iterator<Item = &mut Self> {
        let named = self.names.values_mut().map(|(_, node)| node);
        named
            .chain(self.others.as_deref_mut())
            .chain(self.elements.as_deref_mut())
    }

    fn kept(&mut self) -> usize {
        self.field.distinct.len() + self.children().map(Self::kept).sum::<usize>()
    }

    fn largest(&mut self) -> usize {
        let below = self.children().map(Self::largest).max().unwrap_or(0);
        self.field.distinct.len().max(below)
    }

    fn forget(&mut self, size: usize) {
        if self.field.distinct.len() >= size {
            self.field.bound = Some(size as u64);
            self.field.distinct = HashSet::new();
        }
        self.children().for_each(|node| node.forget(size));
    }
}

impl ProfiledField {
    fn add(&mut self, record: RecordNumber, value: &Value) {
        self.values += 1;
        if self.newest != Some(record) {
            self.newest = Some(record);
            self.records += 1;
        }
        let kind = match value.kind() {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Number => {
                let number = value.as_number().unwrap_or("0");
                let exact = Exact::from_text(number);
                widen(&mut self.numbers, number, exact_order);
                if exact.is_whole() { "integer" } else { "number" }
            }
            Kind::Text => {
                let text = value.as_text().unwrap_or_default();
                self.text(&text);
                self.count_distinct(value, || sha256(&[b"\"", text.as_bytes()]));
                "text"
            }
            // The length of a list is counted with its elements.
            Kind::List => "list",
            Kind::Object => {
                self.empty += u64::from(value.as_object().is_some_and(|object| object.is_empty()));
                "object"
            }
        };
        *self.kinds.entry(kind).or_default() += 1;
        match value.kind() {
            Kind::Null => self.nulls += 1,
            Kind::Text | Kind::List | Kind::Object => {}
            _ => self.count_distinct(value, || sha256(&[key_text(value).as_bytes()])),
        }
    }

    fn text(&mut self, text: &str) {
        self.length(text.chars().count());
        widen(&mut self.texts, beginning(text), str::cmp);
        let moment = Moment::iso(text).ok();
        let forms: [(&'static str, bool); 4] = [
            ("date", matches!(moment, Some(Moment::Day(_)))),
            ("date_time", matches!(moment, Some(Moment::Instant(_)))),
            ("decimal", NumberText::PLAIN.read(text).is_ok()),
            ("uuid", text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()),
        ];
        for (form, _) in forms.into_iter().filter(|(_, is)| *is) {
            *self.forms.entry(form).or_default() += 1;
        }
    }

    fn length(&mut self, length: usize) {
        self.empty += u64::from(length == 0);
        let length = length as u64;
        let [least, most] = self.lengths.get_or_insert([length, length]);
        (*least, *most) = ((*least).min(length), (*most).max(length));
    }

    fn count_distinct(&mut self, value: &Value, hash: impl FnOnce() -> Hash) {
        if self.bound.is_none() {
            let hash = hash();
            let part = hash.first_chunk().expect("a hash has 32 bytes");
            self.distinct.insert(u64::from_be_bytes(*part));
        }
        let is_short = match value {
            Value::Raw(json) => json.len() <= SHORT,
            _ => false,
        };
        if !self.has_many && is_short {
            *self.frequent.entry(value.to_json()).or_default() += 1;
            self.has_many = self.frequent.len() > FEW;
        } else {
            self.has_many = true;
        }
        if self.has_many {
            self.frequent.clear();
        }
    }

    fn merge(&mut self, later: Self) {
        self.values += later.values;
        self.records += later.records;
        self.nulls += later.nulls;
        self.empty += later.empty;
        for (kind, count) in later.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        for (form, count) in later.forms {
            *self.forms.entry(form).or_default() += count;
        }
        if self.bound.is_none() {
            self.distinct.extend(later.distinct);
        }
        for number in later.numbers.into_iter().flatten() {
            widen(&mut self.numbers, &number, exact_order);
        }
        for text in later.texts.into_iter().flatten() {
            widen(&mut self.texts, &text, str::cmp);
        }
        if let Some([least, most]) = later.lengths {
            let known = self.lengths.get_or_insert([least, most]);
            *known = [known[0].min(least), known[1].max(most)];
        }
        for (value, count) in later.frequent {
            *self.frequent.entry(value).or_default() += count;
        }
        self.has_many |= later.has_many || self.frequent.len() > FEW;
        if self.has_many {
            self.frequent.clear();
        }
    }

    /// Returns whether the field holds a scalar value, which blocks a longer path.
    pub(super) fn has_scalars(&self) -> bool {
        let mut kinds = self.kinds.keys();
        kinds.any(|kind| !["list", "object", "null"].contains(kind))
    }

    /// Returns the profile of the field.
    pub(super) fn profile(&self, path: String, records: u64, redacted: bool) -> FieldProfile {
        let shown = |range: &Option<[String; 2]>| range.clone().filter(|_| !redacted);
        let values = self.frequent.iter().filter(|_| !redacted);
        let mut frequent: Vec<FrequentValue> = values
            .map(|(value, count)| FrequentValue {
                value: value.clone(),
                count: *count,
            })
            .collect();
        frequent.sort_unstable_by(|left, right| (right.count, &left.value).cmp(&(left.count, &right.value)));
        FieldProfile {
            path,
            values: self.values,
            missing: records.saturating_sub(self.records),
            nulls: self.nulls,
            empty: self.empty,
            kinds: self.kinds.clone(),
            forms: self.forms.clone(),
            distinct: self.bound.unwrap_or(self.distinct.len() as u64),
            distinct_is_bound: self.bound.is_some(),
            numbers: shown(&self.numbers),
            texts: shown(&self.texts).map(|texts| texts.map(|text| cut(&text))),
            lengths: self.lengths,
            frequent,
            redacted,
        }
    }
}

/// Widens a range.
fn widen(range: &mut Option<[String; 2]>, value: &str, order: impl Fn(&str, &str) -> std::cmp::Ordering) {
    let Some([least, most]) = range else {
        *range = Some([value.to_owned(), value.to_owned()]);
        return;
    };
    if order(value, least).is_lt() {
        value.clone_into(least);
    }
    if order(value, most).is_gt() {
        value.clone_into(most);
    }
}

fn exact_order(left: &str, right: &str) -> std::cmp::Ordering {
    Exact::from_text(left).cmp(&Exact::from_text(right))
}

/// Returns as much of a text as is shown, and as its order depends on to that length.
fn beginning(text: &str) -> &str {
    match text.char_indices().nth(SHORT + 1) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// Cuts a text to its beginning.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
