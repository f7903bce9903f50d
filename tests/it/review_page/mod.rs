//! The page of the queue in a browser whose keys are pressed: what is decided there is what the sheet says.

mod hostile;
mod keys;
mod pairs;
mod reach;

use std::path::PathBuf;

use counterfoil::RecordNumber;
use counterfoil::review::{Decision, PageMode, PageOptions, PairDecision, page, read_sheet};

/// A page in a file, in a folder that goes with it.
struct PageFile {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl PageFile {
    fn of(count: i64, mode: PageMode) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("review.html");
        let mut out = std::fs::File::create(&path).expect("a file in it");
        let options = PageOptions::new("clinic", "2026-11-30T08:00:00Z")
            .stage("4 people".to_owned())
            .mode(mode);
        page(&options, &pairs::pairs(count), &mut out).expect("a page");
        Self {
            path,
            _folder: folder,
        }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).expect("the page")
    }
}

/// The decisions of a sheet that the page has saved.
fn decisions(sheet: &str) -> Vec<PairDecision> {
    let rows = read_sheet("decisions.csv", sheet.as_bytes()).expect("a sheet");
    let decided = rows.into_iter().map(|row| row.decision.ids(None));
    decided.collect()
}

/// What is decided about the pair with this number.
fn decided(number: i64, decision: Decision, note: Option<&str>) -> PairDecision {
    let (a, b) = pairs::numbers(number);
    PairDecision::new(RecordNumber::new(a), RecordNumber::new(b), decision)
        .note(note.map(str::to_owned))
        .version(pairs::version(number))
}
