//! What expressions see, and what is recorded, while a stage processes one record.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::datum::Datum;
use super::fault::Fault;
use crate::context::Context;
use crate::digest::Salt;
use crate::record::Places;
use crate::refusal::{Part, Violation};

/// What expressions see while a stage processes one record. Cheap to create.
pub struct Scope<'a> {
    pub(super) context: Context<'a>,
    pub(super) prepared: Prepared,
    pub(super) places: Places,
    warnings: Vec<Cow<'static, str>>,
    broken: Vec<Violation>,
    /// Current element of `each`, as a JSON Pointer: the pointers of its operations begin there.
    element: String,
    /// Ids of the parts of a derived record, if requested.
    part_ids: Option<Vec<(i64, String)>>,
}

impl<'a> Scope<'a> {
    /// Creates a scope for one record, with nothing prepared.
    #[must_use]
    pub fn new(context: Context<'a>) -> Self {
        Self {
            context,
            prepared: Prepared::default(),
            places: Places::default(),
            warnings: Vec::new(),
            broken: Vec::new(),
            element: String::new(),
            part_ids: None,
        }
    }

    /// Records from now on the ids of the parts of a derived record, refused or not.
    pub(crate) fn note_parts(&mut self) {
        self.part_ids = Some(Vec::new());
    }

    /// Whether ids of parts are noted.
    pub(crate) fn notes_parts(&self) -> bool {
        self.part_ids.is_some()
    }

    /// Notes the id of a part.
    pub(crate) fn note_part(&mut self, number: i64, id: &str) {
        if let Some(ids) = &mut self.part_ids {
            ids.push((number, id.to_owned()));
        }
    }

    /// The id that a part was given, as far as it is noted.
    pub(crate) fn part_id(&self, number: i64) -> Option<&str> {
        let ids = self.part_ids.as_ref()?;
        ids.iter()
            .find(|(part, _)| *part == number)
            .map(|(_, id)| id.as_str())
    }

    /// Continues with a part of a derived record, which has its own salt.
    pub(crate) fn turn_to_part(&mut self, salt: Option<Salt>) {
        self.context.salt = salt;
    }

    /// Runs a closure for an element of a list, where pointers then begin.
    pub(crate) fn within<T>(&mut self, element: &str, what: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.element.len();
        self.element.push_str(element);
        let done = what(self);
        self.element.truncate(before);
        done
    }

    /// Returns a place of the document counted from the record: below the current element.
    pub(crate) fn place(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.element)
    }

    /// Records a warning about the record, to be counted: a stable code, never a value.
    pub fn warn(&mut self, code: impl Into<Cow<'static, str>>) {
        self.warnings.push(code.into());
    }

    /// Returns the codes recorded so far, in order.
    #[must_use]
    pub fn warnings(&self) -> &[Cow<'static, str>] {
        &self.warnings
    }

    /// Records that the record breaks a contract that only warns.
    pub fn warn_of(&mut self, violation: Violation) {
        self.warn(violation.code.clone());
        self.broken.push(violation);
    }

    /// Marks the violations recorded since `from` with the part of a derived record that they concern.
    pub(crate) fn broken_by(&mut self, from: usize, part: &Part) {
        for violation in self.broken.iter_mut().skip(from) {
            *violation = violation.clone().of_part(part);
        }
    }

    /// Returns the violations of contracts that only warn, in order.
    #[must_use]
    pub fn broken(&self) -> &[Violation] {
        &self.broken
    }

    /// Returns the context of the record.
    #[must_use]
    pub fn context(&self) -> &Context<'a> {
        &self.context
    }
}

impl fmt::Debug for Scope<'_> {
    /// Shows the names that are prepared, never their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.prepared.values.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

/// The names that `prepare` gave values.
#[derive(Default)]
pub(super) struct Prepared {
    values: Vec<(Arc<str>, Datum)>,
}

impl Prepared {
    pub(super) fn get(&self, name: &str) -> Result<Datum, Fault> {
        let found = self.values.iter().find(|(known, _)| **known == *name);
        let missing = || Fault::new("expression.unprepared", "the stage's `prepare` to run first");
        found.map(|(_, value)| value.clone()).ok_or_else(missing)
    }

    pub(super) fn set(&mut self, name: &Arc<str>, value: Datum) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value,
            None => self.values.push((Arc::clone(name), value)),
        }
    }
}
