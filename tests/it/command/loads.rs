//! What `load` says of files that it knows, and of lines that it has refused.

use crate::support::world::Scene;

#[test]
fn a_known_file_and_a_refused_line_are_reported_with_a_step_that_works() {
    let scene = Scene::named("loads", &[]);
    scene.write("0001_copy.toml", "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n");
    scene.write("mon.csv", "key,v\n1,monday\n2,mon,day\n3,monday\n");
    scene.write("tue.csv", "key,v\n1,tuesday\n");
    scene.run(&["load", "a1", "mon.csv", "--id", "key"]);
    scene.run(&["load", "a1", "mon.csv", "--id", "key", "--replace"]);
    scene.run(&["load", "a1", "tue.csv", "--id", "key"]);
    scene.run(&["quarantine", "list"]);
    scene.run(&["quarantine", "retry"]);
    scene.write("mon.csv", "key,v\n1,monday\n2,monday\n3,monday\n");
    scene.run(&["load", "a1", "mon.csv", "--id", "key"]);
    scene.run(&["quarantine", "show", "1"]);
    scene.run(&["load", "a1", "tue.csv", "--id", "key", "--replace", "--again"]);
    scene.run(&["quarantine", "retry"]);
    scene.run(&["load", "a1", "tue.csv", "--id", "key", "--restart"]);
    scene.run(&["verify"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["loads.txt"].raw());
}
