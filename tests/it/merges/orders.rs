//! The order in which people are loaded, and the number of threads, decide nothing about a first merge.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Command;

use serde_json::Value as Json;

use super::seen::{Ids, Seen};
use crate::support::all_wanted;
use crate::support::child::{Verb, Work, under};
use crate::support::comparison::{Compared, Contents};
use crate::support::people::{FILES, PROJECT, Registration, Town};
use crate::support::random::Random;
use crate::support::scenario::{Beginning, Template};
use crate::support::world::World;

/// What a first merge has made, less numbers and what derives from them: the ids of golden records, which are those of
/// their founders.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    data: BTreeMap<Ids, String>,
    reviews: BTreeSet<String>,
    model: Json,
    figures: Json,
}

fn made(loads: &[&[Registration]]) -> Made {
    let mut world = World::new(PROJECT, &FILES);
    for load in loads {
        let lines: Vec<&str> = load.iter().map(|one| one.line.as_str()).collect();
        world.load("register", &lines);
    }
    world.apply();
    let seen = Seen::of_world(&world);
    let note: String = world.asked("SELECT body->'$.merge' FROM ledger_batch WHERE step='note'");
    let mut note: Json = serde_json::from_str(&note).expect("a note");
    let sql = "SELECT coalesce(group_concat(min(a_id,b_id)||' '||max(a_id,b_id)||' '||band||' '||bits||' '||probability,'|'),'')
     FROM audit_review";
    Made {
        data: seen.data(),
        reviews: world.asked::<String>(sql).split('|').map(str::to_owned).collect(),
        model: note["learned"].take(),
        figures: named(&mut note["figures"], &world),
    }
}

/// Figures with the ids of the records in the place of their numbers.
fn named(figures: &mut Json, world: &World) -> Json {
    let rows = world.rows("register").into_iter();
    let ids: BTreeMap<i64, String> = rows.map(|row| (row.number.get(), row.id)).collect();
    let pairs = figures.as_object_mut().expect("figures").values_mut();
    for pair in pairs.filter_map(Json::as_array_mut).flatten() {
        let sides = ["a", "b"].map(|side| pair.get(side).and_then(Json::as_i64));
        if let [Some(a), Some(b)] = sides {
            let (a, b) = (&ids[&a], &ids[&b]);
            (pair["a"], pair["b"]) = (a.min(b).as_str().into(), a.max(b).as_str().into());
        }
    }
    figures.take()
}

#[test]
fn people_loaded_in_any_order_and_in_any_number_of_loads_become_the_same_people() {
    let (towns, orders) = if all_wanted() { (20, 10) } else { (2, 4) };
    let (mut tried, mut merged) = (0, 0);
    for seed in 0..towns {
        let mut people = Town::new(100 + seed, 130).registrations(200);
        people.sort_by(|a, b| a.id.cmp(&b.id));
        let usual = made(&[&people]);
        merged += usual.data.iter().filter(|(ids, _)| ids.len() > 1).count();
        assert!(usual.model.is_object(), "{usual:?}");
        let mut chance = Random::new(seed);
        for _ in 0..orders {
            chance.shuffle(&mut people);
            let size = 1 + chance.below(people.len() as u64);
            let loads: Vec<&[Registration]> = people.chunks(usize::try_from(size).expect("a size")).collect();
            let other = made(&loads);
            assert_eq!(usual, other, "seed {seed}, {} loads", loads.len());
            tried += 1;
        }
    }
    assert!(merged > 20 * usize::try_from(towns).expect("a few"), "{merged}");
    println!("{tried} orders of {towns} registers, in which {merged} people have several records");
}

/// The processors that this process may run on.
fn processors() -> Vec<u32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let ranges = allowed.unwrap_or_default().trim().split(',');
    ranges
        .flat_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let ends = first.parse::<u32>().ok().zip(last.parse::<u32>().ok());
            ends.map(|(first, last)| first..=last).into_iter().flatten()
        })
        .collect()
}

#[test]
fn one_thread_and_all_of_them_write_the_same_bytes() {
    let processors = processors();
    let has = Command::new("taskset").arg("--version").output().is_ok();
    if processors.len() < 2 || !has {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED one_thread_and_all_of_them_write_the_same_bytes: it takes two processors and `taskset`"
        );
        return;
    }
    let mut counts = vec![1, 2];
    if processors.len() >= 4 {
        counts.push(4);
    }
    let template = Template::new(Beginning::People);
    let contents: Vec<Contents> = counts
        .iter()
        .map(|count| {
            let list: Vec<String> = processors[..*count].iter().map(u32::to_string).collect();
            let (_folder, store) = template.store();
            for (seed, verb) in (10..).zip([Verb::Merge, Verb::ChangePeople, Verb::Merge, Verb::TakeBack]) {
                let command = Work::new(verb, &store).seeded(seed).command();
                let output = under("taskset", &["-c", &list.join(",")], &command)
                    .output()
                    .expect("a child");
                assert!(output.status.success(), "{output:?}");
            }
            Contents::of(&store, Compared::Whole)
        })
        .collect();
    for (count, other) in counts.iter().zip(&contents) {
        assert_eq!(contents[0].difference(other), None, "{count} threads");
    }
}
