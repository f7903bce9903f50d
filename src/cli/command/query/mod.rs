//! `query`: shows records.

mod filter;
mod pretty;
mod search;
mod shown;

use counterfoil::path::Path;
use counterfoil::query::{Order, Query};
use counterfoil::record::RecordNumber;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::masking::{redactions, refuse_redacted};
use crate::cli::render::count;
use crate::cli::session::Session;
use filter::{RecordFilter, WhereCondition};
use search::{Matched, RecordSearch};
use shown::{OutputForm, QueryOutput};

/// Show records of a database, one JSON object per line.
///
/// EXPR is an expression as in stage files: `doc` is the record, `now()` the time of the command. Numbers
/// compare exactly. Where a field may be missing, use has(doc, "x") or doc.get("x") ?? y. Records for which
/// the expression fails are left out and counted on stderr.
///
/// Fields that stages redact are masked, and cannot be used in --where or --sort.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil query orders_v2 --where 'doc.pricing.total > 100.00' --sort pricing.total:desc\n  counterfoil query orders_v2 --id ORD-2024-001 --pretty"
)]
pub(crate) struct QueryCommand {
    /// The database.
    database: String,
    /// Only records for which this is true.
    #[arg(long = "where", value_name = "EXPR")]
    condition: Option<String>,
    /// Only the record with this id.
    #[arg(long, value_name = "ID", conflicts_with_all = ["condition", "sort", "after"])]
    id: Option<String>,
    /// Sort by the value at a path; may be repeated.
    #[arg(long, value_name = "PATH[:desc]")]
    sort: Vec<String>,
    /// Maximum number of records to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Only records with a number above this one, for the next page; not with --sort.
    #[arg(long, value_name = "NUMBER", conflicts_with = "sort")]
    after: Option<RecordNumber>,
    /// Count all matching records. Without it, counting stops after a moment, and the total is shown as `at
    /// least` a number.
    #[arg(long, conflicts_with = "id")]
    count: bool,
    /// Show `{"record":NUMBER,"id":ID,"data":DATA}` instead of the data alone.
    #[arg(long)]
    with_id: bool,
    /// Show each record on several lines.
    #[arg(long)]
    pretty: bool,
}

impl QueryCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        let redact = redactions(session, &store)?;
        session.has_database(&store, &self.database)?;
        let total = store.count(&self.database)?;
        let condition = self
            .condition
            .as_deref()
            .map(WhereCondition::compile)
            .transpose()?;
        if let Some(condition) = &condition {
            refuse_redacted(&condition.reads(), &redact, "a condition on", session)?;
        }
        let query = self.query()?;
        let sorted: Vec<Path> = query.sorts().iter().map(|sort| sort.path.clone()).collect();
        refuse_redacted(&sorted, &redact, "sorting by", session)?;
        let how = OutputForm {
            with_id: self.with_id,
            pretty: self.pretty,
        };
        let now_us = store.environment().clock.now_us();
        let mut search = RecordSearch {
            session,
            store: &store,
            database: &self.database,
            after: self.after.unwrap_or_default(),
            redact: &redact,
            filter: RecordFilter::new(condition.as_ref(), &self.database, now_us),
            shown: QueryOutput::new(how, session.screen.json),
            limit: self.limit,
            counts_all: self.count,
        };
        let mut unseen = sorted;
        let matched = match &self.id {
            Some(id) => search.by_id(id)?,
            None if query.sorts().is_empty() => search.in_order()?,
            None => search.sorted(&query, &mut unseen)?,
        };
        let RecordSearch { filter, shown, .. } = search;
        let next = self.next(&shown, matched);
        let unsorted = unseen.iter().filter(|_| total > 0).map(|path| {
            format!(
                "no record of `{}` has `{path}`, so sorting by it has no effect",
                self.database
            )
        });
        let warnings: Vec<String> = filter.warning().into_iter().chain(unsorted).collect();
        let data = json!({
            "database": self.database,
            "total": total,
            "matched": matched.records,
            "matched_exactly": matched.is_exact,
        });
        let mut answer = Answer::new(data, "").warnings(warnings);
        if let Some(list) = shown.finish()? {
            answer = answer.list("records", list);
        }
        answer.hints.extend(next);
        Ok(answer)
    }

    /// Returns how to see more, if more match than are shown.
    fn next(&self, shown: &QueryOutput, matched: Matched) -> Option<String> {
        if shown.count != self.limit || !matched.goes_beyond(shown.count as u64) {
            return None;
        }
        let last = shown.last;
        let next = match (self.sort.is_empty(), self.count || matched.is_exact) {
            (false, _) => "--limit N shows more".to_owned(),
            (true, true) => format!("next page: --after {last}"),
            (true, false) => format!("next page: --after {last}; --count counts all"),
        };
        let shown = count(shown.count as u64);
        Some(format!("{shown} of {} shown; {next}", self.of_how_many(matched)))
    }

    /// Returns how many match in total.
    fn of_how_many(&self, matched: Matched) -> String {
        let least = if matched.is_exact { "" } else { "at least " };
        let which = match (&self.condition, self.after) {
            (Some(_), None) => " that match",
            (Some(_), Some(_)) => " that match from there on",
            (None, Some(_)) => " from there on",
            (None, None) => "",
        };
        format!("{least}{}{which}", count(matched.records))
    }

    fn query(&self) -> Result<Query, Failure> {
        let mut query = Query::new().limit(self.limit);
        for sort in &self.sort {
            let (path, order) = match sort.rsplit_once(':') {
                Some((path, "desc")) => (path, Order::Descending),
                Some((path, "asc")) => (path, Order::Ascending),
                _ => (sort.as_str(), Order::Ascending),
            };
            query = query.sort(path, order).map_err(|error| {
                Failure::usage(
                    "query.sort",
                    error.to_string(),
                    "give a path such as pricing.total:desc",
                )
            })?;
        }
        Ok(query)
    }
}
