//! Made-up people: families that share a surname and an address, and duplicates with errors.

use std::borrow::Cow;

use crate::matching::features::{hash, mixed};
use crate::matching::{Features, FeaturesBuilder, Field, Kind, MemberText, Role, Settings};

/// Given name, surname, birth date, social security number, street, number, town, postal code.
pub(super) type Person = [String; 8];

const GIVEN: [&str; 24] = [
    "anna", "bernd", "clara", "dieter", "emil", "frieda", "gustav", "hanna", "igor", "jonas", "karla",
    "leon", "mia", "nora", "otto", "paula", "quentin", "rosa", "simon", "tilda", "ulrich", "vera", "walter",
    "xenia",
];
const SYLLABLES: [&str; 16] = [
    "ber", "dan", "fel", "gor", "hol", "kam", "lin", "mar", "nor", "pel", "ros", "sam", "tor", "ulm", "wal",
    "zim",
];

pub(super) const JOHN: [&str; 8] = [
    "john",
    "smith",
    "19800315",
    "123456789",
    "main street",
    "12",
    "springfield",
    "12345",
];
pub(super) const JANE: [&str; 8] = [
    "jane",
    "smith",
    "19820701",
    "987654321",
    "main street",
    "12",
    "springfield",
    "12345",
];
pub(super) const MARY: [&str; 8] = [
    "mary",
    "jones",
    "19551124",
    "555443333",
    "oak avenue",
    "4",
    "riverside",
    "54321",
];

/// The settings that most tests use.
pub(super) fn settings() -> Settings {
    let fields = [
        ("given", Kind::Given, Role::Identity),
        ("surname", Kind::Surname, Role::Shared),
        ("birth", Kind::Birth, Role::Identity),
        ("ssn", Kind::Ssn, Role::Identity),
        ("street", Kind::Street, Role::Shared),
        ("house", Kind::House, Role::Shared),
        ("city", Kind::City, Role::Shared),
        ("zip", Kind::Zip, Role::Shared),
    ];
    Settings::new(
        fields
            .map(|(name, kind, role)| Field::new(name, kind, role))
            .into(),
    )
}

pub(super) fn person(cells: [&str; 8]) -> Person {
    cells.map(str::to_owned)
}

/// Returns the features of people, numbered as they come.
pub(super) fn features(people: &[Person], settings: &Settings) -> Features {
    numbered(people.iter().zip(1..), settings)
}

/// Returns the features of people with the numbers given; a person's tie depends on what it is and its number alone.
pub(super) fn numbered<'p>(people: impl Iterator<Item = (&'p Person, i64)>, settings: &Settings) -> Features {
    let mut builder = FeaturesBuilder::new(settings);
    for (person, number) in people {
        let values = person.each_ref().map(|text| Some(Cow::Borrowed(text.as_str())));
        builder
            .push(&MemberText {
                number,
                tie: mixed(hash(person.concat().as_bytes()) ^ number.unsigned_abs()),
                values: &values,
                computed: &[],
                owner: None,
            })
            .expect("within the limits");
    }
    builder.build()
}

/// Returns made-up people, of whom about every third has a duplicate.
pub(super) fn people(seed: u64, families: u64) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let mut state = seed;
    let mut draw = move |below: usize| {
        state = mixed(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        usize::try_from(state % below as u64).unwrap_or_default()
    };
    for _ in 0..families {
        let mut word = |syllables: usize| {
            (0..syllables)
                .map(|_| SYLLABLES[draw(SYLLABLES.len())])
                .collect::<String>()
        };
        let (surname, street, city) = (word(3), word(3), word(2));
        let (house, zip) = (draw(200).to_string(), (10_000 + draw(500)).to_string());
        for _ in 0..=draw(4) {
            let birth = format!("{}{:02}{:02}", 1930 + draw(80), 1 + draw(12), 1 + draw(28));
            let ssn = format!("{:09}", 100_000_000 + draw(800_000_000));
            let given = GIVEN[draw(GIVEN.len())];
            let person = person([given, &surname, &birth, &ssn, &street, &house, &city, &zip]);
            if draw(3) == 0 {
                let mut spoilt = person.clone();
                match draw(5) {
                    0 => spoilt.swap(0, 1),
                    1 => spoilt[3].clear(),
                    2 => drop(spoilt[1].pop()),
                    3 => spoilt[4] = "elsewhere".to_owned(),
                    _ => {}
                }
                people.push(spoilt);
            }
            people.push(person);
        }
    }
    people
}
