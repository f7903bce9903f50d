//! People as registers have them: households that share a surname and an address, several registrations of one person, and
//! slips of the keyboard in each; and the stage that merges them. The same for the same seed.

use counterfoil::Result;
use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Observer;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::stage::Stages;
use counterfoil::store::Store;

use super::random::Random;
use super::scenario::REDACTED;

/// The project's name.
pub(crate) const PROJECT: &str = "people";

/// The stage with the model that is learned. `ids` says whom a golden record is made of.
pub(crate) const STAGE: &str = r#"
[stage]
source = "register"
target = "people"
redact = ["ssn", "note"]

[merge]
identity = { given = "name.first", birth = "dob", ssn = "ssn" }
shared = { surname = "name.last", street = "address.street", city = "address.city", zip = "address.zip", phone = "phone" }

[merge.survive]
"ids" = "union"
"allergies" = "union"
"#;

/// The stage's file.
pub(crate) const FILES: [(&str, &str); 1] = [("0001_people.toml", STAGE)];

const GIVEN: [&str; 40] = [
    "Anna", "Robert", "Maria", "James", "Edith", "Oliver", "Susan", "Peter", "Clara", "Henry", "Ruth",
    "Walter", "Irene", "Thomas", "Judith", "Victor", "Nora", "Samuel", "Paula", "Gregor", "Beatrice",
    "Edward", "Helena", "Frank", "Martha", "Louis", "Agnes", "Daniel", "Sophia", "Conrad", "Vera", "Hugo",
    "Miriam", "Oscar", "Theresa", "Philip", "Ingrid", "Leonard", "Yvonne", "Stanley",
];
const SURNAME_BEGINNINGS: [&str; 16] = [
    "Ash", "Brad", "Carl", "Dun", "Ells", "Ford", "Grim", "Hart", "Kirk", "Lang", "Mor", "North", "Pem",
    "Rad", "Stan", "Wit",
];
const SURNAME_ENDINGS: [&str; 8] = ["worth", "ley", "ton", "field", "man", "shaw", "ridge", "by"];
const STREETS: [&str; 24] = [
    "Mill",
    "Church",
    "Station",
    "Park",
    "Victoria",
    "Green",
    "Manor",
    "Kings",
    "Queens",
    "New",
    "School",
    "Bridge",
    "North",
    "Grange",
    "Albert",
    "Chapel",
    "Windsor",
    "Springfield",
    "Orchard",
    "Highfield",
    "Meadow",
    "Castle",
    "Abbey",
    "Cedar",
];
const STREET_KINDS: [&str; 4] = ["Road", "Street", "Lane", "Avenue"];
const CITIES: [(&str, u32); 10] = [
    ("Aldbury", 2100),
    ("Bramford", 2300),
    ("Coleby", 2500),
    ("Dunmere", 2700),
    ("Eastwick", 2900),
    ("Farley", 3100),
    ("Glenmore", 3300),
    ("Holbrook", 3500),
    ("Ironbridge", 3700),
    ("Kelham", 3900),
];
const ALLERGIES: [&str; 5] = ["penicillin", "latex", "nuts", "iodine", "pollen"];

#[derive(Clone, Debug)]
struct Home {
    street: String,
    city: &'static str,
    zip: u32,
    phone: String,
}

#[derive(Clone, Debug)]
struct Person {
    given: &'static str,
    surname: String,
    birth: (u32, u32, u32),
    ssn: String,
    home: Home,
}

/// What a register says about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Of the record. Begins with the person, so that a test knows the truth.
    pub(crate) id: String,
    /// The person, by its position in the town.
    person: usize,
    /// The line that is loaded.
    pub(crate) line: String,
}

/// Returns the person that a record is about.
pub(crate) fn person_of(id: &str) -> &str {
    id.split_once('.').map_or(id, |(person, _)| person)
}

/// Everybody who may be registered.
pub(crate) struct Town {
    people: Vec<Person>,
    /// How often each is registered already.
    registered: Vec<usize>,
    pub(crate) chance: Random,
}

impl Town {
    /// So many people, in households of one to five.
    pub(crate) fn new(seed: u64, size: usize) -> Self {
        let mut chance = Random::new(seed);
        let mut people = Vec::with_capacity(size);
        while people.len() < size {
            let home = home(&mut chance);
            let surname = surname(&mut chance);
            for _ in 0..=chance.below(5) {
                let person = Person {
                    given: pick(&mut chance, &GIVEN),
                    surname: surname.clone(),
                    birth: (
                        1930 + below(&mut chance, 85),
                        1 + below(&mut chance, 12),
                        1 + below(&mut chance, 28),
                    ),
                    ssn: (0..9).map(|_| digit(&mut chance)).collect(),
                    home: home.clone(),
                };
                people.push(person);
            }
        }
        people.truncate(size);
        Self {
            registered: vec![0; people.len()],
            people,
            chance,
        }
    }

    /// Registers everybody, many more than once, until there are so many records.
    pub(crate) fn registrations(&mut self, records: usize) -> Vec<Registration> {
        let mut registrations = Vec::with_capacity(records);
        for person in 0..self.people.len() {
            let copies = match self.chance.below(100) {
                0..50 => 1,
                50..80 => 2,
                80..95 => 3,
                _ => 4,
            };
            for _ in 0..copies {
                registrations.push(self.register(person));
            }
        }
        assert!(registrations.len() >= records, "{}", registrations.len());
        self.chance.shuffle(&mut registrations);
        registrations.truncate(records);
        registrations
    }

    /// Registers anybody once more.
    pub(crate) fn register_anybody(&mut self) -> Registration {
        let person = self.chance.below(self.people.len() as u64);
        self.register(usize::try_from(person).expect("a position"))
    }

    /// The same record, written anew: other slips, or none.
    pub(crate) fn corrected(&mut self, registration: &Registration) -> Registration {
        self.written(registration.id.clone(), registration.person)
    }

    fn register(&mut self, person: usize) -> Registration {
        let id = format!("p{person:04}.{}", self.registered[person]);
        self.registered[person] += 1;
        self.written(id, person)
    }

    fn written(&mut self, id: String, person: usize) -> Registration {
        let chance = &mut self.chance;
        let Person {
            given,
            surname,
            birth: (year, month, day),
            ssn,
            home: known,
        } = &self.people[person];
        let home = if chance.chance(5) {
            home(chance)
        } else {
            known.clone()
        };
        let mut given = slipped(chance, given, 8);
        let mut surname = slipped(chance, surname, 6);
        if chance.chance(2) {
            std::mem::swap(&mut given, &mut surname);
        }
        let (month, day) = match chance.chance(3) {
            true => (below(chance, 12) + 1, *day),
            false => (*month, *day),
        };
        let birth = match chance.chance(4) {
            true => String::new(),
            false => format!("{year:04}-{month:02}-{day:02}"),
        };
        let ssn = match chance.chance(25) {
            true => String::new(),
            false => slipped_digits(chance, ssn, 4),
        };
        let street = slipped(chance, &home.street, 6);
        let phone = if chance.chance(20) { "" } else { &home.phone };
        let allergies = match chance.chance(30) {
            true => format!("[\"{}\"]", pick(chance, &ALLERGIES)),
            false => "[]".to_owned(),
        };
        let (city, zip) = (home.city, home.zip);
        let line = format!(
            r#"{{"id":"{id}","ids":["{id}"],"name":{{"first":"{given}","last":"{surname}"}},"dob":"{birth}","ssn":"{ssn}","address":{{"street":"{street}","city":"{city}","zip":"{zip}"}},"phone":"{phone}","allergies":{allergies},"note":"{REDACTED}"}}"#
        );
        Registration { id, person, line }
    }
}

fn below(chance: &mut Random, bound: u32) -> u32 {
    u32::try_from(chance.below(u64::from(bound))).expect("below the bound")
}

fn pick<T: Copy>(chance: &mut Random, from: &[T]) -> T {
    *chance.pick(from).expect("something to choose from")
}

fn digit(chance: &mut Random) -> char {
    char::from_digit(below(chance, 10), 10).expect("a digit")
}

fn surname(chance: &mut Random) -> String {
    format!(
        "{}{}",
        pick(chance, &SURNAME_BEGINNINGS),
        pick(chance, &SURNAME_ENDINGS)
    )
}

fn home(chance: &mut Random) -> Home {
    let (city, zip) = pick(chance, &CITIES);
    let number = 1 + below(chance, 120);
    Home {
        street: format!(
            "{number} {} {}",
            pick(chance, &STREETS),
            pick(chance, &STREET_KINDS)
        ),
        city,
        zip: zip + below(chance, 20),
        phone: (0..8).map(|_| digit(chance)).collect(),
    }
}

/// A text with one slip of the keyboard, so often in a hundred: a letter doubled, left out, exchanged or wrong.
fn slipped(chance: &mut Random, text: &str, percent: u64) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if !chance.chance(percent) || letters.len() < 3 {
        return text.to_owned();
    }
    let at = 1 + below(chance, u32::try_from(letters.len() - 2).expect("a short text")) as usize;
    match chance.below(4) {
        0 => letters.insert(at, letters[at]),
        1 => drop(letters.remove(at)),
        2 => letters.swap(at, at + 1),
        _ => letters[at] = pick(chance, &['a', 'e', 'n', 'r', 's', 't']),
    }
    letters.into_iter().collect()
}

fn slipped_digits(chance: &mut Random, text: &str, percent: u64) -> String {
    let mut digits: Vec<char> = text.chars().collect();
    if chance.chance(percent) {
        let at = below(chance, u32::try_from(digits.len()).expect("a short text")) as usize;
        digits[at] = digit(chance);
    }
    digits.into_iter().collect()
}

/// A register of a hundred and twenty people that faults strike, and how it changes.
pub(crate) struct Scenario {
    first: Vec<Registration>,
    /// New registrations and corrected ones.
    later: Vec<Registration>,
    /// Ids of records that are deleted.
    deleted: Vec<String>,
}

impl Scenario {
    /// The one of the children.
    pub(crate) fn new() -> Self {
        let mut town = Town::new(13, 75);
        let first = town.registrations(120);
        let mut later: Vec<Registration> = (0..12).map(|_| town.register_anybody()).collect();
        later.extend(first[..10].iter().map(|before| town.corrected(before)));
        Self {
            deleted: first[10..16].iter().map(|before| before.id.clone()).collect(),
            first,
            later,
        }
    }

    /// Loads the register.
    pub(crate) fn load(&self, store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
        loaded(store, "register.ndjson", &self.first, observer)
    }

    /// Loads new and corrected registrations.
    pub(crate) fn load_later(&self, store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
        loaded(store, "later.ndjson", &self.later, observer)
    }

    /// Deletes records.
    pub(crate) fn delete(&self, store: &mut Store) -> Result<()> {
        let delete = |id: &String| Edit::Delete { id: id.clone() };
        let edits: Vec<Edit> = self.deleted.iter().map(delete).collect();
        edit(store, "register", &edits, &RunInfo::new("edit")).map(drop)
    }

    /// Deletes one record by hand, and makes one what another one is.
    pub(crate) fn touch(&self, store: &mut Store) -> Result<()> {
        let [changed, model, deleted] = [20, 21, 22].map(|at| &self.first[at]);
        let edits = [
            Edit::Put {
                id: changed.id.clone(),
                data: model.line.replace(&model.id, &changed.id),
            },
            Edit::Delete {
                id: deleted.id.clone(),
            },
        ];
        edit(store, "register", &edits, &RunInfo::new("edit")).map(drop)
    }
}

/// Loads registrations; they replace what is there.
fn loaded(
    store: &mut Store,
    name: &str,
    registrations: &[Registration],
    observer: &mut dyn Observer,
) -> Result<()> {
    let lines: Vec<&str> = registrations.iter().map(|one| one.line.as_str()).collect();
    let lines = lines.join("\n");
    let options = LoadOptions::default().replace(true);
    load(store, "register", name, lines.as_bytes(), &options, observer).map(drop)
}

/// The stages.
pub(crate) fn stages() -> Stages {
    super::world::stages(PROJECT, &FILES)
}

/// Applies the stage.
pub(crate) fn merge(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    apply(store, &stages(), &ApplyOptions::default(), observer).map(drop)
}

/// Applies the stage, by a model that it learns anew.
pub(crate) fn relearn(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    apply(store, &stages(), &ApplyOptions::default().relearn(true), observer).map(drop)
}

/// Rolls the stage back, every pass of it.
pub(crate) fn take_back(store: &mut Store, observer: &mut dyn Observer) -> Result<()> {
    let options = RollbackOptions::default().scope(RollbackScope::All);
    rollback(store, PROJECT, &options, observer).map(drop)
}
