use super::{EVERYTHING, TEN_LINES};
use crate::reading::Reading;
use crate::stage::json_schema;
use crate::toml::to_json;

#[test]
fn stages_that_aggregate_satisfy_the_schema_and_bad_ones_do_not() {
    let schema = json_schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let json = |text: &str| {
        let document = toml_edit::Document::parse(text).unwrap();
        to_json(document.as_item(), &Reading::new("0001_orders.toml", text)).unwrap()
    };
    for good in [TEN_LINES, EVERYTHING] {
        let json = json(good);
        let errors = validator.iter_errors(&json);
        let errors: Vec<String> = errors
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{good}\n{errors:?}");
    }
    for (old, new) in [
        ("closed = \"left\"", "closed = \"right\""),
        ("label = \"left\"", "label = \"lef\""),
        ("empty = \"emit\"", "empty = \"omit\""),
        ("gap = 50", "gap = 0"),
        ("late = \"leave\"", "late = \"drop\""),
        ("memory = \"64 MiB\"", "memory = \"64 MB\""),
        ("\"count\", \"p95\"", "\"count\", \"p05\""),
        ("digits = 6", "digits = 60"),
        ("values = \"text\"", "values = \"txt\""),
        ("limit = 3 }\nskus", "limt = 3 }\nskus"),
        ("with = \"carry\"", "with = \"carri\""),
        ("take = \"max\"", "take = \"p95\""),
        ("over = 12", "over = 0"),
        ("rule = \"outside\"", "rule = \"mad\""),
        ("gaps = \"= win", "gaps = \"win"),
    ] {
        let bad = EVERYTHING.replacen(old, new, 1);
        assert_ne!(bad, EVERYTHING, "{old}");
        assert!(!validator.is_valid(&json(&bad)), "{old} -> {new}");
    }
}
