//! How many slips of the keyboard lie between two texts, and how alike two names are: the fast forms for short ASCII
//! texts of what `text` does for all.

use crate::matching::text;

/// The longest text, in bytes, that the fast forms take.
const SHORT: usize = 64;

/// The number of characters that are compared one with another, because the time grows with their square. No name is longer;
/// of a longer text only the beginning is compared, and whether the rest is equal.
const COMPARED: usize = 1_000;

/// Returns the beginnings of two texts that are compared, and how many slips their rests count as: one if they differ.
fn beginnings<'t>(a: &'t str, b: &'t str) -> (&'t str, &'t str, usize) {
    let (one, other) = (text::prefix(a, COMPARED), text::prefix(b, COMPARED));
    (one, other, usize::from(a[one.len()..] != b[other.len()..]))
}

/// Returns the number of insertions, deletions, replacements and transpositions of neighbours between two texts, or
/// `most + 1` if there are more than `most`.
pub(super) fn slips(a: &str, b: &str, most: usize) -> usize {
    if a.len() > SHORT || b.len() > SHORT || !a.is_ascii() || !b.is_ascii() {
        let (a, b, rest) = beginnings(a, b);
        return (text::distance(a, b) + rest).min(most + 1);
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([first, rest @ ..], [other, others @ ..]) = (a, b)
        && first == other
    {
        (a, b) = (rest, others);
    }
    while let ([rest @ .., last], [others @ .., other]) = (a, b)
        && last == other
    {
        (a, b) = (rest, others);
    }
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len()).min(most + 1);
    }
    distance(a, b, most)
}

/// The rows of the classic table, of which three are needed at a time.
fn distance(a: &[u8], b: &[u8], most: usize) -> usize {
    let mut rows = [[0_usize; SHORT + 1]; 3];
    for (at, cell) in rows[0].iter_mut().enumerate() {
        *cell = at;
    }
    for (i, &left) in a.iter().enumerate() {
        let [before_last, last, now] = match i % 3 {
            0 => [2, 0, 1],
            1 => [0, 1, 2],
            _ => [1, 2, 0],
        };
        rows[now][0] = i + 1;
        let mut lowest = i + 1;
        for (j, &right) in b.iter().enumerate() {
            let replaced = rows[last][j] + usize::from(left != right);
            let mut cost = replaced.min(rows[last][j + 1] + 1).min(rows[now][j] + 1);
            if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                cost = cost.min(rows[before_last][j - 1] + 1);
            }
            rows[now][j + 1] = cost;
            lowest = lowest.min(cost);
        }
        if lowest > most {
            return most + 1;
        }
    }
    rows[a.len() % 3][b.len()].min(most + 1)
}

/// Returns the Jaro-Winkler similarity in thousandths, as `text::similarity` does; less than 1000 for different texts.
pub(super) fn likeness(a: &str, b: &str) -> u16 {
    let (one, other, rest) = beginnings(a, b);
    let similarity = text::similarity(one, other);
    if rest > 0 { similarity.min(999) } else { similarity }
}

/// Returns how much of two texts is equal, in thousandths of the longer one: 1000 for equal ones.
pub(super) fn share_kept(a: &str, b: &str) -> u16 {
    let longest = a.chars().count().max(b.chars().count());
    if longest == 0 {
        return 1000;
    }
    let slips = slips(a, b, longest);
    u16::try_from((longest - slips.min(longest)) * 1000 / longest).unwrap_or(0)
}

/// Returns how many of the parts of two texts are common, in thousandths of all parts.
pub(super) fn parts_in_common(a: &str, b: &str, separates: fn(char) -> bool) -> u16 {
    let parts = |text| {
        let mut parts: Vec<&str> = str::split(text, separates)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    };
    let (a, b) = (parts(a), parts(b));
    let common = a.iter().filter(|part| b.binary_search(part).is_ok()).count();
    let all = a.len() + b.len() - common;
    if all == 0 {
        return 1000;
    }
    u16::try_from(common * 1000 / all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_the_beginnings_are_compared() {
        let long = "smith ".repeat(200_000);
        let other = format!("{long}x");
        assert_eq!(slips(&long, &other, 5), 1);
        assert_eq!(likeness(&long, &other), 999);
        assert_eq!(slips(&long, &format!("x{long}"), 5), 3);
        assert_eq!(likeness(&long, &long), 1000);
    }
}
