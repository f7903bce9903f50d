//! CSV: random cells out and back, and the `csv` crate's reading of the same bytes.

use counterfoil::input::{Cells, Format, Incoming, Options, Reader};
use counterfoil::output::{CsvWriter, RecordWriter};
use counterfoil::record::{Document, Field, Limits, Record, RecordNumber, Value};
use proptest::prelude::*;
use proptest::sample::select;

use super::{fuzz, judge};

/// What a cell may be made of.
const PIECES: &[&str] = &[
    "a",
    "b",
    "0",
    "1",
    ",",
    ";",
    "\t",
    "|",
    "\"",
    "\"\"",
    "'",
    "=",
    "+",
    "-",
    "@",
    "\n",
    "\r",
    "\r\n",
    " ",
    "\u{e9}",
    "\u{feff}",
    "\u{2028}",
    "\\",
    "#",
    "null",
    "[redacted]",
    "{",
    "\u{0}",
];

fn cell() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..5).prop_map(|pieces| pieces.concat())
}

/// Rows of as many cells as there are columns.
fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    (0..4usize).prop_flat_map(|columns| prop::collection::vec(prop::collection::vec(cell(), columns), 1..6))
}

/// The names of so many columns, each as odd as a cell may be.
fn names(count: usize, odd: &str) -> Vec<String> {
    (0..count).map(|at| format!("{odd}{at}")).collect()
}

/// The fields of a record beside its id, as texts.
fn cells(data: &str) -> Vec<(String, String)> {
    let document = Document::parse(data).expect("a record");
    let fields = document.fields().iter().filter(|field| field.name() != "id");
    fields
        .map(|field| {
            let text = field.value.as_text().expect("cells are texts");
            (field.name().into_owned(), text.into_owned())
        })
        .collect()
}

fn read(table: &[u8], cells: Cells) -> Result<Vec<Incoming>, String> {
    let options = Options::new(Format::Csv)
        .cells(cells)
        .limits(Limits::default().bytes(10_000).depth(8));
    let reader = Reader::new(table, options).map_err(|error| error.to_string())?;
    Ok(reader
        .map(|incoming| incoming.expect("bytes in memory"))
        .collect())
}

fn records(table: &[u8], cells: Cells) -> Vec<(String, String)> {
    let read = read(table, cells).expect("a table");
    let ready = read.into_iter().map(|incoming| incoming.body.expect("a row"));
    ready.map(|row| (row.id, row.data)).collect()
}

fn raw(separator: u8) -> Cells {
    Cells::default().separator(separator).raw(true)
}

#[test]
fn cells_come_back_as_they_went_out_and_are_what_another_reader_finds() {
    let case = (
        rows(),
        select(&["n", "n \"", "n,", "n\n", "=n", "\u{e9}"][..]),
        any::<bool>(),
    );
    fuzz(600, case, |(rows, odd, is_raw)| {
        let names = names(rows[0].len(), odd);
        let made = rows.iter().enumerate().map(|(at, row)| {
            let mut document = Document::new();
            document.set("id", Value::text(&format!("r{at}")));
            let fields = names
                .iter()
                .zip(row)
                .map(|(name, cell)| Field::new(name, Value::text(cell)));
            document.fields_mut().extend(fields);
            (format!("r{at}"), document.to_json())
        });
        let made: Vec<(String, String)> = made.collect();
        let mut table = Vec::new();
        let mut writer = CsvWriter::new(&mut table).raw(is_raw);
        for (at, (id, data)) in made.iter().enumerate() {
            let record = Record {
                number: RecordNumber::new(at as i64 + 1),
                id: id.clone(),
                data: data.clone(),
            };
            writer.write(&record).expect("texts fit into a table");
        }
        writer.finish().expect("bytes in memory");
        drop(writer);
        let ours = raw(b',').raw(is_raw);
        assert_eq!(records(&table, ours), made, "{}", String::from_utf8_lossy(&table));
        if is_raw {
            let mut theirs = csv::Reader::from_reader(&table[..]);
            let theirs: Vec<Vec<String>> = theirs
                .records()
                .map(|row| row.expect("a row").iter().skip(1).map(str::to_owned).collect())
                .collect();
            assert_eq!(theirs, rows);
        }
    });
}

#[test]
fn tables_that_another_writer_has_made_are_read_as_they_were_meant() {
    let style = select(
        &[
            csv::QuoteStyle::Always,
            csv::QuoteStyle::Necessary,
            csv::QuoteStyle::NonNumeric,
        ][..],
    );
    let end = select(
        &[
            csv::Terminator::CRLF,
            csv::Terminator::Any(b'\n'),
            csv::Terminator::Any(b'\r'),
        ][..],
    );
    let separator = select(&b",;\t|"[..]);
    fuzz(
        600,
        (rows(), style, end, separator),
        |(rows, style, end, separator)| {
            let mut writer = csv::WriterBuilder::new();
            writer.quote_style(style).terminator(end).delimiter(separator);
            let mut writer = writer.from_writer(Vec::new());
            let names = names(rows[0].len(), "n");
            let header = std::iter::once("id").chain(names.iter().map(String::as_str));
            writer.write_record(header).expect("bytes in memory");
            for (at, row) in rows.iter().enumerate() {
                let id = format!("r{at}");
                let row = std::iter::once(id.as_str()).chain(row.iter().map(String::as_str));
                writer.write_record(row).expect("bytes in memory");
            }
            let table = writer.into_inner().expect("bytes in memory");
            let found: Vec<Vec<String>> = records(&table, raw(separator))
                .iter()
                .map(|(_, data)| cells(data).into_iter().map(|(_, cell)| cell).collect())
                .collect();
            assert_eq!(found, rows, "{}", String::from_utf8_lossy(&table));
        },
    );
}

#[test]
fn rows_of_any_bytes_are_those_of_another_reader_or_are_refused() {
    const BYTES: &[&[u8]] = &[
        b"a",
        b"1",
        b",",
        b"\"",
        b"\"\"",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"\xc3\xa9",
        b"\xff",
        b"x\n",
        b"\",\"",
    ];
    let bytes = prop::collection::vec(select(BYTES), 0..40).prop_map(|pieces| pieces.concat());
    judge(1_500, (bytes, 1..4usize), |(bytes, columns)| {
        let names = names(columns - 1, "n");
        let mut table = ["id".to_owned()]
            .into_iter()
            .chain(names)
            .collect::<Vec<_>>()
            .join(",")
            .into_bytes();
        table.push(b'\n');
        table.extend(&bytes);
        let ours = read(&table, raw(b',')).expect("the header is good");
        let theirs = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(&table[..])
            .into_byte_records();
        let theirs: Vec<csv::ByteRecord> = theirs.map(|row| row.expect("bytes in memory")).collect();
        let shown = String::from_utf8_lossy(&table);
        assert_eq!(ours.len(), theirs.len(), "{shown:?}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            match &ours.body {
                Ok(row) => {
                    let found = cells(&row.data).into_iter().map(|(_, cell)| cell.into_bytes());
                    let found: Vec<Vec<u8>> = std::iter::once(row.id.clone().into_bytes())
                        .chain(found)
                        .collect();
                    assert!(found.iter().eq(theirs.iter()), "{found:?} {theirs:?} {shown:?}");
                }
                Err(refused) => {
                    let code = refused.refusal.code.as_ref();
                    // A row that another reader takes is refused where its meaning is in doubt.
                    let is_whole = theirs.len() == columns
                        && theirs.iter().all(|cell| std::str::from_utf8(cell).is_ok());
                    let doubtful = ["csv.quote", "id.empty"].contains(&code);
                    assert!(doubtful || !is_whole, "{code} {theirs:?} {shown:?}");
                }
            }
        }
        ours.iter().any(|row| row.body.is_ok())
    });
}
