//! Writes made-up legacy shop orders as NDJSON, to try the command at size:
//!
//! `cargo run --release --example generate_orders -- 1000000 > orders.ndjson`, then
//! `counterfoil load orders_v1 orders.ndjson --id order_id`.

mod orders;

use std::error::Error;
use std::io::{self, BufWriter, Write as _};

use orders::{Ids, orders};

const USAGE: &str = "usage: generate_orders COUNT [--random-ids | --random-orders] [--seed N]";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut count, mut seed, mut ids) = (None, 1, Ids::Sequential);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--random-ids" => ids = Ids::Random,
            "--random-orders" => ids = Ids::RandomOrders,
            "--seed" => seed = arguments.next().ok_or(USAGE)?.parse()?,
            number => count = Some(number.parse().map_err(|_| USAGE)?),
        }
    }
    let mut output = BufWriter::new(io::stdout().lock());
    for (_, data) in orders(seed, ids).take(count.ok_or(USAGE)?) {
        writeln!(output, "{data}")?;
    }
    Ok(output.flush()?)
}
