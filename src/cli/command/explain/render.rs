//! A record with its pairs, in words and tables.

use counterfoil::review::{ComparedMember, ExplainedRecord, NearPair};

use crate::cli::compared::{cut, lines, listed, pair, side};
use crate::cli::render::{bold, counted, dim, shown, table};
use crate::cli::session::Session;

/// A record with its pairs.
pub(super) fn record(explained: &ExplainedRecord, session: &Session<'_>, database: &str) -> String {
    let ComparedMember { golden, members, .. } = &explained.record;
    let place = match (golden, members) {
        (Some(golden), 1) => format!("alone in the golden record {golden}"),
        (Some(golden), members) => {
            format!("in the golden record {golden} of {}", counted(*members, "record"))
        }
        (None, _) => "in no golden record".to_owned(),
    };
    let mut text = format!(
        "{}\n",
        bold(&shown(&format!("{}    {place}", side(&explained.record))))
    );
    match &explained.pairs[..] {
        [] => {}
        [only] => text += &format!("\n{}", pair(only)),
        pairs => text += &format!("\nIts golden record\n{}", lines(pairs)),
    }
    if !explained.waiting.is_empty() {
        text += &format!("\nWaiting for a decision\n{}", near(&explained.waiting));
    }
    text += "\nNearest records outside\n";
    if explained.nearest.is_empty() {
        text += &format!("{}\n", dim("none: no record outside shares a key with it"));
    } else {
        text += &near(&explained.nearest);
        let other = explained.nearest.first().map(|pair| pair.with.side.record);
        if let Some(other) = other {
            let name = format!(
                "explain {} {}+{other}",
                shown(database),
                explained.record.side.record
            );
            text += &format!(
                "{}\n",
                dim(&format!("{} shows a pair in full", session.command(&name)))
            );
        }
    }
    text
}

fn near(pairs: &[NearPair]) -> String {
    let mut text = String::new();
    let rows = pairs.iter().map(|pair| {
        vec![
            cut(&side(&pair.with), 24),
            pair.bits.to_string(),
            pair.probability.to_string(),
            cut(&pair.by.join(", "), 24),
            pair.against.clone().unwrap_or_default(),
            pair.band.clone().unwrap_or_default(),
        ]
    });
    text += &table(
        &["with", ">bits", ">probability", "for it", "against", "waits"],
        rows,
    );
    for pair in pairs {
        if let Some(why) = &pair.why {
            let why = format!("{}: {why}", pair.with.side.record);
            text += &format!("{}\n", listed(&why));
        }
    }
    text
}
