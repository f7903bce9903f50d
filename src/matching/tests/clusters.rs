//! Clusters under constraints.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::people::{JOHN, MARY, features, people, person, settings};
use crate::matching::{
    Band, Clustering, Constraints, FREE, Features, FeaturesBuilder, MemberText, Scorer, Settings, Then,
    Threads, cluster, learn, score,
};

fn clustered(
    features: &Features,
    settings: &Settings,
    constraints: &Constraints<'_>,
    conflict: &dyn Fn(usize, usize) -> Option<Then>,
) -> Clustering {
    let model = learn(features, settings, Threads::new(1)).expect("within the limits");
    let pairs = score(features, settings, &model, None, Threads::new(1)).expect("within the limits");
    let scorer = Scorer::new(features, settings, &model);
    cluster(features, settings, &pairs, &scorer, constraints, conflict)
}

/// Three records of one person, and a stranger.
fn four(settings: &Settings) -> Features {
    features(
        &[person(JOHN), person(JOHN), person(JOHN), person(MARY)],
        settings,
    )
}

const NONE: &dyn Fn(usize, usize) -> Option<Then> = &|_, _| None;

#[test]
fn decisions_hold_for_whole_clusters() {
    let settings = settings();
    let features = four(&settings);
    let all = clustered(&features, &settings, &Constraints::default(), NONE);
    assert_eq!(all.of, [0, 0, 0, 3]);
    let must = Constraints {
        must: &[(2, 3)],
        ..Constraints::default()
    };
    let with = clustered(&features, &settings, &must, NONE);
    // The stranger that a person has added does not go with the others, so they are not joined to the two by themselves.
    assert_eq!(with.of[2], with.of[3]);
    let cannot = Constraints {
        cannot: &[(1, 0)],
        ..Constraints::default()
    };
    let without = clustered(&features, &settings, &cannot, NONE);
    assert_ne!(without.of[0], without.of[1]);
    // The third fits both: only a person knows whose record it is. What is decided is not asked again.
    assert!(without.of[2] != without.of[0] && without.of[2] != without.of[1]);
    let asked = without
        .reviews
        .iter()
        .map(|review| (review.a.min(review.b), review.a.max(review.b)));
    assert_eq!(asked.collect::<BTreeSet<_>>(), BTreeSet::from([(0, 2), (1, 2)]));
    let both = Constraints {
        must: &[(0, 1)],
        cannot: &[(0, 1)],
        ..Constraints::default()
    };
    let both = clustered(&features, &settings, &both, NONE);
    assert_ne!(both.of[0], both.of[1], "never outweighs");
}

#[test]
fn a_conflict_is_shown_or_not() {
    let settings = settings();
    let features = four(&settings);
    let review = |a: usize, b: usize| (a.min(b) == 0 && a.max(b) == 1).then_some(Then::Review);
    let shown = clustered(&features, &settings, &Constraints::default(), &review);
    assert_eq!(shown.of, [0, 1, 2, 3], "the third fits both, who are not one");
    assert_eq!(bands(&shown), [Band::Chain, Band::Chain, Band::Conflict]);
    let never = |a: usize, b: usize| (a.min(b) == 0 && a.max(b) == 1).then_some(Then::Never);
    let hidden = clustered(&features, &settings, &Constraints::default(), &never);
    assert_eq!(hidden.of, [0, 1, 2, 3]);
    assert_eq!(bands(&hidden), [Band::Chain, Band::Chain]);
}

fn bands(clusters: &Clustering) -> Vec<Band> {
    let mut bands: Vec<Band> = clusters.reviews.iter().map(|review| review.band).collect();
    bands.sort_unstable();
    bands
}

#[test]
fn clusters_that_stand_stay_and_take_in_new_members() {
    let settings = settings();
    let features = four(&settings);
    let initial = [0, FREE, 2, 3];
    let constraints = Constraints {
        initial: Some(&initial),
        ..Constraints::default()
    };
    let clusters = clustered(&features, &settings, &constraints, NONE);
    assert_eq!(
        clusters.of,
        [0, 0, 0, 3],
        "certain on both sides: they are joined"
    );
    let initial = [0, FREE, FREE, 0];
    let constraints = Constraints {
        initial: Some(&initial),
        ..Constraints::default()
    };
    let clusters = clustered(&features, &settings, &constraints, NONE);
    assert_eq!(clusters.of[0], clusters.of[3], "what stands is not taken apart");
}

#[test]
fn a_cluster_has_at_most_so_many_members_and_one_of_each_owner() {
    let mut settings = settings();
    let features = four(&settings);
    settings.most = 2;
    let clusters = clustered(&features, &settings, &Constraints::default(), NONE);
    let in_pairs = clusters
        .of
        .iter()
        .filter(|&&label| clusters.of.iter().filter(|other| **other == label).count() == 2);
    assert_eq!(in_pairs.count(), 2);
    assert_eq!(clusters.reviews.len(), 1);
    assert_eq!(clusters.reviews[0].band, Band::Chain);

    settings.most = 25;
    let mut builder = FeaturesBuilder::new(&settings);
    for (number, owner) in (1..).zip(["a", "b", "a"]) {
        builder
            .push(&MemberText {
                number,
                tie: number.unsigned_abs(),
                values: &JOHN.map(|cell| Some(Cow::Borrowed(cell))),
                computed: &[],
                owner: Some(Cow::Borrowed(owner)),
            })
            .expect("within the limits");
    }
    let clusters = clustered(&builder.build(), &settings, &Constraints::default(), NONE);
    assert_eq!(clusters.of, [0, 1, 2], "whose the second is, nobody knows");
    assert_eq!(bands(&clusters), [Band::Chain, Band::Chain, Band::Conflict]);
}

#[test]
fn touched_members_give_the_same_pairs_as_all() {
    let settings = settings();
    let features = features(&people(11, 80), &settings);
    let model = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    let all = score(&features, &settings, &model, None, Threads::new(1)).expect("within the limits");
    let touched: Vec<bool> = (0..features.len()).map(|member| member % 3 == 0).collect();
    let some =
        score(&features, &settings, &model, Some(&touched), Threads::new(1)).expect("within the limits");
    let of_touched = all
        .edges
        .iter()
        .filter(|edge| touched[edge.a as usize] || touched[edge.b as usize]);
    let of_touched: Vec<_> = of_touched.copied().collect();
    assert!(of_touched.len() < all.edges.len());
    assert_eq!(some.edges, of_touched);
}
