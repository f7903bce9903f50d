//! What every command begins with: the project, its store, who runs it. Settings come from the command line, else
//! from `COUNTERFOIL_*`, else from `counterfoil.toml`.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use counterfoil::environment::{CheckpointKeys, Environment, Secrets};
use counterfoil::name::StageName;
use counterfoil::problem::Problem;
use counterfoil::project::{PROJECT_FILE, Project, ProjectSettings};
use counterfoil::stage::Stages;
use counterfoil::store::{Store, StoreOptions};
use counterfoil::{Problems, RunInfo};

use super::failure::Failure;
use super::global::Global;
use super::render::{shown, word};
use super::screen::Screen;
use super::{completing, environment, store_file};

/// One execution of the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session<'c> {
    pub(crate) screen: Screen,
    global: &'c Global,
    arguments: &'c [OsString],
    warnings: &'c RefCell<Vec<String>>,
}

impl<'c> Session<'c> {
    pub(crate) fn new(
        global: &'c Global,
        screen: Screen,
        arguments: &'c [OsString],
        warnings: &'c RefCell<Vec<String>>,
    ) -> Self {
        Self {
            screen,
            global,
            arguments,
            warnings,
        }
    }

    /// A text in which every command names the project, the store and the key that this one was given.
    pub(crate) fn completed(&self, text: &str) -> String {
        completing::completed(text, self.global)
    }

    /// A command line that goes on from here, for hints.
    pub(crate) fn command(&self, rest: &str) -> String {
        self.completed(&format!("`counterfoil {rest}`"))
    }

    /// A command line of these words.
    pub(crate) fn command_line(&self, words: &[String]) -> String {
        let quoted = words.iter().map(|text| word(text));
        self.command(&shown(&quoted.collect::<Vec<_>>().join(" ")))
    }

    /// Refuses an envelope for a command with its own output format.
    pub(crate) fn refuse_envelope(&self, code: &'static str) -> Result<(), Failure> {
        if self.screen.json {
            return Err(Failure::usage(
                code,
                "--json wraps the format `text`; the other formats are JSON already",
                "leave out --json or --format",
            ));
        }
        Ok(())
    }

    /// The project's folder, as the user named it.
    pub(crate) fn folder(&self) -> &Path {
        self.global.directory.as_deref().unwrap_or(Path::new("."))
    }

    /// A path inside the project's folder, as a person would write it.
    pub(crate) fn inside(&self, path: &Path) -> PathBuf {
        if self.global.directory.is_none() {
            path.to_owned()
        } else {
            self.folder().join(path)
        }
    }

    /// Refuses a folder that is not there, before everything that is not in it is missed.
    fn check_folder(&self) -> Result<(), Failure> {
        if self.folder().is_dir() {
            return Ok(());
        }
        let message = format!("there is no folder `{}`", self.folder().display());
        Err(Failure::usage(
            "project.missing",
            message,
            "name a project's folder with -C",
        ))
    }

    /// The project with all its stages.
    pub(crate) fn project(&self) -> Result<Project, Failure> {
        self.check_folder()?;
        Ok(Project::open(self.folder())?)
    }

    fn is_project(&self) -> bool {
        self.folder().join(PROJECT_FILE).exists()
    }

    /// The project's stages; without a project, but with `--store`, there are none.
    pub(crate) fn stages(&self) -> Result<Option<Project>, Failure> {
        if self.global.store.is_some() && !self.is_project() {
            return Ok(None);
        }
        self.project().map(Some)
    }

    /// The names of the files that make up the project, whether they compile or not; without a project there are none.
    pub(crate) fn project_files(&self) -> Result<Vec<String>, Failure> {
        if self.global.store.is_some() && !self.is_project() {
            return Ok(Vec::new());
        }
        self.check_folder()?;
        Ok(Project::files(self.folder()).map_err(Problems::from)?)
    }

    /// The names that the stages' files have; none where they cannot be read.
    pub(crate) fn stage_names(&self) -> Vec<StageName> {
        let project = self.stages().ok().flatten();
        let stages = project.iter().flat_map(|project| project.stages().iter());
        stages
            .map(|stage| StageName::new(stage.number(), stage.slug()))
            .collect()
    }

    /// The settings; where `--store` names the store, a project is not needed.
    pub(crate) fn settings(&self) -> Result<ProjectSettings, Failure> {
        let mut settings = if self.global.store.is_some() && !self.is_project() {
            ProjectSettings::default()
        } else {
            self.check_folder()?;
            Project::settings_of(self.folder())?
        };
        environment::override_settings(&mut settings)?;
        Ok(settings)
    }

    fn store_path(&self, settings: &ProjectSettings) -> PathBuf {
        let in_project = || self.inside(&settings.store);
        self.global.store.clone().unwrap_or_else(in_project)
    }

    /// The store's path, where a store can be.
    fn store_place(&self, settings: &ProjectSettings) -> Result<PathBuf, Failure> {
        let path = self.store_path(settings);
        store_file::check(&path, &self.command("restore FOLDER"))?;
        Ok(path)
    }

    /// The store's file, as a person would write it.
    pub(crate) fn store_file(&self) -> Result<PathBuf, Failure> {
        Ok(self.store_path(&self.settings()?))
    }

    /// Whether `--store` says where the store is.
    pub(crate) fn names_store(&self) -> bool {
        self.global.store.is_some()
    }

    /// The store that is named, else one at a path inside the project's folder; `None` where the path leads out of it, or
    /// is hidden.
    pub(crate) fn store_or(&self, name: &Path) -> Option<PathBuf> {
        let is_hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(name) if !is_hidden(name));
        let in_project = || name.components().all(is_plain).then(|| self.inside(name));
        self.global.store.clone().or_else(in_project)
    }

    /// Whether there is a store already.
    pub(crate) fn has_store(&self) -> Result<bool, Failure> {
        Ok(self.store_path(&self.settings()?).exists())
    }

    fn store_options(&self, settings: &ProjectSettings) -> StoreOptions {
        StoreOptions::default()
            .wait(Duration::from_secs(
                self.global.wait.unwrap_or(settings.wait_seconds),
            ))
            .live(settings.live)
            .limits(settings.limits)
            .batch_size(usize::try_from(settings.batch_size).unwrap_or(5_000))
            .systems(settings.systems())
    }

    /// The store, which must be there.
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        let settings = self.settings()?;
        let options = self.store_options(&settings);
        self.opened(Store::open(
            self.store_place(&settings)?,
            options,
            self.environment()?,
        ))
    }

    /// The store, though it is not what was signed.
    pub(crate) fn open_unchecked(&self) -> Result<Store, Failure> {
        let settings = self.settings()?;
        let options = self.store_options(&settings).unchecked(true);
        self.opened(Store::open(
            self.store_place(&settings)?,
            options,
            self.environment()?,
        ))
    }

    /// The store, which must be there and is only read.
    pub(crate) fn open_to_read(&self) -> Result<Store, Failure> {
        let settings = self.settings()?;
        let options = self.store_options(&settings).read_only(true);
        let keys = self.keys_to_check()?;
        let environment = self.environment_without_keys()?.keys(keys);
        self.opened(Store::open(self.store_place(&settings)?, options, environment))
    }

    /// Warns where the store has applied stages of other projects only.
    pub(crate) fn warn_of_another_name(&self, store: &Store, project: &str) -> Result<(), Failure> {
        let others = store.other_projects(project)?;
        if !others.is_empty() {
            let others = others.join("`, `");
            self.warnings.borrow_mut().push(format!(
                "the stages applied in this store belong to the project `{others}`; under the name \
                 `{project}` all stages count as new: if the name was changed in counterfoil.toml, change it back"
            ));
        }
        Ok(())
    }

    /// Warns of sources that are not there yet, which are read as empty: their names may be mistyped.
    pub(crate) fn warn_of_absent_sources(&self, store: &Store, project: &Project) -> Result<(), Failure> {
        let problems = project.absent_sources(&store.databases()?);
        self.warnings.borrow_mut().extend(problems.into_iter().map(told));
        Ok(())
    }

    /// Whether the store has a database that a person has named. One that it does not have yet is empty where the project
    /// names it, and a mistake where it does not.
    pub(crate) fn has_database(&self, store: &Store, name: &str) -> Result<bool, Failure> {
        if store.has_database(name)? {
            return Ok(true);
        }
        let project = self.stages().ok().flatten();
        if project.is_some_and(|project| project.names_database(name)) {
            let warning = format!("`{name}` does not exist yet: nothing has been written to it");
            self.warnings.borrow_mut().push(warning);
            return Ok(false);
        }
        let (name, known) = (name.to_owned(), store.databases()?);
        Err(counterfoil::Error::NoSuchDatabase { name, known }.into())
    }

    fn opened(&self, store: counterfoil::Result<Store>) -> Result<Store, Failure> {
        let store = store?;
        self.warnings.borrow_mut().extend_from_slice(store.warnings());
        Ok(store)
    }

    /// The store, made if it is not there yet.
    pub(crate) fn open_or_create(&self) -> Result<Store, Failure> {
        let settings = self.settings()?;
        let options = self.store_options(&settings);
        self.opened(Store::open_or_create(
            self.store_place(&settings)?,
            options,
            self.environment()?,
        ))
    }

    /// What `--key` says.
    pub(crate) fn given_key(&self) -> Option<&Path> {
        self.global.key.as_deref()
    }

    /// The keys for checkpoints: those given, else the project's.
    pub(crate) fn keys(&self) -> Result<CheckpointKeys, Failure> {
        if let Some(key) = environment::signing_key()? {
            return Ok(CheckpointKeys::signing(key));
        }
        match &self.global.key {
            Some(path) => Ok(CheckpointKeys::signing(Project::signing_key(path)?)),
            None => Ok(Project::keys(self.folder())?),
        }
    }

    /// The keys that a backup is checked with.
    pub(crate) fn keys_of_backups(&self) -> Result<BackupKeys, Failure> {
        if environment::names_signing_key() || self.global.key.is_some() {
            return Ok(BackupKeys {
                given: self.keys_to_check()?,
                known: CheckpointKeys::default(),
            });
        }
        // A project that is restored may have lost its keys, or have files that are none.
        let known = Project::keys_to_check(self.folder()).unwrap_or_default();
        Ok(BackupKeys {
            given: CheckpointKeys::default(),
            known,
        })
    }

    /// The keys for who only reads: nothing is signed, and the key that signs is not asked for.
    fn keys_to_check(&self) -> Result<CheckpointKeys, Failure> {
        if let Ok(Some(key)) = environment::signing_key() {
            return Ok(CheckpointKeys::verifying(key.verifying()));
        }
        match &self.global.key {
            Some(path) => Ok(CheckpointKeys::verifying(Project::key_to_check(path)?)),
            None => Ok(Project::keys_to_check(self.folder())?),
        }
    }

    fn environment(&self) -> Result<Environment, Failure> {
        let keys = self.keys()?;
        Ok(self.environment_without_keys()?.keys(keys))
    }

    fn environment_without_keys(&self) -> Result<Environment, Failure> {
        Ok(Environment::default()
            .actor(self.global.actor.clone().unwrap_or_else(environment::user))
            .host(environment::host())
            .secrets(self.secrets()?))
    }

    /// The secrets that stages may request: from the environment, or else from the files that the project names.
    pub(crate) fn secrets(&self) -> Result<Secrets, Failure> {
        let given = environment::secrets()?;
        let mut settings = self.settings()?;
        settings.secrets.retain(|name, _| given.get(name).is_none());
        let (secrets, problems) = Project::secrets(self.folder(), &settings);
        self.warnings.borrow_mut().extend(problems.into_iter().map(told));
        Ok(secrets.overridden_by(&given))
    }

    /// What stands in the ledger about this run: the arguments as they were given, less the ids of records, which may
    /// be about a person and could never be erased from there.
    pub(crate) fn run_info(&self, command: &str, reason: Option<&str>, ids: &[&str]) -> RunInfo {
        let mut words = command.split(' ').peekable();
        let mut rest = self
            .arguments
            .iter()
            .skip(1)
            .map(|argument| argument.to_string_lossy());
        while let Some(word) = words.peek() {
            match rest.next() {
                Some(argument) if argument == *word => drop(words.next()),
                Some(_) => {}
                None => break,
            }
        }
        let arguments = rest.map(|argument| match argument.split_once('=') {
            _ if ids.contains(&argument.as_ref()) => "<id>".to_owned(),
            Some((option, id)) if option.starts_with("--") && ids.contains(&id) => format!("{option}=<id>"),
            _ => argument.into_owned(),
        });
        let mut run_info = RunInfo::new(command).arguments(arguments);
        run_info.reason = reason.map(str::to_owned);
        run_info
    }
}

/// The keys that a backup is checked with.
pub(crate) struct BackupKeys {
    /// The one that is named, which has to have signed it.
    pub(crate) given: CheckpointKeys,
    /// The project's, which may have.
    pub(crate) known: CheckpointKeys,
}

/// The stages of a project, or none.
pub(crate) fn stages_of(project: Option<&Project>) -> Result<StagesOrNone<'_>, Failure> {
    match project {
        Some(project) => Ok(StagesOrNone::Some(project.stages())),
        None => Ok(StagesOrNone::None(Stages::new("", Vec::new())?)),
    }
}

/// The stages of a project, or an empty list where there is no project.
pub(crate) enum StagesOrNone<'p> {
    Some(&'p Stages),
    None(Stages),
}

impl std::ops::Deref for StagesOrNone<'_> {
    type Target = Stages;

    fn deref(&self) -> &Stages {
        match self {
            Self::Some(stages) => stages,
            Self::None(stages) => stages,
        }
    }
}

/// A problem as one line.
fn told(problem: Problem) -> String {
    let help = problem.help.map(|help| format!("; {help}")).unwrap_or_default();
    problem.message + &help
}
