//! Compiling what a stage says about its merge: every default is filled in, every name resolved, every expression
//! compiled.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::compiled::Merge;
use super::conflict::{Conflict, PairName};
use super::draft::{Draft, Written};
use super::kind::Form;
use super::names::{SuppliedName, supplied_names};
use super::survival::{Survival, SurvivalRule, Survive};
use crate::expression::Expression;
use crate::matching::{Caution, Classes, Join, Limits, Ppm, Role, Settings};
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::toml::Collected;

/// Functions whose result depends on more than the records: with them, the same records would match today and not
/// tomorrow.
const IMPURE: [&str; 2] = ["now", "lookup"];
/// Most members of a cluster, unless the stage says otherwise.
const MOST_MEMBERS: usize = 25;
/// Most candidate pairs.
const MOST_PAIRS: u64 = 50_000_000;
/// Most bytes of memory.
const MOST_MEMORY: u64 = 512 << 20;
/// Least probability of a merged pair.
const AUTO: Ppm = 990_000;
/// Least probability of a pair that a person decides.
const REVIEW: Ppm = 500_000;

/// Compiles the parts of a merge.
pub(super) struct MergeCompiler<'c, 't> {
    pub(super) reading: &'c Reading<'t>,
    pub(super) problems: &'c mut Collected,
    /// Whether the stage gives the weights, one for each level: then the levels are only those that it knows of.
    pub(super) weights_are_given: bool,
}

impl Draft {
    /// Compiles the merge. `reading`: the file, or an empty text for a stage that is built in Rust.
    pub(super) fn compile(mut self, reading: &Reading<'_>, problems: &mut Collected) -> Option<Merge> {
        problems.extend(std::mem::take(&mut self.problems));
        let weights_are_given = self.given.unwrap_or(!self.weights.is_empty());
        let mut compiler = MergeCompiler {
            reading,
            problems,
            weights_are_given,
        };
        if self.by.is_empty() {
            compiler.with_model(&self)
        } else {
            compiler.with_key(&self)
        }
    }
}

impl MergeCompiler<'_, '_> {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        place: Option<Place>,
        message: impl Into<String>,
        help: &str,
    ) {
        self.problems.add(Problem::error(code, place, message).help(help));
    }

    /// Compiles a merge by a model.
    fn with_model(&mut self, draft: &Draft) -> Option<Merge> {
        let (fields, values, names) = self.fields(draft)?;
        let groups = self.groups(draft, &fields);
        let (keys, computed) = self.keys(draft, &names);
        let conflicts = self.conflicts(draft, &names);
        let learn = self.learn(draft, &fields, &groups);
        let classes = self.classes(draft, &fields);
        let (auto, review) = self.bands(draft);
        let settings = Settings {
            caution: draft.caution.unwrap_or_default(),
            classes,
            learn,
            prior: self.prior(draft),
            auto,
            review,
            ..bounds(draft, fields, MOST_MEMBERS)
        };
        let settings = Settings {
            groups,
            keys,
            ..settings
        };
        self.check_identity(draft, &settings);
        Some(Merge {
            settings,
            fields: values,
            computed,
            conflicts,
            one_per: self.one_per(draft, &names),
            survival: self.survival(draft),
            names,
        })
    }

    /// Compiles a merge by the equality of some fields.
    fn with_key(&mut self, draft: &Draft) -> Option<Merge> {
        let model = [
            (
                "identity",
                draft
                    .fields
                    .iter()
                    .any(|field| field.listed == Some(Role::Identity)),
            ),
            (
                "shared",
                draft
                    .fields
                    .iter()
                    .any(|field| field.listed == Some(Role::Shared)),
            ),
            ("field", !draft.fields.is_empty()),
            ("group", draft.groups.is_some()),
            ("block", !draft.blocks.is_empty()),
            ("conflict", !draft.conflicts.is_empty()),
            ("weight", !draft.weights.is_empty()),
            ("learn", draft.given.is_some()),
            ("classes", draft.classes.is_some()),
            ("caution", draft.caution.is_some()),
            ("auto", draft.auto.is_some()),
            ("review", draft.review.is_some()),
            ("prior", draft.prior.is_some()),
        ];
        if let Some((key, _)) = model.into_iter().find(|(_, given)| *given) {
            let message = format!("`by` and `{key}` exclude each other");
            self.error(
                "merge.by_and_model",
                draft.place_of(key),
                message,
                "with `by`, records are one if all these fields are equal; a model needs `identity`",
            );
            return None;
        }
        let (field, value, key) = self.key_of_all(draft)?;
        let names = supplied_names(std::iter::once((field.name.as_str(), Form::Folded)));
        let learn = crate::matching::Learn::Given(vec![vec![60_000, -60_000]]);
        let settings = Settings {
            keys: vec![key],
            caution: Caution::None,
            learn,
            prior: Some(1),
            join: draft.join.unwrap_or(Join::Any),
            ..bounds(draft, vec![field], u32::MAX as usize)
        };
        Some(Merge {
            settings,
            fields: vec![value],
            computed: Vec::new(),
            conflicts: Vec::new(),
            one_per: self.one_per(draft, &[]),
            survival: self.survival(draft),
            names,
        })
    }

    fn classes(&mut self, draft: &Draft, fields: &[crate::matching::Field]) -> Classes {
        let is_shared = fields.iter().any(|field| field.role == Role::Shared);
        match draft.classes {
            Some(Classes::Three) if !is_shared => {
                self.error(
                    "merge.classes",
                    draft.place_of("classes"),
                    "three classes need fields that a household shares, and there are none",
                    "list them in `shared`, for example the surname and the address",
                );
                Classes::Two
            }
            Some(classes) => classes,
            None if is_shared => Classes::Three,
            None => Classes::Two,
        }
    }

    fn bands(&mut self, draft: &Draft) -> (Ppm, Ppm) {
        let auto = self.probability(draft, "auto", draft.auto).unwrap_or(AUTO);
        let review = self
            .probability(draft, "review", draft.review)
            .unwrap_or(REVIEW.min(auto));
        if review > auto {
            self.error(
                "merge.bands",
                draft.place_of("review"),
                "`review` is above `auto`: what is merged without a person must be the most probable",
                "set `review` to at most `auto`",
            );
        }
        (auto, review)
    }

    fn probability(&mut self, draft: &Draft, key: &'static str, given: Option<Decimal>) -> Option<Ppm> {
        let given = given?;
        let parts = in_parts(given, 1_000_000).and_then(|parts| Ppm::try_from(parts).ok());
        let parts = parts.filter(|parts| (1..1_000_000).contains(parts));
        if parts.is_none() {
            let message = format!("`{key}` takes a probability between 0 and 1, of at most six places");
            self.error("merge.probability", draft.place_of(key), message, "write `0.99`");
        }
        parts
    }

    fn prior(&mut self, draft: &Draft) -> Option<u64> {
        let given = draft.prior?;
        let parts = in_parts(given, 1_000_000_000_000).filter(|parts| (1..1_000_000_000_000).contains(parts));
        if parts.is_none() {
            self.error(
                "merge.probability",
                draft.place_of("prior"),
                "`prior` takes the share of all pairs that are one: between 0 and 1, of at most twelve places",
                "leave it out to have it estimated",
            );
        }
        parts
    }

    fn check_identity(&mut self, draft: &Draft, settings: &Settings) {
        let identifies = |role: Role| matches!(role, Role::Identity | Role::Unique);
        if settings.caution != Caution::None && !settings.fields.iter().any(|field| identifies(field.role)) {
            self.error(
                "merge.no_identity",
                draft.place.clone(),
                "[merge] has no field that identifies",
                "list such fields in `identity`, for example the given name and the date of birth; or set \
                 `caution = \"none\"`",
            );
        }
    }

    fn conflicts(&mut self, draft: &Draft, names: &[SuppliedName]) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        let pair = || PairName::all(names);
        let visible: Vec<String> = pair().iter().map(|name| name.name.to_string()).collect();
        for conflict in &draft.conflicts {
            let Some(when) = self.condition("when", &conflict.when, &visible) else {
                continue;
            };
            if let Some(crate::expression::SimpleForm::Name(name)) = when.simple_form() {
                let message = format!("a condition must be true or false, and `{name}` is a text");
                self.error(
                    "expression.never",
                    conflict.when.place.clone(),
                    message,
                    "compare it with something",
                );
            }
            if let Some(path) = when.reads().first() {
                let message =
                    format!("`doc.{path}` is not visible here: a condition on two members has `a` and `b`");
                let place = Some(when.start());
                self.error(
                    "expression.unknown_name",
                    place,
                    message,
                    "name the field in a [[merge.field]], and read it from `a` and `b`",
                );
            }
            let used = when.names();
            if used.is_empty() {
                self.error(
                    "merge.constant_conflict",
                    conflict.when.place.clone(),
                    "the condition reads no field of `a` or `b`, so it holds for all pairs or for none",
                    "compare the two members, for example `= a.ssn != b.ssn`",
                );
            }
            let needed = pair()
                .into_iter()
                .filter(|name| used.contains(&name.name))
                .collect();
            conflicts.push(Conflict {
                name: conflict.name.text.clone(),
                when,
                then: conflict.then,
                uses: needed,
            });
        }
        conflicts
    }

    fn one_per(&mut self, draft: &Draft, names: &[SuppliedName]) -> Option<Expression> {
        let names = visible(names);
        let written = draft.one_per.as_ref()?;
        self.expression("one_per", written, &names)
    }

    fn survival(&mut self, draft: &Draft) -> Survival {
        let mut survival = Survival::default();
        for rule in &draft.survivals {
            let of = rule.rule.of().and_then(|source| {
                let written = Written {
                    text: source.to_owned(),
                    place: rule.of.clone(),
                };
                self.expression("of", &written, &[])
            });
            let compiled = SurvivalRule {
                by: rule.rule.clone(),
                of,
                whole: rule.whole,
            };
            let Some(path) = &rule.path else {
                survival.default = compiled;
                continue;
            };
            let Some(parsed) = self.path(path) else { continue };
            self.survives(&parsed, &compiled, path);
            let within = survival.fields.iter().find(|(other, rule)| {
                *other == parsed
                    || (rule.whole && other.covers(&parsed))
                    || (compiled.whole && parsed.covers(other))
            });
            if let Some((other, _)) = within {
                let message =
                    format!("`{parsed}` is in `{other}`, which survives as a whole or has a rule already");
                self.error(
                    "merge.twice",
                    path.place.clone(),
                    message,
                    "keep one of the two rules",
                );
            }
            survival.fields.push((parsed, compiled));
        }
        survival.provenance = self.provenance(draft);
        survival
    }

    /// Checks a rule by itself.
    fn survives(&mut self, path: &Path, rule: &SurvivalRule, written: &Written) {
        if !path
            .segments()
            .iter()
            .all(|segment| matches!(segment, Segment::Key(_)))
        {
            let message =
                format!("`{path}` is a part of a list, and a list survives as a whole or by `union`");
            self.error("merge.survive", written.place.clone(), message, "name the list");
        }
        if rule.whole && matches!(rule.by, Survive::Union) {
            let message = "`union` takes elements of all members, so nothing survives as a whole from one";
            self.error(
                "merge.survive",
                written.place.clone(),
                message,
                "leave out `whole`",
            );
        }
    }

    /// The field of the golden record that says where each value comes from.
    fn provenance(&mut self, draft: &Draft) -> Option<String> {
        let written = draft.provenance.as_ref()?;
        if written.text.is_empty() {
            let message = "`provenance` names the field that says which member each value comes from";
            let help = "write `provenance = \"_sources\"`";
            self.error("merge.survive", written.place.clone(), message, help);
            return None;
        }
        Some(written.text.clone())
    }

    /// Parses a path without `[*]`.
    pub(super) fn path(&mut self, written: &Written) -> Option<Path> {
        let parsed: Result<Path, crate::path::PathError> = written.text.parse();
        let parsed = parsed
            .map_err(|error| Problem::error("stage.bad_path", written.place.clone(), error.to_string()));
        self.problems.take(parsed)
    }

    pub(super) fn condition(&mut self, key: &str, written: &Written, names: &[String]) -> Option<Expression> {
        self.compiled(key, written, names, Expression::condition)
    }

    pub(super) fn expression(
        &mut self,
        key: &str,
        written: &Written,
        names: &[String],
    ) -> Option<Expression> {
        self.compiled(key, written, names, Expression::compile)
    }

    fn compiled(
        &mut self,
        key: &str,
        written: &Written,
        names: &[String],
        compile: fn(&str, &Place, &Reading<'_>) -> Result<Expression, Problem>,
    ) -> Option<Expression> {
        let names = names.to_vec();
        let compiled = if let Some(place) = &written.place {
            let source = self.reading.expression_source(key, &written.text, place);
            let reading = Reading {
                names,
                ..self.reading.clone()
            };
            source.and_then(|source| compile(source, place, &reading))
        } else {
            let source = written.text.strip_prefix("= ").unwrap_or(&written.text);
            let reading = Reading {
                names,
                text: source,
                ..self.reading.clone()
            };
            compile(source, &Place::at(&reading.file, source, 0), &reading)
        };
        let expression = self.problems.take(compiled)?;
        if let Some(name) = expression.calls(&IMPURE) {
            let message =
                format!("`{name}()` would make the same records match in one pass and not in the next");
            self.error(
                "merge.impure",
                Some(expression.start()),
                message,
                "compare what the records hold",
            );
        }
        Some(expression)
    }
}

/// Returns settings with the fields, and the bounds that do not depend on the model.
fn bounds(draft: &Draft, fields: Vec<crate::matching::Field>, most: usize) -> Settings {
    Settings {
        fields,
        groups: Vec::new(),
        keys: Vec::new(),
        caution: Caution::default(),
        classes: Classes::Two,
        learn: crate::matching::Learn::Em,
        prior: None,
        auto: AUTO,
        review: REVIEW,
        join: draft.join.unwrap_or_default(),
        most: draft.most.unwrap_or(most),
        limits: Limits {
            pairs: draft.pairs.unwrap_or(MOST_PAIRS),
            memory: draft.memory.unwrap_or(MOST_MEMORY),
        },
    }
}

/// Returns a decimal as a whole number of these parts; `None` where it is not one, or is negative.
pub(super) fn in_parts(number: Decimal, parts: u64) -> Option<u64> {
    let scaled = number.checked_mul(Decimal::from(parts))?;
    scaled.is_integer().then(|| scaled.to_u64()).flatten()
}

/// Returns the names that expressions over one record may use.
pub(super) fn visible(names: &[SuppliedName]) -> Vec<String> {
    names.iter().map(|name| name.name.to_string()).collect()
}
