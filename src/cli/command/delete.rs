//! `delete`: deletes one record.

use counterfoil::edit::{Edit, edit};
use counterfoil::stage::Stage;
use serde_json::json;

use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::missing::missing_record;
use crate::cli::render::shown;
use crate::cli::session::Session;

/// Delete one record from a database; the ledger records who deleted it and why, and keeps its data.
///
/// The next `counterfoil apply` removes the copies that stages made of it in other databases. `counterfoil
/// rollback --run N` restores it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil delete orders_v1 ORD-2024-001 --reason \"entered twice\"")]
pub(crate) struct Delete {
    /// The database.
    database: String,
    /// The record's id.
    id: String,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Delete {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let mut store = session.open()?;
        // Lists the existing databases if the name is mistyped; deleting from a missing database would create it.
        if !session.has_database(&store, &self.database)? {
            let (database, id) = (self.database.clone(), self.id.clone());
            return Err(counterfoil::Error::NoSuchRecord { database, id }.into());
        }
        let run_info = session.run_info("delete", Some(&self.reason), &[&self.id]);
        let edits = [Edit::Delete { id: self.id.clone() }];
        let report = edit(&mut store, &self.database, &edits, &run_info)
            .map_err(|error| missing_record(session, &store, error))?;
        let run = report.run.unwrap_or_default();
        let text = format!(
            "Deleted {} from {} (run {run}).\n",
            shown(&self.id),
            shown(&self.database)
        );
        let mut data = json(&report);
        data["database"] = json!(self.database);
        data["id"] = json!(self.id);
        let mut answer = Answer::new(data, text);
        let copied = session.stages().ok().flatten().is_some_and(|project| {
            let reads = |stage: &Stage| stage.source() == self.database && !stage.in_place();
            project.stages().iter().any(reads)
        });
        if copied {
            answer = answer.hint(format!(
                "{} removes the copies that stages made of it",
                session.command("apply")
            ));
        }
        Ok(answer.hint(format!(
            "{} restores it",
            session.command(&format!("rollback --run {run}"))
        )))
    }
}
