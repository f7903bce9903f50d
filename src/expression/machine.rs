//! The machine: evaluates compiled expressions, step by step and within limits.

use std::sync::Arc;

use super::arithmetic;
use super::datum::{Datum, Number, View};
use super::fault::Fault;
use super::functions::call::{Call, Known};
use super::functions::written;
use super::limits;
use super::node::{Access, Arm, For, Invocation, Node, NodeKind, Switch, SwitchCase};
use super::operator::{self, Operator, Search};
use super::scope::Prepared;
use super::stop::Stop;
use crate::context::Context;
use crate::path::{Path, Segment};
use crate::record::{Document, Places};

type Result<T> = std::result::Result<T, Stop>;
type Checked<T> = std::result::Result<T, Fault>;

/// One evaluation.
pub(super) struct Machine<'m> {
    pub(super) document: &'m Document,
    pub(super) context: &'m Context<'m>,
    pub(super) prepared: &'m Prepared,
    pub(super) places: &'m Places,
    pub(super) locals: Vec<Datum>,
    pub(super) operations: usize,
}

/// Reads a place of the document, or reports which part of it is missing.
pub(super) fn read(document: &Document, path: &Path, places: &Places) -> Checked<Datum> {
    if let [Segment::Key(name)] = path.segments() {
        if let Some(value) = places.get(document, name) {
            return Ok(Datum::Json(value.clone()));
        }
    } else if let Some(value) = places.at(document, path) {
        return Ok(Datum::Json(value.into_owned()));
    }
    let prefixes =
        (1..=path.segments().len()).map(|length| Path::from_segments(path.segments()[..length].to_vec()));
    let missing = prefixes.into_iter().find(|prefix| document.at(prefix).is_none());
    let fault = match path.last() {
        Segment::Index(_) => Fault::new("expression.out_of_range", "an element at this place"),
        _ => Fault::new("expression.missing_property", "a value at this place"),
    };
    Err(fault.pointing(|| Some(missing.as_ref().unwrap_or(path).pointer())))
}

/// The place in the document that a fault of these steps is about, where it is only one.
fn pointer<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> Option<String> {
    let mut paths = nodes.into_iter().filter_map(|node| match &node.step {
        NodeKind::Path(path) => Some(path),
        _ => None,
    });
    let only = paths.next()?;
    paths.next().is_none().then(|| only.pointer())
}

impl Machine<'_> {
    /// Counts steps, so that no expression runs forever.
    fn spend(&mut self, steps: usize) -> Checked<()> {
        self.operations = self.operations.saturating_add(steps);
        if self.operations > limits::OPERATIONS {
            return Err(Fault::limit("an expression that ends within 200000 steps"));
        }
        Ok(())
    }

    pub(super) fn evaluate(&mut self, node: &Node) -> Result<Datum> {
        self.spend(1).map_err(|fault| fault.at(node.spot))?;
        self.step(node).map_err(|stop| match stop {
            Stop::Fault(fault) => Stop::Fault(fault.at(node.spot)),
            other => other,
        })
    }

    fn step(&mut self, node: &Node) -> Result<Datum> {
        Ok(match &node.step {
            NodeKind::Constant(constant) => constant.clone(),
            NodeKind::Local(slot) => self.locals[*slot].clone(),
            NodeKind::Prepared(name) => self.prepared.get(name)?,
            NodeKind::Document => Datum::Json(crate::record::Value::Object(self.document.clone())),
            NodeKind::Path(path) => {
                if path.segments().len() > 1 {
                    let first = self.places.get(self.document, first_key(path));
                    self.spend(first.map_or(0, value_weight))?;
                }
                read(self.document, path, self.places)?
            }
            NodeKind::Property(access) => self.property(access)?,
            NodeKind::Index(access) => self.index(access)?,
            NodeKind::Call(invocation) => self.call(invocation)?,
            NodeKind::Binary(operator, sides) => self.binary(*operator, sides)?,
            NodeKind::IsNull(side, wanted) => Datum::Boolean(self.evaluate(side)?.is_null() == *wanted),
            NodeKind::Not(side) => Datum::Boolean(!self.boolean(side)?),
            NodeKind::Negate(side) => {
                let datum = self.evaluate(side)?;
                let number = datum
                    .as_number()
                    .map_err(|fault| fault.pointing(|| pointer([&**side])))?;
                Datum::from(arithmetic::negate(number))
            }
            NodeKind::And(sides) => Datum::Boolean(self.all(sides, true)?),
            NodeKind::Or(sides) => Datum::Boolean(!self.all(sides, false)?),
            NodeKind::Coalesce(sides) => self.coalesce(sides)?,
            NodeKind::Interpolated(parts) => self.interpolated(parts)?,
            NodeKind::List(parts) => {
                let parts = parts.iter().map(|part| self.evaluate(part));
                Datum::list(parts.collect::<Result<_>>()?)?
            }
            NodeKind::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| Ok((Arc::clone(name), self.evaluate(value)?)));
                Datum::object(fields.collect::<Result<_>>()?)?
            }
            _ => return self.flow(node),
        })
    }

    /// The steps that lead to other steps.
    fn flow(&mut self, node: &Node) -> Result<Datum> {
        match &node.step {
            NodeKind::If(parts) => {
                let [condition, yes, no] = &**parts;
                let taken = if self.boolean(condition)? { yes } else { no };
                return self.evaluate(taken);
            }
            NodeKind::Switch(switch) => return self.switch(switch),
            NodeKind::Block(statements) => {
                let mut last = Datum::Null;
                for statement in statements {
                    last = self.evaluate(statement)?;
                }
                return Ok(last);
            }
            NodeKind::Assign(slot, operator, value) => {
                let value = self.evaluate(value)?;
                self.locals[*slot] = match operator {
                    None => value,
                    Some(operator) => {
                        // Taken out, so that a list that grows in a loop is not copied each time.
                        let old = std::mem::replace(&mut self.locals[*slot], Datum::Null);
                        self.spend(value.weight())?;
                        operator.apply(old, &value)?
                    }
                };
            }
            NodeKind::While(parts) => {
                let [condition, body] = &**parts;
                while self.boolean(condition)? {
                    if let Some(value) = self.round_of_loop(body)? {
                        return Ok(value);
                    }
                }
            }
            NodeKind::DoWhile(parts, goes_on) => loop {
                let [condition, body] = &**parts;
                if let Some(value) = self.round_of_loop(body)? {
                    return Ok(value);
                }
                if self.boolean(condition)? != *goes_on {
                    break;
                }
            },
            NodeKind::For(parts) => return self.for_each(parts),
            NodeKind::Break(value) => return Err(Stop::Break(self.optional(value.as_deref())?)),
            NodeKind::Continue => return Err(Stop::Continue),
            NodeKind::Return(value) => return Err(Stop::Return(self.optional(value.as_deref())?)),
            _ => return Err(Fault::types("a term").into()),
        }
        Ok(Datum::Null)
    }

    fn optional(&mut self, value: Option<&Node>) -> Result<Datum> {
        value.map_or(Ok(Datum::Null), |value| self.evaluate(value))
    }

    fn boolean(&mut self, node: &Node) -> Result<bool> {
        let datum = self.evaluate(node)?;
        let boolean = datum.as_boolean();
        Ok(boolean.map_err(|fault| fault.pointing(|| pointer([node])).at(node.spot))?)
    }

    /// Returns whether every side is `wanted`; does not read past the first that is not.
    fn all(&mut self, sides: &[Node], wanted: bool) -> Result<bool> {
        for side in sides {
            if self.boolean(side)? != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn coalesce(&mut self, sides: &[Node]) -> Result<Datum> {
        for side in sides {
            let datum = self.evaluate(side)?;
            if !datum.is_null() {
                return Ok(datum);
            }
        }
        Ok(Datum::Null)
    }

    fn interpolated(&mut self, parts: &[Node]) -> Result<Datum> {
        let mut text = String::new();
        for part in parts {
            let datum = self.evaluate(part)?;
            self.spend(datum.weight())?;
            let written = written(&datum);
            text.push_str(&written.map_err(|fault| fault.pointing(|| pointer([part])).at(part.spot))?);
            limits::text(text.len())?;
        }
        Ok(Datum::text(&text))
    }

    fn binary(&mut self, operator: Operator, sides: &[Node; 2]) -> Result<Datum> {
        let (left, right) = (self.evaluate(&sides[0])?, self.evaluate(&sides[1])?);
        self.spend(left.weight() + right.weight())?;
        let result = operator.apply(left, &right);
        Ok(result.map_err(|fault| fault.pointing(|| pointer(sides)))?)
    }

    fn property(&mut self, access: &Access) -> Result<Datum> {
        let NodeKind::Constant(Datum::Text(name)) = &access.key.step else {
            return self.index(access);
        };
        if let NodeKind::Document = access.of.step {
            return Ok(read(self.document, &Path::field(name), self.places)?);
        }
        let evaluated;
        let of = if let NodeKind::Local(slot) = access.of.step {
            // Inspected in place: a loop reads field after field of the same object.
            self.spend(1).map_err(|fault| fault.at(access.of.spot))?;
            self.spend(self.locals[slot].weight())?;
            &self.locals[slot]
        } else {
            evaluated = self.evaluate(&access.of)?;
            self.spend(evaluated.weight())?;
            &evaluated
        };
        if access.optional && of.is_null() {
            return Ok(Datum::Null);
        }
        let found = of.field(name);
        let missing = || match of.view() {
            View::Object => Fault::new("expression.missing_property", format!("a property `{name}`")),
            _ => Fault::types(format!("an object with a property `{name}`, not {}", of.kind())),
        };
        Ok(found.ok_or_else(|| missing().pointing(|| pointer([&access.of])))?)
    }

    fn index(&mut self, access: &Access) -> Result<Datum> {
        let key = self.evaluate(&access.key)?;
        if let (NodeKind::Document, View::Text(name)) = (&access.of.step, key.view()) {
            let missing = || Fault::new("expression.missing_property", "a property with that name");
            let value = self.places.get(self.document, &name).cloned();
            return Ok(value.map(Datum::Json).ok_or_else(missing)?);
        }
        let of = self.evaluate(&access.of)?;
        if access.optional && of.is_null() {
            return Ok(Datum::Null);
        }
        self.spend(of.weight())?;
        let found = element(&of, &key);
        Ok(found.map_err(|fault| fault.pointing(|| pointer([&access.of])))?)
    }

    fn call(&mut self, invocation: &Invocation) -> Result<Datum> {
        let Invocation {
            function,
            arguments: nodes,
            known,
        } = invocation;
        if let (Known::Path(path), Some(NodeKind::Document)) = (known, nodes.first().map(|node| &node.step)) {
            // The document is only inspected, never copied.
            let found = self.places.at(self.document, path);
            return Ok(match function.name {
                "has" => Datum::Boolean(found.is_some()),
                _ => found.map_or(Datum::Null, |value| Datum::Json(value.into_owned())),
            });
        }
        let arguments = nodes.iter().map(|node| self.evaluate(node));
        let arguments = arguments.collect::<Result<Vec<Datum>>>()?;
        self.spend(arguments.iter().map(Datum::weight).sum())?;
        let call = Call {
            arguments: &arguments,
            known,
            context: self.context,
        };
        let result = (function.body)(&call).map_err(|fault| fault.pointing(|| pointer(nodes)))?;
        if let Datum::Text(text) = &result {
            limits::text(text.len())?;
        }
        self.spend(result.weight())?;
        Ok(result)
    }

    fn switch(&mut self, switch: &Switch) -> Result<Datum> {
        let subject = self.evaluate(&switch.subject)?;
        let mut search = Search::default();
        for Arm { cases, guard, body } in &switch.arms {
            let taken = cases.iter().any(|case| match case {
                SwitchCase::Equal(Datum::Null) => subject.is_null(),
                case => search.found(holds(case, &subject)),
            });
            if taken && guard.as_ref().map_or(Ok(true), |guard| self.boolean(guard))? {
                return self.evaluate(body);
            }
        }
        let unlike = search.end();
        unlike.map_err(|fault| fault.pointing(|| pointer([&switch.subject])))?;
        self.evaluate(&switch.default)
    }

    fn for_each(&mut self, parts: &For) -> Result<Datum> {
        let list = self.evaluate(&parts.list)?;
        self.spend(list.weight())?;
        let elements = list
            .into_elements()
            .map_err(|fault| fault.pointing(|| pointer([&parts.list])).at(parts.list.spot))?;
        for (at, element) in elements.into_iter().enumerate() {
            self.locals[parts.name] = element;
            if let Some(counter) = parts.counter {
                self.locals[counter] = Datum::Integer(i64::try_from(at).unwrap_or(i64::MAX));
            }
            if let Some(value) = self.round_of_loop(&parts.body)? {
                return Ok(value);
            }
        }
        Ok(Datum::Null)
    }

    /// Runs one iteration of a loop; returns the value of `break`, if it ends the loop.
    fn round_of_loop(&mut self, body: &Node) -> Result<Option<Datum>> {
        match self.evaluate(body) {
            Ok(_) | Err(Stop::Continue) => Ok(None),
            Err(Stop::Break(value)) => Ok(Some(value)),
            Err(other) => Err(other),
        }
    }
}

fn first_key(path: &Path) -> &str {
    match &path.segments()[0] {
        Segment::Key(name) => name,
        _ => "",
    }
}

fn value_weight(value: &crate::record::Value) -> usize {
    match value {
        crate::record::Value::Raw(json) => json.len() / 256,
        _ => 0,
    }
}

/// Whether a case of a `switch` takes the subject.
fn holds(case: &SwitchCase, subject: &Datum) -> Checked<bool> {
    match case {
        SwitchCase::Equal(value) => operator::equal(subject, value),
        SwitchCase::Between(first, last, included) => {
            let number = subject.as_number()?;
            let from = arithmetic::compare(number, Number::Integer(*first));
            let to = arithmetic::compare(number, Number::Integer(*last));
            Ok(from.is_ge() && (to.is_lt() || (*included && to.is_eq())))
        }
    }
}

/// Returns an element of a list, counted from the end if the index is negative; or a field of an object.
fn element(of: &Datum, key: &Datum) -> Checked<Datum> {
    match (of.view(), key.view()) {
        (View::List, View::Number(Number::Integer(index))) => {
            let list = of.as_list()?;
            let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
            let at = if index < 0 {
                index.saturating_add(length)
            } else {
                index
            };
            let found = usize::try_from(at).ok().and_then(|at| list.get(at)).cloned();
            found.ok_or_else(|| Fault::new("expression.out_of_range", "an element at that index"))
        }
        (View::Object, View::Text(name)) => {
            let missing = || Fault::new("expression.missing_property", "a property with that name");
            of.field(&name).ok_or_else(missing)
        }
        (View::List, _) => Err(Fault::types(format!(
            "a whole number as the index, not {}",
            key.kind()
        ))),
        (View::Object, _) => Err(Fault::types(format!("a string as the name, not {}", key.kind()))),
        _ => Err(Fault::types(format!("a list or an object, not {}", of.kind()))),
    }
}
