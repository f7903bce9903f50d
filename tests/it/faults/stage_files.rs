//! Fault 18: stage files that are no plain files, too large, or changed after they were applied.

use std::fs::File;
use std::process::Command;
use std::time::Duration;

use crate::support::comparison::{Compared, Contents};
use crate::support::invariants::assert_sound;
use crate::support::scenario::{Beginning, COPY, IN_PLACE, Template};
use crate::support::world::{Said, Scene, batches_of, wait_for_batches};

const SECOND: &str = "0002_note.toml";

/// Whether a program made something; some need rights that not everybody has.
fn made(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn a_stage_file_that_is_no_small_regular_file_is_exit_4_at_once_and_nothing_is_written() {
    let template = Template::new(Beginning::Loaded);
    let project = Scene::of_scenario(&template);
    let before = Contents::of(&project.store(), Compared::Whole);
    let path = project.path(SECOND);
    let name = path.to_str().expect("a path that is text");
    project.write("elsewhere", IN_PLACE);
    let link = |to: &str| made("ln", &["-s", to, name]);
    let elsewhere = project.path("elsewhere");
    let elsewhere = elsewhere.to_str().expect("a path that is text");
    let makers: [(&str, &dyn Fn() -> bool); 7] = [
        ("a link to a stage file", &|| link(elsewhere)),
        ("a link to /dev/zero", &|| link("/dev/zero")),
        ("a link to nothing", &|| link("/nowhere/at/all")),
        ("a pipe", &|| made("mkfifo", &[name])),
        ("a device", &|| made("mknod", &[name, "c", "1", "5"])),
        ("a folder", &|| made("mkdir", &[name])),
        ("a gigabyte", &|| {
            File::create(&path).is_ok_and(|file| file.set_len(1 << 30).is_ok())
        }),
    ];
    for (what, make) in makers {
        let removed = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
        assert!(removed.is_ok(), "{what}: {removed:?}");
        if !make() {
            println!("skipped {what}: it cannot be made here");
            project.write(SECOND, IN_PLACE);
            continue;
        }
        for verb in ["apply", "check", "status"] {
            let said = Said::within(project.start(&[verb]), Duration::from_secs(5));
            assert_eq!(said.code, 4, "{what}, {verb}: {said:?}");
            assert!(said.err.contains(SECOND), "{what}, {verb}: {said:?}");
        }
    }
    let after = Contents::of(&project.store(), Compared::Whole);
    assert_eq!(before.difference(&after), None);
}

/// A project with both stages applied, and its store.
fn applied() -> (Scene, Contents) {
    let project = Scene::of_scenario(&Template::new(Beginning::Loaded));
    assert_eq!(project.run(&["apply"]).code, 3);
    let contents = Contents::of(&project.store(), Compared::Whole);
    (project, contents)
}

#[test]
fn an_applied_stage_that_was_edited_or_deleted_is_exit_5_with_what_is_different() {
    let (project, before) = applied();
    project.write("0001_copy.toml", COPY.replace("places = 2", "places = 3"));
    let said = project.run(&["apply"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(
        said.err.contains("-places = 2") && said.err.contains("+places = 3"),
        "{said:?}"
    );
    project.write("0001_copy.toml", COPY);
    std::fs::remove_file(project.path(SECOND)).expect("the file is there");
    let said = project.run(&["apply"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(
        said.err.contains("its file is missing") && said.err.contains(SECOND),
        "{said:?}"
    );
    let after = Contents::of(&project.store(), Compared::Whole);
    assert_eq!(before.difference(&after), None, "nothing is written");
    // What is gone from the folder is still in the ledger.
    let back = project.run(&["rollback", "--all", "--yes"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_sound(&project.store(), 0, "rolled back without the stage's file");
}

#[test]
fn an_applied_stage_whose_comments_changed_goes_on_and_says_so() {
    let (project, _) = applied();
    let commented = COPY.replace("[[op]]", "# Money and names.\n\n[[op]]");
    project.write("0001_copy.toml", commented);
    project.write(
        "more.ndjson",
        "{\"id\":\"late\",\"amt\":\"1.5\",\"kind\":\"plain\"}\n",
    );
    let more = project.path("more.ndjson");
    let loaded = project.run(&["load", "a", more.to_str().expect("a path that is text")]);
    assert_eq!(loaded.code, 0, "{loaded:?}");
    let said = project.run(&["apply", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("\"cosmetic\":[1]"), "{said:?}");
    let late = project.run(&["query", "b", "--id", "late"]);
    assert!(late.out.contains("\"amount\":\"1.50\""), "{late:?}");
    assert_sound(&project.store(), 0, "changed comments");
}

#[test]
fn a_stage_file_edited_while_it_runs_is_read_once_and_found_by_the_next_apply() {
    let template = Template::new(Beginning::Loaded);
    let whole = Scene::of_scenario(&template);
    assert_eq!(whole.run(&["apply"]).code, 3);
    let project = Scene::of_scenario(&template);
    let begun = batches_of(&project.store());
    let started = project.start(&["apply", "--pause", "20ms"]);
    wait_for_batches(&project.store(), begun + 5);
    project.write("0001_copy.toml", COPY.replace("places = 2", "places = 3"));
    project.write(SECOND, "this is no stage");
    let said = Said::within(started, Duration::from_secs(30));
    assert_eq!(said.code, 3, "{said:?}");
    let expected = Contents::of(&whole.store(), Compared::LessRuns);
    let contents = Contents::of(&project.store(), Compared::LessRuns);
    assert_eq!(expected.difference(&contents), None);
    assert_eq!(project.run(&["apply"]).code, 4);
    project.write(SECOND, IN_PLACE);
    assert_eq!(project.run(&["apply"]).code, 5);
}
