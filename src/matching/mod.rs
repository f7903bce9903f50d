//! Which records describe the same person, or the same thing: fields compared level by level, a model of how often each
//! level occurs among matches and among others, candidate pairs, scores and clusters.
//!
//! Everything here works on `Features`, the normalized texts of a record's fields, and knows neither
//! documents nor SQL. The results are integers and the same bytes on every machine, with any number of threads, and in
//! any order of the records.
#![allow(dead_code)]

mod clusters;
mod compare;
mod features;
mod keys;
mod model;
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

#[allow(unused_imports)]
pub(crate) use clusters::{Band, Clustering, Constraints, FREE, Review, cluster};
#[allow(unused_imports)]
pub(crate) use compare::{Likeness, MOST_SLOTS};
#[allow(unused_imports)]
pub(crate) use features::{Features, FeaturesBuilder, MemberText};
#[allow(unused_imports)]
pub(crate) use keys::{Exceeded, Excess, KeyFigures};
#[allow(unused_imports)]
pub(crate) use model::{LevelModel, Model, SlotModel, learn};
#[allow(unused_imports)]
pub(crate) use score::{Edge, Held, PairScore, Scored, Scorer, SlotScore, score};
pub(crate) use settings::{
    Field, Group, GroupPart, Key, KeyPart, Learn, Limits, Millibits, Ppm, Settings, place,
};
#[allow(unused_imports)]
pub(crate) use shown::{bits_of, expected_in, share_of};
