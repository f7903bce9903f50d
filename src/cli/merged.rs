//! Golden records and their members, in words.

use counterfoil::history::{Found, GoldenMember, GoldenRecord, MemberPlace};
use counterfoil::record::RecordNumber;

use super::render::{counted, dim, indented, moment, shown, table};

/// Renders the golden records that the records of a trace are in, or are.
pub(super) fn merged(found: &Found, golden: &[GoldenRecord]) -> String {
    golden.iter().map(|golden| one(found, golden)).collect()
}

fn one(found: &Found, golden: &GoldenRecord) -> String {
    let name = named(golden.record, golden.id.as_deref());
    let members = counted(golden.members.len() as u64, "record");
    let is_it = found.records.contains(&golden.record);
    let what = if is_it {
        format!("golden record of {members}, by stage {}", golden.stage)
    } else {
        format!(
            "in the golden record {name} of {}, with {members}, by stage {}",
            golden.database, golden.stage
        )
    };
    let mut text = format!("  {}\n", shown(&what));
    let rows = golden.members.iter().map(|member| {
        let place = &member.place;
        vec![
            member.record.to_string(),
            member.id.clone().unwrap_or_default(),
            moment(&member.at),
            member.decided_by.clone(),
            place.bits.map(|bits| bits.to_string()).unwrap_or_default(),
            place.weakest.map(|bits| bits.to_string()).unwrap_or_default(),
            place.by.join(", "),
            won(golden, member).join(", "),
        ]
    });
    let header = [
        ">member",
        "id",
        "since",
        "decided by",
        ">bits",
        ">weakest",
        "for it",
        "its values survive at",
    ];
    text += &indented(&table(&header, rows), 4);
    text.push('\n');
    for member in &golden.members {
        for pair in &member.place.review {
            text += &format!(
                "    {} record {} with {}: {} bits, probability {}, {}\n",
                dim("listed for a decision"),
                member.record,
                pair.with,
                pair.bits,
                pair.probability,
                shown(&pair.band)
            );
        }
    }
    text
}

fn named(record: RecordNumber, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("{record} {id}"),
        None => record.to_string(),
    }
}

/// Returns the places at which the value of a member survived where the members differ.
fn won(golden: &GoldenRecord, member: &GoldenMember) -> Vec<String> {
    let won = golden.members.iter().flat_map(|of| &of.place.won);
    won.filter(|(_, winner)| **winner == member.record)
        .map(|(pointer, _)| pointer.clone())
        .collect()
}

/// Describes what an entry says of the place of its record, a line each.
pub(super) fn placed(place: &MemberPlace) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(bits) = place.bits {
        let with: Vec<String> = place.with.iter().map(RecordNumber::to_string).collect();
        let with = if with.is_empty() {
            String::new()
        } else {
            format!(" with {}", with.join(", "))
        };
        let by = if place.by.is_empty() {
            String::new()
        } else {
            format!(" by {}", place.by.join(", "))
        };
        let weakest = place
            .weakest
            .map(|weakest| format!(", weakest pair {weakest}"))
            .unwrap_or_default();
        lines.push(format!("together{with}{by}: {bits} bits{weakest}"));
    }
    lines.extend(
        place
            .won
            .iter()
            .map(|(pointer, winner)| format!("{pointer} is that of record {winner}")),
    );
    lines.extend(place.review.iter().map(|pair| {
        let (with, bits, probability, band) = (pair.with, pair.bits, pair.probability, &pair.band);
        format!("waits for a decision with record {with}: {bits} bits, probability {probability}, {band}")
    }));
    lines
}
