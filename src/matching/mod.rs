//! Which records describe the same person, or the same thing: fields compared level by level, a model of how often each
//! level occurs among matches and among others, candidate pairs, scores and clusters.
//!
//! Everything here works on `Features`, the normalized texts of a record's fields, and knows neither
//! documents nor SQL. The results are integers and the same bytes on every machine, with any number of threads, and in
//! any order of the records.

mod clusters;
mod compare;
mod features;
mod keys;
mod limits;
mod model;
mod odds;
mod score;
mod settings;
mod shown;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use clusters::Then;
pub use settings::{Caution, Classes, Comparator, Compare, Join, Kind, Role};
pub use shown::{Bits, Probability};
pub use table::{FieldModel, LevelShares, MatchModel, percent};

pub(crate) use clusters::{Clustering, Constraints, FREE, Parted, Review, cluster, parted};
pub(crate) use compare::MOST_SLOTS;
pub(crate) use features::{ABSENT, Features, FeaturesBuilder, MemberText};
pub(crate) use keys::{Apart, Blocks};
pub(crate) use limits::{Exceeded, Excess, Threads, Unfinished};
pub(crate) use model::{Model, learn};
pub(crate) use odds::bits_of;
pub(crate) use score::{Edge, Scored, Scorer, score};
pub(crate) use settings::{
    Field, Group, GroupPart, Key, KeyPart, Learn, Limits, Millibits, Ppm, Settings, place,
};
pub(crate) use shown::expected_in;
pub(crate) use table::in_words;

// For the tests, and for `benches/matching.rs`, which includes this folder.
#[allow(unused_imports, reason = "which are used depends on who includes the folder")]
pub(crate) use {
    clusters::Band,
    compare::{Likeness, What},
    limits::KeyFigures,
    model::{LevelModel, SlotModel},
    score::{Held, PairScore, SlotScore},
    shown::share_of,
};
