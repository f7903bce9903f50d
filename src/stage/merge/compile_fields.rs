//! Compiling the fields of a merge, and the groups of those that determine each other.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::compile::{MergeCompiler, in_parts};
use super::compiled::{FieldValue, From};
use super::draft::{Draft, DraftField, Written};
use super::kind::{CompareWord, Form, KindRow, Row, form};
use super::names::{SuppliedName, supplied_names};
use crate::expression::Expression;
use crate::matching::{
    Classes, Compare, Field, Group, GroupPart, Key, KeyPart, Kind, Learn, MOST_SLOTS, Millibits, Role, place,
};
use crate::problem::Problem;

/// Most fields, and most levels of one: what the matching holds.
const MOST: usize = MOST_SLOTS;
const MOST_LEVELS: usize = 7;

/// What fields compile to: what is compared, where the values come from, and the names that expressions may use.
type Fields = (Vec<Field>, Vec<FieldValue>, Vec<SuppliedName>);

impl MergeCompiler<'_, '_> {
    pub(super) fn fields(&mut self, draft: &Draft) -> Option<Fields> {
        if draft.fields.is_empty() {
            self.error(
                "merge.no_fields",
                draft.place.clone(),
                "[merge] compares nothing",
                "list the fields that identify in `identity`: `identity = { given = \"name.first\", birth = \"dob\" }`",
            );
            return None;
        }
        if draft.fields.len() > MOST {
            let message = format!("[merge] compares more than {MOST} fields");
            self.error(
                "merge.too_many",
                draft.place.clone(),
                message,
                "compare fewer fields",
            );
            return None;
        }
        let mut fields: Vec<Field> = draft.fields.iter().map(|field| self.field(field)).collect();
        self.swaps(draft, &mut fields);
        let forms: Vec<Form> = draft.fields.iter().map(form_of).collect();
        let names = supplied_names(fields.iter().map(|field| field.name.as_str()).zip(forms));
        let values = self.values(draft, &names);
        Some((fields, values?, names))
    }

    /// Returns a field without its swap.
    fn field(&mut self, draft: &DraftField) -> Field {
        let compare = compare_of(draft);
        let word = CompareWord::of(&compare);
        let cuts = match &draft.levels {
            Some(levels) => self.cuts(draft, levels),
            None => compare.cuts(),
        };
        if draft.levels.is_some() && word.own_levels().is_some() {
            let message = format!(
                "`levels` has no effect: the comparison `{}` has levels of its own",
                word.name()
            );
            self.error(
                "merge.levels",
                draft.name.place.clone(),
                message,
                "leave out `levels`",
            );
        }
        self.check_name(&draft.name);
        let role = match (draft.listed, draft.role) {
            (
                Some(listed @ (Role::Identity | Role::Shared)),
                Some(role @ (Role::Identity | Role::Shared)),
            ) if listed != role => {
                let message = format!("`{}` is listed under another role", draft.name.text);
                self.error(
                    "merge.role",
                    draft.name.place.clone(),
                    message,
                    "leave out `role`, or list it there",
                );
                listed
            }
            (listed, role) => role.or(listed).unwrap_or_default(),
        };
        if self.weights_are_given && draft.frequency == Some(true) {
            self.error(
                "merge.weights",
                draft.name.place.clone(),
                "`frequency` has no effect where the weights are given: each level has one weight",
                "leave out `frequency`",
            );
        }
        let usual = Field::new(&draft.name.text, kind_of(draft).kind, role);
        Field {
            compare,
            cuts,
            frequency: draft
                .frequency
                .unwrap_or(usual.frequency && !self.weights_are_given),
            ..usual
        }
    }

    /// A field's name is a name in expressions.
    fn check_name(&mut self, name: &Written) {
        let mut letters = name.text.chars();
        let begins = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        let is_name = begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name || matches!(name.text.as_str(), "doc" | "omit") {
            let message = format!(
                "`{}` cannot be the name of a field, because expressions use it",
                name.text
            );
            self.error(
                "merge.bad_name",
                name.place.clone(),
                message,
                "use a-z, 0-9 and _, beginning with a letter",
            );
        }
    }

    fn cuts(&mut self, draft: &DraftField, levels: &[Decimal]) -> Vec<u16> {
        let parts = levels
            .iter()
            .map(|level| in_parts(*level, 1000).and_then(|parts| u16::try_from(parts).ok()));
        let cuts: Option<Vec<u16>> = parts.collect();
        let good = cuts.filter(|cuts| {
            cuts.first() == Some(&1000)
                && cuts.len() <= MOST_LEVELS
                && cuts.windows(2).all(|pair| pair[0] > pair[1])
                && cuts.last() > Some(&0)
        });
        good.unwrap_or_else(|| {
            let message = format!(
                "`levels` of `{}` takes similarities from 1 downwards, at most {MOST_LEVELS}, of at most three places",
                draft.name.text
            );
            self.error("merge.levels", draft.name.place.clone(), message, "write `levels = [1, 0.92, 0.85]`");
            vec![1000]
        })
    }

    /// A given name may stand in the place of the surname, and the other way round.
    fn swaps(&mut self, draft: &Draft, fields: &mut [Field]) {
        for (at, field) in draft.fields.iter().enumerate() {
            let Some(swap) = &field.swap else { continue };
            match self.named(swap, fields.iter().map(|field| field.name.as_str())) {
                Some(other) if other == at => {
                    let message = format!("`{}` cannot be exchanged with itself", swap.text);
                    self.error("merge.swap", swap.place.clone(), message, "name the other field");
                }
                // It is one exchange, whichever of the two says so.
                Some(other) if fields[other].swap != Some(at) => fields[at].swap = Some(other),
                _ => {}
            }
        }
        let first = |wanted: Kind| fields.iter().position(|field| field.kind == wanted);
        let is_said = self.weights_are_given || fields.iter().any(|field| field.swap.is_some());
        if let (false, Some(given), Some(surname)) = (is_said, first(Kind::Given), first(Kind::Surname)) {
            fields[surname].swap = Some(given);
        }
    }

    /// Returns the position of a named field.
    pub(super) fn named<'n>(
        &mut self,
        name: &Written,
        known: impl Iterator<Item = &'n str>,
    ) -> Option<usize> {
        let known: Vec<&str> = known.collect();
        let found = known.iter().position(|known| *known == name.text);
        if found.is_none() {
            let message = format!("there is no field `{}`", name.text);
            let problem = Problem::error("merge.unknown_field", name.place.clone(), message)
                .help(format!("the fields are: {}", known.join(", ")))
                .did_you_mean(&name.text, known);
            self.problems.add(problem);
        }
        found
    }

    fn values(&mut self, draft: &Draft, names: &[SuppliedName]) -> Option<Vec<FieldValue>> {
        let is_path = |at: usize| {
            let value = draft.fields[at].value.as_ref();
            value.is_some_and(|value| !value.text.starts_with("= "))
        };
        let values: Vec<Option<FieldValue>> = draft
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| {
                // The fields that are read as they are, and those before.
                let before = names.iter().filter(|name| is_path(name.field) || name.field < at);
                let before: Vec<String> = before.map(|name| name.name.to_string()).collect();
                self.value(field, draft, &before)
            })
            .collect();
        values.into_iter().collect()
    }

    fn value(&mut self, field: &DraftField, draft: &Draft, names: &[String]) -> Option<FieldValue> {
        let Some(value) = &field.value else {
            let message = format!(
                "`{}` needs a `value`: it is not listed in `identity` or `shared`",
                field.name.text
            );
            let problem = Problem::error("stage.missing_key", field.name.place.clone(), message)
                .help("write `value = \"PATH\"`, or `value = \"= EXPRESSION\"`")
                .did_you_mean(
                    &field.name.text,
                    draft
                        .fields
                        .iter()
                        .filter(|other| other.listed.is_some())
                        .map(|other| other.name.text.as_str()),
                );
            self.problems.add(problem);
            return None;
        };
        let from = if value.text.starts_with("= ") {
            let expression = self.expression("value", value, names)?;
            self.varies(&expression, field, value);
            From::Expression(expression)
        } else {
            let path = self.path(value)?;
            if path.is_many() && form_of(field) != Form::List {
                let message = format!(
                    "`{path}` names several values, and `{}` compares one",
                    field.name.text
                );
                self.error(
                    "merge.several",
                    value.place.clone(),
                    message,
                    "write `compare = \"set\"` in its [[merge.field]]",
                );
            }
            From::Path(path)
        };
        Some(FieldValue {
            kind: kind_of(field),
            form: form_of(field),
            from,
            place: value.place.clone(),
        })
    }

    /// Reports an expression that makes all members equal, or a list where one text is compared.
    fn varies(&mut self, expression: &Expression, field: &DraftField, value: &Written) {
        let name = &field.name.text;
        if expression.is_constant() {
            let message = format!("`{name}` is the same for every record, so comparing it says nothing");
            let help = "read a field, for example `= doc.name`, or leave it out";
            self.error("merge.constant", value.place.clone(), message, help);
        } else if expression.makes_several() && form_of(field) != Form::List {
            let message = format!("the expression makes several values, and `{name}` compares one");
            let help = "name one of them, or write `compare = \"set\"` in its [[merge.field]]";
            self.error("merge.several", value.place.clone(), message, help);
        }
    }

    /// Returns the one field of a merge without a model: the key that all fields of `by` make together.
    pub(super) fn key_of_all(&mut self, draft: &Draft) -> Option<(Field, FieldValue, Key)> {
        let mut parts = Vec::new();
        for field in &draft.by {
            self.check_name(&field.name);
            parts.push(self.value(field, draft, &[]));
        }
        let parts: Option<Vec<FieldValue>> = parts.into_iter().collect();
        let names: Vec<&str> = draft.by.iter().map(|field| field.name.text.as_str()).collect();
        let field = Field::new(&names.join("+"), Kind::Code, Role::Identity);
        let value = FieldValue {
            kind: KindRow::of(Kind::Code),
            form: Form::Folded,
            from: From::All(parts?),
            place: draft.place_of("by"),
        };
        let key = Key {
            parts: vec![KeyPart::Field(0)],
            limit: u32::MAX as usize,
            refine: Vec::new(),
        };
        Some((field, value, key))
    }

    pub(super) fn groups(&mut self, draft: &Draft, fields: &[Field]) -> Vec<Group> {
        let Some(written) = &draft.groups else {
            return place_group(&draft.fields, fields).into_iter().collect();
        };
        let mut groups: Vec<Group> = Vec::new();
        for group in written {
            let mut levels = Vec::new();
            for level in &group.levels {
                let parts = level.iter().filter_map(|part| {
                    let (name, similar) = match part.text.strip_prefix('~') {
                        Some(name) => (name, true),
                        None => (part.text.as_str(), false),
                    };
                    let name = Written {
                        text: name.to_owned(),
                        place: part.place.clone(),
                    };
                    let field = self.named(&name, fields.iter().map(|field| field.name.as_str()))?;
                    Some(GroupPart { field, similar })
                });
                levels.push(parts.collect::<Vec<_>>());
            }
            let new = Group {
                name: group.name.text.clone(),
                levels,
            };
            let in_both = groups
                .iter()
                .flat_map(members)
                .find(|field| members(&new).any(|other| other == *field));
            if let Some(field) = in_both {
                let message = format!("`{}` is in two groups", fields[field].name);
                self.error(
                    "merge.twice",
                    group.name.place.clone(),
                    message,
                    "a field belongs to one group",
                );
            }
            if new.levels.iter().any(Vec::is_empty) || new.levels.is_empty() {
                let message = format!(
                    "the group `{}` needs levels, each with at least one field",
                    new.name
                );
                self.error(
                    "merge.levels",
                    group.name.place.clone(),
                    message,
                    "write `levels = [[\"street\", \"number\"], [\"street\"], [\"~street\"]]`",
                );
            }
            groups.push(new);
        }
        groups
    }

    /// Returns the weights that are given, by the position of their field or group.
    fn weights(&mut self, draft: &Draft, names: &[&str]) -> Vec<Vec<Millibits>> {
        let mut weights: Vec<Vec<Millibits>> = vec![Vec::new(); names.len()];
        for weight in &draft.weights {
            let Some(at) = self.named(&weight.of, names.iter().copied()) else {
                continue;
            };
            if !weights[at].is_empty() {
                let message = format!("the weights of `{}` are given twice", weight.of.text);
                self.error(
                    "merge.twice",
                    weight.of.place.clone(),
                    message,
                    "keep one of the two",
                );
            }
            let bits = weight.bits.iter().map(|bits| millibits(*bits));
            match bits.collect::<Option<Vec<Millibits>>>() {
                Some(bits) => weights[at] = bits,
                None => self.error(
                    "merge.weights",
                    weight.of.place.clone(),
                    "a weight is a number of bits from -100 to 100, of at most three places",
                    "write `bits = [8.3, 4, -3.7]`",
                ),
            }
        }
        weights
    }

    pub(super) fn learn(&mut self, draft: &Draft, fields: &[Field], groups: &[Group]) -> Learn {
        if !self.weights_are_given {
            if let Some(weight) = draft.weights.first() {
                self.error(
                    "merge.weights",
                    weight.of.place.clone(),
                    "weights have no effect where the model is learned",
                    "set `learn = \"given\"`, or leave out [[merge.weight]]",
                );
            }
            return Learn::Em;
        }
        let grouped: Vec<usize> = groups.iter().flat_map(members).collect();
        let names: Vec<&str> = fields
            .iter()
            .map(|field| field.name.as_str())
            .chain(groups.iter().map(|group| group.name.as_str()))
            .collect();
        let weights = self.weights(draft, &names);
        for (at, name) in names.iter().enumerate() {
            let needed = match fields.get(at) {
                Some(_) if grouped.contains(&at) => 0,
                Some(field) => levels_of(field),
                None => groups[at - fields.len()].levels.len() + 1,
            };
            if weights[at].len() != needed {
                let place = draft.weights.iter().find(|weight| weight.of.text == **name);
                let place = place
                    .and_then(|weight| weight.of.place.clone())
                    .or_else(|| draft.place_of("learn"));
                let message = match needed {
                    0 => format!("`{name}` belongs to a group, which has the weights"),
                    _ => format!(
                        "`{name}` needs {needed} weights, one for each of its levels and the last for disagreement, not {}",
                        weights[at].len()
                    ),
                };
                self.error(
                    "merge.weights",
                    place,
                    message,
                    "write them in a [[merge.weight]] with `of` and `bits`",
                );
            }
        }
        // Those of what is scored: fields outside groups, then groups.
        let scored = weights
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !grouped.contains(at));
        Learn::Given(scored.map(|(_, weights)| weights).collect())
    }
}

fn members(group: &Group) -> impl Iterator<Item = usize> + '_ {
    group.levels.iter().flatten().map(|part| part.field)
}

fn millibits(bits: Decimal) -> Option<Millibits> {
    let scaled = bits.checked_mul(Decimal::ONE_THOUSAND)?;
    let whole = scaled.is_integer().then(|| scaled.to_i32()).flatten()?;
    (-100_000..=100_000).contains(&whole).then_some(whole)
}

/// Returns the number of weights of a field: for equality, for each level of similarity, and for difference. What is
/// exchanged counts as equal.
fn levels_of(field: &Field) -> usize {
    let own = CompareWord::of(&field.compare).own_levels();
    let similar = own.unwrap_or_else(|| field.cuts.len().saturating_sub(1));
    1 + similar + 1
}

/// Returns the group of the fields that are parts of a place. Its last level is the state, which says nothing that the
/// town does not say.
fn place_group(drafts: &[DraftField], fields: &[Field]) -> Option<Group> {
    let mut group = place(fields)?;
    let region = drafts.iter().position(|field| kind_of(field).is_region);
    group.levels.extend(region.map(|field| {
        vec![GroupPart {
            field,
            similar: false,
        }]
    }));
    Some(group)
}

/// Returns the kind of a field: as written, or by its name.
pub(super) fn kind_of(field: &DraftField) -> Row {
    let compare = field.compare.as_ref().map(CompareWord::of);
    field
        .kind
        .unwrap_or_else(|| KindRow::guessed(&field.name.text, compare))
}

fn compare_of(field: &DraftField) -> Compare {
    field.compare.clone().unwrap_or_else(|| kind_of(field).compare())
}

fn form_of(field: &DraftField) -> Form {
    form(kind_of(field), CompareWord::of(&compare_of(field)))
}

/// Three classes are distinguished where a household shares fields.
pub(super) const fn number_of(classes: Classes) -> u8 {
    match classes {
        Classes::Two => 2,
        Classes::Three => 3,
    }
}
