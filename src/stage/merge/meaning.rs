//! The part of a stage's meaning that its merge determines: every setting, with defaults filled in, in a fixed order.

use serde_json::{Value as Json, json};

use super::compile_fields::number_of;
use super::compiled::{FieldValue, From, Merge};
use super::conflict::Conflict;
use super::kind::{CompareWord, Form};
use crate::matching::{Caution, Compare, Field, Group, Join, Key, KeyPart, Learn, Role, Then};

impl Merge {
    pub(in crate::stage) fn meaning(&self) -> Json {
        let settings = &self.settings;
        let fields = settings.fields.iter().zip(&self.fields);
        let weights = match &settings.learn {
            Learn::Em => Json::Null,
            Learn::Given(weights) => json!(weights),
        };
        json!({
            "fields": fields.map(|(field, value)| self.field(field, value)).collect::<Vec<_>>(),
            "groups": settings.groups.iter().map(|group| self.group(group)).collect::<Vec<_>>(),
            "keys": settings.keys.iter().map(|key| self.key(key)).collect::<Vec<_>>(),
            "conflicts": self.conflicts.iter().map(conflict).collect::<Vec<_>>(),
            "caution": caution_word(settings.caution),
            "classes": number_of(settings.classes),
            "weights": weights,
            "prior": settings.prior,
            "auto": settings.auto,
            "review": settings.review,
            "cluster": {
                "join": join_word(settings.join),
                "max": settings.most,
                "one_per": self.one_per.as_ref().map(crate::expression::Expression::source),
            },
            "survive": self.survival.meaning(),
            "limits": { "pairs": settings.limits.pairs, "memory": settings.limits.memory },
        })
    }

    fn name(&self, field: usize) -> &str {
        self.settings.fields.get(field).map_or("", |field| &field.name)
    }

    fn field(&self, field: &Field, value: &FieldValue) -> Json {
        let compare = match &field.compare {
            Compare::Custom(custom) => json!({ "rust": custom.name(), "version": custom.version() }),
            other => CompareWord::of(other).name().into(),
        };
        json!({
            "name": field.name,
            "value": source(value),
            "kind": value.kind.word,
            "compare": compare,
            "levels": field.cuts,
            "role": role_word(field.role),
            "swap": field.swap.map(|other| self.name(other)),
            "frequency": field.frequency,
        })
    }

    fn group(&self, group: &Group) -> Json {
        let levels = group.levels.iter().map(|level| {
            let parts = level.iter().map(|part| {
                let sign = if part.similar { "~" } else { "" };
                format!("{sign}{}", self.name(part.field))
            });
            parts.collect::<Vec<_>>()
        });
        json!([group.name, levels.collect::<Vec<_>>()])
    }

    fn key(&self, key: &Key) -> Json {
        let parts = |parts: &[KeyPart]| parts.iter().map(|part| self.key_part(*part)).collect::<Vec<_>>();
        json!({ "key": parts(&key.parts), "limit": key.limit, "refine": parts(&key.refine) })
    }

    /// The source of a part, as it would be written in the file.
    pub(super) fn key_part(&self, part: KeyPart) -> String {
        match part {
            KeyPart::Field(field) => self.name(field).to_owned(),
            KeyPart::Prefix(field, letters) => format!("prefix({}, {letters})", self.name(field)),
            KeyPart::Suffix(field, letters) => format!("suffix({}, {letters})", self.name(field)),
            KeyPart::Soundex(field) => format!("soundex({})", self.name(field)),
            KeyPart::Metaphone(field) => format!("metaphone({})", self.name(field)),
            KeyPart::Year(field) => format!("{}.year", self.name(field)),
            KeyPart::MonthDay(field) => format!("{}.month, {}.day", self.name(field), self.name(field)),
            KeyPart::Either(one, other) => {
                format!("soundex({}), soundex({})", self.name(one), self.name(other))
            }
            KeyPart::Initials(one, other) => {
                format!("prefix({}, 1), prefix({}, 1)", self.name(one), self.name(other))
            }
            KeyPart::Computed(at) => self
                .computed
                .get(at)
                .map(|expression| expression.source().to_owned())
                .unwrap_or_default(),
        }
    }
}

fn source(value: &FieldValue) -> Json {
    match &value.from {
        From::Path(path) => json!({ "path": path.pointer() }),
        From::Expression(expression) => json!({ "expression": expression.source() }),
        From::All(parts) => {
            let parts = parts
                .iter()
                .map(|part| json!([source(part), form_word(part.form)]));
            json!({ "all": parts.collect::<Vec<_>>() })
        }
    }
}

fn conflict(conflict: &Conflict) -> Json {
    json!([conflict.name, conflict.when.source(), then_word(conflict.then)])
}

fn form_word(form: Form) -> &'static str {
    match form {
        Form::Folded => "folded",
        Form::Date => "date",
        Form::Digits => "digits",
        Form::Lower => "lower",
        Form::List => "list",
    }
}

fn word_of<T: Copy + PartialEq>(words: &[(&'static str, T)], wanted: T) -> &'static str {
    words
        .iter()
        .find(|(_, value)| *value == wanted)
        .map_or("", |(word, _)| word)
}

fn then_word(then: Then) -> &'static str {
    word_of(&super::words::THEN, then)
}

fn caution_word(caution: Caution) -> &'static str {
    word_of(&super::words::CAUTION, caution)
}

fn join_word(join: Join) -> &'static str {
    word_of(&super::words::JOIN, join)
}

fn role_word(role: Role) -> &'static str {
    match word_of(&super::words::ROLE, role) {
        "" => "plain",
        word => word,
    }
}
