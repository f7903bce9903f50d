//! What labels of a sample say of all pairs: a share with its interval, from strata that were sampled at different rates.
//!
//! The interval is that of Wilson (1927) with the effective sample size of Korn and Graubard (1998, Confidence intervals for
//! proportions with small expected number of positive counts estimated from survey data, Survey Methodology 24), truncated
//! at the number of labels. Each stratum's share is moved half a pair towards both sides before its variance is taken, so
//! that one whose labels all agree is not taken as certain.

use crate::matching::Ppm;

/// The labels of one stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// Number of pairs in the stratum.
    pub(super) pairs: u64,
    /// Number of those that have a label.
    pub(super) labelled: u64,
    /// Number of those that are one, by their label.
    pub(super) same: u64,
}

/// A share of pairs, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimated {
    pub(super) share: Ppm,
    /// The bounds of the interval that holds the true share in 95 of 100 samples.
    pub(super) interval: [Ppm; 2],
}

/// The quantile of the normal distribution for 95%.
const Z: f64 = 1.959_964;

/// Returns which share of the pairs of some strata is one; `None` if a stratum with pairs has no label.
pub(super) fn share_of_same(strata: &[Labels]) -> Option<Estimated> {
    let strata = with_pairs(strata)?;
    let all: f64 = strata.iter().map(|of| of.pairs).sum();
    let weight = |of: &Stratum| of.pairs / all;
    let share = strata.iter().map(|of| weight(of) * of.share).sum();
    let smoothed: f64 = strata.iter().map(|of| weight(of) * of.smoothed).sum();
    let variance = strata.iter().map(|of| weight(of).powi(2) * of.variance()).sum();
    Some(estimated(share, smoothed, variance, &strata))
}

/// Returns which share of all pairs that are one is in the strata of which `is_found` is true; `None` if a stratum with
/// pairs has no label, or no pair is one.
pub(super) fn share_found(strata: &[Labels], is_found: &[bool]) -> Option<Estimated> {
    let found: Vec<bool> = (strata.iter().zip(is_found))
        .filter(|(of, _)| of.pairs > 0)
        .map(|(_, found)| *found)
        .collect();
    let strata = with_pairs(strata)?;
    let among = |share: fn(&Stratum) -> f64| -> [f64; 2] {
        let same = |of: &Stratum| of.pairs * share(of);
        let all = strata.iter().map(same).sum();
        let there = strata.iter().zip(&found).filter(|(_, found)| **found);
        [there.map(|(of, _)| same(of)).sum(), all]
    };
    let [found_same, same] = among(|of| of.share);
    if same <= 0.0 {
        return None;
    }
    let [found_smoothed, all_smoothed] = among(|of| of.smoothed);
    let smoothed = found_smoothed / all_smoothed;
    // The variance of a ratio, linearized.
    let part = |(of, found): (&Stratum, &bool)| {
        let residual = f64::from(u8::from(*found)) - smoothed;
        (of.pairs * residual / all_smoothed).powi(2) * of.variance()
    };
    let variance = strata.iter().zip(&found).map(part).sum();
    Some(estimated(found_same / same, smoothed, variance, &strata))
}

/// A stratum in fractions.
struct Stratum {
    pairs: f64,
    labelled: f64,
    share: f64,
    /// The share, half a pair towards both sides.
    smoothed: f64,
}

impl Stratum {
    /// The variance of the share: none where every pair has a label.
    fn variance(&self) -> f64 {
        let unlabelled = (1.0 - self.labelled / self.pairs).max(0.0);
        self.smoothed * (1.0 - self.smoothed) / self.labelled * unlabelled
    }
}

/// Returns the strata that have pairs; `None` if one of them has no label, or there are none.
fn with_pairs(strata: &[Labels]) -> Option<Vec<Stratum>> {
    let strata: Vec<&Labels> = strata.iter().filter(|of| of.pairs > 0).collect();
    if strata.is_empty() || strata.iter().any(|of| of.labelled == 0) {
        return None;
    }
    let stratum = |of: &&Labels| {
        let [pairs, labelled, same] = [of.pairs, of.labelled, of.same].map(fraction);
        Stratum {
            pairs,
            labelled,
            share: same / labelled,
            smoothed: if of.labelled < of.pairs {
                (same + 0.5) / (labelled + 1.0)
            } else {
                same / labelled
            },
        }
    };
    Some(strata.iter().map(stratum).collect())
}

/// The interval of Wilson with the effective sample size.
fn estimated(share: f64, smoothed: f64, variance: f64, strata: &[Stratum]) -> Estimated {
    if variance <= 0.0 {
        return Estimated {
            share: ppm(share),
            interval: [ppm(share); 2],
        };
    }
    let labelled: f64 = strata.iter().map(|of| of.labelled).sum();
    let effective = (smoothed * (1.0 - smoothed) / variance).min(labelled);
    let square = Z * Z / effective;
    let middle = share + square / 2.0;
    let half = Z * libm::sqrt((share * (1.0 - share) + square / 4.0) / effective);
    Estimated {
        share: ppm(share),
        interval: [middle - half, middle + half].map(|bound| ppm(bound / (1.0 + square))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of pairs are far below 2^52")]
fn fraction(pairs: u64) -> f64 {
    pairs as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between none and a million"
)]
fn ppm(share: f64) -> Ppm {
    libm::round(share.clamp(0.0, 1.0) * 1e6) as Ppm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;

    const fn labels(pairs: u64, labelled: u64, same: u64) -> Labels {
        Labels {
            pairs,
            labelled,
            same,
        }
    }

    #[test]
    fn of_one_large_stratum_the_interval_is_that_of_wilson() {
        // 90 of 100: the textbook's example.
        let found = share_of_same(&[labels(1_000_000_000, 100, 90)]).unwrap();
        assert_eq!(found.share, 900_000);
        let [low, high] = found.interval;
        assert!(
            low.abs_diff(825_634) < 5 && high.abs_diff(944_771) < 5,
            "{found:?}"
        );
    }

    #[test]
    fn strata_count_by_their_pairs_and_not_by_their_labels() {
        // 0.9 of all pairs are of a stratum where 30 of 30 are one, 0.1 of one where 45 of 50 are: 0.9 + 0.09. Smoothed, the
        // shares are 30.5/31 and 45.5/51; the variance is 0.81 * 0.015869 / 30 * (1 - 30/900)
        // + 0.01 * 0.096213 / 50 * (1 - 50/100), so that the labels are worth as many as 50.01 of one stratum.
        let found = share_of_same(&[labels(900, 30, 30), labels(100, 50, 45)]).unwrap();
        assert_eq!(found.share, 990_000);
        let [low, high] = found.interval;
        assert!(
            low.abs_diff(920_490) < 5 && high.abs_diff(998_820) < 5,
            "{found:?}"
        );
        // Of the pairs that are one, 20 + 80 + 882, the last stratum has 882.
        let strata = [labels(1_000, 50, 1), labels(100, 50, 40), labels(900, 50, 49)];
        let found = share_found(&strata, &[false, false, true]).unwrap();
        assert_eq!(found.share, 898_167);
        let [low, high] = found.interval;
        assert!(
            low.abs_diff(839_412) < 5 && high.abs_diff(937_038) < 5,
            "{found:?}"
        );
    }

    #[test]
    fn nothing_is_said_of_strata_without_labels_and_all_of_those_that_are_labelled_wholly() {
        assert_eq!(share_of_same(&[labels(10, 5, 5), labels(3, 0, 0)]), None);
        assert_eq!(share_of_same(&[]), None);
        assert_eq!(share_found(&[labels(10, 5, 0)], &[true]), None);
        let whole = share_of_same(&[labels(10, 10, 9), labels(0, 0, 0)]).unwrap();
        assert_eq!((whole.share, whole.interval), (900_000, [900_000; 2]));
    }

    /// Numbers between none and a million, from a hash.
    struct Draws {
        set: u64,
        drawn: u64,
    }

    impl Draws {
        fn below(&mut self, limit: u64) -> u64 {
            self.drawn += 1;
            let hash = sha256(&[&self.set.to_be_bytes(), &self.drawn.to_be_bytes()]);
            u64::from_be_bytes(std::array::from_fn(|at| hash[at])) % limit
        }
    }

    /// Pairs, and how many of them are one, by stratum; the last two are merged.
    const POPULATION: [(u64, u64); 6] = [
        (2_000, 40),
        (300, 60),
        (100, 40),
        (80, 56),
        (300, 291),
        (4_000, 3_992),
    ];

    fn sampled(draws: &mut Draws, labelled: u64) -> Vec<Labels> {
        let sample = |(pairs, same): &(u64, u64)| {
            let (mut found, labelled) = (0, labelled.min(*pairs));
            for drawn in 0..labelled {
                found += u64::from(draws.below(pairs - drawn) < same - found);
            }
            labels(*pairs, labelled, found)
        };
        POPULATION.iter().map(sample).collect()
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        const SETS: u64 = 250;
        let truth = |strata: std::ops::Range<usize>, of: u64| {
            let same: u64 = POPULATION[strata].iter().map(|(_, same)| same).sum();
            u32::try_from(same * 1_000_000 / of).unwrap()
        };
        let all: u64 = POPULATION.iter().map(|(_, same)| same).sum();
        let truths = [truth(4..6, 4_300), truth(4..6, all), truth(2..6, all)];
        for labelled in [20, 80] {
            let mut held = [0; 3];
            for set in 0..SETS {
                let strata = sampled(&mut Draws { set, drawn: 0 }, labelled);
                let found = [
                    share_of_same(&strata[4..]),
                    share_found(&strata, &[false, false, false, false, true, true]),
                    share_found(&strata, &[false, false, true, true, true, true]),
                ];
                for ((held, found), truth) in held.iter_mut().zip(found).zip(truths) {
                    let [low, high] = found.expect("labels everywhere").interval;
                    *held += u64::from(low <= truth && truth <= high);
                }
            }
            for held in held {
                let percent = held * 100 / SETS;
                assert!((90..=99).contains(&percent), "{labelled}: {percent}%");
            }
        }
    }
}
