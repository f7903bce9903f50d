//! Proofs of windows with the commitments of their readings.

use counterfoil::prove::{NotProved, ProveOptions, ProvedText, check_proof};

use crate::support::scenario;
use crate::support::world::{World, stages};

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
    let options = ProveOptions::default().inputs(true);
    let proof = world.store.prove("windows", "1/2026-03-01T00:00:00Z", &options);
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

#[test]
fn readings_that_were_written_since_are_not_listed() {
    let mut world = world();
    world.put(
        "readings",
        "r1",
        r#"{"id":"r1","s":1,"t":"2026-03-01T00:01:00Z","v":99}"#,
    );
    let options = ProveOptions::default().inputs(true);
    let error = world
        .store
        .prove("windows", "1/2026-03-01T00:00:00Z", &options)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is no window whose readings are as they were"),
        "{error}"
    );
    world.apply();
    assert!(matches!(checked(&proof(&world)), Ok(ProvedText::Record(_))));
    let error = world.store.prove("readings", "r1", &options).unwrap_err();
    assert!(error.to_string().contains("is no window"), "{error}");
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
