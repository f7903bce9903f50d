//! The values of readings, as they are added to what is known of their windows.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::own::{Number, Rejected};
use crate::aggregate::measure::{Measure, Take};

/// A value of a reading that can be added to its measure. It is not null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measurement<'r> {
    pub(super) json: Cow<'r, str>,
    /// The number that it is, if the measure needs numbers.
    pub(super) number: Option<Number>,
}

impl<'r> Measurement<'r> {
    /// Reads a value from its JSON text.
    pub(crate) fn read(measure: &Measure, json: Cow<'r, str>) -> Result<Self, Rejected> {
        let number = if measure.takes.iter().any(Take::needs_numbers) {
            Some(Number::read(measure.texts, &json)?)
        } else {
            None
        };
        Ok(Self { json, number })
    }

    /// Returns the number that it is, if its measure needs numbers.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        self.number.map(|number| number.decimal)
    }

    /// Takes an element of a list, which may be any value.
    pub(crate) fn element(json: Cow<'r, str>) -> Self {
        Self { json, number: None }
    }
}
