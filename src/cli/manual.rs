//! The manual, docs/commands.md, generated from the definitions of the commands.

use clap::{Command, CommandFactory as _};

use super::arguments::Cli;

const MANUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");

const INTRODUCTION: &str = "# Commands\n\n\
Generated from the command itself: `UPDATE_DOCS=1 cargo test --bin counterfoil manual` rewrites it.\n\n";

fn manual() -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut text = INTRODUCTION.to_owned();
    text += &section("counterfoil", &mut command.clone(), "##");
    for sub in visible(&command) {
        let name = format!("counterfoil {}", sub.get_name());
        text += &section(&name, &mut sub.clone(), "##");
        for inner in visible(sub) {
            let name = format!("{name} {}", inner.get_name());
            text += &section(&name, &mut inner.clone(), "###");
        }
    }
    text.trim_end().to_owned() + "\n"
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

/// A command's help; the options that every command understands stand in the first section only.
fn section(name: &str, command: &mut Command, level: &str) -> String {
    let mut shown = command.clone().bin_name(name).term_width(100);
    if name != "counterfoil" {
        let global: Vec<_> = shown
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().clone())
            .collect();
        for id in global {
            shown = shown.mut_arg(id, |argument| argument.hide(true));
        }
    }
    let help = shown.render_long_help().to_string();
    let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    format!("{level} {name}\n\n```text\n{}\n```\n\n", help.join("\n"))
}

#[test]
fn the_manual_has_every_command_as_it_is() {
    let manual = manual();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(MANUAL, &manual).unwrap();
    }
    let written = std::fs::read_to_string(MANUAL).unwrap_or_default();
    assert!(
        written == manual,
        "docs/commands.md is not up to date: UPDATE_DOCS=1 cargo test --bin counterfoil manual"
    );
}

const EXPRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/expressions.md");

const EXPRESSIONS_HEAD: &str = r#"# Expressions

Generated from the table of functions: `UPDATE_DOCS=1 cargo test --bin counterfoil manual` rewrites it.

In a stage file, text that begins with `= ` (with the space) is an expression; so is the argument of
`counterfoil query --where`. The syntax is [Rhai](https://rhai.rs)'s, the meaning is Counterfoil's:

```text
doc.customer.name               a field; a missing one refuses the record (expression.missing_property)
doc["odd key"]                  a field whose name is not a word
doc.items[0].price              an element of a list, from 0
has(doc, "customer.name")       whether the field exists, null or not
doc.get("nick") ?? "none"       null if the field is missing; `??` replaces null by its right side
doc.note == ()                  () is null; as a result it writes null
if doc.n > 9 { "many" } else { omit }      omit leaves the field out
doc.price * doc.count           numbers are exact: 0.1 + 0.2 is 0.3, and a result that does not fit refuses the record
divide(doc.total, 3, 2)         an inexact division names its decimal places; `/` refuses it
round(doc.total, 2)             rounds as [stage] rounding says
decimal(doc.amount)             "12.50" to a number; 1 == "1" is refused, different types are never compared
doc.status in ["new", "paid"]   whether it is one of them
doc.paid && !(doc.n == 1 || doc.n > 9)     and, not, or; text is in double quotes; a single `=` does not compare
let n = doc.name.trim(); n.upper() + "!"   names, statements; f(a, b) can be written a.f(b)
switch doc.code { 1 => "one", _ => "other" }   also: for, while, loop, return
refuse("order.empty", "/items") refuses the record under a code of your own
```

The only clock is `now()`, the time of the pass (of the command, in `query` and `validate`). There is no randomness, and no
access to files or the network. Expressions are limited in steps, depth and size.

## Functions

The value before the dot is the first argument: `split(doc.name, " ")` is `doc.name.split(" ")`. Arguments
in `[...]` are optional.

| function | result |
|---|---|
"#;

fn expressions() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let rows = counterfoil::expression::functions().map(|function| {
        format!(
            "| `{}` | {} |\n",
            cell(function.signature),
            cell(function.summary)
        )
    });
    EXPRESSIONS_HEAD.to_owned() + &rows.collect::<String>()
}

#[test]
fn the_manual_has_every_function_of_expressions_as_it_is() {
    let manual = expressions();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(EXPRESSIONS, &manual).unwrap();
    }
    let written = std::fs::read_to_string(EXPRESSIONS).unwrap_or_default();
    assert!(
        written == manual,
        "docs/expressions.md is not up to date: UPDATE_DOCS=1 cargo test --bin counterfoil manual"
    );
}

#[test]
fn the_definitions_of_the_commands_are_sound() {
    Cli::command().debug_assert();
}
