//! How the cells of a table are read.

/// How the cells of a CSV file are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cells {
    /// The separator: one ASCII byte. `None` means a comma, and a header that appears to use another separator is an
    /// error.
    pub separator: Option<u8>,
    /// Whether every cell is read exactly; otherwise the quote that [`CsvWriter`](crate::output::CsvWriter) puts before
    /// what a spreadsheet would execute is removed.
    pub raw: bool,
    /// The text that represents `null`.
    pub null: Option<String>,
    /// The text that represents a missing field.
    pub missing: Option<String>,
    /// How to handle a cell where the existing record has a value of another kind. The reader itself returns texts; the
    /// load decides.
    pub types: Types,
}

impl Cells {
    /// Sets the separator: one ASCII byte. Default: `None`, a comma.
    #[must_use]
    pub fn separator(mut self, separator: impl Into<Option<u8>>) -> Self {
        self.separator = separator.into();
        self
    }

    /// Reads every cell exactly, and keeps quotes that guard against spreadsheets. Default: `false`.
    #[must_use]
    pub fn raw(mut self, raw: bool) -> Self {
        self.raw = raw;
        self
    }

    /// Sets the text that represents `null`. Default: `None`, no text does.
    #[must_use]
    pub fn null(mut self, null: impl Into<Option<String>>) -> Self {
        self.null = null.into();
        self
    }

    /// Sets the text that represents a missing field. Default: `None`, no text does.
    #[must_use]
    pub fn missing(mut self, missing: impl Into<Option<String>>) -> Self {
        self.missing = missing.into();
        self
    }

    /// Sets how to handle a cell where the existing record has a value of another kind. Default: [`Types::Guarded`].
    #[must_use]
    pub fn types(mut self, types: Types) -> Self {
        self.types = types;
        self
    }
}

/// How a load converts cells, which are texts, where existing records have values of other kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Types {
    /// Refuses a row that would turn such values into texts (`load.types`).
    #[default]
    Guarded,
    /// Reads each cell as a value of the kind that the record has, or otherwise that of the column.
    Existing,
    /// Turns them into texts.
    Text,
}

impl Cells {
    pub(super) fn separator_byte(&self) -> u8 {
        self.separator.unwrap_or(b',')
    }

    /// Returns the command-line options for this setting.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let given = self.given();
        given.iter().map(|(name, value)| option(name, value)).collect()
    }

    /// Returns the settings that differ from the default, by the names under which a resume point stores them.
    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let mut told = self.given();
        told.retain(|(name, value)| (*name, value.as_str()) != ("separator", ","));
        told
    }

    /// Returns the settings given for cells, by the names of the options.
    fn given(&self) -> Vec<(&'static str, String)> {
        let types = match self.types {
            Types::Guarded => None,
            Types::Existing => Some("existing".to_owned()),
            Types::Text => Some("text".to_owned()),
        };
        let all = [
            (
                "separator",
                self.separator.map(|byte| char::from(byte).to_string()),
            ),
            ("raw", self.raw.then(|| "true".to_owned())),
            ("null", self.null.clone()),
            ("missing", self.missing.clone()),
            ("types", types),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// Returns an option of `load` as one word of a command, so that it can be found by its name and replaced.
#[must_use]
pub fn option(name: &str, value: &str) -> String {
    match (name, value) {
        ("raw" | "replace" | "reprocess" | "restart" | "again" | "with-id", _) | ("types", "existing") => {
            format!("--{name}")
        }
        ("separator", "\t") => "--separator=tab".to_owned(),
        (name, value) => format!("--{name}={value}"),
    }
}
