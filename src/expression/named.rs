//! Expressions over names whose values the caller supplies for each record, or for each pair of records.

use std::borrow::Cow;
use std::sync::Arc;

use super::Expression;
use super::datum::Datum;
use super::node::{NodeKind, Program, found};
use super::scope::Scope;
use crate::path::Path;
use crate::record::{Document, Value};

/// An expression that is a single name, or a single function of one: the caller may compute it without the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimpleForm<'e> {
    /// The name.
    Name(&'e str),
    /// A function of the name, and of a number.
    Call(&'static str, &'e str, Option<i64>),
}

impl Expression {
    /// Returns the supplied names that it uses, each once, in the order of their first use.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let names = std::cell::RefCell::new(Vec::new());
        self.visit(&|step| {
            if let NodeKind::Prepared(name) = step {
                let mut names = names.borrow_mut();
                if !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            }
        });
        names.into_inner()
    }

    /// Returns whether it calls one of these functions, by name.
    pub(crate) fn calls(&self, functions: &[&str]) -> Option<&'static str> {
        let called = std::cell::Cell::new(None);
        self.visit(&|step| {
            if let NodeKind::Call(call) = step
                && functions.contains(&call.function.name)
            {
                called.set(Some(call.function.name));
            }
        });
        called.get()
    }

    /// Returns the path if it only reads one place of the document.
    pub(crate) fn as_path(&self) -> Option<&Path> {
        match &self.program.root.step {
            NodeKind::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Returns whether it is a constant: it gives the same for every record.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.only_step(), NodeKind::Constant(_))
    }

    /// Returns whether it makes a list or an object.
    pub(crate) fn makes_several(&self) -> bool {
        matches!(self.only_step(), NodeKind::List(_) | NodeKind::Object(_))
    }

    fn only_step(&self) -> &NodeKind {
        match &self.program.root.step {
            NodeKind::Block(nodes) if nodes.len() == 1 => &nodes[0].step,
            step => step,
        }
    }

    /// Returns its form if it is simple.
    pub(crate) fn simple_form(&self) -> Option<SimpleForm<'_>> {
        let Program { root, .. } = &*self.program;
        match &root.step {
            NodeKind::Prepared(name) => Some(SimpleForm::Name(name)),
            NodeKind::Call(call) => {
                let (first, rest) = call.arguments.split_first()?;
                let NodeKind::Prepared(name) = &first.step else {
                    return None;
                };
                let number = match rest {
                    [] => None,
                    [only] => match only.step {
                        NodeKind::Constant(Datum::Integer(number)) => Some(number),
                        _ => return None,
                    },
                    _ => return None,
                };
                Some(SimpleForm::Call(call.function.name, name, number))
            }
            _ => None,
        }
    }

    /// Returns whether something that it reads is absent or null: a place of the document, or a supplied name.
    pub(crate) fn lacks(&self, document: &Document, scope: &Scope<'_>) -> bool {
        let is_null = |path: &Path| document.at(path).is_none_or(|value| value.is_null());
        let is_absent = |name: &Arc<str>| scope.prepared.get(name).is_ok_and(|value| value.is_null());
        self.reads().iter().any(is_null) || self.names().iter().any(is_absent)
    }

    fn visit(&self, look: &dyn Fn(&NodeKind)) {
        found(&self.program.root, &|step| {
            look(step);
            false
        });
    }
}

impl Scope<'_> {
    /// Returns the value at a path of a document.
    pub(crate) fn place_in<'d>(&self, document: &'d Document, path: &Path) -> Option<Cow<'d, Value>> {
        self.places.at(document, path)
    }

    /// Supplies the value of a name: a text, or null where it is absent.
    pub(crate) fn supply(&mut self, name: &Arc<str>, value: Option<&str>) {
        self.prepared.set(name, value.map_or(Datum::Null, Datum::text));
    }

    /// Supplies the value of a name, of any kind.
    pub(crate) fn supply_value(&mut self, name: &Arc<str>, value: Value) {
        self.prepared.set(name, Datum::Json(value));
    }
}
