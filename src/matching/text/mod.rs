//! Texts made comparable, and how much two of them differ. Blocking keys, comparators and the functions of expressions
//! all use these, so that a stage computes the same as what compares its records.
//!
//! Everything here is exact, symmetric where it takes two texts, and works on any text of any script.

mod distance;
mod fold;
mod metaphone;
mod similarity;
mod soundex;
#[cfg(test)]
mod tests;

pub(crate) use distance::distance;
pub(crate) use fold::fold;
pub(crate) use metaphone::metaphone;
pub(crate) use similarity::{similarity, similarity_in_hundredths};
pub(crate) use soundex::soundex;

/// Returns the first characters of a text; all of a shorter one.
pub(crate) fn prefix(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Calls a comparison with both texts as bytes where they are ASCII, and as characters elsewhere.
macro_rules! by_characters {
    ($a:expr, $b:expr, $compare:expr) => {
        if $a.is_ascii() && $b.is_ascii() {
            $compare($a.as_bytes(), $b.as_bytes())
        } else {
            let (a, b): (Vec<char>, Vec<char>) = ($a.chars().collect(), $b.chars().collect());
            $compare(&a[..], &b[..])
        }
    };
}
use by_characters;
