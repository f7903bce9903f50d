//! An aggregate as it is written, in a stage file or by a program, before anything is compiled.

use rust_decimal::Decimal;

use super::compiled::Late;
use crate::problem::Place;
pub(super) use crate::stage::written::Written;

/// A field by which readings are grouped.
#[derive(Clone, Debug)]
pub(super) struct DraftGroup {
    /// `None`: the last name of the path.
    pub(super) name: Option<Written>,
    /// A path, or an expression with its sign.
    pub(super) value: Written,
}

/// The time of readings.
#[derive(Clone, Debug)]
pub(super) struct DraftTime {
    pub(super) path: Written,
    /// `None`: RFC 3339.
    pub(super) formats: Option<Vec<Written>>,
    pub(super) zone: Option<Written>,
}

/// How a result is rounded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DraftRounding {
    pub(super) digits: Option<u8>,
    pub(super) places: Option<u8>,
}

/// What is measured of a path, or a list.
#[derive(Clone, Debug)]
pub(super) struct DraftMeasure {
    /// The path; of a list the name of its field.
    pub(super) key: Written,
    /// What names of results begin with; `None`: the last name of the path.
    pub(super) name: Option<Written>,
    pub(super) takes: Vec<Written>,
    pub(super) list: Option<DraftList>,
    pub(super) rounding: DraftRounding,
    pub(super) exact: Option<usize>,
    pub(super) texts: bool,
}

impl DraftMeasure {
    pub(super) fn new(key: Written) -> Self {
        Self {
            key,
            name: None,
            takes: Vec::new(),
            list: None,
            rounding: DraftRounding::default(),
            exact: None,
            texts: false,
        }
    }
}

/// What a list holds.
#[derive(Clone, Debug)]
pub(super) struct DraftList {
    pub(super) of: DraftElements,
    pub(super) order: Option<Written>,
}

/// The elements of a list.
#[derive(Clone, Debug)]
pub(super) enum DraftElements {
    /// Whole records.
    Records,
    /// The values of one path.
    Values(Written),
    /// Objects of these parts.
    Parts(Vec<Written>),
}

/// What a measure shows where it is null.
#[derive(Clone, Debug)]
pub(super) struct DraftFill {
    pub(super) of: Written,
    pub(super) with: DraftFillWith,
}

/// The value of a filled field.
#[derive(Clone, Debug)]
pub(super) enum DraftFillWith {
    Carry {
        limit: Option<u64>,
    },
    /// A JSON text.
    Value(String),
}

/// Which windows a rule is over.
#[derive(Clone, Debug)]
pub(super) enum DraftOver {
    Windows(u64),
    Time(Written),
}

/// A measure over several windows.
#[derive(Clone, Debug)]
pub(super) struct DraftRolling {
    pub(super) of: Written,
    pub(super) over: Option<DraftOver>,
    pub(super) takes: Vec<Written>,
    /// Names of the results; empty: by the names of the takes.
    pub(super) names: Vec<Written>,
    pub(super) min_periods: Option<u64>,
    pub(super) rounding: DraftRounding,
    pub(super) place: Option<Place>,
}

impl DraftRolling {
    pub(super) fn new(of: Written, place: Option<Place>) -> Self {
        Self {
            of,
            over: None,
            takes: Vec::new(),
            names: Vec::new(),
            min_periods: None,
            rounding: DraftRounding::default(),
            place,
        }
    }
}

/// Which rule marks windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleWord {
    Z,
    Outside,
}

/// A rule that marks windows.
#[derive(Clone, Debug)]
pub(super) struct DraftAnomaly {
    pub(super) name: Written,
    pub(super) of: Written,
    pub(super) rule: RuleWord,
    pub(super) over: Option<DraftOver>,
    pub(super) min_periods: Option<u64>,
    pub(super) k: Option<Decimal>,
    pub(super) min_deviation: Option<Decimal>,
    pub(super) min: Option<Decimal>,
    pub(super) max: Option<Decimal>,
    /// Name of the score.
    pub(super) score: Option<Written>,
    pub(super) place: Option<Place>,
    /// Place of `k`.
    pub(super) k_place: Option<Place>,
}

impl DraftAnomaly {
    pub(super) fn new(name: Written, of: Written, rule: RuleWord, place: Option<Place>) -> Self {
        Self {
            name,
            of,
            rule,
            over: None,
            min_periods: None,
            k: None,
            min_deviation: None,
            min: None,
            max: None,
            score: None,
            place,
            k_place: None,
        }
    }
}

/// What becomes of windows without readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmptyWord {
    Emit,
    Skip,
}

/// Everything that a stage says about its aggregate.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// Place of the section.
    pub(super) place: Option<Place>,
    pub(super) by: Vec<DraftGroup>,
    pub(super) time: Option<DraftTime>,
    pub(super) every: Option<Written>,
    pub(super) zone: Option<Written>,
    pub(super) origin: Option<Written>,
    pub(super) aligns_to_days: bool,
    pub(super) labels_end: bool,
    pub(super) name: Option<Written>,
    pub(super) end: Option<Written>,
    pub(super) local: Option<Written>,
    pub(super) rows: Option<Written>,
    pub(super) empty: Option<EmptyWord>,
    pub(super) gap: Option<u64>,
    pub(super) late: Option<Late>,
    pub(super) closed_after: Option<Written>,
    pub(super) hold: Option<Written>,
    pub(super) memory: Option<u64>,
    pub(super) measures: Vec<DraftMeasure>,
    pub(super) fills: Vec<DraftFill>,
    pub(super) rolling: Vec<DraftRolling>,
    pub(super) anomalies: Vec<DraftAnomaly>,
    /// Names and expressions of the fields that are computed from the window's own.
    pub(super) fields: Vec<(Written, Written)>,
    /// Places of keys, for problems that concern them.
    pub(super) places: Vec<(&'static str, Place)>,
}

impl Draft {
    /// Returns the place of a key, or of the section.
    pub(super) fn place_of(&self, key: &str) -> Option<Place> {
        let known = self.places.iter().find(|(name, _)| *name == key);
        known
            .map(|(_, place)| place.clone())
            .or_else(|| self.place.clone())
    }
}
