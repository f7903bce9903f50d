//! Compiling what a stage says about its aggregate: every default is filled in, every name resolved, every expression
//! compiled.

use std::sync::Arc;

use super::compiled::{Aggregate, From, GroupField, Late, MeasureField, WindowField, Windowing, paths};
use super::draft::{Draft, DraftGroup, Written};
use super::plan::ReadPlan;
use crate::aggregate::{Empty, Every, SeriesRules, Take};
use crate::expression::Expression;
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::toml::Collected;

/// Functions whose result depends on more than the readings: with them, an increment would not come to what a fresh
/// apply makes.
pub(super) const IMPURE: [&str; 2] = ["now", "lookup"];
/// Name of the number of readings, unless the stage says otherwise.
const ROWS: &str = "sample_count";
/// Name of the field that says which fields are filled.
pub(super) const FILLED: &str = "filled";
/// Maximum number of empty windows in one gap.
const GAP: u64 = 100_000;
/// Bytes that the aggregation may occupy, unless the stage says otherwise, and at least.
const MEMORY: u64 = 128 << 20;
const LEAST_MEMORY: u64 = 1 << 20;

/// Compiles the parts of an aggregate.
pub(super) struct AggregateCompiler<'c, 't> {
    pub(super) reading: &'c Reading<'t>,
    pub(super) problems: &'c mut Collected,
    /// The fields of a window so far, in their order.
    pub(super) named: Vec<Written>,
}

impl Draft {
    /// Compiles the aggregate. `reading`: the file, or an empty text for a stage that is built in Rust, with the names
    /// that `prepare` defines.
    pub(super) fn compile(&self, reading: &Reading<'_>, problems: &mut Collected) -> Option<Aggregate> {
        let errors = problems.count();
        let mut compiler = AggregateCompiler {
            reading,
            problems,
            named: Vec::new(),
        };
        let aggregate = compiler.aggregate(self);
        aggregate.filter(|_| problems.count() == errors)
    }
}

impl AggregateCompiler<'_, '_> {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        place: Option<Place>,
        message: impl Into<String>,
        help: &str,
    ) {
        self.problems.add(Problem::error(code, place, message).help(help));
    }

    fn aggregate(&mut self, draft: &Draft) -> Option<Aggregate> {
        self.without_windows(draft);
        let by: Vec<GroupField> = draft.by.iter().filter_map(|group| self.group(group)).collect();
        let windowing = draft.time.as_ref().map(|time| self.windowing(draft, time));
        let rows = self.named_or(draft.rows.as_ref(), ROWS);
        let measures = self.measures(&draft.measures);
        if !draft.fills.is_empty() {
            self.named.push(Written::by_program(FILLED));
        }
        let fills = self.fills(&draft.fills, &measures);
        let rolling = self.rolling(&draft.rolling, &measures);
        let anomalies = self.anomalies(&draft.anomalies, &measures);
        let late = self.late(draft);
        let fields = self.fields(&draft.fields);
        self.different();
        let windowing = match windowing {
            None => None,
            Some(windowing) => Some(windowing?),
        };
        let (measures, rolling, anomalies) = (measures?, rolling?, anomalies?);
        let empty = match (&windowing, self.empty(draft)) {
            (None, _) => Empty::Skip,
            (Some(_), empty) => empty,
        };
        let (closed_after, hold) = (
            self.duration(draft.closed_after.as_ref()),
            self.duration(draft.hold.as_ref()),
        );
        let memory = self.memory(draft);
        Some(Aggregate {
            plan: plan(&by, windowing.as_ref(), &measures),
            key_plan: plan(&by, windowing.as_ref(), &[]),
            series: SeriesRules {
                empty,
                measures: measures
                    .iter()
                    .flat_map(|field| &field.measure.takes)
                    .map(of_nothing)
                    .collect(),
                fills,
                rolling: rolling.rules,
                anomalies: anomalies.rules,
            },
            by,
            windowing,
            measures,
            rows,
            rolling: rolling.names,
            anomalies: anomalies.names,
            anomaly_places: anomalies.places,
            fields,
            late,
            closed_after,
            hold,
            memory,
            place: draft.place.clone(),
        })
    }

    /// Reports what means nothing without windows.
    fn without_windows(&mut self, draft: &Draft) {
        if draft.time.is_some() {
            return;
        }
        for key in draft.given_of_windows() {
            let message = format!("`{key}` belongs to windows of time, and there is no `time`");
            self.error(
                "aggregate.needs_time",
                draft.place_of(key),
                message,
                "add `time = \"timestamp\"`, the path of the time of a reading, or leave it out",
            );
        }
    }

    fn group(&mut self, draft: &DraftGroup) -> Option<GroupField> {
        let written = &draft.value;
        if written.text.starts_with("= ") {
            let name = draft.name.clone();
            let Some(name) = name else {
                self.error(
                    "aggregate.by",
                    written.place.clone(),
                    "an expression in `by` needs a name, which is that of its field",
                    "write `{ site = \"= doc.site\" }`",
                );
                return None;
            };
            self.named.push(name.clone());
            let names = self.reading.names.clone();
            let expression = self.expression("by", written, &names)?;
            return Some(GroupField {
                name: name.text,
                from: From::Expression(expression),
                place: written.place.clone(),
            });
        }
        let path = self.path(written)?;
        let name = self.name_of(draft.name.as_ref(), &path, written)?;
        self.named.push(Written {
            text: name.clone(),
            place: written.place.clone(),
        });
        Some(GroupField {
            name,
            from: From::Path(path),
            place: written.place.clone(),
        })
    }

    /// Returns the name that is given, or the last name of a path.
    pub(super) fn name_of(
        &mut self,
        given: Option<&Written>,
        path: &Path,
        written: &Written,
    ) -> Option<String> {
        if let Some(given) = given {
            return Some(given.text.clone());
        }
        if let Segment::Key(name) = path.last() {
            return Some(name.clone());
        }
        let message = format!("`{path}` has no name: it is an element of a list");
        self.error(
            "aggregate.name",
            written.place.clone(),
            message,
            "give it a name, in `as` or in `by = { name = \"path\" }`",
        );
        None
    }

    /// Returns the name that is given, or this one, as that of the next field.
    pub(super) fn named_or(&mut self, given: Option<&Written>, default: &str) -> String {
        let name = given.cloned().unwrap_or_else(|| Written::by_program(default));
        self.named.push(name.clone());
        name.text
    }

    /// Parses a path of one value.
    pub(super) fn path(&mut self, written: &Written) -> Option<Path> {
        if written.text.starts_with("= ") {
            self.error(
                "aggregate.expression",
                written.place.clone(),
                "an expression where a path is needed: only `by` and [aggregate.fields] take expressions",
                "make the field in a stage before this one, with an operation or [into], and write its path here",
            );
            return None;
        }
        let parsed: Result<Path, crate::path::PathError> = written.text.parse();
        let parsed = parsed
            .map_err(|error| Problem::error("stage.bad_path", written.place.clone(), error.to_string()));
        let path = self.problems.take(parsed)?;
        if path.is_many() {
            let message = format!("`{path}` names several values, and one is needed");
            let help =
                "make a record of each element in a stage before this one, with the operation `derive`";
            self.error("aggregate.several", written.place.clone(), message, help);
            return None;
        }
        Some(path)
    }

    /// Compiles an expression that depends on nothing but what it reads.
    fn expression(&mut self, key: &str, written: &Written, names: &[String]) -> Option<Expression> {
        let names = names.to_vec();
        let compiled = if let Some(place) = &written.place {
            let reading = Reading {
                names,
                ..self.reading.clone()
            };
            let source = self.reading.expression_source(key, &written.text, place);
            source.and_then(|source| Expression::compile(source, place, &reading))
        } else {
            let source = written.text.strip_prefix("= ").unwrap_or(&written.text);
            let reading = Reading {
                names,
                text: source,
                ..self.reading.clone()
            };
            Expression::compile(source, &Place::at(&reading.file, source, 0), &reading)
        };
        let expression = self.problems.take(compiled)?;
        if let Some(name) = expression.calls(&IMPURE) {
            self.problems.add(impure(name, expression.start()));
        }
        Some(expression)
    }

    /// Compiles the fields that are computed from the window's own.
    fn fields(&mut self, draft: &[(Written, Written)]) -> Vec<WindowField> {
        let mut fields = Vec::new();
        for (name, written) in draft {
            let names: Vec<String> = self
                .named
                .iter()
                .map(|named| format!("{WINDOW}{}", named.text))
                .collect();
            self.named.push(name.clone());
            let Some(expression) = self.expression(&name.text, written, &names) else {
                continue;
            };
            if let Some(path) = expression.reads().first() {
                let message = format!("`doc.{path}` is not visible here: a window has many readings");
                let place = Some(expression.start());
                self.error(
                    "expression.unknown_name",
                    place,
                    message,
                    "read the fields of the window as `win.sample_count`",
                );
            }
            let uses: Vec<Arc<str>> = expression.names();
            fields.push(WindowField {
                name: name.text.clone(),
                expression,
                uses,
            });
        }
        fields
    }

    /// Reports fields without a name, and those of the same name.
    fn different(&mut self) {
        let named = std::mem::take(&mut self.named);
        for (at, name) in named.iter().enumerate() {
            if name.text.is_empty() {
                self.error(
                    "aggregate.name",
                    name.place.clone(),
                    "a field of a window needs a name that is not empty",
                    "name it, or leave it out",
                );
            } else if named[..at].iter().any(|earlier| earlier.text == name.text) {
                let place = name.place.clone().or_else(|| {
                    let other = named[..at].iter().find(|earlier| earlier.text == name.text);
                    other.and_then(|other| other.place.clone())
                });
                let message = format!("a window would have two fields `{}`", name.text);
                self.error(
                    "aggregate.twice",
                    place,
                    message,
                    "give one of them another name: `as` names measures, `name` and `rows` the first fields",
                );
            }
        }
    }

    fn empty(&mut self, draft: &Draft) -> Empty {
        use super::draft::EmptyWord;
        if draft.empty == Some(EmptyWord::Skip) {
            if draft.gap.is_some() {
                self.error(
                    "aggregate.gap",
                    draft.place_of("gap"),
                    "`gap` has no effect with `empty = \"skip\"`: no empty window is written",
                    "leave it out",
                );
            }
            return Empty::Skip;
        }
        Empty::Emit {
            limit: draft.gap.unwrap_or(GAP),
        }
    }

    fn late(&mut self, draft: &Draft) -> Late {
        let late = draft.late.unwrap_or(Late::Reopen);
        match (late, &draft.closed_after) {
            (Late::Reopen, Some(written)) => self.error(
                "aggregate.closed_after",
                written.place.clone(),
                "`closed_after` has no effect: late readings reopen their windows, however late they come",
                "leave it out, or write `late = \"refuse\"` or `late = \"leave\"`",
            ),
            (Late::Refuse | Late::Leave, None) => self.error(
                "aggregate.closed_after",
                draft.place_of("late"),
                "`late` needs `closed_after`: how long after the newest reading of its group a reading may be",
                "write `closed_after = \"2h\"`",
            ),
            _ => {}
        }
        late
    }

    /// Reads a length of time.
    pub(super) fn duration(&mut self, written: Option<&Written>) -> Option<i64> {
        let written = written?;
        let duration = Every::duration(&written.text).map_err(|problem| Problem {
            place: written.place.clone(),
            ..problem
        });
        self.problems.take(duration)
    }

    fn memory(&mut self, draft: &Draft) -> u64 {
        let memory = draft.memory.unwrap_or(MEMORY);
        if memory < LEAST_MEMORY {
            self.error(
                "aggregate.memory",
                draft.place_of("memory"),
                "`memory` is less than 1 MiB",
                "write `memory = \"128 MiB\"`, or leave it out",
            );
        }
        memory
    }
}

/// Returns how readings are read without a document; `None` if something of them is computed.
fn plan(by: &[GroupField], windowing: Option<&Windowing>, measures: &[MeasureField]) -> Option<ReadPlan> {
    let computes = by.iter().any(|field| matches!(field.from, From::Expression(_)));
    let paths = (!computes).then(|| paths(by, windowing, measures))?;
    ReadPlan::of(paths)
}

/// Returns what a measure of no readings is, as JSON text.
fn of_nothing(take: &Take) -> Option<Box<str>> {
    match take {
        Take::Count | Take::Distinct => Some("0".into()),
        Take::List(_) => Some("[]".into()),
        _ => None,
    }
}

/// What the names of a window's fields begin with in expressions.
pub(super) const WINDOW: &str = "win.";

/// The problem of a function whose result depends on more than the readings.
pub(super) fn impure(name: &str, place: Place) -> Problem {
    let message = format!("`{name}()` would make other windows of the same readings in another pass");
    Problem::error("aggregate.impure", place, message).help("use what the readings hold")
}

impl Draft {
    /// Returns the keys that are given and mean nothing without windows.
    fn given_of_windows(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("every", self.every.is_some()),
            ("zone", self.zone.is_some()),
            ("origin", self.origin.is_some()),
            ("align", self.aligns_to_days),
            ("label", self.labels_end),
            ("name", self.name.is_some()),
            ("end", self.end.is_some()),
            ("local", self.local.is_some()),
            ("empty", self.empty.is_some()),
            ("gap", self.gap.is_some()),
            ("late", self.late.is_some()),
            ("closed_after", self.closed_after.is_some()),
            ("hold", self.hold.is_some()),
            ("fill", !self.fills.is_empty()),
            ("rolling", !self.rolling.is_empty()),
            ("anomaly", !self.anomalies.is_empty()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key)
    }
}
