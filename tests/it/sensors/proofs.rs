//! Proofs of windows with the commitments of their readings.

use counterfoil::prove::{NotProved, ProveOptions, ProvedText, check_proof};
use counterfoil::record::BatchId;

use crate::support::scenario;
use crate::support::world::{World, stages};

const WINDOW: &str = "1/2026-03-01T00:00:00Z";
const STAGE: &str = "[stage]
source = \"readings\"
target = \"windows\"
[aggregate]
by = \"s\"
time = \"t\"
every = \"1h\"
measures = { v = [\"mean\", \"sum\"] }
";

fn world() -> World {
    let mut world = World::signed(1, stages("proofs", &[("0001_windows.toml", STAGE)]));
    let lines: Vec<String> = (0..20)
        .map(|at| {
            format!(
                r#"{{"id":"r{at}","s":{},"t":"2026-03-01T00:{at:02}:00Z","v":{at}}}"#,
                at % 2
            )
        })
        .collect();
    world.load("readings", &lines);
    world.apply();
    world
}

fn proof(world: &World) -> String {
    let options = ProveOptions::default().inputs(true).disclose(true);
    let proof = world.store.prove("windows", WINDOW, &options);
    proof.expect("a proof").to_string()
}

fn checked(text: &str) -> Result<ProvedText, NotProved> {
    check_proof(text.as_bytes(), &scenario::signing_key().verifying())
}

#[test]
fn a_proof_lists_the_readings_that_a_window_was_made_of() {
    let world = world();
    let text = proof(&world);
    assert!(text.starts_with("counterfoil-proof v2\n"), "{text}");
    assert_eq!(text.matches("\nreading ").count(), 10);
    let Ok(ProvedText::Record(proved)) = checked(&text) else {
        panic!("not proved: {text}");
    };
    assert_eq!(proved.readings, Some(10));
    let sql = "SELECT lower(hex(input)) FROM ledger_entry e JOIN ledger_record r USING(record) WHERE r.id='1/2026-03-01T00:00:00Z'";
    assert!(text.contains(&world.asked::<String>(sql)));
}

#[test]
fn a_reading_that_is_changed_left_out_or_moved_proves_nothing() {
    let text = proof(&world());
    let readings: Vec<&str> = text.lines().filter(|line| line.starts_with("reading ")).collect();
    let (first, second) = (readings[0], readings[1]);
    let zeros = format!("reading {}", "0".repeat(64));
    for changed in [
        text.replacen(first, &zeros, 1),
        text.replacen(&format!("{first}\n{second}"), &format!("{second}\n{first}"), 1),
        text.replacen("block 10", "block 9", 1)
            .replacen(&format!("{first}\n"), "", 1),
        text.replacen("block 10\n", "block 5\n", 1).replacen(
            readings[5],
            &format!("block 5\n{}", readings[5]),
            1,
        ),
    ] {
        assert_ne!(changed, text);
        assert_eq!(checked(&changed), Err(NotProved::Readings), "{changed}");
    }
    for broken in [
        text.replacen("block 10", "block 11", 1),
        text.replacen("proof v2", "proof v1", 1),
        text.replacen(first, &first.to_uppercase(), 1),
    ] {
        assert!(matches!(checked(&broken), Err(NotProved::Form(_))), "{broken}");
    }
}

/// Why the store lists no readings.
fn refused(world: &World, database: &str, id: &str, batch: Option<BatchId>) -> String {
    let options = ProveOptions::default().inputs(true).batch(batch);
    world.store.prove(database, id, &options).unwrap_err().to_string()
}

#[test]
fn readings_that_were_written_since_are_not_listed() {
    let mut world = world();
    let first = BatchId::new(world.asked::<i64>("SELECT batch FROM audit_window WHERE id GLOB '1/*'"));
    world.put(
        "readings",
        "r1",
        r#"{"id":"r1","s":1,"t":"2026-03-01T00:01:00Z","v":99}"#,
    );
    let changed = format!("have changed since batch {first}");
    assert!(refused(&world, "windows", WINDOW, None).contains(&changed));
    world.apply();
    assert!(matches!(checked(&proof(&world)), Ok(ProvedText::Record(_))));
    assert!(refused(&world, "windows", WINDOW, Some(first)).contains(&changed));
}

#[test]
fn a_window_that_stands_refused_was_not_made() {
    let rule = "[[contract.rule]]\nname = \"few\"\nexpect = '= doc.sample_count < 10'\n";
    let text = STAGE.replace("[aggregate]", "max_errors = 10\n[aggregate]") + rule;
    let mut world = World::signed(1, stages("proofs", &[("0001_windows.toml", &text)]));
    let reading = |at: u32| format!(r#"{{"id":"r{at}","s":1,"t":"2026-03-01T00:{at:02}:00Z","v":{at}}}"#);
    world.load("readings", &(0..10).map(reading).collect::<Vec<_>>());
    world.apply();
    assert!(refused(&world, "windows", WINDOW, None).contains("stands refused"));
    world.load("readings", &[r#"{"id":"bad","s":1,"t":"some day","v":1}"#]);
    world.apply();
    assert!(refused(&world, "readings", "bad", None).contains("is not a window"));
}

#[test]
fn only_a_window_has_readings_to_list() {
    let mut world = world();
    assert!(refused(&world, "readings", "r1", None).contains("is not a window"));
    world.put(
        "readings",
        "r22",
        r#"{"id":"r22","s":1,"t":"2026-03-01T02:01:00Z","v":1}"#,
    );
    world.apply();
    let empty = refused(&world, "windows", "1/2026-03-01T01:00:00Z", None);
    assert!(empty.contains("has no readings to list"), "{empty}");
}

#[test]
fn a_window_that_other_readings_make_the_same_is_proved_with_those() {
    let mut world = world();
    // Another field, which nobody measures.
    world.put(
        "readings",
        "r1",
        r#"{"id":"r1","s":1,"t":"2026-03-01T00:01:00Z","v":1,"note":"checked"}"#,
    );
    let report = world.apply();
    assert_eq!(
        (report.passes[0].counts.unchanged, report.passes[0].counts.written),
        (1, 0)
    );
    assert!(matches!(checked(&proof(&world)), Ok(ProvedText::Record(_))));
}

#[test]
fn a_window_that_was_edited_is_proved_with_its_readings() {
    let mut world = world();
    let data = world.asked::<String>("SELECT data FROM windows WHERE id='1/2026-03-01T00:00:00Z'");
    world.put("windows", WINDOW, &data.replacen('{', r#"{"note":"by hand","#, 1));
    let options = ProveOptions::default().inputs(true);
    let text = world
        .store
        .prove("windows", WINDOW, &options)
        .expect("a proof")
        .to_string();
    assert!(matches!(checked(&text), Ok(ProvedText::Record(_))), "{text}");
}

/// Whatever has become of its row: the ledger says which window it is, and what it was made of.
#[test]
fn a_window_whose_row_was_changed_beyond_recognition_or_removed_is_proved_with_its_readings() {
    let changes: [fn(&mut World); 4] = [
        |world| world.put("windows", WINDOW, r#"{"note":"no window any more"}"#),
        |world| world.delete("windows", WINDOW),
        |world| world.behind("DELETE FROM windows WHERE id GLOB '1/*'"),
        |world| world.behind("UPDATE windows SET data='{}' WHERE id GLOB '1/*'"),
    ];
    for change in changes {
        let mut world = world();
        change(&mut world);
        let options = ProveOptions::default().inputs(true);
        let text = world
            .store
            .prove("windows", WINDOW, &options)
            .expect("a proof")
            .to_string();
        assert_eq!(text.matches("\nreading ").count(), 10);
        assert!(matches!(checked(&text), Ok(ProvedText::Record(_))), "{text}");
        // What was written since is a change of the readings, and not that it is no window.
        world.put(
            "readings",
            "r1",
            r#"{"id":"r1","s":1,"t":"2026-03-01T00:01:00Z","v":99}"#,
        );
        let why = refused(&world, "windows", WINDOW, None);
        assert!(why.contains("have changed since"), "{why}");
    }
}

/// More than 2^16 record numbers lie between the first reading and the last.
#[test]
fn readings_of_several_blocks_are_listed_block_by_block() {
    let mut world = world();
    let lines: Vec<String> = (0..66_000)
        .map(|at| format!(r#"{{"id":"m{at}","s":9,"t":"2026-03-01T05:00:00Z","v":1}}"#))
        .collect();
    world.load("readings", &lines);
    world.put(
        "readings",
        "r99",
        r#"{"id":"r99","s":1,"t":"2026-03-01T00:59:00Z","v":1}"#,
    );
    world.apply();
    let text = proof(&world);
    let blocks: Vec<&str> = text.lines().filter(|line| line.starts_with("block ")).collect();
    assert_eq!(blocks, ["block 10", "block 1"]);
    assert!(matches!(checked(&text), Ok(ProvedText::Record(_))));
    let (first, second) = text.split_once("block 10\n").expect("a block");
    let (tens, rest) = second.split_once("block 1\n").expect("a block");
    let (one, rest) = rest.split_once("header ").expect("a header");
    for moved in [
        format!("{first}block 1\n{one}block 10\n{tens}header {rest}"),
        format!("{first}block 11\n{tens}{one}header {rest}"),
        format!("{first}block 10\n{tens}header {rest}"),
    ] {
        assert_eq!(checked(&moved), Err(NotProved::Readings), "{moved}");
    }
}

#[test]
fn a_proof_that_lists_no_readings_is_of_the_first_version() {
    let world = world();
    let proof = world
        .store
        .prove("windows", WINDOW, &ProveOptions::default())
        .expect("a proof");
    let text = proof.to_string();
    assert!(text.starts_with("counterfoil-proof v1\n"), "{text}");
    let Ok(ProvedText::Record(proved)) = checked(&text) else {
        panic!("not proved: {text}");
    };
    assert_eq!(proved.readings, None);
    let json = serde_json::to_string(&proved).expect("JSON");
    assert!(!json.contains("\"readings\":"), "{json}");
    let claimed = text.replacen("proof v1", "proof v2", 1);
    assert!(matches!(checked(&claimed), Err(NotProved::Form(_))), "{claimed}");
}
