//! What `deny.toml` says of the crates that we build on, held without cargo-deny: their licences, where they come from, and
//! the compiler that they need.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use toml_edit::{DocumentMut, Item, TableLike, Value};

fn file(name: &str) -> DocumentMut {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(path).expect("a file of the crate");
    text.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text<'t>(table: &'t dyn TableLike, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Item::as_str)
}

/// The texts of a list.
fn texts(list: &Item) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    let words = list.iter().filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}

/// The crates that a list of `deny.toml` names.
fn named(list: &Item) -> BTreeSet<String> {
    let tables = list
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_inline_table);
    tables
        .filter_map(|table| Some(table.get("crate")?.as_str()?.to_owned()))
        .collect()
}

/// The crates that are compiled here, as cargo describes them. Continuous integration looks at those of all platforms; elsewhere
/// they may not be downloaded, and a test downloads nothing unasked.
fn crates() -> Vec<serde_json::Value> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("COUNTERFOIL_CI").is_none() {
        command.args(["--offline", "--filter-platform", &host()]);
    }
    let output = command.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = told["packages"].as_array().expect("packages").clone();
    assert!(packages.len() > 100, "{} crates", packages.len());
    packages
}

/// The platform of the compiler.
fn host() -> String {
    let output = Command::new(env!("CARGO"))
        .arg("-vV")
        .output()
        .expect("cargo runs");
    let told = String::from_utf8(output.stdout).expect("text");
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("cargo names its host").to_owned()
}

/// Whether an SPDX expression leaves a choice that is allowed; `/` is how `OR` was written once.
fn is_allowed(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let answer = any(&mut rest, allowed);
    assert!(rest.is_empty(), "`{expression}` is no SPDX expression");
    answer
}

fn any(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut answer = all(rest, allowed);
    while let Some(behind) = rest.strip_prefix(&["OR"]) {
        *rest = behind;
        answer |= all(rest, allowed);
    }
    answer
}

fn all(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut answer = one(rest, allowed);
    while let Some(behind) = rest.strip_prefix(&["AND"]) {
        *rest = behind;
        answer &= one(rest, allowed);
    }
    answer
}

fn one(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> bool {
    let (answer, behind) = match *rest {
        ["(", behind @ ..] => {
            *rest = behind;
            let answer = any(rest, allowed);
            (answer, rest.strip_prefix(&[")"]).expect("a closing bracket"))
        }
        [licence, "WITH", exception, behind @ ..] => {
            (allowed(&format!("{licence} WITH {exception}")), behind)
        }
        [licence, behind @ ..] => (allowed(licence.trim_end_matches('+')), behind),
        [] => panic!("an SPDX expression ends too early"),
    };
    *rest = behind;
    answer
}

#[test]
fn every_crate_has_a_licence_that_deny_toml_allows() {
    let deny = file("deny.toml");
    let allowed = texts(&deny["licenses"]["allow"]);
    let exceptions = &deny["licenses"]["exceptions"];
    let excepted = |name: &str, licence: &str| {
        let tables = exceptions
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_inline_table);
        let mut of_crate = tables.filter(|table| table.get("crate").and_then(Value::as_str) == Some(name));
        of_crate.any(|table| {
            let licences = table.get("allow").and_then(Value::as_array).expect("licences");
            licences.iter().any(|allowed| allowed.as_str() == Some(licence))
        })
    };
    let refused: Vec<String> = crates()
        .iter()
        .filter_map(|package| {
            let name = package["name"].as_str().expect("a name");
            let licence = package["license"].as_str().unwrap_or_default();
            let fits = !licence.is_empty()
                && is_allowed(licence, &|one| allowed.contains(one) || excepted(name, one));
            (!fits).then(|| format!("{name}: {licence:?}"))
        })
        .collect();
    assert_eq!(
        refused, [""; 0],
        "look at it, then allow it in deny.toml or do without"
    );
}

#[test]
fn the_lists_of_licences_are_read_as_spdx() {
    let allowed = |one: &str| ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].contains(&one);
    for (expression, expected) in [
        ("MIT", true),
        ("MIT+", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only/Zlib", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Zlib", true),
        ("(GPL-3.0-only OR Apache-2.0) AND Zlib", false),
        ("MIT OR Zlib AND GPL-3.0-only", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_crate_comes_from_the_one_registry_with_its_checksum() {
    let lock = file("Cargo.lock");
    let packages = lock["package"].as_array_of_tables().expect("packages");
    let (mut sources, mut ours) = (BTreeSet::new(), Vec::new());
    for package in packages {
        let name = text(package, "name").expect("a name");
        match text(package, "source") {
            Some(source) => {
                assert!(text(package, "checksum").is_some(), "{name} has no checksum");
                sources.insert(source.to_owned());
            }
            None => ours.push(name),
        }
    }
    assert_eq!(
        ours,
        ["counterfoil"],
        "a crate beside ours comes from no registry"
    );
    let sources: Vec<String> = sources.into_iter().collect();
    let [only] = sources.as_slice() else {
        panic!("several sources: {sources:?}");
    };
    assert!(
        only.starts_with("registry+") && only.ends_with("/crates.io-index"),
        "{only}"
    );
}

/// An exception that nobody needs any more would let the next one pass unseen.
#[test]
fn deny_toml_names_crates_that_are_there() {
    let deny = file("deny.toml");
    let lock = file("Cargo.lock");
    let packages = lock["package"].as_array_of_tables().expect("packages");
    let versions = |name: &String| {
        packages
            .iter()
            .filter(|package| text(*package, "name") == Some(name))
            .count()
    };
    let skipped = named(&deny["bans"]["skip"]);
    assert!(skipped.iter().all(|name| versions(name) > 1), "{skipped:?}");
    let excepted = named(&deny["licenses"]["exceptions"]);
    assert!(
        !excepted.is_empty() && excepted.iter().all(|name| versions(name) > 0),
        "{excepted:?}"
    );
}

/// A version, for comparison.
fn version(text: &str) -> Vec<u64> {
    let numbers = text.split('.').map(|part| part.parse().expect("a number"));
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn no_crate_needs_a_newer_compiler_than_we_declare() {
    let manifest = file("Cargo.toml");
    let declared = text(manifest["package"].as_table().expect("a table"), "rust-version");
    let declared = version(declared.expect("a version"));
    for package in crates() {
        let Some(needed) = package["rust_version"].as_str() else {
            continue;
        };
        assert!(
            version(needed) <= declared,
            "{} needs Rust {needed}",
            package["name"]
        );
    }
}
