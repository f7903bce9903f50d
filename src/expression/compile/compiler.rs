//! What is known while a text is compiled: its names, what it reads, and where its parts are.

use std::sync::Arc;

use rhai::Position;

use crate::expression::node::{Node, NodeKind};
use crate::expression::origin::{SourceMap, SourcePosition};
use crate::expression::parser;
use crate::language::Language;
use crate::lookup::LookupQuery;
use crate::path::Path;
use crate::problem::Problem;
use crate::reading::Reading;

pub(super) type Result<T> = std::result::Result<T, Problem>;

/// What is known while a text is compiled.
pub(super) struct Compiler<'c> {
    pub(super) source: &'c str,
    pub(super) origin: &'c SourceMap,
    pub(super) reading: &'c Reading<'c>,
    /// Visible names of `let` and `for`, with their slots; later ones hide earlier ones.
    pub(super) visible: Vec<(Arc<str>, usize)>,
    pub(super) slots: usize,
    pub(super) reads: Vec<Path>,
    /// Whether it uses no name that `prepare` defines.
    pub(super) is_alone: bool,
    /// Earliest version of the stage language in which it has the same meaning.
    pub(super) language: Language,
    /// What it looks up in other databases.
    pub(super) lookups: Vec<LookupQuery>,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(source: &'c str, origin: &'c SourceMap, reading: &'c Reading<'c>) -> Self {
        Self {
            source,
            origin,
            reading,
            visible: Vec::new(),
            slots: 0,
            reads: Vec::new(),
            is_alone: true,
            language: Language::One,
            lookups: Vec::new(),
        }
    }

    pub(super) fn spot(&self, position: Position) -> SourcePosition {
        parser::spot(self.origin, position)
    }

    pub(super) fn problem(&self, code: &'static str, position: Position, message: String) -> Problem {
        Problem::error(code, self.origin.place(self.spot(position)), message)
    }

    pub(super) fn forbidden(&self, what: &str, position: Position) -> Problem {
        parser::forbidden(what, self.origin, position)
    }

    pub(super) fn node(&self, position: Position, step: NodeKind) -> Node {
        Node {
            spot: self.spot(position),
            step,
        }
    }

    pub(super) fn reads(&mut self, path: &Path) {
        if !self.reads.contains(path) {
            self.reads.push(path.clone());
        }
    }

    pub(super) fn define(&mut self, name: &str, position: Position) -> Result<usize> {
        if matches!(name, "doc" | "omit") {
            return Err(self
                .forbidden(&format!("`{name}` as a variable name"), position)
                .help("the name is reserved; choose another"));
        }
        self.visible.push((Arc::from(name), self.slots));
        self.slots += 1;
        Ok(self.slots - 1)
    }
}
