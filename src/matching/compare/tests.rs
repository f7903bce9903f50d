use proptest::prelude::*;

use super::dates::{Alike, alike};
use super::slips::{share_kept, slips};
use crate::matching::text;

#[test]
fn dates_are_alike_by_slip_exchange_and_parts() {
    let is = |a, b, expected| assert_eq!((alike(a, b), alike(b, a)), (expected, expected), "{a} {b}");
    is("19800212", "19800213", Alike::Slip);
    is("1980-02-12", "1980-12-02", Alike::Slip);
    is("19800212", "19800221", Alike::Slip);
    is("19800212", "19790212", Alike::TwoParts);
    is("19800212", "19800229", Alike::TwoParts);
    is("19800212", "19801129", Alike::Year);
    is("19800212", "19511129", Alike::No);
    is("1980212", "19800212", Alike::Slip);
}

proptest! {
    #[test]
    fn the_fast_count_of_slips_is_the_distance(a in "[abc]{0,7}", b in "[abc]{0,7}", most in 0..4_usize) {
        let apart = text::distance(&a, &b);
        let counted = slips(&a, &b, most);
        prop_assert_eq!(counted, apart.min(most + 1));
        prop_assert_eq!(counted, slips(&b, &a, most));
    }

    #[test]
    fn what_is_kept_is_all_of_equal_texts_alone(a in "[abé]{1,6}", b in "[abé]{1,6}") {
        prop_assert_eq!(share_kept(&a, &b) == 1000, a == b);
    }
}
