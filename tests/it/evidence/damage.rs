//! Fault 9: a damaged file. Bits and bytes flipped, pages zeroed, swapped, filled with others, the file cut: nothing
//! panics or hangs, and whenever a cell of the data or the ledger has changed, or cannot be read, the store is not sound.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use crate::faults::crash::{random, seed};
use crate::support::all_wanted;
use crate::support::scenario;

/// A page of the store.
const PAGE: usize = 8 << 10;

/// Longer than this is a hang.
const LONGEST: Duration = Duration::from_secs(20);

/// Every cell of every table, and the schema; `None` where something cannot be read.
fn cells(store: &Path) -> Option<BTreeMap<String, Vec<Vec<Value>>>> {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let read = |sql: &str| -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut statement = connection.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
        rows.collect()
    };
    let schema = read("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").ok()?;
    let mut cells = BTreeMap::new();
    for object in &schema {
        let [Value::Text(kind), Value::Text(name), ..] = &object[..] else {
            return None;
        };
        if kind == "table" {
            cells.insert(name.clone(), read(&format!("SELECT * FROM \"{name}\"")).ok()?);
        }
    }
    cells.insert("sqlite_schema".to_owned(), schema);
    Some(cells)
}

/// The first row that differs.
fn differing(store: &Path, before: &BTreeMap<String, Vec<Vec<Value>>>) -> String {
    let Some(cells) = cells(store) else {
        return "some cannot be read".to_owned();
    };
    for (name, rows) in before {
        let Some(others) = cells.get(name) else {
            return format!("{name} is gone");
        };
        let mut pairs = rows.iter().zip(others);
        if let Some((row, other)) = pairs.find(|(row, other)| row != other) {
            return format!("{name}: {row:?} became {other:?}");
        }
    }
    "the number of rows".to_owned()
}

/// Damages a file; tells how.
fn damage(bytes: &mut Vec<u8>, state: &mut u64) -> String {
    let mut below = |limit: usize| usize::try_from(random(state) % limit as u64).expect("small");
    let pages = bytes.len() / PAGE;
    match below(8) {
        0 | 1 => {
            let (at, bit) = (below(bytes.len()), below(8));
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        2 | 3 => {
            let (at, value) = (below(bytes.len()), below(255) + 1);
            bytes[at] ^= value as u8;
            format!("byte {at} changed by {value}")
        }
        4 => {
            let page = below(pages);
            bytes[page * PAGE..(page + 1) * PAGE].fill(0);
            format!("page {page} zeroed")
        }
        5 => {
            let (one, other) = (below(pages), below(pages));
            let kept = bytes[one * PAGE..(one + 1) * PAGE].to_vec();
            bytes.copy_within(other * PAGE..(other + 1) * PAGE, one * PAGE);
            bytes[other * PAGE..(other + 1) * PAGE].copy_from_slice(&kept);
            format!("pages {one} and {other} swapped")
        }
        6 => {
            let pages = below(pages);
            bytes.truncate(pages * PAGE + below(PAGE));
            format!("cut to {} bytes", bytes.len())
        }
        _ => {
            let (page, at) = (below(pages), below(PAGE - 64));
            let begin = page * PAGE + at;
            bytes[begin..begin + 64].fill(0xFF);
            format!("64 bytes at {at} of page {page} overwritten")
        }
    }
}

/// Whether a store opens and is sound.
fn is_sound(path: &Path) -> bool {
    let options = StoreOptions::default()
        .unchecked(true)
        .wait(Duration::from_millis(50));
    Store::open(path, options, scenario::environment(3))
        .and_then(|store| verify(&store, &VerifyOptions::default()))
        .is_ok_and(|report| report.is_sound())
}

#[test]
fn a_damaged_file_is_never_taken_for_a_sound_store() {
    let (folder, path) = super::tampering::eventful();
    let whole = std::fs::read(&path).expect("a store");
    let cells_before = cells(&path).expect("it is readable");
    assert!(is_sound(&path));
    let damaged = folder.path().join("damaged.db");
    let mut state = seed("damaged files");
    let mutants = if all_wanted() { 10_000 } else { 200 };
    let (mut changed, mut unharmed) = (0, 0);
    for mutant in 0..mutants {
        let mut bytes = whole.clone();
        let what = damage(&mut bytes, &mut state);
        std::fs::write(&damaged, &bytes).expect("the folder is ours");
        let begun = Instant::now();
        let sound = is_sound(&damaged);
        assert!(
            begun.elapsed() < LONGEST,
            "{what}, mutant {mutant}: {:?}",
            begun.elapsed()
        );
        if cells(&damaged).as_ref() == Some(&cells_before) {
            unharmed += 1;
        } else {
            assert!(
                !sound,
                "{what}, mutant {mutant}: a cell has changed, and it is called sound: {}",
                differing(&damaged, &cells_before)
            );
            changed += 1;
        }
    }
    println!(
        "damaged files: {mutants} mutants, {changed} with changed or unreadable cells, none called sound; {unharmed} where no cell was hit"
    );
}
