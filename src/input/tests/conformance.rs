//! The JSON parsing test suite, each file as the value `v` of a record between two good lines.
//!
//! `y_` files must be let in, `n_` files refused, and `i_` files may be either; what we do with those:
//!
//! | files `i_...` | here |
//! |---|---|
//! | `number_*` (huge exponents, integers beyond 64 bits) | let in: numbers keep their text |
//! | `string_*surrogate*`, `object_key_lone_2nd_surrogate`: an escape that is no character | `json.escape` |
//! | `string_*` that are not UTF-8 (overlong, truncated, UTF-16, Latin-1) | `json.utf8` |
//! | `structure_UTF-8_BOM_empty_object` | `json.syntax`: a mark is skipped only where the input begins |
//! | `structure_500_nested_arrays` | `json.depth` |
//!
//! Refused though the suite accepts them: objects with the same name twice (`json.duplicate_key`).

use std::path::PathBuf;

use super::*;

const SAME_NAME_TWICE: [&str; 2] = [
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
];

#[test]
fn the_json_suite_is_let_in_or_refused_as_it_says_and_never_harms_a_neighbour() {
    let Some(folder) = std::env::var_os("COUNTERFOIL_REAL_DATA") else {
        println!("skipped: COUNTERFOIL_REAL_DATA does not name the folder with conformance/json_test_suite");
        return;
    };
    let folder = PathBuf::from(folder).join("conformance/json_test_suite");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let value = std::fs::read(&path).unwrap();
        files += 1;
        let code = code_of(&name, &value);
        let expected = match name.as_str() {
            _ if SAME_NAME_TWICE.contains(&name.as_str()) => Some("json.duplicate_key"),
            _ if name.starts_with("y_") => None,
            _ if name.starts_with("i_") => undecided(&name),
            _ => {
                assert!(code.is_some(), "{name} was let in");
                continue;
            }
        };
        assert_eq!(code.as_deref(), expected, "{name}");
    }
    assert_eq!(files, 318);
}

fn undecided(name: &str) -> Option<&'static str> {
    const NOT_UTF8: [&str; 3] = [
        "i_string_UTF-8_invalid_sequence.json",
        "i_string_UTF8_surrogate_U+D800.json",
        "i_string_not_in_unicode_range.json",
    ];
    match name {
        "i_structure_500_nested_arrays.json" => Some("json.depth"),
        "i_structure_UTF-8_BOM_empty_object.json" => Some("json.syntax"),
        _ if name.starts_with("i_number") => None,
        _ if NOT_UTF8.contains(&name) => Some("json.utf8"),
        _ if name.contains("surrogate") => Some("json.escape"),
        _ => Some("json.utf8"),
    }
}

/// The code under which a value is refused.
fn code_of(name: &str, value: &[u8]) -> Option<String> {
    // A line feed inside the value would end the line; there it is whitespace, or an error in a blank's place too.
    let value: Vec<u8> = value
        .iter()
        .map(|byte| if *byte == b'\n' { b'\r' } else { *byte })
        .collect();
    let good = |id: &str| format!("{{\"id\":\"{id}\"}}\n").into_bytes();
    let input = [
        &good("before")[..],
        b"{\"id\":1,\"v\":",
        &value,
        b"}\n",
        &good("after"),
    ]
    .concat();
    let seen = read(Format::Lines, &input);
    assert_eq!(seen.len(), 3, "{name}");
    assert_eq!((seen[0].0, &seen[0].1[..6]), (1, "before"), "{name}");
    assert_eq!((seen[2].0, &seen[2].1[..5]), (3, "after"), "{name}");
    (!seen[1].1.starts_with("1 ")).then(|| seen[1].1.clone())
}
