//! What went wrong in another system that links records to golden records, as promises of this one. Each test names the
//! issue of HAPI FHIR that it is about.

use counterfoil::Error;
use counterfoil::review::Decision;
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope};

use super::desk::{
    by_key, decided_by, decides, decision, is_whole, leaves, load, queue, refused, row, waiting, weighed,
};
use crate::merges::register::{PEOPLE, id_of, people, put, rows};
use crate::support::world::{Scene, World};

const VISITS: &str = r#"
[stage]
source = "visits_v1"
target = "visits"
max_errors = 100

[[op]]
op = "lookup"
path = "patient"
through = "people"
as = "golden"
"#;

/// Two people, and a record that shares the street with one and the telephone number with the other.
fn between_two() -> World {
    let mut world = weighed();
    load(&mut world, "a key=x street=s, b key=y tel=t, s street=s tel=t");
    world.apply();
    assert_eq!(people(&world), "4=a 5=b 6=s");
    assert_eq!(waiting(&world), "1+3 near, 2+3 near");
    world
}

/// HAPI FHIR 4156: a source was linked to two golden records after both of its possible matches had been accepted.
#[test]
fn a_record_whose_two_candidates_are_accepted_is_in_one_golden_record_with_both() {
    let mut at_once = between_two();
    let both = [(1, 3), (2, 3)].map(|(a, b)| decision(a, b, Decision::Accept));
    let report = decided_by(&mut at_once, &both);
    assert_eq!((report.refused.len(), report.decided[&Decision::Accept]), (0, 2));
    at_once.apply();
    let mut in_turn = between_two();
    for other in [1, 2] {
        decides(&mut in_turn, other, 3, Decision::Accept);
        in_turn.apply();
        is_whole(&in_turn);
    }
    for world in [at_once, in_turn] {
        is_whole(&world);
        assert_eq!(
            (people(&world), waiting(&world)),
            ("4=a,b,s".to_owned(), String::new())
        );
        assert_eq!(rows(&world, "people"), "4=a,b,s");
    }
}

/// HAPI FHIR 4156, of two candidates that somebody has decided to be two: the second link is refused, and names who did.
#[test]
fn a_record_is_not_accepted_for_two_that_are_decided_to_be_two() {
    let mut world = between_two();
    let rejected = decides(&mut world, 1, 2, Decision::Reject);
    let accepted = decides(&mut world, 1, 3, Decision::Accept);
    for is_applied in [false, true] {
        let said = refused(&mut world, &[decision(2, 3, Decision::Accept)]);
        let actor: String = world.asked(&format!("SELECT actor FROM ledger_run WHERE run={rejected}"));
        assert!(said.contains("would make 1+2 one"), "{said}");
        assert!(
            said.contains(&format!("1+2 was decided by {actor} in run {rejected}")),
            "{said}"
        );
        assert!(
            said.contains(&format!("1+3 was decided by {actor} in run {accepted}")),
            "{said}"
        );
        if !is_applied {
            world.apply();
        }
    }
    is_whole(&world);
    assert_eq!(people(&world), "4=a,s 5=b");
    assert!(
        queue(&world).is_empty(),
        "what would contradict a decision is not asked"
    );
}

/// HAPI FHIR 4287: two golden records were merged, and a link of a possible duplicate between them was left.
#[test]
fn of_two_golden_records_that_become_one_nothing_is_left_of_the_other() {
    let files = [
        ("0001_people.toml", super::desk::WEIGHED),
        ("0002_visits.toml", VISITS),
    ];
    let mut world = World::new("review", &files);
    load(
        &mut world,
        "a1 key=x street=s, a2 key=x tel=t, b1 key=y street=s, b2 key=y tel=t",
    );
    let visits = ["a1", "a2", "b1", "b2"].map(|id| format!(r#"{{"id":"v-{id}","patient":"{id}"}}"#));
    world.load("visits_v1", &visits);
    world.apply();
    assert_eq!(people(&world), "9=a1,a2 10=b1,b2");
    let pairs = queue(&world);
    assert_eq!(
        pairs.len(),
        1,
        "one question about the two, not one for each pair: {pairs:?}"
    );
    let (a, b) = (pairs[0].a.record.get(), pairs[0].b.record.get());
    let [survivor, absorbed] = [9, 10].map(|number| id_of(&world, number));
    decides(&mut world, a, b, Decision::Accept);
    world.apply();
    is_whole(&world);
    assert_eq!(people(&world), "9=a1,a2,b1,b2");
    assert_eq!(waiting(&world), "", "nothing is left to ask about the two");
    assert_eq!(world.data("people", &absorbed), None, "its row is gone");
    let of_visits: Vec<String> = world.rows("visits").into_iter().map(|row| row.data).collect();
    assert_eq!(of_visits.len(), 4);
    for visit in of_visits {
        assert!(visit.contains(&survivor), "{visit} does not point to {survivor}");
    }
    assert!(world.quarantine().is_empty());
}

/// HAPI FHIR 5242: golden records that others had absorbed were orphaned when everything was cleared.
#[test]
fn clearing_leaves_no_golden_record_that_another_one_absorbed() {
    let scene = Scene::named("review", &[("0001_people.toml", super::desk::WEIGHED)]);
    let lines = ["a key=x street=s", "b key=y street=s", "c key=z"].map(super::desk::line);
    scene.load("register", &lines, &[]);
    scene.exits(&["apply"], 0);
    scene.exits(&["review", "accept", "1+2", "--reason", "moved"], 0);
    scene.exits(&["apply"], 0);
    // A third one joins by its key, and leaves again.
    scene.load("register", &["d key=z"].map(super::desk::line), &["--replace"]);
    scene.exits(&["apply"], 0);
    scene.exits(&["unmerge", "register", "d", "--reason", "two patients"], 0);
    scene.exits_sound(
        &["unmerge", "people", "--all", "--yes", "--reason", "wrong file"],
        0,
    );
    let left = |sql: &str| -> i64 {
        let connection = rusqlite::Connection::open(scene.store()).expect("a store");
        connection.query_row(sql, [], |row| row.get(0)).expect(sql)
    };
    for of in [
        "audit_row WHERE database='people'",
        "audit_cross_reference",
        "audit_review",
        "audit_quarantine",
    ] {
        assert_eq!(left(&format!("SELECT count(*) FROM {of}")), 0, "{of}");
    }
    assert_eq!(
        left("SELECT count(*) FROM audit_row WHERE database='register'"),
        4
    );
    // The decisions stand: 1 and 2 are one again, and d stays alone.
    scene.exits_sound(&["apply"], 0);
    assert_eq!(left("SELECT count(*) FROM audit_row WHERE database='people'"), 3);
    scene.exits_sound(&["rollback", "--all", "--yes", "--reason", "all"], 0);
    assert_eq!(left("SELECT count(*) FROM audit_row WHERE database='people'"), 0);
}

/// Golden records of two members, of one, of members that were refused, and one that was changed by hand.
fn of_all_kinds() -> (World, String) {
    let mut world = World::new("review", &[("0001_people.toml", PEOPLE)]);
    load(&mut world, "a key=x, b key=x, c key=y, d key=z, e key=z");
    world.apply();
    // Three are too many for one golden record: these wait in quarantine, and their earlier one stays.
    load(&mut world, "f key=z, g key=w");
    world.apply();
    assert_eq!(rows(&world, "people"), "6=a,b 7=c 8=d,e 11=g");
    let edited = id_of(&world, 6);
    put(
        &mut world,
        "people",
        &edited,
        r#"{"id":"a","key":"x","ids":["by","hand"]}"#,
    );
    (world, edited)
}

/// HAPI FHIR 4766: clearing left golden records behind.
#[test]
fn clearing_leaves_what_a_person_has_changed_and_names_it_and_nothing_else() {
    let (mut world, edited) = of_all_kinds();
    let options = RollbackOptions::default().scope(RollbackScope::Stage(1));
    let before = world.rows("people");
    let error = world.try_roll_back(&options).expect_err("a conflict");
    let Error::RollbackConflict { first, count, .. } = &error else {
        panic!("{error}")
    };
    let named = (first.database.as_str(), first.id.as_deref(), *count);
    assert_eq!(named, ("people", Some(edited.as_str()), 1));
    assert_eq!(world.rows("people"), before, "nothing is cleared then");
    let skipping = options.clone().on_conflict(ConflictPolicy::Skip);
    let report = world.try_roll_back(&skipping).expect("a rollback");
    assert_eq!(rows(&world, "people"), "6=by,hand");
    let named: Vec<(&str, Option<&str>)> = report
        .left
        .iter()
        .map(|left| (left.database.as_str(), left.id.as_deref()))
        .collect();
    assert_eq!(named, [("people", Some(edited.as_str()))]);
    assert_eq!(crate::merges::register::refused(&world), "");
    world.is_sound();

    let (mut world, _) = of_all_kinds();
    let forced = options.on_conflict(ConflictPolicy::Force);
    world.try_roll_back(&forced).expect("a rollback");
    assert_eq!(world.rows("people"), []);
    for view in ["audit_cross_reference", "audit_review"] {
        assert_eq!(
            world.asked::<i64>(&format!("SELECT count(*) FROM {view}")),
            0,
            "{view}"
        );
    }
    assert_eq!(crate::merges::register::refused(&world), "");
    world.is_sound();
}

/// A number that only one person has: two of them in one golden record are a contradiction.
fn with_unique_number() -> String {
    let unique = "[[merge.field]]\nname = \"mrn\"\nvalue = \"mrn\"\nkind = \"code\"\nrole = \"unique\"\n";
    let weight = "[[merge.weight]]\nof = \"mrn\"\nbits = [30, -1]\n[[merge.block]]\nkey = [\"= mrn\"]\n";
    super::desk::WEIGHED.replace("[merge.survive]", &format!("{unique}{weight}\n[merge.survive]"))
}

/// HAPI FHIR 8317: a record with two identifiers led to two golden records.
#[test]
fn a_record_that_fits_two_numbers_is_in_one_golden_record_and_a_person_is_asked() {
    let stage = with_unique_number();
    let mut orders = Vec::new();
    for lines in [
        "a mrn=1 key=x, b mrn=2 key=x, c key=x",
        "c key=x, a mrn=1 key=x, b mrn=2 key=x",
    ] {
        let mut world = World::new("review", &[("0001_people.toml", &stage)]);
        load(&mut world, lines);
        world.apply();
        is_whole(&world);
        let asked = queue(&world);
        assert!(!asked.is_empty(), "{lines}: nobody is asked");
        assert!(
            asked
                .iter()
                .all(|pair| pair.band == "conflict" || pair.band == "chain"),
            "{asked:?}"
        );
        let golden_of = |id: &str| {
            let sql = format!("SELECT golden FROM audit_cross_reference WHERE member_id='{id}'");
            world.asked::<i64>(&sql)
        };
        assert_ne!(
            golden_of("a"),
            golden_of("b"),
            "two numbers are two people until somebody says otherwise"
        );
        let with = ["a", "b"].map(|id| golden_of("c") == golden_of(id));
        orders.push(with);
        // The same one after the other.
        let mut later = World::new("review", &[("0001_people.toml", &stage)]);
        for line in lines.split(", ") {
            load(&mut later, line);
            later.apply();
            is_whole(&later);
        }
        assert!(!queue(&later).is_empty());
    }
    assert_eq!(orders[0], orders[1], "whoever was loaded first");
}

/// HAPI FHIR 8317, of a record that has both identifiers itself: a set that overlaps with those of two others.
#[test]
fn a_record_with_two_identifiers_of_two_people_is_in_one_golden_record() {
    for (shared, asked) in [(16, true), (30, true), (14, true)] {
        let set = format!(
            "[[merge.field]]\nname = \"numbers\"\nvalue = \"= doc.numbers\"\nkind = \"code\"\ncompare = \"set\"\nlevels = [1, 0.4]\n\
             [[merge.weight]]\nof = \"numbers\"\nbits = [30, {shared}, -30]\n[[merge.block]]\nkey = [\"= town\"]\n\
             [[merge.field]]\nname = \"town\"\nvalue = \"town\"\nkind = \"code\"\n[[merge.weight]]\nof = \"town\"\nbits = [1, -1]\n"
        );
        let stage = super::desk::WEIGHED.replace("[merge.survive]", &format!("{set}\n[merge.survive]"));
        let mut world = World::new("review", &[("0001_people.toml", &stage)]);
        let line = |id: &str, numbers: &str| {
            format!(r#"{{"id":"{id}","ids":["{id}"],"town":"t","numbers":[{numbers}]}}"#)
        };
        world.load(
            "register",
            &[line("a", r#""1""#), line("b", r#""2""#), line("c", r#""1","2""#)],
        );
        world.apply();
        is_whole(&world);
        let found = (people(&world), waiting(&world));
        assert_eq!(!found.1.is_empty(), asked, "{shared}: {found:?}");
        // A person says whose numbers they are: all three are one.
        for other in [1, 2] {
            decides(&mut world, other, 3, Decision::Accept);
        }
        world.apply();
        is_whole(&world);
        assert_eq!(
            (people(&world), waiting(&world)),
            ("4=a,b,c".to_owned(), String::new())
        );
    }
}

/// What leaves a golden record that had absorbed another one does not bring that one back beside its own.
#[test]
fn who_leaves_after_a_merge_of_two_golden_records_is_in_one() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y, d key=y");
    world.apply();
    decides(&mut world, 1, 3, Decision::Accept);
    world.apply();
    assert_eq!(people(&world), "5=a,b,c,d");
    let whole = row(&world, "people", 5);
    leaves(&mut world, "c");
    is_whole(&world);
    // Only the pair that is no longer accepted had brought d to a and b.
    assert_eq!(people(&world), "5=a,b 7=c 8=d");
    for (one, other) in [(1, 3), (2, 3), (3, 4)] {
        decides(&mut world, one, other, Decision::Accept);
    }
    world.apply();
    is_whole(&world);
    assert_eq!(row(&world, "people", 5), whole);
}
