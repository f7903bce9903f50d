//! Hints about what holds the ledger together: keys, checkpoints, proofs, reports, reconciliation, backups.

use super::world::{Way, World};
use super::{ANY, GOOD, copying, in_all_ways};

in_all_ways!(
    a_key_that_is_lost,
    a_key_that_is_lost_and_asked_for,
    a_store_that_was_never_signed,
    batches_that_are_not_signed,
    signatures_that_nobody_can_check,
    a_store_that_is_gone,
    a_store_that_was_replaced,
    a_restored_project,
    a_proof,
    a_proof_of_what_is_not_signed,
    an_entry_that_is_not_there,
    a_report,
    a_run_that_is_not_there,
    a_validation,
    a_difference_that_nothing_explains,
    a_foreign_trigger,
    another_name_of_the_project,
);

fn applied(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["apply"]);
}

#[test]
fn a_command_that_writes_is_not_advised_to_sign_with_the_half_that_checks() {
    let world = World::new(Way::Inside);
    applied(&world);
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\",\"amount\":9}\n");
    let said = world.done(&["--key", "counterfoil.pub", "status"]);
    world.works(&said, " apply", &[]);
    assert!(world.done(&["verify"]).out.contains("sound:"));
}

fn lose_key(world: &World) {
    std::fs::remove_file(world.key("counterfoil.key")).expect("a key");
}

/// What the hint asks for before its command.
fn move_public_half_away(world: &World) {
    std::fs::rename(world.key("counterfoil.pub"), world.elsewhere("old.pub")).expect("a key");
}

fn a_key_that_is_lost(world: &World) {
    applied(world);
    lose_key(world);
    let said = world.done(&["apply"]);
    assert!(
        said.err.contains("will not be: there is no signing key"),
        "{}",
        said.err
    );
    let verified = world.done(&["verify"]);
    if world.way == Way::Store {
        assert!(verified.out.contains("were not checked"), "{}", verified.out);
    }
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\",\"amount\":9}\n");
    let status = world.done(&["status"]);
    assert!(status.out.contains("unsigned since batch"), "{}", status.out);
    move_public_half_away(world);
    world.works(&said, "--new-key --accept-restore", &[]);
    let applied = world.done(&["apply"]);
    assert!(!applied.err.contains("signing key"), "{}", applied.err);
    let verified = world.done(&["verify"]);
    assert!(!verified.out.contains("note:"), "{}", verified.out);
}

fn a_key_that_is_lost_and_asked_for(world: &World) {
    applied(world);
    lose_key(world);
    let said = world.ends(2, &["checkpoint"]);
    move_public_half_away(world);
    world.works(&said, "--new-key --accept-restore", &[]);
    world.done(&["checkpoint"]);
    world.done(&["verify"]);
}

fn a_store_that_was_never_signed(world: &World) {
    lose_key(world);
    move_public_half_away(world);
    applied(world);
    let said = world.ends(2, &["checkpoint"]);
    world.works(&said, "--new-key", &[]);
    world.done(&["checkpoint"]);
    assert!(world.done(&["verify"]).out.contains("sound:"));
}

fn batches_that_are_not_signed(world: &World) {
    applied(world);
    let key = world.key("counterfoil.key");
    let aside = world.elsewhere("aside");
    std::fs::rename(&key, &aside).expect("a key");
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\",\"amount\":9}\n");
    std::fs::rename(&aside, &key).expect("a key");
    let said = world.done(&["verify"]);
    world.works(&said, " checkpoint", &[]);
    let verified = world.done(&["verify"]);
    assert!(!verified.out.contains("not signed"), "{}", verified.out);
}

fn signatures_that_nobody_can_check(world: &World) {
    applied(world);
    let public = world.elsewhere("the public.key");
    std::fs::rename(world.key("counterfoil.pub"), &public).expect("a key");
    lose_key(world);
    let said = world.done(&["verify"]);
    assert!(said.out.contains("signatures were not checked"), "{}", said.out);
    let file = format!("'{}'", public.display());
    let checked = world.works(&said, "verify --key FILE", &[("FILE", &file)]);
    assert!(!checked.out.contains("not checked"), "{}", checked.out);
}

fn a_store_that_is_gone(world: &World) {
    applied(world);
    let folder = world.elsewhere("a backup").display().to_string();
    world.done(&["backup", &folder]);
    std::fs::remove_file(world.store()).expect("a store");
    let said = world.ends(8, &["status"]);
    world.works(&said, "restore FOLDER", &[("FOLDER", &format!("'{folder}'"))]);
    world.done(&["verify"]);
}

fn a_store_that_was_replaced(world: &World) {
    applied(world);
    let copy = world.elsewhere("copy.db");
    std::fs::copy(world.store(), &copy).expect("a copy");
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\",\"amount\":9}\n");
    std::fs::copy(&copy, world.store()).expect("a copy");
    let said = world.ends(8, &["apply"]);
    world.works(&said, "checkpoint --accept-restore", &[]);
    world.done(&["apply"]);
    world.done(&["verify"]);
    // Who only reads is told the same.
    std::fs::copy(&copy, world.store()).expect("a copy");
    let said = world.done(&["status"]);
    world.works(&said, "checkpoint --accept-restore", &[]);
    world.done(&["apply"]);
}

fn a_restored_project(world: &World) {
    applied(world);
    let folder = world.elsewhere("a backup").display().to_string();
    world.done(&["backup", &folder]);
    std::fs::remove_file(world.store()).expect("a store");
    let said = world.done(&["restore", &folder]);
    world.works(&said, " status", &[]);
}

fn a_proof(world: &World) {
    applied(world);
    let file = world.elsewhere("the proof.txt").display().to_string();
    let said = world.done(&["prove", "in_v2", "a", "--output", &file]);
    let key = format!("'{}'", world.key("counterfoil.pub").display());
    let told = world.works(&said, "verify-proof", &[("KEY", &key)]);
    assert!(told.out.contains("proved:"), "{}", told.out);
}

fn a_proof_of_what_is_not_signed(world: &World) {
    let aside = world.elsewhere("aside");
    std::fs::rename(world.key("counterfoil.key"), &aside).expect("a key");
    applied(world);
    std::fs::rename(&aside, world.key("counterfoil.key")).expect("a key");
    let said = world.ends(2, &["prove", "in_v2", "a"]);
    world.works(&said, " checkpoint", &[]);
    world.done(&["prove", "in_v2", "a"]);
}

fn an_entry_that_is_not_there(world: &World) {
    applied(world);
    let said = world.ends(2, &["prove", "in_v2", "a", "--entry", "1"]);
    let told = world.works(&said, "trace in_v2 a", &[]);
    assert!(told.out.contains("batch"), "{}", told.out);
}

fn a_report(world: &World) {
    applied(world);
    let said = world.done(&["report"]);
    world.works(&said, "report 3 --html", &[]);
}

fn a_run_that_is_not_there(world: &World) {
    applied(world);
    for number in 0..5 {
        world.loads(
            "in_v1",
            "more.ndjson",
            &format!("{{\"id\":\"z{number}\",\"amount\":9}}\n"),
        );
    }
    for asked in [&["report", "99"][..], &["rollback", "--run", "99", "--yes"][..]] {
        let said = world.ends(1, asked);
        let told = world.works(&said, " history", &[]);
        assert!(told.out.contains("run 3"), "{}", told.out);
    }
}

fn a_validation(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v2", "mixed.ndjson", super::MIXED);
    let said = world.ends(3, &["validate", "in_v2"]);
    world.leads_to(3, &said, "validate in_v2 --output", &[]);
}

fn a_difference_that_nothing_explains(world: &World) {
    let stage = copying("in_v1", "in_v2", ANY)
        + "\n[[reconcile]]\nname = \"amount\"\nsource = \"= doc.amount\"\ntarget = \"= doc.amount + 1\"\n";
    world.write("0001_copy.toml", &stage);
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.ends(3, &["apply"]);
    world.leads_to(3, &said, "reconcile --stage 1", &[]);
    world.works(&said, " verify", &[]);
    let status = world.done(&["status"]);
    world.leads_to(3, &status, "reconcile --stage 1", &[]);
    world.works(&said, " rollback", &[]);
}

fn a_foreign_trigger(world: &World) {
    applied(world);
    let store = rusqlite::Connection::open(world.store()).expect("a store");
    store
        .execute_batch("CREATE TRIGGER spy AFTER INSERT ON in_v2 BEGIN DELETE FROM in_v2; END")
        .expect("a trigger");
    let said = world.ends(8, &["apply"]);
    world.leads_to(8, &said, " verify", &[]);
    // The statements that it names.
    let told = world.run(&["--json", "apply"]);
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("an envelope");
    for statement in told["error"]["statements"].as_array().expect("statements") {
        store
            .execute_batch(statement.as_str().expect("a text"))
            .expect("a statement");
    }
    drop(store);
    world.done(&["apply"]);
}

fn another_name_of_the_project(world: &World) {
    applied(world);
    let settings = std::fs::read_to_string(world.path("counterfoil.toml")).expect("settings");
    world.write(
        "counterfoil.toml",
        &settings.replace("name = \"shop\"", "name = \"store\""),
    );
    let said = world.ends(2, &["apply"]);
    assert!(said.err.contains("restore `name = \"shop\"`"), "{}", said.err);
    let status = world.done(&["status"]);
    assert!(status.err.contains("restore `name = \"shop\"`"), "{}", status.err);
    world.write("counterfoil.toml", &settings);
    world.done(&["apply"]);
}
