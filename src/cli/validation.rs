//! A contract over a database: what `validate` does, and `profile` with a contract.

use std::io::Write as _;
use std::path::Path;

use counterfoil::Problems;
use counterfoil::contract::{Contract, Mode, Schema};
use counterfoil::observe::StopSignal;
use counterfoil::problem::Place;
use counterfoil::project::Project;
use counterfoil::record::RunId;
use counterfoil::stage::{Stage, read_file};
use counterfoil::store::Store;
use counterfoil::validate::{ValidateOptions, ValidateReport, ValidationFinding, ViolationGroup, validate};

use super::answer::{Answer, json};
use super::failure::{Failure, no_stage, stopped_reading};
use super::files::NewFile;
use super::listed::Listed;
use super::masking::redactions;
use super::render::{bold, count, counted, dim, green, red, shown, shown_json, table, word, yellow};
use super::session::Session;

/// What is checked against which contract, and how it is shown.
pub(crate) struct ValidationView<'v> {
    pub(crate) database: &'v str,
    /// A JSON Schema instead of a stage's contract.
    pub(crate) contract: Option<&'v Path>,
    /// The stage whose contract it is.
    pub(crate) stage: Option<u32>,
    /// What was broken after this run already counts as pre-existing.
    pub(crate) since: Option<RunId>,
    /// The most ids that are named for each kind of violation.
    pub(crate) limit: usize,
    /// A new file for every violation.
    pub(crate) output: Option<&'v Path>,
}

/// A contract, and where it comes from.
struct ContractSource {
    contract: Contract,
    stage: u32,
    /// In words.
    from: String,
}

impl ValidationView<'_> {
    /// The whole of it, and the answer; `stop` is the signal of the command that it is a part of.
    pub(crate) fn run(&self, session: &Session<'_>, stop: StopSignal) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        session.has_database(&store, self.database)?;
        self.check_run(&store)?;
        let project = session.stages()?;
        let found = self.contract(project.as_ref())?;
        let redact = redactions(session, &store)?;
        let options = ValidateOptions::default()
            .project(project.as_ref().map_or("", Project::name))
            .stage(found.stage)
            .since(self.since)
            .redact(&redact)
            .examples(self.limit)
            .stop(stop);
        let mut places = ViolationFiles {
            file: self.output.map(NewFile::begin).transpose()?,
            listed: session.screen.json.then(Listed::new),
        };
        let mut written = Ok(());
        let report = validate(
            &store,
            self.database,
            &found.contract,
            &options,
            &mut |finding: &ValidationFinding| {
                if written.is_ok() {
                    written = places.write(finding);
                }
                // There is no use in what comes after it.
                if written.is_err() {
                    options.stop.ask();
                }
                Ok(())
            },
        )?;
        written?;
        if let (Some(file), None) = (places.file, &report.stopped) {
            file.finish()?;
        }
        let text = render(&report, &found.from, self.since);
        let mut data = json(&report);
        data["contract"] = found.from.clone().into();
        let left_out = report.left_out.iter().map(|rule| {
            format!(
                "the rule `{}` needs values that `prepare` defines, so only the stage itself can check it",
                shown(rule)
            )
        });
        let answer = Answer::new(data, text)
            .list("findings", places.listed.unwrap_or_else(Listed::new))
            .warnings(left_out)
            .warnings(self.says_nothing(&found))
            .refused_if(report.failing > 0);
        Ok(match &report.stopped {
            Some(_) => answer.failed(stopped_reading()),
            None if report.violations.is_empty() || self.output.is_some() => answer,
            None => answer.hint(format!(
                "{} writes all of them to a file",
                session.command(&self.with_output())
            )),
        })
    }

    /// The same command, with a file for every violation.
    fn with_output(&self) -> String {
        let mut command = format!("validate {}", self.database);
        if let Some(contract) = self.contract {
            command += &format!(" --contract {}", word(&contract.display().to_string()));
        }
        if let Some(stage) = self.stage {
            command += &format!(" --stage {stage}");
        }
        if let Some(since) = self.since {
            command += &format!(" --since {since}");
        }
        command + " --output violations.ndjson"
    }

    fn check_run(&self, store: &Store) -> Result<(), Failure> {
        let Some(run) = self.since else { return Ok(()) };
        let newest = store.history(1)?;
        let newest = newest.first().map_or(RunId::BEFORE_FIRST, |run| run.run);
        if run <= RunId::BEFORE_FIRST || run > newest {
            let message = format!("there is no run {run}: the newest is {newest}");
            return Err(Failure::usage(
                "run.unknown",
                message,
                "`counterfoil history` lists the runs",
            ));
        }
        Ok(())
    }

    /// That a file of the user's own holds nothing that could be broken.
    fn says_nothing(&self, found: &ContractSource) -> Option<String> {
        let schema = found
            .contract
            .schema
            .as_ref()
            .filter(|_| self.contract.is_some())?;
        matches!(schema.canonical(), "{}" | "true").then(|| {
            format!(
                "no record can violate {}; is it a JSON Schema?",
                shown(&found.from)
            )
        })
    }

    fn contract(&self, project: Option<&Project>) -> Result<ContractSource, Failure> {
        if let Some(path) = self.contract {
            return from_file(path);
        }
        let stages: Vec<&Stage> = project
            .iter()
            .flat_map(|project| project.stages().iter())
            .collect();
        if let Some(number) = self.stage {
            let stage = stages.iter().find(|stage| stage.number() == number);
            let stage = stage.ok_or_else(|| no_stage(stages.iter().map(|stage| stage.number()), number))?;
            return of_stage(stage, self.database).ok_or_else(|| {
                let message = format!("stage {number} has no contract for `{}`", self.database);
                Failure::usage(
                    "validate.no_contract",
                    message,
                    "name another stage, or a file with --contract",
                )
            });
        }
        let writes = stages
            .iter()
            .rev()
            .filter(|stage| stage.target() == self.database);
        let reads = stages.iter().filter(|stage| stage.source() == self.database);
        let found = writes
            .chain(reads)
            .find_map(|stage| of_stage(stage, self.database));
        found.ok_or_else(|| {
            let message = format!("no stage has a contract for `{}`", self.database);
            Failure::usage(
                "validate.no_contract",
                message,
                "name a JSON Schema with --contract FILE",
            )
        })
    }
}

/// The contract that a stage has for a database.
fn of_stage(stage: &Stage, database: &str) -> Option<ContractSource> {
    let found = |contract: Contract, side: &str| ContractSource {
        contract,
        stage: stage.number(),
        from: format!("the {side} contract of stage {} {}", stage.number(), stage.slug()),
    };
    if stage.target() == database && !stage.contract().is_empty() {
        return Some(found(stage.contract().clone(), "target"));
    }
    let source = stage.source_contract().filter(|_| stage.source() == database)?;
    Some(found(Contract::from(source.clone()), "source"))
}

fn from_file(path: &Path) -> Result<ContractSource, Failure> {
    let wrong = |problems: Problems| {
        Failure::from(problems).hint("correct the file, or name another with --contract")
    };
    let name = path.display().to_string();
    let text = read_file(path, &name).map_err(|problem| wrong(problem.into()))?;
    let place = Place::at(&name.as_str().into(), &text, 0);
    let schema = Schema::compile(&text, &place).map_err(wrong)?;
    Ok(ContractSource {
        contract: Contract::from(schema),
        stage: 0,
        from: name,
    })
}

/// Where every violation goes.
struct ViolationFiles<'p> {
    file: Option<NewFile<'p>>,
    listed: Option<Listed>,
}

impl ViolationFiles<'_> {
    fn write(&mut self, finding: &ValidationFinding) -> Result<(), Failure> {
        let line = json(finding);
        if let Some(file) = &mut self.file {
            let written = writeln!(file, "{}", shown_json(&line.to_string()));
            written.map_err(|error| file.unwritable(&error))?;
        }
        self.listed.as_mut().map_or(Ok(()), |listed| listed.push(line))
    }
}

fn render(report: &ValidateReport, from: &str, since: Option<RunId>) -> String {
    let mut text = format!(
        "{} of {} against {}\n",
        counted(report.records, "record"),
        bold(&shown(&report.database)),
        shown(from)
    );
    if report.violations.is_empty() {
        return text + &format!("{} no record violates it\n", green("valid:"));
    }
    let rows = report.violations.iter().map(row);
    let before = if since.is_some() {
        "before"
    } else {
        "from the start"
    };
    text += &table(
        &[
            ">records",
            &format!(">{before}"),
            "violation",
            "at",
            "runs",
            "for example",
        ],
        rows,
    );
    for group in &report.violations {
        let rule = group.rule.as_deref().unwrap_or_default();
        let expected = group.expected.as_deref();
        let expected = expected.map_or_else(String::new, |expected| format!(": expected {expected}"));
        text += &dim(&shown(&format!(
            "{} at {}{expected} ({rule})",
            group.code,
            at(group)
        )));
        text.push('\n');
    }
    let failing = format!(
        "{} in violation of the contract",
        counted(report.failing, "record")
    );
    text += &match report.failing {
        0 => format!("{} warnings only", green("valid:")),
        _ => format!("{} {failing}", red("not valid:")),
    };
    if report.warned > 0 {
        text += &format!(", {} {}", count(report.warned), yellow("with warnings only"));
    }
    text + "\n"
}

fn row(group: &ViolationGroup) -> Vec<String> {
    let runs: Vec<String> = group
        .by_run
        .iter()
        .map(|(run, records)| format!("{run} ({})", count(*records)))
        .collect();
    let code = match group.mode {
        Mode::Warn => format!("{} (warned)", group.code),
        _ => group.code.clone(),
    };
    vec![
        count(group.records),
        count(group.preexisting),
        code,
        at(group).to_owned(),
        runs.join(", "),
        group.examples.join(", "),
    ]
}

fn at(group: &ViolationGroup) -> &str {
    if group.pointer.is_empty() {
        "the record"
    } else {
        &group.pointer
    }
}
