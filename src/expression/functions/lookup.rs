//! The function that looks into another database.

use super::call::{Call, Function, Known, Needs, Result};
use crate::expression::datum::Datum;
use crate::expression::fault::Fault;
use crate::lookup::Found;

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "lookup",
    signature: "lookup(through, value[, as[, field]])",
    summary: "the id, or the field, of the row of the database `through` to which a value refers, or null: by the row's \
              id (`\"row\"`) or that of a source record merged into it (`\"golden\"`); all but the value are literals",
    least: 2,
    most: 4,
    needs: Needs::Lookup,
    body: lookup,
}];

fn lookup(call: &Call<'_>) -> Result<Datum> {
    let Known::Lookup(query) = call.known else {
        return Err(Fault::new("expression.argument", "a database"));
    };
    let value = call.required(1).clone().into_value();
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(Datum::Null);
    };
    if query.key(&value).is_none() {
        return Err(Fault::types("a string or a whole number"));
    }
    let Some(lookups) = call.context.lookups else {
        return Err(Fault::new("lookup.unavailable", "a store"));
    };
    match lookups.find(query, &value) {
        Found::Value(found) => Ok(Datum::Json(found)),
        Found::NoField | Found::Nothing => Ok(Datum::Null),
        Found::Several => Err(Fault::new("lookup.several", "one row")),
        Found::Unread => Err(Fault::new("lookup.unread", "the database to be read")),
    }
}
