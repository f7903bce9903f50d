//! Checks that a program brings along: what neither JSON Schema nor an expression can say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::record::Value;

/// A check of one value, under a name: `x-check = ["iban"]` in a schema, [`custom`](super::SchemaBuilder::custom) in the
/// builder. In a contract's text, and in the meaning of a stage, it is its name: give it a new one whenever it judges
/// otherwise.
#[derive(Clone)]
pub struct Check {
    name: Arc<str>,
    expected: Arc<str>,
    passes: Arc<dyn Fn(&Value) -> bool + Send + Sync>,
}

impl Check {
    /// A check: its name, what it expects in words (they stand in the reason of a refusal), and whether a value
    /// passes. It must be pure: the same value always gets the same answer.
    pub fn new(
        name: impl Into<Arc<str>>,
        expected: impl Into<Arc<str>>,
        passes: impl Fn(&Value) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            expected: expected.into(),
            passes: Arc::new(passes),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it expects, in words.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Whether a value passes.
    #[must_use]
    pub fn passes(&self, value: &Value) -> bool {
        (self.passes)(value)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

/// The checks that schemas may name.
#[derive(Clone, Debug, Default)]
pub struct Checks(Arc<BTreeMap<Arc<str>, Check>>);

impl Checks {
    /// No check.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check. Returns the one that had this name, which is known no more.
    pub fn register(&mut self, check: Check) -> Option<Check> {
        Arc::make_mut(&mut self.0).insert(Arc::clone(&check.name), check)
    }

    /// The check of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Check> {
        self.0.get(name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }
}
