//! Where an expression's value comes from, found without a record: every branch is followed, and every loop until
//! nothing new is found.

use super::datum::Datum;
use super::functions::call::Known;
use super::node::{Access, Arm, For, Invocation, Node, NodeKind, Program, Switch, leaves};
use super::{Expression, Preparation, Template};
use crate::lineage::{Count, Dependence, Flow, Shape, SourceField, Sources};
use crate::path::{Path, Segment};

/// How often a loop is followed before its names are assumed to come from everything that the expression reads.
const MOST_ROUNDS: usize = 6;

/// Functions after which a value can no longer be seen.
const MASKING: [&str; 3] = ["sha256", "hmac", "uuid5"];

impl Expression {
    /// Returns where its value comes from, for a document with known origins.
    pub fn lineage(&self, flow: &Flow) -> Shape {
        Tracer::new(&self.program, flow).value(&self.program)
    }
}

impl Template {
    /// Returns where its value comes from, for a document with known origins.
    pub fn lineage(&self, flow: &Flow) -> Shape {
        match self {
            Self::Fixed(_) => Shape::made(Sources::none()),
            Self::Expression(expression) => expression.lineage(flow),
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| (field.name.clone(), field.template.lineage(flow)));
                Shape::object(fields.collect())
            }
            Self::List(parts) => {
                let parts = parts.iter().map(|part| part.lineage(flow));
                Shape::list(parts.fold(Shape::nothing(), Shape::or), Count::default())
            }
        }
    }
}

impl Preparation {
    /// Records where its names come from.
    pub(crate) fn lineage(&self, flow: &mut Flow) {
        let program = &self.script.program;
        let mut tracer = Tracer::new(program, flow);
        tracer.value(program);
        let names: Vec<Shape> = program
            .names
            .iter()
            .map(|(_, slot)| tracer.local(*slot))
            .collect();
        for ((name, _), shape) in program.names.iter().zip(names) {
            flow.prepare(name, shape);
        }
    }
}

/// Follows a program.
struct Tracer<'f> {
    flow: &'f Flow,
    locals: Vec<Shape>,
    /// Which of them were given a value since this was last emptied.
    assigned: Vec<usize>,
    /// What decides whether the current step is executed.
    under: Sources,
    /// Everything that was read.
    touched: Sources,
    /// Whether the program leaves a loop or itself in the middle, or has a loop that was not followed to its end.
    uneven: bool,
}

impl<'f> Tracer<'f> {
    fn new(program: &Program, flow: &'f Flow) -> Self {
        Self {
            flow,
            locals: vec![Shape::nothing(); program.slots],
            assigned: Vec::new(),
            under: Sources::none(),
            touched: Sources::none(),
            uneven: leaves(&program.root),
        }
    }

    /// Returns the origin of the program's value. If its steps are not followed one by one, the value comes from
    /// everything that was read.
    fn value(&mut self, program: &Program) -> Shape {
        let value = self.trace(&program.root);
        if self.uneven { self.anything() } else { value }
    }

    fn local(&self, slot: usize) -> Shape {
        if self.uneven {
            self.anything()
        } else {
            self.locals.get(slot).cloned().unwrap_or_else(Shape::nothing)
        }
    }

    fn anything(&self) -> Shape {
        Shape::made(self.touched.clone().made(Dependence::Transformation))
    }

    fn read(&mut self, shape: Shape) -> Shape {
        self.touched = std::mem::take(&mut self.touched).and(&shape.sources());
        shape
    }

    fn trace(&mut self, node: &Node) -> Shape {
        match &node.step {
            NodeKind::Constant(Datum::Omit) | NodeKind::Continue => Shape::nothing(),
            NodeKind::Constant(_) => Shape::made(Sources::none()),
            NodeKind::Local(slot) => self.locals.get(*slot).cloned().unwrap_or_else(Shape::nothing),
            NodeKind::Prepared(name) => self.read(self.flow.prepared(name)),
            NodeKind::Document => self.read(self.flow.document().clone()),
            NodeKind::Path(path) => or_null(self.read(self.flow.at(path))),
            NodeKind::Property(access) | NodeKind::Index(access) => self.access(access),
            NodeKind::Call(call) => self.call(call),
            NodeKind::Binary(_, sides) => self.made_of(&sides[..]),
            NodeKind::IsNull(only, _) | NodeKind::Not(only) | NodeKind::Negate(only) => {
                self.made_of(std::slice::from_ref(&**only))
            }
            NodeKind::And(parts) | NodeKind::Or(parts) | NodeKind::Interpolated(parts) => self.made_of(parts),
            NodeKind::Coalesce(parts) => self.coalesce(parts),
            NodeKind::List(parts) => {
                let parts = parts.iter().map(|part| self.trace(part));
                Shape::list(parts.fold(Shape::nothing(), Shape::or), Count::default())
            }
            NodeKind::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, field)| (name.to_string(), self.trace(field)));
                Shape::object(fields.collect())
            }
            NodeKind::If(parts) => {
                let by = self.condition(&parts[0]);
                self.either(&by, &[&parts[1], &parts[2]])
            }
            NodeKind::Switch(switch) => self.switch(switch),
            NodeKind::Block(steps) => steps
                .iter()
                .map(|step| self.trace(step))
                .last()
                .unwrap_or_else(|| Shape::made(Sources::none())),
            NodeKind::Assign(slot, operator, value) => {
                let mut new = self.trace(value);
                if operator.is_some() {
                    let before = self.locals.get(*slot).map(Shape::sources).unwrap_or_default();
                    new = Shape::made(new.sources().and(&before).made(Dependence::Transformation));
                }
                if let Some(local) = self.locals.get_mut(*slot) {
                    *local = new.decided(&self.under);
                    self.assigned.push(*slot);
                }
                Shape::made(Sources::none())
            }
            NodeKind::While(parts) | NodeKind::DoWhile(parts, _) => self.repeat(&parts[0], &parts[1]),
            NodeKind::For(each) => self.each(each),
            NodeKind::Break(value) | NodeKind::Return(value) => match value {
                Some(value) => self.trace(value),
                None => Shape::made(Sources::none()),
            },
        }
    }

    fn made_of(&mut self, parts: &[Node]) -> Shape {
        let parts = parts.iter().map(|part| self.trace(part).sources());
        let all = parts.fold(Sources::none(), |all, part| all.and(&part));
        Shape::made(all.made(Dependence::Transformation))
    }

    /// The first that is not null, which those before it decide.
    fn coalesce(&mut self, parts: &[Node]) -> Shape {
        let (mut either, mut by) = (Shape::nothing(), Sources::none());
        for part in parts {
            let value = self.trace(part);
            let decides = value.sources().deciding(Dependence::Conditional);
            either = either.or(value.decided(&by));
            by = by.and(&decides);
        }
        either
    }

    fn condition(&mut self, node: &Node) -> Sources {
        self.trace(node).sources().deciding(Dependence::Conditional)
    }

    fn access(&mut self, access: &Access) -> Shape {
        let of = self.trace(&access.of);
        let key = match &access.key.step {
            NodeKind::Constant(Datum::Text(name)) => Some(Segment::Key(name.to_string())),
            NodeKind::Constant(Datum::Integer(_)) => Some(Segment::Each),
            _ => None,
        };
        let Some(key) = key else {
            let by = self.condition(&access.key);
            return Shape::made(of.sources().made(Dependence::Transformation)).decided(&by);
        };
        or_null(of.at(&[key]))
    }

    fn call(&mut self, call: &Invocation) -> Shape {
        let name = call.function.name;
        match (&call.known, name) {
            (Known::Path(path), "get" | "has") => {
                let found = self.inside(&call.arguments[0], path);
                return if name == "get" {
                    or_null(found)
                } else {
                    Shape::made(found.sources().made(Dependence::Transformation))
                };
            }
            (Known::Names(names), "zip") => {
                let lists = call.arguments[1..].iter().map(|list| self.trace(list));
                let lists: Vec<Shape> = lists.collect();
                let cells = lists.iter().map(|list| list.at(&[Segment::Each]));
                let cells = names.iter().map(ToString::to_string).zip(cells).collect();
                let columns: Vec<Sources> = lists.iter().map(Shape::sources).collect();
                return Shape::list(Shape::object(cells), Count::from_columns(&columns));
            }
            _ => {}
        }
        let sources = self.made_of(&call.arguments).sources();
        Shape::made(match name {
            "sum" => sources.made(Dependence::Aggregation),
            "uuid5" => sources
                .and(&Sources::from_origin(SourceField::Id))
                .made(Dependence::Transformation)
                .masked(),
            name if MASKING.contains(&name) => sources.masked(),
            _ => sources,
        })
    }

    /// Returns what is at a path inside a value; reads only that part of the document.
    fn inside(&mut self, node: &Node, path: &Path) -> Shape {
        match &node.step {
            NodeKind::Document => self.read(self.flow.at(path)),
            NodeKind::Path(start) => {
                let place: Vec<Segment> = [start.segments(), path.segments()].concat();
                self.read(self.flow.at(&Path::from_segments(place)))
            }
            _ => self.trace(node).at(path.segments()),
        }
    }

    /// One of several ways.
    fn either(&mut self, by: &Sources, ways: &[&Node]) -> Shape {
        let above = self.under.clone();
        self.under = above.clone().and(by);
        let before = self.locals.clone();
        let (mut value, mut after) = (Shape::nothing(), None);
        for way in ways {
            self.locals.clone_from(&before);
            value = value.or(self.trace(way));
            let locals = std::mem::take(&mut self.locals);
            after = Some(match after {
                None => locals,
                Some(others) => joined(others, locals),
            });
        }
        self.locals = after.unwrap_or(before);
        self.under = above;
        value.decided(by)
    }

    fn switch(&mut self, switch: &Switch) -> Shape {
        let mut by = self.condition(&switch.subject);
        for guard in switch.arms.iter().filter_map(|arm| arm.guard.as_ref()) {
            by = by.and(&self.condition(guard));
        }
        let arms = switch.arms.iter().map(|arm: &Arm| &arm.body);
        let ways: Vec<&Node> = arms.chain([&switch.default]).collect();
        self.either(&by, &ways)
    }

    fn repeat(&mut self, condition: &Node, body: &Node) -> Shape {
        self.rounds(|tracer| {
            let by = tracer.condition(condition);
            let above = tracer.under.clone();
            tracer.under = above.clone().and(&by);
            tracer.trace(body);
            tracer.under = above;
        });
        Shape::made(Sources::none())
    }

    fn each(&mut self, each: &For) -> Shape {
        let list = self.trace(&each.list);
        let (element, count) = (list.at(&[Segment::Each]), list.count());
        let (before, assigned) = (self.locals.clone(), std::mem::take(&mut self.assigned));
        self.rounds(|tracer| {
            if let Some(local) = tracer.locals.get_mut(each.name) {
                *local = element.clone();
            }
            if let Some(local) = each.counter.and_then(|slot| tracer.locals.get_mut(slot)) {
                *local = Shape::made(Sources::none());
            }
            tracer.trace(&each.body);
        });
        // A name that one element reaches, all elements reach; anything else that is set depends on their number.
        let inner = element.sources();
        self.assigned.sort_unstable();
        self.assigned.dedup();
        for at in &self.assigned {
            let local = &mut self.locals[*at];
            let mut value = aggregated(local, &before[*at], &inner);
            value.counted(&count);
            *local = value;
        }
        self.assigned.extend(assigned);
        Shape::made(Sources::none())
    }

    /// Follows a loop until nothing new is found.
    fn rounds(&mut self, mut round: impl FnMut(&mut Self)) {
        for _ in 0..MOST_ROUNDS {
            let before = self.locals.clone();
            round(self);
            let after = std::mem::take(&mut self.locals);
            self.locals = joined(before.clone(), after);
            if self.locals == before {
                return;
            }
        }
        self.uneven = true;
    }
}

/// A missing value reads as null.
fn or_null(shape: Shape) -> Shape {
    if shape.is_nothing() {
        Shape::made(shape.sources())
    } else {
        shape
    }
}

/// Either these names or those.
fn joined(one: Vec<Shape>, other: Vec<Shape>) -> Vec<Shape> {
    one.into_iter()
        .zip(other)
        .map(|(one, other)| one.or(other))
        .collect()
}

/// What a loop makes of a list's elements comes from all of them.
fn aggregated(value: &Shape, before: &Shape, elements: &Sources) -> Shape {
    let sources = value.sources();
    let known = before.sources();
    let mut all = Sources::none();
    for source in sources {
        let is_element = elements
            .iter()
            .any(|element| element.origin.meets(&source.origin));
        let one = Sources::one(source.clone());
        let is_new = !known.iter().any(|known| *known == source);
        all = all.and(&if is_element && is_new {
            one.made(Dependence::Aggregation)
        } else {
            one
        });
    }
    Shape::made(all)
}
