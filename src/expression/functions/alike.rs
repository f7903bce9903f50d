//! Functions that make texts comparable, and compare them.

use rust_decimal::Decimal;

use super::call::{Call, Function, Needs, Result};
use crate::expression::datum::{Datum, Number};
use crate::expression::fault::Fault;
use crate::matching::text;

/// Maximum number of bytes of a text that is compared character by character: the time grows with the product.
const COMPARED_BYTES: usize = 1000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "fold",
        signature: "fold(text)",
        summary: "the string as names are compared: lower case, without accents, apostrophes and invisible characters, with \
                  one space for blanks and hyphens: `fold(\" Anne-Marie  O'Hära\")` is \"anne marie ohara\"",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| Ok(Datum::text(&text::fold(&call.text(0)?))),
    },
    Function {
        name: "soundex",
        signature: "soundex(text)",
        summary: "the American Soundex code of a name, folded: \"R163\" for Robert and Rupert; null without a Latin letter",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| Ok(code(text::soundex(&call.text(0)?))),
    },
    Function {
        name: "metaphone",
        signature: "metaphone(text)",
        summary: "the Metaphone code of a name, folded: \"STFN\" for Stephen and Steven; null without a letter that sounds",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| Ok(code(text::metaphone(&call.text(0)?))),
    },
    Function {
        name: "prefix",
        signature: "prefix(text, n)",
        summary: "the first n characters of a string, or all of a shorter one",
        least: 2,
        most: 2,
        needs: Needs::Nothing,
        body: prefix,
    },
    Function {
        name: "distance",
        signature: "distance(a, b)",
        summary: "the number of slips between two strings of at most 1000 bytes: characters inserted, left out, replaced \
                  or exchanged with their neighbour (Damerau-Levenshtein, optimal string alignment)",
        least: 2,
        most: 2,
        needs: Needs::Nothing,
        body: |call| {
            let slips = text::distance(&compared(call, 0)?, &compared(call, 1)?);
            Ok(Datum::Integer(i64::try_from(slips).unwrap_or(i64::MAX)))
        },
    },
    Function {
        name: "similar",
        signature: "similar(a, b)",
        summary: "the Jaro-Winkler similarity of two strings of at most 1000 bytes, with two decimals: 1.00 for equal \
                  strings only, 0.84 for DWAYNE and DUANE; it does not fold them",
        least: 2,
        most: 2,
        needs: Needs::Nothing,
        body: |call| {
            let hundredths = text::similarity_in_hundredths(&compared(call, 0)?, &compared(call, 1)?);
            Ok(Datum::Decimal(Decimal::new(i64::from(hundredths), 2)))
        },
    },
];

fn code(code: Option<String>) -> Datum {
    code.map_or(Datum::Null, |code| Datum::text(&code))
}

fn prefix(call: &Call<'_>) -> Result<Datum> {
    let text = call.text(0)?;
    match call.number(1)? {
        Number::Integer(characters @ 0..) => {
            let characters = usize::try_from(characters).unwrap_or(usize::MAX);
            Ok(Datum::text(text::prefix(&text, characters)))
        }
        _ => Err(Fault::new("expression.argument", "a number of characters from 0")),
    }
}

fn compared<'c>(call: &'c Call<'_>, at: usize) -> Result<std::borrow::Cow<'c, str>> {
    let text = call.text(at)?;
    if text.len() > COMPARED_BYTES {
        return Err(Fault::limit("strings of at most 1000 bytes to compare"));
    }
    Ok(text)
}
