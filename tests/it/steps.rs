//! The view `audit_step`: original and transformed JSON of each step side by side, with systems, time and status, for the
//! stock sqlite3 shell. The random histories of `model` hold it to the commitments after every history; here are
//! documents of every kind, the systems, the costs, and what it does not show.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;

use counterfoil::RunInfo;
use counterfoil::apply::ApplyOptions;
use counterfoil::edit::{Edit, edit};
use counterfoil::load::LoadOptions;
use counterfoil::observe::Silent;
use counterfoil::quarantine::{Selected, retry};
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use rusqlite::{Connection, OpenFlags};

use crate::support::steps::{Shown, assert_shown};
use crate::support::world::{World, environment, stages};

const COPY: &str = "[stage]
source = \"a\"
target = \"b\"
where = '= doc.get(\"skip\") == ()'
max_errors = \"100%\"

[[op]]
op = \"convert\"
path = \"n\"
to = \"decimal\"
";

/// It takes out, puts in, moves and changes, in the midst of the others.
const CHANGE: &str = "[stage]
source = \"b\"
max_errors = \"100%\"

[[op]]
op = \"set\"
path = \"m\"
value = \"= doc.n * 2\"

[[op]]
op = \"remove\"
path = \"x y\"
missing = \"skip\"

[[op]]
op = \"remove\"
path = \"é\"
missing = \"skip\"

[[op]]
op = \"rename\"
from = \"s\"
to = \"t\"
missing = \"skip\"
";

const PARTS: &str = "[stage]
source = \"b\"
target = \"c\"
max_errors = \"100%\"
id = '= doc.id + \"-c\"'

[into]
id = \"= doc.id\"
n = \"= doc.m\"
";

/// A world of these stages, and what the view shows of it.
struct Steps(World);

impl Deref for Steps {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Steps {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}

impl Steps {
    fn new(options: StoreOptions) -> Self {
        let files = [
            ("0001_copy.toml", COPY),
            ("0002_change.toml", CHANGE),
            ("0003_parts.toml", PARTS),
        ];
        let mut world = World::with(stages("p", &files), options, environment());
        world.applying.batch_size = Some(3);
        Self(world)
    }

    fn load(&mut self, lines: &[String], replace: bool) {
        let options = LoadOptions::default().replace(replace).again(true).restart(true);
        self.loads += 1;
        let name = format!("{}.ndjson", self.loads);
        self.load_as("a", &name, lines.join("\n").as_bytes(), &options);
    }

    fn apply(&mut self, to: Option<u32>) {
        let options = self.applying.clone().to(to);
        self.apply_with(&options);
    }

    fn edit(&mut self, database: &str, one: Edit) {
        // There may be nothing to delete.
        let _ = edit(&mut self.store, database, &[one], &RunInfo::new("edit"));
    }

    fn rollback(&mut self, scope: RollbackScope, on_conflict: ConflictPolicy) {
        let options = RollbackOptions::default().scope(scope).on_conflict(on_conflict);
        let _ = self.try_roll_back(&options);
    }

    fn shown(&self) -> Shown {
        assert_shown(&self.path())
    }

    /// The rows of an answer, in a connection that knows nothing of ours.
    fn ask(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(self.path(), flags).expect("a store");
        let mut statement = connection.prepare(sql).expect(sql);
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns)
                .map(|at| {
                    Ok(row
                        .get_ref(at)?
                        .as_str_or_null()
                        .map(|text| text.map(str::to_owned))?)
                })
                .collect()
        });
        rows.and_then(Iterator::collect).expect(sql)
    }
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "1",
        "-0",
        "1.50",
        "1e5",
        "12345678901234567890123.10",
        "true",
        "null",
        "\"\"",
        "\"plain, with: colons {and} [brackets]\"",
        r#""a \"quote\", a \\ and \u0041, \n""#,
        "\"\u{e9}\u{1f980}\"",
        "{}",
        r#"{"z":1.0,"a":[{"b":"\""}]}"#,
        "[1.10,\"]\",null]",
    ])
}

fn document(id: usize) -> impl Strategy<Value = String> {
    let names = ["s", "x y", "\u{e9}", "a.b", "$", "[0]", "~1/", "", "k", "skip"];
    let fields = prop::collection::vec((prop::sample::select(names.to_vec()), value()), 0..7);
    let n = prop::sample::select(vec!["\"1.50\"", "2", "\"x\"", "30.10"]);
    (fields, n, 0..7usize).prop_map(move |(fields, n, at)| {
        let mut seen = vec![("id", format!("\"k{id}\"")), ("n", n.to_owned())];
        for (name, value) in fields {
            let value = if name == "skip" { "1" } else { value };
            if seen.iter().all(|(known, _)| *known != name) {
                seen.push((name, value.to_owned()));
            }
        }
        let shift = at % seen.len();
        seen.rotate_left(shift);
        // Long enough that a patch is shorter.
        seen.push(("long", format!("\"{}\"", "ab".repeat(60))));
        let fields: Vec<String> = seen
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    })
}

#[derive(Clone, Debug)]
enum Step {
    Load(Vec<String>, bool),
    Put(&'static str, usize, String),
    Delete(&'static str, usize),
    Apply(Option<u32>),
    Retry,
    Rollback(RollbackScope, ConflictPolicy),
}

fn step() -> impl Strategy<Value = Step> {
    let some = (0..5usize).prop_flat_map(document);
    let lines = prop::collection::vec(some, 2..7);
    let database = prop::sample::select(vec!["a", "a", "b", "c"]);
    let put = (database.clone(), 0..5usize)
        .prop_flat_map(|(database, id)| (Just(database), Just(id), document(id)));
    let scope = prop_oneof![
        2 => Just(RollbackScope::Last),
        1 => Just(RollbackScope::All),
        2 => (prop::sample::select(vec!["a", "b"]), 0..5usize)
            .prop_map(|(database, id)| RollbackScope::Record { database: database.to_owned(), id: format!("k{id}") }),
    ];
    let on_conflict = prop::sample::select(vec![
        ConflictPolicy::Abort,
        ConflictPolicy::Force,
        ConflictPolicy::Merge,
    ]);
    prop_oneof![
        4 => (lines, any::<bool>()).prop_map(|(lines, replace)| Step::Load(lines, replace)),
        2 => put.prop_map(|(database, id, data)| Step::Put(database, id, data)),
        1 => (database, 0..5usize).prop_map(|(database, id)| Step::Delete(database, id)),
        5 => prop::option::of(1..4u32).prop_map(Step::Apply),
        1 => Just(Step::Retry),
        3 => (scope, on_conflict).prop_map(|(scope, on_conflict)| Step::Rollback(scope, on_conflict)),
    ]
}

fn taken(world: &mut Steps, step: Step) {
    match step {
        Step::Load(lines, replace) => world.load(&lines, replace),
        Step::Put(database, id, data) => {
            let id = format!("k{id}");
            world.edit(database, Edit::Put { id, data });
        }
        Step::Delete(database, id) => world.edit(database, Edit::Delete { id: format!("k{id}") }),
        Step::Apply(to) => world.apply(to),
        Step::Retry => {
            let options = ApplyOptions::default();
            let Steps(world) = world;
            let _ = retry(
                &mut world.store,
                &world.stages,
                &Selected::default(),
                &options,
                &mut Silent,
            );
        }
        Step::Rollback(scope, on_conflict) => world.rollback(scope, on_conflict),
    }
}

#[test]
fn what_is_shown_of_a_step_is_proved_and_what_is_not_cannot_be_had() {
    let config = ProptestConfig {
        cases: 30,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2026),
        ..ProptestConfig::default()
    };
    let all = Cell::new(Shown::default());
    let steps = prop::collection::vec(step(), 8..24);
    let ran = TestRunner::new(config).run(&steps, |steps| {
        let mut world = Steps::new(StoreOptions::default());
        for step in steps {
            taken(&mut world, step);
        }
        all.set(all.get() + world.shown());
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    let Shown { patched, gone, .. } = all.get();
    assert!(patched > 100 && gone > 50, "{:?}", all.get());
}

/// Long enough that a patch is shorter than the record.
const LONG: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

/// Loaded, carried through three stages, corrected, carried on, and the last stage taken back.
fn a_history(options: StoreOptions) -> Steps {
    let mut world = Steps::new(options);
    let line = |id: &str, n: &str| {
        format!(r#"{{"id":"{id}","s":"é\u0041","x y":[1.0],"n":"{n}","z":{{"a.b":6.00,"c":"{LONG}"}}}}"#)
    };
    world.load(&[line("k1", "1.50"), line("k2", "x"), line("k3", "3")], false);
    world.apply(None);
    world.load(&[line("k1", "10.50"), "{".to_owned()], true);
    world.apply(None);
    world.rollback(RollbackScope::Last, ConflictPolicy::Abort);
    world
}

#[test]
fn a_step_reports_both_texts_as_they_were_with_time_actor_systems_and_status() {
    let systems = [("a", "legacy_banking"), ("c", "modern_fintech")];
    let options = StoreOptions::default().systems(systems);
    let world = a_history(options);
    let shown = world.shown();
    assert!(shown.patched >= 4 && shown.gone > 0, "{shown:?}");
    let steps = world.ask(
        "SELECT kind, CAST(number AS TEXT), source_system, target_system, status, code, original, transformed
         FROM audit_step WHERE id='k1' AND at GLOB '2*T*Z' AND actor<>'' ORDER BY batch",
    );
    let told: Vec<String> = steps
        .iter()
        .map(|step| {
            let cells = step
                .iter()
                .map(|cell| cell.as_deref().unwrap_or("-").replace(LONG, "LONG"));
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect();
    let loaded = r#"{"id":"k1","s":"é\u0041","x y":[1.0],"n":"1.50","z":{"a.b":6.00,"c":"LONG"}}"#;
    let copied = r#"{"id":"k1","s":"é\u0041","x y":[1.0],"n":1.50,"z":{"a.b":6.00,"c":"LONG"}}"#;
    let changed = r#"{"id":"k1","t":"é\u0041","n":1.50,"z":{"a.b":6.00,"c":"LONG"},"m":3.00}"#;
    let made = r#"{"id":"k1","n":3.00}"#;
    assert_eq!(
        told[0],
        format!("load - 1.ndjson legacy_banking written - - {loaded}")
    );
    assert_eq!(
        told[1],
        format!("apply 1 legacy_banking b written - {loaded} {copied}")
    );
    // `b` has no system, and is shown under its own name.
    assert_eq!(told[2], format!("apply 2 b b written - {copied} {changed}"));
    assert_eq!(
        told[3],
        format!("apply 3 b modern_fintech rolled back - {changed} {made}")
    );
    let [.., restored, removed] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(restored.starts_with("rollback 3 - modern_fintech restored "));
    assert!(removed.starts_with("rollback 3 - modern_fintech removed "));
    let refused = world
        .ask("SELECT status, code, original, transformed FROM audit_step WHERE id='k2' AND kind='apply'");
    assert_eq!(refused[0][0].as_deref(), Some("refused"));
    assert_eq!(refused[0][1].as_deref(), Some("convert.invalid"));
    assert!(
        refused[0][2]
            .as_deref()
            .is_some_and(|text| text.contains("\"n\":\"x\""))
            && refused[0][3].is_none()
    );
    // The line that was none.
    let broken = world.ask("SELECT original FROM audit_step WHERE kind='load' AND status='refused'");
    assert_eq!(broken, [[Some("{".to_owned())]]);
    let report = verify(&world.store, &VerifyOptions::default()).expect("a verification");
    assert!(report.is_sound(), "{:?}", report.findings);
}

#[test]
fn systems_stand_in_the_first_batch_of_a_pass_and_nowhere_else() {
    let with = a_history(StoreOptions::default().systems([("a", "ERP")]));
    let without = a_history(StoreOptions::default());
    let sql = "SELECT p.kind||' '||coalesce(p.source,'')||' '||coalesce(p.target,'')||' '||json_extract(b.body,'$.systems')
     FROM ledger_batch b JOIN ledger_pass p USING(pass) WHERE json_extract(b.body,'$.systems') IS NOT NULL
     AND b.batch=(SELECT min(batch) FROM ledger_batch f WHERE f.pass=b.pass) ORDER BY b.batch";
    let noted: Vec<String> = with.ask(sql).into_iter().flatten().flatten().collect();
    assert_eq!(noted[0], r#"load 1.ndjson a [null,"ERP"]"#);
    assert!(
        noted.contains(&r#"apply a b ["ERP",null]"#.to_owned()),
        "{noted:?}"
    );
    let count = "SELECT CAST(count(*) AS TEXT) FROM ledger_batch WHERE instr(body,'systems')";
    assert_eq!(with.ask(count)[0][0], Some(noted.len().to_string()));
    assert_eq!(without.ask(count)[0][0].as_deref(), Some("0"));
    // But for that, they say the same.
    let remarks = "SELECT json_remove(coalesce(body,'{}'),'$.systems') FROM ledger_batch ORDER BY batch";
    assert_eq!(with.ask(remarks), without.ask(remarks));
}

#[test]
fn what_sql_cannot_put_together_byte_for_byte_is_not_shown() {
    let mut world = Steps::new(StoreOptions::default());
    let long = format!(r#"{{"id":"k1","n":1,"long":"{}"}}"#, "x".repeat(100_001));
    let escaped = r#"{"id":"k2","n":2,"quo\"te":1,"long":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#;
    let plain = r#"{"id":"k3","n":3,"plain":1,"long":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#;
    world.load(&[long, escaped.to_owned(), plain.to_owned()], false);
    world.apply(Some(2));
    let steps = world.ask(
        "SELECT id, original, changed, CAST(length(transformed)>0 AS TEXT), CAST(length(original_hash) AS TEXT) FROM audit_step
         WHERE kind='apply' AND number=2 ORDER BY record",
    );
    for step in &steps[..2] {
        assert_eq!(step[1], None, "{step:?}");
        assert!(
            step[2]
                .as_deref()
                .is_some_and(|patch| patch.starts_with("[[\"/m\",-1")),
            "{step:?}"
        );
        assert_eq!(
            [step[3].as_deref(), step[4].as_deref()],
            [Some("1"), Some("64")],
            "{step:?}"
        );
    }
    assert_eq!(steps[2][1].as_deref(), Some(plain));
}

#[test]
fn the_shell_shows_what_the_library_shows() {
    let world = a_history(StoreOptions::default());
    let sql = "SELECT batch||' '||record||' '||part||' '||status||' '||coalesce(hex(original),'-')||' '||coalesce(hex(transformed),'-')
     FROM audit_step ORDER BY batch, record, part";
    let built_in: Vec<String> = world.ask(sql).into_iter().flatten().flatten().collect();
    let shell = Command::new("sqlite3")
        .args(["-batch", "-bail", "-readonly"])
        .arg(world.path())
        .arg(sql)
        .output();
    let Ok(shell) = shell else {
        eprintln!("there is no sqlite3 shell here: only the SQLite that is built in was asked");
        return;
    };
    assert!(shell.status.success() && shell.stderr.is_empty(), "{shell:?}");
    let said = String::from_utf8(shell.stdout).expect("a text");
    assert_eq!(said.lines().collect::<Vec<_>>(), built_in);
}

/// The lines of a plan that go through a whole table.
fn scanned(store: &Path, condition: &str) -> Vec<String> {
    let connection = Connection::open(store).expect("a store");
    let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM audit_step WHERE {condition}");
    let mut statement = connection.prepare(&sql).expect(condition);
    let plan = statement
        .query_map([], |row| row.get::<_, String>(3))
        .and_then(Iterator::collect);
    let plan: Vec<String> = plan.expect("a plan");
    let tables = ["d", "e", "f", "i", "r", "n", "b", "x", "a", "c", "ledger_entry"];
    let is_scan = |line: &String| tables.iter().any(|table| *line == format!("SCAN {table}"));
    plan.into_iter().filter(is_scan).collect()
}

#[test]
fn one_record_a_batch_and_a_pass_are_looked_up() {
    let world = a_history(StoreOptions::default());
    for condition in ["record=1", "batch=3", "pass=3", "run=2", "record=1 AND pass=3"] {
        let scans = scanned(&world.path(), condition);
        // `f` is also the row's own life, which was looked up.
        let scans: Vec<&String> = scans.iter().filter(|line| *line != "SCAN f").collect();
        assert_eq!(scans, [""; 0], "{condition}");
    }
    assert!(!scanned(&world.path(), "1").is_empty());
}

#[test]
fn a_changed_view_of_rows_is_reported_and_the_statements_put_it_right() {
    let Steps(World { folder, store, .. }) = a_history(StoreOptions::default());
    let path = folder.path().join("store.db");
    drop(store);
    let change = "DROP VIEW audit_row; CREATE VIEW audit_row AS SELECT 'a' AS database, record, id, '{}' AS data FROM a";
    Connection::open(&path)
        .and_then(|store| store.execute_batch(change))
        .expect("a view");
    let error = Store::open(&path, StoreOptions::default(), environment()).expect_err("it is told");
    let counterfoil::Error::Foreign { differences, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(
        differences[0]
            .message
            .contains("`audit_row` is not as this program creates it")
    );
    let mend = differences[0].mended_by.as_deref().expect("statements");
    Connection::open(&path)
        .and_then(|store| store.execute_batch(mend))
        .expect(mend);
    drop(Store::open(&path, StoreOptions::default(), environment()).expect("it opens"));
    assert_shown(&path);
}
