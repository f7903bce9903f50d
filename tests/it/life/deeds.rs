//! What a day brings: files, corrections, hand fixes, retries, waivers, rollbacks, kills.

use std::time::Duration;

use serde_json::{Value, json};

use super::Life;
use super::model::Row;
use super::stages::SOURCES;

/// Something that was done to the sources, to be done again after an older copy was restored.
#[derive(Clone)]
pub(super) enum Deed {
    Load(String, String, bool),
    Delete(String, String),
}

impl Life {
    fn order(&mut self, id: &str) -> String {
        let random = &mut self.random;
        let whole = random.below(1_000);
        let amount = match random.below(20) {
            0 => format!("€{whole}.{:02}", random.below(100)),
            1 => "n/a".to_owned(),
            2..6 => format!("${whole}.{:02}", random.below(100)),
            _ => format!("{whole}.{:02}", random.below(100)),
        };
        let status = *random
            .pick(&["n", "n", "n", "p", "p", "p", "s", "s", "l", "test", "x"])
            .expect("there are some");
        let note = *random
            .pick(&["", "", "gift", "to the door", "???"])
            .expect("there are some");
        let lines: Vec<Value> = (0..random.below(4))
            .map(|at| json!({"sku": format!("s{}", at * 3 + random.below(3)), "qty": 1 + random.below(9)}))
            .collect();
        let customer = format!("C{}", random.below(200));
        let slot = random.below(400);
        json!({"id": id, "customer": customer, "amount": amount, "status": status, "slot": slot, "lines": lines, "note": note})
            .to_string()
    }

    fn customer(&mut self, id: &str) -> String {
        let random = &mut self.random;
        let name = *random
            .pick(&["Ada", "Grace", "Hedy", "?"])
            .expect("there are some");
        let age = i64::try_from(random.below(70)).expect("few") - 3;
        let email = format!("m{}@example.org", random.below(150));
        json!({"id": id, "name": name, "email": email, "age": age, "active": random.chance(85)}).to_string()
    }

    fn new_record(&mut self, source: &str) -> String {
        let at = self.newest;
        self.newest += 1;
        if source == "orders_raw" {
            self.order(&format!("O{at}"))
        } else {
            self.customer(&format!("C{at}"))
        }
    }

    /// The day's files: new records, corrections of older ones, and now and then a line that is none.
    pub(super) fn files_come(&mut self) {
        for source in SOURCES {
            let mut lines: Vec<String> = Vec::new();
            for _ in 0..2 + self.random.below(if source == "orders_raw" { 10 } else { 4 }) {
                let line = self.new_record(source);
                lines.push(line);
            }
            for _ in 0..self.random.below(4) {
                let known = self.model.source(source).to_vec();
                let Some((id, _)) = self.random.pick(&known).cloned() else {
                    break;
                };
                if lines
                    .iter()
                    .any(|line| line.contains(&format!("\"id\":\"{id}\"")))
                {
                    continue;
                }
                let line = if source == "orders_raw" {
                    self.order(&id)
                } else {
                    self.customer(&id)
                };
                lines.push(line);
            }
            if self.random.chance(20) {
                let at = usize::try_from(self.random.below(lines.len() as u64)).expect("few");
                lines.insert(at, format!("{{\"id\": \"broken on day {}", self.world.day));
            }
            let file = format!("{source}-{}.ndjson", self.world.day);
            let replace = self.random.chance(85);
            self.file(&file, lines);
            let kill = self.random.chance(self.kills);
            self.load(source, &file, replace, kill);
        }
    }

    fn file(&mut self, file: &str, lines: Vec<String>) {
        self.world.write(file, &(lines.join("\n") + "\n"));
        self.files.insert(file.to_owned(), lines);
    }

    /// Loads a file into a source, and kills it halfway where that is asked for.
    pub(super) fn load(&mut self, source: &str, file: &str, replace: bool, kill: bool) {
        let lines = self.files[file].clone();
        if let Some(journal) = &mut self.journal {
            journal.push(Deed::Load(source.to_owned(), file.to_owned(), replace));
        }
        let mut arguments = vec!["load", source, file];
        if replace {
            arguments.push("--replace");
        }
        let Some(from) = self.model.begins(source, file, &lines) else {
            self.world.run(&arguments, &[0]);
            return;
        };
        if kill {
            let limit = self.world.takes("load") * 5 / 4;
            let after = limit * u32::try_from(self.random.below(100)).expect("few") / 100;
            self.world.run_and_kill(&arguments, after);
            if self.adopt(source, file, &lines, from, replace) {
                return;
            }
        }
        self.world.run(&arguments, &[0, 3]);
        self.model
            .load(source, file, &lines, (from, lines.len()), replace);
    }

    /// Finds out how far a load has come that was killed: it must be a batch's end. `false` where that cannot be told.
    fn adopt(&mut self, source: &str, file: &str, lines: &[String], from: usize, replace: bool) -> bool {
        let is = self.world.rows(source);
        let mut fitting = Vec::new();
        for to in from..=lines.len() {
            let is_end = (to - from).is_multiple_of(super::BATCH) || to == lines.len();
            let mut model = self.model.clone();
            model.load(source, file, lines, (from, to), replace);
            if is_end && model.source(source) == is {
                fitting.push(model);
            }
        }
        match fitting.len() {
            0 => self
                .world
                .fail(&format!("{source} is at no batch's end of {file} after a kill")),
            1 => {
                self.model = fitting.remove(0);
                true
            }
            _ => false,
        }
    }

    /// Loads that were cut off go on, or their files come once more, corrected.
    pub(super) fn loads_go_on(&mut self) {
        for (source, file) in self.model.cut_off() {
            if self.random.chance(30) {
                self.load(&source, &file, true, false);
            }
        }
        let broken: Vec<String> = self
            .files
            .iter()
            .filter(|(_, lines)| lines.iter().any(|line| line.contains("broken on day")))
            .map(|(file, _)| file.clone())
            .collect();
        let Some(file) = self.random.pick(&broken).cloned() else {
            return;
        };
        if !self.random.chance(40) {
            return;
        }
        let source = file.split('-').next().expect("a part").to_owned();
        let fresh = self.new_record(&source);
        let corrected = self.files[&file].iter().map(|line| {
            if line.contains("broken on day") {
                fresh.clone()
            } else {
                line.clone()
            }
        });
        let corrected = corrected.collect();
        self.file(&file, corrected);
        let replace = self.random.chance(50);
        self.load(&source, &file, replace, false);
    }

    pub(super) fn records_go(&mut self) {
        for source in SOURCES {
            if self.random.chance(40) {
                let known = self.model.source(source).to_vec();
                let Some((id, _)) = self.random.pick(&known).cloned() else {
                    continue;
                };
                self.delete(source, &id);
            }
        }
    }

    pub(super) fn delete(&mut self, database: &str, id: &str) {
        if let (Some(journal), true) = (&mut self.journal, SOURCES.contains(&database)) {
            journal.push(Deed::Delete(database.to_owned(), id.to_owned()));
        }
        let said = self
            .world
            .run(&["delete", database, id, "--reason", "as asked"], &[0, 1]);
        if said.code == 0 {
            self.model.delete(database, id);
        } else if !said.err.contains("still filling") && !said.err.contains("index") {
            self.world.fail(&said.err);
        }
    }

    /// Somebody changes a target by hand.
    pub(super) fn hand_fixes(&mut self) {
        if self.random.chance(25) {
            self.fix_row();
        }
        if self.random.chance(10) {
            self.add_row();
        }
        if self.random.chance(10) {
            self.take_row_out();
        }
        if self.random.chance(8) {
            self.correct_refused_row();
        }
    }

    fn some_row(&mut self, databases: &[&str]) -> Option<(String, Row, usize)> {
        let database = *self.random.pick(databases)?;
        let rows = self.world.rows(database);
        let row = self.random.pick(&rows).cloned()?;
        Some((database.to_owned(), row, rows.len()))
    }

    fn hand_load(&mut self, database: &str, data: &str, more: &[&str]) -> bool {
        self.newest += 1;
        let file = format!("hand-{}.ndjson", self.newest);
        self.world.write(&file, &format!("{data}\n"));
        self.world.note(data);
        let id = match database {
            "orders_v2" => "order",
            "orders_v1" => "id",
            _ => "email",
        };
        let arguments = [&["load", database, &file, "--replace", "--id", id], more].concat();
        let said = self.world.run(&arguments, &[0, 1]);
        if said.code != 0 && !said.err.contains("still filling") && !said.err.contains("index") {
            self.world.fail(&said.err);
        }
        said.code == 0
    }

    fn fix_row(&mut self) {
        let databases = [
            "orders_v1",
            "orders_v2",
            "customers_v1",
            "customers_v2",
            "customers_latest",
        ];
        let Some((database, (id, data), _)) = self.some_row(&databases) else {
            return;
        };
        if self.model.is_by_hand(&database, &id) {
            return;
        }
        let mut value: Value = serde_json::from_str(&data).expect("stored data is JSON");
        let field = if database.starts_with("orders") {
            "note"
        } else {
            "name"
        };
        value[field] = format!("BY HAND ON DAY {}", self.world.day).into();
        self.hand_load(&database, &value.to_string(), &[]);
    }

    fn add_row(&mut self) {
        let database = *self
            .random
            .pick(&["orders_v1", "orders_v2", "customers_latest"])
            .expect("some");
        if self.world.rows(database).is_empty() {
            return;
        }
        let id = format!("H{}", self.newest);
        let slot = self.random.below(400);
        let lines = json!([{"sku": "s1", "qty": 2}]);
        let data = match database {
            "orders_v1" => {
                json!({"id": id, "customer": "C1", "amount": "12.50", "status": "p", "slot": slot, "lines": lines, "note": ""})
            }
            "orders_v2" => {
                json!({"order": id, "customer": "C1", "money": {"amount": 7, "slot": slot}, "status": "sent", "lines": lines, "note": ""})
            }
            _ => json!({"id": "C0", "name": "By Hand", "email": id, "age": 40, "active": true}),
        };
        let data = data.to_string();
        if self.hand_load(database, &data, &[]) {
            self.model.put_by_hand(database, (id, data));
        }
    }

    fn take_row_out(&mut self) {
        let databases = [
            "orders_v1",
            "orders_v2",
            "customers_v1",
            "customers_latest",
            "order_lines",
            "invoices",
        ];
        let Some((database, (id, _), _)) = self.some_row(&databases) else {
            return;
        };
        self.delete(&database, &id);
    }

    /// Whether a stage in place has taken a record out of a database.
    fn is_in_quarantine(&self, database: &str, id: &str) -> bool {
        let store = rusqlite::Connection::open(self.world.store()).expect("a store");
        let sql = "SELECT count(*) FROM audit_quarantine WHERE source=?1 AND database=?1 AND id=?2";
        let count: i64 = store
            .query_row(sql, [database, id], |row| row.get(0))
            .expect("a count");
        count > 0
    }

    /// What a stage in place has refused is put there again, corrected.
    fn correct_refused_row(&mut self) {
        let is = self.is.clone();
        let refused = self.model.refused_in_place("orders_v1", &self.applied(), &is);
        let there = self.world.rows("orders_v1");
        let refused: Vec<Row> = refused
            .into_iter()
            .filter(|(id, _)| !there.iter().any(|row| row.0 == *id))
            // After a restore, or a kill, no stage may have come to it again: then its id is nobody's.
            .filter(|(id, _)| self.is_in_quarantine("orders_v1", id))
            .collect();
        let Some((id, data)) = self.random.pick(&refused).cloned() else {
            return;
        };
        if self.model.is_by_hand("orders_v1", &id) {
            return;
        }
        let mut value: Value = serde_json::from_str(&data).expect("stored data is JSON");
        value["status"] = "p".into();
        value["amount"] = "100.00".into();
        let data = value.to_string();
        // It is still the record that the source has: one that is changed by hand, as it would not pass.
        self.hand_load("orders_v1", &data, &[]);
    }

    pub(super) fn quarantine(&mut self) {
        if self.stages.is_empty() {
            return;
        }
        if self.random.chance(15) {
            let stages: Vec<u32> = self.stages.iter().copied().collect();
            let stage = self.random.pick(&stages).expect("there are some").to_string();
            let mut arguments = vec!["quarantine", "retry"];
            if self.random.chance(60) {
                arguments.extend(["--stage", &stage]);
            }
            let said = self.world.run(&arguments, &[0, 2, 3, 5]);
            if said.code == 5 {
                arguments.extend(["--revise", "--reason", "as revised"]);
                self.world.run(&arguments, &[0, 3]);
            }
        }
        // Only where no revision is to come that would let them pass.
        if self.random.chance(8) {
            let stage = *self
                .random
                .pick(&["2", "4", "5", "6", "8", "12"])
                .expect("there are some");
            let arguments = ["quarantine", "waive", "--stage", stage, "--reason", "as agreed"];
            self.world.run(&arguments, &[0, 2]);
        }
    }

    pub(super) fn rollbacks(&mut self) {
        if !self.random.chance(8) || self.stages.is_empty() {
            return;
        }
        let stages: Vec<u32> = self.stages.iter().copied().collect();
        let stage = self.random.pick(&stages).expect("there are some").to_string();
        let run = self.some_run().to_string();
        let row = self.some_row(&[
            "orders_v1",
            "orders_v2",
            "customers_v1",
            "order_lines",
            "invoices",
        ]);
        let (database, (id, _), _) = row.unwrap_or_default();
        let scope: Vec<&str> = match self.random.below(6) {
            0 => vec!["--stage", &stage],
            1 => vec![],
            2 => vec!["--to", &stage],
            3 | 4 => vec!["--run", &run],
            _ if id.is_empty() || self.model.is_by_hand(&database, &id) => return,
            _ => vec!["--record", &database, &id],
        };
        let arguments = [&["rollback", "--yes", "--reason", "a mistake"][..], &scope].concat();
        self.world.run(&arguments, &[0, 1, 2, 9]);
    }

    /// One of the newest runs of `apply`.
    fn some_run(&mut self) -> i64 {
        let said = self.world.run(&["--json", "history", "--limit", "30"], &[0]);
        let told: Value = serde_json::from_str(&said.out).expect("an envelope");
        let runs = told["data"]["runs"].as_array().cloned().unwrap_or_default();
        let is_apply = |run: &&Value| run["command"] == "apply";
        let runs: Vec<i64> = runs
            .iter()
            .filter(is_apply)
            .filter_map(|run| run["run"].to_string().parse().ok())
            .collect();
        self.random.pick(&runs).copied().unwrap_or(0)
    }

    /// `true` where it went through.
    pub(super) fn apply(&mut self) -> bool {
        if self.random.chance(self.kills) {
            let limit = self.world.takes("apply") * 5 / 4;
            let after = limit * u32::try_from(self.random.below(100)).expect("few") / 100;
            let killed = self
                .world
                .run_and_kill(&["apply"], after.max(Duration::from_millis(2)));
            if killed && self.random.chance(60) {
                return false;
            }
        }
        let said = self.world.run(&["apply"], &[0, 3, 5]);
        if said.code == 5 {
            self.world
                .run(&["apply", "--revise", "--reason", "more pass now"], &[0, 3]);
        }
        true
    }
}
