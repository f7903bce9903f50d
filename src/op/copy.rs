//! `copy`: copies a value to a second place.

use super::kit::checked::{ElementPath, same_elements};
use super::kit::missing::OVERWRITE;
use super::kit::transfer::{FieldTransfer, Transfer, transfer_builders, transfer_methods};
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Remove, Reversibility, Settings};
use crate::expression::Scope;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "copy",
    group: "shape",
    summary: "copies a value to a second place, creating missing parent objects",
    keys: &[
        Key::required("from", Form::Path, "the value"),
        Key::required(
            "to",
            Form::Path,
            "where to write the copy; the same as `from` up to the last `[*]`",
        ),
        Missing::KEY,
        OVERWRITE,
    ],
    refusals: &["copy.missing", "copy.exists", "copy.blocked"],
    undo: "exact: removes the copy; from the image where parent objects may be created, or with `missing = \"skip\"`; \
        lossy with `overwrite`",
    example: (
        r#"op = "copy"
from = "id"
to = "legacy_id""#,
        r#"{"id":7,"amount":6.00}"#,
        r#"{"id":7,"amount":6.00,"legacy_id":7}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut op = Copy::new(settings.path("from")?, settings.path("to")?);
    op.transfer = op.transfer.read(settings);
    Ok(Box::new(op))
}

/// Copies a value to a second place.
///
/// ```toml
/// op = "copy"
/// from = "id"
/// to = "legacy_id"
/// ```
/// Turns `{"id":7,"amount":6.00}` into `{"id":7,"amount":6.00,"legacy_id":7}`.
#[derive(Clone, Debug)]
pub struct Copy {
    transfer: Transfer<ElementPath>,
}

impl Copy {
    /// Copies `from` to `to`; both must be the same up to their last `[*]`. Refuses records in which `from` is missing
    /// or `to` exists.
    #[must_use]
    pub fn new(from: impl Into<PathText>, to: impl Into<PathText>) -> Self {
        let transfer = Transfer::new(MANUAL.name, || {
            let (from, to) = (ElementPath::read(from)?, ElementPath::field(to)?);
            same_elements(&from, &to)?;
            Ok(FieldTransfer { from, to })
        });
        Self { transfer }
    }
}

transfer_builders!(Copy);

impl Operation for Copy {
    transfer_methods!();

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (FieldTransfer { from, to }, walk) = (self.transfer.ends.get()?, self.transfer.walk());
        walk.objects(document, &from.elements, &mut |object, trail| {
            let Some(value) = object.at(&from.below).map(std::borrow::Cow::into_owned) else {
                return walk.nothing(&trail.below(&from.below));
            };
            walk.free_target(object, &to.below, self.transfer.overwrite, trail)?;
            walk.put(object, &to.below, value, trail)
        })
    }

    fn writes(&self) -> Vec<Path> {
        self.transfer.to()
    }

    fn reversibility(&self) -> Reversibility {
        // No object is created along the path when the value comes from the same one.
        let same_object = self
            .transfer
            .ends
            .known()
            .is_some_and(|ends| ends.from.leads_to_parent_of(&ends.to));
        match (self.transfer.overwrite, self.transfer.missing) {
            (true, _) => Reversibility::Lossy,
            (false, Missing::Refuse) if same_object => Reversibility::Exact,
            (false, _) => Reversibility::Image,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let to = &self.transfer.ends.known()?.to;
        (self.reversibility() == Reversibility::Exact)
            .then(|| Box::new(Remove::new(&to.path)) as Box<dyn Operation>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{applied, changed, refused};

    #[test]
    fn a_copy_leaves_the_value_where_it_was() {
        let toml = "op = 'copy'\nfrom = 'items[0].id'\nto = 'first.id'";
        assert_eq!(
            applied(toml, r#"{"items":[{"id":6.00}]}"#).unwrap(),
            r#"{"items":[{"id":6.00}],"first":{"id":6.00}}"#
        );
        assert_eq!(refused(toml, r#"{"items":[]}"#), "copy.missing /items/0/id");
        assert_eq!(
            refused(toml, r#"{"items":[{"id":1}],"first":{"id":1}}"#),
            "copy.exists /first/id"
        );
    }

    #[test]
    fn a_copy_is_exact_only_where_it_can_make_no_object() {
        assert_eq!(Copy::new("a", "b").reversibility(), Reversibility::Exact);
        assert_eq!(Copy::new("a.x", "a.y").reversibility(), Reversibility::Exact);
        assert_eq!(
            Copy::new("a[*].x", "a[*].y").reversibility(),
            Reversibility::Exact
        );
        assert_eq!(Copy::new("a", "b.c").reversibility(), Reversibility::Image);
        assert_eq!(
            Copy::new("a", "b").skip_missing().reversibility(),
            Reversibility::Image
        );
        let over = Copy::new("a", "b").overwrite();
        assert_eq!(over.reversibility(), Reversibility::Lossy);
        assert_eq!(changed(&over, r#"{"a":1,"b":2}"#).unwrap(), r#"{"a":1,"b":1}"#);
    }
}
