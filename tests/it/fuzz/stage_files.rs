//! Stage files: real ones that were changed, the manual's operations with other values, and tables of random keys. What comes
//! of each is a stage, or problems that all say where.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use counterfoil::environment::Secrets;
use counterfoil::record::{Record, RecordNumber};
use counterfoil::stage::{Lookup, Outcome, Stage, json_schema};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;

use super::judge;
use super::texts::{Edit, edited, edits, record};
use crate::support::world::context;

/// Pieces that mean something in TOML and in expressions.
const TOML: &[&str] = &[
    "",
    "\"",
    "'",
    "'''",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    "\n",
    ".",
    ",",
    "#",
    "\\",
    "\\u",
    "[[op]]\n",
    "[stage]\n",
    "= doc.",
    "= ",
    "-1",
    "99999999999999999999",
    "1e400",
    "true",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "\r",
    "op = \"rename\"\n",
];

/// Holds what a stage file comes to; gives the stage, where it is one.
pub(super) fn parsed(name: &str, text: &str, lookup: &Lookup) -> Option<Stage> {
    match Stage::parse(name, text, lookup) {
        Ok(stage) => Some(stage),
        Err(problems) => {
            assert!(!problems.is_empty(), "neither a stage nor a problem:\n{text}");
            let lines: Vec<&str> = text.split('\n').collect();
            for problem in problems {
                assert!(
                    problem.code.contains('.') && !problem.message.is_empty(),
                    "{problem:?}"
                );
                let place = problem.place.as_ref();
                let place = place.unwrap_or_else(|| panic!("{problem:?} is nowhere:\n{text}"));
                if *place.file == *name {
                    let line = lines.get(place.line - 1);
                    let line = line.unwrap_or_else(|| panic!("{problem:?} is behind the text:\n{text}"));
                    assert!(place.column <= line.chars().count() + 1, "{problem:?}:\n{text}");
                }
            }
            None
        }
    }
}

/// Everything that is done with a stage before and while it runs. True, because there is a stage.
pub(super) fn exercise(stage: &Stage, records: &[String]) -> bool {
    stage.check();
    let _ = stage.lineage();
    let secrets = Secrets::default();
    stage.run_examples("fuzz", &secrets);
    for data in records {
        let record = Record {
            number: RecordNumber::new(1),
            id: "r1".to_owned(),
            data: data.clone(),
        };
        let outputs = match stage.transform(&record, &context("fuzz", "r1", &secrets)) {
            Ok(Outcome::Write(output)) => vec![output],
            Ok(Outcome::Derive(outputs)) => outputs,
            Ok(Outcome::Filter(_)) => Vec::new(),
            Err(refusal) => {
                assert!(!refusal.code.is_empty(), "{refusal:?}");
                Vec::new()
            }
        };
        for output in outputs {
            let made: Result<Json, _> = serde_json::from_str(&output.data);
            assert!(made.is_ok_and(|made| made.is_object()), "{}", output.data);
        }
    }
    true
}

/// A real stage file, where what it names is, and records for it.
struct Real {
    folder: PathBuf,
    name: String,
    text: String,
    records: Vec<String>,
}

static REAL: LazyLock<Vec<Real>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut real = Vec::new();
    for folder in [
        "migrations/bank",
        "migrations/hospital",
        "migrations/shop",
        "migrations/shop_recompute",
        "benches/stages",
    ] {
        let folder = root.join(folder);
        let entries = fs::read_dir(&folder).expect("a folder of the crate");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        for file in files {
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            if !name.starts_with("000") {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a stage file");
            let stage = Stage::parse(&name, &text, &Lookup::folder(&folder)).expect("a stage");
            let mut records: Vec<String> = stage
                .examples()
                .iter()
                .map(|example| example.input.clone())
                .collect();
            records.truncate(2);
            records.push("{\"id\":\"r1\"}".to_owned());
            real.push(Real {
                folder: folder.clone(),
                name,
                text,
                records,
            });
        }
    }
    assert!(real.len() >= 7, "{} stage files", real.len());
    real
});

/// The manual's example of each operation, and a record for it.
static OPERATIONS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let manual = fs::read_to_string(manual).expect("the manual");
    let parts = manual.split("```toml\n").skip(1);
    let examples = parts.filter_map(|part| {
        let (text, behind) = part.split_once("```")?;
        let record = behind.split('`').find(|text| text.starts_with('{'))?;
        text.starts_with("[[op]]")
            .then(|| (text.to_owned(), record.to_owned()))
    });
    let examples: Vec<_> = examples.collect();
    assert!(examples.len() > 25, "{} operations", examples.len());
    examples
});

/// A change of whole lines.
#[derive(Clone, Debug)]
enum Lines {
    Drop(Index),
    Double(Index),
    Swap(Index, Index),
    Foreign(Index, Index, Index),
}

fn lines() -> impl Strategy<Value = Lines> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Lines::Drop),
        at().prop_map(Lines::Double),
        (at(), at()).prop_map(|(one, other)| Lines::Swap(one, other)),
        (at(), at(), at()).prop_map(|(to, file, from)| Lines::Foreign(to, file, from)),
    ]
}

fn relined(text: &str, changes: &[Lines]) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for change in changes {
        let count = lines.len().max(1);
        match change {
            _ if lines.is_empty() => {}
            Lines::Drop(at) => drop(lines.remove(at.index(count))),
            Lines::Double(at) => lines.insert(at.index(count), lines[at.index(count)]),
            Lines::Swap(one, other) => lines.swap(one.index(count), other.index(count)),
            Lines::Foreign(to, file, from) => {
                let theirs: Vec<&str> = file.get(&REAL).text.lines().collect();
                lines.insert(to.index(count), theirs[from.index(theirs.len())]);
            }
        }
    }
    lines.join("\n")
}

#[test]
fn a_real_stage_file_that_was_changed_is_a_stage_or_says_what_is_wrong_and_where() {
    let changes = (
        prop::collection::vec(lines(), 0..4),
        prop::option::of(edits(TOML, 3)),
    );
    judge(250, (any::<Index>(), changes), |(at, (lines, edits))| {
        let real = at.get(&REAL);
        let text = relined(&real.text, &lines);
        let text = edited(&text, edits.as_deref().unwrap_or_default());
        let stage = parsed(&real.name, &text, &Lookup::folder(&real.folder));
        stage.is_some_and(|stage| exercise(&stage, &real.records))
    });
}

/// Changes of one operation of the manual.
type Changed = (Index, Vec<Edit>);

#[test]
fn operations_with_any_settings_refuse_or_change_any_record() {
    let operation = (
        any::<Index>(),
        prop_oneof![Just(Vec::new()), edits(TOML, 2).boxed()],
    );
    let head = select(
        &[
            "target = \"b\"\n",
            "",
            "target = \"b\"\nrounding = \"half-even\"\n",
        ][..],
    );
    let case = (head, prop::collection::vec(operation, 1..4), record());
    judge(500, case, |(head, operations, random): (_, Vec<Changed>, _)| {
        let (mut text, mut records) = (format!("[stage]\nsource = \"a\"\n{head}\n"), vec![random]);
        for (at, edits) in &operations {
            let (operation, record) = at.get(&OPERATIONS);
            text += &edited(operation, edits);
            text.push('\n');
            records.push(record.clone());
        }
        // What no load lets in, no stage gets to see.
        records.retain(|data| counterfoil::record::Document::parse(data).is_ok());
        records.retain(|data| {
            counterfoil::record::admit(data.as_bytes(), &counterfoil::record::Limits::default()).is_ok()
        });
        let stage = parsed("0001_fuzz.toml", &text, &Lookup::nothing());
        stage.is_some_and(|stage| exercise(&stage, &records))
    });
}

/// Every key and every word that the format knows.
fn vocabulary() -> (Vec<String>, Vec<String>) {
    fn collect(schema: &Json, keys: &mut Vec<String>, words: &mut Vec<String>) {
        match schema {
            Json::Object(fields) => {
                if let Some(Json::Object(properties)) = fields.get("properties") {
                    keys.extend(properties.keys().cloned());
                }
                for word in ["const", "enum", "default"] {
                    let found = fields.get(word).into_iter();
                    let found = found.flat_map(|found| {
                        found
                            .as_array()
                            .map_or(std::slice::from_ref(found), Vec::as_slice)
                    });
                    words.extend(found.filter_map(Json::as_str).map(str::to_owned));
                }
                fields.values().for_each(|part| collect(part, keys, words));
            }
            Json::Array(parts) => parts.iter().for_each(|part| collect(part, keys, words)),
            _ => {}
        }
    }
    let (mut keys, mut words) = (Vec::new(), Vec::new());
    collect(&json_schema(), &mut keys, &mut words);
    keys.sort();
    keys.dedup();
    assert!(
        keys.len() > 60 && words.len() > 60,
        "{} {}",
        keys.len(),
        words.len()
    );
    (keys, words)
}

fn value(words: Vec<String>) -> impl Strategy<Value = String> {
    let quoted = |text: String| format!("\"{text}\"");
    let leaf = prop_oneof![
        3 => select(words).prop_map(quoted),
        3 => "[a-c](\\.[a-c]|\\[0\\]|\\[\\*\\])?".prop_map(quoted),
        2 => "= doc\\.[a-c]( [+=<]=? [a-c0-9\"]{1,3})?".prop_map(|text| format!("'{text}'")),
        1 => "-?[0-9]{1,22}(\\.[0-9]{1,3})?",
        1 => select(&["true", "false", "inf", "nan", "1979-05-27T07:32:00Z", "0x1f", "\"\"", "''", "\"50%\"", "\"^(a+)+$\"", "\"%d.%m.%Y\""][..])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let list =
            prop::collection::vec(inner.clone(), 0..3).prop_map(|parts| format!("[{}]", parts.join(", ")));
        let table = prop::collection::vec(("[a-c]|op|path|json|key|value", inner), 0..3).prop_map(|fields| {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        });
        prop_oneof![list, table]
    })
}

#[test]
fn tables_of_random_keys_and_values_have_problems_with_a_place_or_none() {
    const HEADS: &[&str] = &[
        "[[op]]\nop = \"rename\"",
        "[[op]]",
        "[into]",
        "[contract]",
        "[[contract.rule]]",
        "[[contract.unique]]",
        "[[contract.references]]",
        "[contract.target]",
        "[contract.source.properties.a]",
        "[[reconcile]]",
        "[[example]]",
        "[x]",
    ];
    let (keys, words) = vocabulary();
    let field = (select(keys), value(words)).prop_map(|(key, value)| format!("{key} = {value}\n"));
    let fields = prop::collection::vec(field.boxed(), 0..5);
    let tables = prop::collection::vec((select(HEADS), fields.clone()), 0..5);
    let record = "{\"id\":\"r1\",\"a\":1,\"b\":{\"a\":\"x\"}}".to_owned();
    judge(500, (fields, tables), |(settings, tables)| {
        let mut text = format!("[stage]\nsource = \"a\"\n{}", settings.concat());
        for (head, fields) in tables {
            text += &format!("\n{head}\n{}", fields.concat());
        }
        let stage = parsed("0001_fuzz.toml", &text, &Lookup::nothing());
        stage.is_some_and(|stage| exercise(&stage, std::slice::from_ref(&record)))
    });
}
