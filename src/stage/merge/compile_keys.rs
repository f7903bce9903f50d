//! Compiling blocking keys: a part that is a known function of one field is computed from the field's text, any other
//! for the record.

use super::compile::{MergeCompiler, visible};
use super::draft::{Draft, Written};
use super::names::SuppliedName;
use super::normal::DatePart;
use crate::expression::{Expression, SimpleForm};
use crate::matching::{Key, KeyPart};

/// Largest block that is compared as it is, unless the stage says otherwise.
const LIMIT: usize = 500;

impl MergeCompiler<'_, '_> {
    /// Compiles the keys, and the expressions that are computed for each record.
    pub(super) fn keys(&mut self, draft: &Draft, names: &[SuppliedName]) -> (Vec<Key>, Vec<Expression>) {
        let (mut keys, mut computed) = (Vec::new(), Vec::new());
        for block in &draft.blocks {
            if block.key.is_empty() {
                self.error(
                    "merge.block",
                    block.place.clone(),
                    "a block needs a key of at least one part",
                    "write `key = [\"= soundex(surname)\", \"= birth.year\"]`",
                );
            }
            keys.push(Key {
                parts: self.parts("key", &block.key, names, &mut computed),
                limit: block.limit.unwrap_or(LIMIT),
                refine: self.parts("refine", &block.refine, names, &mut computed),
            });
        }
        (keys, computed)
    }

    fn parts(
        &mut self,
        key: &str,
        written: &[Written],
        names: &[SuppliedName],
        computed: &mut Vec<Expression>,
    ) -> Vec<KeyPart> {
        let visible = visible(names);
        let expressions = written
            .iter()
            .filter_map(|part| self.expression(key, part, &visible));
        let parts = expressions.map(|expression| {
            native(&expression, names).unwrap_or_else(|| {
                let known = computed
                    .iter()
                    .position(|known| known.source() == expression.source());
                KeyPart::Computed(known.unwrap_or_else(|| {
                    computed.push(expression);
                    computed.len() - 1
                }))
            })
        });
        parts.collect()
    }
}

/// Returns the part that an expression is, if the matching computes it.
fn native(expression: &Expression, names: &[SuppliedName]) -> Option<KeyPart> {
    let find = |wanted: &str| names.iter().find(|name| *name.name == *wanted);
    match expression.simple_form()? {
        SimpleForm::Name(name) => {
            let name = find(name)?;
            match name.part {
                None => Some(KeyPart::Field(name.field)),
                Some(DatePart::Year) => Some(KeyPart::Year(name.field)),
                Some(_) => None,
            }
        }
        SimpleForm::Call(function, name, number) => {
            let field = find(name).filter(|name| name.part.is_none())?.field;
            let letters = number
                .and_then(|number| u8::try_from(number).ok())
                .filter(|number| *number > 0);
            match (function, number) {
                ("soundex", None) => Some(KeyPart::Soundex(field)),
                ("metaphone", None) => Some(KeyPart::Metaphone(field)),
                ("prefix", Some(_)) => Some(KeyPart::Prefix(field, letters?)),
                _ => None,
            }
        }
    }
}
