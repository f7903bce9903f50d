//! Any order of loading and applying gives the same register; each stage is rolled back alone.

use super::{SYSTEMS, applied, numbered, project, register};
use crate::support::world::Scene;

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn the_systems_may_come_in_any_order_and_the_others_count_as_empty() {
    let expected = register(&applied());
    assert_eq!(expected.len(), 81);
    for order in ORDERS {
        let scene = project();
        for (at, system) in order.into_iter().enumerate() {
            let (database, file) = SYSTEMS[system];
            scene.exits(&["load", database, file], 0);
            scene.exits(&["apply"], 3);
            let status = scene.exits(&["status"], 0).out;
            let applied = status.lines().filter(|line| line.contains(" applied "));
            assert_eq!(applied.count(), 5, "{order:?}, {at}: {status}");
            let validated = scene.exits(&["validate", "register"], 0);
            assert!(validated.out.contains("valid"), "{validated:?}");
        }
        scene.exits(&["verify"], 0);
        assert!(register(&scene) == expected, "{order:?}");
    }
}

/// The register without the stages that read it.
fn registered() -> Scene {
    let scene = project();
    for (database, file) in SYSTEMS {
        scene.exits(&["load", database, file], 0);
    }
    scene.exits_sound(&["apply", "--to", "3"], 3);
    scene
}

#[test]
fn each_stage_is_rolled_back_alone_and_applied_again_to_the_same_register() {
    let scene = registered();
    let before = numbered(&scene);
    for order in [[0, 1, 2], [2, 0, 1]] {
        for system in order {
            let stage = (system + 1).to_string();
            scene.exits_sound(&["rollback", "--stage", &stage, "--yes"], 0);
            let letter = ["A:", "B:", "C:"][system];
            let others: Vec<_> = before
                .iter()
                .filter(|(_, id, _)| !id.starts_with(letter))
                .collect();
            assert!(
                numbered(&scene).iter().collect::<Vec<_>>() == others,
                "{order:?}, {stage}"
            );
            scene.exits_sound(&["apply", "--to", "3"], 3);
            assert!(numbered(&scene) == before, "{order:?}, {stage}");
        }
    }
    // The merge has read what they wrote: it comes first.
    scene.exits_sound(&["apply"], 0);
    let refused = scene.run(&["rollback", "--stage", "2", "--yes"]);
    assert!(
        refused.err.contains("stage 4 (people) has since read"),
        "{refused:?}"
    );
    scene.exits_sound(&["rollback", "--stage", "4", "--yes"], 0);
    scene.exits_sound(&["rollback", "--stage", "2", "--yes"], 0);
    scene.exits_sound(&["apply"], 3);
    assert!(numbered(&scene) == before);
}

#[test]
fn all_stages_are_rolled_back_one_by_one_to_the_start() {
    for order in [[0, 2, 1], [1, 0, 2], [2, 1, 0]] {
        let scene = registered();
        let expected = numbered(&scene);
        for system in order {
            let stage = (system + 1).to_string();
            scene.exits_sound(&["rollback", "--stage", &stage, "--yes"], 0);
        }
        assert_eq!(numbered(&scene), [], "{order:?}");
        scene.exits_sound(&["apply", "--to", "3"], 3);
        assert!(numbered(&scene) == expected, "{order:?}");
    }
}
