//! The stage files of a project's folder.

use std::path::{Component, Path};

use super::files::{KEY_FILE, PROJECT_FILE};
use crate::problem::Problem;
use crate::stage::{Lookup, Stage, file_name_parts, read_file};
use crate::toml::Problems;

/// Reads every stage file of a folder, in the order of their numbers, and the problems of all of them.
pub(super) fn read(folder: &Path, lookup: &Lookup) -> (Vec<Stage>, Vec<Problem>) {
    let names = match stage_file_names(folder) {
        Ok(names) => names,
        Err(problem) => return (Vec::new(), vec![problem]),
    };
    for name in &names {
        lookup.note(name);
    }
    let text = |name: &str| read_file(&folder.join(name), name);
    compile(&names, &text, lookup, |name| note_named(folder, name, lookup))
}

/// Compiles stage files, in the order of their names, and collects the problems of all of them. Calls `failed` with
/// each that does not compile.
pub(super) fn compile(
    names: &[String],
    text: &dyn Fn(&str) -> Result<String, Problem>,
    lookup: &Lookup,
    failed: impl Fn(&str),
) -> (Vec<Stage>, Vec<Problem>) {
    let (mut stages, mut problems) = (Vec::new(), Vec::new());
    let mut last: Option<(u32, &str)> = None;
    for name in names {
        let number = match file_name_parts(name) {
            Ok(name) => name.number,
            Err(problem) => {
                problems.push(problem);
                failed(name);
                continue;
            }
        };
        if let Some((_, other)) = last.filter(|(taken, _)| *taken == number) {
            let message = format!("`{other}` and `{name}` have the same number");
            let problem = Problem::error("project.duplicate_number", None, message);
            problems.push(problem.help("give one of them the next free number"));
        }
        last = Some((number, name));
        let text = text(name).map_err(Problems::from);
        match text.and_then(|text| Stage::parse(name, &text, lookup)) {
            Ok(stage) => stages.push(stage),
            Err(found) => {
                problems.extend(found);
                failed(name);
            }
        }
    }
    (stages, problems)
}

/// Notes the files that an uncompilable stage may name: every text in quotes that is a file which a stage could name.
/// They belong to the project as long as the stage does.
fn note_named(folder: &Path, stage: &str, lookup: &Lookup) {
    let Ok(text) = read_file(&folder.join(stage), stage) else {
        return;
    };
    for name in text
        .split(['"', '\'', '\n', '\r'])
        .filter(|name| !name.is_empty())
    {
        let is_below = Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let is_key = Path::new(name).ends_with(KEY_FILE);
        if is_below && !is_key && read_file(&folder.join(name), name).is_ok() {
            lookup.note(name);
        }
    }
}

/// Returns the names of the `.toml` files beside `counterfoil.toml`, sorted: they begin with four digits, so this is
/// number order. Hidden files are skipped: editors leave them.
pub(super) fn stage_file_names(folder: &Path) -> Result<Vec<String>, Problem> {
    let unreadable = |error: std::io::Error| {
        let message = format!("`{}` cannot be listed: {error}", folder.display());
        Problem::error("project.unreadable", None, message)
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        let is_toml = name.to_ascii_lowercase().ends_with(".toml");
        if is_toml && name != PROJECT_FILE && !name.starts_with('.') {
            names.push(name.into_owned());
        }
    }
    names.sort();
    Ok(names)
}
