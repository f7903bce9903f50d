//! The same results with any number of threads, and in any order of the members.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::people::{Person, numbered, people, settings};
use crate::matching::{Constraints, Features, Scorer, Threads, cluster, learn, score};

/// All results as text; members by their numbers, so that the order of members does not show.
fn results(features: &Features, cores: usize) -> String {
    let settings = settings();
    let model = learn(features, &settings, Threads::new(cores)).expect("within the limits");
    let pairs = score(features, &settings, &model, None, Threads::new(cores)).expect("within the limits");
    let scorer = Scorer::new(features, &settings, &model);
    let clusters = cluster(
        features,
        &settings,
        &pairs,
        &scorer,
        &Constraints::default(),
        &|_, _| None,
    );
    let number = |member: usize| features.number(member);
    let edges = pairs.edges.iter().map(|edge| {
        (
            number(edge.a as usize),
            number(edge.b as usize),
            edge.bits,
            edge.held,
        )
    });
    let labels = clusters
        .of
        .iter()
        .enumerate()
        .map(|(member, label)| (number(member), number(*label as usize)));
    let reviews = clusters
        .reviews
        .iter()
        .map(|review| (number(review.a), number(review.b), review.bits, review.band));
    format!(
        "{}\n{:?}\n{:?} {} {:?}\n{:?}\n{:?}",
        model.to_json(),
        edges.collect::<Vec<_>>(),
        pairs.first,
        pairs.expected,
        pairs.histogram,
        labels.collect::<BTreeSet<_>>(),
        reviews.collect::<Vec<_>>()
    )
}

#[test]
fn threads_make_no_difference() {
    let people = people(1, 90);
    let settings = settings();
    let features = numbered(people.iter().zip(1..), &settings);
    let alone = results(&features, 1);
    assert_eq!(alone, results(&features, 2));
    assert_eq!(alone, results(&features, 4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_members_makes_no_difference(seed in 0..1_000_u64, order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let people = people(seed, 40);
        let settings = settings();
        let as_made: Vec<(&Person, i64)> = people.iter().zip(1..).collect();
        // Forty parts, put together in another order.
        let part = people.len().div_ceil(40);
        let mut chunks: Vec<_> = as_made.chunks(part).collect();
        let keys = order.into_iter().take(chunks.len()).collect::<Vec<_>>();
        let mut sorted: Vec<_> = keys.into_iter().zip(chunks.drain(..)).collect();
        sorted.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<(&Person, i64)> = sorted.into_iter().flat_map(|(_, chunk)| chunk.iter().rev().copied()).collect();
        prop_assert_eq!(shuffled.len(), people.len());
        let one = results(&numbered(as_made.into_iter(), &settings), 1);
        let other = results(&numbered(shuffled.into_iter(), &settings), 2);
        prop_assert_eq!(one, other);
    }
}
