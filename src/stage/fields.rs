//! Fields that cannot exist: what `[into]` builds is known before any record is read.

use crate::expression::{Expression, Template};
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};

/// Returns the problem if an expression on the final document reads a field that `[into]` does not build.
pub(super) fn unknown_field(expression: &Expression, into: &Template, place: &Place) -> Option<Problem> {
    let reads = expression.reads();
    let (path, name, known) = reads.iter().find_map(|path| {
        let (name, known) = missing(into, path)?;
        Some((path, name, known))
    })?;
    let message = format!("[into] does not build `{path}`: there is no field `{name}`");
    let problem = Problem::error("stage.unknown_field", place.clone(), message);
    Some(
        problem
            .help(format!("its fields are: {}", known.join(", ")))
            .did_you_mean(name, known),
    )
}

/// Returns the first name on the path that is not built, and the names that are built there.
fn missing<'t, 'p>(into: &'t Template, path: &'p Path) -> Option<(&'p str, Vec<&'t str>)> {
    let mut template = into;
    for segment in path.segments() {
        let (Segment::Key(name), Template::Object(fields)) = (segment, template) else {
            return None;
        };
        match fields.iter().find(|field| field.name == *name) {
            Some(next) => template = &next.template,
            None => return Some((name, fields.iter().map(|field| field.name.as_str()).collect())),
        }
    }
    None
}
