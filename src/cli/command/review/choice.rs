//! Which stage, and which pairs.

use std::collections::BTreeSet;

use counterfoil::record::RecordNumber;
use counterfoil::review::{PairName, QueueFilter};
use counterfoil::stage::Stages;
use counterfoil::store::Store;

use crate::cli::failure::Failure;

/// Reads the name of a pair.
pub(super) fn pair(text: &str) -> Result<PairName, String> {
    let wrong = "expected a pair such as 4+9: the numbers of two records";
    PairName::parse(text.trim()).ok_or_else(|| wrong.to_owned())
}

/// Returns the stage that is meant: the given one, the only one that merges, or the only one in whose queue all pairs are.
pub(super) fn stage_of(
    stages: &Stages,
    store: &Store,
    given: Option<u32>,
    pairs: &[(RecordNumber, RecordNumber)],
) -> Result<u32, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let merging: Vec<u32> = stages
        .iter()
        .filter(|stage| stage.merge().is_some())
        .map(counterfoil::Stage::number)
        .collect();
    if let [only] = merging.as_slice() {
        return Ok(*only);
    }
    let mut of_all: Option<BTreeSet<u32>> = None;
    for pair in pairs {
        let filter = QueueFilter::default().pair(*pair);
        let queue = store.review_queue(stages.project(), &filter)?;
        let of_pair: BTreeSet<u32> = queue.iter().map(|queued| queued.stage).collect();
        of_all = Some(match of_all {
            Some(of_all) => of_all.intersection(&of_pair).copied().collect(),
            None => of_pair,
        });
    }
    let of_all: Vec<u32> = of_all.unwrap_or_default().into_iter().collect();
    match (of_all.as_slice(), merging.as_slice()) {
        ([only], _) => Ok(*only),
        (_, []) => Err(Failure::usage(
            "review.none",
            "no stage of this project merges records",
            "a stage with a [merge] has pairs to decide (docs/matching.md)",
        )),
        _ => Err(Failure::usage(
            "review.stage",
            "several stages merge records",
            "name one with --stage N",
        )),
    }
}
