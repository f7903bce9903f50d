//! Expressions: words in any order, and well-formed ones that were changed, wherever a stage file takes one.

use std::sync::LazyLock;

use counterfoil::expression::functions;
use counterfoil::stage::Lookup;
use proptest::prelude::*;
use proptest::sample::select;

use super::judge;
use super::stage_files::{exercise, parsed};
use super::texts::{edited, edits};

/// Everything that expressions are made of, the functions aside.
const WORDS: &[&str] = &[
    "doc",
    "doc.a",
    "doc.list",
    "doc.o.x",
    "doc[\"a\"]",
    "doc.list[0]",
    ".",
    "?.",
    "??",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "#{",
    ":",
    ",",
    ";",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "!",
    "=",
    "+=",
    "in",
    "..",
    "..=",
    "let x =",
    "x",
    "if",
    "else",
    "switch",
    "=>",
    "_",
    "for x in",
    "while",
    "loop",
    "break",
    "continue",
    "return",
    "fn f(x)",
    "f",
    "|x|",
    "omit",
    "()",
    "true",
    "0",
    "1.50",
    "-3",
    "99999999999999999999999999999",
    "\"a\"",
    "\"%Y\"",
    "\"UTC\"",
    "`${doc.a}`",
    "'c'",
    "/*",
    "*/",
    "//",
    "\n",
    "import",
    "eval",
    "this",
    "1e5",
    "0b1",
    "\"",
    "\\",
    "\u{e9}",
    "\u{0}",
];

/// Expressions of every kind, to be changed.
const SHAPES: &[&str] = &[
    "if doc.a > 9 { \"many\" } else { omit }",
    "let n = doc.text.trim(); n.upper() + \"!\"",
    "switch doc.a { 1 => \"one\", _ => \"other\" }",
    "let sum = 0; for part in doc.list { sum += part } sum",
    "divide(doc.a, 3, 2) + round(doc.b, 1)",
    "#{ a: doc.a, b: [doc.b, ()], c: #{} }",
    "doc.get(\"nick\") ?? \"none\"",
    "has(doc, \"o.x\") && doc.o.x in [1, 2]",
    "date(doc.text, \"%Y-%m-%d\").format_date(\"%d.%m.%Y\")",
    "doc.text.replace(\"(a)(b)?\", \"$1\").split(\"-\", 2)[0]",
    "refuse(\"order.empty\", \"/items\")",
    "let i = 0; while i < 3 { i += 1; if i == 2 { break } } i",
];

static WITH_FUNCTIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let called = functions().map(|function| format!("{}(", function.name));
    called
        .chain(WORDS.iter().map(|word| (*word).to_owned()))
        .collect()
});

fn expression() -> impl Strategy<Value = String> {
    let words = prop::collection::vec((select(&**WITH_FUNCTIONS), select(&["", " "][..])), 0..12);
    let words = words.prop_map(|words| words.iter().map(|(word, gap)| format!("{word}{gap}")).collect());
    let changed = (select(SHAPES), edits(WORDS, 3)).prop_map(|(text, edits)| edited(text, &edits));
    prop_oneof![1 => words, 3 => changed, 1 => select(SHAPES).prop_map(str::to_owned)]
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => quoted += &format!("\\u{:04x}", u32::from(letter)),
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Places an expression in a stage file, and tells whether it is one there.
fn is_compiled(expression: &str, place: usize) -> bool {
    let record =
        "{\"id\":\"r1\",\"a\":1,\"b\":2.50,\"text\":\"2024-02-29\",\"list\":[1,2],\"o\":{\"x\":null}}"
            .to_owned();
    let text = quoted(&format!("= {expression}"));
    let place = match place {
        0 => format!("where = {text}"),
        1 => format!("id = {text}"),
        2 => format!("prepare = {}", quoted(&format!("let y = {expression};"))),
        3 => format!("[into]\nx = {text}\ny = [{text}]"),
        4 => format!("[[contract.rule]]\nname = \"rule\"\nexpect = {text}"),
        _ => format!("[[op]]\nop = \"set\"\npath = \"a\"\nvalue = {text}"),
    };
    let file = format!("[stage]\nsource = \"a\"\ntarget = \"b\"\nrounding = \"half-up\"\n{place}\n");
    let stage = parsed("0001_fuzz.toml", &file, &Lookup::nothing());
    stage.is_some_and(|stage| exercise(&stage, std::slice::from_ref(&record)))
}

#[test]
fn any_text_as_an_expression_is_compiled_or_refused_with_its_place() {
    judge(700, (expression(), 0..6usize), |(expression, place)| {
        is_compiled(&expression, place)
    });
}

/// What these tests have found.
#[test]
fn texts_that_once_ended_in_a_panic_are_refused() {
    for text in ["#{ a: doc.a, b: [doc.b, ()],`\r{doc.a}`", "[`\r`", "`\r\r`)"] {
        for place in 0..6 {
            assert!(!is_compiled(text, place), "{text:?}");
        }
    }
}
