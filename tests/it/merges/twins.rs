//! Twins, and a record that may be of either: nobody but a person decides whose it is.

use counterfoil::apply::ApplyOptions;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use crate::support::world::World;

const PEOPLE: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
identity = { given = "given", birth = "birth", ssn = "ssn" }
shared = { surname = "surname", street = "street", number = "number", zip = "zip", phone = "phone" }
"#;

/// A small register of three hospitals. The model that it teaches trusts an address and a date of birth as much as it can.
const REGISTER: &str = "
A:1|Maria|Hoffmann|1961-03-04|Lindenweg|12|50667|0221 555123|123-45-6789
A:2|Peter|Hoffmann|1959-11-20|Lindenweg|12|50667|0221 555123|234-56-7890
A:3|Anna|Schmidt|1985-07-19|Rosenallee|3|50823|0221 778811|
A:6|Walter|Vogt|1948-12-01|Hafengasse|44|50996||345-67-8901
A:8|Sofia|Brandt|1990-09-09|Parkstr.|1|50733|0221 111222|456-78-9012
A:9|Thomas|Becker|1972-05-30|Hauptstr.|99|50858|0221 333444|567-89-0123
A:10|Karl|Neumann|1950-01-15|Am Markt|5|50667|0221 222333|
A:11|Karl|Neumann|1979-08-02|Am Markt|5|50667|0221 222333|
A:12|Fatima|Yilmaz|1995-10-10|Ringstr.|21|51103||678-90-1234
B:20|Marie|Hofmann|1961-03-04|Lindenweg|12|50667||123-45-6789
B:21|Anna|Schmitd|1985-07-19|Rosenallee|3|50823||
B:22|Walther|Vogt|1948-01-12|Hafengasse|44|50996||345-67-8901
B:23|Sofia|Krause|1990-09-09|Domplatz|8|50668|0221 676767|456-78-9012
B:24|Becker|Thomas|1972-05-30|Hauptstr.|99|50858|0221 333444|
B:26|Hans|Weber|1966-06-06|Feldweg|2|50999||789-01-2345
B:27|Olga|Petrova|1978-04-25|Kirchgasse|15|50674|0221 454545|
B:28|Emil|Lang|2001-03-17|Uferweg|6|50679||
B:29|Peter|Hoffmann|1959-11-20|Lindenweg|12|50667|0221 555123|
C:30|Fatma|Yilmaz|1995-10-10|Ringstr.|21|51103||
C:31|Hans|Weber|1966-06-06|Feldweg|2|50999||789-01-2354
C:32|Olga|Petrowa|1978-04-25|Kirchgasse|15|50674|0221 454545|
C:33|Emil|Lang|2001-03-17|Sonnenweg|60|50321||
C:35|Ida|Sommer|1933-12-24|Altenheim|1|50735||
C:36|Maria|Hoffman|1961-04-03|Lindenweg|12|50667|0221 555123|
C:37|Tom|Becker|1972-05-30|Hauptstr.|99|50858||567-89-0123";
const TWINS: &str = "
A:4|Lena|Kowalski|2012-02-14|Bergstr.|7|51065|0221 999000|
A:5|Benedikt|Kowalski|2012-02-14|Bergstr.|7|51065|0221 999000|";
const NAMELESS: &str = "
C:34||Kowalski|2012-02-14|Bergstr.|7|51065|0221 999000|";

fn load(world: &mut World, lines: &str) {
    let lines = lines.trim().lines().map(|line| {
        let cells: Vec<&str> = line.split('|').collect();
        json!({
            "id": cells[0], "given": cells[1], "surname": cells[2], "birth": cells[3], "street": cells[4],
            "number": cells[5], "zip": cells[6], "phone": cells[7], "ssn": cells[8],
        })
    });
    let lines: Vec<String> = lines.map(|record| record.to_string()).collect();
    world.load("register", &lines);
}

/// Who shares a golden record with one of the three, and which pairs of them wait for a person.
fn decided(world: &World) -> (String, String) {
    let together = "SELECT coalesce(group_concat(a.member_id||'+'||b.member_id,' '),'')
       FROM audit_cross_reference a JOIN audit_cross_reference b USING(golden)
       WHERE a.member<b.member AND (a.member_id IN ('A:4','A:5','C:34') OR b.member_id IN ('A:4','A:5','C:34'))";
    let waiting = "SELECT coalesce(group_concat(a_id||'-'||b_id,' '),'') FROM (
       SELECT a_id, b_id FROM audit_review WHERE a_id IN ('A:4','A:5','C:34') ORDER BY a_id, b_id)";
    (world.asked(together), world.asked(waiting))
}

const APART: (&str, &str) = ("", "A:4-A:5 A:4-C:34 A:5-C:34");

fn apart(world: &World) {
    let (together, waiting) = decided(world);
    assert_eq!((together.as_str(), waiting.as_str()), APART);
    world.is_sound();
}

#[test]
fn twins_are_not_joined_by_a_record_without_a_given_name() {
    let mut world = World::new("twins", &[("0001_people.toml", PEOPLE)]);
    load(&mut world, &[REGISTER, TWINS, NAMELESS].concat());
    world.apply();
    apart(&world);
}

#[test]
fn a_record_that_may_be_of_either_twin_joins_neither_when_it_comes_later() {
    let mut world = World::new("twins", &[("0001_people.toml", PEOPLE)]);
    load(&mut world, &[REGISTER, TWINS].concat());
    world.apply();
    assert_eq!(decided(&world), (String::new(), "A:4-A:5".to_owned()));
    load(&mut world, NAMELESS);
    world.apply();
    apart(&world);
}

#[test]
fn with_one_twin_alone_the_record_is_merged() {
    let mut world = World::new("twins", &[("0001_people.toml", PEOPLE)]);
    let lena = TWINS.lines().nth(1).expect("Lena");
    load(&mut world, &[REGISTER, "\n", lena, NAMELESS].concat());
    world.apply();
    assert_eq!(decided(&world), ("A:4+C:34".to_owned(), String::new()));
}

/// What is merged stays merged: that it may be of the other twin as well is shown to a person.
#[test]
fn a_twin_that_comes_later_takes_nothing_from_the_other() {
    let mut world = World::new("twins", &[("0001_people.toml", PEOPLE)]);
    let twins: Vec<&str> = TWINS.trim().lines().collect();
    load(&mut world, &[REGISTER, "\n", twins[0], NAMELESS].concat());
    world.apply();
    load(&mut world, twins[1]);
    world.apply();
    let (together, waiting) = decided(&world);
    assert_eq!(together, "A:4+C:34");
    assert!(
        waiting.contains("C:34") || waiting.contains("A:4-A:5"),
        "{waiting}"
    );
    world.is_sound();
}

#[test]
fn twins_with_two_numbers_are_not_one_because_their_names_are_alike() {
    let mut world = World::new("twins", &[("0001_people.toml", PEOPLE)]);
    let twins = TWINS.replace("Benedikt", "Lea");
    let numbers = ["111-22-3344", "998-87-7665"];
    let lines = twins.trim().lines().zip(numbers);
    let lines: Vec<String> = lines.map(|(line, number)| format!("\n{line}{number}")).collect();
    load(&mut world, &[REGISTER, &lines.concat()].concat());
    world.apply();
    assert_eq!(decided(&world), (String::new(), "A:4-A:5".to_owned()));
}

#[test]
fn a_father_and_a_son_of_one_name_are_not_one_because_their_birth_dates_are_alike() {
    let mut world = World::new("twins", &[("0001_people.toml", PEOPLE)]);
    let hale = "\nA:4|Emil|Hale|1950-02-14|Bergstr.|7|51065|0221 999000|111-22-3344
A:5|Emil|Hale|1980-02-14|Bergstr.|7|51065|0221 999000|998-87-7665";
    load(&mut world, &[REGISTER, hale].concat());
    world.apply();
    assert_eq!(decided(&world), (String::new(), "A:4-A:5".to_owned()));
}

const RIVALS: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
by = { key = "key" }

[merge.cluster]
one_per = "= doc.system"
"#;

/// Which records are together, after an increment; and what a fresh merge of the same says.
fn rivals(first: &[(&str, &str, &str)], later: &[(&str, &str, &str)]) -> [String; 2] {
    let line = |(id, key, system): &(&str, &str, &str)| {
        json!({ "id": id, "key": key, "system": system }).to_string()
    };
    let together = "SELECT coalesce(group_concat(ids,' '),'') FROM (
       SELECT group_concat(member_id,'+') AS ids FROM (SELECT * FROM audit_cross_reference ORDER BY member_id)
       GROUP BY golden ORDER BY ids)";
    let mut world = World::new("rivals", &[("0001_people.toml", RIVALS)]);
    world.load("register", &first.iter().map(line).collect::<Vec<_>>());
    world.apply();
    world.load("register", &later.iter().map(line).collect::<Vec<_>>());
    world.apply();
    world.is_sound();
    let increment = world.asked(together);
    let lines: Vec<String> = world.rows("register").into_iter().map(|row| row.data).collect();
    let mut fresh = World::new("rivals", &[("0001_people.toml", RIVALS)]);
    fresh.load("register", &lines);
    fresh.apply();
    [increment, fresh.asked(together)]
}

#[test]
fn rivals_for_a_record_keep_it_from_each_other_whenever_they_come() {
    let waiting = [("b", "x", "B"), ("c", "x", "C"), ("d", "x", "C")];
    // What concerns none of them changes nothing.
    assert_eq!(rivals(&waiting, &[("e", "y", "E")]), ["b c d e"; 2]);
    // One becomes a rival by a correction.
    let corrected = [("b", "x", "B"), ("c", "x", "C"), ("d", "x", "D")];
    assert_eq!(rivals(&corrected, &[]), ["b+c+d"; 2]);
    let both_wait = [("b", "x", "C"), ("c", "x", "A"), ("d", "x", "C")];
    assert_eq!(rivals(&both_wait, &[("b", "x", "A")]), ["b c d"; 2]);
}

#[test]
fn a_rival_that_goes_away_leaves_the_record_to_the_other() {
    let waiting = [("b", "x", "B"), ("c", "x", "C"), ("d", "x", "C")];
    assert_eq!(rivals(&waiting, &[("d", "y", "C")]), ["b+c d"; 2]);
}

/// Lines of (id, key, system); no key deletes.
fn days() -> impl Strategy<Value = Vec<Vec<(u8, Option<u8>, u8)>>> {
    let line = (0..7u8, prop::option::weighted(0.85, 0..2u8), 0..3u8);
    prop::collection::vec(prop::collection::vec(line, 1..4), 1..6)
}

/// The members of each golden record, and whether one has two of a system.
fn rivalries(world: &World) -> (String, i64) {
    let together = "SELECT coalesce(group_concat(ids,' '),'') FROM (
       SELECT group_concat(member_id,'+') AS ids FROM (SELECT * FROM audit_cross_reference ORDER BY member_id)
       GROUP BY golden ORDER BY ids)";
    let two = "SELECT count(*) FROM audit_cross_reference a JOIN audit_cross_reference b ON a.golden=b.golden AND a.member<b.member
       JOIN register r ON r.record=a.member JOIN register s ON s.record=b.member AND r.data->>'system'=s.data->>'system'";
    (world.asked(together), world.asked(two))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, rng_seed: RngSeed::Fixed(2026), ..ProptestConfig::default() })]

    #[test]
    fn rivals_are_never_one_and_relearning_comes_to_what_a_fresh_merge_does(days in days()) {
        let mut world = World::new("rivals", &[("0001_people.toml", RIVALS)]);
        for lines in &days {
            for (id, key, system) in lines {
                let id = format!("r{id}");
                match key {
                    Some(key) => {
                        let data = json!({ "id": id, "key": format!("k{key}"), "system": format!("s{system}") });
                        world.put("register", &id, &data.to_string());
                    }
                    None if world.store.get("register", &id).is_ok_and(|row| row.is_some()) => world.delete("register", &id),
                    None => {}
                }
            }
            if world.store.databases().expect("a store").is_empty() {
                continue;
            }
            world.apply();
            prop_assert_eq!(rivalries(&world).1, 0);
        }
        if world.store.databases().expect("a store").is_empty() {
            return Ok(());
        }
        world.apply_with(&ApplyOptions::default().relearn(true));
        world.is_sound();
        let lines: Vec<String> = world.rows("register").into_iter().map(|row| row.data).collect();
        let mut fresh = World::new("rivals", &[("0001_people.toml", RIVALS)]);
        fresh.load("register", &lines);
        fresh.apply();
        prop_assert_eq!(rivalries(&world), rivalries(&fresh));
    }
}
