//! Random ids are random from outside, and the same whenever their record is carried again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::environment::Secrets;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Selected, retry};
use counterfoil::reconcile::{ReconcileOptions, reconcile};
use counterfoil::record::{Record, RecordNumber};
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::stage::{Lookup, Outcome, Stage, Stages, TargetField, Verdict};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use regex::Regex;
use rusqlite::Connection;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::scenario;
use crate::support::world::{self, StopAfter, context, stage};

/// A stage that copies, with a random id beside one by name, and one for each element of two lists.
const COPY: &str = r#"
[stage]
source = "a"
target = "b"
max_errors = "100%"

[[op]]
op = "uuid"
path = "token"
form = "random"

[[op]]
op = "uuid"
path = "named"

[[op]]
op = "uuid"
path = "second"
part = "s"
form = "random"

[[op]]
op = "uuid"
path = "items[*].key"
form = "random"

[[op]]
op = "each"
path = "items"
ops = [{ op = "uuid", path = "own", form = "random" }]

[[op]]
op = "convert"
path = "n"
to = "integer"

[[reconcile]]
name = "n"
source = "= doc.n"
target = "= doc.n"
"#;

/// Every item becomes a record, and each of its bits one more; each has a random id for itself.
const DERIVE: &str = r#"
[stage]
source = "b"
target = "c"
max_errors = "100%"

[[op]]
op = "derive"
path = "items"

[[op]]
op = "uuid"
path = "part_token"
form = "random"

[[op]]
op = "filter"
where = '= doc.sku != "left out"'

[[op]]
op = "derive"
path = "bits"
keep = ["part_token"]

[[op]]
op = "uuid"
path = "bit_token"
form = "random"
"#;

/// In place, on what was derived.
const IN_PLACE: &str =
    "[stage]\nsource = \"c\"\n\n[[op]]\nop = \"uuid\"\npath = \"late\"\nform = \"random\"\n";

/// How often something was applied: no two runs have the same randomness.
static APPLIED: AtomicU64 = AtomicU64::new(0);

fn stages() -> Stages {
    let files = [
        ("0001_copy.toml", COPY),
        ("0002_derive.toml", DERIVE),
        ("0003_late.toml", IN_PLACE),
    ];
    world::stages("ids", &files)
}

fn line(number: u32, n: &str) -> String {
    let item = |sku: &str| format!(r#"{{"sku":"{sku}","bits":[{{"b":1}},{{"b":2}}]}}"#);
    let items = [item("x"), item("left out"), item("x")].join(",");
    format!("{{\"id\":\"r{number}\",\"n\":\"{n}\",\"items\":[{items}]}}\n")
}

/// A store that is opened for each command with randomness of its own, with ten records, of which the fourth is refused unless it is mended.
struct Ids {
    _folder: TempDir,
    path: PathBuf,
}

impl Ids {
    fn new(seed: u64, fourth: &str) -> Self {
        let world = Self::in_folder(|_| {});
        let lines: String = (1..=10)
            .map(|n| line(n, if n == 4 { fourth } else { "7" }))
            .collect();
        world.load(&lines, seed);
        world
    }

    fn in_folder(fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        fill(&path);
        Self {
            _folder: folder,
            path,
        }
    }

    /// The same store once more.
    fn copied(&self) -> Self {
        Self::in_folder(|to| {
            let connection = Connection::open(&self.path).expect("a store");
            let to = to.to_str().expect("a path that is text");
            connection.execute("VACUUM INTO ?1", [to]).expect("a copy");
        })
    }

    fn open(&self, seed: u64) -> Store {
        let options = StoreOptions::default().batch_size(3);
        Store::open_or_create(&self.path, options, scenario::environment(seed)).expect("a store")
    }

    fn load(&self, lines: &str, seed: u64) {
        let options = LoadOptions::default().replace(true);
        load(
            &mut self.open(seed),
            "a",
            "in",
            lines.as_bytes(),
            &options,
            &mut Silent,
        )
        .expect("a load");
    }

    /// Applies with other randomness than the load had: nothing may be drawn.
    fn apply(&self) {
        let seed = 100 + APPLIED.fetch_add(1, Ordering::Relaxed);
        apply(
            &mut self.open(seed),
            &stages(),
            &ApplyOptions::default(),
            &mut Silent,
        )
        .expect("an apply");
    }

    fn rows(&self, database: &str) -> Vec<(String, Json)> {
        let rows = self
            .open(1)
            .records_after(database, RecordNumber::BEFORE_FIRST, 1_000)
            .expect("rows");
        rows.into_iter()
            .map(|row| (row.id, serde_json::from_str(&row.data).expect("JSON")))
            .collect()
    }

    fn all(&self) -> Vec<Vec<(String, Json)>> {
        ["b", "c"].map(|database| self.rows(database)).to_vec()
    }
}

/// Every id with this name, wherever it stands.
fn ids(rows: &[(String, Json)], name: &str) -> Vec<String> {
    fn find(value: &Json, name: &str, found: &mut Vec<String>) {
        match value {
            Json::Object(fields) => {
                found.extend(fields.get(name).and_then(Json::as_str).map(str::to_owned));
                fields.values().for_each(|value| find(value, name, found));
            }
            Json::Array(list) => list.iter().for_each(|value| find(value, name, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    rows.iter().for_each(|(_, value)| find(value, name, &mut found));
    found
}

#[test]
fn every_record_place_part_and_store_has_another_one() {
    let (world, other) = (Ids::new(5, "7"), Ids::new(6, "7"));
    world.apply();
    other.apply();
    let shape = Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        .expect("a pattern");
    let mut all = BTreeSet::new();
    for (database, name, count) in [
        ("b", "token", 10),
        ("b", "second", 10),
        ("b", "key", 30),
        ("b", "own", 30),
        ("c", "bit_token", 40),
        ("c", "late", 40),
    ] {
        for world in [&world, &other] {
            let found = ids(&world.rows(database), name);
            assert_eq!(found.len(), count, "{name}");
            assert!(found.iter().all(|id| shape.is_match(id)), "{name}: {found:?}");
            for id in found {
                assert!(all.insert(id.clone()), "{name}: {id} came twice");
            }
        }
    }
    // What was kept from the first derivation is the same for both bits of an item, and for nothing else.
    let kept: BTreeSet<String> = ids(&world.rows("c"), "part_token").into_iter().collect();
    assert_eq!((kept.len(), kept.is_disjoint(&all)), (20, true));
    // By name, both stores have the same.
    assert_eq!(ids(&world.rows("b"), "named"), ids(&other.rows("b"), "named"));
}

#[test]
fn a_run_that_is_cut_a_rollback_and_a_second_run_give_the_same() {
    let world = Ids::new(5, "7");
    let (cut, twice) = (world.copied(), world.copied());
    world.apply();
    let expected = world.all();
    let mut stops = 0;
    loop {
        let stop = StopSignal::default();
        let options = ApplyOptions::default().stop(stop.clone());
        let report = apply(
            &mut cut.open(50 + stops),
            &stages(),
            &options,
            &mut StopAfter(1, stop),
        )
        .expect("an apply");
        if report.stopped.is_none() {
            break;
        }
        stops += 1;
    }
    assert!(stops > 3, "{stops}");
    assert_eq!(cut.all(), expected);
    twice.apply();
    let all = RollbackOptions::default().scope(RollbackScope::All);
    rollback(&mut twice.open(7), "ids", &all, &mut Silent).expect("a rollback");
    assert!(twice.rows("c").is_empty());
    twice.apply();
    assert_eq!(twice.all(), expected);
}

#[test]
fn a_plan_reports_the_ids_that_apply_gives() {
    let world = Ids::new(5, "7");
    let options = PlanOptions::default().examples(100).full(true);
    let planned = plan(&world.open(77), &stages(), &options, &mut Silent).expect("a plan");
    world.apply();
    for (at, database, names) in [
        (0, "b", ["/token", "/second"]),
        (1, "c", ["/part_token", "/bit_token"]),
        (2, "c", ["/late", "/late"]),
    ] {
        for name in names {
            let fields = planned.stages[at]
                .samples
                .iter()
                .flat_map(|sample| &sample.fields);
            let told: BTreeSet<String> = fields
                .filter(|field| field.pointer == name)
                .map(|field| {
                    field
                        .after
                        .as_deref()
                        .expect("it is new")
                        .trim_matches('"')
                        .to_owned()
                })
                .collect();
            let given: BTreeSet<String> = ids(&world.rows(database), &name[1..]).into_iter().collect();
            assert!(told.len() >= 10, "{name}: {told:?}");
            assert!(told.is_subset(&given), "{name}: {told:?} is not in {given:?}");
        }
    }
}

#[test]
fn what_is_refused_at_first_gets_the_id_that_it_would_have_had() {
    let (straight, world) = (Ids::new(5, "7"), Ids::new(5, "seven"));
    straight.apply();
    world.apply();
    assert_eq!(world.rows("b").len(), 9);
    world.load(&line(4, "7"), 8);
    let retried = world.copied();
    world.apply();
    let options = ApplyOptions::default();
    let selected = Selected::default();
    retry(&mut retried.open(9), &stages(), &selected, &options, &mut Silent).expect("a retry");
    let sorted = |world: &Ids| {
        let mut rows = world.rows("b");
        rows.sort_by_key(|(id, _)| id.clone());
        rows
    };
    assert_eq!(sorted(&world), sorted(&straight));
    assert_eq!(sorted(&retried), sorted(&straight));
    // What looks at the targets once more makes the same of the sources.
    for world in [&world, &retried] {
        let mut store = world.open(1);
        let report = reconcile(&mut store, &stages(), &ReconcileOptions::default(), &mut Silent)
            .expect("it is reconciled");
        assert!(report.is_reconciled(), "{report:?}");
        let deviations = store.deviations(&stages()).expect("they are known");
        assert!(deviations.is_empty(), "{deviations:?}");
        assert!(
            verify(&store, &VerifyOptions::default())
                .expect("it is verified")
                .is_sound()
        );
    }
}

#[test]
fn without_a_ledger_an_example_has_its_own_and_a_call_is_refused() {
    let example = "\n[[example]]\nname = \"e\"\nid = \"x\"\ninput = '{}'\noutput = '{\"late\":\"UUID\"}'\n";
    let of = |uuid: &str| {
        stage(
            "0001_e.toml",
            &format!("{IN_PLACE}{}", example.replace("UUID", uuid)),
        )
    };
    let secrets = Secrets::default();
    let Verdict::Failed(said) = of("?").run_examples("ids", &secrets).remove(0).verdict else {
        panic!("an example that expects `?` must fail");
    };
    let uuid = Regex::new("[0-9a-f-]{36}").expect("a pattern");
    let uuid = uuid.find(&said).expect("the id is told").as_str();
    let passed = &of(uuid).run_examples("ids", &secrets)[0].verdict;
    assert!(matches!(passed, Verdict::Passed { .. }), "{passed:?}");
    let record = Record {
        number: RecordNumber::new(1),
        id: "x".to_owned(),
        data: "{}".to_owned(),
    };
    let mut context = context("ids", "x", &secrets);
    let refused = of(uuid)
        .transform(&record, &context)
        .expect_err("there is no salt");
    assert_eq!(
        (refused.code.as_ref(), refused.violations[0].pointer.as_str()),
        ("uuid.salt_missing", "/late")
    );
    context.salt = Some([3; 16]);
    assert!(matches!(
        of(uuid).transform(&record, &context),
        Ok(Outcome::Write(_))
    ));
}

#[test]
fn a_random_id_comes_from_nothing_and_one_by_name_from_the_id() {
    let lineage = stage("0001_copy.toml", COPY).lineage();
    let sources = |name: &str| {
        let place = TargetField::Field(name.parse().expect("a path"));
        lineage
            .fields
            .iter()
            .find(|(field, _)| **field == place)
            .expect("it is told")
            .1
            .len()
    };
    assert_eq!((sources("token"), sources("named")), (0, 1));
}

/// Who has applied a stage by name has a stage of the same meaning still.
#[test]
fn the_form_by_name_means_what_it_meant() {
    let text = |form: &str| format!("[stage]\nsource = \"a\"\n[[op]]\nop = \"uuid\"\npath = \"u\"\n{form}");
    let meaning = |form: &str| stage("0001_u.toml", &text(form)).meaning().to_owned();
    assert!(!meaning("").contains("\"form\""));
    assert_eq!(meaning(""), meaning("form = \"name\"\n"));
    assert_ne!(meaning(""), meaning("form = \"random\"\n"));
    let problems =
        Stage::parse("0001_u.toml", &text("form = \"radnom\"\n"), &Lookup::nothing()).expect_err("no form");
    assert_eq!(problems[0].code, "stage.wrong_type");
}
