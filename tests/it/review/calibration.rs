//! Calibration: what other lines would do, and what labels say.

use std::collections::BTreeSet;

use counterfoil::review::{Calibration, Decision, PairDecision, decide};
use counterfoil::rollback::RollbackScope;
use counterfoil::{RecordNumber, RunInfo};

use super::explain::{REGISTER, STAGE, number, world};
use crate::support::world::{Scene, World};

fn calibrated(world: &World) -> Calibration {
    world.store.calibrate(&world.stages, 1).expect("a calibration")
}

fn decided(world: &mut World, decisions: &[(RecordNumber, RecordNumber, Decision)]) {
    let decisions: Vec<PairDecision> = decisions
        .iter()
        .map(|(a, b, decision)| PairDecision::new(*a, *b, *decision))
        .collect();
    let World { store, stages, .. } = world;
    let report = decide(store, stages, 1, &decisions, &RunInfo::new("review")).expect("decisions");
    assert!(report.refused.is_empty(), "{report:?}");
}

/// Golden records, merged records and waiting pairs, as the ledger has them.
fn standing(world: &World) -> (u64, u64, u64) {
    let count = |sql: &str| world.asked::<i64>(sql).unsigned_abs();
    (
        count("SELECT count(DISTINCT golden) FROM audit_cross_reference"),
        count(
            "SELECT coalesce(sum(n),0) FROM (SELECT count(*) n FROM audit_cross_reference GROUP BY golden HAVING n>1)",
        ),
        count("SELECT count(*) FROM audit_review"),
    )
}

fn in_force(calibration: &Calibration) -> (u64, u64, u64) {
    let mut lines = calibration.lines_tried.iter().filter(|line| line.in_force);
    let line = lines.next().expect("the lines of the stage");
    assert!(lines.next().is_none());
    (line.golden, line.merged, line.waiting)
}

#[test]
fn the_lines_in_force_do_what_the_stage_has_done_and_what_people_have_decided() {
    let mut world = world();
    assert_eq!(in_force(&calibrated(&world)), standing(&world));
    let (a1, a3) = (number(&world, "a1"), number(&world, "a3"));
    let (d1, d2) = (number(&world, "d1"), number(&world, "d2"));
    decided(
        &mut world,
        &[(a1, a3, Decision::Never), (d1, d2, Decision::Accept)],
    );
    let would = in_force(&calibrated(&world));
    assert_ne!(would, standing(&world));
    world.apply();
    assert_eq!(would, standing(&world));
    assert_eq!(in_force(&calibrated(&world)), standing(&world));
}

#[test]
fn a_stricter_line_merges_less_and_is_less_often_wrong() {
    let calibration = calibrated(&world());
    let tried: Vec<(String, String)> = calibration
        .lines_tried
        .iter()
        .map(|line| (line.auto.to_string(), line.review.to_string()))
        .collect();
    let expected = [
        ("0.95", "0.50"),
        ("0.98", "0.50"),
        ("0.99", "0.30"),
        ("0.99", "0.50"),
        ("0.99", "0.70"),
        ("0.995", "0.50"),
        ("0.999", "0.50"),
    ];
    let expected = expected.map(|(auto, review)| (auto.to_owned(), review.to_owned()));
    assert_eq!(tried, expected);
    let own = |line: &&counterfoil::review::LineTried| line.review.to_string() == "0.50";
    let by_auto: Vec<_> = calibration.lines_tried.iter().filter(own).collect();
    for two in by_auto.windows(2) {
        assert!(two[0].merged >= two[1].merged && two[0].golden <= two[1].golden);
        assert!(two[0].false_merges >= two[1].false_merges && two[0].missed <= two[1].missed);
    }
    let (first, last) = (by_auto[0], by_auto[by_auto.len() - 1]);
    assert!(
        first.merged > last.merged && first.missed < last.missed,
        "{by_auto:?}"
    );
    let pairs: u64 = calibration.histogram.iter().map(|bar| bar.pairs).sum();
    assert_eq!(pairs, calibration.candidates);
}

#[test]
fn a_seed_draws_the_same_pairs_of_every_stratum_and_shows_no_score() {
    let world = world();
    let drawn = |pairs: usize, seed: u64| {
        let sample = world.store.review_sample(&world.stages, 1, pairs, seed);
        sample.expect("a sample")
    };
    let whole = drawn(1_000, 1);
    assert_eq!(whole, drawn(1_000, 1));
    let in_strata: u64 = whole.strata.iter().map(|stratum| stratum.pairs).sum();
    assert_eq!(whole.pairs.len() as u64, in_strata);
    assert!(whole.strata.iter().all(|stratum| stratum.drawn == stratum.pairs));
    let some = drawn(5, 1);
    assert_eq!(some.pairs.len(), 5);
    let filled: Vec<_> = some.strata.iter().filter(|stratum| stratum.pairs > 0).collect();
    assert!(
        filled.len() > 2 && filled.iter().all(|stratum| stratum.drawn > 0),
        "{filled:?}"
    );
    let names = |sample: &counterfoil::review::PairSample| -> BTreeSet<String> {
        sample.pairs.iter().map(|pair| pair.name()).collect()
    };
    assert!(names(&some).is_subset(&names(&whole)));
    assert!((2..9).any(|seed| names(&drawn(5, seed)) != names(&some)));
    for pair in &whole.pairs {
        assert!(pair.bits.is_none() && pair.probability.is_none() && pair.band == "sample");
        assert!(pair.a.record < pair.b.record && pair.version.len() == 8);
    }
}

/// Whether two records of the register are one: those of one letter are, but for two of Ann, one Hal and one Bob.
fn is_one(a: &str, b: &str) -> bool {
    let alone = ["a3", "a4", "h2", "b2"];
    a[..1] == b[..1] && !alone.contains(&a) && !alone.contains(&b)
}

#[test]
fn labels_say_how_good_the_merge_is_as_far_as_they_go() {
    let mut world = world();
    assert_eq!(calibrated(&world).labelled, None);
    let sample = world
        .store
        .review_sample(&world.stages, 1, 1_000, 7)
        .expect("a sample");
    let labels: Vec<_> = sample
        .pairs
        .iter()
        .map(|pair| {
            let id = |side: &counterfoil::review::Side| side.id.clone().expect("an id");
            let label = if is_one(&id(&pair.a), &id(&pair.b)) {
                Decision::Same
            } else {
                Decision::Different
            };
            (pair.a.record, pair.b.record, label)
        })
        .collect();
    // Of one listed pair alone nothing follows for the strata that have no label.
    let (b1, c1) = (number(&world, "b1"), number(&world, "c1"));
    let listed = (number(&world, "d1"), number(&world, "d2"), Decision::Same);
    decided(&mut world, &[listed, (b1, c1, Decision::Different)]);
    let few = calibrated(&world).labelled.expect("labels");
    assert_eq!((few.labels, few.elsewhere), (1, 1));
    assert_eq!(
        (few.precision, few.recall, few.recall_with_review),
        (None, None, None)
    );
    // Of all pairs everything follows, and there is nothing left to guess.
    let rest: Vec<_> = labels.iter().filter(|label| **label != listed).copied().collect();
    assert_eq!(rest.len() + 1, labels.len());
    decided(&mut world, &rest);
    let all = calibrated(&world).labelled.expect("labels");
    assert_eq!(all.labels as usize, labels.len());
    let precision = all.precision.expect("an estimate");
    assert!(precision.low == precision.share && precision.share == precision.high);
    let of_merged = all
        .strata
        .iter()
        .filter(|stratum| stratum.name.starts_with("merged"));
    let (same, pairs) = of_merged.fold((0, 0), |sum, of| (sum.0 + of.same, sum.1 + of.pairs));
    assert_eq!(
        u64::from(precision.share.ppm()),
        (same * 1_000_000 + pairs / 2) / pairs
    );
    let (recall, with_review) = (
        all.recall.expect("an estimate"),
        all.recall_with_review.expect("an estimate"),
    );
    assert!(
        recall.share < with_review.share && with_review.share.ppm() <= 1_000_000,
        "{all:?}"
    );
    // Labels decide nothing, and are taken back as decisions are.
    assert_eq!(in_force(&calibrated(&world)), standing(&world));
    for _ in 0..2 {
        let run = world.asked(
            "SELECT max(run) FROM ledger_standing p JOIN ledger_batch b USING(pass) WHERE p.kind='merge'",
        );
        world.roll_back(RollbackScope::Run(run));
    }
    assert_eq!(calibrated(&world).labelled, None);
    world.is_sound();
}

#[test]
fn the_commands_show_bands_lines_and_pairs() {
    let scene = Scene::named("p", &[("0001_people.toml", STAGE)]);
    scene.load("register", &REGISTER, &[]);
    let said = scene.run(&["review", "calibrate"]);
    assert!(
        said.code != 0 && said.err.contains("has no model yet"),
        "{}",
        said.err
    );
    scene.exits(&["apply"], 0);
    let shown = scene.exits(&["review", "calibrate"], 0);
    for part in [
        "expected to be one",
        "decision  #",
        "<- in force",
        "What other lines would do",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert!(shown.err.contains("review sample 100 --seed 1"), "{}", shown.err);
    let sample = scene.exits(&["review", "sample", "6", "--seed", "3"], 0).out;
    for line in shown.out.lines().chain(sample.lines()) {
        assert!(line.chars().count() <= 90, "{line}");
    }
    let data = scene.envelope(&["review", "sample", "6", "--seed", "3"])["data"].clone();
    let pairs = data["pairs"].as_array().expect("pairs");
    assert_eq!(pairs.len(), 6);
    for pair in pairs {
        let name = format!("{}+{}", pair["a"]["record"], pair["b"]["record"]);
        assert!(sample.contains(&name), "{name}: {sample}");
    }
    let hidden = STAGE.replace("target = \"people\"", "target = \"people\"\nredact = [\"id\"]");
    let scene = Scene::named("p", &[("0001_people.toml", &hidden)]);
    scene.load("register", &REGISTER, &[]);
    scene.exits(&["apply"], 0);
    for arguments in [
        &["review", "sample", "50", "--seed", "3"][..],
        &["explain", "register", "1+2"],
        &["explain", "register", "#1"],
        &["explain", "register", "#15", "#16"],
    ] {
        for json in [&[][..], &["--json"]] {
            let said = scene.exits(&[json, arguments].concat(), 0).out;
            let mut words = said.split(|letter: char| !letter.is_alphanumeric());
            assert!(!words.any(|word| word == "a2" || word == "g1"), "{said}");
            assert!(said.contains("[redacted]"), "{said}");
        }
    }
}
