//! Patterns of operations and expressions: regular expressions that run in linear time, in which `\d` is an ASCII
//! digit.

use regex::Regex;

/// Compiles a pattern. `\d` and `\D` refer to ASCII digits, as everywhere in Counterfoil: no later step could read an
/// Arabic-Indic digit in a phone number.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Box<regex::Error>> {
    let mut ascii = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('d') => ascii.push_str("[0-9]"),
                Some('D') => ascii.push_str("[^0-9]"),
                escaped => ascii.extend(['\\'].into_iter().chain(escaped)),
            },
            (character, false) => ascii.push(character),
        }
    }
    // The error refers to the pattern as it was written; where only our version fails, it is the error of ours.
    Regex::new(pattern)?;
    Ok(Regex::new(&ascii)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_an_ascii_digit_inside_and_outside_of_classes() {
        for (pattern, fits, fits_not) in [
            (r"^\d$", "7", "٧"),
            (r"^\D$", "٧", "7"),
            (r"^[\d-]+$", "7-7", "٧-٧"),
            (r"^[^\d]$", "٧", "7"),
            (r"^\\d$", r"\d", "7"),
        ] {
            let compiled = compile(pattern).unwrap();
            assert!(
                compiled.is_match(fits) && !compiled.is_match(fits_not),
                "{pattern}"
            );
        }
        assert!(compile(r"(\d").is_err() && compile("\\").is_err());
    }
}
