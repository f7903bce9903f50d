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

#[test]
fn the_definitions_of_the_commands_are_sound() {
    Cli::command().debug_assert();
}
