//! The table of the layers in ARCHITECTURE.md ("The map"), lowest first.

use std::fs;
use std::path::Path;

pub(super) struct Row {
    pub name: String,
    /// Files and folders of `src/`; a folder ends with `/`.
    pub entries: Vec<String>,
}

/// The rows whose files and folders are verbs.
const VERBS: [&str; 2] = ["verbs", "report"];

pub(super) struct Table(pub Vec<Row>);

impl Table {
    pub(super) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
        let text = fs::read_to_string(path).expect("ARCHITECTURE.md is there");
        let mut lines = text
            .lines()
            .skip_while(|line| !line.starts_with("| layer | where |"));
        let heads = lines.by_ref().take(2).count();
        assert_eq!(heads, 2, "ARCHITECTURE.md has the table of the layers");
        let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            Row {
                name: cells[1].to_owned(),
                entries: cells[2]
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect(),
            }
        });
        let table = Self(rows.collect());
        for name in VERBS {
            let is_there = table.0.iter().any(|row| row.name == name);
            assert!(is_there, "the table of the layers has the row {name}");
        }
        table
    }

    /// The layer of a file, and the entry that says so: the longest that fits.
    pub(super) fn entry(&self, file: &str) -> Option<(usize, &str)> {
        let fits = |entry: &str| file == entry || (entry.ends_with('/') && file.starts_with(entry));
        let rows = self.0.iter().enumerate();
        rows.flat_map(|(layer, row)| row.entries.iter().map(move |entry| (layer, entry.as_str())))
            .filter(|(_, entry)| fits(entry))
            .max_by_key(|(_, entry)| entry.len())
    }

    pub(super) fn layer(&self, file: &str) -> Option<usize> {
        self.entry(file).map(|(layer, _)| layer)
    }

    /// The verb that a file belongs to: a file or folder by itself, in the rows of the verbs. The list of all is none of them.
    pub(super) fn verb<'f>(&self, file: &'f str) -> Option<&'f str> {
        let row = &self.0[self.layer(file)?];
        let name = file
            .strip_prefix("verb/")
            .unwrap_or(file)
            .split(['/', '.'])
            .next();
        name.filter(|name| VERBS.contains(&row.name.as_str()) && *name != "mod")
    }
}
