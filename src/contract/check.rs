//! Checks that a program provides, for what neither JSON Schema nor an expression can express.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::record::Value;

/// A named check of one value: `x-check = ["iban"]` in a schema, [`custom`](super::SchemaBuilder::custom) in the
/// builder. In a contract's text, and in the meaning of a stage, only the name identifies it: rename it whenever its
/// results change.
#[derive(Clone)]
pub struct Check {
    name: Arc<str>,
    expected: Arc<str>,
    passes: Arc<dyn Fn(&Value) -> bool + Send + Sync>,
}

impl Check {
    /// Creates a check: its name, what it expects in words (they appear in the reason of a refusal), and a function
    /// that returns whether a value passes. The function must be pure: the same value always gets the same answer.
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

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it expects, in words.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns whether a value passes.
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
    /// Creates a set without checks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check. Returns the previous check with this name, which it replaces.
    pub fn register(&mut self, check: Check) -> Option<Check> {
        Arc::make_mut(&mut self.0).insert(Arc::clone(&check.name), check)
    }

    /// Returns the check with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Check> {
        self.0.get(name)
    }

    /// Returns the names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }
}
