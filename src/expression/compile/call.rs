//! Calls of operators and functions, and what must be known of their arguments before any record is seen.

use std::sync::Arc;

use rhai::Position;

use super::compiler::{Compiler, Result};
use crate::datetime::{self, FormatError, ReadFormat, WriteFormat};
use crate::expression::datum::Datum;
use crate::expression::foreign;
use crate::expression::functions::call::{Function, Known, Needs};
use crate::expression::functions::{self, functions, is_code};
use crate::expression::node::{Invocation, Node, NodeKind};
use crate::expression::operator::Operator;
use crate::lookup::LookupQuery;
use crate::name::check_database;
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::refusal::is_reserved;

/// Returns the text of a node that is a literal.
fn written(node: &Node) -> Option<&Arc<str>> {
    match &node.step {
        NodeKind::Constant(Datum::Text(text)) => Some(text),
        _ => None,
    }
}

impl Compiler<'_> {
    pub(super) fn operator(
        &mut self,
        symbol: &str,
        arguments: Vec<Node>,
        position: Position,
    ) -> Result<Node> {
        let unknown = || {
            let problem = self.forbidden(&format!("the operator `{symbol}`"), position);
            problem.help(foreign::instead(symbol).unwrap_or(foreign::THERE_ARE))
        };
        let arguments = match <[Node; 1]>::try_from(arguments) {
            Ok([only]) => {
                let step = match symbol {
                    "!" => NodeKind::Not(Box::new(only)),
                    "-" => NodeKind::Negate(Box::new(only)),
                    _ => return Err(unknown()),
                };
                return Ok(self.node(position, step));
            }
            Err(arguments) => arguments,
        };
        let operator = Operator::from_symbol(symbol).ok_or_else(unknown)?;
        let sides = <[Node; 2]>::try_from(arguments).map_err(|_| unknown())?;
        let is_null = |node: &Node| matches!(node.step, NodeKind::Constant(Datum::Null));
        let step = match (operator, sides) {
            (Operator::Equal | Operator::Unequal, [side, null] | [null, side]) if is_null(&null) => {
                NodeKind::IsNull(Box::new(side), operator == Operator::Equal)
            }
            (operator, sides) => NodeKind::Binary(operator, Box::new(sides)),
        };
        Ok(self.node(position, step))
    }

    pub(super) fn function(&mut self, name: &str, arguments: Vec<Node>, position: Position) -> Result<Node> {
        let Some(function) = functions::function(name) else {
            let message = format!("there is no function `{name}`");
            let known = functions().map(|function| function.name);
            let problem = self
                .problem("expression.unknown_function", position, message)
                .help("docs/expressions.md lists the functions");
            if let Some(instead) = foreign::instead(name) {
                return Err(problem.help(instead));
            }
            return Err(problem.did_you_mean(name, known));
        };
        if !(function.least..=function.most).contains(&arguments.len()) {
            let message = format!(
                "`{name}` does not take {} arguments; the value before the dot is the first",
                arguments.len()
            );
            let problem = self.problem("expression.unknown_function", position, message);
            return Err(problem.help(format!("call it as {}", function.signature)));
        }
        let known = self.known(function, &arguments, position)?;
        let texts: Vec<Option<&str>> = arguments
            .iter()
            .map(|part| written(part).map(|text| &**text))
            .collect();
        self.language = self.language.max(functions::language(function, &texts));
        let invocation = Invocation {
            function,
            arguments,
            known,
        };
        Ok(self.node(position, NodeKind::Call(Box::new(invocation))))
    }

    fn known(&mut self, function: &Function, arguments: &[Node], position: Position) -> Result<Known> {
        match function.needs {
            Needs::Nothing => Ok(Known::Nothing),
            Needs::Rounding => {
                let place = self.origin.place(self.spot(position));
                self.reading.rounding(&place).map(Known::Rounding)
            }
            Needs::Pattern => self.pattern(arguments),
            Needs::Path => self.path(arguments),
            Needs::Code => self.code(arguments),
            Needs::DateRead => self.date_read(arguments),
            Needs::DateWritten => self.date_written(arguments),
            Needs::Names => self.names(arguments),
            Needs::Lookup => self.lookup(arguments),
        }
    }

    fn at(&self, node: &Node, code: &'static str, message: &str) -> Problem {
        Problem::error(code, self.origin.place(node.spot), message)
    }

    fn pattern(&self, arguments: &[Node]) -> Result<Known> {
        let node = &arguments[1];
        let Some(pattern) = written(node) else {
            let message = "a pattern must be a literal, so that it can be checked in advance";
            return Err(self.at(node, "expression.pattern", message));
        };
        let with = arguments.get(2).and_then(written);
        let groups = with.is_some_and(|with| with.contains('$'));
        match crate::record::pattern::compile(pattern) {
            Ok(pattern) => Ok(Known::Pattern(pattern, groups)),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                let message = format!("`{pattern}` is not a valid pattern: {reason}");
                Err(self.at(node, "expression.pattern", &message))
            }
        }
    }

    fn path(&mut self, arguments: &[Node]) -> Result<Known> {
        let Some(text) = written(&arguments[1]) else {
            return Ok(Known::Nothing);
        };
        let path: Path = text.parse().map_err(|error: crate::path::PathError| {
            self.at(&arguments[1], "expression.path", &error.to_string())
        })?;
        if path.is_many() {
            let message = "a path here names a single place and cannot contain `[*]`";
            return Err(self.at(&arguments[1], "expression.path", message));
        }
        match &arguments[0].step {
            NodeKind::Document => self.reads(&path),
            NodeKind::Path(start) => {
                let segments: Vec<Segment> = [start.segments(), path.segments()].concat();
                self.reads(&Path::from_segments(segments));
            }
            _ => {}
        }
        Ok(Known::Path(path))
    }

    fn code(&self, arguments: &[Node]) -> Result<Known> {
        for node in arguments {
            if written(node).is_none() {
                let message = "a refusal never contains a value of the record: write a literal";
                return Err(self.at(node, "expression.code", message));
            }
        }
        let (code, pointer) = (written(&arguments[0]), arguments.get(1).and_then(written));
        if let Some(code) = code.filter(|code| is_reserved(code)) {
            let message = format!("`{code}` is reserved for the ledger: choose another code");
            return Err(self.at(&arguments[0], "expression.code", &message));
        }
        if !code.is_some_and(|code| is_code(code)) {
            let message = "a code is one or more words of lower-case letters, digits and `_`, joined by dots";
            return Err(self.at(&arguments[0], "expression.code", message));
        }
        if pointer.is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            let message = "a JSON Pointer begins with `/`";
            return Err(self.at(&arguments[1], "expression.code", message));
        }
        Ok(Known::Nothing)
    }

    fn date_read(&self, arguments: &[Node]) -> Result<Known> {
        self.zone(arguments.get(2))?;
        let node = &arguments[1];
        let Some(format) = written(node) else {
            return Ok(Known::Nothing);
        };
        let format = ReadFormat::in_language(format, self.reading.language)
            .map_err(|error| self.bad_format(node, error))?;
        if format.is_naive() && arguments.len() < 3 {
            let message = "the format has a time of day but no offset, and no zone is given";
            return Err(self
                .at(node, "expression.zone", message)
                .help("add the zone as the third argument, for example \"UTC\""));
        }
        Ok(Known::DateRead(Arc::new(format)))
    }

    fn date_written(&self, arguments: &[Node]) -> Result<Known> {
        self.zone(arguments.get(2))?;
        let node = &arguments[1];
        let Some(format) = written(node) else {
            return Ok(Known::Nothing);
        };
        let format = WriteFormat::in_language(format, self.reading.language)
            .map_err(|error| self.bad_format(node, error))?;
        Ok(Known::DateWritten(Arc::new(format)))
    }

    fn bad_format(&self, node: &Node, error: FormatError) -> Problem {
        self.at(node, "expression.format", &error.message)
            .help(error.help)
    }

    fn zone(&self, node: Option<&Node>) -> Result<()> {
        if let Some((node, zone)) = node.and_then(|node| Some((node, written(node)?)))
            && datetime::zone(zone).is_none()
        {
            let message = format!("there is no zone `{zone}`");
            return Err(self
                .at(node, "expression.zone", &message)
                .did_you_mean(zone, datetime::zone_names()));
        }
        Ok(())
    }

    /// What is looked up is known before any record is seen: the stage depends on the database.
    fn lookup(&mut self, arguments: &[Node]) -> Result<Known> {
        let mut texts = [None; 4];
        for (at, node) in arguments.iter().enumerate().filter(|(at, _)| *at != 1) {
            texts[at] = written(node);
            if texts[at].is_none() {
                let message = "only the value that is looked up may depend on the record: write a literal";
                return Err(self.at(node, "expression.lookup", message));
            }
        }
        let [through, _, how, take] = texts;
        let through = through.map_or("", |through| through);
        if let Err(error) = check_database(through) {
            return Err(self.at(&arguments[0], "expression.lookup", &error.to_string()));
        }
        let mut query = match how.map(|how| &**how) {
            None | Some("row") => LookupQuery::row(through),
            Some("golden") => LookupQuery::golden(through),
            Some(_) => {
                let message = "the value identifies a \"row\" or, if it is the id of a merged record, the \"golden\" one";
                return Err(self.at(&arguments[2], "expression.lookup", message));
            }
        };
        if let Some(take) = take {
            let path: Path = take.parse().map_err(|error: crate::path::PathError| {
                self.at(&arguments[3], "expression.path", &error.to_string())
            })?;
            if path.is_many() {
                let message = "a path here names a single place and cannot contain `[*]`";
                return Err(self.at(&arguments[3], "expression.path", message));
            }
            query.take = Some(path);
        }
        if !self.lookups.contains(&query) {
            self.lookups.push(query.clone());
        }
        Ok(Known::Lookup(Arc::new(query)))
    }

    fn names(&self, arguments: &[Node]) -> Result<Known> {
        let NodeKind::List(parts) = &arguments[0].step else {
            return Ok(Known::Nothing);
        };
        let names: Option<Vec<Arc<str>>> = parts.iter().map(|part| written(part).cloned()).collect();
        let Some(names) = names.filter(|names| !names.is_empty()) else {
            return Ok(Known::Nothing);
        };
        let twice = (1..names.len()).any(|at| names[..at].contains(&names[at]));
        if names.len() + 1 != arguments.len() || twice {
            let message = format!("{} different names are needed here", arguments.len() - 1);
            return Err(self
                .at(&arguments[0], "expression.names", &message)
                .help("the first list names the fields, one name for each list that follows"));
        }
        Ok(Known::Names(names))
    }
}
