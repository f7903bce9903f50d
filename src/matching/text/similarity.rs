//! Jaro-Winkler similarity, in integers.

use super::by_characters;

/// Length from which common beginnings raise the similarity no further.
const PREFIX: usize = 4;

/// Returns the Jaro-Winkler similarity of two texts in thousandths, rounded half up: 1000 for equal texts, at most 999
/// for others. A common beginning of up to four characters counts where the Jaro similarity is above 0.7, as in Winkler's
/// program.
pub(crate) fn similarity(a: &str, b: &str) -> u16 {
    scaled(a, b, 1000)
}

/// Returns the same in hundredths: 100 for equal texts, at most 99 for others.
pub(crate) fn similarity_in_hundredths(a: &str, b: &str) -> u16 {
    scaled(a, b, 100)
}

fn scaled(a: &str, b: &str, whole: u16) -> u16 {
    if a == b {
        return whole;
    }
    by_characters!(a, b, |a, b| Jaro::new(a, b).winkler(whole))
}

/// What two different texts have in common.
struct Jaro {
    lengths: [u64; 2],
    matches: u64,
    transpositions: u64,
    prefix: u64,
}

impl Jaro {
    /// Compares in one order, the shorter text first, because the search for matches may find fewer in the other.
    fn new<C: Copy + Ord>(a: &[C], b: &[C]) -> Self {
        let (a, b) = if (a.len(), a) <= (b.len(), b) {
            (a, b)
        } else {
            (b, a)
        };
        let (matches, transpositions) = matched(a, b);
        let prefix = a.iter().zip(b).take(PREFIX).take_while(|(a, b)| a == b).count();
        Self {
            lengths: [a.len() as u64, b.len() as u64],
            matches,
            transpositions,
            prefix: prefix as u64,
        }
    }

    /// Returns the similarity as a share of the whole.
    fn winkler(&self, whole: u16) -> u16 {
        if self.matches == 0 {
            return 0;
        }
        let [a, b] = self.lengths.map(u128::from);
        let (matches, transpositions) = (u128::from(self.matches), u128::from(self.transpositions));
        // (matches/a + matches/b + (matches - transpositions)/matches) / 3, as one fraction.
        let below = 3 * a * b * matches;
        let above = matches * matches * (a + b) + (matches - transpositions) * a * b;
        let (above, below) = if above * 10 > below * 7 {
            // jaro + prefix/10 * (1 - jaro)
            (above * 10 + u128::from(self.prefix) * (below - above), below * 10)
        } else {
            (above, below)
        };
        let rounded = (2 * above * u128::from(whole) + below) / (2 * below);
        u16::try_from(rounded).unwrap_or(whole).min(whole - 1)
    }
}

/// Returns how many characters two texts share at about the same places, and how many transpositions there are among them.
fn matched<C: Copy + PartialEq>(a: &[C], b: &[C]) -> (u64, u64) {
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut is_taken = vec![false; b.len()];
    let mut of_a = Vec::with_capacity(a.len().min(b.len()));
    for (at, letter) in a.iter().enumerate() {
        let (from, to) = (
            at.saturating_sub(reach).min(b.len()),
            (at + reach + 1).min(b.len()),
        );
        let free = (from..to).find(|place| !is_taken[*place] && b[*place] == *letter);
        if let Some(place) = free {
            is_taken[place] = true;
            of_a.push(*letter);
        }
    }
    let of_b = b.iter().zip(&is_taken).filter(|(_, is_taken)| **is_taken);
    let unequal = of_a.iter().zip(of_b).filter(|(a, (b, _))| a != b).count();
    (of_a.len() as u64, (unequal / 2) as u64)
}
