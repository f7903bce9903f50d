//! `profile`: what the records of a database look like.

use std::path::PathBuf;

use counterfoil::path::Path;
use counterfoil::profile::{FieldProfile, ProfileOptions, ProfileReport, profile};
use counterfoil::project::Project;
use counterfoil::record::REDACTED;
use counterfoil::stage::Aggregate;
use serde_json::json;

use crate::cli::answer::{Answer, NamedList, json};
use crate::cli::failure::{Failure, stopped_reading};
use crate::cli::masking::redactions;
use crate::cli::render::{bold, bytes, count, counted, dim, shown, table};
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::validation::ValidationView;

/// Summarize the fields of a database: types, nulls, distinct values and ranges.
///
/// Numbers are compared exactly at any length. Values of redacted fields are not shown. The command only
/// reads, and does not keep its result. With --contract it also reports the records that violate a contract,
/// as `counterfoil validate` does; the exit code is then 3 if there are any.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil profile orders_v1\n  counterfoil profile orders_v1 --contract order.schema.json\n  counterfoil profile windows_v1 --by sensor_id"
)]
pub(crate) struct ProfileCommand {
    /// The database.
    database: String,
    /// Count the records by the values of this field instead.
    ///
    /// Of windows, the values with most anomalies come first, each with its readings, its empty windows and its anomalies.
    #[arg(long, value_name = "FIELD", conflicts_with = "contract")]
    by: Option<Path>,
    /// Show at most this many values.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "by")]
    limit: usize,
    /// Also report the records that violate this JSON Schema (2020-12).
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
}

impl ProfileCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        session.has_database(&store, &self.database)?;
        let redact = redactions(session, &store)?;
        let mut options = ProfileOptions::default()
            .redact(&redact)
            .stop(stop_signal(session.screen, "profile")?);
        let project = session.stages().ok().flatten();
        let aggregate = project
            .as_ref()
            .and_then(|project| made_by(project, &self.database));
        if let Some(by) = &self.by {
            options = options.by(by.clone());
            options.aggregate = aggregate;
        }
        let mut report = profile(&store, &self.database, &options)?;
        let all = report.groups.len();
        report.groups.truncate(self.limit);
        let text = match &self.by {
            Some(by) => by_groups(&report, by, all, aggregate),
            None => render(&report),
        };
        let mut answer = Answer::new(json(&report), text);
        if report.stopped.is_some() {
            return Ok(answer.failed(stopped_reading()));
        }
        if let Some(contract) = &self.contract {
            drop(store);
            let validation = ValidationView {
                database: &self.database,
                contract: Some(contract),
                stage: None,
                since: None,
                limit: 5,
                output: None,
            };
            let validated = validation.run(session, options.stop)?;
            answer.data["validation"] = validated.data;
            return Ok(Answer {
                data: answer.data,
                text: answer.text + &format!("\n{}", validated.text),
                list: validated.list.map(|named| NamedList {
                    name: "validation/findings",
                    list: named.list,
                }),
                ..validated
            });
        }
        Ok(answer)
    }
}

/// Returns what makes the windows of a database.
fn made_by<'p>(project: &'p Project, database: &str) -> Option<&'p Aggregate> {
    let mut stages = project.stages().iter();
    stages.find(|stage| stage.target() == database)?.aggregate()
}

/// The records by the values of a field.
fn by_groups(report: &ProfileReport, by: &Path, all: usize, aggregate: Option<&Aggregate>) -> String {
    let mut text = format!(
        "{} of {}, {} of {by}\n",
        counted(
            report.records,
            if aggregate.is_some() { "window" } else { "record" }
        ),
        bold(&shown(&report.database)),
        counted(all as u64, "value"),
    );
    let name = by.to_string();
    let mut header = vec![name.as_str()];
    header.extend(match aggregate {
        None => &[">records"][..],
        Some(aggregate) if !aggregate.has_windows() => &[">readings"],
        Some(_) => &[">readings", ">windows", ">empty", ">anomalies", "first", "last"],
    });
    let rows = report.groups.iter().map(|group| {
        let mut row = vec![group.value.clone().unwrap_or_else(|| REDACTED.to_owned())];
        match aggregate {
            None => row.push(count(group.records)),
            Some(aggregate) if !aggregate.has_windows() => row.push(count(group.readings)),
            Some(_) => {
                row.extend([group.readings, group.records, group.empty, group.anomalies].map(count));
                row.extend([&group.first, &group.last].map(|at| at.clone().unwrap_or_default()));
            }
        }
        row
    });
    text += &table(&header, rows);
    if all > report.groups.len() {
        text += &format!(
            "only {} of them are shown; --limit shows more\n",
            count(report.groups.len() as u64)
        );
    }
    text
}

fn render(report: &ProfileReport) -> String {
    let mut text = format!(
        "{} of {}, {}\n",
        counted(report.records, "record"),
        bold(&shown(&report.database)),
        bytes(report.bytes)
    );
    if report.fields.is_empty() {
        return text;
    }
    let rows = report.fields.iter().map(row);
    let header = [
        "field",
        ">missing",
        ">null",
        ">empty",
        "types",
        ">distinct",
        "from",
        "to",
    ];
    text += &table(&header, rows);
    let few: Vec<&FieldProfile> = report
        .fields
        .iter()
        .filter(|field| !field.frequent.is_empty())
        .collect();
    if !few.is_empty() {
        text += &format!("\n{}\n", bold("Fields with few distinct values"));
    }
    for field in few {
        let values = field
            .frequent
            .iter()
            .map(|found| format!("{} {}", found.value, dim(&count(found.count))));
        text += &format!(
            "  {}: {}\n",
            shown(&field.path),
            values.collect::<Vec<_>>().join(", ")
        );
    }
    text
}

fn row(field: &FieldProfile) -> Vec<String> {
    let bound = if field.distinct_is_bound { "at least " } else { "" };
    let [from, to] = range(field);
    vec![
        field.path.clone(),
        count(field.missing),
        count(field.nulls),
        count(field.empty),
        kinds(field),
        format!("{bound}{}", count(field.distinct)),
        from,
        to,
    ]
}

/// The kinds, the most frequent first, with their shares where there are several.
fn kinds(field: &FieldProfile) -> String {
    let mut kinds: Vec<(&str, u64)> = field.kinds.iter().map(|(kind, times)| (*kind, *times)).collect();
    kinds.retain(|(kind, _)| *kind != "null");
    kinds.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let several = kinds.len() > 1;
    let texts = field.kinds.get("text").copied().unwrap_or_default();
    let named = kinds.into_iter().map(|(kind, times)| {
        let form = field.forms.iter().find(|(_, times)| **times == texts);
        let kind = match (kind, form) {
            ("text", Some((form, _))) => format!("text ({})", form.replace('_', " ")),
            (kind, _) => kind.to_owned(),
        };
        if several {
            format!("{kind} {}", count(times))
        } else {
            kind
        }
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The smallest and largest number, or the first and last text.
fn range(field: &FieldProfile) -> [String; 2] {
    if field.redacted {
        return ["[redacted]".to_owned(), "[redacted]".to_owned()];
    }
    let shown = |range: &[String; 2]| range.each_ref().map(Clone::clone);
    if let Some(numbers) = &field.numbers {
        return shown(numbers);
    }
    if let Some(texts) = &field.texts {
        return texts.each_ref().map(|text| json!(text).to_string());
    }
    match field.lengths {
        Some(lengths) => lengths.map(|length| counted(length, "element")),
        None => [String::new(), String::new()],
    }
}
