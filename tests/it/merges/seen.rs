//! What a merge has come to, as the views and the databases say it, and what holds whenever it is up to date.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use counterfoil::record::{Record, RecordNumber};
use counterfoil::store::{Store, StoreOptions};
use rusqlite::Connection;
use serde_json::Value as Json;

use crate::support::people::person_of;
use crate::support::scenario;
use crate::support::world::World;

/// The members of a golden record, by their ids.
pub(crate) type Ids = BTreeSet<String>;

/// A golden record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Golden {
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) members: Ids,
}

/// A register, and the golden records that it was merged to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Data by id.
    pub(crate) register: BTreeMap<String, String>,
    /// By number.
    pub(crate) people: BTreeMap<i64, Golden>,
}

impl Seen {
    /// Looks at a store in which the merge is up to date: every record is in exactly one golden record, and each golden
    /// record is made of those that the ledger says.
    #[track_caller]
    pub(crate) fn of(store: &Store, path: &Path) -> Self {
        let mut register = BTreeMap::new();
        for row in rows(store, "register") {
            register.insert(row.id, row.data);
        }
        let mut people = BTreeMap::new();
        for row in rows(store, "people") {
            let golden = Golden {
                id: row.id,
                data: row.data,
                members: Ids::new(),
            };
            people.insert(row.number.get(), golden);
        }
        let mut placed = Ids::new();
        for (member, number, id) in cross_reference(path) {
            let golden = people.get_mut(&number);
            let golden = golden.unwrap_or_else(|| panic!("{member} is in {number}, which is not there"));
            assert_eq!(golden.id, id, "{member}");
            assert!(register.contains_key(&member), "{member} is not there any more");
            assert!(placed.insert(member.clone()), "{member} is in two golden records");
            golden.members.insert(member);
        }
        let all: Ids = register.keys().cloned().collect();
        assert_eq!(placed, all, "every record is in a golden record");
        for golden in people.values() {
            let made_of: Json = serde_json::from_str(&golden.data).expect("a record");
            let made_of = made_of["ids"].as_array().expect("a list").iter();
            let made_of: Vec<&str> = made_of.map(|id| id.as_str().expect("an id")).collect();
            assert_eq!(made_of.len(), golden.members.len(), "{golden:?}");
            assert!(
                made_of.iter().all(|id| golden.members.contains(*id)),
                "{golden:?}"
            );
        }
        Self { register, people }
    }

    /// Looks at a world.
    #[track_caller]
    pub(crate) fn of_world(world: &World) -> Self {
        Self::of(&world.store, &world.path())
    }

    /// Looks at a store's file.
    #[track_caller]
    pub(crate) fn of_file(path: &Path) -> Self {
        let store = Store::open(path, StoreOptions::default(), scenario::environment(0));
        Self::of(&store.expect("a store opens"), path)
    }

    /// The golden records as (id, data).
    pub(crate) fn goldens(&self) -> BTreeSet<(String, String)> {
        let goldens = self.people.values();
        goldens
            .map(|golden| (golden.id.clone(), golden.data.clone()))
            .collect()
    }

    /// The clusters.
    pub(crate) fn clusters(&self) -> BTreeSet<Ids> {
        let goldens = self.people.values();
        goldens.map(|golden| golden.members.clone()).collect()
    }

    /// What the golden records say, by their members, in whatever order.
    pub(crate) fn data(&self) -> BTreeMap<Ids, String> {
        let goldens = self.people.values();
        goldens
            .map(|golden| {
                let data = serde_json::from_str(&golden.data).expect("a record");
                (golden.members.clone(), in_order(&data))
            })
            .collect()
    }

    /// The number of the golden record of each record.
    pub(crate) fn golden_of(&self) -> BTreeMap<&str, i64> {
        let goldens = self.people.iter();
        goldens
            .flat_map(|(number, golden)| golden.members.iter().map(|member| (member.as_str(), *number)))
            .collect()
    }

    /// The pairs that are one.
    pub(crate) fn pairs(&self) -> BTreeSet<(&str, &str)> {
        let clusters = self.people.values().map(|golden| &golden.members);
        let pairs = clusters.flat_map(|members| {
            let below = |b: &'_ String| members.range(..b.clone());
            members
                .iter()
                .flat_map(move |b| below(b).map(|a| (a.as_str(), b.as_str())))
        });
        pairs.collect()
    }

    /// The pairs that should be one.
    pub(crate) fn true_pairs(&self) -> BTreeSet<(&str, &str)> {
        let mut people: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for id in self.register.keys() {
            people.entry(person_of(id)).or_default().push(id);
        }
        let pairs = people.values().flat_map(|ids| {
            let pairs = ids.iter().enumerate();
            pairs.flat_map(|(at, b)| ids[..at].iter().map(|a| (*a, *b)))
        });
        pairs.collect()
    }
}

fn rows(store: &Store, database: &str) -> Vec<Record> {
    let rows = store.records_after(database, RecordNumber::BEFORE_FIRST, 1_000_000);
    rows.expect("a database")
}

/// The lines of the cross-reference: the member's id, and the golden record's number and id.
fn cross_reference(path: &Path) -> Vec<(String, i64, String)> {
    let connection = Connection::open(path).expect("a store opens");
    let sql = "SELECT member_id, golden, golden_id FROM audit_cross_reference ORDER BY member";
    let mut statement = connection.prepare(sql).expect("a view");
    let lines = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let lines = lines.expect("a view").collect::<Result<_, _>>();
    lines.expect("lines")
}

/// A document with the fields of its objects and the elements of its lists in order.
fn in_order(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let fields: BTreeMap<&str, String> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), in_order(value)))
                .collect();
            format!("{fields:?}")
        }
        Json::Array(elements) => {
            let mut elements: Vec<String> = elements.iter().map(in_order).collect();
            elements.sort();
            format!("{elements:?}")
        }
        other => other.to_string(),
    }
}

/// How well found pairs agree with those that should be found; sums over several registers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Agreement {
    both: u32,
    found: u32,
    wanted: u32,
}

impl Agreement {
    pub(crate) fn add(&mut self, found: &BTreeSet<(&str, &str)>, wanted: &BTreeSet<(&str, &str)>) {
        let count = |count: usize| u32::try_from(count).expect("a few pairs");
        self.both += count(found.intersection(wanted).count());
        self.found += count(found.len());
        self.wanted += count(wanted.len());
    }

    /// Precision and recall in one number.
    pub(crate) fn f1(self) -> f64 {
        2.0 * f64::from(self.both) / f64::from(self.found + self.wanted)
    }
}
