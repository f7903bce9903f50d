use std::sync::Arc;

use super::{TEN_LINES, lines};
use crate::environment::Secrets;
use crate::matching::Comparator;
use crate::op::{Functions, MemberValue, Survivor};
use crate::problem::Problem;
use crate::stage::{Lookup, Stage, Verdict};

/// Texts are alike if they begin alike.
#[derive(Debug)]
struct Beginning;

impl Comparator for Beginning {
    fn name(&self) -> &'static str {
        "beginning"
    }

    fn version(&self) -> u32 {
        2
    }

    fn similarity(&self, a: &str, b: &str) -> u16 {
        if a.chars().next() == b.chars().next() {
            1000
        } else {
            0
        }
    }
}

/// The value that is written last in the alphabet.
#[derive(Debug)]
struct Last;

impl Survivor for Last {
    fn name(&self) -> &'static str {
        "last"
    }

    fn version(&self) -> u32 {
        1
    }

    fn choose(&self, values: &[MemberValue<'_>]) -> Option<usize> {
        (0..values.len()).max_by_key(|at| values[*at].value.to_json())
    }
}

fn lookup() -> Lookup {
    let mut functions = Functions::new();
    assert!(functions.register_comparator(Arc::new(Beginning)).is_none());
    assert!(functions.register_survivor(Arc::new(Last)).is_none());
    Lookup::nothing().with_functions(functions)
}

fn parse(text: &str) -> Result<Stage, Vec<Problem>> {
    Stage::parse("0001_orders.toml", text, &lookup()).map_err(|problems| problems.to_vec())
}

#[test]
fn the_program_compares_and_chooses() {
    let stage = parse(
        r#"
[stage]
source = "register"
target = "people"
[merge]
by = { first = "first" }
[merge.survive]
phone = { by = "rust", function = "last", version = 1 }
[[example]]
name = "the last one"
inputs = '[{"first":"Ann","phone":"2"},{"first":"ann","phone":"9"},{"first":"ANN","phone":"4"}]'
outputs = '[{"first":"Ann","phone":"9"}]'
"#,
    );
    let results = stage.unwrap().run_examples("hospital", &Secrets::default());
    assert!(
        matches!(results[0].verdict, Verdict::Passed { .. }),
        "{results:?}"
    );
    let field =
        "[[merge.field]]\nname = \"given\"\ncompare = \"rust\"\nfunction = \"beginning\"\nversion = 2\n";
    let stage = parse(&format!("{TEN_LINES}{field}")).unwrap();
    let compared = r#""compare":{"rust":"beginning","version":2}"#;
    assert!(stage.meaning().contains(compared), "{}", stage.meaning());
}

#[test]
fn what_is_not_registered_is_a_problem() {
    let of = |rest: &str| lines(&parse(&format!("{TEN_LINES}{rest}")).unwrap_err());
    let found = [
        of("[[merge.field]]\nname = \"given\"\ncompare = \"rust\"\nfunction = \"begining\"\nversion = 2\n"),
        of("[[merge.field]]\nname = \"given\"\ncompare = \"rust\"\n"),
        of("[merge.survive]\nphone = { by = \"rust\", function = \"last\", version = 2 }\n"),
        of("[merge.survive]\nphone = { by = \"union\", function = \"last\" }\n"),
        of("[merge.survive]\nphone = \"rust\"\n"),
    ]
    .join("\n");
    snapbox::assert_data_eq!(found, snapbox::file!["functions.txt"].raw());
}
