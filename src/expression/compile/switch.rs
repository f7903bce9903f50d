//! The cases of `switch`: whole numbers, texts and booleans, compared by equality.

use rhai::{Dynamic, Position, RangeCase, SwitchCasesCollection};

use super::compiler::{Compiler, Result};
use crate::expression::datum::Datum;
use crate::expression::node::SwitchCase;

impl Compiler<'_> {
    /// The cases of one arm.
    pub(super) fn cases(
        &self,
        cases: &SwitchCasesCollection,
        arm: usize,
        position: Position,
    ) -> Result<Vec<SwitchCase>> {
        let mut matching = Vec::new();
        // The order among the cases of one arm is of no consequence: any of them takes it.
        for case in cases.cases.values().filter(|case| case.blocks.contains(&arm)) {
            matching.extend(self.case(&case.value, position)?);
        }
        let ranges = cases.ranges.iter().filter(|range| range.index() == arm);
        matching.extend(ranges.map(|range| match range {
            RangeCase::ExclusiveInt(range, _) => SwitchCase::Between(range.start, range.end, false),
            RangeCase::InclusiveInt(range, _) => SwitchCase::Between(*range.start(), *range.end(), true),
        }));
        Ok(matching)
    }

    /// Returns a case's value; `None` for a range, which is in a separate list.
    fn case(&self, value: &Dynamic, position: Position) -> Result<Option<SwitchCase>> {
        if let Ok(integer) = value.as_int() {
            return Ok(Some(SwitchCase::Equal(Datum::Integer(integer))));
        }
        if let Ok(boolean) = value.as_bool() {
            return Ok(Some(SwitchCase::Equal(Datum::Boolean(boolean))));
        }
        if let Ok(character) = value.as_char() {
            return Ok(Some(SwitchCase::Equal(Datum::text(&character.to_string()))));
        }
        if let Ok(text) = value.clone().into_string() {
            return Ok(Some(SwitchCase::Equal(Datum::text(&text))));
        }
        if value.is_unit() {
            return Ok(Some(SwitchCase::Equal(Datum::Null)));
        }
        if value.is_decimal() {
            return Err(self
                .forbidden("a decimal as a case of `switch`", position)
                .help("compare with if and else"));
        }
        if value.is::<std::ops::Range<i64>>() || value.is::<std::ops::RangeInclusive<i64>>() {
            return Ok(None);
        }
        Err(self
            .forbidden("this case of `switch`", position)
            .help("a case is a whole number, a string, a boolean, `()` or a range of whole numbers"))
    }
}
