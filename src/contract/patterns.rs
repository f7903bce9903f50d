//! The memory that all compiled patterns of a schema take together: the regex library bounds one pattern, but not three
//! thousand of them.

use std::collections::HashMap;

use crate::problem::{Place, Problem};

/// The maximum for all patterns of a schema, in bytes.
const MOST: usize = 32 << 20;
/// The minimum counted for a pattern.
const LEAST: usize = 4 << 10;
/// The validator rejects a pattern that takes more.
const LARGEST: usize = 10 << 20;
/// The size counted for a pattern with a notation that only the validator reads.
const UNKNOWN: usize = 1 << 20;

/// The patterns of a schema, as they are found.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    sizes: HashMap<String, usize>,
    total: usize,
    count: usize,
}

impl Patterns {
    /// Adds one; a pattern at two places counts twice.
    pub(super) fn add(&mut self, pattern: &str) {
        self.count += 1;
        // A schema beyond the limit is refused, so there is no need to compile more patterns.
        if self.total > MOST {
            return;
        }
        let known = self.sizes.get(pattern).copied();
        let size = known.unwrap_or_else(|| {
            let size = size(pattern);
            self.sizes.insert(pattern.to_owned(), size);
            size
        });
        self.total = self.total.saturating_add(size);
    }

    /// Returns the problem that the patterns take too much memory.
    pub(super) fn problem(&self, place: &Place) -> Option<Problem> {
        (self.total > MOST).then(|| {
            let message = format!(
                "the {} patterns of the schema take more than {} MiB when compiled",
                self.count,
                MOST >> 20
            );
            Problem::error("contract.patterns", place.clone(), message).help(
                "repeated classes such as `\\p{L}{50}` are large: write `^\\p{L}*$` with `maxLength`, or use fewer \
                 patterns",
            )
        })
    }

    /// Returns the memory that each may take while matching, so that all of them together keep within the same limit.
    pub(super) fn cache(&self) -> usize {
        (MOST / self.count.max(1)).clamp(64 << 10, 2 << 20)
    }
}

/// Returns an upper bound of the size of a pattern, at most twice the actual size.
fn size(pattern: &str) -> usize {
    let pattern = ascii(pattern);
    let mut limit = LEAST;
    loop {
        match regex::RegexBuilder::new(&pattern).size_limit(limit).build() {
            Err(regex::Error::CompiledTooBig(_)) if limit < LARGEST => limit *= 2,
            Err(regex::Error::Syntax(_)) => return UNKNOWN,
            _ => return limit,
        }
    }
}

/// Returns the pattern with the character classes that the validator treats as ASCII.
fn ascii(pattern: &str) -> String {
    let mut ascii = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            ascii.push(character);
            continue;
        }
        match characters.next() {
            Some('d') => ascii.push_str("[0-9]"),
            Some('D') => ascii.push_str("[^0-9]"),
            Some('w') => ascii.push_str("[0-9A-Za-z_]"),
            Some('W') => ascii.push_str("[^0-9A-Za-z_]"),
            escaped => ascii.extend(['\\'].into_iter().chain(escaped)),
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(patterns: impl Iterator<Item = String>) -> bool {
        let mut all = Patterns::default();
        patterns.for_each(|pattern| all.add(&pattern));
        all.problem(&Place::at(&"a".into(), "", 0)).is_some()
    }

    #[test]
    fn many_small_patterns_are_taken_and_many_large_ones_are_not() {
        assert!(!is_refused(
            (0..1_000).map(|n| format!(r"^[A-Z]{{2}}\d+-\w+{n}$"))
        ));
        assert!(!is_refused((0..5).map(|n| format!(r"\p{{L}}{{50}}{n}"))));
        assert!(is_refused((0..3_000).map(|n| format!(r"\p{{L}}{{50}}{n}"))));
        assert!(is_refused((0..3_000).map(|_| r"\p{L}{50}".to_owned())));
        assert!(is_refused((0..3_000).map(|_| r"\p{Nonsense}".to_owned())));
    }
}
