//! What a stage that merges cannot have.

use crate::problem::{Place, Problem};
use crate::stage::settings::{OnConflict, StageSettings, Stale};

/// Returns the problems of the settings of a stage that merges. `has`: the parts beside `[stage]` that it has although
/// they belong to other stages; `place` returns the place of a part, or of a key of `[stage]`.
pub(in crate::stage) fn exclusions<'k>(
    settings: &StageSettings,
    has: impl Iterator<Item = &'k str>,
    place: impl Fn(&str) -> Option<Place>,
) -> Vec<Problem> {
    let error = |key: &str, message: &str, help: &str| {
        Problem::error("merge.excludes", place(key), message).help(help)
    };
    let mut problems: Vec<Problem> = has
        .map(|key| {
            let part = match key {
                "op" => "[[op]]",
                "into" => "[into]",
                other => other,
            };
            let message =
                format!("[merge] and `{part}` exclude each other: a stage merges records or changes each");
            error(
                key,
                &message,
                "change the records in a stage before the merge, or in one after it",
            )
        })
        .collect();
    let in_place = settings
        .target
        .as_ref()
        .is_none_or(|target| *target == settings.source);
    if in_place {
        let message = "a stage that merges needs a target: the members stay as they are in the source";
        problems.push(
            Problem::error("merge.no_target", place("source"), message)
                .help("give [stage] a `target`, for example `people`"),
        );
    }
    if settings.prepare.is_some() {
        problems.push(error(
            "prepare",
            "[merge] and `prepare` exclude each other",
            "compute values in the `value` of a [[merge.field]]",
        ));
    }
    if settings.on_conflict != OnConflict::Refuse {
        problems.push(error(
            "on_conflict",
            "a stage that merges cannot skip or replace: a golden record whose id is taken is refused",
            "leave out `on_conflict`",
        ));
    }
    if settings.stale != Stale::Keep {
        problems.push(error(
            "stale",
            "a stage that merges cannot remove: a golden record that would violate its contract stays as it was",
            "leave out `stale`",
        ));
    }
    problems
}
