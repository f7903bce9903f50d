//! The commands, each in a separate file or folder; none uses another.

mod apply;
mod backup;
mod check;
mod checkpoint;
mod delete;
mod demo;
mod explain;
mod export;
mod history;
mod init;
mod load;
mod new;
mod plan;
mod profile;
mod prove;
mod quarantine;
mod query;
mod reconcile;
mod report;
mod review;
mod rollback;
mod schema;
mod status;
mod test;
mod trace;
mod unmerge;
mod validate;
mod verify;
mod verify_proof;

use clap::Subcommand;

use super::answer::Answer;
use super::failure::Failure;
use super::session::Session;

/// The commands, in the order of a migration's life.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Init),
    New(new::New),
    Check(check::Check),
    Test(test::Test),
    Load(load::Load),
    Profile(profile::ProfileCommand),
    Validate(validate::Validate),
    Status(status::Status),
    Plan(plan::PlanCommand),
    Apply(apply::Apply),
    Quarantine(quarantine::Quarantine),
    Review(review::Review),
    Unmerge(unmerge::UnmergeCommand),
    Query(query::QueryCommand),
    Export(export::Export),
    Delete(delete::Delete),
    History(history::History),
    Trace(trace::Trace),
    Explain(explain::Explain),
    Reconcile(reconcile::ReconcileCommand),
    Verify(verify::Verify),
    Report(report::Report),
    Checkpoint(checkpoint::CheckpointCommand),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Prove(prove::Prove),
    VerifyProof(verify_proof::VerifyProof),
    Rollback(rollback::Rollback),
    Schema(schema::Schema),
    Demo(demo::Demo),
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::New(_) => "new",
            Self::Check(_) => "check",
            Self::Test(_) => "test",
            Self::Load(_) => "load",
            Self::Profile(_) => "profile",
            Self::Validate(_) => "validate",
            Self::Status(_) => "status",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Quarantine(command) => command.name(),
            Self::Review(command) => command.name(),
            Self::Unmerge(_) => "unmerge",
            Self::Query(_) => "query",
            Self::Export(_) => "export",
            Self::Delete(_) => "delete",
            Self::History(_) => "history",
            Self::Trace(_) => "trace",
            Self::Explain(_) => "explain",
            Self::Reconcile(_) => "reconcile",
            Self::Verify(_) => "verify",
            Self::Report(_) => "report",
            Self::Checkpoint(_) => "checkpoint",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::Prove(_) => "prove",
            Self::VerifyProof(_) => "verify-proof",
            Self::Rollback(_) => "rollback",
            Self::Schema(_) => "schema",
            Self::Demo(_) => "demo",
        }
    }

    /// Returns whether it only reads, so that it may end anywhere without a trace.
    pub(crate) fn ends_at_once(&self) -> bool {
        [
            "status",
            "history",
            "trace",
            "explain",
            "query",
            "prove",
            "quarantine list",
            "quarantine show",
            "review list",
            "review show",
            "review sample",
            "review calibrate",
        ]
        .contains(&self.name())
    }

    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        match self {
            Self::Init(init) => init.run(session),
            Self::New(new) => new.run(session),
            Self::Check(check) => check.run(session),
            Self::Test(test) => test.run(session),
            Self::Load(load) => load.run(session),
            Self::Profile(profile) => profile.run(session),
            Self::Validate(validate) => validate.run(session),
            Self::Status(status) => status.run(session),
            Self::Plan(plan) => plan.run(session),
            Self::Apply(apply) => apply.run(session),
            Self::Quarantine(quarantine) => quarantine.run(session),
            Self::Review(review) => review.run(session),
            Self::Unmerge(unmerge) => unmerge.run(session),
            Self::Query(query) => query.run(session),
            Self::Export(export) => export.run(session),
            Self::Delete(delete) => delete.run(session),
            Self::History(history) => history.run(session),
            Self::Trace(trace) => trace.run(session),
            Self::Explain(explain) => explain.run(session),
            Self::Verify(verify) => verify.run(session),
            Self::Reconcile(reconcile) => reconcile.run(session),
            Self::Report(report) => report.run(session),
            Self::Checkpoint(checkpoint) => checkpoint.run(session),
            Self::Backup(backup) => backup.run(session),
            Self::Restore(restore) => restore.run(session),
            Self::Prove(prove) => prove.run(session),
            Self::VerifyProof(verify) => verify.run(session),
            Self::Rollback(rollback) => rollback.run(session),
            Self::Schema(schema) => schema.run(),
            Self::Demo(demo) => demo.run(session),
        }
    }
}
