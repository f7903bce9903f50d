//! Rhai as a parser: its grammar, its tokens and its syntax tree. The meaning of the tree is defined here (see
//! `machine`): Rhai's own evaluation silently compares unlike types, rounds decimals, sorts the keys of objects and
//! quotes values in its errors.

use std::sync::LazyLock;

use rhai::{AST, Engine, LexError, OptimizationLevel, ParseError, ParseErrorType, Position};

use super::foreign::{self, Token};
use super::limits;
use super::origin::SourceMap;
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
pub(super) fn parse(source: &str, origin: &SourceMap) -> Result<AST, Problem> {
    let ast = ENGINE
        .compile(source)
        .map_err(|error| problem(&error, source, origin))?;
    if ast.iter_functions().next().is_some() {
        return Err(forbidden("defining a function", origin, Position::new(1, 1)));
    }
    Ok(ast)
}

pub(super) fn forbidden(what: &str, origin: &SourceMap, position: Position) -> Problem {
    let place = origin.place(spot(origin, position));
    Problem::error(
        "expression.forbidden",
        place,
        format!("{what} is not allowed in an expression"),
    )
}

pub(super) fn spot(origin: &SourceMap, position: Position) -> super::origin::SourcePosition {
    origin.position_of(position.line().unwrap_or(1), position.position().unwrap_or(1))
}

fn problem(error: &ParseError, source: &str, origin: &SourceMap) -> Problem {
    let position = error.position();
    // At the end of the text Rhai gives no position: the problem is after the last character.
    let (line, column) = if let Some(line) = position.line() {
        (line, position.position().unwrap_or(1))
    } else {
        let last = source.rsplit('\n').next().unwrap_or_default();
        (source.split('\n').count(), last.chars().count() + 1)
    };
    let token = Token::at(source, line, column);
    let place = origin.place(origin.position_of(line, column));
    if let ParseErrorType::Reserved(word) | ParseErrorType::BadInput(LexError::ImproperSymbol(word, _)) =
        error.err_type()
    {
        let problem = forbidden(&format!("`{word}`"), origin, position);
        return match foreign::instead(word).filter(|_| !token.is_property()) {
            Some(instead) => problem.help(instead),
            None if word.starts_with(char::is_alphabetic) => problem.help(format!(
                "a property with this name is written doc[\"{word}\"]; a variable needs another name"
            )),
            None => problem.help(foreign::THERE_ARE),
        };
    }
    let token = match token.foreign() {
        Ok((token, instead)) => {
            let (line, column) = token.place();
            let place = origin.place(origin.position_of(line, column));
            let message = format!("`{}` is not valid here", token.text);
            return Problem::error("expression.syntax", place, message).help(instead);
        }
        Err(token) => token,
    };
    let (message, help) = worded(error.err_type(), &token);
    let problem = Problem::error("expression.syntax", place, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Returns what is wrong at a token, and what to do about it.
fn worded(error: &ParseErrorType, token: &Token<'_>) -> (String, Option<String>) {
    let of_a_text = "write strings in double quotes: \"paid\"; and a whole expression in single quotes: '= doc.state \
        == \"paid\"'";
    let (message, help) = match error {
        ParseErrorType::ExprTooDeep => (
            format!("the expression is nested deeper than {} levels", limits::DEPTH),
            "",
        ),
        ParseErrorType::BadInput(LexError::MalformedNumber(_)) => {
            ("a number that does not fit 28 digits exactly".to_owned(), "")
        }
        ParseErrorType::BadInput(LexError::MalformedChar(_)) => {
            ("single quotes enclose a single character".to_owned(), of_a_text)
        }
        ParseErrorType::BadInput(LexError::UnterminatedString) => (
            "the string that begins here is not closed".to_owned(),
            "close it with the quote that opened it",
        ),
        ParseErrorType::BadInput(LexError::UnexpectedInput(found)) => {
            let message = format!("`{found}` is not valid here");
            let help = match found.chars().next() {
                Some('\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}') => of_a_text,
                Some(letter) if letter.is_alphabetic() => {
                    "a field whose name has letters other than a to z is written doc[\"größe\"]"
                }
                _ => "",
            };
            (message, help)
        }
        ParseErrorType::UnexpectedEOF => {
            let last = token.previous();
            (
                foreign::too_early(last.map_or("", |last| last.text)).into_owned(),
                "",
            )
        }
        ParseErrorType::MissingToken(missing, _) => is_missing(missing, token),
        ParseErrorType::UnknownOperator(symbol) => {
            (format!("there is no operator `{symbol}`"), foreign::THERE_ARE)
        }
        ParseErrorType::PropertyExpected if token.is_at_the_end() => (
            "the expression ends too early: a name is missing after `.`".to_owned(),
            "",
        ),
        ParseErrorType::PropertyExpected => (
            "a name is expected after `.`".to_owned(),
            "a name that is a keyword is written doc[\"name\"]; strings are joined with `+`",
        ),
        other => (lower_first(&other.to_string()), ""),
    };
    (message, (!help.is_empty()).then(|| help.to_owned()))
}

/// Returns the message for a token other than the expected one.
fn is_missing(expected: &str, token: &Token<'_>) -> (String, &'static str) {
    match (expected, token.is_at_the_end()) {
        // Only inside of a block does a statement have to end.
        (";", true) => (
            "the expression ends too early: `{` opens a block that `}` must close".to_owned(),
            "",
        ),
        (";", false) => {
            let message = format!(
                "the expression is complete before `{}` and cannot continue with it",
                token.text
            );
            let help = match token.text {
                ":" => "an object is written `#{ a: 1 }`",
                _ => {
                    "an operator is missing here, such as `&&`, `==` or `+`; statements are separated by `;`"
                }
            };
            (message, help)
        }
        (_, true) => (
            format!("the expression ends too early: `{expected}` is missing"),
            "",
        ),
        (_, false) => {
            let help = match (expected, token.text) {
                (")", ",") => "a list is written `[1, 2]`",
                _ => "",
            };
            (format!("`{expected}` is missing before `{}`", token.text), help)
        }
    }
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}
