//! Writes made-up readings as NDJSON, to try the command at size:
//!
//! `cargo run --release --example generate_readings -- 1000000 > readings.ndjson`, then
//! `counterfoil load readings_v1 readings.ndjson`.

mod readings;

use std::error::Error;
use std::io::{self, BufWriter, Write as _};

use readings::{Shape, late, readings};

const USAGE: &str = "usage: generate_readings COUNT [--shape dense|sparse|many|thrice] [--late COUNT]";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut count, mut shape, mut after) = (None, Shape::Dense, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--shape" => shape = Shape::named(&arguments.next().ok_or(USAGE)?)?,
            "--late" => after = Some(arguments.next().ok_or(USAGE)?.parse()?),
            number => count = Some(number.parse().map_err(|_| USAGE)?),
        }
    }
    let count = count.ok_or(USAGE)?;
    let mut output = BufWriter::new(io::stdout().lock());
    match after {
        Some(after) => late(after, count, shape).try_for_each(|line| writeln!(output, "{line}"))?,
        None => readings(count, shape).try_for_each(|line| writeln!(output, "{line}"))?,
    }
    Ok(output.flush()?)
}
