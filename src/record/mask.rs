//! Redaction, decided in one place: by the value where there is a record, and by the path alone where there is none. A
//! value that blocks a redacted path is redacted too, because it may be the same value in another form: `"4111..."`
//! where `card.number` is redacted.

use std::borrow::Cow;

use super::access::{index, step as step_into};
use super::{Kind, Malformed, Object, Value};
use crate::path::{Path, Segment};

/// The text that replaces a redacted value.
pub const REDACTED: &str = "[redacted]";

impl Object {
    /// Replaces every value that a redacted path leads to, and every value that blocks it: a scalar or a list where the
    /// path continues with a name, an object or a scalar where it continues with an element. `null` along the path is
    /// not a value, and remains. Returns whether anything was masked.
    pub fn mask(&mut self, redact: &Path) -> bool {
        let Some((Segment::Key(name), rest)) = redact.segments().split_first() else {
            return false;
        };
        self.get_mut(name).is_some_and(|value| mask(value, rest))
    }
}

/// The data of a record with its redacted values masked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Masked<'d, 'p> {
    /// The JSON text, with every redacted value replaced.
    pub data: Cow<'d, str>,
    /// The redacted paths at which the record has a value, or a value that blocks them.
    pub paths: Vec<&'p Path>,
}

/// Masks the values at these paths in the data of a record: the only way in which values are shown.
///
/// # Errors
/// [`Malformed`] when the data is not a JSON object: then none of it may be shown.
pub fn masked<'d, 'p>(data: &'d str, redact: &'p [Path]) -> Result<Masked<'d, 'p>, Malformed> {
    let mut shown = Masked {
        data: Cow::Borrowed(data),
        paths: Vec::new(),
    };
    if !redact.is_empty() {
        let mut document = Object::parse(data)?;
        shown
            .paths
            .extend(redact.iter().filter(|path| document.mask(path)));
        shown.data = Cow::Owned(document.to_json());
    }
    Ok(shown)
}

fn mask(value: &mut Value, path: &[Segment]) -> bool {
    let Some((segment, rest)) = path.split_first() else {
        *value = Value::text(REDACTED);
        return true;
    };
    match (segment, value.kind()) {
        (_, Kind::Null) => return false,
        (Segment::Key(name), Kind::Object) => {
            let field = value.as_object_mut().and_then(|object| object.get_mut(name));
            return field.is_some_and(|field| mask(field, rest));
        }
        (Segment::Each, Kind::List) => {
            let mut any = false;
            for element in value.as_list_mut().into_iter().flatten() {
                any |= mask(element, rest);
            }
            return any;
        }
        (segment, Kind::List) => {
            if let Some(at) = index(segment) {
                let element = value.as_list_mut().and_then(|list| list.get_mut(at));
                return element.is_some_and(|element| mask(element, rest));
            }
        }
        _ => {}
    }
    mask(value, &[])
}

/// The name that represents any name, in an object with very many.
pub(crate) const ANY_NAME: &str = "*";

/// How a place relates to a redacted path, as far as is known without the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskRelation {
    /// The place is not redacted.
    Apart,
    /// The redacted path continues below the place: a value that cannot contain the rest of the path is redacted.
    Leads,
    /// The place is redacted, or is a part of a redacted value, to which this many of its steps lead.
    Hidden(usize),
}

impl MaskRelation {
    /// Relates a place to a redacted path. Digits in a place may be an element of a list or a field; the name `*`
    /// represents any name.
    #[must_use]
    pub fn new(redact: &Path, place: &[Segment]) -> Self {
        for (at, step) in redact.segments().iter().enumerate() {
            match place.get(at) {
                None => return Self::Leads,
                Some(taken) => match step_to(step, taken) {
                    PathStep::Same => {}
                    // A record itself is always an object.
                    PathStep::Blocked if at == 0 => return Self::Apart,
                    PathStep::Blocked => return Self::Hidden(at),
                    PathStep::Another => return Self::Apart,
                },
            }
        }
        Self::Hidden(redact.segments().len())
    }

    /// As [`new`](Self::new), where the record shows which values are objects and which are lists.
    #[must_use]
    pub fn within(document: &Object, redact: &Path, place: &[Segment]) -> Self {
        let mut value: Option<Cow<'_, Value>> = None;
        for (at, step) in redact.segments().iter().enumerate() {
            let Some(taken) = place.get(at) else {
                return Self::Leads;
            };
            let kind = value.as_deref().map_or(Kind::Object, Value::kind);
            let blocks = match (kind, step) {
                (Kind::Object, Segment::Key(_)) | (Kind::List, Segment::Each | Segment::Index(_)) => false,
                (Kind::List, Segment::Key(name)) => !is_number(name),
                _ => true,
            };
            if blocks {
                return Self::Hidden(at);
            }
            let leads_on = match (kind, step, taken) {
                (Kind::Object, Segment::Key(name), Segment::Key(taken)) => name == taken,
                (Kind::List, step, taken) => *step == Segment::Each || index(step) == index(taken),
                _ => false,
            };
            if !leads_on {
                return Self::Apart;
            }
            let next = match (&value, taken) {
                (None, Segment::Key(name)) => document.get(name).map(|value| Cow::Owned(value.clone())),
                (Some(value), taken) => step_into(value, taken).map(|value| Cow::Owned(value.into_owned())),
                (None, _) => None,
            };
            match next {
                Some(next) => value = Some(next),
                // The place belongs to something other than this record.
                None => return Self::new(redact, place),
            }
        }
        Self::Hidden(redact.segments().len())
    }

    /// Returns whether a value there may be redacted.
    #[must_use]
    pub fn may_hide(self) -> bool {
        self != Self::Apart
    }
}

enum PathStep {
    Same,
    /// The parent of this step does not have the type that the redacted path expects.
    Blocked,
    Another,
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name of digits may be the index of an element. A longer one is more likely a name in an object.
fn is_element(name: &str) -> bool {
    const DIGITS: usize = 6;
    is_number(name) && name.len() <= DIGITS && (name == "0" || !name.starts_with('0'))
}

fn step_to(redact: &Segment, taken: &Segment) -> PathStep {
    let same = |is: bool| if is { PathStep::Same } else { PathStep::Another };
    match (redact, taken) {
        (Segment::Key(_), Segment::Key(any)) if any == ANY_NAME => PathStep::Same,
        (Segment::Key(name), Segment::Key(taken)) if name == taken => PathStep::Same,
        // A name is expected, and digits are found: the value is a list.
        (Segment::Key(name), Segment::Key(taken)) if !is_number(name) && is_number(taken) => {
            PathStep::Blocked
        }
        (Segment::Key(_), Segment::Key(_)) => PathStep::Another,
        (Segment::Key(name), _) if !is_number(name) => PathStep::Blocked,
        (Segment::Key(name), Segment::Index(at)) => same(name.parse() == Ok(*at)),
        (Segment::Key(_) | Segment::Index(_), Segment::Each)
        | (Segment::Each, Segment::Index(_) | Segment::Each) => PathStep::Same,
        (Segment::Index(at), Segment::Index(taken)) => same(at == taken),
        (Segment::Each, Segment::Key(name)) if is_element(name) => PathStep::Same,
        (Segment::Index(at), Segment::Key(name)) if is_element(name) => same(name.parse() == Ok(*at)),
        (Segment::Each | Segment::Index(_), Segment::Key(_)) => PathStep::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(redact: &str, json: &str) -> String {
        let mut document = Object::parse(json).unwrap();
        let any = document.mask(&redact.parse().unwrap());
        assert_eq!(any, document.to_json() != json, "{redact} {json}");
        document.to_json()
    }

    #[test]
    fn what_blocks_a_redacted_path_is_masked_with_it() {
        for (redact, json, shown) in [
            ("a", r#"{"a":{"b":1},"c":2}"#, r#"{"a":"[redacted]","c":2}"#),
            ("a", r#"{"a":null}"#, r#"{"a":"[redacted]"}"#),
            (
                "a.b",
                r#"{"a":{"b":1,"c":2}}"#,
                r#"{"a":{"b":"[redacted]","c":2}}"#,
            ),
            ("a.b", r#"{"a":"x"}"#, r#"{"a":"[redacted]"}"#),
            ("a.b", r#"{"a":7}"#, r#"{"a":"[redacted]"}"#),
            ("a.b", r#"{"a":[{"b":1}]}"#, r#"{"a":"[redacted]"}"#),
            ("a.b", r#"{"a":null}"#, r#"{"a":null}"#),
            ("a.b", r#"{"a":{"c":"x"}}"#, r#"{"a":{"c":"x"}}"#),
            ("a.b.c", r#"{"a":{"b":"x"}}"#, r#"{"a":{"b":"[redacted]"}}"#),
            (
                "a[*].b",
                r#"{"a":[{"b":1},"x",[2],null]}"#,
                r#"{"a":[{"b":"[redacted]"},"[redacted]","[redacted]",null]}"#,
            ),
            ("a[*].b", r#"{"a":{"b":1}}"#, r#"{"a":"[redacted]"}"#),
            ("a[*]", r#"{"a":"x"}"#, r#"{"a":"[redacted]"}"#),
            ("a[1]", r#"{"a":[1,2,3]}"#, r#"{"a":[1,"[redacted]",3]}"#),
            ("a[1]", r#"{"a":{"1":2}}"#, r#"{"a":"[redacted]"}"#),
            ("a[7]", r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            ("/a/1", r#"{"a":[1,2]}"#, r#"{"a":[1,"[redacted]"]}"#),
            ("/a/1", r#"{"a":{"1":2}}"#, r#"{"a":{"1":"[redacted]"}}"#),
        ] {
            assert_eq!(masked(redact, json), shown, "{redact} {json}");
        }
    }

    #[test]
    fn a_place_reports_what_it_may_hide() {
        use MaskRelation::{Apart, Hidden, Leads};
        for (redact, place, standing) in [
            ("a", "a.b", Hidden(1)),
            ("a.b", "a", Leads),
            ("a.b", "a.c", Apart),
            ("a[*].b", "a[0].b", Hidden(3)),
            ("a[0].b", "a[*].b", Hidden(3)),
            ("/a/0", "a[0].c", Hidden(2)),
            ("a[*]", "/a/7", Hidden(2)),
            ("a[0]", "a[1]", Apart),
            ("a[0]", "/a/1", Apart),
            ("a[*]", "a.b", Hidden(1)),
            ("a.b", "a[0].c", Hidden(1)),
            ("a.b", "/a/0/c", Hidden(1)),
            ("a.b.c", "a[*]", Hidden(1)),
            ("a.b", "/a/*", Hidden(2)),
            ("a[*].b", "/a/4111000196205/b", Hidden(1)),
        ] {
            let (path, at): (Path, Path) = (redact.parse().unwrap(), place.parse().unwrap());
            assert_eq!(
                MaskRelation::new(&path, at.segments()),
                standing,
                "{redact} {place}"
            );
        }
    }

    #[test]
    fn the_record_distinguishes_a_name_of_digits_from_an_element() {
        use MaskRelation::{Apart, Hidden, Leads};
        for (json, redact, place, standing) in [
            (r#"{"a":[{"c":1}]}"#, "a[*].b", "/a/0/c", Apart),
            (r#"{"a":{"0":{"c":1}}}"#, "a[*].b", "/a/0/c", Hidden(1)),
            (r#"{"a":{"1234":1}}"#, "a[*]", "/a/1234", Hidden(1)),
            (r#"{"a":[1]}"#, "a[*]", "/a/0", Hidden(2)),
            (r#"{"a":{"0":1}}"#, "a.b", "/a/0", Apart),
            (r#"{"a":[1]}"#, "a.b", "/a/0", Hidden(1)),
            (r#"{"a":{"b":{"c":1}}}"#, "a.b.c.d", "/a/b", Leads),
            (r#"{"a":{"b":"x"}}"#, "a.b.c", "/a/b/c", Hidden(2)),
        ] {
            let document = Object::parse(json).unwrap();
            let (path, at): (Path, Path) = (redact.parse().unwrap(), place.parse().unwrap());
            let found = MaskRelation::within(&document, &path, at.segments());
            assert_eq!(found, standing, "{json} {redact} {place}");
        }
    }
}
