//! `rename`: gives a field another name; the field stays where it is.

use super::kit::checked::FieldPath;
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
    name: "rename",
    group: "shape",
    summary: "renames a field, which keeps its position among its siblings",
    keys: &[
        Key::required("from", Form::Path, "the field"),
        Key::required("to", Form::Path, "the same path with the new name"),
        Missing::KEY,
        OVERWRITE,
    ],
    refusals: &["rename.missing", "rename.exists", "rename.blocked"],
    undo: "exact: renames it back; from the image with `missing = \"skip\"`; lossy with `overwrite`",
    example: (
        r#"op = "rename"
from = "acct_no"
to = "account_number""#,
        r#"{"acct_no":"7","amount":6.00}"#,
        r#"{"account_number":"7","amount":6.00}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut op = Rename::new(settings.path("from")?, settings.path("to")?);
    op.transfer = op.transfer.read(settings);
    Ok(Box::new(op))
}

/// Gives a field another name; it keeps its place among its siblings.
///
/// ```toml
/// op = "rename"
/// from = "acct_no"
/// to = "account_number"
/// ```
/// Turns `{"acct_no":"7","amount":6.00}` into `{"account_number":"7","amount":6.00}`.
#[derive(Clone, Debug)]
pub struct Rename {
    transfer: Transfer<FieldPath>,
}

impl Rename {
    /// Renames `from` to `to`: the same path except for its last name. Refuses records in which `from` is missing or
    /// `to` exists.
    #[must_use]
    pub fn new(from: impl Into<PathText>, to: impl Into<PathText>) -> Self {
        let transfer = Transfer::new(MANUAL.name, || {
            let (from, to) = (FieldPath::read(from)?, FieldPath::read(to)?);
            if from.parents() != to.parents() {
                let message = format!("`{}` and `{}` are not in the same object", from.path, to.path);
                return Err(Problem::error("stage.other_parent", None, message)
                    .help("`rename` keeps a field where it is; use `move`"));
            }
            Ok(FieldTransfer { from, to })
        });
        Self { transfer }
    }
}

transfer_builders!(Rename);

impl Operation for Rename {
    transfer_methods!();

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (FieldTransfer { from, to }, walk) = (self.transfer.ends.get()?, self.transfer.walk());
        walk.objects(document, from.parents(), &mut |object, trail| {
            if object.position(&from.name).is_none() {
                return walk.nothing(&trail.field(&from.name));
            }
            if object.position(&to.name).is_some() {
                if !self.transfer.overwrite {
                    return Err(walk.exists(&trail.field(&to.name)));
                }
                object.remove(&to.name);
            }
            let Some(at) = object.position(&from.name) else {
                return Ok(false);
            };
            object.fields_mut()[at].rename(&to.name);
            Ok(true)
        })
    }

    fn writes(&self) -> Vec<Path> {
        [self.transfer.from(), self.transfer.to()].concat()
    }

    fn takes_away(&self) -> Vec<Path> {
        self.transfer.from()
    }

    fn reversibility(&self) -> Reversibility {
        match (self.transfer.overwrite, self.transfer.missing) {
            (true, _) => Reversibility::Lossy,
            // If nothing was renamed, the inverse would rename a field that already had the new name.
            (false, Missing::Skip) => Reversibility::Image,
            (false, Missing::Refuse) => Reversibility::Exact,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let FieldTransfer { from, to } = self.transfer.ends.known()?;
        (self.reversibility() == Reversibility::Exact)
            .then(|| Box::new(Self::new(&to.path, &from.path)) as Box<dyn Operation>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{applied, changed, problem, refused};

    #[test]
    fn a_renamed_field_keeps_its_place_and_its_text() {
        let toml = "op = 'rename'\nfrom = 'acct_no'\nto = 'account_number'";
        assert_eq!(
            applied(toml, r#"{"a":1.50,"acct_no":6.00,"z":"é"}"#).unwrap(),
            r#"{"a":1.50,"account_number":6.00,"z":"é"}"#
        );
        assert_eq!(refused(toml, r#"{"a":1}"#), "rename.missing /acct_no");
        assert_eq!(
            refused(toml, r#"{"acct_no":1,"account_number":2}"#),
            "rename.exists /account_number"
        );
    }

    #[test]
    fn every_element_is_renamed_and_the_refusal_names_the_element() {
        let toml = "op = 'rename'\nfrom = 'items[*].qty'\nto = 'items[*].quantity'";
        assert_eq!(
            applied(toml, r#"{"items":[{"qty":1},{"x":0,"qty":2.0}]}"#).unwrap(),
            r#"{"items":[{"quantity":1},{"x":0,"quantity":2.0}]}"#
        );
        assert_eq!(applied(toml, r#"{"items":[]}"#).unwrap(), r#"{"items":[]}"#);
        assert_eq!(
            refused(toml, r#"{"items":[{"qty":1},{"x":0}]}"#),
            "rename.missing /items/1/qty"
        );
        assert_eq!(refused(toml, "{}"), "rename.missing /items");
        assert_eq!(refused(toml, r#"{"items":"none"}"#), "rename.blocked /items");
        assert_eq!(refused(toml, r#"{"items":[7]}"#), "rename.blocked /items/0");
    }

    #[test]
    fn skip_and_overwrite_do_what_they_say_and_cost_exactness() {
        let rename = Rename::new("a", "b").skip_missing();
        assert_eq!(changed(&rename, r#"{"c":1}"#).unwrap(), r#"{"c":1}"#);
        assert_eq!(rename.reversibility(), Reversibility::Image);
        let rename = Rename::new("a", "b").overwrite();
        assert_eq!(changed(&rename, r#"{"b":1,"a":2}"#).unwrap(), r#"{"b":2}"#);
        assert_eq!(rename.reversibility(), Reversibility::Lossy);
    }

    #[test]
    fn settings_that_cannot_work_are_problems_before_any_record() {
        assert_eq!(
            problem("op = 'rename'\nfrom = 'a'\nto = 'b.c'"),
            "stage.other_parent t.toml:1:1 `a` and `b.c` are not in the same object (`rename` keeps a field where it is; use `move`)"
        );
        assert!(problem("op = 'rename'\nfrom = 'a'\nto = 'b..c'").starts_with("stage.bad_path t.toml:4:6 "));
        let rename = Rename::new("a..b", "c");
        assert_eq!(rename.problems()[0].code, "stage.bad_path");
        assert!(changed(&rename, "{}").unwrap_err().contains("stage.unusable"));
    }
}
