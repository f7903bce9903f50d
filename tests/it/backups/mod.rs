//! `backup` copies a project whole and consistent, whoever writes meanwhile; `restore` puts back only what is sound, and
//! writes over nothing. `status --check` tells monitoring what it asks for.

mod copies;
mod monitoring;
mod restores;

use std::path::PathBuf;

use crate::support::world::Scene;

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n\n[contract]\ntarget = \"schemas/b.json\"\n";

fn project() -> Scene {
    let project = Scene::project(&[("0001_copy.toml", COPY)]);
    std::fs::create_dir(project.path("schemas")).expect("a folder");
    project.write("schemas/b.json", "{\"required\":[\"n\"]}");
    project.exits(&["checkpoint", "--new-key"], 0);
    load(&project, "one", 1..200);
    project.exits(&["apply"], 0);
    project
}

fn load(project: &Scene, name: &str, ids: std::ops::Range<u32>) {
    let lines: String = ids
        .map(|id| format!("{{\"id\":\"r{id}\",\"n\":\"{id}\"}}\n"))
        .collect();
    project.write(name, lines);
    let file = project.path(name).display().to_string();
    project.exits(&["load", "a", &file, "--format", "ndjson"], 0);
}

fn backed_up(project: &Scene) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup");
    project.exits(&["backup", &backup.display().to_string()], 0);
    (folder, backup)
}

/// A folder that nothing is in yet.
fn empty() -> Scene {
    let project = Scene::project(&[]);
    std::fs::remove_file(project.path("counterfoil.toml")).expect("settings");
    project
}
