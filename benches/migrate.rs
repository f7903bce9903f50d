//! What Counterfoil costs beside the floor B0: a plain `INSERT INTO ... SELECT` of the same records in a file of the
//! same settings. Every round runs every case once, one after the other, on a fresh copy of one prepared store, so
//! that a slow minute of the machine hits all of them; what counts is the ratio to B0 within a round.
//!
//! `cargo bench --bench migrate -- --records 1000000 --rounds 5 [--random-ids | --random-orders] [--only NAME]... [--python]`
//!
//! `--only` runs the cases of these names (and the floor); `--python` adds the same migration as a plain, unaudited
//! script (`plain_python.py`), with `python3` of the path.

mod base;
mod cases;
mod closure;
mod measure;
mod orders;

use std::error::Error;
use std::fs;

use cases::{Case, Step, Work, cases};
use measure::{Taken, measure, spread};
use orders::Ids;

struct Settings {
    records: usize,
    rounds: usize,
    ids: Ids,
    only: Vec<String>,
    with_python: bool,
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let mut settings = Settings {
        records: 100_000,
        rounds: 5,
        ids: Ids::Sequential,
        only: Vec::new(),
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
            "--random-orders" => settings.ids = Ids::RandomOrders,
            "--only" => settings.only.push(arguments.next().ok_or("a name is missing")?),
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
    base::write_lines(&lines, settings.records, settings.ids)?;
    base::load_lines(&prepared, &lines)?;
    println!(
        "{} records, {} rounds, ids {:?}, prepared store {} bytes",
        settings.records,
        settings.rounds,
        settings.ids,
        fs::metadata(&prepared)?.len()
    );
    let mut cases = cases(settings.ids, settings.with_python);
    cases.retain(|case| {
        case.name == "floor" || settings.only.is_empty() || settings.only.iter().any(|name| name == case.name)
    });
    let mut taken: Vec<Vec<Vec<Taken>>> = cases
        .iter()
        .map(|case| vec![Vec::new(); case.steps.len()])
        .collect();
    for round in 0..settings.rounds {
        for (case, taken) in cases.iter().zip(&mut taken) {
            let work = Work {
                store: folder.path().join(format!("{round}.db")),
                lines: lines.clone(),
                records: settings.records,
            };
            base::copy(&prepared, &work.store)?;
            for (step, taken) in case.steps.iter().zip(taken) {
                let done = measure(&work.store, || (step.run)(&work));
                taken.push(done.map_err(|error| format!("{}: {error}", step.name))?);
            }
            fs::remove_file(&work.store)?;
        }
    }
    report(&cases, &taken, settings.records);
    Ok(())
}

fn report(cases: &[Case], taken: &[Vec<Vec<Taken>>], records: usize) {
    println!(
        "{:<28} {:>7} {:>7} {:>17} {:>17} {:>9} {:>8} {:>6} {:>6}",
        "", "wall us", "cpu us", "wall / B0", "cpu / B0", "wall /", "written", "/ file", "peak"
    );
    println!(
        "{:<28} {:>15} {:>17} {:>17} {:>9} {:>8} {:>6} {:>6}",
        "case (median of the rounds)",
        "per record",
        "min median max",
        "min median max",
        "its apply",
        "B/record",
        "growth",
        "MiB"
    );
    let floor = &taken[0][0];
    for (case, taken) in cases.iter().zip(taken) {
        for (step, rounds) in case.steps.iter().zip(taken) {
            println!("{}", line(step, rounds, floor, &taken[0], records));
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and bytes far below 2^52, for people to read"
)]
fn line(step: &Step, rounds: &[Taken], floor: &[Taken], first: &[Taken], records: usize) -> String {
    let wall = |taken: &Taken| taken.wall.as_secs_f64();
    let cpu = |taken: &Taken| taken.cpu.as_secs_f64();
    let middle = |figure: &dyn Fn(&Taken) -> f64| spread(rounds.iter().map(figure).collect())[1];
    let ratios = |other: &[Taken], figure: &dyn Fn(&Taken) -> f64| {
        let pairs = rounds.iter().zip(other);
        spread(pairs.map(|(own, other)| figure(own) / figure(other)).collect())
    };
    let three = |[least, median, greatest]: [f64; 3]| format!("{least:.2} {median:.2} {greatest:.2}");
    let its_apply = if step.beside_first {
        format!("{:.2}", ratios(first, &wall)[1])
    } else {
        String::new()
    };
    let grown = middle(&|taken| taken.grown_bytes as f64);
    let written = middle(&|taken| taken.written_bytes as f64);
    let growth = if grown > 0.0 {
        format!("{:.2}", written / grown)
    } else {
        String::new()
    };
    format!(
        "{:<28} {:>7.2} {:>7.2} {:>17} {:>17} {:>9} {:>8.0} {:>6} {:>6.0}",
        step.name,
        1e6 * middle(&wall) / records as f64,
        1e6 * middle(&cpu) / records as f64,
        three(ratios(floor, &wall)),
        three(ratios(floor, &cpu)),
        its_apply,
        written / records as f64,
        growth,
        middle(&|taken| taken.peak_bytes as f64) / f64::from(1 << 20),
    )
}
