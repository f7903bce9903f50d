//! The functions that a program registers with the library.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::checked::{Checked, PathText};
use super::operation::Effect;
use super::survivor::Survivor;
use crate::context::Context;
use crate::contract::{Check, Checks};
use crate::matching::Comparator;
use crate::path::Path;
use crate::record::Document;
use crate::refusal::Refusal;

/// Body of a function: it changes the document, or refuses the record. It must be pure, like every operation.
type Body = dyn Fn(&mut Document, &Context<'_>) -> Result<Effect, Refusal> + Send + Sync;

/// A Rust function as an operation. Its name and version represent its work in the stage's meaning: when the function
/// changes, the version must be raised.
///
/// ```toml
/// op = "rust"
/// function = "count_items"
/// version = 1
/// ```
/// Turns `{"items":[1,2]}` into `{"items":[1,2],"count":2}`.
#[derive(Clone)]
pub struct FunctionOperation {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) body: Arc<Body>,
    /// `None` if it does not declare them.
    pub(crate) reads: Option<Checked<Vec<Path>>>,
    pub(crate) writes: Option<Checked<Vec<Path>>>,
}

impl FunctionOperation {
    /// Creates an operation from a function with a name and a version, which begins at 1.
    #[must_use]
    pub fn new(
        name: &str,
        version: u32,
        body: impl Fn(&mut Document, &Context<'_>) -> Result<Effect, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            version,
            body: Arc::new(body),
            reads: None,
            writes: None,
        }
    }

    /// Declares what it reads, for plans, checks and lineage: what it writes and decides may depend only on these
    /// paths.
    #[must_use]
    pub fn reads<P: Into<PathText>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.reads = Some(read_all(paths));
        self
    }

    /// Declares what it writes or removes, for plans, checks and lineage: it may change nothing else. Without this, or
    /// without [`reads`](Self::reads), everything after it is reported to depend on the record as a whole.
    #[must_use]
    pub fn writes<P: Into<PathText>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.writes = Some(read_all(paths));
        self
    }
}

fn read_all<P: Into<PathText>>(paths: impl IntoIterator<Item = P>) -> Checked<Vec<Path>> {
    Checked::new(|| paths.into_iter().map(|path| path.into().read()).collect())
}

impl fmt::Debug for FunctionOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({} {})", self.name, self.version)
    }
}

/// The functions that stage files may call with `op = "rust"`, by name and version.
///
/// It also holds the checks that contracts may name with `x-check`, and what `[merge]` may name with `rust`: comparisons of
/// fields, and choices among the values of members.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    by_name: Arc<BTreeMap<(String, u32), FunctionOperation>>,
    checks: Checks,
    comparators: Arc<BTreeMap<(String, u32), Arc<dyn Comparator>>>,
    survivors: Arc<BTreeMap<(String, u32), Arc<dyn Survivor>>>,
}

impl Functions {
    /// Creates an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a function. Returns the one that had this name and version before, which it replaces.
    pub fn register(&mut self, function: FunctionOperation) -> Option<FunctionOperation> {
        Arc::make_mut(&mut self.by_name).insert((function.name.clone(), function.version), function)
    }

    /// Returns the function with a name and version.
    #[must_use]
    pub fn get(&self, name: &str, version: u32) -> Option<&FunctionOperation> {
        self.by_name.get(&(name.to_owned(), version))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FunctionOperation> {
        self.by_name.values()
    }

    /// Registers a comparison that the fields of `[merge]` may name with `compare = "rust"`. Returns the one that had this
    /// name and version before, which it replaces.
    pub fn register_comparator(&mut self, comparator: Arc<dyn Comparator>) -> Option<Arc<dyn Comparator>> {
        let key = (comparator.name().to_owned(), comparator.version());
        Arc::make_mut(&mut self.comparators).insert(key, comparator)
    }

    /// Returns the comparison with a name and version.
    #[must_use]
    pub fn comparator(&self, name: &str, version: u32) -> Option<Arc<dyn Comparator>> {
        self.comparators.get(&(name.to_owned(), version)).cloned()
    }

    /// Returns the names of the comparisons.
    pub(crate) fn comparators(&self) -> impl Iterator<Item = &str> {
        self.comparators.keys().map(|(name, _)| name.as_str())
    }

    /// Registers a choice among values that the rules of `[merge.survive]` may name with `by = "rust"`. Returns the one that
    /// had this name and version before, which it replaces.
    pub fn register_survivor(&mut self, survivor: Arc<dyn Survivor>) -> Option<Arc<dyn Survivor>> {
        let key = (survivor.name().to_owned(), survivor.version());
        Arc::make_mut(&mut self.survivors).insert(key, survivor)
    }

    /// Returns the choice with a name and version.
    #[must_use]
    pub fn survivor(&self, name: &str, version: u32) -> Option<Arc<dyn Survivor>> {
        self.survivors.get(&(name.to_owned(), version)).cloned()
    }

    /// Returns the names of the choices.
    pub(crate) fn survivors(&self) -> impl Iterator<Item = &str> {
        self.survivors.keys().map(|(name, _)| name.as_str())
    }

    /// Registers a check of values. Returns the one that had this name before, which it replaces.
    pub fn register_check(&mut self, check: Check) -> Option<Check> {
        self.checks.register(check)
    }

    /// Returns the checks.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.checks
    }
}
