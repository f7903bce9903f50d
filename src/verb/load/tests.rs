//! A load from a source that is not bytes: it has its own kind of places, returns small pages, and may fail.

use std::io;

use super::*;
use crate::environment::Environment;
use crate::input::source::{OpenSource, Page, PageLimit, SourceError, SourcePlace, SourceRecord};
use crate::input::{Format, Options};
use crate::observe::Silent;
use crate::refusal::Refusal;
use crate::store::StoreOptions;

const COUNT: u64 = 10;
/// Place of something that is not a record.
const ODD: u64 = 5;

struct Numbers {
    next: u64,
    fails_at: Option<u64>,
}

fn place(next: u64) -> Cursor {
    Cursor::Fields([("next".to_owned(), next.into())].into_iter().collect())
}

impl RecordSource for Numbers {
    fn open(&mut self, at: Option<&Cursor>) -> Result<OpenSource, SourceError> {
        if let Some(cursor) = at {
            let next = cursor.fields().get("next").and_then(serde_json::Value::as_u64);
            self.next = next.ok_or(SourceError::Foreign)?;
        }
        Ok(OpenSource {
            cursor: place(self.next),
            columns: None,
        })
    }

    fn page(&mut self, limit: PageLimit) -> Result<Page, SourceError> {
        let mut incoming = Vec::new();
        // Fewer than requested.
        while incoming.len() < limit.records.min(3) && self.next < COUNT {
            if self.fails_at == Some(self.next) {
                return Err(SourceError::Unreadable("gone".to_owned()));
            }
            let number = self.next;
            self.next += 1;
            let at = SourcePlace {
                line: self.next,
                is_alone: true,
                end: place(self.next),
            };
            incoming.push(if number == ODD {
                SourceRecord::Rejected {
                    raw: b"odd".as_slice().into(),
                    refusal: Refusal::new("odd", ""),
                    id: None,
                    at,
                }
            } else {
                SourceRecord::Record {
                    raw: format!("{{\"id\":{number}}}"),
                    id: number.to_string(),
                    at,
                }
            });
        }
        Ok(Page {
            incoming,
            cursor: place(self.next),
            last: self.next == COUNT,
        })
    }
}

fn load_from(store: &mut Store, source: Numbers, options: &LoadOptions) -> Result<LoadReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    let begun = OpenInput {
        name: "numbers",
        database: "numbers",
        how: ReadingMode::new(&Options::new(Format::Lines)),
        options,
    };
    let (open, given_up) = settle_open(&mut run, &begun, |_, _| Ok(None))?;
    let course = begun.of_stream(run.connection(), open, &mut io::empty(), &mut Vec::new())?;
    run_load(run, &begun, course, source, given_up, &mut Silent)
}

fn kept(store: &Store, column: &str) -> Vec<String> {
    let sql = format!("SELECT {column} FROM ledger_batch WHERE {column} IS NOT NULL ORDER BY batch");
    let mut statement = store.connection().prepare(&sql).expect("a statement");
    let texts = statement.query_map([], |row| row.get(0)).expect("rows");
    texts.collect::<rusqlite::Result<_>>().expect("texts")
}

#[test]
fn a_load_goes_on_behind_the_cursor_of_whatever_source_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let mut store =
        Store::open_or_create(path, StoreOptions::default(), Environment::default()).expect("a store");
    let options = LoadOptions {
        batch_size: Some(4),
        ..LoadOptions::default()
    };
    let failing = Numbers {
        next: 0,
        fails_at: Some(7),
    };
    let failed = load_from(&mut store, failing, &options);
    assert!(matches!(failed, Err(Error::Input { problem, .. }) if problem == "gone"));
    let how = r#""id":"id","format":"ndjson""#;
    assert_eq!(kept(&store, "cursor"), [format!("{{\"next\":4,{how}}}")]);

    let whole = Numbers {
        next: 0,
        fails_at: None,
    };
    let report = load_from(&mut store, whole, &options).expect("a load");
    assert!(report.resumed && report.known.is_none());
    let counts = report.counts;
    assert_eq!((counts.read, counts.written, counts.refused), (10, 9, 1));
    let ends = [4, 8, 10].map(|next| format!("{{\"next\":{next},{how}}}"));
    assert_eq!(kept(&store, "cursor"), ends);
    assert_eq!(kept(&store, "body"), [ends[2].clone()]);

    let foreign = |text: &str| serde_json::from_str(text).expect("a map");
    let mut other = Records::from_input(&b"{\"id\":1}\n"[..], Options::new(Format::Lines));
    let opened = other.open(Some(&Cursor::Fields(foreign(&ends[0]))));
    assert!(matches!(opened, Err(SourceError::Foreign)));
}
