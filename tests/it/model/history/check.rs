//! What is checked after every step, on a copy.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::{ApplyOptions, apply};

use counterfoil::environment::Environment;
use counterfoil::observe::Silent;
use counterfoil::stage::MaxErrors;
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use proptest::prelude::*;

use super::super::scratch::{rows, scratch};
use super::{Checked, History, failed};

impl History {
    /// Brings a copy up to date and compares it with what the stages make from scratch.
    pub(super) fn check(&self) -> Checked {
        let path = self.world.beside("copy.db");
        std::fs::copy(self.world.store.path(), &path).expect("a copy");
        let mut copy =
            Store::open(&path, StoreOptions::default(), Environment::default()).expect("the copy opens");
        let options = ApplyOptions::default().max_errors(MaxErrors::Count(1_000));
        match apply(&mut copy, &self.world.stages, &options, &mut Silent) {
            Err(error) => return Err(failed("apply", &error)),
            Ok(report) => prop_assert_eq!(report.stopped, None, "nothing is left that stops it"),
        }
        let again = apply(&mut copy, &self.world.stages, &options, &mut Silent);
        let again = again.map_err(|error| failed("apply again", &error))?;
        prop_assert!(
            again.passes.is_empty(),
            "a second apply finds nothing to do: {:?}",
            again.passes
        );
        let report = verify(&copy, &VerifyOptions::default()).expect("a verification");
        prop_assert!(report.is_sound(), "{:#?}", report.findings);
        let ledger = rusqlite::Connection::open(copy.path()).expect("a store");
        let problems = "SELECT (SELECT count(*) FROM audit_chain_problem)
         + (SELECT count(*) FROM ledger_batch WHERE read<>written+unchanged+filtered+refused+merged)";
        let problems: i64 = ledger.query_row(problems, [], |row| row.get(0)).expect("a view");
        prop_assert_eq!(problems, 0);
        drop(ledger);
        if self.layout.is_compared() && !(self.forced && self.was_touched()) {
            self.compare(&copy)?;
        }
        drop(copy);
        for ending in ["", ".lock", ".checkpoints"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
        Ok(())
    }

    /// Every target against what its stages make from scratch.
    fn compare(&self, copy: &Store) -> Checked {
        let named = copy.deviations(&self.world.stages).expect("deviations");
        for target in self.layout.targets() {
            let is: BTreeMap<String, String> = rows(copy, target)
                .into_iter()
                .map(|row| (row.id, row.data))
                .collect();
            let would_be = scratch(copy, &self.layout, target, (&self.base, &self.fixed));
            let ids: BTreeSet<&String> = is.keys().chain(would_be.keys()).collect();
            let differing: BTreeSet<&str> = ids
                .into_iter()
                .filter(|id| is.get(*id) != would_be.get(*id))
                .map(String::as_str)
                .collect();
            let of_target = named.iter().filter(|deviation| deviation.database == target);
            let named_ids: BTreeSet<&str> = of_target.map(|deviation| deviation.id.as_str()).collect();
            prop_assert_eq!(
                &differing,
                &named_ids,
                "{}: is {:#?}, from scratch {:#?}, named {:#?}",
                target,
                is,
                would_be,
                named
            );
        }
        Ok(())
    }
}
