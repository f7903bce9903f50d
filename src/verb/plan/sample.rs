//! A record as it is and as it would be, field by field.

use std::fmt::{Display, Write as _};

use crate::error::{Error, Result};
use crate::ledger::merged::is_zero;
use crate::path::Path;
use crate::record::{HasName as _, Names, RawField, each_field, elements, masked, parts_of};

/// Maximum number of fields of a record that are shown one by one, unless all are requested.
const FIELDS: usize = 40;
/// Maximum number of characters of a value.
const LETTERS: usize = 200;

/// A record that would be written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// Id in the source.
    pub id: String,
    /// Id in the target.
    pub target_id: String,
    /// Number of further records that are merged with it.
    #[serde(skip_serializing_if = "is_zero")]
    pub others: u64,
    /// Fields: first those that would change, in the order of the source; then new ones. Unless all are requested, at
    /// most forty, and an object or a list of more than eight values that is added or removed counts as one.
    pub fields: Vec<FieldChange>,
    /// Number of further fields that would change.
    pub more: u64,
    /// Number of fields that would stay as they are.
    pub kept: u64,
}

/// A field that would change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// Place, as a JSON Pointer.
    pub pointer: String,
    /// Current JSON text; `None` for none. A long text is cut and ends with `…`, unless all is requested.
    pub before: Option<String>,
    /// Future JSON text; `None` for none. Cut likewise.
    pub after: Option<String>,
}

impl Sample {
    /// Compares both sides, with redacted values masked.
    pub(super) fn new(
        (id, source): (&str, &str),
        (target_id, target): (&str, &str),
        redact: &[Path],
        full: bool,
    ) -> Result<Self> {
        let damaged = |fault: String| Error::Damaged {
            what: format!("a record is not a JSON object: {fault}"),
        };
        let shown = |data| masked(data, redact).map_err(|fault| damaged(fault.to_string()));
        let (source, target) = (shown(source)?.data, shown(target)?.data);
        let mut comparison = Comparison {
            full,
            ..Comparison::default()
        };
        let compared = comparison.objects(&source, &target);
        compared.ok_or_else(|| damaged("it has no fields".to_owned()))?;
        let mut fields = comparison.changed;
        fields.extend(comparison.new);
        let more = comparison.more + fields.len() as u64;
        if !full {
            fields.truncate(FIELDS);
        }
        Ok(Self {
            id: id.to_owned(),
            target_id: target_id.to_owned(),
            others: 0,
            more: more - fields.len() as u64,
            fields,
            kept: comparison.kept,
        })
    }
}

/// A comparison of two documents. Its size depends on what it shows, not on the size of the documents.
#[derive(Default)]
struct Comparison {
    full: bool,
    /// Current place, as a JSON Pointer.
    place: String,
    changed: Vec<FieldChange>,
    new: Vec<FieldChange>,
    more: u64,
    kept: u64,
}

/// The parts of a value as JSON text; an empty object or list is a single value.
enum Made<'t> {
    Object(&'t str),
    List(&'t str),
    Leaf(&'t str),
}

impl<'t> Made<'t> {
    fn from_json(json: &'t str) -> Self {
        match json.as_bytes() {
            [b'{', .., b'}'] if json.len() > 2 => Self::Object(json),
            [b'[', .., b']'] if json.len() > 2 => Self::List(json),
            _ => Self::Leaf(json),
        }
    }
}

/// Returns whether a value has so few leaf values that each of them is shown.
fn is_few(json: &str) -> bool {
    const MOST: usize = 8;
    const DEEPEST: usize = 4;
    /// Counts the leaf values, up to `most`; deeper levels count as many, because each level is read again.
    fn count(json: &str, most: usize, levels: usize) -> usize {
        let parts: Box<dyn Iterator<Item = &str>> = match Made::from_json(json) {
            Made::Leaf(_) => return 1,
            _ if levels == 0 => return most,
            Made::List(list) => elements(list),
            Made::Object(object) => {
                let fields = parts_of(object).unwrap_or_default();
                Box::new(fields.into_iter().map(|field| field.value))
            }
        };
        let mut counted = 0;
        for part in parts {
            counted += count(part, most - counted, levels - 1);
            if counted >= most {
                break;
            }
        }
        counted
    }
    count(json, MOST + 1, DEEPEST) <= MOST
}

impl Comparison {
    /// Runs a closure at a place below the current one.
    fn at(&mut self, step: &dyn Display, what: impl FnOnce(&mut Self)) {
        let above = self.place.len();
        write!(self.place, "/{step}").expect("a text can be written to");
        what(self);
        self.place.truncate(above);
    }

    fn at_field(&mut self, field: &RawField<'_>, what: impl FnOnce(&mut Self)) {
        self.at(&field.name().replace('~', "~0").replace('/', "~1"), what);
    }

    fn values(&mut self, before: &str, after: &str) {
        match (Made::from_json(before), Made::from_json(after)) {
            (Made::Object(before), Made::Object(after)) => drop(self.objects(before, after)),
            (Made::List(before), Made::List(after)) => self.lists(before, after),
            (Made::Leaf(before), Made::Leaf(after)) if before == after => self.kept += 1,
            (Made::Leaf(before), Made::Leaf(after)) => self.change(Some(before), Some(after)),
            _ => {
                self.leaves(before, true);
                self.leaves(after, false);
            }
        }
    }

    fn lists(&mut self, before: &str, after: &str) {
        let (mut before, mut after) = (elements(before), elements(after));
        for at in 0_usize.. {
            let pair = (before.next(), after.next());
            self.at(&at, |inside| match pair {
                (Some(before), Some(after)) => inside.values(before, after),
                (Some(before), None) => inside.leaves(before, true),
                (None, Some(after)) => inside.leaves(after, false),
                (None, None) => {}
            });
            if pair == (None, None) {
                break;
            }
        }
    }

    /// Returns `None` when one of the texts is not an object.
    fn objects(&mut self, before: &str, after: &str) -> Option<()> {
        let after = parts_of(after)?;
        let mut names = Names::from_fields(&after);
        let mut is_new = vec![true; after.len()];
        each_field(before, &mut |field| {
            let found = names.position(&field.name());
            self.at_field(&field, |inside| match found {
                Some(at) => {
                    is_new[at] = false;
                    inside.values(field.value, after[at].value);
                }
                None => inside.leaves(field.value, true),
            });
        })?;
        for (field, _) in after.iter().zip(is_new).filter(|(_, is_new)| *is_new) {
            self.at_field(field, |inside| inside.leaves(field.value, false));
        }
        Some(())
    }

    /// Adds a value that is gone or new: each of its leaf values, or, when they are many and not all are requested, as
    /// one.
    fn leaves(&mut self, value: &str, is_old: bool) {
        if self.full || is_few(value) {
            self.each_leaf(value, is_old);
        } else {
            self.gone_or_new(value, is_old);
        }
    }

    fn each_leaf(&mut self, value: &str, is_old: bool) {
        match Made::from_json(value) {
            Made::Object(object) => {
                let told = each_field(object, &mut |field| {
                    self.at_field(&field, |inside| inside.each_leaf(field.value, is_old));
                });
                debug_assert!(told.is_some(), "a value inside a record is valid JSON");
            }
            Made::List(list) => {
                for (at, element) in elements(list).enumerate() {
                    self.at(&at, |inside| inside.each_leaf(element, is_old));
                }
            }
            Made::Leaf(value) => self.gone_or_new(value, is_old),
        }
    }

    fn gone_or_new(&mut self, value: &str, is_old: bool) {
        if is_old {
            self.change(Some(value), None);
        } else {
            self.change(None, Some(value));
        }
    }

    fn change(&mut self, before: Option<&str>, after: Option<&str>) {
        let side = if before.is_some() {
            &mut self.changed
        } else {
            &mut self.new
        };
        if !self.full && side.len() == FIELDS {
            self.more += 1;
            return;
        }
        let cut = |text: &str| match text.char_indices().nth(LETTERS) {
            Some((at, _)) if !self.full => format!("{}…", &text[..at]),
            _ => text.to_owned(),
        };
        side.push(FieldChange {
            pointer: self.place.clone(),
            before: before.map(cut),
            after: after.map(cut),
        });
    }
}
