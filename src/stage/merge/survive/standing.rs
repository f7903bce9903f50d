//! What a member is to a rule, beside its values: how new it is, where it comes from.

use super::member::Member;
use super::{SurvivalRule, Survive};
use crate::context::Context;
use crate::expression::{Evaluated, Expression, Rank, Scope};

/// What a member is to one rule.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// Nothing: the rule looks at values only, or its expression says nothing of the member.
    None,
    /// The value by which members are ordered.
    Rank(Rank),
    /// The position of its source in the list of the rule.
    Place(usize),
}

impl Standing {
    /// Works out what each member is to a rule. Where its expression refuses, it says nothing of the member, as where it
    /// is null: a source that has no such field is not a fault of the cluster.
    pub(super) fn of_members(
        rule: &SurvivalRule,
        members: &[Member<'_>],
        context: &Context<'_>,
    ) -> Vec<Self> {
        let Some(of) = &rule.of else {
            return Vec::new();
        };
        let standings = members.iter().map(|member| {
            let mut scope = Scope::new(context.id(member.id));
            match &rule.by {
                Survive::Source { order, .. } => Self::in_list(of, member, &mut scope, order),
                _ => match of.rank(member.document, &mut scope) {
                    Ok(Some(rank)) => Self::Rank(rank),
                    Ok(None) | Err(_) => Self::None,
                },
            }
        });
        standings.collect()
    }

    fn in_list(of: &Expression, member: &Member<'_>, scope: &mut Scope<'_>, order: &[String]) -> Self {
        let Ok(Evaluated::Value(value)) = of.value(member.document, scope) else {
            return Self::None;
        };
        let text = match value.as_text() {
            Some(text) => text.into_owned(),
            None => value.to_json(),
        };
        let place = order.iter().position(|source| *source == text);
        place.map_or(Self::None, Self::Place)
    }
}
