//! What Counterfoil costs beside the floor B0: a plain `INSERT INTO ... SELECT` of the same records in a file of the
//! same settings. Every round runs every case once, one after the other, on a fresh copy of one prepared store, so
//! that a slow minute of the machine hits all of them; what counts is the ratio to B0 within a round.
//!
//! `cargo bench --bench migrate -- --records 1000000 --rounds 5 [--random-ids] [--python]`
//!
//! `--python` adds the same migration as a plain, unaudited script (`plain_python.py`), with `python3` of the path.

mod base;
mod measure;
mod orders;

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use counterfoil::input::{Format, Options, Reader};
use measure::{Taken, measure, spread};
use orders::Ids;

/// One thing to measure, beside the floor.
struct Case {
    name: &'static str,
    run: fn(&Copied) -> Result<(), Box<dyn Error>>,
}

/// A fresh copy of the prepared store, for one run of one case.
struct Copied {
    /// The store, with `orders_v1` filled and nothing else.
    store: PathBuf,
    /// The same orders as NDJSON.
    lines: PathBuf,
    /// How many there are.
    records: usize,
}

/// The cases in the order they run; the first one is the floor, to which all others are compared.
fn cases(with_python: bool) -> Vec<Case> {
    let mut cases = vec![
        Case {
            name: "B0 insert-select",
            run: floor,
        },
        Case {
            name: "door: read and check NDJSON",
            run: door,
        },
    ];
    if with_python {
        cases.push(Case {
            name: "plain Python, unaudited",
            run: python,
        });
    }
    cases
}

/// B0: the least that any copying migration inside one file costs.
fn floor(copied: &Copied) -> Result<(), Box<dyn Error>> {
    let connection = base::open(&copied.store)?;
    base::create_database(&connection, "orders_v2")?;
    let written = connection.execute(
        "INSERT INTO orders_v2 (record, id, data) SELECT record, id, data FROM orders_v1 ORDER BY record",
        [],
    )?;
    expect(written, copied.records)
}

/// The part of `load` before the store.
fn door(copied: &Copied) -> Result<(), Box<dyn Error>> {
    let options = Options {
        id_field: "order_id".to_owned(),
        ..Options::new(Format::Lines)
    };
    let mut accepted = 0;
    for incoming in Reader::new(File::open(&copied.lines)?, options)? {
        accepted += usize::from(incoming?.body.is_ok());
    }
    expect(accepted, copied.records)
}

fn python(copied: &Copied) -> Result<(), Box<dyn Error>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/plain_python.py");
    let output = Command::new("python3").arg(script).arg(&copied.store).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(())
}

fn expect(found: usize, expected: usize) -> Result<(), Box<dyn Error>> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found} records instead of {expected}").into())
}

struct Settings {
    records: usize,
    rounds: usize,
    ids: Ids,
    with_python: bool,
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let mut settings = Settings {
        records: 100_000,
        rounds: 5,
        ids: Ids::Sequential,
        with_python: false,
    };
    let mut arguments = std::env::args().skip(1);
    let number = |argument: Option<String>| -> Result<usize, Box<dyn Error>> {
        let parsed = argument.ok_or("a number is missing")?.parse()?;
        if parsed == 0 {
            Err("a number is zero".into())
        } else {
            Ok(parsed)
        }
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--records" => settings.records = number(arguments.next())?,
            "--rounds" => settings.rounds = number(arguments.next())?,
            "--random-ids" => settings.ids = Ids::Random,
            "--python" => settings.with_python = true,
            // Cargo says so to every benchmark.
            "--bench" => {}
            unknown => return Err(format!("there is no option `{unknown}`").into()),
        }
    }
    Ok(settings)
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = settings()?;
    let folder = tempfile::tempdir()?;
    let (prepared, lines) = (
        folder.path().join("prepared.db"),
        folder.path().join("orders.ndjson"),
    );
    base::prepare(&prepared, &lines, settings.records, settings.ids)?;
    let prepared_bytes = fs::metadata(&prepared)?.len();
    println!(
        "{} records, {} rounds, ids {:?}, prepared store {prepared_bytes} bytes",
        settings.records, settings.rounds, settings.ids
    );
    let cases = cases(settings.with_python);
    let mut taken: Vec<Vec<Taken>> = vec![Vec::new(); cases.len()];
    for round in 0..settings.rounds {
        for (case, taken) in cases.iter().zip(&mut taken) {
            let copied = Copied {
                store: folder.path().join(format!("{round}.db")),
                lines: lines.clone(),
                records: settings.records,
            };
            fs::copy(&prepared, &copied.store)?;
            // A copy still in the cache would be written out in the middle of the measurement.
            File::open(&copied.store)?.sync_all()?;
            taken.push(measure(|| (case.run)(&copied))?);
            fs::remove_file(&copied.store)?;
        }
    }
    report(&cases, &taken, settings.records);
    Ok(())
}

fn report(cases: &[Case], taken: &[Vec<Taken>], records: usize) {
    println!(
        "{:<28} {:>8} {:>8} {:>8}   {:>20}   {:>20}",
        "case", "us/rec", "cpu us", "bytes", "wall / B0", "cpu / B0"
    );
    println!(
        "{:<28} {:>26}   {:>20}   {:>20}",
        "", "median per record", "min median max", "min median max"
    );
    for (case, rounds) in cases.iter().zip(taken) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts far below 2^52, for people to read"
        )]
        let per_record =
            |figure: fn(&Taken) -> f64| spread(rounds.iter().map(figure).collect())[1] / records as f64;
        let ratio = |figure: fn(&Taken) -> f64| {
            let pairs = rounds.iter().zip(&taken[0]);
            let [least, median, greatest] =
                spread(pairs.map(|(own, floor)| figure(own) / figure(floor)).collect());
            format!("{least:.2} {median:.2} {greatest:.2}")
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "bytes far below 2^52, for people to read"
        )]
        let bytes = per_record(|taken| taken.written_bytes as f64);
        println!(
            "{:<28} {:>8.2} {:>8.2} {:>8.0}   {:>20}   {:>20}",
            case.name,
            per_record(|taken| taken.wall.as_secs_f64() * 1e6),
            per_record(|taken| taken.cpu.as_secs_f64() * 1e6),
            bytes,
            ratio(|taken| taken.wall.as_secs_f64()),
            ratio(|taken| taken.cpu.as_secs_f64()),
        );
    }
}
