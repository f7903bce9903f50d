//! Rhai as a parser: its grammar, its tokens and its syntax tree. What the tree means is ours (see `machine`):
//! Rhai's own evaluation compares unlike types without a word, rounds decimals, sorts the keys of objects and
//! quotes values in its errors.

use std::sync::LazyLock;

use rhai::{AST, Engine, LexError, OptimizationLevel, ParseError, ParseErrorType, Position};

use super::limits;
use super::origin::Origin;
use crate::problem::Problem;

/// Words of Rhai that have no meaning in expressions.
const FORBIDDEN: &[&str] = &[
    "eval",
    "import",
    "export",
    "print",
    "debug",
    "fn",
    "private",
    "this",
    "throw",
    "try",
    "catch",
    "Fn",
    "call",
    "curry",
    "is_shared",
    "is_def_var",
    "is_def_fn",
    "type_of",
    "global",
];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = Engine::new_raw();
    // Nothing is folded: a constant part is evaluated by our rules like any other.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(limits::DEPTH, limits::DEPTH);
    engine.set_allow_anonymous_fn(false);
    for word in FORBIDDEN {
        engine.disable_symbol(*word);
    }
    engine
});

/// Parses a text; positions inside it are turned into places of the stage file.
pub(super) fn parse(source: &str, origin: &Origin) -> Result<AST, Problem> {
    let ast = ENGINE
        .compile(source)
        .map_err(|error| problem(&error, source, origin))?;
    if ast.iter_functions().next().is_some() {
        return Err(forbidden("a function of one's own", origin, Position::new(1, 1)));
    }
    Ok(ast)
}

pub(super) fn forbidden(what: &str, origin: &Origin, position: Position) -> Problem {
    let place = origin.place(spot(origin, position));
    Problem::error(
        "expression.forbidden",
        place,
        format!("{what} has no place in an expression"),
    )
}

pub(super) fn spot(origin: &Origin, position: Position) -> super::origin::Spot {
    origin.spot_of(position.line().unwrap_or(1), position.position().unwrap_or(1))
}

fn problem(error: &ParseError, source: &str, origin: &Origin) -> Problem {
    let position = error.position();
    if let ParseErrorType::Reserved(word) | ParseErrorType::BadInput(LexError::ImproperSymbol(word, _)) =
        error.err_type()
    {
        let problem = forbidden(&format!("`{word}`"), origin, position);
        return problem
            .help("a property of this name is written doc[\"name\"]; a name of one's own must be another");
    }
    let message = match error.err_type() {
        ParseErrorType::ExprTooDeep => {
            format!("the expression is nested deeper than {} levels", limits::DEPTH)
        }
        ParseErrorType::BadInput(LexError::MalformedNumber(_)) => {
            "a number that 28 digits do not hold exactly".to_owned()
        }
        other => lower_first(&other.to_string()),
    };
    // At the end of the text Rhai gives no position: the problem is after the last character.
    let place = if position.is_none() {
        let line = source.split('\n').count();
        let column = source.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        origin.place(origin.spot_of(line, column))
    } else {
        origin.place(spot(origin, position))
    };
    let problem = Problem::error("expression.syntax", place, message);
    match error.err_type() {
        ParseErrorType::PropertyExpected => {
            problem.help("a name that is a word of the language is written doc[\"name\"]")
        }
        _ => problem,
    }
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}
