//! What operators and functions take and give.

use super::set::Types;
use crate::datetime::ReadFormat;
use crate::expression::datum::Datum;
use crate::expression::functions::call::Function;
use crate::expression::node::{Node, NodeKind};
use crate::expression::operator::Operator;

/// What both sides of an operator may be, and what it gives where that does not follow.
pub(super) fn signature(operator: Operator) -> (&'static [Types], Option<Types>) {
    const NUMBERS: &[Types] = &[Types::NUMBER];
    const ADDED: &[Types] = &[Types::NUMBER, Types::TEXT, Types::LIST];
    const ORDERED: &[Types] = &[Types::NUMBER, Types::TEXT, Types::DAY, Types::INSTANT];
    const EQUAL: &[Types] = &[
        Types::NULL,
        Types::BOOLEAN,
        Types::NUMBER,
        Types::TEXT,
        Types::DAY,
        Types::INSTANT,
        Types::LIST,
        Types::OBJECT,
    ];
    match operator {
        Operator::Add => (ADDED, None),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => (NUMBERS, None),
        Operator::Equal | Operator::Unequal => (EQUAL, Some(Types::BOOLEAN)),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            (ORDERED, Some(Types::BOOLEAN))
        }
        Operator::Range | Operator::RangeInclusive => (NUMBERS, Some(Types::LIST)),
    }
}

/// What a function takes as one of its values; `None` where that is not known.
pub(super) fn takes(function: &Function, at: usize) -> Option<Types> {
    let inside = Types::LIST.or(Types::OBJECT);
    let scalar = Types::TEXT.or(Types::NUMBER).or(Types::BOOLEAN).or(Types::DATE);
    let types = match (function.name, at) {
        ("decimal" | "integer", 0) | ("has" | "get", 1) => Types::NUMBER.or(Types::TEXT),
        ("round" | "divide" | "abs", _) | ("split", 2) | ("prefix", 1) => Types::NUMBER,
        ("sum" | "join", 0) | ("zip", _) => Types::LIST,
        ("text", 0) => scalar,
        (
            "trim" | "upper" | "lower" | "split" | "list" | "replace" | "matches" | "date" | "sha256"
            | "starts_with" | "ends_with" | "hmac" | "uuid5" | "fold" | "soundex" | "metaphone" | "prefix"
            | "distance" | "similar",
            _,
        )
        | ("format_date", 1..)
        | ("join", 1) => Types::TEXT,
        ("format_date", 0) => Types::DATE,
        ("has" | "get", 0) => inside,
        ("len" | "contains", 0) => inside.or(Types::TEXT),
        ("keys", 0) => Types::OBJECT,
        _ => return None,
    };
    Some(types)
}

/// What a function may give.
pub(super) fn gives(function: &Function, arguments: &[Node]) -> Types {
    match function.name {
        "has" | "is_null" | "matches" | "contains" | "starts_with" | "ends_with" => Types::BOOLEAN,
        "len" | "decimal" | "integer" | "round" | "divide" | "sum" | "abs" | "distance" | "similar" => {
            Types::NUMBER
        }
        "keys" | "zip" | "split" | "list" => Types::LIST,
        "text" | "trim" | "upper" | "lower" | "join" | "replace" | "format_date" | "sha256" | "hmac"
        | "uuid5" | "secret" | "fold" | "prefix" => Types::TEXT,
        "soundex" | "metaphone" => Types::TEXT.or(Types::NULL),
        "now" => Types::INSTANT,
        "date" => date(arguments),
        "refuse" => Types::NOTHING,
        _ => Types::ANY,
    }
}

/// A day or an instant, as far as the format is written out.
fn date(arguments: &[Node]) -> Types {
    let format = match arguments {
        // A day in a zone is its beginning there.
        [_, _, _] => return Types::INSTANT,
        [_, format] => match &format.step {
            NodeKind::Constant(Datum::Text(format)) => ReadFormat::new(format).ok(),
            _ => None,
        },
        _ => None,
    };
    match format {
        Some(format) if format.is_day() => Types::DAY,
        Some(_) => Types::INSTANT,
        None => Types::DATE,
    }
}
