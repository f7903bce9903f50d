//! How the cells of a table are read.

/// How the cells of a CSV are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cells {
    /// What separates them: one byte of ASCII. `None`: a comma, and a header that looks otherwise separated is an error.
    pub separator: Option<u8>,
    /// Every cell is the value exactly; else a quote before what a spreadsheet would run is taken away, as
    /// [`CsvWriter`](crate::output::CsvWriter) has put it there.
    pub raw: bool,
    /// The text that stands for `null`.
    pub null: Option<String>,
    /// The text that stands for a field which is missing.
    pub missing: Option<String>,
    /// What becomes of a cell where the record that exists has a value of another kind. The reader itself gives texts;
    /// the load decides.
    pub types: Types,
}

impl Cells {
    /// Sets what separates the cells: one byte of ASCII. Default: `None`, a comma.
    #[must_use]
    pub fn separator(mut self, separator: impl Into<Option<u8>>) -> Self {
        self.separator = separator.into();
        self
    }

    /// Takes every cell as it stands and removes no quote that guards against spreadsheets. Default: `false`.
    #[must_use]
    pub fn raw(mut self, raw: bool) -> Self {
        self.raw = raw;
        self
    }

    /// Sets the text that stands for `null`. Default: `None`, no text does.
    #[must_use]
    pub fn null(mut self, null: impl Into<Option<String>>) -> Self {
        self.null = null.into();
        self
    }

    /// Sets the text that stands for a missing field. Default: `None`, no text does.
    #[must_use]
    pub fn missing(mut self, missing: impl Into<Option<String>>) -> Self {
        self.missing = missing.into();
        self
    }

    /// Sets what becomes of a cell where the record that exists has a value of another kind. Default: [`Types::Guarded`].
    #[must_use]
    pub fn types(mut self, types: Types) -> Self {
        self.types = types;
        self
    }
}

/// What a load does with cells, which are texts, where records have other values than texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Types {
    /// A row that would make texts of them is refused (`load.types`).
    #[default]
    Guarded,
    /// Each cell is read as a value of the kind that the record has, or else the column.
    Existing,
    /// They become texts.
    Text,
}

impl Cells {
    pub(super) fn separator_byte(&self) -> u8 {
        self.separator.unwrap_or(b',')
    }

    /// The options that give this, as a command has them.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let given = self.given();
        given.iter().map(|(name, value)| option(name, value)).collect()
    }

    /// What is not as usual, by the names under which a resume point keeps it.
    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let mut told = self.given();
        told.retain(|(name, value)| (*name, value.as_str()) != ("separator", ","));
        told
    }

    /// What was said of cells, by the names of the options.
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

/// An option of `load` as a command has it, in one word: by its name it can be found again, and be replaced.
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
