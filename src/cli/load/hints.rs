//! What to do about what a load could not read, or has refused.

use std::borrow::Cow;

use clap::ValueEnum as _;
use counterfoil::quarantine::{Selected, quarantined, refused_input, repeats_in_its_input};
use counterfoil::record::{Document, Field};
use counterfoil::store::Store;

use super::Load;
use crate::cli::failure::Failure;
use crate::cli::outcome::Standing;
use crate::cli::session::Session;
use crate::cli::unfinished;

/// A row of texts that would replace other values.
const TYPES: &str = "load.types";

impl Load {
    /// What to do where the input as a whole cannot be read.
    pub(super) fn of_input(&self, session: &Session<'_>, error: counterfoil::Error) -> Failure {
        let without_id =
            matches!(&error, counterfoil::Error::Input { problem, .. } if problem.contains("for the ids"));
        let options = match &error {
            counterfoil::Error::ReadOtherwise { options, .. } => Some(options.clone()),
            _ => None,
        };
        let failure = Failure::from(error);
        match options {
            Some(options) => failure.hint(self.command(session, &options)),
            None if without_id => failure.hint("name the column that holds the ids: `--id COLUMN`"),
            None => failure,
        }
    }

    /// The command that loads the same file with other options, beside those that were given.
    fn command(&self, session: &Session<'_>, more: &[String]) -> String {
        let mut words = vec!["load".to_owned(), self.database.clone()];
        words.push(self.file.display().to_string());
        let format = self.format.and_then(|format| format.to_possible_value());
        // The header as one column, which it is no more.
        let is_whole_header = |id: &str| {
            let mut separators = more.iter().filter_map(|word| word.strip_prefix("--separator="));
            separators.any(|separator| id.contains(separator))
        };
        let given = [
            ("--id", self.id.clone().filter(|id| !is_whole_header(id))),
            ("--format", format.map(|format| format.get_name().to_owned())),
        ];
        for (option, value) in given {
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        }
        words.extend(self.reading.words());
        let is_new = |word: &&String| !words.contains(word);
        let more: Vec<String> = more.iter().filter(is_new).cloned().collect();
        words.extend(more);
        unfinished::command(session, &words)
    }

    /// What to do about refused lines.
    pub(super) fn hints(
        &self,
        session: &Session<'_>,
        store: &Store,
        project: &str,
        id_field: &str,
        refused: &[Standing],
    ) -> Result<Vec<String>, Failure> {
        let has = |wanted: &str| refused.iter().any(|(_, code, _)| code == wanted);
        let mut hints = Vec::new();
        if has("id.missing") {
            let fields = fields_of_refused(store, project)?;
            let seen = if fields.is_empty() {
                String::new()
            } else {
                format!("; a refused record has the fields {}", fields.join(", "))
            };
            hints.push(format!(
                "records without `{id_field}`: name the field that holds the id with `--id FIELD`{seen}"
            ));
        }
        let (repeated, existing) = if has("load.exists") {
            whose_ids_exist(store, project)?
        } else {
            (false, false)
        };
        if repeated {
            hints.push(format!(
                "ids that stand twice in this input, with other data: correct them, or name the field that tells its records \
                 apart with `--id FIELD`; {} shows the lines",
                session.command("quarantine list --code load.exists")
            ));
        }
        if existing {
            let load = self.command(session, &["--replace", "--again"].map(str::to_owned));
            hints.push(format!(
                "records that exist with other data: {load} writes over all of them, also over what was corrected since"
            ));
        }
        if has(TYPES) {
            let load = self.command(session, &["--replace", "--types"].map(str::to_owned));
            hints.push(format!(
                "rows that would make texts of other values: {load} reads each cell as a value of the kind that is there"
            ));
        }
        if let Some((_, code, _)) = refused.first() {
            hints.push(format!(
                "{}; correct the lines and load them, or let them go with {}",
                session.command("quarantine list"),
                session.command(&format!("quarantine waive --code {code} --reason TEXT"))
            ));
        }
        Ok(hints)
    }
}

/// Whether lines were refused whose ids stand twice in the input, and whether there are others whose ids were there before.
fn whose_ids_exist(store: &Store, project: &str) -> Result<(bool, bool), Failure> {
    let of_existing = Selected {
        code: Some("load.exists".to_owned()),
        ..Selected::default()
    };
    let (mut repeated, mut existing) = (false, false);
    for refused in quarantined(store, project, &of_existing, 1_000)? {
        let repeats = repeats_in_its_input(store, &refused)?;
        repeated |= repeats;
        existing |= !repeats;
    }
    Ok((repeated, existing))
}

/// Which lines a quote has taken with it that was not meant to go so far: they count as one row.
pub(super) fn swallowed(
    store: &Store,
    (project, input): (&str, &str),
    refused: &[Standing],
) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    for (_, code, _) in refused
        .iter()
        .filter(|(_, code, _)| OF_ROWS.contains(&code.as_str()))
    {
        let selected = Selected {
            code: Some(code.clone()),
            ..Selected::default()
        };
        let rows = quarantined(store, project, &selected, 1_000)?;
        let of_input = rows.iter().filter(|row| row.source.as_deref() == Some(input));
        let over_lines = of_input.filter(|row| row.reason.last_line.is_some());
        told.extend(over_lines.map(|row| row.reason.to_string()));
    }
    told.truncate(SWALLOWED);
    Ok(told)
}

/// The codes of what is wrong with a row.
const OF_ROWS: [&str; 3] = ["csv.quote", "csv.fields", "json.size"];
/// So many rows that go over several lines are told.
const SWALLOWED: usize = 3;

/// The names of the fields of a record that was refused for want of an id; never a value.
fn fields_of_refused(store: &Store, project: &str) -> Result<Vec<String>, Failure> {
    let without_id = Selected {
        code: Some("id.missing".to_owned()),
        ..Selected::default()
    };
    let Some(refused) = quarantined(store, project, &without_id, 1_000)?.pop() else {
        return Ok(Vec::new());
    };
    let Some(data) = refused_input(store, &refused, &[])?.data else {
        return Ok(Vec::new());
    };
    let names = Document::parse(&data).map(|document| {
        let names = document.fields().iter().map(Field::name);
        names.take(20).map(Cow::into_owned).collect()
    });
    Ok(names.unwrap_or_default())
}
