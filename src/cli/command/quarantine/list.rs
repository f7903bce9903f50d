//! `quarantine list`: page after page, so that a long list is never in memory.

use counterfoil::quarantine::{Quarantined, Selected};
use counterfoil::store::Store;
use serde_json::json;

use super::choice::Choice;
use super::lookup::RefusedLookup;
use super::render::row;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::listed::Listed;
use crate::cli::refusals::{QuarantineTotal, refusals_json, refusals_table, totals};
use crate::cli::render::{counted, dim, table, word};
use crate::cli::screen::to_stdout;
use crate::cli::session::Session;

/// List refused records with their reasons.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil quarantine list --stage 1 --code address.unparsed")]
pub(super) struct List {
    #[command(flatten)]
    choice: Choice,
    /// Maximum number of records to list; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl List {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open_to_read()?;
        let mut totals = totals(&store, &project)?;
        if let Some(only) = self.choice.stage {
            totals.retain(|total| total.stage == Some(only));
        }
        let selected = self.choice.found(&store, &project)?;
        let data = json!({ "totals": refusals_json(&totals) });
        let mut listing = Listing::new(session, &store)?;
        let mut failed = None;
        store.each_quarantined(&project, &selected, self.limit, |refused| {
            if listing.count == 0 && !session.screen.json {
                failed = print_totals(&totals).err();
            }
            if failed.is_none() {
                failed = listing.add(&refused).err();
            }
            Ok(failed.is_none())
        })?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        let (found, example) = (listing.count, listing.example.take());
        let answer = Answer::new(data, "").list("records", listing.finish()?);
        let Some(example) = example else {
            let text = if self.limit == 0 {
                "With --limit 0, no record is listed.\n"
            } else if selected == Selected::default() {
                "The quarantine is empty.\n"
            } else {
                "No match in quarantine.\n"
            };
            return Ok(answer.text(text));
        };
        let text = if found == self.limit {
            dim(&format!(
                "only {} are listed; --limit lists more\n",
                counted(self.limit as u64, "record")
            ))
        } else {
            String::new()
        };
        Ok(answer
            .text(text)
            .hint(session.command(&format!("quarantine show {example}"))))
    }
}

fn print_totals(totals: &[QuarantineTotal]) -> Result<(), Failure> {
    to_stdout(&(refusals_table(totals) + "\n")).map_err(|error| Failure::output(&error))
}

/// Number of records in one table: a longer list has several, each with its own column widths.
const PAGE: usize = 500;

/// The list, page after page.
struct Listing<'l> {
    lookup: RefusedLookup<'l>,
    json: bool,
    list: Listed,
    page: Vec<Vec<String>>,
    count: usize,
    /// Name of the first record with an id, or else of the first.
    example: Option<String>,
}

impl<'l> Listing<'l> {
    fn new(session: &Session<'_>, store: &'l Store) -> Result<Self, Failure> {
        Ok(Self {
            lookup: RefusedLookup::new(session, store, &[])?,
            json: session.screen.json,
            list: Listed::new(),
            page: Vec::new(),
            count: 0,
            example: None,
        })
    }

    fn add(&mut self, refused: &Quarantined) -> Result<(), Failure> {
        self.count += 1;
        let by_number = format!("--record {}", refused.record);
        match (&self.lookup.id(refused), &self.example) {
            (Some(id), None) => self.example = Some(word(id).into_owned()),
            (Some(id), Some(example)) if example.starts_with("--record ") => {
                self.example = Some(word(id).into_owned());
            }
            (None, None) => self.example = Some(by_number),
            _ => {}
        }
        let looked = self.lookup.look(refused)?;
        if self.json {
            let mut record = json(&looked.refused);
            looked.complete(&mut record);
            return self.list.push(&record);
        }
        self.page.push(row(&looked));
        if self.page.len() == PAGE {
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Failure> {
        let columns = [">record", "id", "refused by", "route", "code", "why", "when"];
        let text = table(&columns, std::mem::take(&mut self.page));
        to_stdout(&text).map_err(|error| Failure::output(&error))
    }

    fn finish(mut self) -> Result<Listed, Failure> {
        if !self.page.is_empty() {
            self.turn()?;
        }
        Ok(self.list)
    }
}
