//! How a load reads its input: the options for cells and for lists inside objects.

use counterfoil::input::{Cells, Types, option};

use crate::cli::values::separator;

/// How the input is read.
#[derive(clap::Args, Debug)]
pub(super) struct ReadingArguments {
    /// CSV: cell separator, one character or `tab` [default: a comma, or a tab if the file name ends with
    /// `.tsv`].
    #[arg(long, value_name = "CHAR", value_parser = separator)]
    separator: Option<u8>,
    /// CSV: load every cell unchanged. Without it, the single quote that `export` puts before text that a
    /// spreadsheet would evaluate is removed.
    #[arg(long)]
    raw: bool,
    /// CSV: cell text that means null.
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// CSV: cell text that means that the record does not have the field.
    #[arg(long, value_name = "TEXT")]
    missing: Option<String>,
    /// CSV: read each cell as the type that the existing record with this id has in the field, or else as the
    /// type of the column. A number that differs only in notation is left unchanged, and so are fields
    /// without a column. `--types=text` loads every cell as text. Without --types, a row that would turn
    /// another type into text is rejected.
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "existing")]
    types: Option<TypesChoice>,
    /// Location of the list of records inside a JSON object, as a JSON Pointer such as `/features`.
    #[arg(long, value_name = "POINTER", value_parser = pointer)]
    pub(super) records: Option<String>,
    /// Read `{"id":ID,"data":DATA}` as the record DATA with the id ID, as `export --with-id` writes it.
    #[arg(long)]
    pub(super) with_id: bool,
}

/// What becomes of cells where records have other values than texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum TypesChoice {
    /// Read each cell as the type of the existing value.
    Existing,
    /// Load every cell as text.
    Text,
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("expected a JSON Pointer, which begins with `/`, such as /features".to_owned())
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

    /// Returns whether cells are read by the types of existing values.
    pub(super) fn is_by_types(&self) -> bool {
        self.types == Some(TypesChoice::Existing)
    }

    /// Returns whether types are given, whatever they are.
    pub(super) fn has_types(&self) -> bool {
        self.types.is_some()
    }

    /// Returns whether some cells mean null.
    pub(super) fn has_null(&self) -> bool {
        self.null.is_some()
    }

    /// The options as they were given, to be repeated in a command.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = self.cells(false).words();
        words.extend(self.records.as_ref().map(|list| option("records", list)));
        words.extend(self.with_id.then(|| option("with-id", "true")));
        words
    }
}
