//! Warnings about databases whose names nearly equal others, which are probably typing errors.

use std::collections::BTreeSet;

use super::settings::ProjectSettings;
use crate::problem::{Place, Problem};
use crate::stage::Stage;

/// The code of a database whose name is nearly that of another.
pub(super) const NEAR: &str = "project.near_name";

/// Warns of each database that is read but that nothing fills or declares, if one with nearly that name is filled or
/// declared. A source that nothing fills is not an error: records are loaded into it.
pub(super) fn check(
    settings: &ProjectSettings,
    stages: &[Stage],
    place_of: impl Fn(&str) -> Option<Place>,
) -> Vec<Problem> {
    let declared = settings.databases.keys().map(String::as_str);
    let targets = stages.iter().filter(|stage| !stage.in_place()).map(Stage::target);
    let known: BTreeSet<&str> = declared.chain(targets).collect();
    let unknown = stages.iter().filter(|stage| !known.contains(stage.source()));
    let warnings = unknown.filter_map(|stage| {
        let source = stage.source();
        let near = known
            .iter()
            .find(|name| nearly(source, name) && **name != stage.target())?;
        let message = format!("nothing fills `{source}`");
        let problem = Problem::warning(NEAR, stage.place_of("stage", "source"), message);
        Some(problem.help(format!(
            "did you mean `{near}`? If not, declare [database.{source}]"
        )))
    });
    let mut warnings: Vec<Problem> = warnings.collect();
    warnings.extend(declared_in_vain(settings, stages, place_of));
    warnings.extend(stages.iter().flat_map(|stage| referred_to(stage, &known, stages)));
    warnings.extend(stages.iter().filter_map(|stage| read_too_early(stage, stages)));
    warnings
}

/// Warns of each declaration that no stage uses, if a stage fills an undeclared database of nearly that name: the
/// declaration, for example its `system`, would have no effect. A source of such a name is reported by [`check`].
fn declared_in_vain(
    settings: &ProjectSettings,
    stages: &[Stage],
    place_of: impl Fn(&str) -> Option<Place>,
) -> Vec<Problem> {
    let referred_to = |stage: &Stage, name: &str| {
        let mut rules = stage.contract().references.iter();
        rules.any(|rule| rule.to == name)
    };
    let is_used = |name: &str| {
        let mut stages = stages.iter();
        stages.any(|stage| stage.source() == name || stage.target() == name || referred_to(stage, name))
    };
    let targets = stages.iter().filter(|stage| !stage.in_place()).map(Stage::target);
    let targets: BTreeSet<&str> = targets
        .filter(|target| !settings.databases.contains_key(*target))
        .collect();
    let unused = settings.databases.keys().filter(|name| !is_used(name));
    let warnings = unused.filter_map(|name| {
        let near = targets.iter().find(|target| nearly(name, target))?;
        let message = format!("[database.{name}] is declared, but no stage reads or fills `{name}`");
        let problem = Problem::warning("check.unknown_database", place_of(name), message);
        Some(problem.help(format!(
            "did you mean [database.{near}]? If not, declare that one as well"
        )))
    });
    warnings.collect()
}

/// Warns of a stage before the one that fills its source, if a later one changes that source in place: what the stage
/// reads then depends on which of them ran first.
fn read_too_early(stage: &Stage, stages: &[Stage]) -> Option<Problem> {
    let later = || stages.iter().filter(|later| later.number() > stage.number());
    let fills = later().find(|later| !later.in_place() && later.target() == stage.source())?;
    let changes = later().find(|later| later.in_place() && later.source() == stage.source())?;
    let message = format!(
        "stage {} reads `{}` before stage {} fills it, and stage {} changes it in place: it may read records in the \
         shape before or after that change",
        stage.number(),
        stage.source(),
        fills.number(),
        changes.number()
    );
    let problem = Problem::warning(
        "project.read_too_early",
        stage.place_of("stage", "source"),
        message,
    );
    Some(problem.help(format!(
        "give the stage a number after {}",
        fills.number().max(changes.number())
    )))
}

/// Warns of each stage whose source is not in a store with these databases, and which no other stage would fill and no
/// declaration names: it is read as an empty one, so a typing error would go unnoticed.
pub(super) fn absent(settings: &ProjectSettings, stages: &[&Stage], databases: &[String]) -> Vec<Problem> {
    let declared = settings.databases.keys().map(String::as_str);
    let filling = stages.iter().filter(|stage| !stage.in_place());
    let targets = filling.map(|stage| stage.target());
    let databases = databases.iter().map(String::as_str);
    let known: BTreeSet<&str> = databases.chain(targets).chain(declared).collect();
    let unknown = stages.iter().filter(|stage| !known.contains(stage.source()));
    let warning = |stage: &&Stage| {
        let source = stage.source();
        let message = format!(
            "stage {} reads `{source}`, which does not exist yet and is read as empty",
            stage.number()
        );
        let problem = Problem::warning(
            "project.source_missing",
            stage.place_of("stage", "source"),
            message,
        );
        let fills = format!("`counterfoil load {source} FILE` fills it");
        let near = known
            .iter()
            .find(|name| nearly(source, name) && **name != stage.target());
        problem.help(match near {
            Some(near) => format!("did you mean `{near}`? If not, {fills}"),
            None => fills,
        })
    };
    unknown.map(warning).collect()
}

/// Warns in the same way of databases that the contract of a stage refers to; a database that a stage reads counts as
/// existing.
fn referred_to(stage: &Stage, known: &BTreeSet<&str>, stages: &[Stage]) -> Vec<Problem> {
    let known: BTreeSet<&str> = stages
        .iter()
        .map(Stage::source)
        .chain(known.iter().copied())
        .collect();
    let rules = stage.contract().references.iter();
    let unknown = rules.filter(|rule| !known.contains(rule.to.as_str()));
    let warnings = unknown.filter_map(|rule| {
        let near = known.iter().find(|name| nearly(&rule.to, name))?;
        let message = format!("nothing fills `{}`, which `{}` refers to", rule.to, rule.name);
        let problem = Problem::warning(NEAR, stage.place_of("contract", "references"), message);
        Some(problem.help(format!(
            "did you mean `{near}`? If not, declare [database.{}]",
            rule.to
        )))
    });
    warnings.collect()
}

/// Returns whether two names differ by one or two letters. Names that differ only in digits are versions of each other.
fn nearly(left: &str, right: &str) -> bool {
    let letters = |name: &str| {
        name.chars()
            .filter(|letter| !letter.is_ascii_digit())
            .collect::<String>()
    };
    letters(left) != letters(right) && strsim::damerau_levenshtein(left, right) <= 2 && left.len() > 4
}
