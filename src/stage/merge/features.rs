//! What of a record is compared: the texts of its fields, the computed parts of its keys, and what it belongs to.

use std::borrow::Cow;

use super::compiled::{FieldValue, From, Merge};
use super::kind::Form;
use super::normal::{NotScalar, normal, scalar};
use crate::digest::sha256;
use crate::expression::{Evaluated, Expression, Scope};
use crate::matching::{Excess, FeaturesBuilder, MemberText};
use crate::path::Path;
use crate::record::{Document, Record, Value};
use crate::refusal::Refusal;

/// What of a member is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberFeatures {
    /// The text of each field; `None` where it is absent or blank.
    pub(crate) values: Vec<Option<String>>,
    /// The computed parts of blocking keys.
    pub(crate) computed: Vec<Option<String>>,
    /// What the member belongs to, of which a cluster has at most one member.
    pub(crate) owner: Option<String>,
    /// Whether it has what the stage reads there, in the order of [`Merge::watched`].
    pub(crate) has: Vec<bool>,
}

impl MemberFeatures {
    /// Adds a record to those that are compared. Its place among equals follows from its id and not from its number, so that
    /// the order of loading decides nothing.
    ///
    /// # Errors
    /// [`Excess`] if they would need more memory than there may be.
    pub(crate) fn push_to(&self, builder: &mut FeaturesBuilder, record: &Record) -> Result<(), Excess> {
        let hash = sha256(&[record.id.as_bytes()]);
        builder.push(&MemberText {
            number: record.number.get(),
            tie: u64::from_be_bytes(std::array::from_fn(|at| hash[at])),
            values: &borrowed(&self.values),
            computed: &borrowed(&self.computed),
            owner: self.owner.as_deref().map(Cow::Borrowed),
        })
    }
}

fn borrowed(texts: &[Option<String>]) -> Vec<Option<Cow<'_, str>>> {
    let texts = texts.iter().map(Option::as_deref);
    texts.map(|text| text.map(Cow::Borrowed)).collect()
}

impl Merge {
    /// Returns what of a member is compared. The names of the fields are visible in the scope from here on.
    ///
    /// # Errors
    /// `merge.not_a_text` for a value that is a list or an object, and the [`Refusal`] of an expression that refuses
    /// although everything that it reads is there.
    pub(crate) fn features(
        &self,
        document: &Document,
        scope: &mut Scope<'_>,
    ) -> Result<MemberFeatures, Refusal> {
        let mut values: Vec<Option<String>> = vec![None; self.fields.len()];
        let of_paths = |field: &&FieldValue| !matches!(field.from, From::Expression(_));
        // Expressions see the fields that are read as they are, and those before them.
        for pass in [true, false] {
            for (at, field) in self
                .fields
                .iter()
                .enumerate()
                .filter(|(_, field)| of_paths(field) == pass)
            {
                values[at] = value_of(field, document, scope)?;
                for name in self.names.iter().filter(|name| name.field == at) {
                    scope.supply(&name.name, name.value(&values));
                }
            }
        }
        let mut computed = Vec::with_capacity(self.computed.len());
        for expression in &self.computed {
            computed.push(text_of(expression, document, scope, "merge.block")?);
        }
        let owner = match &self.one_per {
            Some(expression) => text_of(expression, document, scope, "merge.cluster.one_per")?,
            None => None,
        };
        let has = self.watched().map(|(_, path)| {
            if path.is_many() {
                !document.places(path).is_empty()
            } else {
                scope.place_in(document, path).is_some()
            }
        });
        Ok(MemberFeatures {
            values,
            computed,
            owner,
            has: has.collect(),
        })
    }
}

/// Returns the text of a field.
fn value_of(
    field: &FieldValue,
    document: &Document,
    scope: &mut Scope<'_>,
) -> Result<Option<String>, Refusal> {
    match &field.from {
        From::Path(path) if path.is_many() => {
            let places = document.places(path);
            let values = places.iter().filter_map(|place| document.at(place));
            let values = values.map(std::borrow::Cow::into_owned).collect();
            written(&Value::List(values), field.form).map_err(|NotScalar| not_a_text(path))
        }
        From::Path(path) => match scope.place_in(document, path) {
            Some(value) => written(&value, field.form).map_err(|NotScalar| not_a_text(path)),
            None => Ok(None),
        },
        From::Expression(expression) => {
            let rule = "merge.field";
            match evaluated(expression, document, scope, rule)? {
                Some(value) => written(&value, field.form).map_err(|NotScalar| not_text_of(expression, rule)),
                None => Ok(None),
            }
        }
        From::All(parts) => {
            let mut key = Vec::with_capacity(parts.len());
            for part in parts {
                match value_of(part, document, scope)? {
                    Some(text) => key.push(text),
                    None => return Ok(None),
                }
            }
            Ok(Some(key.join("\u{1f}")))
        }
    }
}

/// Returns the text of an expression as it is.
fn text_of(
    expression: &Expression,
    document: &Document,
    scope: &mut Scope<'_>,
    rule: &'static str,
) -> Result<Option<String>, Refusal> {
    match evaluated(expression, document, scope, rule)? {
        Some(value) => scalar(&value).map_err(|NotScalar| not_text_of(expression, rule)),
        None => Ok(None),
    }
}

/// Returns the value of an expression; `None` where it cannot be computed because something that it reads is absent.
fn evaluated(
    expression: &Expression,
    document: &Document,
    scope: &mut Scope<'_>,
    rule: &'static str,
) -> Result<Option<Value>, Refusal> {
    match expression.value(document, scope) {
        Ok(Evaluated::Value(value)) => Ok(Some(value)),
        Ok(Evaluated::Omit) => Ok(None),
        Err(_) if expression.lacks(document, scope) => Ok(None),
        Err(refusal) => Err(refusal.rule(rule)),
    }
}

fn not_a_text(path: &Path) -> Refusal {
    Refusal::new("merge.not_a_text", path.pointer()).expected("a text, a number or a boolean to compare")
}

fn not_text_of(expression: &Expression, rule: &'static str) -> Refusal {
    let pointer = expression.as_path().map(Path::pointer).unwrap_or_default();
    Refusal::new("merge.not_a_text", pointer)
        .expected("a text, a number or a boolean to compare")
        .rule(rule)
}

/// Returns the text that is compared: for a list its distinct elements, in order, separated by line feeds.
fn written(value: &Value, form: Form) -> Result<Option<String>, NotScalar> {
    if form != Form::List {
        return Ok(scalar(value)?.and_then(|text| normal(&text, form)));
    }
    let Some(list) = value.as_list() else {
        return Ok(scalar(value)?.and_then(|text| normal(&text, form)));
    };
    let mut texts = Vec::with_capacity(list.len());
    for element in list.iter() {
        texts.extend(scalar(element)?.and_then(|text| normal(&text, form)));
    }
    texts.sort_unstable();
    texts.dedup();
    Ok(Some(texts.join("\n")).filter(|text| !text.is_empty()))
}
