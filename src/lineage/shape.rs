//! What is known of a value without any record: its parts, and the sources of each.

use super::{Dependence, Source, SourceField, Sources};
use crate::path::{Path, Segment};

/// What is known of a value: its parts, and the sources of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    form: ValueForm,
    /// What decides the value and everything in it.
    decided: Sources,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ValueForm {
    /// No value.
    Nothing,
    /// The value at this place of the source record; the record itself where the place is empty.
    Source(Vec<Segment>),
    /// A value computed from these sources.
    Made(Sources),
    /// An object: the fields with known names, and the shape of every other field: `Nothing`, `Source` (the field with
    /// the same name at that place), `Made` or `Any`.
    Object(Vec<(String, Shape)>, Box<Shape>),
    /// For fields whose names are not known: any of these, for names with this prefix.
    Any(Vec<(String, Shape)>),
    /// A list whose elements all have one shape, and what decides their number.
    List(Box<Shape>, Count),
}

/// What decides the number of elements of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Sources that each decide it alone.
    each: Sources,
    /// Sources of which any one determines it, because they agree: lists that are combined side by side.
    any: Sources,
}

impl Count {
    /// Returns the count of a list whose length these sources decide.
    #[must_use]
    pub fn from_sources(sources: Sources) -> Self {
        Self {
            any: sources.clone(),
            each: sources,
        }
    }

    /// Returns the count of lists of the same length side by side: one alone is longer only where all of them come from
    /// the same source.
    #[must_use]
    pub fn from_columns(columns: &[Sources]) -> Self {
        let any = columns.iter().fold(Sources::none(), Sources::and);
        let shared = |source: &Source| {
            let one = Sources::one(source.clone());
            columns.iter().all(|column| column.meets(&one))
        };
        let each = any.iter().filter(|source| shared(source)).cloned();
        Self {
            each: each
                .map(Sources::one)
                .fold(Sources::none(), |all, one| all.and(&one)),
            any,
        }
    }

    /// Returns what else decides a value that occurs once for each element of the list, and comes from these sources.
    #[must_use]
    pub fn beside(&self, sources: &Sources) -> Sources {
        let mut missing = Sources::none();
        for source in &self.each {
            let one = Sources::one(source.clone());
            if !sources.meets(&one) {
                missing = missing.and(&one);
            }
        }
        if !self.any.is_empty() && !sources.meets(&self.any) {
            missing = missing.and(&self.any);
        }
        missing.deciding(Dependence::Conditional)
    }

    fn or(self, other: &Self) -> Self {
        Self {
            each: self.each.and(&other.each),
            any: self.any.and(&other.any),
        }
    }
}

impl From<ValueForm> for Shape {
    fn from(form: ValueForm) -> Self {
        let decided = Sources::none();
        Self { form, decided }
    }
}

impl Shape {
    /// Returns the shape of the source record, unchanged.
    #[must_use]
    pub fn record() -> Self {
        ValueForm::Source(Vec::new()).into()
    }

    /// Returns the shape of a missing value.
    #[must_use]
    pub fn nothing() -> Self {
        ValueForm::Nothing.into()
    }

    /// Returns the shape of a value computed from these sources.
    #[must_use]
    pub fn made(sources: Sources) -> Self {
        ValueForm::Made(sources).into()
    }

    /// Returns the shape of an object with these fields and no others.
    #[must_use]
    pub fn object(fields: Vec<(String, Self)>) -> Self {
        let mut object: Self = ValueForm::Object(Vec::new(), Box::new(Self::nothing())).into();
        for (name, shape) in fields {
            *object.slot(&[Segment::Key(name)]) = shape;
        }
        object
    }

    /// Returns the shape of a list of such elements, and what decides their number.
    #[must_use]
    pub fn list(element: Self, count: Count) -> Self {
        ValueForm::List(Box::new(element), count).into()
    }

    /// Returns what decides the number of elements, where it is a list.
    #[must_use]
    pub fn count(&self) -> Count {
        match &self.form {
            ValueForm::List(_, count) => count.clone(),
            _ => Count::from_sources(self.sources()),
        }
    }

    /// Returns whether there is no value.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.form == ValueForm::Nothing
    }

    /// Returns all sources of the value and its parts.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let own = match &self.form {
            ValueForm::Nothing => Sources::none(),
            ValueForm::Source(place) => Sources::from_origin(origin(place)),
            ValueForm::Made(sources) => sources.clone(),
            ValueForm::List(element, count) => {
                let elements = element.sources();
                let count = count.beside(&elements);
                elements.and(&count)
            }
            ValueForm::Any(ways) => ways
                .iter()
                .fold(Sources::none(), |all, (_, way)| all.and(&way.sources())),
            ValueForm::Object(fields, rest) => fields
                .iter()
                .fold(rest.sources(), |all, (_, field)| all.and(&field.sources())),
        };
        own.and(&self.decided)
    }

    /// Returns the same value, which these sources decide too.
    #[must_use]
    pub fn decided(mut self, by: &Sources) -> Self {
        self.decided = self.decided.and(by);
        self
    }

    /// Marks that the value occurs in every element of a list: a part that does not come from the list occurs once for
    /// each element.
    pub(crate) fn counted(&mut self, list: &Count) {
        let is_leaf = match &mut self.form {
            ValueForm::Nothing => false,
            ValueForm::Source(_) | ValueForm::Made(_) | ValueForm::Any(_) => true,
            ValueForm::List(element, _) => {
                element.counted(list);
                false
            }
            ValueForm::Object(fields, rest) => {
                for (_, field) in fields.iter_mut() {
                    field.counted(list);
                }
                rest.counted(list);
                fields.is_empty() && rest.is_nothing()
            }
        };
        if is_leaf {
            let beside = list.beside(&self.sources());
            self.decided = std::mem::take(&mut self.decided).and(&beside);
        }
    }

    /// Returns the part at a place below.
    #[must_use]
    pub fn at(&self, place: &[Segment]) -> Self {
        place
            .iter()
            .fold(self.clone(), |shape, segment| shape.part(segment))
    }

    fn part(&self, segment: &Segment) -> Self {
        let part: Self = match (&self.form, segment) {
            (ValueForm::Nothing, _) => Self::nothing(),
            (ValueForm::Source(place), segment) => {
                let below = match segment {
                    Segment::Index(_) => Segment::Each,
                    other => other.clone(),
                };
                ValueForm::Source([&place[..], &[below]].concat()).into()
            }
            (ValueForm::Object(fields, rest), Segment::Key(name)) => {
                let known = fields.iter().find(|(field, _)| field == name);
                known.map_or_else(|| rest.unnamed(name), |(_, field)| field.clone())
            }
            (ValueForm::List(element, _), segment) if is_element(segment) => (**element).clone(),
            _ => Self::made(self.sources().made(Dependence::Transformation)),
        };
        part.decided(&self.decided)
    }

    /// Returns the shape of a field whose name is not known.
    fn unnamed(&self, name: &str) -> Self {
        match &self.form {
            ValueForm::Source(_) | ValueForm::Object(..) => self.part(&Segment::Key(name.to_owned())),
            ValueForm::Any(ways) => {
                let ways = ways
                    .iter()
                    .filter_map(|(prefix, way)| Some(way.unnamed(name.strip_prefix(&**prefix)?)));
                ways.fold(Self::nothing(), Self::or).decided(&self.decided)
            }
            _ => self.clone(),
        }
    }

    /// Returns the slot of a part, which is tracked individually from now on. What decides the whole still decides the
    /// part.
    pub(crate) fn slot(&mut self, place: &[Segment]) -> &mut Self {
        let Some((first, below)) = place.split_first() else {
            return self;
        };
        let part = self.part_mut(first);
        part.slot(below)
    }

    fn part_mut(&mut self, segment: &Segment) -> &mut Self {
        let fits = match (&self.form, segment) {
            (ValueForm::Object(..), Segment::Key(_)) => true,
            (ValueForm::List(..), segment) => is_element(segment),
            _ => false,
        };
        if !fits {
            self.open(segment);
        }
        match (&mut self.form, segment) {
            (ValueForm::Object(fields, rest), Segment::Key(name)) => {
                let at = fields.iter().position(|(field, _)| field == name);
                let at = at.unwrap_or_else(|| {
                    fields.push((name.clone(), rest.unnamed(name)));
                    fields.len() - 1
                });
                &mut fields[at].1
            }
            (ValueForm::List(element, _), _) => element,
            _ => unreachable!("`open` made it an object or a list"),
        }
    }

    /// Turns it into an object or a list of what is known so far.
    fn open(&mut self, segment: &Segment) {
        let whole = match &self.form {
            ValueForm::Nothing => Self::nothing(),
            ValueForm::Source(place) => ValueForm::Source(place.clone()).into(),
            _ => Self::made(self.sources()),
        };
        self.form = match segment {
            Segment::Key(_) => ValueForm::Object(Vec::new(), Box::new(whole)),
            Segment::Index(_) | Segment::Each => {
                let count = whole.count();
                let element = match whole.form {
                    ValueForm::Source(_) => whole.part(&Segment::Each),
                    _ => whole,
                };
                ValueForm::List(Box::new(element), count)
            }
        };
    }

    /// Puts a value at a place. At one element of a list, either the new or the earlier value may be there.
    pub(crate) fn put(&mut self, place: &[Segment], value: Self) {
        let every = |segment: &Segment| match segment {
            Segment::Each => true,
            Segment::Index(_) => false,
            Segment::Key(key) => !is_digits(key),
        };
        let slot = self.slot(place);
        if place.iter().all(every) {
            *slot = value;
        } else {
            *slot = std::mem::replace(slot, Self::nothing()).or(value);
        }
    }

    /// Returns the shape of a value that is either this or the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let decided = self.decided.clone().and(&other.decided);
        let form = match (self.form, other.form) {
            (ValueForm::Nothing, form) | (form, ValueForm::Nothing) => form,
            (one, other) if one == other => one,
            (ValueForm::List(one, count), ValueForm::List(other, other_count)) => {
                ValueForm::List(Box::new(one.or(*other)), count.or(&other_count))
            }
            (
                one @ (ValueForm::Source(_) | ValueForm::Object(..)),
                other @ (ValueForm::Source(_) | ValueForm::Object(..)),
            ) => either(one.into(), other.into()),
            (one, other) => ValueForm::Made(Self::from(one).sources().and(&Self::from(other).sources())),
        };
        Self { form, decided }
    }

    /// Records that fields whose names begin with a prefix may now be those of another object.
    pub(crate) fn lift(&mut self, from: &Self, prefix: &str) {
        if !matches!(self.form, ValueForm::Object(..)) {
            self.open(&Segment::Key(String::new()));
        }
        let ValueForm::Object(fields, rest) = &mut self.form else {
            return;
        };
        for (name, field) in fields.iter_mut() {
            if let Some(inner) = name.strip_prefix(prefix) {
                let lifted = from.part(&Segment::Key(inner.to_owned()));
                *field = std::mem::replace(field, Self::nothing()).or(lifted);
            }
        }
        if let ValueForm::Object(known, _) = &from.form {
            for (inner, _) in known {
                let name = format!("{prefix}{inner}");
                if !fields.iter().any(|(field, _)| *field == name) {
                    let lifted = from.part(&Segment::Key(inner.clone()));
                    fields.push((name.clone(), rest.unnamed(&name).or(lifted)));
                }
            }
        }
        let lifted = match &from.form {
            ValueForm::Object(_, others) => (**others).clone().decided(&from.decided),
            _ => from.clone(),
        };
        **rest = in_doubt(rest, prefix, &lifted);
    }

    /// Returns every listed value: its place and its sources. The place of an object or list covers the values below it
    /// that are not listed individually.
    pub(crate) fn leaves(&self) -> Vec<(Vec<Segment>, Sources)> {
        let mut leaves = Vec::new();
        self.tell(&mut Vec::new(), &Sources::none(), &mut leaves);
        leaves
    }

    fn tell(&self, at: &mut Vec<Segment>, above: &Sources, leaves: &mut Vec<(Vec<Segment>, Sources)>) {
        let decided = above.clone().and(&self.decided);
        match &self.form {
            ValueForm::Nothing => {}
            ValueForm::Source(_) | ValueForm::Made(_) | ValueForm::Any(_) => {
                leaves.push((at.clone(), self.sources().and(&decided)));
            }
            ValueForm::List(element, _) => {
                at.push(Segment::Each);
                element.tell(at, &decided, leaves);
                at.pop();
            }
            ValueForm::Object(fields, rest) => {
                if fields.is_empty() && rest.is_nothing() && !at.is_empty() {
                    leaves.push((at.clone(), decided.clone()));
                }
                rest.tell(at, &decided, leaves);
                for (name, field) in fields {
                    at.push(Segment::Key(name.clone()));
                    field.tell(at, &decided, leaves);
                    at.pop();
                }
            }
        }
    }

    /// Tracks a field by its name, where it is one of those copied unchanged.
    pub(crate) fn name(&mut self, name: &str) {
        if matches!(&self.form, ValueForm::Source(_) | ValueForm::Object(..)) {
            self.slot(&[Segment::Key(name.to_owned())]);
        }
    }

    /// Records that there are no fields besides those with known names.
    pub(crate) fn close(&mut self) {
        if let ValueForm::Object(_, rest) = &mut self.form {
            **rest = Self::nothing();
        }
    }

    /// Records that an object copied unchanged has no other fields.
    pub(crate) fn close_processed(&mut self) {
        if let ValueForm::Object(_, rest) = &mut self.form
            && matches!(rest.form, ValueForm::Source(_))
        {
            **rest = Self::nothing();
        }
    }
}

/// Combines two objects field by field: each field is either of the two.
fn either(one: Shape, other: Shape) -> ValueForm {
    let opened = |shape: Shape| match shape.form {
        ValueForm::Object(fields, rest) => (fields, *rest),
        form => (Vec::new(), Shape::from(form)),
    };
    let ((one_fields, one_rest), (other_fields, other_rest)) = (opened(one), opened(other));
    let mut fields: Vec<(String, Shape)> = Vec::new();
    for (name, field) in &one_fields {
        let known = other_fields.iter().find(|(other, _)| other == name);
        let other = known.map_or_else(|| other_rest.unnamed(name), |(_, field)| field.clone());
        fields.push((name.clone(), field.clone().or(other)));
    }
    for (name, field) in other_fields {
        if !one_fields.iter().any(|(known, _)| *known == name) {
            let one = one_rest.unnamed(&name);
            fields.push((name, one.or(field)));
        }
    }
    ValueForm::Object(fields, Box::new(in_doubt(&one_rest, "", &other_rest)))
}

/// Returns the shape of a field with an unknown name that may also be one of another object, after a prefix.
fn in_doubt(one: &Shape, prefix: &str, other: &Shape) -> Shape {
    if other.is_nothing() || (prefix.is_empty() && one.form == other.form) {
        return one.clone().decided(&other.decided);
    }
    let mut ways = match &one.form {
        ValueForm::Nothing => Vec::new(),
        ValueForm::Any(ways) => ways
            .iter()
            .map(|(prefix, way)| (prefix.clone(), way.clone().decided(&one.decided)))
            .collect(),
        _ => vec![(String::new(), one.clone())],
    };
    if !ways.iter().any(|(known, way)| known == prefix && way == other) {
        ways.push((prefix.to_owned(), other.clone()));
    }
    ValueForm::Any(ways).into()
}

fn origin(place: &[Segment]) -> SourceField {
    if place.is_empty() {
        SourceField::Record
    } else {
        SourceField::Field(Path::from_segments(place.to_vec()))
    }
}

fn is_digits(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_element(segment: &Segment) -> bool {
    match segment {
        Segment::Each | Segment::Index(_) => true,
        Segment::Key(key) => is_digits(key),
    }
}
