//! The worked example: two are one person, a third is corrected and joins them, one is taken out again, and every step
//! is rolled back.

use super::*;

const ALICE: &str = "{\"given\":\"Alice\",\"ward\":\"as it was read, long enough for a patch\"}";
const ALICIA: &str = "{\"given\":\"Alicia\",\"ward\":\"as it was read, long enough for a patch\"}";
const BOB: &str = "{\"given\":\"Bob\",\"ward\":\"as it was read, long enough for a patch\"}";

/// The three events of the example, with what each leaves.
pub(super) struct Example {
    pub(super) register: Register,
    pub(super) passes: Vec<PassId>,
    pub(super) people: Vec<Vec<String>>,
}

pub(super) fn first() -> [Cluster<'static>; 2] {
    [
        Cluster {
            members: &[1, 2],
            data: Some(ALICE),
            ..Cluster::default()
        },
        Cluster {
            members: &[3],
            data: Some(BOB),
            ..Cluster::default()
        },
    ]
}

pub(super) fn joined() -> [Cluster<'static>; 1] {
    [Cluster {
        golden: Some(4),
        members: &[1, 2, 3],
        data: Some(ALICIA),
        gone: &[5],
        ..Cluster::default()
    }]
}

pub(super) fn split() -> [Cluster<'static>; 2] {
    [
        Cluster {
            golden: Some(4),
            members: &[1, 3],
            data: Some(ALICE),
            ..Cluster::default()
        },
        Cluster {
            members: &[2],
            data: Some(BOB),
            left: true,
            ..Cluster::default()
        },
    ]
}

pub(super) fn example() -> Example {
    let mut example = Example {
        register: Register::new(&["Alice", "Alicia", "Bob"]),
        passes: Vec::new(),
        people: vec![Vec::new()],
    };
    example.merges(&first(), &["1=4 auto", "2=4 auto", "3=5 auto"]);
    example.register.correct(3, "Alicia");
    example.merges(&joined(), &["1=4 auto", "2=4 auto", "3=4 auto"]);
    example.merges(&split(), &["1=4 auto", "2=6 auto", "3=4 auto"]);
    example
}

impl Example {
    fn merges(&mut self, clusters: &[Cluster<'_>], members: &[&str]) {
        self.passes.push(self.register.merge(clusters));
        self.register.assert_sound();
        assert_eq!(self.register.cross_reference(), members);
        self.people.push(self.register.people());
    }

    fn data_batches(&self) -> Vec<i64> {
        let batches = self
            .register
            .told("SELECT batch FROM ledger_batch WHERE merged>0 ORDER BY batch");
        batches
            .iter()
            .map(|batch| batch.parse().expect("a number"))
            .collect()
    }
}

#[test]
fn every_step_is_sound_and_each_member_stands_in_one_golden_record() {
    let example = example();
    let data = |people: &[String]| {
        people
            .iter()
            .map(|row| row.split('|').next().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let numbers = |numbers: &[&str]| {
        numbers
            .iter()
            .map(|number| Some((*number).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(data(&example.people[1]), numbers(&["4", "5"]));
    assert_eq!(data(&example.people[2]), numbers(&["4"]));
    assert_eq!(data(&example.people[3]), numbers(&["4", "6"]));
    let batches = example.data_batches();
    let since = [1, 2, 3].map(|member| example.register.since(member));
    assert_eq!(since, [batches[0], batches[2], batches[1]]);
}

#[test]
fn rolled_back_newest_first_every_step_leaves_what_was_before_it() {
    let Example {
        mut register,
        passes,
        people,
    } = example();
    let members: [&[&str]; 3] = [
        &["1=4 auto", "2=4 auto", "3=4 auto"],
        &["1=4 auto", "2=4 auto", "3=5 auto"],
        &[],
    ];
    for (at, (pass, members)) in passes.iter().rev().zip(members).enumerate() {
        register.roll_back(*pass);
        register.assert_sound();
        assert_eq!(register.people(), people[2 - at]);
        assert_eq!(register.cross_reference(), members);
    }
}

#[test]
fn rolled_back_at_once_nothing_is_left_and_the_same_merges_come_again() {
    let Example {
        mut register, people, ..
    } = example();
    register.roll_back_of(RollbackScope::All);
    register.assert_sound();
    assert_eq!(register.people(), [""; 0]);
    assert_eq!(register.cross_reference(), [""; 0]);
    register.merge(&first());
    register.assert_sound();
    let rows = |people: &[String]| {
        people
            .iter()
            .map(|row| row.split_once('|').map(|(_, row)| row.to_owned()))
            .collect::<Vec<_>>()
    };
    // The numbers are new ones.
    assert_eq!(rows(&register.people()), rows(&people[1]));
    assert_eq!(register.cross_reference(), ["1=7 auto", "2=7 auto", "3=8 auto"]);
}

#[test]
fn an_older_merge_is_not_rolled_back_beneath_a_newer_one() {
    let Example {
        mut register, passes, ..
    } = example();
    let sql = "SELECT run FROM ledger_batch WHERE pass=?1";
    for pass in &passes[..2] {
        let run = register.connection().query_row(sql, [pass], |row| row.get(0));
        let options = RollbackOptions::default().scope(RollbackScope::Run(run.expect("a run")));
        let refused = rollback(&mut register.store, PROJECT, &options, &mut Silent);
        let code = refused.expect_err("a newer pass stands on it").code();
        assert_eq!(code, "rollback.beneath");
    }
}

#[test]
fn a_single_golden_record_is_rolled_back_with_all_that_came_to_it_and_left_it() {
    let Example {
        mut register, people, ..
    } = example();
    let of_record = |id: &str| RollbackScope::Record {
        database: TARGET.to_owned(),
        id: id.to_owned(),
    };
    // 2 alone again: its golden record goes, and the one that it had left is as it was.
    register.roll_back_of(of_record("PAT-m2"));
    register.assert_sound();
    assert_eq!(register.people(), people[2]);
    assert_eq!(register.cross_reference(), ["1=4 auto", "2=4 auto", "3=4 auto"]);
    register.roll_back_of(of_record("PAT-m1"));
    register.assert_sound();
    assert_eq!(register.people(), people[1]);
    assert_eq!(register.cross_reference(), ["1=4 auto", "2=4 auto", "3=5 auto"]);
    // The other golden record of that pass is another matter.
    register.roll_back_of(of_record("PAT-m1"));
    register.assert_sound();
    assert_eq!(register.people(), people[1][1..]);
    assert_eq!(register.cross_reference(), ["3=5 auto"]);
}

#[test]
fn a_correction_that_a_merge_has_read_is_not_rolled_back_beneath_it() {
    let Example { mut register, .. } = example();
    register.correct(2, "Alix");
    let clusters = [Cluster {
        golden: Some(6),
        members: &[2],
        data: Some(ALICIA),
        ..Cluster::default()
    }];
    register.merge(&clusters);
    register.correct(3, "Alison");
    let joined = [Cluster {
        golden: Some(4),
        members: &[1, 3],
        ..Cluster::default()
    }];
    register.merge(&joined);
    for id in ["m2", "m3"] {
        let scope = RollbackScope::Record {
            database: SOURCE.to_owned(),
            id: id.to_owned(),
        };
        let options = RollbackOptions::default().scope(scope);
        let refused = rollback(&mut register.store, PROJECT, &options, &mut Silent);
        let refused = refused.expect_err("a merge has read it");
        assert!(
            matches!(refused, crate::Error::ProcessedSince { .. }),
            "{refused:?}"
        );
    }
}

#[test]
fn members_side_by_side_are_rolled_back_in_one_batch() {
    let mut register = Register::new(&["Alice", "Alicia", "Bob", "Rob", "Carl", "Karl"]);
    let clusters = [&[1, 2], &[3, 5], &[4, 6]].map(|members| Cluster {
        members,
        data: Some(BOB),
        ..Cluster::default()
    });
    let first = register.merge(&clusters);
    let people = register.people();
    let again: Vec<Cluster<'_>> = (7..)
        .zip([&[1_i64, 2], &[3, 5], &[4, 6]])
        .map(|(golden, members)| Cluster {
            golden: Some(golden),
            members,
            data: Some(ALICE),
            ..Cluster::default()
        })
        .collect();
    let second = register.merge(&again);
    for (pass, left) in [(second, &people[..]), (first, &[])] {
        register.roll_back(pass);
        register.assert_sound();
        assert_eq!(register.people(), left);
        let sql = format!(
            "SELECT count(*) FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.reverses={pass} AND b.entries>0"
        );
        assert_eq!(register.told(&sql), ["1"]);
    }
}
