//! `quarantine list`: page after page, so that a long list is never in memory.

use counterfoil::quarantine::{Naming, Quarantined, Selected, each_quarantined, has_earlier_version};
use counterfoil::store::Store;
use serde_json::json;

use super::told::row;
use super::{List, Places};
use crate::cli::answer::{Answer, Listed, json};
use crate::cli::failure::Failure;
use crate::cli::outcome::{refusals_json, refused_by, standing};
use crate::cli::render::{count, counted, dim, table, word};
use crate::cli::screen::to_stdout;
use crate::cli::session::Session;

impl List {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open_to_read()?;
        let totals = standing(&store, &project, |stage| {
            self.choice.stage.is_none_or(|only| stage == Some(only))
        })?;
        let selected = self.choice.selected();
        let data = json!({ "totals": refusals_json(&totals) });
        let mut listing = Listing::new(session, &store)?;
        let mut failed = None;
        each_quarantined(&store, &project, &selected, self.limit, |refused| {
            if listing.count == 0 && !session.screen.json {
                failed = told_totals(&totals).err();
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
            let text = if selected == Selected::default() {
                "Nothing is in quarantine.\n"
            } else {
                "Nothing like that is in quarantine.\n"
            };
            return Ok(answer.text(text));
        };
        let text = if found == self.limit {
            dim(&format!(
                "at most {} are listed; more with --limit\n",
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

fn told_totals(totals: &[(Option<u32>, String, u64)]) -> Result<(), Failure> {
    let rows = totals
        .iter()
        .map(|(stage, code, records)| vec![refused_by(*stage), code.clone(), count(*records)]);
    let text = table(&["refused by", "code", ">records"], rows) + "\n";
    to_stdout(&text).map_err(|error| Failure::output(&error))
}

/// So many records are one table: of a longer list, its columns are as wide as its own records need.
const PAGE: usize = 500;

/// The list, page after page.
struct Listing<'l> {
    store: &'l Store,
    places: Places,
    naming: Naming<'l>,
    json: bool,
    list: Listed,
    page: Vec<Vec<String>>,
    count: usize,
    /// How the first record that has an id is named, else the first.
    example: Option<String>,
}

impl<'l> Listing<'l> {
    fn new(session: &Session<'_>, store: &'l Store) -> Result<Self, Failure> {
        let places = Places::new(session, store)?;
        let naming = Naming::of(store, &[]);
        Ok(Self {
            store,
            places,
            naming,
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
        match (&self.places.id(refused), &self.example) {
            (Some(id), None) => self.example = Some(word(id).into_owned()),
            (Some(id), Some(example)) if example.starts_with("--record ") => {
                self.example = Some(word(id).into_owned());
            }
            (None, None) => self.example = Some(by_number),
            _ => {}
        }
        let stands = has_earlier_version(self.store, refused)?;
        let named = self.places.named(&mut self.naming, refused)?;
        let place = self.places.of(self.store, refused)?;
        if self.json {
            let mut record = json(&self.places.shown(refused));
            record["earlier_version"] = json!(stands);
            record["in_its_place"] = json!(place);
            record["named"] = json!(named);
            return self.list.push(&record);
        }
        let refused = self.places.shown(refused);
        self.page.push(row(&refused, stands, (place.as_ref(), &named)));
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
