//! Names and numbers.

use std::sync::Arc;

use rhai::{Expr, Position};

use super::chain::{Link, segment};
use super::compiler::{Compiler, Result};
use crate::expression::datum::Datum;
use crate::expression::foreign;
use crate::expression::functions;
use crate::expression::node::NodeKind;
use crate::path::Segment;
use crate::record::exact_decimal;

impl Compiler<'_> {
    pub(super) fn name(&mut self, name: &str, position: Position) -> Result<NodeKind> {
        if let Some((_, slot)) = self.visible.iter().rev().find(|(known, _)| **known == *name) {
            return Ok(NodeKind::Local(*slot));
        }
        if self.reading.names.iter().any(|known| known == name) {
            self.is_alone = false;
            return Ok(NodeKind::Prepared(Arc::from(name)));
        }
        match name {
            "doc" => return Ok(NodeKind::Document),
            "omit" => return Ok(NodeKind::Constant(Datum::Omit)),
            _ => {}
        }
        let problem = self.problem(
            "expression.unknown_name",
            position,
            format!("`{name}` is not defined here"),
        );
        if let Some(function) = functions::function(name) {
            return Err(problem.help(format!("`{name}` is a function: {}", function.signature)));
        }
        if let Some(instead) = foreign::value(name) {
            return Err(problem.help(instead));
        }
        let own = self.visible.iter().map(|(known, _)| &**known);
        let prepared = self.reading.names.iter().map(String::as_str);
        Err(problem.help(foreign::meant(name, own.chain(prepared).chain(["doc", "omit"]))))
    }

    /// Returns the name with dots that a chain begins with, such as `birth.year`, and the number of its links: names that
    /// have their values from elsewhere may consist of several words.
    pub(super) fn dotted_name(
        &mut self,
        first: &Expr,
        links: &[Link<'_>],
    ) -> Result<Option<(NodeKind, usize)>> {
        let Expr::Variable(variable, ..) = first else {
            return Ok(None);
        };
        let first_word = variable.1.as_str();
        let begins = format!("{first_word}.");
        let is_local = self.visible.iter().any(|(known, _)| **known == *first_word);
        let dotted = self.reading.names.iter().filter(|name| name.starts_with(&begins));
        let dotted: Vec<&str> = dotted.map(String::as_str).collect();
        if is_local || dotted.is_empty() {
            return Ok(None);
        }
        let words = links.iter().map_while(|link| match segment(link) {
            Some(Segment::Key(word)) => Some(word),
            _ => None,
        });
        let words: Vec<String> = words.collect();
        for taken in (1..=words.len()).rev() {
            let name = format!("{begins}{}", words[..taken].join("."));
            if dotted.contains(&name.as_str()) {
                self.is_alone = false;
                return Ok(Some((NodeKind::Prepared(Arc::from(name)), taken)));
            }
        }
        let Some(word) = words.first() else {
            return Ok(None);
        };
        let known: Vec<&str> = dotted
            .iter()
            .filter_map(|name| name.strip_prefix(&begins))
            .collect();
        let message = format!("`{first_word}` has no `{word}`");
        let problem = self.problem("expression.unknown_name", links[0].item.position(), message);
        Err(problem
            .help(format!("it has: {}", known.join(", ")))
            .did_you_mean(word, known))
    }

    /// Returns the exact decimal of a literal. Rhai rounds a literal that is too long, so its text is read again.
    pub(super) fn exact(&self, parsed: rust_decimal::Decimal, position: Position) -> Result<Datum> {
        let literal = self.literal(position);
        match exact_decimal(&literal.replace('_', "")) {
            Ok(exact) if exact == parsed.abs() => Ok(Datum::Decimal(parsed)),
            _ => Err(self.problem(
                "expression.syntax",
                position,
                "a number that does not fit 28 digits exactly".to_owned(),
            )),
        }
    }

    /// Rhai also reads hexadecimal, octal and binary integers, and lets them wrap below zero.
    pub(super) fn decimal_digits(&self, position: Position) -> Result<()> {
        let literal = self.literal(position);
        if literal.starts_with('0') && literal.contains(|character: char| character.is_ascii_alphabetic()) {
            return Err(self.forbidden("an integer that is not written in decimal digits", position));
        }
        Ok(())
    }

    /// Returns the text of the number at a position, without its sign.
    fn literal(&self, position: Position) -> &str {
        let line = self.source.split('\n').nth(position.line().unwrap_or(1) - 1);
        let skipped = position.position().unwrap_or(1) - 1;
        let rest = line.unwrap_or_default();
        let rest = rest
            .char_indices()
            .nth(skipped)
            .map_or("", |(at, _)| &rest[at..])
            .trim_start_matches(['-', ' ', '\t']);
        let end = rest.char_indices().find(|(at, character)| match character {
            '.' => !rest[at + 1..].starts_with(|next: char| next.is_ascii_digit()),
            other => !other.is_ascii_alphanumeric() && *other != '_',
        });
        &rest[..end.map_or(rest.len(), |(at, _)| at)]
    }
}
