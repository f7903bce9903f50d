//! What to do about what a load could not read, or has refused.

use std::borrow::Cow;

use clap::ValueEnum as _;
use counterfoil::input::option;
use counterfoil::quarantine::{Quarantined, Selected, each_quarantined, refused_input, repeats_in_its_input};
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
            Some(options) => failure.hint(self.command(session, &options, true)),
            None if without_id => failure.hint("name the column that holds the ids: `--id COLUMN`"),
            None => failure,
        }
    }

    /// The command that loads the same file with other options, beside those that were given: what is new takes the place of
    /// what is given by the same name, or says the opposite.
    fn command(&self, session: &Session<'_>, more: &[String], is_whole: bool) -> String {
        let mut options = self.words(is_whole);
        for new in more {
            let contradicts = |given: &String| name(new) == "--types" && name(given) == "--missing";
            options.retain(|given| !contradicts(given));
            match options.iter_mut().find(|given| name(given) == name(new)) {
                Some(given) => given.clone_from(new),
                None => options.push(new.clone()),
            }
        }
        // The header as one column, which it is no more.
        let separator = more.iter().find_map(|word| word.strip_prefix("--separator="));
        let is_whole_header = |word: &String| {
            let id = word.strip_prefix("--id=");
            id.zip(separator)
                .is_some_and(|(id, separator)| id.contains(separator))
        };
        options.retain(|word| !is_whole_header(word));
        let mut words = vec!["load".to_owned(), self.database.clone()];
        words.push(self.file.display().to_string());
        words.extend(options);
        unfinished::command(session, &words)
    }

    /// The options as they were given; less those of a load that has begun, where it is not the whole of it that is to be
    /// done once more.
    fn words(&self, is_whole: bool) -> Vec<String> {
        let format = self.format.and_then(|format| format.to_possible_value());
        let flag = |given: bool| given.then(String::new);
        let of_reading = [
            ("id", self.id.clone()),
            ("format", format.map(|format| format.get_name().to_owned())),
        ];
        let of_load = [
            ("replace", flag(self.replace)),
            ("reprocess", flag(self.reprocess)),
            ("restart", flag(self.restart && is_whole)),
            ("again", flag(self.again)),
            ("reason", self.reason.clone()),
        ];
        let words = |given: Vec<(&str, Option<String>)>| -> Vec<String> {
            let given = given.into_iter();
            given
                .filter_map(|(name, value)| Some(option(name, &value?)))
                .collect()
        };
        [
            words(of_reading.to_vec()),
            self.reading.words(),
            words(of_load.to_vec()),
        ]
        .concat()
    }

    /// What to do about refused lines.
    pub(super) fn hints(
        &self,
        session: &Session<'_>,
        store: &Store,
        refusing: Refusing<'_>,
        id_field: &str,
        refused: &[Standing],
    ) -> Result<Vec<String>, Failure> {
        let has = |wanted: &str| refused.iter().any(|(_, code, _)| code == wanted);
        let more = |names: &[&str]| -> Vec<String> { names.iter().map(|name| option(name, "")).collect() };
        let mut hints = Vec::new();
        if has("id.missing") {
            let fields = fields_of_refused(store, refusing)?;
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
            whose_ids_exist(store, refusing)?
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
            let load = self.command(session, &more(&["replace", "again"]), false);
            hints.push(format!(
                "records that exist with other data: {load} writes over all of them, also over what was corrected since"
            ));
        }
        if has(TYPES) {
            let is_by_types = self.reading.is_by_types();
            let types = [more(&["replace"]), vec![option("types", "existing")]].concat();
            let load = self.command(session, &types, false);
            hints.push(if is_by_types {
                format!("cells that are no values of the kind that is there: correct them, then {load}")
            } else {
                format!(
                    "rows that would make texts of other values: {load} reads each cell as a value of the kind that is there"
                )
            });
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

/// The name of an option that is one word.
fn name(option: &str) -> &str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

/// What has refused lines: a pass, and the project that asks.
#[derive(Clone, Copy)]
pub(super) struct Refusing<'a> {
    pub(super) project: &'a str,
    pub(super) pass: i64,
}

impl Refusing<'_> {
    /// Tells the lines that it has refused with a code, one after the other, until one is answered with `false`.
    fn each(
        self,
        store: &Store,
        code: &str,
        tell: impl FnMut(Quarantined) -> counterfoil::Result<bool>,
    ) -> Result<(), Failure> {
        let selected = Selected {
            code: Some(code.to_owned()),
            pass: Some(self.pass),
            ..Selected::default()
        };
        Ok(each_quarantined(
            store,
            self.project,
            &selected,
            usize::MAX,
            tell,
        )?)
    }
}

/// Whether lines were refused whose ids stand twice in the input, and whether there are others whose ids were there before.
fn whose_ids_exist(store: &Store, refusing: Refusing<'_>) -> Result<(bool, bool), Failure> {
    let (mut repeated, mut existing) = (false, false);
    refusing.each(store, "load.exists", |refused| {
        let repeats = repeats_in_its_input(store, &refused)?;
        repeated |= repeats;
        existing |= !repeats;
        Ok(!(repeated && existing))
    })?;
    Ok((repeated, existing))
}

/// Which lines a quote has taken with it that was not meant to go so far: they count as one row.
pub(super) fn swallowed(
    store: &Store,
    refusing: Refusing<'_>,
    refused: &[Standing],
) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    for (_, code, _) in refused
        .iter()
        .filter(|(_, code, _)| OF_ROWS.contains(&code.as_str()))
    {
        refusing.each(store, code, |row| {
            if row.reason.last_line.is_some() {
                told.push(row.reason.to_string());
            }
            Ok(told.len() < SWALLOWED)
        })?;
    }
    told.truncate(SWALLOWED);
    Ok(told)
}

/// The codes of what is wrong with a row.
const OF_ROWS: [&str; 3] = ["csv.quote", "csv.fields", "json.size"];
/// So many rows that go over several lines are told.
const SWALLOWED: usize = 3;

/// The names of the fields of a record that was refused for want of an id; never a value.
fn fields_of_refused(store: &Store, refusing: Refusing<'_>) -> Result<Vec<String>, Failure> {
    let mut first = None;
    refusing.each(store, "id.missing", |refused| {
        first = Some(refused);
        Ok(false)
    })?;
    let Some(refused) = first else {
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
