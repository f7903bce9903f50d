//! Pairs handed out to a person: as a sheet, or as a page.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    /// Write the pairs as a sheet for a spreadsheet; `-` writes it to stdout. `review import` reads it back.
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
    ///
    /// # Errors
    /// If values are to be revealed, and nothing is to be written: a list has none.
    pub(super) fn is_asked(&self, json: bool) -> Result<bool, Failure> {
        let is_asked = self.csv.is_some() || self.html.is_some();
        let to_stdout = [&self.csv, &self.html]
            .into_iter()
            .flatten()
            .filter(|path| path.as_path() == Path::new("-"));
        if to_stdout.count() > usize::from(!json) {
            return Err(Failure::usage(
                "review.stdout",
                "stdout takes one thing: the sheet, the page or the envelope of --json",
                "name a file",
            ));
        }
        if self.revealing.reveal && !is_asked {
            return Err(Failure::usage(
                "review.reveal",
                "a list has no values to reveal",
                "add --csv FILE or --html FILE, or reveal one pair with `counterfoil review show PAIR --reveal --reason TEXT`",
            ));
        }
        Ok(is_asked)
    }

    /// Writes the files. `asks`: what the person is asked.
    pub(super) fn write<'a>(
        &'a self,
        session: &Session<'_>,
        command: &str,
        made: String,
        queue: &[QueuedPair],
        asks: PageMode,
    ) -> Result<String, Failure> {
        // Before anything is revealed, because a file may not be writable.
        let begin = |path: &'a Option<PathBuf>| path.as_deref().map(Output::begin).transpose();
        let (csv, html) = (begin(&self.csv)?, begin(&self.html)?);
        let pairs = self.compared(session, command, queue)?;
        let mut text = String::new();
        let number = counted(pairs.len() as u64, "pair");
        let mut wrote = |path: Option<&PathBuf>| {
            if let Some(path) = path.filter(|path| path.as_path() != Path::new("-")) {
                text += &format!("Wrote {number} to {}.\n", shown(&path.display().to_string()));
            }
        };
        if let Some(csv) = csv {
            csv.write(|out| write_sheet(out, &pairs))?;
            wrote(self.csv.as_ref());
        }
        if let Some(html) = html {
            let settings = session.settings()?;
            let options = PageOptions::new(settings.name, made)
                .mode(asks)
                .stage(one_stage(session, &pairs)?);
            html.write(|out| page(&options, &pairs, out))?;
            wrote(self.html.as_ref());
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

/// Where pairs are written to.
enum Output<'p> {
    Stdout,
    File(NewFile<'p>),
}

impl<'p> Output<'p> {
    /// Begins a file that only its owner can read; `-` is stdout.
    fn begin(path: &'p Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        Ok(Self::File(NewFile::begin_private(path)?))
    }

    /// Writes all of it.
    fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                let written = write(&mut out).and_then(|()| out.flush());
                written.map_err(|error| Failure::output(&error))
            }
            Self::File(mut file) => {
                let written = write(&mut file).and_then(|()| file.flush());
                written.map_err(|error| file.unwritable(&error))?;
                file.finish()
            }
        }
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
