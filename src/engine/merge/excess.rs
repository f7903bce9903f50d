//! Merges that would exceed a limit: which one, and what to do.

use crate::error::{Error, Result};
use crate::matching::{Exceeded, Excess, Unfinished};
use crate::stage::Stage;

/// Returns what comparing gave; `None` if it had to stop.
pub(super) fn finished<T>(stage: &Stage, compared: Result<T, Unfinished>) -> Result<Option<T>> {
    match compared {
        Ok(compared) => Ok(Some(compared)),
        Err(Unfinished::Stopped) => Ok(None),
        Err(Unfinished::Excess(excess)) => Err(too_much(stage, &excess)),
    }
}

/// Says which limit a merge would exceed, and what to do.
pub(super) fn too_much(stage: &Stage, excess: &Excess) -> Error {
    let mut keys = excess.keys.clone();
    keys.sort_by_key(|key| std::cmp::Reverse(key.pairs));
    let most = keys
        .iter()
        .take(3)
        .map(|key| format!("`{}` {}", key.name, key.pairs));
    let most: Vec<String> = most.collect();
    let (would, limit) = (excess.would, excess.limit);
    let (what, advice) = match excess.what {
        Exceeded::Pairs => (
            format!("would compare {would} pairs, and `limits.pairs` is {limit}"),
            "give `[[merge.block]]` keys that fewer records share, or a smaller `limit`; or raise `[merge.limits] pairs`",
        ),
        Exceeded::Memory => (
            format!("would need {would} bytes, and `limits.memory` is {limit}"),
            "raise `[merge.limits] memory`, or give `[[merge.block]]` keys that fewer records share",
        ),
        Exceeded::Numbers => (
            format!(
                "would compare more than {limit} members, or as many bytes of distinct values of one field"
            ),
            "compare shorter values, or divide the source into several databases",
        ),
    };
    let mut message = format!("stage {} {what}", stage.number());
    if !most.is_empty() {
        message += "; keys with the most pairs: ";
        message += &most.join(", ");
    }
    Error::invalid(message, advice)
}
