//! Any order of loading and applying gives the same register; each stage is rolled back alone.

use super::{SYSTEMS, applied, numbered, project, register};

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
            let said = scene.exits_sound(&["apply"], 3);
            assert!(!said.err.contains("error"), "{order:?}: {said:?}");
            let status = scene.exits(&["status"], 0).out;
            let applied = status.lines().filter(|line| line.contains(" applied "));
            assert_eq!(applied.count(), 3, "{order:?}, {at}: {status}");
            let validated = scene.exits(&["validate", "register"], 0);
            assert!(validated.out.contains("valid"), "{validated:?}");
        }
        assert!(register(&scene) == expected, "{order:?}");
    }
}

#[test]
fn each_stage_is_rolled_back_alone_and_applied_again_to_the_same_register() {
    let scene = applied();
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
            scene.exits_sound(&["apply"], 3);
            assert!(numbered(&scene) == before, "{order:?}, {stage}");
        }
    }
}

#[test]
fn all_stages_are_rolled_back_one_by_one_to_the_start() {
    for order in [[0, 2, 1], [1, 0, 2], [2, 1, 0]] {
        let scene = applied();
        let expected = numbered(&scene);
        for system in order {
            let stage = (system + 1).to_string();
            scene.exits_sound(&["rollback", "--stage", &stage, "--yes"], 0);
        }
        assert_eq!(numbered(&scene), [], "{order:?}");
        scene.exits_sound(&["apply"], 3);
        assert!(numbered(&scene) == expected, "{order:?}");
    }
}
