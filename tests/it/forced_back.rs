//! What a forced rollback has brought back is a change like any other: it is told before anything older is undone.

use crate::support::project::{ProjectFolder, Said};

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\non_conflict = \"replace\"\n\n[[op]]\nop = \"rename\"\nfrom = \"v\"\nto = \"w\"\n";

fn done(project: &ProjectFolder, arguments: &[&str]) -> Said {
    let said = project.run(arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    said
}

fn load(project: &ProjectFolder, database: &str, name: &str, lines: &str) {
    project.write(name, lines);
    let file = project.path(name).display().to_string();
    done(project, &["load", database, &file, "--replace"]);
}

#[test]
fn what_forced_rollbacks_have_brought_back_is_in_the_way_whether_or_not_the_stage_has_looked_since() {
    for looks_again in [false, true] {
        let project = ProjectFolder::new(&[("0001_copy.toml", COPY)]);
        load(
            &project,
            "a",
            "first.ndjson",
            "{\"id\":\"1\",\"v\":\"x\"}\n{\"id\":\"2\",\"v\":\"x\"}\n",
        );
        done(&project, &["apply"]);
        let runs = [("second.ndjson", "y"), ("third.ndjson", "z")].map(|(name, value)| {
            load(
                &project,
                "b",
                name,
                &format!("{{\"id\":\"1\",\"w\":\"{value}\"}}\n"),
            );
            let history = done(&project, &["history", "--json", "--limit", "1"]).out;
            let history: serde_json::Value = serde_json::from_str(&history).expect("an envelope");
            history["data"]["runs"][0]["run"].to_string()
        });
        for run in runs {
            done(
                &project,
                &["rollback", "--run", &run, "--on-conflict", "force", "--yes"],
            );
        }
        if looks_again {
            load(&project, "a", "again.ndjson", "{\"id\":\"1\",\"v\":\"y\"}\n");
            done(&project, &["apply"]);
        }
        let before = done(&project, &["export", "b", "--with-id"]).out;
        let said = project.run(&["rollback", "--all", "--yes"]);
        assert_eq!(said.code, Some(9), "{said:?}");
        assert!(said.err.contains("1 record cannot be restored"), "{said:?}");
        assert_eq!(done(&project, &["export", "b", "--with-id"]).out, before);
        let said = project.run(&["rollback", "--all", "--yes", "--on-conflict", "skip"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        done(&project, &["verify"]);
        let left = done(&project, &["export", "b", "--with-id"]).out;
        assert_eq!(left.lines().count(), 1, "{left}");
    }
}
