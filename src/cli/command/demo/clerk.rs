//! The part of a tour in which a clerk decides the pairs that a merge left open.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::shipped::Clerk;
use super::steps::Teller;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::table;

/// Name of the sheet that the clerk fills in.
const SHEET: &str = "queue.csv";

/// Shows what waits, lets the clerk decide it in a sheet, and shows what follows.
pub(super) fn decide(teller: &mut Teller, clerk: &Clerk, folder: &Path) -> Result<(), Failure> {
    teller.show(clerk.waiting)?;
    teller.tell("Clerks decide in a spreadsheet. Write the queue for them.")?;
    let sheet = folder.join(SHEET);
    let path = sheet.display().to_string();
    teller.step(&["review", "list", "--csv", &path])?;
    let filled = read(&sheet).and_then(|queue| {
        let typed = read(&folder.join(clerk.decisions))?;
        filled(&queue, &typed)
    });
    let filled = filled.map_err(|problem| not_filled(&problem))?;
    fs::write(&sheet, &filled.sheet).map_err(|error| not_filled(&error.to_string()))?;
    teller.tell(&format!(
        "The clerk opens {SHEET}, looks into the charts, and types a decision and a reason into each line:\n\n{}",
        table(&["pair", "a", "b", "decision", "reason"], filled.rows).trim_end()
    ))?;
    teller
        .tell("Import the sheet. Each decision is an entry of the ledger, and all are recorded or none.")?;
    teller.step(&["review", "import", &path])?;
    teller.show(clerk.decided)
}

/// A sheet with decisions in it.
struct Filled {
    sheet: Vec<u8>,
    /// The cells that a person needs to see of each decided line.
    rows: Vec<Vec<String>>,
}

/// Types decisions into a sheet. The decisions name the two records of each pair: the name that the sheet has for a pair
/// ends in a version, which differs in every store.
fn filled(queue: &str, typed: &str) -> Result<Filled, String> {
    let mut decisions: HashMap<[String; 2], [String; 2]> = HashMap::new();
    let (header, lines) = cells(typed)?;
    let [a, b, decision, reason] = columns(&header, ["a", "b", "decision", "reason"])?;
    for line in lines {
        let [a, b, decision, reason] = [a, b, decision, reason].map(|at| line[at].to_owned());
        decisions.insert([a, b], [decision, reason]);
    }
    let (header, lines) = cells(queue)?;
    let [pair, a, b, decision, reason] = columns(&header, ["pair", "a", "b", "decision", "reason"])?;
    let mut sheet = csv::Writer::from_writer(Vec::new());
    let mut rows = Vec::new();
    sheet.write_record(&header).map_err(|error| error.to_string())?;
    for line in lines {
        let mut cells: Vec<String> = line.iter().map(str::to_owned).collect();
        if let Some(decided) = decisions.remove(&[cells[a].clone(), cells[b].clone()]) {
            [cells[decision], cells[reason]] = decided;
            rows.push(
                [pair, a, b, decision, reason]
                    .map(|at| cells[at].clone())
                    .to_vec(),
            );
        }
        sheet.write_record(&cells).map_err(|error| error.to_string())?;
    }
    if let Some([a, b]) = decisions.keys().min() {
        return Err(format!("the queue has no pair of {a} and {b}"));
    }
    let sheet = sheet.into_inner().map_err(|error| error.to_string())?;
    Ok(Filled { sheet, rows })
}

/// Returns the header and the lines of a CSV text; all lines have as many cells as the header.
fn cells(text: &str) -> Result<(csv::StringRecord, Vec<csv::StringRecord>), String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().cloned().map_err(|error| error.to_string())?;
    let lines: Result<Vec<_>, _> = reader.records().collect();
    Ok((header, lines.map_err(|error| error.to_string())?))
}

/// Returns where a header has the named columns.
fn columns<const N: usize>(header: &csv::StringRecord, names: [&str; N]) -> Result<[usize; N], String> {
    let mut found = [0; N];
    for (at, name) in found.iter_mut().zip(names) {
        let column = header.iter().position(|column| column == name);
        *at = column.ok_or_else(|| format!("no column is named {name}"))?;
    }
    Ok(found)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn not_filled(problem: &str) -> Failure {
    let message = format!("the decisions cannot be typed into {SHEET}: {problem}");
    Failure::new(Exit::Failed, "demo.step", message).hint("the project is kept as it is")
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "pair,a,b,decision,reason,band,note\n\
                         4+9.1f3a9c02,A:1,B:2,,,near,\"Hale, Jr.\"\n\
                         5+8.00aa11bb,A:3,C:7,,,conflict,'=1\n\
                         6+7.22cc33dd,A:4,C:8,,,near,\n";

    #[test]
    fn decisions_come_to_the_lines_of_their_records() {
        let typed = "a,b,decision,reason\nA:3,C:7,never,\"father, son\"\nA:1,B:2,accept,\n";
        let filled = filled(QUEUE, typed).unwrap();
        assert_eq!(
            String::from_utf8(filled.sheet).unwrap(),
            "pair,a,b,decision,reason,band,note\n\
             4+9.1f3a9c02,A:1,B:2,accept,,near,\"Hale, Jr.\"\n\
             5+8.00aa11bb,A:3,C:7,never,\"father, son\",conflict,'=1\n\
             6+7.22cc33dd,A:4,C:8,,,near,\n"
        );
        assert_eq!(filled.rows.len(), 2, "a line that nobody decided stays as it is");
    }

    #[test]
    fn a_decision_about_a_pair_that_does_not_wait_is_an_error() {
        let problem = |typed| filled(QUEUE, typed).err().unwrap();
        assert_eq!(
            problem("a,b,decision,reason\nA:1,C:7,accept,\n"),
            "the queue has no pair of A:1 and C:7"
        );
        assert_eq!(problem("a,b,reason\nA:1,B:2,\n"), "no column is named decision");
        assert!(problem("a,b,decision,reason\nA:1,B:2,accept\n").contains("fields"));
    }
}
