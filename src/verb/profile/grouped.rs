//! A profile by the values of a field: how many records each has and, where the records are windows, what they say of it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::report::{GroupProfile, ProfileOptions};
use crate::aggregate::Windows;
use crate::error::{Error, Result};
use crate::path::Path;
use crate::record::{MaskRelation, Record, Value};

/// Maximum number of values of the field.
const MOST_GROUPS: usize = 1_000_000;

/// The groups so far, by the JSON text of the field's value.
pub(super) struct Groups<'g> {
    by: &'g Path,
    options: &'g ProfileOptions<'g>,
    found: HashMap<String, GroupProfile>,
    has_field: bool,
}

impl<'g> Groups<'g> {
    /// Begins; `None` if no groups are wanted.
    pub(super) fn new(options: &'g ProfileOptions<'g>) -> Option<Self> {
        let by = options.by.as_ref()?;
        Some(Self {
            by,
            options,
            found: HashMap::new(),
            has_field: false,
        })
    }

    /// Adds a record.
    pub(super) fn add(&mut self, record: &Record) -> Result<()> {
        let Ok(document) = record.document() else {
            return Ok(());
        };
        let value = document.at(self.by);
        self.has_field |= value.is_some();
        let value = value.map_or_else(Value::null, Cow::into_owned);
        let key = value.to_json();
        if !self.found.contains_key(&key) && self.found.len() >= MOST_GROUPS {
            return Err(Error::invalid(
                format!("`{}` has more than {MOST_GROUPS} values", self.by),
                "group by a field with fewer values",
            ));
        }
        let group = self.found.entry(key).or_default();
        group.records += 1;
        let Some(aggregate) = self.options.aggregate else {
            return Ok(());
        };
        let Some(window) = aggregate.window_in(&record.data) else {
            return Ok(());
        };
        group.readings += window.measured.rows;
        group.empty += u64::from(window.measured.rows == 0);
        group.anomalies += u64::from(aggregate.marks(&record.data));
        if aggregate.windows().is_some() {
            let start = Windows::utc(window.measured.start);
            let first = group.first.take().filter(|first| *first <= start);
            let last = group.last.take().filter(|last| *last >= start);
            group.first = first.or_else(|| Some(start.clone()));
            group.last = last.or(Some(start));
        }
        Ok(())
    }

    /// Returns whether a record has the field.
    pub(super) fn has_field(&self) -> bool {
        self.has_field
    }

    /// Returns them: those with most anomalies first, then those with most records.
    pub(super) fn finish(self) -> Vec<GroupProfile> {
        let segments = self.by.segments();
        let is_hidden = self
            .options
            .redact
            .iter()
            .any(|redact| !matches!(MaskRelation::new(redact, segments), MaskRelation::Apart));
        let groups = self.found.into_iter();
        let mut groups: Vec<GroupProfile> = groups
            .map(|(value, group)| GroupProfile {
                value: (!is_hidden).then_some(value),
                ..group
            })
            .collect();
        groups.sort_by(|a, b| {
            let order = (b.anomalies, b.records).cmp(&(a.anomalies, a.records));
            order
                .then_with(|| a.value.cmp(&b.value))
                .then_with(|| a.first.cmp(&b.first))
        });
        groups
    }
}
