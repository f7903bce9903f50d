//! Pairs handed out to a person: as a sheet, or as a page.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use counterfoil::record::RecordNumber;
use counterfoil::review::{ComparedPair, PageMode, PageOptions, QueuedPair, page, reveal, write_sheet};

use crate::cli::failure::Failure;
use crate::cli::files::NewFile;
use crate::cli::render::{counted, shown};
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;

/// Files for a person to decide in.
#[derive(clap::Args, Debug)]
pub(super) struct HandedOut {
    /// Write the pairs as a sheet for a spreadsheet; `review import` reads it back.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the pairs as a page for a browser, which saves the decisions as such a sheet.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    pub(super) revealing: Revealing,
}

/// Whether redacted values are shown.
#[derive(clap::Args, Debug)]
pub(super) struct Revealing {
    /// Show redacted values; the ledger records which pairs were revealed, to whom and why.
    #[arg(long, requires = "reason")]
    reveal: bool,
    /// Why the values are revealed, for the ledger.
    #[arg(long, value_name = "TEXT", requires = "reveal")]
    reason: Option<String>,
}

impl Revealing {
    /// Compares pairs of a stage, masked unless they are to be revealed. `command`: the name of the command.
    pub(super) fn compared(
        &self,
        session: &Session<'_>,
        command: &str,
        stage: u32,
        pairs: &[(RecordNumber, RecordNumber)],
    ) -> Result<Vec<ComparedPair>, Failure> {
        let project = session.project()?;
        if !self.reveal {
            let store = session.open_to_read()?;
            return Ok(store.compare_pairs(project.stages(), stage, pairs)?);
        }
        let mut store = session.open()?;
        let run_info = session.run_info(command, self.reason.as_deref(), &[]);
        Ok(reveal(&mut store, project.stages(), stage, pairs, &run_info)?)
    }

    /// Hides the ids of a pair that must not be shown.
    pub(super) fn mask(&self, ids: &ShownIds, pair: &mut QueuedPair) {
        if self.reveal {
            return;
        }
        for side in [&mut pair.a, &mut pair.b] {
            side.id = side.id.take().map(|id| ids.shown(Some(&pair.source), id));
        }
    }
}

impl HandedOut {
    /// Whether anything is to be written.
    pub(super) fn is_asked(&self) -> bool {
        self.csv.is_some() || self.html.is_some()
    }

    /// Writes the files. `asks`: what the person is asked.
    pub(super) fn write(
        &self,
        session: &Session<'_>,
        command: &str,
        made: String,
        queue: &[QueuedPair],
        asks: PageMode,
    ) -> Result<String, Failure> {
        let pairs = self.compared(session, command, queue)?;
        let mut text = String::new();
        let number = counted(pairs.len() as u64, "pair");
        if let Some(path) = &self.csv {
            let mut file = NewFile::begin(path)?;
            write_sheet(&mut file, &pairs).map_err(|error| file.unwritable(&error))?;
            file.finish()?;
            text += &format!("Wrote {number} to {}.\n", shown(&path.display().to_string()));
        }
        if let Some(path) = &self.html {
            let settings = session.settings()?;
            let options = PageOptions::new(settings.name, made)
                .mode(asks)
                .stage(one_stage(session, &pairs)?);
            let mut file = NewFile::begin(path)?;
            let written = page(&options, &pairs, &mut file).and_then(|()| file.flush());
            written.map_err(|error| file.unwritable(&error))?;
            file.finish()?;
            text += &format!("Wrote {number} to {}.\n", shown(&path.display().to_string()));
        }
        if pairs.len() < queue.len() {
            let left = counted((queue.len() - pairs.len()) as u64, "pair");
            text +=
                &format!("Left out {left}: one of the two is no longer a record that the stage merges.\n");
        }
        Ok(text)
    }

    /// The pairs with their fields, in the order of the queue.
    fn compared(
        &self,
        session: &Session<'_>,
        command: &str,
        queue: &[QueuedPair],
    ) -> Result<Vec<(QueuedPair, ComparedPair)>, Failure> {
        let mut of_stage: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for pair in queue {
            of_stage
                .entry(pair.stage)
                .or_default()
                .push((pair.a.record, pair.b.record));
        }
        let mut found = BTreeMap::new();
        for (stage, pairs) in of_stage {
            for compared in self.revealing.compared(session, command, stage, &pairs)? {
                found.insert((stage, compared.a.side.record, compared.b.side.record), compared);
            }
        }
        let with = |pair: &QueuedPair| {
            let compared = found.remove(&(pair.stage, pair.a.record, pair.b.record))?;
            Some((pair.clone(), compared))
        };
        Ok(queue.iter().filter_map(with).collect())
    }
}

/// The stage of all pairs, as people name it.
fn one_stage(session: &Session<'_>, pairs: &[(QueuedPair, ComparedPair)]) -> Result<Option<String>, Failure> {
    let project = session.project()?;
    let first = pairs.first().map(|(pair, _)| pair.stage);
    let is_one = pairs.iter().all(|(pair, _)| Some(pair.stage) == first);
    let stage = first
        .filter(|_| is_one)
        .and_then(|number| project.stages().get(number));
    Ok(stage.map(|stage| format!("{} {}", stage.number(), stage.slug())))
}
