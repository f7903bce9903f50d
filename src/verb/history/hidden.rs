//! Databases whose ids must not be shown, because they are derived from redacted values. Every screen checks here.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::ledger::revisions;
use crate::lineage::SourceField;
use crate::path::{Path, Segment};
use crate::record::MaskRelation;
use crate::stage::{Stage, TargetField};
use crate::store::Store;

/// Databases whose ids are, or may be, derived from redacted values. Their origin is followed through the current
/// stages and all that were ever applied, from one database to the next. A stage whose work is unknown counts as one
/// that may do so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HiddenIds {
    /// Whether the field `id`, with which records are loaded, is redacted.
    all: bool,
    databases: BTreeSet<String>,
    /// Databases to which records of these were copied, whatever their ids there.
    beyond: BTreeSet<String>,
}

/// How the ids of a target derive from those of a source.
struct Route {
    source: String,
    target: String,
    /// Whether they are derived from redacted values.
    makes: bool,
    /// Whether they show the ids of the source.
    passes_on: bool,
}

impl HiddenIds {
    /// Finds the databases of a store whose ids must not be shown, given the current stages with what they redact, and
    /// what else is redacted.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn new<'s>(
        store: &Store,
        stages: impl IntoIterator<Item = &'s Stage>,
        redact: &[Path],
    ) -> Result<Self> {
        let stages: Vec<&Stage> = stages.into_iter().collect();
        let mut redact = redact.to_vec();
        redact.extend(stages.iter().flat_map(|stage| stage.redact().iter().cloned()));
        if redact.is_empty() {
            return Ok(Self::default());
        }
        let own = Path::field("id");
        if redact
            .iter()
            .any(|path| MaskRelation::new(path, own.segments()).may_hide())
        {
            return Ok(Self {
                all: true,
                ..Self::default()
            });
        }
        let redact: Vec<SourceField> = redact
            .iter()
            .map(of_every_element)
            .map(SourceField::Field)
            .collect();
        let mut routes: Vec<Route> = stages.iter().map(|stage| Route::new(stage, &redact)).collect();
        routes.extend(applied(store, &stages, &redact)?);
        let made = routes.iter().filter(|route| route.makes);
        let made: BTreeSet<String> = made.map(|route| route.target.clone()).collect();
        let databases = processed(made, &routes, |route| route.passes_on);
        Ok(Self {
            all: false,
            beyond: processed(databases.clone(), &routes, |_| true),
            databases,
        })
    }

    /// Returns whether the ids of a database must not be shown.
    #[must_use]
    pub fn hides(&self, database: &str) -> bool {
        self.all || self.databases.contains(database)
    }

    /// Returns whether the ids with which the records of a database began, there or in a database that they came
    /// through, must not be shown.
    #[must_use]
    pub fn hides_first(&self, database: &str) -> bool {
        self.all || self.beyond.contains(database)
    }
}

/// Returns these databases and those that routes of a kind reach from them.
fn processed(
    mut from: BTreeSet<String>,
    routes: &[Route],
    along: impl Fn(&Route) -> bool,
) -> BTreeSet<String> {
    loop {
        let before = from.len();
        for route in routes.iter().filter(|route| along(route)) {
            if from.contains(&route.source) {
                from.insert(route.target.clone());
            }
        }
        if from.len() == before {
            return from;
        }
    }
}

impl Route {
    fn new(stage: &Stage, redact: &[SourceField]) -> Self {
        let lineage = stage.lineage();
        let sources = lineage.fields.get(&TargetField::Id).into_iter().flatten();
        let seen: Vec<&SourceField> = sources
            .filter(|source| !source.masked)
            .map(|source| &source.origin)
            .collect();
        let meets = |origin: &&SourceField| redact.iter().any(|redacted| origin.meets(redacted));
        Self {
            source: stage.source().to_owned(),
            target: stage.target().to_owned(),
            makes: seen.iter().copied().any(|origin| meets(&origin)),
            passes_on: seen.contains(&&SourceField::Id),
        }
    }
}

/// Returns the routes of the applied stages, except the current ones.
fn applied(store: &Store, at_hand: &[&Stage], redact: &[SourceField]) -> Result<Vec<Route>> {
    let connection = store.connection();
    let mut routes = Vec::new();
    for of in revisions::all(connection)? {
        if at_hand
            .iter()
            .any(|stage| stage.number() == of.number && stage.does_as(&of.meaning))
        {
            continue;
        }
        if let Some(stage) = Stage::as_applied(of.number, &of.slug, &of.source_text, &of.meaning) {
            routes.push(Route::new(&stage, redact));
            continue;
        }
        let ends = revisions::ends_of(connection, of.row)?;
        routes.extend(ends.map(|ends| Route {
            source: ends.source,
            target: ends.target,
            makes: true,
            passes_on: true,
        }));
    }
    Ok(routes)
}

/// Converts a path to the form that lineages use: one element of a list represents all of them.
fn of_every_element(path: &Path) -> Path {
    let segments = path.segments().iter().map(|segment| match segment {
        Segment::Index(_) => Segment::Each,
        Segment::Key(key) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => {
            Segment::Each
        }
        other => other.clone(),
    });
    Path::from_segments(segments.collect())
}
