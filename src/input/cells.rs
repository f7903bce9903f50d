//! How the cells of a table are read.

/// How the cells of a CSV are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    pub(super) fn separator(&self) -> u8 {
        self.separator.unwrap_or(b',')
    }

    /// What is not as usual, by the names under which a resume point keeps it.
    fn told(&self) -> Vec<(&'static str, String)> {
        let types = match self.types {
            Types::Guarded => None,
            Types::Existing => Some("existing".to_owned()),
            Types::Text => Some("text".to_owned()),
        };
        let separator = self.separator.filter(|byte| *byte != b',');
        let all = [
            ("separator", separator.map(|byte| char::from(byte).to_string())),
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

/// The names of what [`told`] tells.
pub(crate) const TOLD: [&str; 6] = ["separator", "raw", "null", "missing", "types", "records"];

/// How an input is read, as far as it is not as usual, by the names under which a resume point keeps it.
pub(crate) fn told(options: &super::Options) -> Vec<(&'static str, String)> {
    match options.format {
        super::Format::Lines => Vec::new(),
        super::Format::Array => options
            .records
            .iter()
            .map(|list| ("records", list.clone()))
            .collect(),
        super::Format::Csv => options.cells.told(),
    }
}

/// The words of the option that gives what [`told`] tells.
pub(crate) fn option(name: &str, value: &str) -> Vec<String> {
    match (name, value) {
        ("raw", _) => vec!["--raw".to_owned()],
        ("types", value) => vec![format!("--types={value}")],
        ("separator", "\t") => vec!["--separator".to_owned(), "tab".to_owned()],
        (name, value) => vec![format!("--{name}={value}")],
    }
}
