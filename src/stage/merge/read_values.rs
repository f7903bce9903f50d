//! Reading the values of `[merge]` and of its tables.

use super::draft::Written;
use crate::problem::Problem;
pub(super) use crate::stage::written::{decimal, decimals, text, texts};
use crate::toml::{Collected, Section};

/// The problem of something that is given twice.
pub(super) fn twice(name: &Written, how: &str) -> Problem {
    Problem::error(
        "merge.twice",
        name.place.clone(),
        format!("`{}` is given twice: {how}", name.text),
    )
    .help("keep one of the two")
}

/// Reports the keys of a function where none is named.
pub(super) fn of_no_function(table: &Section<'_>, key: &str, problems: &mut Collected) {
    for given in ["function", "version"].into_iter().filter(|key| table.has(key)) {
        let message = format!("`{given}` belongs to `{key} = \"rust\"`");
        let problem = Problem::error("stage.unknown_key", table.place_of_key(given), message);
        problems.add(problem.help(format!("write it beside `{key} = \"rust\"`, or leave it out")));
    }
}

/// Reads the name and version of something that the program registers.
pub(super) fn function<'n, T>(
    table: &Section<'_>,
    what: &str,
    find: impl FnOnce(&str, u32) -> Option<T>,
    known: impl Iterator<Item = &'n str>,
    problems: &mut Collected,
) -> Option<T> {
    table.needs("function", "its name, as the program registers it", problems);
    table.needs("version", "its version", problems);
    let name = table.text("function", problems)?;
    let version = table.integer("version", 1..=i64::from(u32::MAX), problems)?;
    let found = find(name, u32::try_from(version).unwrap_or(1));
    if found.is_none() {
        let message = format!("no {what} `{name}` is registered in version {version}");
        let problem = Problem::error("stage.unknown_function", table.place_of("function"), message);
        let known: Vec<&str> = known.collect();
        problems.add(if known.contains(&name) {
            problem.help("it is registered in another version")
        } else {
            let help = format!("a {what} is registered by the Rust program that uses the library");
            problem.help(help).did_you_mean(name, known)
        });
    }
    found
}
