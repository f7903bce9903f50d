//! What a forced rollback has brought back is a change like any other: it is told before anything older is undone.

use crate::support::world::Scene;

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\non_conflict = \"replace\"\n\n[[op]]\nop = \"rename\"\nfrom = \"v\"\nto = \"w\"\n";

fn load(project: &Scene, database: &str, name: &str, lines: &str) {
    let lines: Vec<&str> = lines.lines().collect();
    project.load_file(database, name, &lines, &["--replace"]);
}

#[test]
fn what_forced_rollbacks_have_brought_back_is_in_the_way_whether_or_not_the_stage_has_looked_since() {
    for looks_again in [false, true] {
        let project = Scene::project(&[("0001_copy.toml", COPY)]);
        load(
            &project,
            "a",
            "first.ndjson",
            "{\"id\":\"1\",\"v\":\"x\"}\n{\"id\":\"2\",\"v\":\"x\"}\n",
        );
        project.exits(&["apply"], 0);
        let runs = [("second.ndjson", "y"), ("third.ndjson", "z")].map(|(name, value)| {
            load(
                &project,
                "b",
                name,
                &format!("{{\"id\":\"1\",\"w\":\"{value}\"}}\n"),
            );
            let history = project.exits(&["history", "--json", "--limit", "1"], 0).out;
            let history: serde_json::Value = serde_json::from_str(&history).expect("an envelope");
            history["data"]["runs"][0]["run"].to_string()
        });
        for run in runs {
            project.exits(&["rollback", "--run", &run, "--on-conflict", "force", "--yes"], 0);
        }
        if looks_again {
            load(&project, "a", "again.ndjson", "{\"id\":\"1\",\"v\":\"y\"}\n");
            project.exits(&["apply"], 0);
        }
        let before = project.exits(&["export", "b", "--with-id"], 0).out;
        let said = project.run(&["rollback", "--all", "--yes"]);
        assert_eq!(said.code, 9, "{said:?}");
        assert!(said.err.contains("1 record cannot be restored"), "{said:?}");
        assert_eq!(project.exits(&["export", "b", "--with-id"], 0).out, before);
        let said = project.run(&["rollback", "--all", "--yes", "--on-conflict", "skip"]);
        assert_eq!(said.code, 3, "{said:?}");
        project.exits(&["verify"], 0);
        let left = project.exits(&["export", "b", "--with-id"], 0).out;
        assert_eq!(left.lines().count(), 1, "{left}");
    }
}
