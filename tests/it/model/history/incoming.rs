//! What comes from outside: loads and edits, and what is then known of the records.

use std::collections::BTreeSet;

use counterfoil::edit::{Edit, edit};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::record::RunId;
use counterfoil::{Error, RunInfo};

use super::super::scratch::{Base, data, is_processed, rows};
use super::{Checked, History, failed};

impl History {
    pub(super) fn load(
        &mut self,
        database: &str,
        lines: &[(u8, u8, i64)],
        replace: bool,
        broken: bool,
    ) -> Checked {
        self.loads += 1;
        let mut ids = BTreeSet::new();
        let lines = lines.iter().filter(|(id, ..)| ids.insert(*id));
        let lines: Vec<(String, String)> = lines
            .map(|(id, key, n)| (format!("k{id}"), data(&format!("k{id}"), *key, *n, "")))
            .collect();
        let before = rows(&self.world.store, database);
        let text: String = lines.iter().map(|(_, data)| format!("{data}\n")).collect();
        let text = text + if broken { "{\"id\": no record\n" } else { "" };
        let options = LoadOptions::default().replace(replace).batch_size(3);
        let name = format!("{}.ndjson", self.loads);
        load(
            &mut self.world.store,
            database,
            &name,
            text.as_bytes(),
            &options,
            &mut Silent,
        )
        .map_err(|error| failed("load", &error))?;
        for (id, data) in lines {
            let was = before.iter().find(|row| row.id == id);
            if was.is_none() || replace {
                self.came(
                    database,
                    &id,
                    was.map(|row| row.data.clone()).as_deref(),
                    Some(data),
                );
            }
        }
        Ok(())
    }

    pub(super) fn edit(&mut self, database: &str, id: &str, change: &Edit, text: Option<String>) -> Checked {
        let before = rows(&self.world.store, database);
        let was = before
            .iter()
            .find(|row| row.id == id)
            .map(|row| (row.number.get(), row.data.clone()));
        let known = [&self.base, &self.deleted, &self.fixed].map(Base::clone);
        let edits = std::slice::from_ref(change);
        match edit(&mut self.world.store, database, edits, &RunInfo::new("edit")) {
            Ok(_) => {}
            // Not there, or being filled.
            Err(Error::NoSuchRecord { .. } | Error::Invalid { .. }) => return Ok(()),
            Err(error) => return Err(failed("edit", &error)),
        }
        if let (None, Some((number, _))) = (&text, &was) {
            let key = (database.to_owned(), *number);
            if let Some(base) = self.base.remove(&key) {
                self.deleted.insert(key, base);
            }
        }
        let is_now = rows(&self.world.store, database)
            .into_iter()
            .find(|row| row.id == id);
        let numbers = [
            was.as_ref().map(|(number, _)| *number),
            is_now.map(|row| row.number.get()),
        ];
        let keys = numbers
            .into_iter()
            .flatten()
            .map(|number| (database.to_owned(), number));
        let before = |key: (String, i64)| {
            let known = known.each_ref().map(|of| of.get(&key).cloned());
            (key, known)
        };
        // An edit that has written nothing has no run.
        let run = self.run_number();
        self.edits
            .entry(run)
            .or_insert_with(|| keys.map(before).collect());
        self.came(database, id, was.map(|(_, data)| data).as_deref(), text);
        Ok(())
    }

    /// What came from outside to a database that stages write to. What is there in its new shape already stays what it
    /// began as: it was changed by hand.
    fn came(&mut self, database: &str, id: &str, was: Option<&str>, text: Option<String>) {
        let after = rows(&self.world.store, database);
        if self.layout.is_pure_source(database) {
            self.numbers.extend(after.iter().map(|row| row.number.get()));
            return;
        }
        let Some(text) = text else { return };
        let Some(row) = after.iter().find(|row| row.id == id) else {
            return;
        };
        // What a stage had brought there, and one in place has refused, is changed by hand and not new: it has its number.
        let key = (database.to_owned(), row.number.get());
        let is_put = self.base.contains_key(&key) || self.deleted.contains_key(&key);
        if self.numbers.contains(&row.number.get())
            || (row.number.get() <= self.newest && !is_put) && was.is_none()
        {
            return;
        }
        let is_new = was.is_none();
        let is_raw = was.is_some_and(|was| !is_processed(was)) && !self.fixed.contains_key(&key);
        if is_new || (is_raw && self.base.contains_key(&key)) {
            self.base.insert(key, (id.to_owned(), text));
        } else {
            self.fixed.insert(key, (id.to_owned(), text));
        }
    }

    /// What was put or deleted by hand is what it was before.
    pub(super) fn edit_was_undone(&mut self, run: RunId) {
        for (key, known) in self.edits.remove(&run).unwrap_or_default() {
            for (of, before) in [&mut self.base, &mut self.deleted, &mut self.fixed]
                .into_iter()
                .zip(known)
            {
                match before {
                    Some(before) => of.insert(key.clone(), before),
                    None => of.remove(&key),
                };
            }
        }
    }
}
