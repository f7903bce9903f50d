//! Reading the tables below `[merge]` other than fields.

use toml_edit::{Item, Value as Toml};

use super::draft::{Draft, DraftBlock, DraftConflict, DraftGroup, DraftSurvival, DraftWeight, Written};
use super::read_values::{decimals, function, of_no_function, text, texts, twice};
use super::survival::{RuleWord, Survive, WORDS};
use super::words::{
    BLOCK_KEYS, CLUSTER_KEYS, CONFLICT_KEYS, GROUP_KEYS, JOIN, LIMIT_KEYS, SURVIVE_KEYS, THEN, WEIGHT_KEYS,
};
use crate::matching::Then;
use crate::op::Functions;
use crate::problem::Problem;
use crate::stage::written::memory;
use crate::toml::{Collected, Section};

pub(super) fn tables(
    section: &Section<'_>,
    functions: &Functions,
    draft: &mut Draft,
    problems: &mut Collected,
) {
    draft.groups = groups(section, problems);
    blocks(section, draft, problems);
    conflicts(section, draft, problems);
    weights(section, draft, problems);
    cluster(section, draft, problems);
    survive(section, functions, draft, problems);
    limits(section, draft, problems);
}

/// Reads the groups; an empty list says that there are none, not even those that the fields' kinds suggest.
fn groups(section: &Section<'_>, problems: &mut Collected) -> Option<Vec<DraftGroup>> {
    let item = section.item("group")?;
    if item.as_array().is_some_and(toml_edit::Array::is_empty) {
        return Some(Vec::new());
    }
    let mut groups: Vec<DraftGroup> = Vec::new();
    for table in section.sections("group", "merge.group", problems) {
        table.only(&GROUP_KEYS, problems);
        table.needs("name", "what the fields are together", problems);
        table.needs(
            "levels",
            "the fields that agree at each level, the strongest first",
            problems,
        );
        let levels = levels(&table, problems);
        let Some(name) = text(&table, "name", problems) else {
            continue;
        };
        if groups.iter().any(|group| group.name.text == name.text) {
            problems.add(twice(&name, "in two [[merge.group]]"));
        }
        groups.push(DraftGroup { name, levels });
    }
    Some(groups)
}

fn levels(table: &Section<'_>, problems: &mut Collected) -> Vec<Vec<Written>> {
    let Some(item) = table.item("levels") else {
        return Vec::new();
    };
    let level = |value: &Toml| {
        let parts = value.as_array()?.iter().map(|part| {
            Some(Written {
                text: part.as_str()?.to_owned(),
                place: Some(table.reading().place(part.span())),
            })
        });
        parts.collect::<Option<Vec<_>>>()
    };
    let levels = item.as_array().and_then(|list| list.iter().map(level).collect());
    levels.unwrap_or_else(|| {
        problems.add(table.wrong_type("levels", "a list of lists of fields"));
        Vec::new()
    })
}

fn blocks(section: &Section<'_>, draft: &mut Draft, problems: &mut Collected) {
    let item = section.item("block");
    if item
        .and_then(Item::as_array)
        .is_some_and(toml_edit::Array::is_empty)
    {
        let message = "`block` has no key, so nothing would be compared";
        let problem = Problem::error("merge.block", section.place_of("block"), message);
        problems.add(problem.help("leave it out: then the kinds of the fields give the keys"));
        return;
    }
    for table in section.sections("block", "merge.block", problems) {
        table.only(&BLOCK_KEYS, problems);
        table.needs(
            "key",
            "the parts in which two members must agree to be compared",
            problems,
        );
        let limit = table.integer("limit", 2..=10_000_000, problems);
        draft.blocks.push(DraftBlock {
            key: texts(&table, "key", problems),
            limit: limit.and_then(|limit| usize::try_from(limit).ok()),
            refine: texts(&table, "refine", problems),
            place: Some(table.place()),
        });
    }
}

fn conflicts(section: &Section<'_>, draft: &mut Draft, problems: &mut Collected) {
    for table in section.sections("conflict", "merge.conflict", problems) {
        table.only(&CONFLICT_KEYS, problems);
        table.needs("name", "what speaks against merging, in words", problems);
        table.needs("when", "the condition on two members `a` and `b`", problems);
        let then = table.word("then", &THEN, problems).unwrap_or(Then::Review);
        let (name, when) = (text(&table, "name", problems), text(&table, "when", problems));
        let (Some(name), Some(when)) = (name, when) else {
            continue;
        };
        if draft
            .conflicts
            .iter()
            .any(|conflict| conflict.name.text == name.text)
        {
            problems.add(twice(&name, "in two [[merge.conflict]]"));
        }
        draft.conflicts.push(DraftConflict { name, when, then });
    }
}

fn weights(section: &Section<'_>, draft: &mut Draft, problems: &mut Collected) {
    for table in section.sections("weight", "merge.weight", problems) {
        table.only(&WEIGHT_KEYS, problems);
        table.needs("of", "the field or group", problems);
        table.needs(
            "bits",
            "the weight of each level, the last for disagreement",
            problems,
        );
        let (of, bits) = (text(&table, "of", problems), decimals(&table, "bits", problems));
        draft
            .weights
            .extend(of.zip(bits).map(|(of, bits)| DraftWeight { of, bits }));
    }
}

fn cluster(section: &Section<'_>, draft: &mut Draft, problems: &mut Collected) {
    let Some(table) = section.section("cluster", problems) else {
        return;
    };
    table.only(&CLUSTER_KEYS, problems);
    draft.join = table.word("join", &JOIN, problems);
    let most = table.integer("max", 2..=i64::from(u32::MAX), problems);
    draft.most = most.and_then(|most| usize::try_from(most).ok());
    draft.one_per = text(&table, "one_per", problems);
}

fn limits(section: &Section<'_>, draft: &mut Draft, problems: &mut Collected) {
    let Some(table) = section.section("limits", problems) else {
        return;
    };
    table.only(&LIMIT_KEYS, problems);
    let pairs = table.integer("pairs", 1..=i64::MAX, problems);
    draft.pairs = pairs.and_then(|pairs| u64::try_from(pairs).ok());
    draft.memory = memory(&table, problems);
}

fn survive(section: &Section<'_>, functions: &Functions, draft: &mut Draft, problems: &mut Collected) {
    let Some(table) = section.section("survive", problems) else {
        return;
    };
    draft.provenance = text(&table, "provenance", problems);
    // A field of that name has its rule under `/provenance`.
    for (key, item) in table.table().iter().filter(|(key, _)| *key != "provenance") {
        let path = (key != "default").then(|| Written {
            text: key.to_owned(),
            place: Some(table.place_of_key(key)),
        });
        draft
            .survivals
            .extend(survival(&table, functions, (key, item), path, problems));
    }
}

fn survival(
    table: &Section<'_>,
    functions: &Functions,
    (key, item): (&str, &Item),
    path: Option<Written>,
    problems: &mut Collected,
) -> Option<DraftSurvival> {
    if item.is_str() {
        let word = table.word_or(key, &WORDS, other_word, problems)?;
        if word == RuleWord::Rust {
            let message = "`rust` needs the name and the version of a function";
            let problem = Problem::error("merge.survive", table.place_of(key), message);
            problems.add(problem.help("write `{ by = \"rust\", function = \"NAME\", version = 1 }`"));
            return None;
        }
        let rule =
            problems.take(rule(word, None, Vec::new()).map_err(|message| missing(table, key, message)))?;
        return Some(DraftSurvival {
            path,
            rule,
            of: None,
            whole: false,
        });
    }
    if !item.is_table_like() {
        problems.add(table.wrong_type(key, "a rule, or a table with `by`"));
        return None;
    }
    let settings = table.section(key, problems)?;
    if !settings.has("by") {
        let help = format!("a rule for a field inside `{key}` has its path in quotes: `\"{key}.field\"`");
        problems.add(settings.missing_key("by", "the rule").help(help));
        return None;
    }
    settings.only(&SURVIVE_KEYS, problems);
    let word = settings.word_or("by", &WORDS, other_word, problems)?;
    let of = text(&settings, "of", problems);
    let order = settings
        .texts("order", problems)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let whole = settings.boolean("whole", problems).unwrap_or(false);
    if whole && path.is_none() {
        let message = "`whole` has no effect in `default`: fields without a rule survive one by one";
        problems
            .add(Problem::error("merge.survive", settings.place_of("whole"), message).help("name the path"));
    }
    let place = of.as_ref().and_then(|of| of.place.clone());
    let rule = if word == RuleWord::Rust {
        let find = |name: &str, version| functions.survivor(name, version);
        function(&settings, "choice", find, functions.survivors(), problems).map(Survive::Custom)
    } else {
        of_no_function(&settings, "by", problems);
        let rule = rule(word, of.map(|of| of.text), order);
        problems.take(rule.map_err(|message| missing(&settings, "by", message)))
    };
    Some(DraftSurvival {
        path,
        rule: rule?,
        of: place,
        whole,
    })
}

/// Returns the rule that other programs call so.
fn other_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "latest" | "last" | "recent" | "most_recent" | "youngest" => "newest",
        "earliest" => "oldest",
        "most_frequent" | "most_common" | "mode" | "vote" => "majority",
        "complete" | "filled" | "non_null" | "not_null" => "most_complete",
        "all" | "merge" | "concat" | "append" => "union",
        "equal" | "same" | "error" | "refuse" => "fail",
        "priority" | "trust" | "trusted" => "source",
        _ => return None,
    })
}

fn missing(section: &Section<'_>, key: &str, message: &str) -> Problem {
    Problem::error("merge.survive", section.place_of(key), message)
        .help("write `{ by = \"source\", of = \"= doc.source.system\", order = [\"A\", \"B\"] }`")
}

/// Returns the rule of a word and its settings.
fn rule(word: RuleWord, of: Option<String>, order: Vec<String>) -> Result<Survive, &'static str> {
    if word == RuleWord::Source {
        let of = of.ok_or("`source` needs `of`: which source a member comes from")?;
        if order.is_empty() {
            return Err("`source` needs `order`: the sources, the most trusted first");
        }
        return Ok(Survive::Source { of, order });
    }
    if !order.is_empty() {
        return Err("`order` belongs to the rule `source`");
    }
    match (word, of) {
        (RuleWord::Newest, Some(of)) => Ok(Survive::NewestBy(of)),
        (RuleWord::Oldest, Some(of)) => Ok(Survive::OldestBy(of)),
        (_, Some(_)) => Err("`of` belongs to the rules `newest`, `oldest` and `source`"),
        (RuleWord::Newest, None) => Ok(Survive::Newest),
        (RuleWord::Oldest | RuleWord::First, None) => Ok(Survive::First),
        (RuleWord::MostComplete | RuleWord::Source, None) => Ok(Survive::MostComplete),
        (RuleWord::Majority, None) => Ok(Survive::Majority),
        (RuleWord::Union, None) => Ok(Survive::Union),
        (RuleWord::Longest, None) => Ok(Survive::Longest),
        (RuleWord::Fail, None) => Ok(Survive::Fail),
        // Its function is read before.
        (RuleWord::Rust, None) => Err("`rust` needs a function"),
    }
}
