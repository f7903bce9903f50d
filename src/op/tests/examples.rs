//! The example of every manual: that it is true, and that it stands in the documentation of its type too.

use std::fmt::Write as _;
use std::path::Path as FilePath;

use crate::lineage::{Flow, SourceField, Sources};
use crate::op::tests::{apply, read_as};
use crate::op::{Effect, Effects, FunctionOperation, Functions, MANUALS};
use crate::path::Path;
use crate::reading::Reading;
use crate::record::{Document, Object, Rounding, Value};

/// The function of the example of `rust`.
fn functions() -> Functions {
    let mut functions = Functions::new();
    functions.register(FunctionOperation::new("count_items", 1, |document, _| {
        let count = document
            .get("items")
            .and_then(|items| items.as_list().map(|list| list.len()));
        let count = i64::try_from(count.unwrap_or(0)).expect("a test's list is short");
        document.set("count", Value::integer(count));
        Ok(Effect::Changed)
    }));
    functions
}

/// What becomes of a record, in the words of the manuals.
fn outcome(settings: &str, input: &str) -> String {
    let declared = |reading: &mut Reading<'_>| reading.rounding = Some(Rounding::HalfEven);
    let operation = read_as(settings, &functions(), declared)
        .unwrap_or_else(|problems| panic!("{settings}: {problems:?}"));
    let mut document = Document::parse(input).expect("the example's input is an object");
    let effect = apply(&*operation, &mut document).unwrap_or_else(|refusal| panic!("{settings}: {refusal}"));
    match effect {
        Effect::Changed | Effect::Unchanged => document.to_json(),
        Effect::Derived(documents) => {
            let documents: Vec<String> = documents.iter().map(Object::to_json).collect();
            documents.join(" ")
        }
        Effect::Rekeyed(id) => format!("{} under the id {id}", document.to_json()),
        Effect::Filtered(reason) => format!("nothing: it is left out as {reason}"),
    }
}

#[test]
fn every_example_is_what_happens() {
    for manual in MANUALS {
        let (settings, input, output) = manual.example;
        assert!(
            settings.starts_with(&format!("op = \"{}\"\n", manual.name)),
            "{}",
            manual.name
        );
        assert_eq!(outcome(settings, input), output, "{}", manual.name);
    }
}

#[test]
fn every_example_is_in_the_documentation_of_its_type() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src/op");
    // A function of the program is known before the operation that calls it.
    let of_functions = std::fs::read_to_string(folder.join("kit/function.rs")).expect("it is there");
    for manual in MANUALS {
        let (settings, input, output) = manual.example;
        let mut comment = "/// ```toml\n".to_owned();
        for line in settings.lines() {
            let _ = writeln!(comment, "/// {line}");
        }
        let _ = writeln!(comment, "/// ```\n/// Turns `{input}` into `{output}`.");
        let file = folder.join(format!("{}.rs", manual.name));
        let own = std::fs::read_to_string(&file).expect("an operation has a file of its own");
        let is_documented = own.contains(&comment) || of_functions.contains(&comment);
        assert!(is_documented, "{}: {comment}", file.display());
    }
}

#[test]
fn what_an_operation_makes_comes_from_what_it_reads_and_goes_to_what_it_writes() {
    let meets =
        |paths: &[Path], place: &Path| paths.iter().any(|path| path.covers(place) || place.covers(path));
    for manual in MANUALS {
        let declared = |reading: &mut Reading<'_>| reading.rounding = Some(Rounding::HalfEven);
        let operation = read_as(manual.example.0, &functions(), declared).expect("the example is right");
        if operation.effects() == Effects::ANY {
            // What a function of the program does is not known.
            continue;
        }
        let (reads, writes) = (operation.reads(), operation.writes());
        let mut flow = Flow::new();
        operation.lineage(&mut flow);
        for (place, sources) in flow.document().leaves() {
            if place.is_empty() {
                continue;
            }
            let place = Path::from_segments(place);
            if sources == Sources::from_origin(SourceField::Field(place.clone())) {
                continue;
            }
            let name = manual.name;
            assert!(
                meets(&writes, &place) || operation.makes_unknown_fields(),
                "{name} writes {place}, and does not say so"
            );
            for source in &sources {
                let SourceField::Field(from) = &source.origin else {
                    continue;
                };
                // Keeping an earlier value is not reading.
                assert!(
                    meets(&reads, from) || meets(&writes, from),
                    "{name} makes {place} of {from}, and does not say that it reads it"
                );
            }
        }
    }
}
