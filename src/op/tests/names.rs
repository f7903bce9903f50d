//! No code outside the file of an operation knows it by its name: an operation describes itself by its methods.

use std::fs;
use std::path::{Path, PathBuf};

use crate::op::MANUALS;

/// Words that are operations' names too, but mean something else where they stand; and the example of `each`.
const OTHER_WORDS: &[(&str, &[&str])] = &[
    ("op/convert.rs", &["decimal"]),
    ("op/each.rs", &["rename"]),
    ("op/map.rs", &["default"]),
    // Its key.
    ("op/partition.rs", &["hash"]),
    ("op/split.rs", &["trim"]),
    // The function for expressions, and the words of a schema.
    ("stage/aggregate/compile.rs", &["lookup"]),
    ("stage/aggregate/schema.rs", &["default"]),
    // The function for expressions, the join of clusters, the functions of a program and a default rule.
    ("stage/merge/compile.rs", &["lookup"]),
    ("stage/merge/kind.rs", &["rust", "set", "zip"]),
    ("stage/merge/meaning.rs", &["join", "rust"]),
    ("stage/merge/read_tables.rs", &["default", "join"]),
    ("stage/merge/schema.rs", &["default", "join", "rust"]),
    ("stage/merge/survival.rs", &["default", "rust"]),
    ("stage/merge/words.rs", &["join", "rust"]),
    ("stage/schema.rs", &["default", "remove", "replace"]),
    ("stage/settings.rs", &["remove", "replace"]),
];

/// The pairs of operations that undo each other name each other.
const PAIRS: [(&str, &str); 2] = [("op/wrap.rs", "unwrap"), ("op/unwrap.rs", "wrap")];

/// The code of every file under `src/` that holds no tests, without comments and the tests at its end.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("under src").display().to_string();
            let is_code = path.extension().is_some_and(|extension| extension == "rs");
            if !is_code || name.ends_with("tests.rs") || name.contains("/tests/") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("source is text");
            let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            sources.push((name, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(sources.len() > 100, "the sources are found");
    sources
}

fn is_excused(file: &str, name: &str) -> bool {
    let means_otherwise = |(at, words): &(&str, &[&str])| *at == file && words.contains(&name);
    file == format!("op/{name}.rs")
        || PAIRS.contains(&(file, name))
        || OTHER_WORDS.iter().any(means_otherwise)
}

/// The texts between quotes, line by line.
fn literals(code: &str) -> Vec<&str> {
    let lines = code.lines();
    lines
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect()
}

#[test]
fn nothing_that_works_with_operations_names_one() {
    let mut found = Vec::new();
    for (file, code) in sources() {
        let works_with_them = ["op/", "stage/", "project/", "lineage/", "toml/"];
        if !works_with_them.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        for literal in literals(&code) {
            let is_name = MANUALS.iter().any(|manual| manual.name == literal);
            if is_name && !is_excused(&file, literal) {
                found.push(format!("{file}: \"{literal}\""));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nobody_compares_the_name_of_an_operation() {
    let mut found = Vec::new();
    for (file, code) in sources() {
        // A line and the next, because a comparison may be broken.
        let lines: Vec<&str> = code.lines().collect();
        for pair in lines.windows(2) {
            let [line, next] = pair else { continue };
            if !line.contains("name()") && !line.contains(".op ") && !line.contains("MANUAL.name") {
                continue;
            }
            for literal in literals(&format!("{line}\n{next}")) {
                let is_name = MANUALS.iter().any(|manual| manual.name == literal);
                if is_name && !is_excused(&file, literal) {
                    found.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
