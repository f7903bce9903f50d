//! Functions of objects and lists.

use super::call::{Call, Function, Known, Needs, Result};
use crate::expression::datum::{Datum, Number, View};
use crate::expression::fault::Fault;
use crate::path::{Path, Segment};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "has",
        signature: "has(x, path)",
        summary: "whether the path exists, even if its value is null: `has(doc, \"customer.name\")`",
        least: 2,
        most: 2,
        needs: Needs::Path,
        body: |call| Ok(Datum::Boolean(find(call)?.is_some())),
    },
    Function {
        name: "get",
        signature: "get(x, path)",
        summary: "the value at the path, or null if it does not exist: `doc.get(\"note\") ?? \"\"`; for a list, the \
                  path may be an index",
        least: 2,
        most: 2,
        needs: Needs::Path,
        body: |call| Ok(find(call)?.unwrap_or(Datum::Null)),
    },
    Function {
        name: "is_null",
        signature: "is_null(x)",
        summary: "whether a value is null; `x == ()` is the same",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: |call| Ok(Datum::Boolean(call.first().is_null())),
    },
    Function {
        name: "len",
        signature: "len(x)",
        summary: "the number of characters, elements or fields",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: length,
    },
    Function {
        name: "keys",
        signature: "keys(object)",
        summary: "the names of an object's fields, in order",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: keys,
    },
    Function {
        name: "zip",
        signature: "zip([names, ]list, list, ...)",
        summary: "combines lists element by element: into a list of lists, or of objects if the first argument is a \
                  literal list of names; refuses unequal lengths as `expression.length`",
        least: 2,
        most: 16,
        needs: Needs::Names,
        body: zip,
    },
];

/// Returns what is at a path inside a value.
fn walk(datum: &Datum, segments: &[Segment]) -> Option<Datum> {
    let Some((first, rest)) = segments.split_first() else {
        return Some(datum.clone());
    };
    let index = match first {
        Segment::Key(name) => match datum.field(name) {
            Some(field) => return walk(&field, rest),
            None => name.parse().ok()?,
        },
        Segment::Index(index) => *index,
        Segment::Each => return None,
    };
    walk(datum.elements()?.get(index)?, rest)
}

fn find(call: &Call<'_>) -> Result<Option<Datum>> {
    let (inside, wanted) = (call.first(), call.required(1));
    if !matches!(inside.view(), View::Object | View::List) {
        return Err(Fault::types(format!(
            "an object or a list, not {}",
            inside.kind()
        )));
    }
    if let Known::Path(path) = call.known {
        return Ok(walk(inside, path.segments()));
    }
    match wanted.view() {
        View::Number(Number::Integer(index)) => {
            let index = usize::try_from(index).ok();
            Ok(index.and_then(|index| walk(inside, &[Segment::Index(index)])))
        }
        View::Text(text) => {
            let path: Path = text
                .parse()
                .map_err(|_| Fault::new("expression.argument", "a path such as `a.b` or `items[0]`"))?;
            Ok(walk(inside, path.segments()))
        }
        _ => Err(Fault::types(format!("a path or an index, not {}", wanted.kind()))),
    }
}

fn length(call: &Call<'_>) -> Result<Datum> {
    let datum = call.first();
    let length = match datum.view() {
        View::Text(text) => text.chars().count(),
        View::List => datum.as_list()?.len(),
        View::Object => datum.fields().map_or(0, |fields| fields.len()),
        _ => {
            return Err(Fault::types(format!(
                "a string, list or object, not {}",
                datum.kind()
            )));
        }
    };
    Ok(Datum::Integer(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn keys(call: &Call<'_>) -> Result<Datum> {
    let fields = call.first().fields();
    let fields = fields.ok_or_else(|| Fault::types(format!("an object, not {}", call.first().kind())))?;
    Datum::list(fields.into_iter().map(|(name, _)| Datum::Text(name)).collect())
}

fn zip(call: &Call<'_>) -> Result<Datum> {
    let (names, lists) = match call.known {
        Known::Names(names) => (Some(names), &call.arguments[1..]),
        _ => (None, call.arguments),
    };
    let lists = lists.iter().map(Datum::as_list).collect::<Result<Vec<_>>>()?;
    let length = lists.first().map_or(0, |list| list.len());
    if lists.iter().any(|list| list.len() != length) {
        return Err(Fault::new("expression.length", "lists of equal length"));
    }
    let rows = (0..length).map(|row| {
        let mut cells = lists.iter().map(|list| list[row].clone());
        match names {
            None => Datum::list(cells.collect()),
            Some(names) => Datum::object(names.iter().cloned().zip(&mut cells).collect()),
        }
    });
    Datum::list(rows.collect::<Result<_>>()?)
}
