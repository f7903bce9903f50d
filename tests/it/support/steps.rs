//! The auditor's view of steps, `audit_step`, held to the commitments: what it shows is proved by them, and what it does
//! not show cannot be had from the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use counterfoil::digest::{Hash, Salt, commitment, sha256};
use rusqlite::{Connection, OpenFlags, Row};

/// How many texts were shown, and how many the store has no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) originals: usize,
    pub(crate) transformed: usize,
    pub(crate) patched: usize,
    pub(crate) gone: usize,
}

impl std::ops::Add for Shown {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            originals: self.originals + other.originals,
            transformed: self.transformed + other.transformed,
            patched: self.patched + other.patched,
            gone: self.gone + other.gone,
        }
    }
}

/// One line of the view, with what the ledger has of it.
struct Line {
    key: (i64, i64, i64),
    kind: String,
    copies: bool,
    in_place: bool,
    source: Option<String>,
    database: Option<String>,
    row: i64,
    hashes: [Option<Hash>; 3],
    image: Option<(i64, Vec<u8>)>,
    original: Option<Vec<u8>>,
    transformed: Option<Vec<u8>>,
}

impl Line {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let bytes = |at: usize| {
            let value = row.get_ref(at)?;
            Ok::<_, rusqlite::Error>(
                value
                    .as_bytes_or_null()
                    .expect("text, bytes or none")
                    .map(<[u8]>::to_vec),
            )
        };
        let kind: Option<i64> = row.get(13)?;
        Ok(Self {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            kind: row.get(3)?,
            copies: row.get(4)?,
            in_place: row.get(5)?,
            source: row.get(6)?,
            database: row.get(7)?,
            row: row.get(8)?,
            hashes: [row.get(9)?, row.get(10)?, row.get(11)?],
            image: kind.zip(bytes(12)?),
            original: bytes(14)?,
            transformed: bytes(15)?,
        })
    }

    /// The row that an image is of, whole.
    fn whole(&self) -> Option<(&str, &str)> {
        let (kind, body) = self.image.as_ref()?;
        let at = body.iter().position(|byte| *byte == 0)?;
        let texts = [&body[..at], &body[at + 1..]].map(|bytes| std::str::from_utf8(bytes).expect("a text"));
        (*kind == 1 || (*kind == 4 && self.kind != "load")).then_some((texts[0], texts[1]))
    }
}

const LINES: &str = "SELECT a.batch, a.record, a.part, a.kind,
   coalesce(p.stage IS NOT NULL AND p.source<>p.target,0), coalesce(p.stage IS NOT NULL AND p.source=p.target,0),
   p.source, p.target, coalesce(e.target,e.record), e.input, e.before, e.after, i.body, i.kind, a.original, a.transformed
 FROM audit_step a JOIN ledger_entry e USING(batch, record, part) JOIN ledger_batch b USING(batch) JOIN ledger_pass p ON p.pass=b.pass
 LEFT JOIN ledger_image i USING(batch, record, part) ORDER BY 1, 2, 3";

/// Where a row stands: its database and its number.
type Place = (String, i64);

/// The changes of rows, as the ledger has them.
struct Ledger {
    salts: BTreeMap<i64, Salt>,
    ids: BTreeMap<i64, BTreeSet<String>>,
    /// Commitments whose text stands in the store as it is.
    whole: BTreeSet<(Place, Hash)>,
    /// What a patch leads from, and where to.
    patches: BTreeMap<(Place, Hash), BTreeSet<Hash>>,
    /// What rows were before they were taken out, and by which batch.
    taken: BTreeMap<Place, Vec<(i64, Hash)>>,
}

impl Ledger {
    fn of(connection: &Connection, lines: &[Line]) -> Self {
        let mut ledger = Self {
            salts: BTreeMap::new(),
            ids: BTreeMap::new(),
            whole: BTreeSet::new(),
            patches: BTreeMap::new(),
            taken: BTreeMap::new(),
        };
        let sql = "SELECT record, salt, coalesce(id,'') FROM ledger_record";
        let mut statement = connection.prepare(sql).expect("a ledger");
        let mut rows = statement.query([]).expect("records");
        while let Some(row) = rows.next().expect("a record") {
            let number: i64 = row.get(0).expect("a number");
            ledger.salts.insert(number, row.get(1).expect("a salt"));
            ledger
                .ids
                .entry(number)
                .or_default()
                .insert(row.get(2).expect("an id"));
        }
        for line in lines {
            if let Some((id, _)) = line.whole() {
                for number in [line.row, line.key.1] {
                    ledger.ids.entry(number).or_default().insert(id.to_owned());
                }
            }
        }
        let mut statement = connection
            .prepare("SELECT database, record, id, data FROM audit_row")
            .expect("a view");
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let place: Place = (row.get(0).expect("a name"), row.get(1).expect("a number"));
            let (id, data): (String, String) = (row.get(2).expect("an id"), row.get(3).expect("data"));
            let hash = commitment(&ledger.salts[&place.1], &id, &data);
            ledger.ids.entry(place.1).or_default().insert(id);
            ledger.whole.insert((place, hash));
        }
        for line in lines {
            let (Some(database), [_, before, after]) = (&line.database, line.hashes) else {
                continue;
            };
            let place = (database.clone(), line.row);
            let Some(before) = before.filter(|_| before != after) else {
                continue;
            };
            match (&line.image, after) {
                _ if line.whole().is_some() => {
                    ledger.whole.insert((place.clone(), before));
                }
                (Some((2, _)), Some(after)) => {
                    ledger
                        .patches
                        .entry((place.clone(), before))
                        .or_default()
                        .insert(after);
                }
                _ => {}
            }
            if after.is_none() {
                ledger.taken.entry(place).or_default().push((line.key.0, before));
            }
        }
        ledger
    }

    /// Whether a text is what its commitment says, under one of the ids that its number ever had.
    fn proves(&self, number: i64, text: &[u8], hash: Hash) -> bool {
        let text = std::str::from_utf8(text).expect("a text");
        let mut ids = self.ids[&number].iter();
        ids.any(|id| commitment(&self.salts[&number], id, text) == hash)
    }

    /// Whether patches lead from a text that the store has to that of a commitment.
    fn has(&self, place: &Place, hash: Hash) -> bool {
        let (mut seen, mut next) = (BTreeSet::from([hash]), vec![hash]);
        while let Some(hash) = next.pop() {
            let at = (place.clone(), hash);
            if self.whole.contains(&at) {
                return true;
            }
            let onwards = self.patches.get(&at).into_iter().flatten();
            next.extend(onwards.filter(|hash| seen.insert(**hash)));
        }
        false
    }
}

/// Asserts it of every entry of a store, in a connection that knows nothing of ours.
pub(crate) fn assert_shown(store: &Path) -> Shown {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(store, flags).expect("a store");
    let mut statement = connection.prepare(LINES).expect("the view");
    let lines = statement.query_map([], Line::read).and_then(Iterator::collect);
    let lines: Vec<Line> = lines.expect("lines");
    let sql = "SELECT count(*) FROM ledger_entry";
    let entries: i64 = connection.query_row(sql, [], |row| row.get(0)).expect("a count");
    assert_eq!(
        lines.len(),
        usize::try_from(entries).expect("a count"),
        "one line per entry"
    );
    let ledger = Ledger::of(&connection, &lines);
    let mut shown = Shown::default();
    for line in &lines {
        let [input, before, after] = line.hashes;
        if line.kind == "load" && line.image.as_ref().is_some_and(|(kind, _)| *kind == 4) {
            let text = line.original.as_ref().expect("the line that was refused");
            assert_eq!(
                Some(sha256(&[&ledger.salts[&line.key.1], text])),
                input,
                "{:?}",
                line.key
            );
            continue;
        }
        let database = if line.copies { &line.source } else { &line.database };
        let number = if line.copies { line.key.1 } else { line.row };
        let place = (database.clone().unwrap_or_default(), number);
        let found = if line.copies { input } else { before };
        match (&line.original, found) {
            (Some(text), Some(hash)) => {
                assert!(ledger.proves(number, text, hash), "{:?}: original", line.key);
                shown.originals += 1;
                shown.patched += usize::from(!line.copies && matches!(line.image, Some((2, _))));
            }
            (None, Some(hash)) => {
                assert!(
                    !ledger.has(&place, hash),
                    "{:?}: the original can be had",
                    line.key
                );
                shown.gone += 1;
            }
            // What a stage in place has taken from quarantine, or set aside.
            (original, None) if line.in_place && after.is_some() => {
                let taken = ledger.taken.get(&place);
                let last = taken.and_then(|taken| taken.iter().rfind(|(batch, _)| *batch <= line.key.0));
                match (original, last) {
                    (Some(text), Some((_, hash))) => {
                        assert!(
                            ledger.proves(number, text, *hash),
                            "{:?}: what was taken",
                            line.key
                        );
                    }
                    (None, Some((_, hash))) => assert!(!ledger.has(&place, *hash), "{:?}", line.key),
                    (original, None) => assert_eq!(original, &None, "{:?}", line.key),
                }
            }
            // Whoever is refused, or comes back from quarantine, has an image of its own.
            (Some(text), None) => {
                let (_, data) = line.whole().expect("an image");
                assert_eq!(text, data.as_bytes(), "{:?}", line.key);
            }
            (None, None) => {}
        }
        let place = (line.database.clone().unwrap_or_default(), line.row);
        match (&line.transformed, after) {
            (Some(text), Some(hash)) => {
                assert!(ledger.proves(line.row, text, hash), "{:?}: transformed", line.key);
                shown.transformed += 1;
            }
            (None, Some(hash)) => {
                assert!(
                    !ledger.has(&place, hash),
                    "{:?}: the transformed can be had",
                    line.key
                );
                shown.gone += 1;
            }
            (transformed, None) => assert_eq!(transformed, &None, "{:?}", line.key),
        }
    }
    shown
}
