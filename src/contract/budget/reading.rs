//! Which schema applies which, as the validator sees it. The validator's own registry resolves the references, so that
//! `$id`, anchors and dynamic references have the same meaning here as there.

use std::collections::{HashMap, HashSet};

use jsonschema::{Draft, Registry, Uri};
use serde_json::{Map, Value as Parsed};

use crate::contract::vocabulary::subschemas;

/// The values inside a value that a schema is applied to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Below {
    /// The fields that `properties` does not name.
    Others,
    /// All fields.
    Any,
    /// The names of the fields.
    Names,
    /// The element of a list with this index.
    Part(usize),
    /// The elements of a list from this index on.
    Parts(usize),
}

/// How a schema is applied to the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SchemaUse {
    /// Through a reference.
    Reference,
    /// As one of several, which `unevaluatedProperties` and `unevaluatedItems` evaluate once more.
    Branch,
    /// On a condition of another schema.
    Depending,
    /// Negated.
    Negated,
}

/// A schema, represented by the schemas that it applies.
#[derive(Clone, Debug, Default)]
pub(super) struct Applied {
    /// The schemas applied to the same value.
    pub(super) here: Vec<(SchemaUse, usize)>,
    /// The schemas applied to the field of a name.
    pub(super) named: HashMap<String, usize>,
    /// The schemas applied to other parts of the value, but not to a field by its name.
    pub(super) below: Vec<(Below, usize)>,
    /// Whether it excludes what other schemas have evaluated, so that they are evaluated once more.
    pub(super) leaves_out: bool,
    /// Whether it lists alternatives.
    pub(super) has_alternatives: bool,
    /// Number of its other checks: names that are required, values that are compared.
    pub(super) asks: u64,
    /// Number of list elements with a schema for their index.
    prefix: usize,
}

impl Applied {
    /// Iterates over the schemas that it applies, each with whether it is applied to the same value.
    pub(super) fn inner(&self) -> impl Iterator<Item = (usize, bool)> {
        let here = self.here.iter().map(|(_, inner)| (*inner, true));
        let named = self.named.values().map(|inner| (*inner, false));
        here.chain(named)
            .chain(self.below.iter().map(|(_, inner)| (*inner, false)))
    }

    /// Whether it applies no other schema.
    pub(super) fn is_last(&self) -> bool {
        self.here.is_empty() && self.named.is_empty() && self.below.is_empty()
    }

    fn apply(&mut self, keyword: &str, below: &str, inner: usize) {
        let place = match keyword {
            "allOf" | "anyOf" | "oneOf" | "if" => return self.here.push((SchemaUse::Branch, inner)),
            "then" | "else" | "dependentSchemas" => return self.here.push((SchemaUse::Depending, inner)),
            "not" => return self.here.push((SchemaUse::Negated, inner)),
            "properties" => {
                let name = below.trim_start_matches('/').replace("~1", "/");
                self.named.insert(name.replace("~0", "~"), inner);
                return;
            }
            "additionalProperties" => Below::Others,
            "patternProperties" | "unevaluatedProperties" => Below::Any,
            "propertyNames" => Below::Names,
            "prefixItems" => Below::Part(below.trim_start_matches('/').parse().unwrap_or_default()),
            "items" => Below::Parts(self.prefix),
            "contains" | "unevaluatedItems" => Below::Parts(0),
            // Annotations only.
            _ => return,
        };
        self.below.push((place, inner));
    }

    fn new(keywords: &Map<String, Parsed>) -> Self {
        let listed = |keyword| keywords.get(keyword).and_then(Parsed::as_array);
        let has_any = |of: [&str; 2]| of.iter().any(|keyword| keywords.contains_key(*keyword));
        let required = listed("required").map_or(0, Vec::len);
        // Texts and numbers are looked up; other values are compared one by one.
        let compared = listed("enum").map_or(0, |list| {
            let large = |value: &&Parsed| value.is_object() || value.is_array();
            list.iter().filter(large).count()
        });
        Self {
            leaves_out: has_any(["unevaluatedProperties", "unevaluatedItems"]),
            has_alternatives: has_any(["anyOf", "oneOf"]),
            asks: (required + compared) as u64,
            prefix: listed("prefixItems").map_or(0, Vec::len),
            ..Self::default()
        }
    }
}

/// Returns the schemas reachable from a schema, the schema itself first; `None` where a reference is unresolved, which
/// the validator refuses, or where there are far more schemas than places.
pub(super) fn read(whole: &Parsed) -> Option<Vec<Applied>> {
    let draft = Draft::Draft202012;
    let id = whole.get("$id").and_then(Parsed::as_str);
    let base = id.unwrap_or("json-schema:///").trim_end_matches('#');
    let base = jsonschema::uri::from_str(base).ok()?;
    let registry = Registry::new().draft(draft);
    let registry = registry
        .add(base.as_str(), draft.create_resource_ref(whole))
        .ok()?;
    let registry = registry.prepare().ok()?;
    // The places with dynamic anchors: only these affect what is reached through them.
    let (mut dynamic, mut places) = (HashSet::new(), 0);
    let mut waiting = vec![(whole, registry.resolver(base.clone()))];
    while let Some((schema, resolver)) = waiting.pop() {
        places += 1;
        let Parsed::Object(keywords) = schema else {
            continue;
        };
        if keywords.contains_key("$dynamicAnchor") {
            dynamic.insert(resolver.base_uri().to_string());
        }
        for (keyword, value) in keywords {
            for (_, inner) in subschemas(keyword, value) {
                let resolver = resolver.in_subresource(draft.create_resource_ref(inner)).ok()?;
                waiting.push((inner, resolver));
            }
        }
    }
    let mut schemas = Numbered::new(whole, dynamic);
    let mut waiting = vec![(0, whole, registry.resolver(base))];
    while let Some((number, schema, resolver)) = waiting.pop() {
        let Parsed::Object(keywords) = schema else {
            continue;
        };
        let mut applied = Applied::new(keywords);
        for (keyword, value) in keywords {
            if let ("$ref" | "$dynamicRef", Some(reference)) = (keyword.as_str(), value.as_str()) {
                let (target, resolver, _) = resolver.lookup(reference).ok()?.into_inner();
                // The validator skips a schema that only refers to itself; we report that it never ends.
                let (inner, is_new) = schemas.number(target, resolver.dynamic_scope().iter());
                applied.here.push((SchemaUse::Reference, inner));
                waiting.extend(is_new.then_some((inner, target, resolver)));
            }
            if matches!(keyword.as_str(), "$defs" | "definitions" | "contentSchema") {
                continue;
            }
            for (below, schema) in subschemas(keyword, value) {
                let resolver = resolver.in_subresource(draft.create_resource_ref(schema)).ok()?;
                let (inner, is_new) = schemas.number(schema, resolver.dynamic_scope().iter());
                applied.apply(keyword, &below, inner);
                waiting.extend(is_new.then_some((inner, schema, resolver)));
            }
        }
        if schemas.known.len() > 4 * places + 10_000 {
            return None;
        }
        schemas.put(number, applied);
    }
    Some(schemas.applied)
}

/// The numbers of the schemas: by the address of a schema in memory, and by the resources through which it was reached.
struct Numbered {
    known: HashMap<(usize, usize), usize>,
    /// Routes, by the resources with dynamic anchors on them, outermost first.
    ways: HashMap<Vec<String>, usize>,
    dynamic: HashSet<String>,
    applied: Vec<Applied>,
}

impl Numbered {
    fn new(whole: &Parsed, dynamic: HashSet<String>) -> Self {
        Self {
            known: HashMap::from([((std::ptr::from_ref(whole) as usize, 0), 0)]),
            ways: HashMap::from([(Vec::new(), 0)]),
            dynamic,
            applied: vec![Applied::default()],
        }
    }

    fn number<'u>(&mut self, schema: &Parsed, scope: impl Iterator<Item = &'u Uri<String>>) -> (usize, bool) {
        let mut way: Vec<String> = Vec::new();
        // The innermost comes first; of a resource that occurs twice the outer one decides.
        for uri in scope {
            let uri = uri.as_str();
            if self.dynamic.contains(uri) || uri.starts_with("https://json-schema.org/") {
                way.retain(|inner| inner != uri);
                way.push(uri.to_owned());
            }
        }
        let next = self.ways.len();
        let way = *self.ways.entry(way).or_insert(next);
        let next = self.applied.len();
        let place = (std::ptr::from_ref(schema) as usize, way);
        let number = *self.known.entry(place).or_insert(next);
        if number == next {
            self.applied.push(Applied::default());
        }
        (number, number == next)
    }

    fn put(&mut self, number: usize, applied: Applied) {
        if let Some(place) = self.applied.get_mut(number) {
            *place = applied;
        }
    }
}
