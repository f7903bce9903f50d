//! Values of stage files that are not expressions.

use toml_edit::Item;

use crate::expression::Template;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::{Field, Object, Value};

/// Reads a value of a stage file that must not be computed, so that a text may look like an expression.
pub(crate) fn fixed(item: &Item, reading: &Reading<'_>) -> Result<Value, Problem> {
    folded(&Template::read_plainly(item, reading)?).ok_or_else(|| {
        let place = reading.place(item.span());
        let problem = Problem::error("stage.not_fixed", place, "this value must not be an expression");
        problem.help("write a string that begins with `= ` as { json = \"\\\"= ...\\\"\" }")
    })
}

fn folded(template: &Template) -> Option<Value> {
    match template {
        Template::Fixed(value) => Some(value.clone()),
        Template::Expression(_) => None,
        Template::List(list) => list.iter().map(folded).collect::<Option<_>>().map(Value::List),
        Template::Object(fields) => {
            let fields = fields
                .iter()
                .map(|field| folded(&field.template).map(|value| Field::new(&field.name, value)));
            fields.collect::<Option<Object>>().map(Value::Object)
        }
    }
}
