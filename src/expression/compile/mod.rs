//! The compiler: from Rhai's syntax tree to nodes. Anything unknown is a problem of the stage file: names, functions,
//! numbers of arguments, patterns, formats, and every construct that has no meaning here.

use std::sync::Arc;

use rhai::AST;

use super::node::{Never, Node, NodeKind, Program};
use super::origin::SourceMap;
use super::parser;
use super::types::{self, TypeFindings};
use crate::language::Language;
use crate::problem::{Place, Problem};
use crate::reading::Reading;

mod call;
mod chain;
mod compiler;
mod switch;
mod term;
mod walk;

use compiler::{Compiler, Result};

/// Compiles a text of one or several statements.
pub(super) fn compile(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Program> {
    let origin = SourceMap::new(source, place, reading);
    let ast: AST = parser::parse(source, &origin)?;
    let mut compiler = Compiler::new(source, &origin, reading);
    let statements = compiler.statements(ast.statements())?;
    if statements.is_empty() {
        return Err(Problem::error(
            "expression.syntax",
            origin.place(origin.start()),
            "the expression is empty",
        ));
    }
    let root = match <[Node; 1]>::try_from(statements) {
        Ok([only]) => only,
        Err(statements) => Node {
            spot: origin.start(),
            step: NodeKind::Block(statements),
        },
    };
    let mut names: Vec<(Arc<str>, usize)> = Vec::new();
    for (name, slot) in compiler.visible {
        match names.iter_mut().find(|(earlier, _)| *earlier == name) {
            Some(earlier) => earlier.1 = slot,
            None => names.push((name, slot)),
        }
    }
    let TypeFindings {
        never,
        types,
        language,
    } = types::tell(&root, compiler.slots);
    let always = never.iter().find(|never| never.always);
    if let Some(never) = always.filter(|_| reading.language > Language::One) {
        return Err(refuses_all(&origin, never));
    }
    Ok(Program {
        never,
        types,
        source: source.to_owned(),
        file: Arc::clone(origin.file()),
        start: origin.start(),
        root,
        slots: compiler.slots,
        names,
        reads: compiler.reads,
        is_alone: compiler.is_alone,
        lookups: compiler.lookups,
        language: compiler.language.max(language),
    })
}

/// Returns the problem of an expression that refuses every record.
fn refuses_all(origin: &SourceMap, never: &Never) -> Problem {
    let message = format!("{}: every record would be refused", never.message);
    Problem::error("expression.never", origin.place(never.spot), message)
}
