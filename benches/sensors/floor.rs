//! The least that aggregating rows of a store costs: reading them page by page, and finding five fields in each.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

const FIELDS: [&str; 5] = ["sensor_id", "timestamp", "temperature", "humidity", "pressure"];
const PAGE: i64 = 5_000;

/// Reads every reading of a store.
pub(crate) fn scan(store: &Path) -> Result<(), Box<dyn Error>> {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut page = connection
        .prepare("SELECT record, data FROM readings_v1 WHERE record > ?1 ORDER BY record LIMIT ?2")?;
    let (mut after, mut found) = (0_i64, 0_usize);
    loop {
        let mut rows = page.query([after, PAGE])?;
        let begun = after;
        while let Some(row) = rows.next()? {
            after = row.get(0)?;
            found += fields(row.get_ref(1)?.as_str()?);
        }
        if after == begun {
            break;
        }
    }
    println!("{} fields", black_box(found));
    Ok(())
}

/// Finds the fields in a flat object without escapes, and returns how many there are.
fn fields(data: &str) -> usize {
    let mut values = [""; FIELDS.len()];
    let mut rest = data.strip_prefix('{').unwrap_or_default();
    while let Some((name, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once("\":")) {
        let end = match after.strip_prefix('"') {
            Some(text) => text.find('"').map_or(after.len(), |end| end + 2),
            None => after.find([',', '}']).unwrap_or(after.len()),
        };
        let (value, after) = after.split_at(end);
        if let Some(at) = FIELDS.iter().position(|field| *field == name) {
            values[at] = value;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    black_box(values).iter().filter(|value| !value.is_empty()).count()
}
