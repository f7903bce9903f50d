//! `load`: loads records from outside.

mod arguments;
mod hints;
mod input;
mod reading;

use counterfoil::history::UnfinishedPass;
use counterfoil::load::{KnownLoad, LoadOptions, LoadReport, give_up};
use counterfoil::path::Path as FieldPath;
use counterfoil::project::ProjectSettings;
use counterfoil::stage::Stage;
use counterfoil::store::Store;
use serde_json::json;

use crate::cli::answer::{Answer, json};
use crate::cli::failure::{Failure, stopped_early};
use crate::cli::progress::ProgressDisplay;
use crate::cli::refusals::{records, refusals, refusals_json, totals_of_pass};
use crate::cli::render::{count, counted, moment, shown, table};
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::unfinished;
use crate::cli::words::nearest;
use arguments::LoadFormat;
use hints::{Refusing, swallowed};
use input::InputFiles;

pub(crate) use arguments::Load;

impl Load {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let settings = session.settings()?;
        counterfoil::name::check_database(&self.database)
            .map_err(|error| Failure::usage("database.bad_name", error.to_string(), "choose another name"))?;
        if self.give_up {
            return self.end(session);
        }
        if self.reading.records.is_some() && !matches!(self.format, None | Some(LoadFormat::Json)) {
            let message = "--records is for a list inside a JSON object";
            return Err(Failure::usage("load.records", message, "leave out --format"));
        }
        let options = self.options(session, &settings)?;
        let mut progress = ProgressDisplay::new(session.screen);
        let input = InputFiles::open(&self.file, session, &options.stop, &mut progress)?;
        let mut store = session.open_or_create()?;
        let name = self.file.display().to_string();
        let loaded = input.load(&mut store, &self.database, &name, &options, &mut progress);
        progress.finish();
        let report = match loaded {
            // A read that a signal ended.
            Err(counterfoil::Error::Input { .. }) if options.stop.is_asked() => {
                return Err(stopped_early(&counterfoil::Stopped::Asked));
            }
            Err(error) => return Err(self.of_input(session, error)),
            Ok(report) => report,
        };
        let refused = if report.counts.refused > 0 {
            totals_of_pass(&store, report.pass)?
        } else {
            Vec::new()
        };
        let refusing = Refusing {
            project: &settings.name,
            pass: report.pass,
        };
        let mut data = json(&report);
        data["database"] = json!(self.database);
        data["source"] = json!(name);
        data["refusals"] = refusals_json(&refused);
        let text = match report.known.as_ref().filter(|_| !report.processed) {
            Some(known) => Self::known(&store, &name, known)?,
            None => self.render(&name, &report, &progress),
        };
        let mut answer = Answer::new(data, text + &refusals(&refused))
            .warnings(progress.warnings.iter().cloned())
            .warnings(self.warnings(session, &report))
            .refused_if(report.counts.refused > 0);
        answer.warnings.extend(self.unread(session, &settings));
        answer.warnings.extend(swallowed(&store, refusing, &refused)?);
        for hint in self.hints(session, &store, refusing, &options.id_field, &refused)? {
            answer = answer.hint(hint);
        }
        Ok(match &report.stopped {
            Some(stopped) => answer.failed(stopped_early(stopped)),
            None => answer,
        })
    }

    /// Gives up unfinished loads of this name.
    fn end(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let name = self.file.display().to_string();
        let mut store = session.open()?;
        let run_info = session.run_info("load", self.reason.as_deref(), &[]);
        let ended = give_up(&mut store, &self.database, &name, &run_info)?;
        let told = ended.iter().map(|load| {
            format!(
                "Gave up the load of {} of run {} {}: its {} are kept.\n",
                shown(load.input()),
                load.last_run,
                load.reached(),
                counted(load.stay(), "record")
            )
        });
        Ok(Answer::new(
            json!({ "given_up": ended }),
            told.collect::<String>(),
        ))
    }

    fn options(&self, session: &Session<'_>, settings: &ProjectSettings) -> Result<LoadOptions, Failure> {
        let declared = settings
            .databases
            .get(&self.database)
            .and_then(|database| database.id.clone());
        let given = self.id.clone().or(declared);
        let id_field = given.unwrap_or_else(|| LoadOptions::default().id_field);
        let redact = match session.stages() {
            Ok(project) => project.map_or_else(Vec::new, |project| {
                let stages = project.stages();
                stages.iter().flat_map(Stage::redact).cloned().collect()
            }),
            // What the stages redact is unknown while they do not compile: it may be the id.
            Err(_) => vec![FieldPath::field(&id_field)],
        };
        Ok(LoadOptions::default()
            .id_field(id_field)
            .format(self.format.map(Into::into))
            .cells(self.reading.cells(matches!(self.format, Some(LoadFormat::Tsv))))
            .records(self.reading.records.clone())
            .with_id(self.reading.with_id)
            .replace(self.replace)
            .reprocess(self.reprocess)
            .restart(self.restart)
            .again(self.again)
            .redact(redact)
            .batch_size(self.batch_size.map(|size| size as usize))
            .run_info(session.run_info("load", self.reason.as_deref(), &[]))
            .stop(stop_signal(session.screen, "load")?))
    }

    /// Reports that a file was loaded to its end before.
    fn known(store: &Store, name: &str, known: &KnownLoad) -> Result<String, Failure> {
        let renamed = match known.source.as_deref() {
            Some(source) if source != name => format!(" as {}", shown(source)),
            _ => String::new(),
        };
        let mut text = format!(
            "{} was already loaded{renamed} by run {} ({}): nothing to do; `--again` loads it again\n",
            shown(name),
            known.run,
            moment(&known.at)
        );
        let lines = records(&totals_of_pass(store, known.pass)?);
        if lines > 0 {
            text += &format!("{} in quarantine\n", counted(lines, "rejected input line"));
        }
        Ok(text)
    }

    fn warnings(&self, session: &Session<'_>, report: &LoadReport) -> Vec<String> {
        let mut warnings: Vec<String> = report.given_up.iter().map(lost_with).collect();
        if let Some(begun_as) = &report.begun_as {
            warnings.push(format!(
                "it begins like {}, whose load was interrupted: that load was continued",
                shown(begun_as)
            ));
        }
        if let (Some(known), true) = (&report.known, report.processed) {
            warnings.push(format!(
                "the same data was already loaded by run {} ({}) and has been loaded again: a stream can only \
                 be recognized after it has been read",
                known.run,
                moment(&known.at)
            ));
        }
        if report.overtaken && self.replace {
            warnings.push(format!(
                "other runs have written to {} since this load was interrupted: records that are also in the \
                 rest of the file were overwritten",
                self.database
            ));
        }
        if let Some(fixed) = &report.fixed_by_hand {
            let stages: Vec<String> = fixed.stages.iter().map(ToString::to_string).collect();
            warnings.push(format!(
                "overwrote {} of {} that stage {} had changed in place: the input counts as having the shape \
                 that the stage writes; if it has the shape from before the stage, load it with `--reprocess \
                 --again`",
                counted(fixed.records, "record"),
                self.database,
                stages.join(" and ")
            ));
        }
        if let Some(field) = &report.narrowed.field {
            warnings.push(format!(
                "{} of {} lost fields for which the file has no column (the first: `{}`); `--types` keeps them",
                counted(report.narrowed.records, "record"),
                self.database,
                shown(field)
            ));
        }
        let open = report.open.iter();
        warnings.extend(open.map(|open| unfinished::render(session, open)));
        warnings
    }

    /// Returns a warning if no stage reads the database, which is usually a typing error, or if one writes it.
    fn unread(&self, session: &Session<'_>, settings: &ProjectSettings) -> Option<String> {
        let project = session.stages().ok().flatten()?;
        let writes = |stage: &&Stage| !stage.in_place() && stage.target() == self.database;
        if let Some(stage) = project.stages().iter().find(writes) {
            return Some(format!(
                "stage {} writes `{}`: records loaded there count as changed by hand",
                stage.number(),
                self.database
            ));
        }
        let mut sources: Vec<String> = Vec::new();
        for stage in project.stages().iter() {
            if !sources.iter().any(|source| source == stage.source()) {
                sources.push(stage.source().to_owned());
            }
        }
        let is_read = sources.is_empty() || sources.contains(&self.database);
        (!is_read && !settings.databases.contains_key(&self.database)).then(|| {
            format!(
                "no stage reads `{}`; {}",
                self.database,
                nearest(&self.database, &sources)
            )
        })
    }

    fn render(&self, name: &str, report: &LoadReport, progress: &ProgressDisplay) -> String {
        let counts = report.counts;
        let state = match (report.stopped.is_some(), report.resumed) {
            (true, _) => "stopped",
            (false, true) => "resumed, done",
            (false, false) => "done",
        };
        // A line that left quarantine is not a line of this input.
        let passed = counts.filtered;
        let row = vec![
            name.to_owned(),
            self.database.clone(),
            state.to_owned(),
            count(counts.read - passed),
            count(counts.written),
            count(counts.unchanged),
            count(counts.refused),
            progress.records_a_second(report.pass),
        ];
        let text = table(
            &[
                "file",
                "database",
                "state",
                ">read",
                ">written",
                ">unchanged",
                ">refused",
                ">records/s",
            ],
            [row],
        );
        match passed {
            0 => text,
            1 => text + "1 previously rejected input line now passes and has left quarantine\n",
            lines => {
                let lines = counted(lines, "previously rejected input line");
                text + &format!("{lines} now pass and have left quarantine\n")
            }
        }
    }
}

/// Describes what is lost with a load that was given up, and what is not.
fn lost_with(load: &UnfinishedPass) -> String {
    let what = if load.source.as_deref() == Some("-") {
        "input"
    } else {
        "file"
    };
    format!(
        "gives up the load of {} of run {} {}; its {} are kept, the rest of that {what} is not loaded",
        shown(load.input()),
        load.last_run,
        load.reached(),
        counted(load.stay(), "record")
    )
}
