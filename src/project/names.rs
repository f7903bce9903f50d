//! Databases whose names are nearly those of others: probably typing errors.

use std::collections::BTreeSet;

use super::Settings;
use crate::problem::Problem;
use crate::stage::Stage;

/// A warning for each database that is read but that nothing fills or declares, where one with nearly that name is
/// filled or declared. That nothing fills a source is in order: records are loaded into it.
pub(super) fn check(settings: &Settings, stages: &[Stage]) -> Vec<Problem> {
    let declared = settings.databases.keys().map(String::as_str);
    let targets = stages.iter().filter(|stage| !stage.in_place()).map(Stage::target);
    let known: BTreeSet<&str> = declared.chain(targets).collect();
    let unknown = stages.iter().filter(|stage| !known.contains(stage.source()));
    let warnings = unknown.filter_map(|stage| {
        let source = stage.source();
        let near = known.iter().find(|name| nearly(source, name))?;
        let message = format!("nothing fills `{source}`");
        let problem = Problem::warning("project.near_name", stage.place_of("stage", "source"), message);
        Some(problem.help(format!(
            "did you mean `{near}`? If not, declare [database.{source}]"
        )))
    });
    warnings.collect()
}

/// Whether two names differ by one or two letters. Names that differ only in digits are versions of each other.
fn nearly(left: &str, right: &str) -> bool {
    let letters = |name: &str| {
        name.chars()
            .filter(|letter| !letter.is_ascii_digit())
            .collect::<String>()
    };
    letters(left) != letters(right) && strsim::damerau_levenshtein(left, right) <= 2 && left.len() > 4
}
