//! What stages make of their sources from scratch: maps and loops, and no idea of a ledger.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::record::{Record, RecordNumber};
use counterfoil::refusal::Refusal;
use counterfoil::stage::{OnConflict, Outcome, Output, Stage, Stages, Stale};
use counterfoil::store::Store;

pub(super) const PROJECT: &str = "random";

/// What was put into a database that stages write to: by database and number, the id and the data as they came.
pub(super) type Base = BTreeMap<(String, i64), (String, String)>;

/// What a stage makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Write(String, String),
    Derive(Vec<(String, String)>),
    Filter,
    Refuse,
}

/// What a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Copies under the record's key, which several records may have.
    Copy,
    /// Copies under the same id.
    Keep,
    /// Copies under the same id, and only roughly: corrections may change nothing.
    Round,
    /// Changes in place.
    Change,
    /// Changes in place, and refuses others than the other kinds do.
    Check,
    /// Gives ids in place, which several records may get.
    Rekey,
    /// Makes up to two parts, under ids that several records may give.
    Derive,
    /// Gives some records in place the id before theirs: where that record has moved on already, a chain of ids shifts.
    Shift,
    /// Makes up to three parts under ids of their own.
    Parts,
}

/// A stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    from: &'static str,
    to: &'static str,
    kind: Kind,
}

/// One to three stages.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    stages: Vec<Spec>,
    on_conflict: OnConflict,
    stale: Stale,
}

/// Which revision of the first stage is applied.
type Version = i64;

const fn spec(from: &'static str, to: &'static str, kind: Kind) -> Spec {
    Spec { from, to, kind }
}

pub(super) const LAYOUTS: &[&[Spec]] = &[
    &[spec("a", "b", Kind::Copy)],
    &[spec("a", "b", Kind::Copy), spec("d", "b", Kind::Copy)],
    &[spec("a", "b", Kind::Copy), spec("b", "b", Kind::Change)],
    &[spec("a", "b", Kind::Keep), spec("b", "b", Kind::Rekey)],
    &[spec("a", "b", Kind::Derive)],
    &[spec("a", "b", Kind::Copy), spec("b", "c", Kind::Keep)],
    &[spec("a", "a", Kind::Change)],
    &[spec("a", "a", Kind::Rekey)],
    &[spec("a", "b", Kind::Copy), spec("a", "b", Kind::Derive)],
    &[
        spec("a", "b", Kind::Copy),
        spec("b", "b", Kind::Change),
        spec("b", "c", Kind::Derive),
    ],
    &[
        spec("a", "b", Kind::Derive),
        spec("d", "b", Kind::Copy),
        spec("b", "c", Kind::Keep),
    ],
    &[
        spec("a", "b", Kind::Copy),
        spec("b", "b", Kind::Change),
        spec("b", "b", Kind::Change),
    ],
    // Two stages from one source: their records have the same numbers.
    &[spec("a", "b", Kind::Copy), spec("a", "b", Kind::Keep)],
    &[spec("a", "b", Kind::Copy), spec("a", "b", Kind::Copy)],
    &[
        spec("a", "b", Kind::Copy),
        spec("b", "b", Kind::Change),
        spec("a", "b", Kind::Keep),
    ],
    &[spec("a", "b", Kind::Derive), spec("b", "b", Kind::Change)],
    // Each stage refuses others: what one lets in again, the stage in place has still to see before those that come after it.
    &[
        spec("a", "b", Kind::Copy),
        spec("b", "b", Kind::Change),
        spec("b", "b", Kind::Check),
    ],
    &[
        spec("a", "b", Kind::Keep),
        spec("b", "b", Kind::Check),
        spec("b", "c", Kind::Parts),
    ],
    // Old and new ids mix here, and the first stage is revised: what comes of it depends on what came when, so that
    // neither it nor its plans are compared. All else is checked.
    &[
        spec("a", "b", Kind::Keep),
        spec("d", "b", Kind::Keep),
        spec("b", "b", Kind::Shift),
        spec("b", "b", Kind::Change),
        spec("b", "c", Kind::Parts),
    ],
    &[spec("a", "b", Kind::Round)],
    &[spec("a", "b", Kind::Round), spec("b", "c", Kind::Parts)],
];

/// The first arrangement in which corrections may change nothing; so may they in those behind it.
pub(super) const ROUGH: usize = 19;

impl Layout {
    pub(super) fn new(at: usize, on_conflict: OnConflict, stale: Stale) -> Self {
        Self {
            stages: LAYOUTS[at].to_vec(),
            on_conflict,
            stale,
        }
    }

    pub(super) fn databases(&self) -> Vec<&'static str> {
        let names = self.stages.iter().flat_map(|spec| [spec.from, spec.to]);
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn targets(&self) -> BTreeSet<&'static str> {
        self.stages.iter().map(|spec| spec.to).collect()
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.stages.len()).expect("few stages")
    }

    /// Whether what comes of it is the same whatever came when.
    pub(super) fn is_compared(&self) -> bool {
        !self.may_be_revised()
    }

    pub(super) fn may_be_revised(&self) -> bool {
        self.stages.iter().any(|spec| spec.kind == Kind::Shift)
    }

    pub(super) fn pure_sources(&self) -> Vec<&'static str> {
        let names = self.databases().into_iter();
        names.filter(|name| self.is_pure_source(name)).collect()
    }

    /// Whether records are loaded there.
    pub(super) fn is_source(&self, database: &str) -> bool {
        matches!(database, "a" | "d")
    }

    /// Whether no stage writes there.
    pub(super) fn is_pure_source(&self, database: &str) -> bool {
        !self.targets().contains(database)
    }

    /// Whether a stage in place refuses a record, as it came or as it was changed by hand.
    pub(super) fn is_refused_in_place(
        &self,
        database: &str,
        (id, data): (&str, &str),
        fixed: Option<&(String, String)>,
    ) -> bool {
        let mut stages = (1..)
            .zip(&self.stages)
            .filter(|(_, spec)| (spec.from, spec.to) == (database, database));
        let refuses = |(number, spec): (u32, &Spec), (id, data): (&str, &str)| {
            make(spec.kind, (number, 0), id, data) == Made::Refuse
        };
        stages.any(|stage| {
            refuses(stage, (id, data)) || fixed.is_some_and(|(id, data)| refuses(stage, (id, data)))
        })
    }

    /// Whether what was put into a target by hand, and is no longer there, was replaced: it is gone for good.
    fn replaces(&self, target: &str) -> bool {
        let of_target = self.stages.iter().filter(|spec| spec.to == target);
        self.on_conflict == OnConflict::Replace && of_target.clone().all(|spec| spec.kind != Kind::Rekey)
    }

    /// How the ids begin that the stages give.
    pub(super) fn prefix(&self) -> &'static str {
        let has = |kind| self.stages.iter().any(|spec| spec.kind == kind);
        match (has(Kind::Rekey), has(Kind::Shift)) {
            (true, _) => "m",
            (_, true) => "k",
            _ => "x",
        }
    }

    /// The stages at the revision that stands, or at the next one.
    pub(super) fn revised(&self, revise: bool, store: &Store) -> Stages {
        let standing = "SELECT meaning FROM ledger_pass p JOIN ledger_stage s USING(stage) WHERE s.number=1 AND p.kind='apply'
           AND NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x USING(pass) WHERE u.reverses=p.pass AND x.step='end')
           ORDER BY p.pass DESC LIMIT 1";
        let ledger = rusqlite::Connection::open(store.path()).expect("a store");
        let standing: Option<String> = ledger.query_row(standing, [], |row| row.get(0)).ok();
        let newest: Version = ledger
            .query_row(
                "SELECT count(DISTINCT meaning_sha256) FROM ledger_stage WHERE number=1",
                [],
                |row| row.get(0),
            )
            .expect("a count");
        let is_standing = |version: &Version| {
            let stages = self.stages(*version);
            stages
                .get(1)
                .is_some_and(|stage| Some(stage.meaning()) == standing.as_deref())
        };
        let version = (0..newest).find(is_standing).unwrap_or(0);
        self.stages(if revise { newest } else { version })
    }

    /// The same as stages of the store; `version` is the revision of the first.
    pub(super) fn stages(&self, version: Version) -> Stages {
        let stage = |(number, spec): (u32, &Spec)| {
            let (spec, version) = (*spec, if number == 1 { version } else { 0 });
            let mut stage = Stage::new(number, &format!("stage_{number}")).source(spec.from);
            if spec.from != spec.to {
                stage = stage
                    .target(spec.to)
                    .on_conflict(self.on_conflict)
                    .stale(self.stale);
            }
            let stage = stage
                .transform(move |record, _| {
                    outcome(make(spec.kind, (number, version), &record.id, &record.data))
                })
                .version(u32::try_from(version).expect("few revisions") + 1);
            let keeps = matches!(spec.kind, Kind::Keep | Kind::Round | Kind::Change | Kind::Check);
            let stage = if keeps { stage.keeps_ids() } else { stage };
            stage.build().expect("the stages are right")
        };
        let stages = (1..).zip(&self.stages).map(stage).collect();
        Stages::new(PROJECT, stages).expect("the numbers differ")
    }
}

/// The data of a record: the key that it is copied under, a number that decides its fate, the stages it went through.
pub(super) fn data(id: &str, key: u8, n: i64, marks: &str) -> String {
    format!(r#"{{"id":"{id}","key":"x{key}","n":{n},"marks":"{marks}"}}"#)
}

fn parsed(data: &str) -> (String, i64, String) {
    let value: serde_json::Value = serde_json::from_str(data).expect("stored data is JSON");
    let text = |name: &str| value[name].as_str().expect("a text").to_owned();
    let n = value["n"].to_string().parse().expect("a whole number");
    (text("key"), n, text("marks"))
}

/// Whether a stage in place has made a row what it is.
pub(super) fn is_processed(data: &str) -> bool {
    parsed(data).2.contains('p')
}

/// What a stage makes of a record.
fn make(kind: Kind, (number, version): (u32, Version), id: &str, data: &str) -> Made {
    let (key, n, marks) = parsed(data);
    let at = key[1..].parse().expect("keys are a letter and a number");
    let write =
        |id: &str, mark: &str| Made::Write(id.to_owned(), self::data(id, at, n, &format!("{marks}{mark}")));
    let copy = number.to_string();
    let place = format!("{number}p");
    match kind {
        Kind::Copy | Kind::Keep | Kind::Round | Kind::Derive if (n + version) % 7 == 3 => Made::Refuse,
        Kind::Copy | Kind::Keep | Kind::Round if n % 7 == 5 => Made::Filter,
        Kind::Change | Kind::Rekey | Kind::Shift if n % 5 == 2 => Made::Refuse,
        Kind::Change | Kind::Rekey | Kind::Shift if n % 5 == 4 => Made::Filter,
        Kind::Check if n % 3 == 1 => Made::Refuse,
        Kind::Parts if n % 4 == 3 => Made::Refuse,
        Kind::Shift if n % 3 == 1 => write(&before(id), &place),
        Kind::Copy => write(&key, &copy),
        Kind::Keep => write(id, &copy),
        Kind::Round => Made::Write(id.to_owned(), self::data(id, 0, n % 2, &format!("{marks}{copy}"))),
        Kind::Change | Kind::Check | Kind::Shift => write(id, &place),
        Kind::Parts => {
            let part = |part: i64| {
                let data = self::data(id, at, n, &format!("{marks}{copy}.{part}"));
                (format!("{id}-{part}"), data)
            };
            Made::Derive((0..n % 4).map(part).collect())
        }
        Kind::Rekey => write(&format!("m{}", n % 4), &place),
        Kind::Derive => {
            let ids: BTreeSet<String> = [n % 4, n / 4 % 4].iter().map(|at| format!("x{at}")).collect();
            let part = |id: String| {
                let data = self::data(&id, at, n, &format!("{marks}{copy}"));
                (id, data)
            };
            Made::Derive(ids.into_iter().map(part).collect())
        }
    }
}

/// The id before another.
fn before(id: &str) -> String {
    let number: u32 = id[1..].parse().expect("ids are a letter and a number");
    format!("k{}", number.saturating_sub(1))
}

fn outcome(made: Made) -> Result<Outcome, Refusal> {
    let output = |(id, data)| Output { id, data };
    match made {
        Made::Write(id, data) => Ok(Outcome::Write(output((id, data)))),
        Made::Derive(parts) => Ok(Outcome::Derive(parts.into_iter().map(output).collect())),
        Made::Filter => Ok(Outcome::filter("left.out")),
        Made::Refuse => Err(Refusal::new("stage.refused", "/n")),
    }
}

/// The rows of a database, in the order of their numbers.
pub(super) fn rows(store: &Store, database: &str) -> Vec<Record> {
    store
        .records_after(database, RecordNumber::BEFORE_FIRST, 10_000)
        .unwrap_or_default()
}

/// What a target would be, given its sources as they are: the stages in their order, each over the records in the order of
/// their numbers. What was put there by hand stands there first.
pub(super) fn scratch(
    store: &Store,
    layout: &Layout,
    target: &str,
    (base, fixed): (&Base, &Base),
) -> BTreeMap<String, String> {
    let copies = |spec: &Spec| spec.from != spec.to;
    let is = rows(store, target);
    let in_place = layout
        .stages
        .iter()
        .any(|spec| spec.to == target && !copies(spec));
    let mut table: Vec<(i64, String, String)> = base
        .iter()
        .filter(|((database, _), _)| database == target)
        // What a record has taken the place of is gone for good.
        .filter(|(key, (id, data))| {
            let is_there = is.iter().any(|row| row.number == key.1);
            let is_refused = || layout.is_refused_in_place(target, (id, data), fixed.get(*key));
            is_there || (in_place && (!layout.replaces(target) || is_refused()))
        })
        .map(|((_, number), (id, data))| (*number, id.clone(), data.clone()))
        .collect();
    if !in_place {
        // Of what was put there by hand, nothing else has changed it but a hand.
        for (number, id, data) in &mut table {
            if let Some(row) = is.iter().find(|row| row.number == *number) {
                (*id, *data) = (row.id.clone(), row.data.clone());
            }
        }
    }
    // The ids of what a stage in place has refused: their places are kept.
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for (number, spec) in (1..).zip(&layout.stages).filter(|(_, spec)| spec.to == target) {
        if copies(spec) {
            for row in rows(store, spec.from) {
                let parts = match make(spec.kind, (number, 0), &row.id, &row.data) {
                    Made::Write(id, data) => vec![(id, data)],
                    Made::Derive(parts) => parts,
                    Made::Filter | Made::Refuse => continue,
                };
                let taken = |id: &str, table: &[(i64, String, String)]| {
                    kept.contains(id) || table.iter().any(|(_, other, _)| other == id)
                };
                if layout.on_conflict == OnConflict::Refuse && parts.iter().any(|(id, _)| taken(id, &table)) {
                    continue;
                }
                for (id, data) in parts {
                    match layout.on_conflict {
                        OnConflict::Skip if taken(&id, &table) => continue,
                        _ => table.retain(|(_, other, _)| *other != id),
                    }
                    table.push((row.number.get(), id, data));
                }
            }
        } else {
            let refused = |(_, id, data): &&(i64, String, String)| {
                make(spec.kind, (number, 0), id, data) == Made::Refuse
            };
            kept.extend(table.iter().filter(refused).map(|(_, id, _)| id.clone()));
            table = changed_in_place(spec.kind, number, table);
        }
    }
    table.into_iter().map(|(_, id, data)| (id, data)).collect()
}

/// All records at once: those that stay as they are keep their ids, the others get theirs in the order of their numbers.
fn changed_in_place(
    kind: Kind,
    number: u32,
    mut table: Vec<(i64, String, String)>,
) -> Vec<(i64, String, String)> {
    table.sort();
    let mut stay = Vec::new();
    let mut change = Vec::new();
    for (record, id, data) in table {
        match make(kind, (number, 0), &id, &data) {
            Made::Filter => stay.push((record, id, data)),
            Made::Write(id, data) => change.push((record, id, data)),
            Made::Refuse | Made::Derive(_) => {}
        }
    }
    for (record, id, data) in change {
        if !stay.iter().any(|(_, other, _)| *other == id) {
            stay.push((record, id, data));
        }
    }
    stay
}
