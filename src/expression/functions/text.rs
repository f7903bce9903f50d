//! Functions of texts.

use std::sync::Arc;

use super::call::{Call, Function, Known, Needs, Result};
use crate::expression::datum::{Datum, Number, View};
use crate::expression::fault::Fault;
use crate::expression::{limits, operator};

/// Defines a function whose arguments the compiler need not inspect.
const fn plain(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    arguments: (usize, usize),
    body: fn(&Call<'_>) -> Result<Datum>,
) -> Function {
    Function {
        name,
        signature,
        summary,
        least: arguments.0,
        most: arguments.1,
        needs: Needs::Nothing,
        body,
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    plain(
        "text",
        "text(x)",
        "a number, boolean or date as a string; a string unchanged; refuses null, lists and objects",
        (1, 1),
        |call| written(call.first()).map(Datum::Text),
    ),
    plain(
        "trim",
        "trim(text)",
        "the string without whitespace at both ends",
        (1, 1),
        |call| Ok(Datum::text(call.text(0)?.trim())),
    ),
    plain(
        "upper",
        "upper(text)",
        "the string in upper case",
        (1, 1),
        |call| Ok(Datum::from_built(call.text(0)?.to_uppercase())),
    ),
    plain(
        "lower",
        "lower(text)",
        "the string in lower case",
        (1, 1),
        |call| Ok(Datum::from_built(call.text(0)?.to_lowercase())),
    ),
    plain(
        "split",
        "split(text, separator[, n])",
        "the parts between the separators, at most n of them: `\"Mary Ann Smith\".split(\" \", 2)` is \
         [\"Mary\", \"Ann Smith\"]",
        (2, 3),
        split,
    ),
    plain(
        "list",
        "list(text, separator)",
        "the parts between the separators, trimmed, empty parts dropped",
        (2, 2),
        list,
    ),
    plain(
        "join",
        "join(list, separator)",
        "the strings of a list joined into one, with the separator between them",
        (2, 2),
        join,
    ),
    Function {
        name: "replace",
        signature: "replace(text, pattern, with)",
        summary: "the string with every match of the pattern replaced; the pattern is a regular expression that \
                  is written out (a dot is `[.]`); `$1` in a replacement that is written out is a group",
        least: 3,
        most: 3,
        needs: Needs::Pattern,
        body: replace,
    },
    Function {
        name: "matches",
        signature: "matches(text, pattern)",
        summary: "whether the regular expression matches somewhere; anchor it with ^ and $ to match the whole string",
        least: 2,
        most: 2,
        needs: Needs::Pattern,
        body: matches,
    },
    plain(
        "contains",
        "contains(x, part)",
        "whether a string contains a string, a list an equal element, or an object a name; `part in x` is the same. An \
         element of another type is not equal; a list without any element of its type is refused as `expression.types`",
        (2, 2),
        contains,
    ),
    plain(
        "starts_with",
        "starts_with(text, start)",
        "whether the string begins with `start`",
        (2, 2),
        |call| Ok(Datum::Boolean(call.text(0)?.starts_with(&*call.text(1)?))),
    ),
    plain(
        "ends_with",
        "ends_with(text, end)",
        "whether the string ends with `end`",
        (2, 2),
        |call| Ok(Datum::Boolean(call.text(0)?.ends_with(&*call.text(1)?))),
    ),
];

impl Datum {
    fn from_built(text: String) -> Self {
        Self::Text(Arc::from(text))
    }
}

/// Returns a scalar as text, as `text(x)` and interpolation write it.
pub(in crate::expression) fn written(datum: &Datum) -> Result<Arc<str>> {
    match datum.view() {
        View::Text(text) => Ok(match datum {
            Datum::Text(text) => Arc::clone(text),
            _ => Arc::from(&*text),
        }),
        View::Boolean(boolean) => Ok(Arc::from(if boolean { "true" } else { "false" })),
        View::Moment(moment) => Ok(Arc::from(moment.to_string())),
        View::Number(_) | View::LongNumber => match datum {
            // A number of the document keeps the text it was written with.
            Datum::Json(value) => Ok(Arc::from(value.as_number().unwrap_or_default())),
            Datum::Decimal(decimal) => Ok(Arc::from(decimal.to_string())),
            _ => match datum.as_number()? {
                Number::Integer(integer) => Ok(Arc::from(integer.to_string())),
                Number::Decimal(decimal) => Ok(Arc::from(decimal.to_string())),
            },
        },
        _ => Err(Fault::types(format!(
            "a string, number, boolean or date, not {}",
            datum.kind()
        ))),
    }
}

fn separator<'c>(call: &'c Call<'_>) -> Result<std::borrow::Cow<'c, str>> {
    let separator = call.text(1)?;
    if separator.is_empty() {
        return Err(Fault::new("expression.argument", "a separator that is not empty"));
    }
    Ok(separator)
}

fn parts<'t>(parts: impl Iterator<Item = &'t str>) -> Result<Datum> {
    let mut list = Vec::new();
    for part in parts {
        limits::list(list.len() + 1)?;
        list.push(Datum::text(part));
    }
    Datum::list(list)
}

fn split(call: &Call<'_>) -> Result<Datum> {
    let (text, separator) = (call.text(0)?, separator(call)?);
    if call.argument(2).is_none() {
        return parts(text.split(&*separator));
    }
    match call.number(2)? {
        Number::Integer(most @ 1..) => {
            parts(text.splitn(usize::try_from(most).unwrap_or(usize::MAX), &*separator))
        }
        _ => Err(Fault::new("expression.argument", "a number of parts from 1")),
    }
}

fn list(call: &Call<'_>) -> Result<Datum> {
    let (text, separator) = (call.text(0)?, separator(call)?);
    parts(
        text.split(&*separator)
            .map(str::trim)
            .filter(|part| !part.is_empty()),
    )
}

fn join(call: &Call<'_>) -> Result<Datum> {
    let (list, separator) = (call.first().as_list()?, call.text(1)?);
    let mut joined = String::new();
    for (at, part) in list.iter().enumerate() {
        if at > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&part.as_text()?);
        limits::text(joined.len())?;
    }
    Ok(Datum::from_built(joined))
}

fn replace(call: &Call<'_>) -> Result<Datum> {
    let (text, with) = (call.text(0)?, call.text(2)?);
    let Known::Pattern(pattern, names_groups) = call.known else {
        return Err(Fault::new("expression.argument", "a literal pattern"));
    };
    let (mut replaced, mut kept) = (String::with_capacity(text.len()), 0);
    let mut put = |found: regex::Match<'_>, expand: &dyn Fn(&mut String)| {
        replaced.push_str(&text[kept..found.start()]);
        kept = found.end();
        expand(&mut replaced);
        limits::text(replaced.len())
    };
    if *names_groups {
        for groups in pattern.captures_iter(&text) {
            put(groups.get_match(), &|replaced| groups.expand(&with, replaced))?;
        }
    } else {
        // A replacement from the record is taken as it is: a `$1` in it names nothing.
        for found in pattern.find_iter(&text) {
            put(found, &|replaced| replaced.push_str(&with))?;
        }
    }
    replaced.push_str(&text[kept..]);
    Ok(Datum::from_built(replaced))
}

fn matches(call: &Call<'_>) -> Result<Datum> {
    let Known::Pattern(pattern, _) = call.known else {
        return Err(Fault::new("expression.argument", "a literal pattern"));
    };
    Ok(Datum::Boolean(pattern.is_match(&call.text(0)?)))
}

fn contains(call: &Call<'_>) -> Result<Datum> {
    let (container, part) = (call.first(), call.required(1));
    let found = match container.view() {
        View::Text(text) => text.contains(&*part.as_text()?),
        View::Object => container.field(&part.as_text()?).is_some(),
        View::List => {
            let list = container.as_list()?;
            let mut search = operator::Search::default();
            let found = list
                .iter()
                .any(|element| search.found(operator::equal(element, part)));
            if !found {
                search.end()?;
            }
            found
        }
        _ => {
            return Err(Fault::types(format!(
                "a string, list or object to search, not {}",
                container.kind()
            )));
        }
    };
    Ok(Datum::Boolean(found))
}
