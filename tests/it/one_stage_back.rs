//! One stage alone is taken back where no later one stands on it; else it says which do, and the command that it names
//! works.

use crate::support::project::{ProjectFolder, Said};

fn copy(source: &str, target: &str, mark: &str) -> String {
    format!(
        "[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\n\n[[op]]\nop = \"set\"\npath = \"{mark}\"\nvalue = \"yes\"\n"
    )
}

/// Two branches from `a`: 1 to `b`, which 3 changes in place and 4 carries on to `d`; 2 to `c`, on which nothing stands.
fn branched() -> ProjectFolder {
    let in_place = "[stage]\nsource = \"b\"\n\n[[op]]\nop = \"set\"\npath = \"three\"\nvalue = \"yes\"\n";
    let stages = [
        ("0001_one.toml", copy("a", "b", "one")),
        ("0002_two.toml", copy("a", "c", "two")),
        ("0003_three.toml", in_place.to_owned()),
        ("0004_four.toml", copy("b", "d", "four")),
    ];
    let stages = stages.each_ref().map(|(name, text)| (*name, text.as_str()));
    let project = ProjectFolder::new(&stages);
    load(&project, &["1", "2", "3"]);
    done(&project, &["apply"]);
    project
}

fn load(project: &ProjectFolder, ids: &[&str]) {
    let name = format!("{}.ndjson", ids.join("-"));
    let lines: String = ids.iter().map(|id| format!("{{\"id\":\"{id}\"}}\n")).collect();
    project.write(&name, lines);
    let file = project.path(&name).display().to_string();
    done(project, &["load", "a", &file]);
}

fn done(project: &ProjectFolder, arguments: &[&str]) -> Said {
    let said = project.run(arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    let verified = project.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "after {arguments:?}: {verified:?}");
    said
}

/// What stands in each database, in the order of the ids.
fn all(project: &ProjectFolder) -> Vec<String> {
    ["a", "b", "c", "d"]
        .map(|name| done(project, &["export", name, "--with-id"]).out)
        .into()
}

#[test]
fn a_stage_on_which_nothing_stands_is_taken_back_alone_with_all_its_passes_and_applied_again() {
    let project = branched();
    load(&project, &["4", "5"]);
    done(&project, &["apply"]);
    let before = all(&project);
    let said = done(
        &project,
        &[
            "rollback",
            "--stage",
            "2",
            "--yes",
            "--reason",
            "the wrong branch",
        ],
    );
    assert!(said.out.contains("Took back 5 records in 2 passes."), "{said:?}");
    let after = all(&project);
    assert_eq!(after[2], "");
    assert_eq!(
        [&after[0], &after[1], &after[3]],
        [&before[0], &before[1], &before[3]]
    );
    let status = project.run(&["status"]).out;
    assert_eq!(
        status.lines().filter(|line| line.contains("pending")).count(),
        1,
        "{status}"
    );
    let said = done(&project, &["rollback", "--stage", "2", "--yes"]);
    assert!(said.out.contains("nothing that stage 2 did stands"), "{said:?}");
    done(&project, &["apply"]);
    assert_eq!(all(&project), before);
}

#[test]
fn a_stage_that_later_ones_stand_on_is_refused_and_the_command_that_it_names_works() {
    for (number, on_it, left) in [
        ("1", "stage 3 (three) and stage 4 (four) have", "rollback --to 0"),
        ("3", "stage 4 (four) has", "rollback --to 2"),
    ] {
        let project = branched();
        let before = all(&project);
        let said = project.run(&["rollback", "--stage", number, "--yes"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        let message = format!("stage {number} wrote to `b`, which {on_it} read since");
        assert!(said.err.contains(&message), "{said:?}");
        assert!(said.err.contains(left), "{said:?}");
        assert_eq!(all(&project), before, "nothing was done");
        let mut command: Vec<&str> = left.split(' ').collect();
        command.push("--yes");
        done(&project, &command);
        done(&project, &["apply"]);
        assert_eq!(all(&project), before);
    }
}

#[test]
fn from_the_last_one_on_each_stage_can_be_taken_back_by_its_number() {
    let project = branched();
    for number in ["4", "3", "1", "2"] {
        done(&project, &["rollback", "--stage", number, "--yes"]);
    }
    let after = all(&project);
    assert_eq!(after[1..], ["", "", ""]);
}

#[test]
fn what_was_changed_since_is_a_conflict_as_ever() {
    let project = branched();
    done(&project, &["delete", "c", "2", "--reason", "by hand"]);
    let said = project.run(&["rollback", "--stage", "2", "--yes"]);
    assert_eq!(said.code, Some(9), "{said:?}");
    // Nothing is to be restored where nothing is.
    done(
        &project,
        &["rollback", "--stage", "2", "--yes", "--on-conflict", "skip"],
    );
    assert_eq!(all(&project)[2], "");
}

#[test]
fn a_number_that_no_stage_has_is_told_and_only_one_choice_is_made() {
    let project = branched();
    for number in ["0", "9"] {
        let said = project.run(&["rollback", "--stage", number, "--yes"]);
        assert!(said.code == Some(2) && said.err.contains(number), "{said:?}");
    }
    let said = project.run(&["rollback", "--stage", "2", "--to", "1", "--yes"]);
    assert!(said.code == Some(2) && said.err.contains("--to"), "{said:?}");
}

#[test]
fn what_was_interrupted_goes_on_with_the_same_command() {
    let project = branched();
    let said = project.run(&[
        "rollback",
        "--stage",
        "2",
        "--yes",
        "--batch-size",
        "1",
        "--max-time",
        "0s",
    ]);
    assert_eq!(said.code, Some(6), "{said:?}");
    done(&project, &["rollback", "--stage", "2", "--yes"]);
    assert_eq!(all(&project)[2], "");
}
