//! A project, used in one of the ways in which people use it, and the steps that its hints name, run by a shell as they are
//! printed.

use std::path::PathBuf;

use regex::Regex;

use crate::support::world::{Said, Scene, without_settings};

/// How the command is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Within the project's folder.
    Inside,
    /// From elsewhere, with `-C`.
    Directory,
    /// With the store and the key elsewhere, named by `--store` and `--key`.
    Store,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Inside, Self::Directory, Self::Store];
}

/// A folder with a project, a place for the store and the key, and one for files.
pub(super) struct World {
    scene: Scene,
    pub(super) way: Way,
}

impl World {
    /// A project with a key and without stages.
    pub(super) fn new(way: Way) -> Self {
        let world = Self::empty(way);
        let made = world.shell("counterfoil init shop --here", &world.path(""));
        assert_eq!(made.code, 0, "{}", made.err);
        std::fs::remove_file(world.path("0001_first.toml")).expect("the first stage");
        if way == Way::Store {
            for name in ["counterfoil.key", "counterfoil.pub"] {
                std::fs::rename(world.path(name), world.elsewhere(name)).expect("a key");
            }
        }
        world
    }

    /// A folder without a project.
    pub(super) fn empty(way: Way) -> Self {
        let scene = Scene::in_folder("the project");
        for folder in ["elsewhere", "bin"] {
            std::fs::create_dir(scene.root().join(folder)).expect("a folder");
        }
        let binary = scene.root().join("bin").join("counterfoil");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_counterfoil"), binary).expect("a link");
        Self { scene, way }
    }

    /// A file of the project.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scene.path(name)
    }

    /// A file beside the project.
    pub(super) fn elsewhere(&self, name: &str) -> PathBuf {
        self.scene.root().join("elsewhere").join(name)
    }

    /// The store's file.
    pub(super) fn store(&self) -> PathBuf {
        match self.way {
            Way::Store => self.elsewhere("kept.db"),
            _ => self.path("counterfoil.db"),
        }
    }

    /// The half of the key that signs.
    pub(super) fn key(&self, name: &str) -> PathBuf {
        match self.way {
            Way::Store => self.elsewhere(name),
            _ => self.path(name),
        }
    }

    /// Where the person is.
    fn here(&self) -> PathBuf {
        match self.way {
            Way::Directory => self.scene.root().to_owned(),
            _ => self.path(""),
        }
    }

    /// A file that the person names.
    pub(super) fn file(&self, name: &str) -> String {
        match self.way {
            Way::Directory => format!("the project/{name}"),
            _ => name.to_owned(),
        }
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        self.scene.write(name, text);
    }

    /// Runs the command as the way has it.
    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.shell(&self.line(arguments), &self.here())
    }

    /// Runs the command, and asks it to stop after a while.
    pub(super) fn interrupted(&self, arguments: &[&str]) -> Said {
        // In the foreground, so that the command gets one signal: else `timeout` sends it to its whole group too.
        self.shell(
            &format!("timeout --foreground -s INT 2 {}", self.line(arguments)),
            &self.here(),
        )
    }

    fn line(&self, arguments: &[&str]) -> String {
        let mut words: Vec<String> = match self.way {
            Way::Inside => Vec::new(),
            Way::Directory => vec!["-C".to_owned(), "the project".to_owned()],
            Way::Store => vec!["--store".to_owned(), "../elsewhere/kept.db".to_owned()],
        };
        if self.way == Way::Store && self.elsewhere("counterfoil.key").exists() {
            words.extend(["--key".to_owned(), "../elsewhere/counterfoil.key".to_owned()]);
        }
        words.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let quoted = words
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', "'\\''")));
        format!("counterfoil {}", quoted.collect::<Vec<_>>().join(" "))
    }

    /// Runs the command, which has to do what it is asked to.
    pub(super) fn done(&self, arguments: &[&str]) -> Said {
        let ran = self.run(arguments);
        assert_eq!(
            ran.code, 0,
            "{:?} {arguments:?}: {}{}",
            self.way, ran.out, ran.err
        );
        ran
    }

    /// Runs the command, which has to end with this code.
    pub(super) fn ends(&self, code: i32, arguments: &[&str]) -> Said {
        let ran = self.run(arguments);
        assert_eq!(
            ran.code, code,
            "{:?} {arguments:?}: {}{}",
            self.way, ran.out, ran.err
        );
        ran
    }

    /// Loads these lines from a file of this name, all of them.
    #[track_caller]
    pub(super) fn loads(&self, database: &str, name: &str, lines: &str) {
        let ran = self.load(database, name, lines);
        assert_eq!(ran.code, 0, "{:?}: {}{}", self.way, ran.out, ran.err);
    }

    /// Loads these lines from a file of this name.
    pub(super) fn load(&self, database: &str, name: &str, lines: &str) -> Said {
        self.write(name, lines);
        self.run(&["load", database, &self.file(name)])
    }

    fn shell(&self, line: &str, folder: &std::path::Path) -> Said {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.scene.root().join("bin");
        let mut command = without_settings("sh");
        command
            .args(["-c", line])
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", bin.display()));
        Said::of(command.output().expect("a shell"))
    }

    /// The command that a text names and that has these words, as it stands there.
    pub(super) fn named(&self, said: &Said, words: &str) -> String {
        let text = format!("{}{}", said.out, said.err);
        let pattern = Regex::new("`(counterfoil [^`]*)`").expect("a pattern");
        let mut commands = pattern.captures_iter(&text).map(|found| found[1].to_owned());
        let found = commands.find(|command| format!("{command}`").contains(words));
        found.unwrap_or_else(|| panic!("{:?}: no hint names `{words}`: {text}", self.way))
    }

    /// Runs the command that a text names, its capital words filled in, in the place where the text was read.
    pub(super) fn step(&self, said: &Said, words: &str, filled: &[(&str, &str)]) -> Said {
        let mut line = self.named(said, words);
        for (word, value) in filled.iter().chain(&[("TEXT", "because"), ("N", "1000")]) {
            let pattern = Regex::new(&format!(r"\b{word}\b")).expect("a pattern");
            line = pattern.replace_all(&line, *value).into_owned();
        }
        if line.contains(" rollback") {
            // Nobody is here to say yes.
            line += " --yes";
        }
        self.shell(&line, &self.here())
    }

    /// As [`step`](Self::step); it has to work.
    pub(super) fn works(&self, said: &Said, words: &str, filled: &[(&str, &str)]) -> Said {
        self.leads_to(0, said, words, filled)
    }

    /// As [`step`](Self::step); it has to end with this code.
    pub(super) fn leads_to(&self, code: i32, said: &Said, words: &str, filled: &[(&str, &str)]) -> Said {
        let ran = self.step(said, words, filled);
        assert_eq!(
            ran.code, code,
            "{:?}: `{}` of {}{} says {}{}",
            self.way, words, said.out, said.err, ran.out, ran.err
        );
        ran
    }
}
