//! How a load reads its input: the options for cells and for lists inside objects.

use counterfoil::input::{Cells, Types, option};

use crate::cli::values::separator;

/// How the input is read.
#[derive(clap::Args, Debug)]
pub(super) struct ReadingArguments {
    /// CSV: what separates the cells: one character, or `tab`; a comma unless given, a tab where the name ends with `.tsv`.
    #[arg(long, value_name = "CHAR", value_parser = separator)]
    separator: Option<u8>,
    /// CSV: takes every cell exactly. Without it a single quote before what a spreadsheet would run is taken away, as
    /// `export` has put it there.
    #[arg(long)]
    raw: bool,
    /// CSV: the text of a cell that stands for null.
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// CSV: the text of a cell that stands for a field which the record does not have.
    #[arg(long, value_name = "TEXT")]
    missing: Option<String>,
    /// CSV: reads each cell as a value of the kind that the record with this id has there, else the column; a number that
    /// is only written otherwise, and what has no column, stay as they are. `--types=text` makes texts of all: without
    /// either, a row that would make a text of another value is refused.
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "existing")]
    types: Option<TypesChoice>,
    /// Where the list of records stands in a JSON object around it, as a JSON Pointer: `/features`.
    #[arg(long, value_name = "POINTER", value_parser = pointer)]
    pub(super) records: Option<String>,
    /// Reads `{"id":ID,"data":DATA}` as the record DATA under the id ID, as `export --with-id` writes it.
    #[arg(long)]
    pub(super) with_id: bool,
}

/// What becomes of cells where records have other values than texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum TypesChoice {
    /// Values of the kinds that are there.
    Existing,
    /// Texts.
    Text,
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("give a JSON Pointer, which begins with `/`, such as /features".to_owned())
    }
}

impl ReadingArguments {
    pub(super) fn cells(&self, by_tabs: bool) -> Cells {
        Cells::default()
            .separator(self.separator.or(by_tabs.then_some(b'\t')))
            .raw(self.raw)
            .null(self.null.clone())
            .missing(self.missing.clone())
            .types(match self.types {
                None => Types::Guarded,
                Some(TypesChoice::Existing) => Types::Existing,
                Some(TypesChoice::Text) => Types::Text,
            })
    }

    /// Whether it makes of cells what is there.
    pub(super) fn is_by_types(&self) -> bool {
        self.types == Some(TypesChoice::Existing)
    }

    /// The options as they were given, to be repeated in a command.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = self.cells(false).words();
        words.extend(self.records.as_ref().map(|list| option("records", list)));
        words.extend(self.with_id.then(|| option("with-id", "true")));
        words
    }
}
