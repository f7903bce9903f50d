//! What several commands say in the same words.

use counterfoil::ledger::Renamed;

use super::render::shown;

/// The column of what came out of the records written, where it is not one of each.
pub(super) const OUT: &str = ">out";

/// Whether something has happened, or would happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tense {
    Done,
    Planned,
}

impl Tense {
    pub(super) fn of(self, done: &'static str, planned: &'static str) -> &'static str {
        match self {
            Self::Done => done,
            Self::Planned => planned,
        }
    }
}

/// Suggests what was probably meant, and lists what exists.
pub(crate) fn nearest(name: &str, known: &[String]) -> String {
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let list = known.join(", ");
    match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`? Available: {list}"),
        None => format!("available: {list}"),
    }
}

/// Which batches were hashed under which name.
pub(crate) fn hashed_under(renamed: &Renamed) -> String {
    let [first, last] = renamed.batches;
    let batches = if first == last {
        format!("batch {first} was")
    } else {
        format!("batches {first} to {last} were")
    };
    format!(
        "{batches} hashed under the name `{}` of stage {}, which the ledger keeps as `{}`",
        shown(&renamed.slug),
        renamed.stage,
        shown(&renamed.recorded)
    )
}
