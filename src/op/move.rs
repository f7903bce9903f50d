//! `move`: moves a value to another place.

use super::kit::checked::{ElementPath, same_elements};
use super::kit::missing::OVERWRITE;
use super::kit::transfer::{FieldTransfer, Transfer, transfer_builders, transfer_methods};
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "move",
    group: "shape",
    summary: "moves a field to the end of another object, creating missing parent objects",
    keys: &[
        Key::required("from", Form::Path, "the field"),
        Key::required(
            "to",
            Form::Path,
            "where to move it; the same as `from` up to the last `[*]`",
        ),
        Missing::KEY,
        OVERWRITE,
    ],
    refusals: &["move.missing", "move.exists", "move.blocked"],
    undo: "from the image: the old position among its siblings is lost; lossy with `overwrite`",
    example: (
        r#"op = "move"
from = "first"
to = "customer.first""#,
        r#"{"first":"Ada","customer":{"id":1}}"#,
        r#"{"customer":{"id":1,"first":"Ada"}}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut op = Move::new(settings.path("from")?, settings.path("to")?);
    op.transfer = op.transfer.read(settings);
    Ok(Box::new(op))
}

/// Moves a field from one place to the end of another object.
///
/// ```toml
/// op = "move"
/// from = "first"
/// to = "customer.first"
/// ```
/// Turns `{"first":"Ada","customer":{"id":1}}` into `{"customer":{"id":1,"first":"Ada"}}`.
#[derive(Clone, Debug)]
pub struct Move {
    transfer: Transfer<ElementPath>,
}

impl Move {
    /// Moves `from` to `to`; both must be the same up to their last `[*]`. Refuses records in which `from` is missing
    /// or `to` exists.
    #[must_use]
    pub fn new(from: impl Into<PathText>, to: impl Into<PathText>) -> Self {
        let transfer = Transfer::new(MANUAL.name, || {
            let (from, to) = (ElementPath::field(from)?, ElementPath::field(to)?);
            same_elements(&from, &to)?;
            if from.path != to.path && from.path.covers(&to.path) {
                let message = format!("`{}` is inside `{}`", to.path, from.path);
                return Err(Problem::error("stage.inside_itself", None, message)
                    .help("use `wrap` with `key` to put a value into a new object"));
            }
            Ok(FieldTransfer { from, to })
        });
        Self { transfer }
    }
}

transfer_builders!(Move);

impl Operation for Move {
    transfer_methods!();

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (FieldTransfer { from, to }, walk) = (self.transfer.ends.get()?, self.transfer.walk());
        walk.objects(document, &from.elements, &mut |object, trail| {
            if object.at(&from.below).is_some() {
                walk.free_target(object, &to.below, self.transfer.overwrite, trail)?;
            }
            match object.remove_at(&from.below) {
                Some(value) => walk.put(object, &to.below, value, trail),
                None => walk.nothing(&trail.below(&from.below)),
            }
        })
    }

    fn writes(&self) -> Vec<Path> {
        [self.transfer.from(), self.transfer.to()].concat()
    }

    fn takes_away(&self) -> Vec<Path> {
        self.transfer.from()
    }

    fn reversibility(&self) -> Reversibility {
        if self.transfer.overwrite {
            Reversibility::Lossy
        } else {
            Reversibility::Image
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{applied, changed, problem, refused};

    #[test]
    fn a_moved_field_goes_to_the_end_of_its_new_object() {
        let toml = "op = 'move'\nfrom = 'first'\nto = 'customer.name.first'";
        assert_eq!(
            applied(toml, r#"{"first":"Ada","customer":{"id":1.0},"z":0}"#).unwrap(),
            r#"{"customer":{"id":1.0,"name":{"first":"Ada"}},"z":0}"#
        );
        assert_eq!(refused(toml, "{}"), "move.missing /first");
        assert_eq!(
            refused(toml, r#"{"first":1,"customer":{"name":{"first":2}}}"#),
            "move.exists /customer/name/first"
        );
        assert_eq!(
            refused(toml, r#"{"first":1,"customer":"Ada"}"#),
            "move.blocked /customer/name/first"
        );
    }

    #[test]
    fn a_field_moves_inside_its_element() {
        let toml = "op = 'move'\nfrom = 'items[*].pricing.net'\nto = 'items[*].net'";
        assert_eq!(
            applied(
                toml,
                r#"{"items":[{"pricing":{"net":1.10}},{"pricing":{"x":1,"net":2}}]}"#
            )
            .unwrap(),
            r#"{"items":[{"pricing":{},"net":1.10},{"pricing":{"x":1},"net":2}]}"#
        );
        assert_eq!(
            refused(toml, r#"{"items":[{}]}"#),
            "move.missing /items/0/pricing/net"
        );
        assert!(problem("op = 'move'\nfrom = 'items[*].a'\nto = 'a'").starts_with("stage.other_elements"));
        assert!(problem("op = 'move'\nfrom = 'a'\nto = 'a.b'").starts_with("stage.inside_itself"));
    }

    #[test]
    fn a_field_can_take_its_own_objects_place_only_by_overwriting() {
        let lift = Move::new("a.b", "a");
        assert!(
            changed(&lift, r#"{"a":{"b":1}}"#)
                .unwrap_err()
                .contains("move.exists")
        );
        assert_eq!(
            changed(&lift.overwrite(), r#"{"a":{"b":1}}"#).unwrap(),
            r#"{"a":1}"#
        );
        let skip = Move::new("x", "y").skip_missing();
        assert_eq!(changed(&skip, r#"{"y":1}"#).unwrap(), r#"{"y":1}"#);
    }
}
