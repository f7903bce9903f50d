//! Properties of a schema that do not depend on the record: whether it ends, doubles, or unfolds to too much.

use std::collections::HashMap;

use super::reading::{Applied, Below, SchemaUse};

/// A schema of more parts is not examined for doubling; only its work for a record is counted.
const LARGE: usize = 4_000;

/// A schema with every reference replaced by its target; a schema inside itself counts once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfolded {
    /// Number of schemas.
    pub(super) schemas: u64,
    /// The maximum number of checks of a record, for each value of it.
    pub(super) looks: u64,
    /// How often the validator repeats the check of a value against one of the schemas, because schemas that exclude
    /// what others have evaluated are nested.
    pub(super) again: u64,
    /// How often one of its schemas is tried to find out what it has evaluated.
    asked: u64,
}

/// Unfolds the first of the schemas.
pub(super) struct Unfolding<'b> {
    schemas: &'b [Applied],
    known: Vec<State>,
    pub(super) recurs: bool,
}

#[derive(Clone, Copy)]
enum State {
    New,
    /// The schema is being unfolded.
    OnTheWay,
    Done(Unfolded),
}

impl<'b> Unfolding<'b> {
    pub(super) fn new(schemas: &'b [Applied]) -> Self {
        Self {
            schemas,
            known: vec![State::New; schemas.len()],
            recurs: false,
        }
    }

    pub(super) fn unfolded(&mut self) -> Unfolded {
        // Iterative rather than recursive: a chain of schemas may be as long as the text allows.
        let schemas = self.schemas;
        let mut open = vec![(0, schemas[0].inner())];
        self.known[0] = State::OnTheWay;
        while let Some((at, inner)) = open.last_mut() {
            let Some((inner, _)) = inner.next() else {
                self.known[*at] = State::Done(self.sum(*at));
                open.pop();
                continue;
            };
            match self.known[inner] {
                State::Done(_) => {}
                State::OnTheWay => self.recurs = true,
                State::New => {
                    self.known[inner] = State::OnTheWay;
                    open.push((inner, schemas[inner].inner()));
                }
            }
        }
        self.of(0)
    }

    fn of(&self, schema: usize) -> Unfolded {
        match self.known[schema] {
            State::Done(unfolded) => unfolded,
            _ => Unfolded {
                schemas: 1,
                looks: 1,
                again: 1,
                asked: 0,
            },
        }
    }

    /// Returns the result for a schema, after those that it applies.
    fn sum(&self, schema: usize) -> Unfolded {
        let applied = &self.schemas[schema];
        let mut sum = Unfolded {
            schemas: 1,
            looks: 1 + applied.asks + applied.named.len() as u64,
            again: 1,
            asked: 0,
        };
        for (inner, _) in applied.inner() {
            let inner = self.of(inner);
            sum.schemas = sum.schemas.saturating_add(inner.schemas);
            sum.looks = sum.looks.saturating_add(inner.looks);
            sum.again = sum.again.max(inner.again);
        }
        for (how, inner) in &applied.here {
            let inner = self.of(*inner);
            let asked = match how {
                SchemaUse::Reference | SchemaUse::Depending => inner.asked,
                SchemaUse::Branch => inner.asked.saturating_add(inner.again),
                SchemaUse::Negated => 0,
            };
            sum.asked = sum.asked.max(asked);
        }
        if applied.leaves_out {
            for (_, inner) in &applied.below {
                sum.asked = sum.asked.max(self.of(*inner).again);
            }
            sum.again = sum.again.saturating_add(sum.asked);
        }
        sum
    }
}

/// Returns the length of the longest chain of schemas for one value; `None` where one leads back to itself, so that it
/// never ends.
pub(super) fn longest_chain(schemas: &[Applied]) -> Option<usize> {
    // Number of schemas that apply each one and are not yet processed.
    let mut above = vec![0; schemas.len()];
    for (_, inner) in schemas.iter().flat_map(|applied| &applied.here) {
        above[*inner] += 1;
    }
    let mut lengths = vec![1; schemas.len()];
    let mut waiting: Vec<usize> = (0..schemas.len()).filter(|schema| above[*schema] == 0).collect();
    let mut turns = 0;
    while let Some(schema) = waiting.pop() {
        turns += 1;
        for (_, inner) in &schemas[schema].here {
            lengths[*inner] = lengths[*inner].max(lengths[schema] + 1);
            above[*inner] -= 1;
            if above[*inner] == 0 {
                waiting.push(*inner);
            }
        }
    }
    (turns == schemas.len()).then(|| lengths.into_iter().max().unwrap_or_default())
}

/// Whether a schema that leads back to itself does so more than once for one value.
pub(super) fn doubles(schemas: &[Applied]) -> bool {
    if schemas.len() > LARGE {
        return false;
    }
    let reached: Vec<Vec<bool>> = (0..schemas.len()).map(|from| reachable(schemas, from)).collect();
    let in_circle = |from: usize, to: usize| reached[to][from];
    (0..schemas.len()).any(|from| {
        if !in_circle(from, from) {
            return false;
        }
        // All schemas applied to the value in addition to this one, with how often.
        let mut beside: HashMap<usize, i64> = HashMap::new();
        let mut waiting = vec![from];
        while let Some(schema) = waiting.pop() {
            let times = beside.entry(schema).or_default();
            *times += 1;
            if *times > 64 {
                return true;
            }
            // Only schemas that lead back matter.
            let back = |inner: &usize| *inner != from && in_circle(from, *inner);
            waiting.extend(schemas[schema].here.iter().map(|(_, inner)| *inner).filter(back));
        }
        doubles_below(schemas, &beside, |inner| in_circle(from, inner))
    })
}

/// Whether schemas applied to one value lead to the same value below it more than once.
fn doubles_below(
    schemas: &[Applied],
    beside: &HashMap<usize, i64>,
    leads_back: impl Fn(usize) -> bool,
) -> bool {
    let (mut fields, mut parts) = (0, 0);
    // The difference for the field of a name and for the element of an index.
    let mut named: HashMap<&str, i64> = HashMap::new();
    let mut numbered: HashMap<usize, i64> = HashMap::new();
    for (schema, times) in beside {
        let applied = &schemas[*schema];
        let mut others = 0;
        for (below, _) in applied.below.iter().filter(|(_, inner)| leads_back(*inner)) {
            match below {
                Below::Others => others += times,
                Below::Any => fields += times,
                // A name has no parts.
                Below::Names => {}
                Below::Part(number) => *numbered.entry(*number).or_default() += times,
                Below::Parts(first) => {
                    parts += times;
                    for number in 0..*first {
                        *numbered.entry(number).or_default() -= times;
                    }
                }
            }
        }
        fields += others;
        for (name, inner) in &applied.named {
            let times = if leads_back(*inner) { *times } else { 0 };
            *named.entry(name).or_default() += times - others;
        }
    }
    let more = |all: i64, of_one: &i64| all + of_one > 1;
    parts > 1
        || fields > 1
        || named.values().any(|of_one| more(fields, of_one))
        || numbered.values().any(|of_one| more(parts, of_one))
}

/// Returns which schemas each leads to; a schema leads to itself only through a cycle.
fn reachable(schemas: &[Applied], from: usize) -> Vec<bool> {
    let mut reached = vec![false; schemas.len()];
    let mut waiting = vec![from];
    while let Some(schema) = waiting.pop() {
        for (inner, _) in schemas[schema].inner() {
            if !std::mem::replace(&mut reached[inner], true) {
                waiting.push(inner);
            }
        }
    }
    reached
}
