//! `now()` is the time of the pass; where there is none it is the time of the command, and never the year 1970.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use counterfoil::Silent;
use counterfoil::environment::Clock;
use counterfoil::reconcile::{ReconcileOptions, reconcile};
use counterfoil::store::StoreOptions;
use counterfoil::validate::{ValidateOptions, validate};

use crate::support::world::{Scene, World, environment, stage, stages};

/// Noon of a day in 2024, and in 2031.
const THEN: i64 = 1_710_000_000_000_000;
const LATER: i64 = 1_930_000_000_000_000;

#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A world whose clock is set.
fn world(files: &[(&str, &str)]) -> (World, Arc<SetClock>) {
    let clock = Arc::new(SetClock(THEN.into()));
    let environment = environment().clock(clock.clone());
    let world = World::with(stages("demo", files), StoreOptions::default(), environment);
    (world, clock)
}

const DATED: &str = r#"
[stage]
source = "a"
target = "b"

[into]
id = "= doc.id"
year = '= integer(format_date(now(), "%Y"))'

[[reconcile]]
name = "years"
source = '= integer(format_date(now(), "%Y"))'
target = "= doc.year"
"#;

#[test]
fn a_reconciliation_sees_each_record_at_the_time_of_the_pass_that_processed_it() {
    let (mut world, clock) = world(&[("0001_dated.toml", DATED)]);
    world.load("a", &["{\"id\":\"1\"}\n"]);
    world.apply();
    clock.0.store(LATER, Ordering::Relaxed);
    world.load("a", &["{\"id\":\"2\"}\n{\"id\":\"3\"}\n"]);
    world.apply();
    clock.0.store(LATER + (LATER - THEN), Ordering::Relaxed);
    world.load("a", &["{\"id\":\"4\"}\n"]);
    let report = reconcile(
        &mut world.store,
        &world.stages,
        &ReconcileOptions::default(),
        &mut Silent,
    )
    .expect("a reconciliation");
    let years = &report.stages[0].reconciliations[0];
    // 2024, twice 2031, and of what no pass has carried yet the year of the command.
    assert_eq!(years.target.amount.to_string(), "6086", "{years:?}");
    assert_eq!(
        years.source.amount.to_string(),
        (6086 + 2038).to_string(),
        "{years:?}"
    );
    assert!(years.holds, "{years:?}");
}

#[test]
fn a_contract_is_checked_at_the_time_of_the_call() {
    let (mut world, clock) = world(&[]);
    world.load("a", &["{\"id\":\"1\",\"ends\":\"2030-01-01 00:00:00\"}\n"]);
    let valid = r#"
[stage]
source = "a"

[[contract.rule]]
name = "is valid"
expect = '= now() < date(doc.ends, "%Y-%m-%d %H:%M:%S", "UTC")'
"#;
    let stage = stage("0001_valid.toml", valid);
    for (now, broken) in [(THEN, 0), (LATER, 1)] {
        clock.0.store(now, Ordering::Relaxed);
        let contract = stage.contract();
        let report = validate(
            &world.store,
            "a",
            contract,
            &ValidateOptions::default(),
            &mut |_| Ok(()),
        )
        .expect("a validation");
        assert_eq!(report.failing, broken, "{report:?}");
    }
}

#[test]
fn a_query_knows_what_was_updated_since_yesterday() {
    let scene = Scene::named("clinic", &[]);
    let second = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let at = |shift: i64| {
        let at = chrono::DateTime::from_timestamp(second as i64 + shift, 0).expect("a time");
        at.format("%Y-%m-%d %H:%M:%S").to_string()
    };
    let line =
        |id: &str, shift: i64| format!("{{\"id\":\"{id}\",\"next_day\":\"{}\"}}\n", at(shift + 86_400));
    let lines = [
        line("old", -100 * 3600),
        line("yesterday", -23 * 3600),
        line("new", -60),
    ]
    .concat();
    scene.write("visits.ndjson", &lines);
    assert_eq!(scene.run(&["load", "visits", "visits.ndjson"]).code, 0);
    let recent = r#"date(doc.next_day, "%Y-%m-%d %H:%M:%S", "UTC") > now()"#;
    let said = scene.run(&["query", "visits", "--where", recent, "--with-id"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let found: Vec<&str> = ["old", "yesterday", "new"]
        .into_iter()
        .filter(|id| said.out.contains(&format!("\"id\":\"{id}\"")))
        .collect();
    assert_eq!(found, ["yesterday", "new"], "{}", said.out);
    let over = r#"date(doc.next_day, "%Y-%m-%d %H:%M:%S", "UTC") <= now()"#;
    let said = scene.run(&["query", "visits", "--where", over]);
    assert!(
        said.out.contains("\"old\"") && said.out.lines().count() == 1,
        "{}",
        said.out
    );
}
