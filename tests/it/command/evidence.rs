//! Checkpoints and proofs, as an operator and an auditor see them.

use crate::support::command::Scene;

#[test]
fn a_ledger_is_signed_and_a_record_proved_to_whoever_has_the_public_key() {
    let mut scene = Scene::new();
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
    scene.write("changed.txt", &proof.replace("1.50", "1.05"));
    scene.run(&["verify-proof", "changed.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["verify-proof", "proof.txt"]);
    scene.run(&["verify-proof", "records.ndjson", "--key", "shop/counterfoil.pub"]);
    scene.run(&["verify-proof", "proof.txt", "--key", "shop/counterfoil.key"]);
    scene.run(&["verify-proof", "missing.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["-C", "shop", "prove", "records_v2", "7"]);
    scene.run(&["-C", "shop", "prove", "records_v2", "1", "--entry", "2"]);
    scene.run(&["-C", "shop", "prove", "records_v2"]);
    scene.run(&["-C", "shop", "prove", "records_v2", "1", "--output", "proof.txt"]);
    scene.run(&["-C", "shop", "load", "records_v1", "records.ndjson"]);
    scene.run(&["-C", "shop", "prove", "--since", "10", "--output", "since.txt"]);
    scene.run(&["verify-proof", "since.txt", "--key", "shop/counterfoil.pub"]);
    scene.run(&["-C", "shop", "prove", "--since", "8"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["proof.txt"].raw());
}

#[test]
fn a_store_that_is_not_what_was_signed_is_exit_8_until_it_is_accepted() {
    let mut scene = Scene::new();
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
