//! A handful of records: what is believed beforehand must carry the model.

use super::people::{JANE, JOHN, MARY, Person, features, person, settings};
use crate::matching::{
    Clustering, Constraints, Held, KeyPart, Learn, Model, Scorer, Settings, Threads, cluster, learn, score,
};

pub(super) fn clustered(people: &[Person], settings: &Settings) -> Clustering {
    let features = features(people, settings);
    let model = learn(&features, settings, Threads::new(1)).expect("within the limits");
    let pairs = score(&features, settings, &model, None, Threads::new(1)).expect("within the limits");
    let scorer = Scorer::new(&features, settings, &model);
    cluster(
        &features,
        settings,
        &pairs,
        &scorer,
        &Constraints::default(),
        &|_, _| None,
    )
}

fn with(base: [&'static str; 8], changes: &[(usize, &'static str)]) -> Person {
    let mut cells = base;
    for &(at, text) in changes {
        cells[at] = text;
    }
    person(cells)
}

#[test]
fn three_patients_merge_nothing_but_the_exact_duplicate() {
    let settings = settings();
    assert_eq!(
        clustered(&[person(JOHN), person(JANE), person(MARY)], &settings).of,
        [0, 1, 2]
    );
    let clusters = clustered(
        &[person(JOHN), person(JANE), person(JOHN), person(MARY)],
        &settings,
    );
    assert_eq!(clusters.of, [0, 1, 0, 3]);
    assert_eq!(clusters.reviews, []);
}

#[test]
fn no_record_and_one_record_are_no_pair() {
    let settings = settings();
    assert!(clustered(&[], &settings).of.is_empty());
    assert_eq!(clustered(&[person(JOHN)], &settings).of, [0]);
}

#[test]
fn empty_records_are_not_each_other() {
    let empty = person([""; 8]);
    let clusters = clustered(&[empty.clone(), empty.clone(), empty], &settings());
    assert_eq!(clusters.of, [0, 1, 2]);
}

#[test]
fn twins_juniors_and_mothers_with_daughters_are_not_merged() {
    let settings = settings();
    let twin = with(JOHN, &[(0, "peter"), (3, "222334444")]);
    let junior = with(JOHN, &[(2, "20100918"), (3, "333221111")]);
    let daughter = with(JANE, &[(2, "20081230"), (3, "")]);
    let clusters = clustered(&[person(JOHN), twin, junior, person(JANE), daughter], &settings);
    assert_eq!(clusters.of, [0, 1, 2, 3, 4]);
}

#[test]
fn a_different_ssn_with_one_other_agreement_is_for_review() {
    let settings = settings();
    let other = with(JOHN, &[(2, ""), (3, "777665555")]);
    let people = [person(JOHN), other, person(MARY)];
    let features = features(&people, &settings);
    let model = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    let pair = Scorer::new(&features, &settings, &model).pair(0, 1);
    assert_eq!(pair.held_back, Some(Held::Against));
    assert_eq!(clustered(&people, &settings).of, [0, 1, 2]);
    let stranger = with(MARY, &[(0, "berta"), (2, "19300101"), (3, "")]);
    let features = super::people::features(&[person(MARY), stranger], &settings);
    let pair = Scorer::new(&features, &settings, &model).pair(0, 1);
    assert_eq!(pair.held_back, Some(Held::NoAgreement));
}

#[test]
fn the_weights_and_the_prior_make_the_score() {
    let settings = settings();
    let people = super::people::people(7, 60);
    let features = features(&people, &settings);
    let model = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    let scorer = Scorer::new(&features, &settings, &model);
    for other in 1..people.len() {
        let pair = scorer.pair(0, other);
        let weights: i32 = pair.slots.iter().map(|slot| slot.weight).sum();
        assert_eq!(pair.prior + weights, pair.bits);
        assert_eq!(pair, scorer.pair(other, 0), "symmetric");
    }
}

#[test]
fn exchanged_names_agree() {
    let settings = settings();
    let exchanged = with(JOHN, &[(0, "smith"), (1, "john"), (3, "")]);
    assert_eq!(
        clustered(&[person(JOHN), exchanged, person(MARY)], &settings).of,
        [0, 0, 2]
    );
}

#[test]
fn given_weights_need_no_learning() {
    let mut settings = settings();
    let features = features(&[person(JOHN), person(JOHN), person(MARY)], &settings);
    let model = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    let weights = model.slots.iter().map(|_| vec![8_000, 2_000, -4_000]).collect();
    settings.learn = Learn::Given(weights);
    settings.prior = Some(1_000_000);
    let given = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    assert_eq!(given.slots[0].levels[0].shares, [8_000, 0, 0]);
    assert_eq!(
        clustered(&[person(JOHN), person(JOHN), person(MARY)], &settings).of,
        [0, 0, 2]
    );
}

#[test]
fn a_model_is_the_same_after_json() {
    let settings = settings();
    let features = features(&super::people::people(3, 40), &settings);
    let model = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    let text = model.to_json().to_string();
    let read = serde_json::from_str(&text).expect("JSON");
    assert_eq!(Model::from_json(&read), Some(model));
    assert_eq!(Model::from_json(&serde_json::json!({ "members": 3 })), None);
}

#[test]
fn a_large_block_is_refined_and_what_is_left_over_is_counted() {
    let mut settings = settings();
    settings.keys = vec![crate::matching::Key {
        parts: vec![KeyPart::Field(6)],
        limit: 4,
        refine: vec![KeyPart::Field(0)],
    }];
    let given = |name: &'static str| with(JOHN, &[(0, name)]);
    let mut people: Vec<Person> = ["anna", "berta", "clara", "anna", "dora"].map(given).into();
    let features_of = |people: &[Person], settings: &Settings| {
        let features = features(people, settings);
        learn(&features, settings, Threads::new(1)).expect("within the limits")
    };
    let model = features_of(&people, &settings);
    assert_eq!(
        (model.keys[0].pairs, model.keys[0].refined, model.alone),
        (1, 5, 0)
    );
    people.extend([given("anna"), given("anna"), given("anna"), given("")]);
    let model = features_of(&people, &settings);
    assert_eq!(
        (model.keys[0].pairs, model.keys[0].dropped, model.alone),
        (0, 6, 6)
    );
}
