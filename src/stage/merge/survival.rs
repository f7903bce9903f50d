//! Which of several members' values a golden record has: the rules of `[merge.survive]`.

use serde_json::{Value as Json, json};

use crate::expression::Expression;
use crate::path::Path;

/// Which of the members' values survives.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Survive {
    /// The value of the member that has the most fields; of equals the one that was there first.
    #[default]
    MostComplete,
    /// The value of the member that was there first.
    First,
    /// The value of the member that was there last.
    Newest,
    /// The value of the member for which this expression over the member, `doc`, is largest.
    NewestBy(String),
    /// The value of the member for which this expression over the member, `doc`, is smallest.
    OldestBy(String),
    /// The value of the member whose source comes first in a list.
    Source {
        /// The source of a member: an expression over it, `doc`.
        of: String,
        /// The sources, the most trusted first. Others come last.
        order: Vec<String>,
    },
    /// The value that most members have.
    Majority,
    /// All values: lists are united, texts become a list.
    Union,
    /// The longest text.
    Longest,
    /// The value that all have; if they differ, the pairs go to review.
    Fail,
}

/// The name of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleWord {
    MostComplete,
    First,
    Newest,
    Oldest,
    Source,
    Majority,
    Union,
    Longest,
    Fail,
}

/// The rules by their names in stage files.
pub(super) const WORDS: [(&str, RuleWord); 9] = [
    ("most_complete", RuleWord::MostComplete),
    ("first", RuleWord::First),
    ("newest", RuleWord::Newest),
    ("oldest", RuleWord::Oldest),
    ("source", RuleWord::Source),
    ("majority", RuleWord::Majority),
    ("union", RuleWord::Union),
    ("longest", RuleWord::Longest),
    ("fail", RuleWord::Fail),
];

impl Survive {
    /// Returns the name in stage files.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::MostComplete => "most_complete",
            Self::First => "first",
            Self::Newest | Self::NewestBy(_) => "newest",
            Self::OldestBy(_) => "oldest",
            Self::Source { .. } => "source",
            Self::Majority => "majority",
            Self::Union => "union",
            Self::Longest => "longest",
            Self::Fail => "fail",
        }
    }

    /// Returns the source of its expression.
    pub(super) fn of(&self) -> Option<&str> {
        match self {
            Self::NewestBy(of) | Self::OldestBy(of) | Self::Source { of, .. } => Some(of),
            _ => None,
        }
    }
}

/// A compiled rule.
#[derive(Clone, Debug)]
pub(crate) struct SurvivalRule {
    pub(crate) by: Survive,
    /// The expression in it.
    pub(crate) of: Option<Expression>,
    /// Whether everything below the path survives from one member.
    pub(crate) whole: bool,
}

impl SurvivalRule {
    fn meaning(&self) -> Json {
        let mut meaning = json!({ "by": self.by.name() });
        if let Some(of) = &self.of {
            meaning["of"] = of.source().into();
        }
        if let Survive::Source { order, .. } = &self.by {
            meaning["order"] = order.clone().into();
        }
        if self.whole {
            meaning["whole"] = true.into();
        }
        meaning
    }
}

/// How the fields of a golden record survive.
#[derive(Clone, Debug)]
pub(crate) struct Survival {
    pub(crate) default: SurvivalRule,
    /// By path, in the order written; the longest path that covers a place decides.
    pub(crate) fields: Vec<(Path, SurvivalRule)>,
}

impl Default for Survival {
    fn default() -> Self {
        let default = SurvivalRule {
            by: Survive::default(),
            of: None,
            whole: false,
        };
        Self {
            default,
            fields: Vec::new(),
        }
    }
}

impl Survival {
    pub(super) fn rules(&self) -> impl Iterator<Item = &SurvivalRule> {
        std::iter::once(&self.default).chain(self.fields.iter().map(|(_, rule)| rule))
    }

    pub(super) fn meaning(&self) -> Json {
        let mut fields: Vec<Json> = self
            .fields
            .iter()
            .map(|(path, rule)| json!([path.pointer(), rule.meaning()]))
            .collect();
        // A table: its order means nothing.
        fields.sort_by_key(Json::to_string);
        json!({ "default": self.default.meaning(), "fields": fields })
    }
}
