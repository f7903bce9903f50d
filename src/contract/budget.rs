//! How much work a schema makes of a record: bounded before the validator begins, which is not to be interrupted.
//!
//! Schemas refer to each other, and a schema that refers to another twice for the same value doubles the work; twenty such
//! steps, or a recursive schema and a record of depth twenty, are a million times as much. What is counted here is how
//! often the validator would look at a value by a schema at most. Each pair of the two is counted once and remembered, so
//! that the count itself takes no longer than a schema that does not double.

use std::collections::HashMap;

use serde_json::Value as Parsed;

use super::tree::Tree;
use super::vocabulary::{step, subschemas};

/// So many looks are always allowed: some fifty milliseconds.
const STEPS: u64 = 1_000_000;
/// And so many for every pair of a value and a schema that is looked at: a large record has many.
const STEPS_PER_PAIR: u64 = 16;
/// The deepest chain of schemas and values: what the stack of a thread holds in any build.
const DEPTH: u32 = 1_000;
/// Of a schema of more parts it is not asked whether it doubles, only whether a record does with it.
const LARGE: usize = 4_000;
/// A schema that unfolds to no more than this does not need to be counted, record by record.
const SMALL: u64 = 10_000;

/// Which values below a value a schema is applied to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Below {
    /// That of one name.
    Named(String),
    /// Those of any name.
    Any,
    /// The parts of a list.
    Parts,
}

/// A schema, by what it applies.
#[derive(Clone, Debug, Default)]
struct Applied {
    /// To the same value.
    here: Vec<usize>,
    below: Vec<(Below, usize)>,
}

/// The schemas of a whole, and who applies whom.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    schemas: Vec<Applied>,
    /// Whether records have to be counted.
    counts: bool,
    /// What there is to say about the schema.
    remark: Option<Remark>,
}

/// Why a schema can make too much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// It refers to itself without going down into a value: it would never end.
    Endless,
    /// It refers to itself more than once for the same value, so that every level of a record doubles the work.
    Doubles,
    /// Unfolded it is more than a million schemas.
    Unfolds,
}

/// A record would take more steps than are allowed, or go deeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

impl Budget {
    /// Looks at a schema that is valid.
    pub(super) fn of(schema: &Parsed) -> Self {
        let mut reading = Reading {
            whole: schema,
            schemas: Vec::new(),
            places: HashMap::new(),
            waiting: Vec::new(),
            anchors: HashMap::new(),
            ids: vec![(String::new(), String::new())],
        };
        reading.find_names(schema, "");
        reading.schema("");
        while let Some(place) = reading.waiting.pop() {
            reading.read(&place);
        }
        let schemas = reading.schemas;
        let mut unfolding = Unfolding::new(&schemas);
        let unfolded = unfolding.steps(0);
        let remark = if unfolding.is_endless {
            Some(Remark::Endless)
        } else if unfolding.recurs && schemas.len() <= LARGE && doubles(&schemas) {
            Some(Remark::Doubles)
        } else if unfolded > STEPS {
            Some(Remark::Unfolds)
        } else {
            None
        };
        Self {
            counts: remark.is_some() || unfolded > SMALL || unfolding.recurs || unfolding.deepest > 8,
            schemas,
            remark,
        }
    }

    /// What there is to say about the schema itself.
    pub(super) fn remark(&self) -> Option<Remark> {
        self.remark
    }

    /// Whether a record keeps within the budget.
    pub(super) fn allows(&self, record: &Tree<'_>) -> Result<(), Exceeded> {
        if !self.counts {
            return Ok(());
        }
        let mut counting = Counting {
            schemas: &self.schemas,
            known: HashMap::new(),
            pairs: 0,
        };
        let steps = counting.steps(0, record, DEPTH)?;
        let pairs = counting.pairs;
        if steps <= STEPS.max(pairs.saturating_mul(STEPS_PER_PAIR)) {
            Ok(())
        } else {
            Err(Exceeded)
        }
    }
}

/// The schemas as they are found.
struct Reading<'s> {
    whole: &'s Parsed,
    schemas: Vec<Applied>,
    /// The number of the schema at each place, a JSON Pointer.
    places: HashMap<String, usize>,
    waiting: Vec<String>,
    /// The places of `$anchor` and `$dynamicAnchor`.
    anchors: HashMap<String, Vec<String>>,
    /// The places of `$id`, each with its text; the whole is the first.
    ids: Vec<(String, String)>,
}

impl Reading<'_> {
    fn find_names(&mut self, schema: &Parsed, at: &str) {
        let Parsed::Object(keywords) = schema else { return };
        if let Some(id) = keywords.get("$id").and_then(Parsed::as_str) {
            self.ids
                .push((at.to_owned(), id.trim_end_matches('#').to_owned()));
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            if let Some(name) = keywords.get(keyword).and_then(Parsed::as_str) {
                self.anchors
                    .entry(name.to_owned())
                    .or_default()
                    .push(at.to_owned());
            }
        }
        for (keyword, value) in keywords {
            for (below, schema) in subschemas(keyword, value) {
                self.find_names(schema, &format!("{at}{}{below}", step(keyword)));
            }
        }
    }

    /// The number of the schema at a place.
    fn schema(&mut self, place: &str) -> usize {
        if let Some(number) = self.places.get(place) {
            return *number;
        }
        let number = self.schemas.len();
        self.schemas.push(Applied::default());
        self.places.insert(place.to_owned(), number);
        self.waiting.push(place.to_owned());
        number
    }

    fn read(&mut self, place: &str) {
        let number = self.schema(place);
        let Some(Parsed::Object(keywords)) = self.whole.pointer(place) else {
            return;
        };
        let mut applied = Applied::default();
        for (keyword, value) in keywords {
            if let ("$ref" | "$dynamicRef", Some(reference)) = (keyword.as_str(), value.as_str()) {
                for place in self.referred(place, reference) {
                    applied.here.push(self.schema(&place));
                }
            }
            for (below, _) in subschemas(keyword, value) {
                let inner = self.schema(&format!("{place}{}{below}", step(keyword)));
                match keyword.as_str() {
                    "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" | "dependentSchemas" => {
                        applied.here.push(inner);
                    }
                    "properties" => {
                        let name = below
                            .trim_start_matches('/')
                            .replace("~1", "/")
                            .replace("~0", "~");
                        applied.below.push((Below::Named(name), inner));
                    }
                    "patternProperties"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "propertyNames" => {
                        applied.below.push((Below::Any, inner));
                    }
                    "items" | "prefixItems" | "contains" | "unevaluatedItems" => {
                        applied.below.push((Below::Parts, inner));
                    }
                    // Definitions, and what is only described.
                    _ => {}
                }
            }
        }
        self.schemas[number] = applied;
    }

    /// The places that a reference at a place may mean; none where it leads out of the whole, which the validator refuses.
    fn referred(&self, at: &str, reference: &str) -> Vec<String> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return self.anchors.get(&*fragment).cloned().unwrap_or_default();
        }
        let meant: Vec<&str> = if document.is_empty() {
            // What has no name of its own belongs to the innermost that has one.
            let around = |place: &&str| at == *place || at.starts_with(&format!("{place}/"));
            let places = self.ids.iter().map(|(place, _)| place.as_str());
            places
                .filter(around)
                .max_by_key(|place| place.len())
                .into_iter()
                .collect()
        } else {
            let last = |uri: &str| uri.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
            let named = self.ids.iter().filter(|(_, id)| !id.is_empty());
            let exactly = named.clone().find(|(_, id)| id == document);
            match exactly {
                Some((place, _)) => vec![place],
                None => named
                    .filter(|(_, id)| last(id) == last(document))
                    .map(|(place, _)| place.as_str())
                    .collect(),
            }
        };
        // Where it may be one or another, nothing is known.
        match meant.as_slice() {
            [place] => vec![format!("{place}{fragment}")],
            _ => Vec::new(),
        }
    }
}

/// How large a schema is when what it refers to stands in its place; a schema inside itself counts once.
struct Unfolding<'b> {
    schemas: &'b [Applied],
    /// `None` for one that is being unfolded.
    known: HashMap<usize, Option<u64>>,
    /// The schemas on the way, each with how many of them up to it are for its value.
    way: Vec<(usize, usize)>,
    is_endless: bool,
    recurs: bool,
    /// The longest chain of schemas for one value.
    deepest: usize,
}

impl<'b> Unfolding<'b> {
    fn new(schemas: &'b [Applied]) -> Self {
        Self {
            schemas,
            known: HashMap::new(),
            way: Vec::new(),
            is_endless: false,
            recurs: false,
            deepest: 0,
        }
    }

    fn steps(&mut self, schema: usize) -> u64 {
        // Without recursion of this function: a chain of schemas may be as long as the text allows.
        let mut total = 0;
        self.enter(schema, false);
        let mut open: Vec<(usize, usize, u64)> = vec![(schema, 0, 1)];
        while let Some((at, next, steps)) = open.pop() {
            let applied = &self.schemas[at];
            let inner = applied.here.iter().map(|inner| (*inner, true));
            let inner = inner
                .chain(applied.below.iter().map(|(_, inner)| (*inner, false)))
                .nth(next);
            let Some((inner, is_here)) = inner else {
                self.known.insert(at, Some(steps));
                self.way.pop();
                total = steps;
                if let Some((_, _, above)) = open.last_mut() {
                    *above = above.saturating_add(steps);
                }
                continue;
            };
            match self.known.get(&inner) {
                Some(Some(known)) => open.push((at, next + 1, steps.saturating_add(*known))),
                Some(None) => {
                    self.recurs = true;
                    self.is_endless |= is_here && self.is_on_the_way_here(inner);
                    open.push((at, next + 1, steps.saturating_add(1)));
                }
                None => {
                    open.push((at, next + 1, steps));
                    self.enter(inner, is_here);
                    open.push((inner, 0, 1));
                }
            }
        }
        total
    }

    fn enter(&mut self, schema: usize, is_here: bool) {
        self.known.insert(schema, None);
        let above = self.way.last().filter(|_| is_here).map_or(0, |(_, chain)| *chain);
        self.way.push((schema, above + 1));
        self.deepest = self.deepest.max(above + 1);
    }

    /// Whether a schema is on the way for the same value.
    fn is_on_the_way_here(&self, schema: usize) -> bool {
        let beside = self.way.last().map_or(0, |(_, chain)| *chain);
        self.way.iter().rev().take(beside).any(|(at, _)| *at == schema)
    }
}

/// Whether a schema that leads back to itself does so more than once for one value.
fn doubles(schemas: &[Applied]) -> bool {
    let reached: Vec<Vec<bool>> = (0..schemas.len()).map(|from| reachable(schemas, from)).collect();
    let in_circle = |from: usize, to: usize| reached[to][from];
    (0..schemas.len()).any(|from| {
        if !in_circle(from, from) {
            return false;
        }
        // All that is applied to the value beside this schema, as often as it is.
        let mut beside: HashMap<usize, u64> = HashMap::new();
        let mut waiting = vec![from];
        while let Some(schema) = waiting.pop() {
            let times = beside.entry(schema).or_default();
            *times += 1;
            if *times > 64 {
                return true;
            }
            // Only what leads back matters.
            let back = |inner: &&usize| **inner != from && in_circle(from, **inner);
            waiting.extend(schemas[schema].here.iter().filter(back));
        }
        let mut back: HashMap<&Below, u64> = HashMap::new();
        for (schema, times) in beside {
            for (below, inner) in &schemas[schema].below {
                if in_circle(from, *inner) {
                    *back.entry(below).or_default() += times;
                }
            }
        }
        let any = back.get(&Below::Any).copied().unwrap_or_default();
        back.iter()
            .any(|(below, times)| *times > 1 || (matches!(below, Below::Named(_)) && any > 0))
    })
}

/// Which schemas one leads to, itself only by a circle.
fn reachable(schemas: &[Applied], from: usize) -> Vec<bool> {
    let mut reached = vec![false; schemas.len()];
    let mut waiting = vec![from];
    while let Some(schema) = waiting.pop() {
        let applied = &schemas[schema];
        let inner = applied
            .here
            .iter()
            .chain(applied.below.iter().map(|(_, inner)| inner));
        for inner in inner {
            if !std::mem::replace(&mut reached[*inner], true) {
                waiting.push(*inner);
            }
        }
    }
    reached
}

/// The looks at one record.
struct Counting<'b> {
    schemas: &'b [Applied],
    /// By schema and value, which is named by where it stands in memory.
    known: HashMap<(usize, usize), u64>,
    /// How many pairs there were, those included that are not remembered.
    pairs: u64,
}

impl Counting<'_> {
    fn steps(&mut self, schema: usize, value: &Tree<'_>, depth: u32) -> Result<u64, Exceeded> {
        // What applies nothing looks once, and need not be remembered.
        if self.schemas[schema].here.is_empty() && self.schemas[schema].below.is_empty() {
            self.pairs += 1;
            return Ok(1);
        }
        let pair = (schema, std::ptr::from_ref(value) as usize);
        if let Some(known) = self.known.get(&pair) {
            return Ok(*known);
        }
        let depth = depth.checked_sub(1).ok_or(Exceeded)?;
        self.pairs += 1;
        let schemas = self.schemas;
        let applied = &schemas[schema];
        let mut steps: u64 = 1;
        for inner in &applied.here {
            steps = steps.saturating_add(self.steps(*inner, value, depth)?);
        }
        for (below, inner) in &applied.below {
            match (below, value) {
                (Below::Named(name), Tree::Object(fields)) => {
                    for (_, value) in fields.iter().filter(|(field, _)| field == name) {
                        steps = steps.saturating_add(self.steps(*inner, value, depth)?);
                    }
                }
                (Below::Any, Tree::Object(fields)) => {
                    for (_, value) in fields {
                        steps = steps.saturating_add(self.steps(*inner, value, depth)?);
                    }
                }
                (Below::Parts, Tree::List(parts)) => {
                    for value in parts {
                        steps = steps.saturating_add(self.steps(*inner, value, depth)?);
                    }
                }
                _ => {}
            }
        }
        self.known.insert(pair, steps);
        Ok(steps)
    }
}

#[cfg(test)]
mod tests;
