//! The two ends of a stage that merges: what it compares of a member, and what it makes of a golden record.

use std::collections::BTreeMap;

use super::Output;
use super::Stage;
use super::finish::{evaluated_id, parse, too_much};
use super::merge::{Golden, Member, MemberFeatures, Merge};
use crate::expression::Scope;
use crate::record::{Document, Record, RecordNumber, within};
use crate::refusal::Refusal;

impl Stage {
    /// Returns what is compared of a member: a record of the source. `None` if `where` leaves it out, or if the stage
    /// does not merge.
    ///
    /// # Errors
    /// The [`Refusal`] of a member that violates the source contract, or of which a field cannot be compared.
    pub(crate) fn member_in(
        &self,
        record: &Record,
        scope: &mut Scope<'_>,
    ) -> Result<Option<MemberFeatures>, Refusal> {
        let compared = |scope: &mut Scope<'_>| {
            let document = parse(&record.data)?;
            if !self.takes(&document, scope)? {
                return Ok(None);
            }
            let Some(merge) = self.merge() else {
                return Ok(None);
            };
            merge.features(&document, scope).map(Some)
        };
        compared(scope).map_err(|refusal: Refusal| refusal.cut_at(self.redact()))
    }

    /// Returns whether an expression makes the ids of golden records.
    pub(crate) fn names_goldens(&self) -> bool {
        self.steps.id.is_some()
    }

    /// Makes the golden record of a cluster: what is written, and whose values survived. `members`: ascending by their numbers;
    /// the id derives from the first.
    ///
    /// # Errors
    /// The [`Refusal`] of members that differ where they must not, or of a golden record that has no id or violates the target
    /// contract.
    pub(crate) fn golden_of(
        &self,
        merge: &Merge,
        members: &[&Record],
        scope: &mut Scope<'_>,
    ) -> Result<(Output, BTreeMap<String, RecordNumber>), Refusal> {
        let Some(first) = members.first() else {
            return Err(Refusal::new("source.deleted", ""));
        };
        let survived = self.survivors_in(merge, members, scope)?;
        let output = self.golden_in(&survived.document, first, scope)?;
        Ok((output, survived.won))
    }

    fn survivors_in(&self, merge: &Merge, members: &[&Record], scope: &Scope<'_>) -> Result<Golden, Refusal> {
        let made = || {
            let mut documents = Vec::with_capacity(members.len());
            for member in members {
                documents.push(parse(&member.data)?);
            }
            let list: Vec<Member<'_>> = (members.iter().zip(&documents))
                .map(|(member, document)| Member {
                    number: member.number,
                    id: &member.id,
                    document,
                })
                .collect();
            merge.survival().golden(&list, scope.context())
        };
        made().map_err(|refusal: Refusal| refusal.cut_at(self.redact()))
    }

    /// `first`: the first member.
    fn golden_in(
        &self,
        document: &Document,
        first: &Record,
        scope: &mut Scope<'_>,
    ) -> Result<Output, Refusal> {
        let made = |scope: &mut Scope<'_>| {
            let id = match &self.steps.id {
                Some(id) => evaluated_id(id, &parse(&first.data)?, scope)?,
                None => scope.context().uuid("0"),
            };
            self.check_target(document, first, scope)?;
            let output = Output::new(id, document);
            within(&output.data, &scope.context().limits).map_err(|error| too_much(&error))?;
            Ok(output)
        };
        made(scope).map_err(|refusal: Refusal| refusal.cut_at(self.redact()))
    }
}
