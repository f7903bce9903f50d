//! Checkpoints and proofs, as an operator and an auditor see them.

use crate::support::world::Scene;

#[test]
fn a_ledger_is_signed_and_a_record_proved_to_a_holder_of_the_public_key() {
    let scene = Scene::new();
    scene.run(&["init", "shop"]);
    scene.write(
        "records.ndjson",
        "{\"id\":\"1\",\"n\":1.50}\n{\"id\":\"2\",\"n\":2}\n",
    );
    scene.run(&["-C", "shop", "load", "records_v1", "records.ndjson"]);
    scene.run(&["-C", "shop", "apply"]);
    scene.run(&["-C", "shop", "checkpoint"]);
    scene.run(&[
        "-C",
        "shop",
        "prove",
        "records_v2",
        "1",
        "--disclose",
        "--output",
        "proof.txt",
    ]);
    scene.run(&["verify-proof", "proof.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["-C", "shop", "verify-proof", "proof.txt"]);
    let proof = std::fs::read_to_string(scene.path("proof.txt")).unwrap();
    scene.write("changed.txt", proof.replace("1.50", "1.05"));
    scene.run(&["verify-proof", "changed.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["verify-proof", "proof.txt"]);
    scene.run(&["verify-proof", "records.ndjson", "--key", "shop/counterfoil.pub"]);
    scene.run(&["verify-proof", "proof.txt", "--key", "shop/counterfoil.key"]);
    scene.run(&["verify-proof", "missing.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["-C", "shop", "prove", "records_v2", "7"]);
    scene.run(&["-C", "shop", "prove", "records_v2", "1", "--entry", "2"]);
    scene.run(&["-C", "shop", "prove", "records_v2"]);
    scene.run(&["-C", "shop", "prove", "records_v2", "1", "--output", "proof.txt"]);
    scene.run(&["-C", "shop", "load", "records_v1", "records.ndjson", "--again"]);
    scene.run(&["-C", "shop", "prove", "--since", "10", "--output", "since.txt"]);
    scene.run(&["verify-proof", "since.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["-C", "shop", "prove", "--since", "8"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["proof.txt"].raw());
}

#[test]
fn a_store_that_is_not_what_was_signed_is_exit_8_until_it_is_accepted() {
    let scene = Scene::new();
    scene.quietly(&["init", "shop"]);
    std::fs::remove_file(scene.path("shop/counterfoil.key")).unwrap();
    std::fs::remove_file(scene.path("shop/counterfoil.pub")).unwrap();
    scene.run(&["-C", "shop", "checkpoint", "--new-key"]);
    scene.write("records.ndjson", "{\"id\":\"1\",\"n\":1.50}\n");
    scene.run(&["-C", "shop", "load", "records_v1", "records.ndjson"]);
    std::fs::copy(scene.path("shop/counterfoil.db"), scene.path("copy.db")).unwrap();
    scene.run(&["-C", "shop", "apply"]);
    std::fs::copy(scene.path("copy.db"), scene.path("shop/counterfoil.db")).unwrap();
    scene.run(&["-C", "shop", "status"]);
    scene.run(&["-C", "shop", "checkpoint", "--accept-restore"]);
    scene.run(&[
        "-C",
        "shop",
        "checkpoint",
        "--accept-restore",
        "--reason",
        "restored from the copy",
    ]);
    scene.run(&["-C", "shop", "status"]);
    scene.run(&["-C", "shop", "history", "--limit", "1"]);
    std::fs::remove_file(scene.path("shop/counterfoil.db.checkpoints")).unwrap();
    scene.run(&["-C", "shop", "verify"]);
    std::fs::remove_file(scene.path("shop/counterfoil.key")).unwrap();
    scene.run(&["-C", "shop", "checkpoint"]);
    scene.run(&["-C", "shop", "checkpoint", "--new-key"]);
    std::fs::remove_file(scene.path("shop/counterfoil.pub")).unwrap();
    scene.run(&["-C", "shop", "checkpoint", "--new-key"]);
    scene.run(&["-C", "shop", "verify"]);
    scene.run(&[
        "-C",
        "shop",
        "checkpoint",
        "--accept-restore",
        "--reason",
        "the old key was lost",
    ]);
    scene.run(&["-C", "shop", "verify"]);
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(scene.path("shop/counterfoil.key"), open_to_all).unwrap();
    scene.run(&["-C", "shop", "status"]);
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(scene.path("shop/counterfoil.key"), owner_only).unwrap();
    scene.write("shop/counterfoil.key", "PRIVATE+KEY+what\n");
    scene.run(&["-C", "shop", "status"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["restored.txt"].raw());
}

const HALVED: &str = r#"
[stage]
source = "records_v1"
target = "records_v2"
max_errors = "50%"
rounding = "half-even"

[[op]]
op = "decimal"
path = "n"
places = 1
emit = "number"

[[op]]
op = "set"
path = "n"
value = '= if doc.n == 4 { divide(doc.n, 2, 1) } else { doc.n }'

[[reconcile]]
name = "the sum of n"
source = "= decimal(doc.n)"
target = "= doc.n"
by = { source = "= doc.id", target = "= doc.id" }
"#;

#[test]
fn what_a_stage_leaves_unexplained_is_reported_by_key_and_by_record() {
    let scene = Scene::new();
    scene.run(&["init", "sums"]);
    scene.write("sums/0001_first.toml", HALVED);
    scene.write(
        "records.ndjson",
        "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":\"x\"}\n{\"id\":\"c\",\"n\":0.25}\n{\"id\":\"d\",\"n\":3}\n",
    );
    scene.run(&["-C", "sums", "reconcile"]);
    scene.run(&["-C", "sums", "load", "records_v1", "records.ndjson"]);
    scene.run(&["-C", "sums", "reconcile"]);
    scene.run(&["-C", "sums", "apply"]);
    scene.run(&["-C", "sums", "reconcile", "--stage", "1"]);
    scene.write("more.ndjson", "{\"id\":\"e\",\"n\":4}\n");
    scene.run(&["-C", "sums", "load", "records_v1", "more.ndjson"]);
    scene.run(&["-C", "sums", "reconcile"]);
    scene.run(&["-C", "sums", "apply"]);
    scene.run(&["-C", "sums", "status"]);
    scene.run(&["-C", "sums", "reconcile", "--limit", "1"]);
    scene.run(&["-C", "sums", "reconcile", "--stage", "7"]);
    scene.run(&["-C", "sums", "history", "--limit", "1"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["reconciled.txt"].raw());
}

#[test]
fn a_key_that_a_stage_redacts_is_shown_nowhere() {
    let scene = Scene::new();
    scene.run(&["init", "sums"]);
    let stage = HALVED
        .replace(
            "\n[[op]]\nop = \"decimal\"",
            "redact = [\"mail\"]\n\n[[op]]\nop = \"decimal\"",
        )
        .replace("doc.id", "doc.mail");
    scene.write("sums/0001_first.toml", &stage);
    scene.write(
        "records.ndjson",
        "{\"id\":\"a\",\"n\":4,\"mail\":\"ada@example.test\"}\n",
    );
    scene.run(&["-C", "sums", "load", "records_v1", "records.ndjson"]);
    let applied = scene.run(&["-C", "sums", "apply"]);
    assert_eq!(applied.code, 3, "{}", applied.err);
    assert!(applied.out.contains("[redacted]"), "{}", applied.out);
    scene.run(&["-C", "sums", "reconcile"]);
    for json in [&["-C", "sums", "reconcile"][..], &["-C", "sums", "history"]] {
        let told = scene.envelope(json).to_string();
        assert!(!told.contains("ada@"), "{told}");
    }
    assert!(!scene.transcript().contains("ada@"));
    let store = rusqlite::Connection::open(scene.path("sums/counterfoil.db")).unwrap();
    let bodies: String = store
        .query_row("SELECT group_concat(body) FROM ledger_batch", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(
        bodies.contains("reconciled") && !bodies.contains("ada@"),
        "{bodies}"
    );
}

/// The shipped bank, step by step: its amounts that nobody can read are explained by that, and waived it is green.
#[test]
fn the_shipped_bank_ends_green_once_somebody_has_decided_about_what_was_refused() {
    let scene = Scene::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/bank");
    let bank = folder.display().to_string();
    let store = scene.path("bank.db").display().to_string();
    let at = |rest: &[&'static str]| -> Vec<String> {
        let given = ["-C", &bank, "--store", &store].map(str::to_owned);
        given
            .into_iter()
            .chain(rest.iter().map(|word| (*word).to_owned()))
            .collect()
    };
    let run = |rest: &[&'static str]| {
        let words = at(rest);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        scene.run(&words)
    };
    let records = folder
        .join("records/legacy_transactions.ndjson")
        .display()
        .to_string();
    let records: &'static str = records.leak();
    assert_eq!(run(&["load", "legacy_transactions", records]).code, 0);
    let applied = run(&["apply"]);
    assert_eq!(applied.code, 3, "12 are refused: {}", applied.err);
    assert!(!applied.out.contains("NOT RECONCILED"), "{}", applied.out);
    assert!(
        applied.out.contains("  balances per account: unreadable 11\n"),
        "{}",
        applied.out
    );
    let before = run(&["reconcile"]);
    assert_eq!(before.code, 0, "{}", before.err);
    assert!(
        before
            .out
            .ends_with("every difference is explained; still open: 12 records in quarantine\n"),
        "{}",
        before.out
    );
    assert_eq!(
        run(&["quarantine", "waive", "--all", "--reason", "nobody knows"]).code,
        0
    );
    let after = run(&["reconcile"]);
    assert_eq!(after.code, 0, "{}", after.err);
    assert!(
        after
            .out
            .ends_with("\nall balances reconciled; explained: unreadable\n"),
        "{}",
        after.out
    );
    assert!(
        after.out.contains("unreadable (11 without an amount)"),
        "{}",
        after.out
    );
    // A row that is lost behind the ledger is neither.
    rusqlite::Connection::open(&store)
        .and_then(|store| store.execute("DELETE FROM transactions WHERE id='T001'", []))
        .expect("the file");
    let lost = run(&["reconcile"]);
    assert_eq!(lost.code, 3, "{}", lost.out);
    assert!(
        lost.out.contains("NOT RECONCILED") && lost.out.contains("T001"),
        "{}",
        lost.out
    );
    assert!(!lost.out.contains("all balances"), "{}", lost.out);
}

const REPLACING: &str = r#"
[stage]
source = "records_v1"
target = "records_v2"
id = "= doc.k"
on_conflict = "replace"

[[reconcile]]
name = "amt"
source = "= doc.amt"
target = "= doc.amt"
"#;

#[test]
fn three_written_for_two_rows_are_explained_by_the_record_that_was_replaced() {
    let scene = Scene::new();
    scene.run(&["init", "sums"]);
    scene.write("sums/0001_first.toml", REPLACING);
    scene.write(
        "records.ndjson",
        "{\"id\":\"1\",\"k\":\"a\",\"amt\":0.1}\n{\"id\":\"2\",\"k\":\"a\",\"amt\":0.2}\n{\"id\":\"3\",\"k\":\"b\",\"amt\":1e3}\n",
    );
    scene.run(&["-C", "sums", "load", "records_v1", "records.ndjson"]);
    let applied = scene.run(&["-C", "sums", "apply"]);
    assert!(
        applied.out.contains("  amt: replaced 1 (-0.1): 1 -> 2\n"),
        "{}",
        applied.out
    );
    let reconciled = scene.run(&["-C", "sums", "reconcile"]);
    assert!(
        reconciled
            .out
            .ends_with("\nall balances reconciled; explained: replaced\n"),
        "{}",
        reconciled.out
    );
    let told = scene.envelope(&["-C", "sums", "reconcile"]);
    let causes = &told["data"]["stages"][0]["reconciliations"][0]["causes"];
    assert_eq!(
        *causes,
        serde_json::json!([{
            "cause": "replaced", "records": 1, "amount": "-0.1", "unmeasured": 0, "ids": ["1"], "by": ["2"],
        }])
    );
}
