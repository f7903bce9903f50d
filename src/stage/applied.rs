//! Stages as they were applied, read again from the ledger.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Lookup, Stage};
use crate::language::Language;
use crate::reading::Reading;
use crate::toml::{Collected, Section, document};

impl Stage {
    /// Compiles the stage from its text and its meaning, even if the files that it names are gone: the meaning contains
    /// the contracts. Returns `None` if the result does not have this meaning, as for a stage that was built in Rust.
    pub(crate) fn as_applied(number: u32, slug: &str, text: &str, meaning: &str) -> Option<Self> {
        let file = format!("{number:04}_{slug}.toml");
        let reading = Reading::new(&file, text);
        let document = document(&reading, "stage.syntax").ok()?;
        let contract =
            Section::root(document.as_table(), &reading).section("contract", &mut Collected::default());
        let contracts: Json = serde_json::from_str(meaning).ok()?;
        let named = |key: &str| {
            let file = contract.as_ref()?.item(key)?.as_str()?;
            Some((file.to_owned(), contracts["contract"].get(key)?.to_string()))
        };
        let texts: BTreeMap<String, String> = ["source", "target"].into_iter().filter_map(named).collect();
        let language = Language::from_meaning(&contracts)?;
        let stage = super::parse::parse(&file, text, &Lookup::texts(texts), language).ok()?;
        (stage.meaning() == meaning).then_some(stage)
    }
}
