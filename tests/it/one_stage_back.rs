//! One stage alone is taken back where no later one stands on it; else it says which do, and the command that it names
//! works.

use crate::support::world::Scene;

fn copy(source: &str, target: &str, mark: &str) -> String {
    format!(
        "[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\n\n[[op]]\nop = \"set\"\npath = \"{mark}\"\nvalue = \"yes\"\n"
    )
}

/// Two branches from `a`: 1 to `b`, which 3 changes in place and 4 carries on to `d`; 2 to `c`, on which nothing stands.
fn branched() -> Scene {
    let in_place = "[stage]\nsource = \"b\"\n\n[[op]]\nop = \"set\"\npath = \"three\"\nvalue = \"yes\"\n";
    let stages = [
        ("0001_one.toml", copy("a", "b", "one")),
        ("0002_two.toml", copy("a", "c", "two")),
        ("0003_three.toml", in_place.to_owned()),
        ("0004_four.toml", copy("b", "d", "four")),
    ];
    let stages = stages.each_ref().map(|(name, text)| (*name, text.as_str()));
    let project = Scene::project(&stages);
    load(&project, &["1", "2", "3"]);
    project.exits_sound(&["apply"], 0);
    project
}

fn load(project: &Scene, ids: &[&str]) {
    let name = format!("{}.ndjson", ids.join("-"));
    let lines: String = ids.iter().map(|id| format!("{{\"id\":\"{id}\"}}\n")).collect();
    project.write(&name, lines);
    let file = project.path(&name).display().to_string();
    project.exits_sound(&["load", "a", &file], 0);
}

/// What stands in each database, in the order of the ids.
fn all(project: &Scene) -> Vec<String> {
    ["a", "b", "c", "d"]
        .map(|name| project.exits_sound(&["export", name, "--with-id"], 0).out)
        .into()
}

#[test]
fn a_stage_on_which_nothing_stands_is_taken_back_alone_with_all_its_passes_and_applied_again() {
    let project = branched();
    load(&project, &["4", "5"]);
    project.exits_sound(&["apply"], 0);
    let before = all(&project);
    let said = project.exits_sound(
        &[
            "rollback",
            "--stage",
            "2",
            "--yes",
            "--reason",
            "the wrong branch",
        ],
        0,
    );
    assert!(
        said.out.contains("Rolled back 5 records in 2 passes."),
        "{said:?}"
    );
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
    let said = project.exits_sound(&["rollback", "--stage", "2", "--yes"], 0);
    assert!(said.out.contains("nothing that stage 2 did remains"), "{said:?}");
    project.exits_sound(&["apply"], 0);
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
        assert_eq!(said.code, 2, "{said:?}");
        let message = format!("stage {number} wrote to `b`, which {on_it} since read");
        assert!(said.err.contains(&message), "{said:?}");
        assert!(said.err.contains(left), "{said:?}");
        assert_eq!(all(&project), before, "nothing was done");
        let mut command: Vec<&str> = left.split(' ').collect();
        command.push("--yes");
        project.exits_sound(&command, 0);
        project.exits_sound(&["apply"], 0);
        assert_eq!(all(&project), before);
    }
}

#[test]
fn from_the_last_one_on_each_stage_can_be_taken_back_by_its_number() {
    let project = branched();
    for number in ["4", "3", "1", "2"] {
        project.exits_sound(&["rollback", "--stage", number, "--yes"], 0);
    }
    let after = all(&project);
    assert_eq!(after[1..], ["", "", ""]);
}

#[test]
fn what_was_changed_since_is_a_conflict_as_ever() {
    let project = branched();
    project.exits_sound(&["delete", "c", "2", "--reason", "by hand"], 0);
    let said = project.run(&["rollback", "--stage", "2", "--yes"]);
    assert_eq!(said.code, 9, "{said:?}");
    // Nothing is to be restored where nothing is.
    project.exits_sound(&["rollback", "--stage", "2", "--yes", "--on-conflict", "skip"], 0);
    assert_eq!(all(&project)[2], "");
}

#[test]
fn a_number_that_no_stage_has_is_reported_and_only_one_choice_is_made() {
    let project = branched();
    for number in ["0", "9"] {
        let said = project.run(&["rollback", "--stage", number, "--yes"]);
        assert!(said.code == 2 && said.err.contains(number), "{said:?}");
    }
    let said = project.run(&["rollback", "--stage", "2", "--to", "1", "--yes"]);
    assert!(said.code == 2 && said.err.contains("--to"), "{said:?}");
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
    assert_eq!(said.code, 6, "{said:?}");
    project.exits_sound(&["rollback", "--stage", "2", "--yes"], 0);
    assert_eq!(all(&project)[2], "");
}
