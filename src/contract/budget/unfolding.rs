//! What a schema is by itself, whatever the record: whether it ends, doubles, or unfolds to too much.

use std::collections::HashMap;

use super::reading::{Applied, Below, SchemaUse};

/// Of a schema of more parts it is not asked whether it doubles, only whether a record does with it.
const LARGE: usize = 4_000;

/// A schema with what it refers to in the place of the references; a schema inside itself counts once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfolded {
    /// How many schemas it is.
    pub(super) schemas: u64,
    /// How often it looks at a record at most, for each value of it.
    pub(super) looks: u64,
    /// How often the validator looks at one value by one of its schemas, over again, because schemas that leave out what
    /// others have looked at stand inside one another.
    pub(super) again: u64,
    /// How often one of its schemas is tried when it is asked what it has looked at.
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
    /// It is being unfolded.
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
        // Without recursion of this function: a chain of schemas may be as long as the text allows.
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

    /// What a schema is, after those that it applies.
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

/// How long the longest chain of schemas for one value is; `None` where one leads back into itself, so that it never ends.
pub(super) fn longest_chain(schemas: &[Applied]) -> Option<usize> {
    // How many apply each, of those that have not had their turn.
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
        // All that is applied to the value beside this schema, as often as it is.
        let mut beside: HashMap<usize, i64> = HashMap::new();
        let mut waiting = vec![from];
        while let Some(schema) = waiting.pop() {
            let times = beside.entry(schema).or_default();
            *times += 1;
            if *times > 64 {
                return true;
            }
            // Only what leads back matters.
            let back = |inner: &usize| *inner != from && in_circle(from, *inner);
            waiting.extend(schemas[schema].here.iter().map(|(_, inner)| *inner).filter(back));
        }
        doubles_below(schemas, &beside, |inner| in_circle(from, inner))
    })
}

/// Whether schemas that are applied to one value lead to one value below it more than once.
fn doubles_below(
    schemas: &[Applied],
    beside: &HashMap<usize, i64>,
    leads_back: impl Fn(usize) -> bool,
) -> bool {
    let (mut fields, mut parts) = (0, 0);
    // What there is more, or less, for the field of a name and the part of a number.
    let mut named: HashMap<&str, i64> = HashMap::new();
    let mut numbered: HashMap<usize, i64> = HashMap::new();
    for (schema, times) in beside {
        let applied = &schemas[*schema];
        let mut others = 0;
        for (below, _) in applied.below.iter().filter(|(_, inner)| leads_back(*inner)) {
            match below {
                Below::Others => others += times,
                Below::Any => fields += times,
                // Nothing lies in a name.
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

/// Which schemas one leads to, itself only by a circle.
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
