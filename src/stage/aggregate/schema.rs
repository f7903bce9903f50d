//! The JSON Schema of `[aggregate]`.

use serde_json::{Value as Json, json};

use super::words::{ALIGN, CLOSED, EMPTY, FILL, LABEL, LATE, ROLLING_TAKES, RULE, TAKES, VALUES};

/// Returns the schema of the section. `expression` returns that of an expression.
pub(in crate::stage) fn schema(expression: fn(&str) -> Json) -> Json {
    json!({
        "description": "How readings become windows, or lines become totals.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "by": by(expression),
            "time": time(),
            "every": text("How long windows are: `5m`, `30s`, `24h`, or calendar units: `day`, `2 weeks`, `month`."),
            "zone": text("The zone of calendar windows and of local times; absent: UTC."),
            "origin": text("Where windows begin: an instant, or the day of calendar windows; absent: 1970."),
            "align": word("Windows of elapsed time begin anew with every day of the zone.", &words(&ALIGN), None),
            "closed": word("The end that belongs to a window.", &words(&CLOSED), Some("left")),
            "label": word("The end that the label shows.", &words(&LABEL), Some("left")),
            "name": text("The field of the label; absent: `window`."),
            "end": text("A field with the end of the window; absent: none."),
            "local": text("A field with the beginning in local time; absent: none."),
            "rows": text("The field of the number of readings; absent: `sample_count`."),
            "empty": word("Whether windows without readings are written, from the first to the last of a group.",
                &words(&EMPTY), Some("emit")),
            "gap": whole("The most empty windows in one gap; a longer one stays open.", 1, 10_000_000, 100_000),
            "late": word("What becomes of readings that come when their window is closed.", &words(&LATE), Some("reopen")),
            "closed_after": text("How long after its end a window is closed, by the newest reading of its group: `2h`."),
            "hold": text("How long windows are held back after the newest reading: `10m`."),
            "memory": {
                "description": "The most memory: bytes, or a size such as `128 MiB`.",
                "anyOf": [
                    { "type": "integer", "minimum": 1_048_576 },
                    { "type": "string", "pattern": "^[0-9]+ *[KMG]iB$" },
                ],
                "default": "128 MiB",
            },
            "measures": {
                "description": "What is measured: of each path, or the lists by name.",
                "type": "object",
                "additionalProperties": measure(),
            },
            "fill": {
                "description": "What a field shows in windows where it is null.",
                "type": "object",
                "additionalProperties": fill(),
            },
            "rolling": { "type": "array", "items": rolling() },
            "anomaly": { "type": "array", "items": anomaly() },
            "fields": {
                "description": "Fields computed from the window's own, `win.`, in order.",
                "type": "object",
                "additionalProperties": expression("The value."),
            },
        },
    })
}

fn words<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

fn word(description: &str, words: &[&str], default: Option<&str>) -> Json {
    let mut schema = json!({ "description": description, "enum": words });
    if let Some(default) = default {
        schema["default"] = default.into();
    }
    schema
}

fn text(description: &str) -> Json {
    json!({ "type": "string", "description": description })
}

fn whole(description: &str, least: i64, most: i64, default: i64) -> Json {
    json!({ "description": description, "type": "integer", "minimum": least, "maximum": most, "default": default })
}

fn by(expression: fn(&str) -> Json) -> Json {
    let named = json!({
        "type": "object",
        "additionalProperties": {
            "anyOf": [expression("A value of the reading."), { "type": "string" }],
        },
    });
    json!({
        "description": "What readings are grouped by: paths, or names with a path or an expression; `[]`: all together.",
        "anyOf": [
            { "type": "string" },
            named,
            { "type": "array", "items": { "anyOf": [{ "type": "string" }, named] } },
        ],
    })
}

fn time() -> Json {
    json!({
        "description": "The time of a reading: a path, and how it is written; absent: one total for each group.",
        "anyOf": [
            { "type": "string" },
            {
                "type": "object",
                "required": ["path"],
                "additionalProperties": false,
                "properties": {
                    "path": text("Where it is."),
                    "formats": {
                        "description": "Its formats, as of `parse_date`, tried in this order; absent: RFC 3339.",
                        "anyOf": [
                            { "type": "string" },
                            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
                        ],
                    },
                    "zone": text("The zone of times without an offset."),
                },
            },
        ],
    })
}

fn rounding() -> [(&'static str, Json); 2] {
    [
        (
            "digits",
            whole("Significant digits of results that are not exact.", 1, 28, 17),
        ),
        (
            "places",
            json!({ "description": "Decimal places of such results instead.", "type": "integer", "minimum": 0, "maximum": 28 }),
        ),
    ]
}

/// Returns the schema of an object.
fn object(required: &[&str], properties: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    let properties = properties
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema));
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties.collect::<serde_json::Map<String, Json>>(),
    })
}

fn take(words: &[&str], quantiles: bool) -> Json {
    let mut one = vec![json!({ "enum": words })];
    if quantiles {
        one.push(json!({ "type": "string", "pattern": "^p(0\\.[1-9]|[1-9][0-9]?(\\.[1-9])?)$" }));
    }
    let one = json!({ "anyOf": one });
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}

fn measure() -> Json {
    let mut table = vec![
        (
            "as",
            text("What the names of its results begin with; absent: the last name of the path."),
        ),
        ("take", take(&TAKES, true)),
        (
            "exact",
            whole(
                "The most values of a window that medians, quantiles and `distinct` keep.",
                1,
                1_000_000,
                10_000,
            ),
        ),
        (
            "values",
            word(
                "Whether values are numbers, or decimals in strings.",
                &words(&VALUES),
                Some("number"),
            ),
        ),
    ];
    table.extend(rounding());
    let list = object(
        &["list"],
        [
            (
                "list",
                json!({
                    "description": "A path, or the paths of the parts of each element; `[]`: whole records.",
                    "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
                }),
            ),
            (
                "order",
                text("The path that orders the list; absent: by time, then by number."),
            ),
            (
                "limit",
                whole("The most elements of a window.", 1, 1_000_000, 10_000),
            ),
        ],
    );
    json!({ "anyOf": [take(&TAKES, true), object(&["take"], table), list] })
}

fn fill() -> Json {
    json!({
        "anyOf": [
            { "type": ["string", "number", "boolean"] },
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "with": word("The last value of an earlier window.", &words(&FILL), None),
                    "limit": { "description": "For at most so many windows in a row.", "type": "integer", "minimum": 1 },
                    "value": { "description": "The same value everywhere." },
                },
            },
        ],
    })
}

fn over() -> Json {
    json!({
        "description": "The number of windows, this one included, or a time such as `1h`.",
        "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 100_000 }, { "type": "string" }],
    })
}

fn least_values(default: &str) -> Json {
    json!({ "description": format!("Fewer values give no result; absent: {default}."), "type": "integer", "minimum": 1 })
}

fn rolling() -> Json {
    let mut table = vec![
        ("of", text("The field that it is of.")),
        ("over", over()),
        ("take", take(&ROLLING_TAKES, false)),
        ("as", take_names()),
        ("min_periods", least_values("`over`, or 1 where that is a time")),
    ];
    table.extend(rounding());
    object(&["of", "over", "take"], table)
}

fn take_names() -> Json {
    json!({
        "description": "The names of its results; absent: `OF_rolling_TAKE`.",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    })
}

fn anomaly() -> Json {
    let number = |description: &str| json!({ "description": description, "type": ["number", "string"] });
    object(
        &["name", "of"],
        [
            ("name", text("The field that says whether a window is one.")),
            ("of", text("The field that it is of.")),
            ("rule", word("How windows are judged.", &words(&RULE), Some("z"))),
            ("over", over()),
            (
                "k",
                number("How many standard deviations from the mean are too many."),
            ),
            ("min_periods", least_values("`over`, or 2 where that is a time")),
            (
                "min_deviation",
                number("Smaller distances from the mean are none; absent: 0."),
            ),
            ("min", number("Less than this is outside.")),
            ("max", number("More than this is outside.")),
            ("score", text("A field with the distance; absent: none.")),
        ],
    )
}
