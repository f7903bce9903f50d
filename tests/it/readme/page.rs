//! A page of Markdown: its blocks of commands, and what it shows of their output.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use super::steady;

/// A block of commands (` ```sh `).
pub(super) struct Block {
    pub(super) commands: String,
    /// Where the page shows the output: a ` ```text ` block right after the commands.
    output: Option<Range<usize>>,
}

/// A page, or a part of one.
pub(super) struct Page {
    pub(super) path: PathBuf,
    text: String,
    pub(super) blocks: Vec<Block>,
}

impl Page {
    pub(super) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("a page");
        let blocks = blocks(&text, 0..text.len());
        Self { path, text, blocks }
    }

    /// Only the blocks below one heading.
    pub(super) fn only(mut self, heading: &str) -> Self {
        let begin = self.text.find(&format!("\n## {heading}\n")).expect("the heading") + 1;
        let end = self.text[begin..]
            .find("\n## ")
            .map_or(self.text.len(), |length| begin + length);
        self.blocks = blocks(&self.text, begin..end);
        assert!(!self.blocks.is_empty(), "{heading} has commands");
        self
    }

    /// Compares each shown output with what was printed; with `UPDATE_DOCS=1`, writes what was printed.
    pub(super) fn check(&self, printed: &[Option<String>]) {
        let (mut text, mut differences) = (self.text.clone(), String::new());
        // From the end, so that a replacement does not move the places before it.
        for (block, printed) in self.blocks.iter().zip(printed).rev() {
            let (Some(place), Some(printed)) = (&block.output, printed) else {
                continue;
            };
            let shown = &self.text[place.clone()];
            if steady(shown) != steady(printed) {
                let _ = writeln!(
                    differences,
                    "{}\n--- shown\n{shown}\n--- printed\n{printed}\n",
                    block.commands
                );
                text.replace_range(place.clone(), printed);
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&self.path, text).expect("the page can be written");
        } else {
            assert!(
                differences.is_empty(),
                "{} is old: UPDATE_DOCS=1 cargo test --test it readme\n{differences}",
                self.path.display()
            );
        }
    }
}

/// Where the inside of a fenced block is that begins at `begin`, and where the block ends.
fn fenced(text: &str, begin: usize) -> (Range<usize>, usize) {
    let first = begin + text[begin..].find('\n').expect("a line end") + 1;
    let last = first + text[first..].find("\n```").expect("the fence is closed");
    (first..last, last + "\n```".len())
}

fn blocks(text: &str, within: Range<usize>) -> Vec<Block> {
    let (mut blocks, mut at) = (Vec::new(), within.start);
    while let Some(found) = text[at..within.end].find("\n```") {
        let fence = at + found + 1;
        let (inside, behind) = fenced(text, fence);
        at = behind;
        if !text[fence..].starts_with("```sh\n") {
            continue;
        }
        let mut block = Block {
            commands: text[inside].to_owned(),
            output: None,
        };
        if text[behind..].starts_with("\n\n```text\n") {
            let (output, behind) = fenced(text, behind + 2);
            block.output = Some(output);
            at = behind;
        }
        blocks.push(block);
    }
    blocks
}

/// The targets of a page's links and pictures that are files of this project.
pub(super) fn links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut fence = false;
    for line in text.lines() {
        fence ^= line.trim_start().starts_with("```");
        if fence {
            continue;
        }
        for (before, after) in [("](", ')'), ("src=\"", '"')] {
            let parts = line.split(before).skip(1);
            let targets = parts.map(|part| part.split(after).next().expect("a part"));
            links.extend(targets.filter(|target| !target.contains("://")));
        }
    }
    links
}

/// Whether a page has a heading with this anchor, as GitHub derives it.
pub(super) fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter(|line| line.starts_with('#')).any(|line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let made: String = heading
            .chars()
            .filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'))
            .map(|char| if char == ' ' { '-' } else { char })
            .collect();
        made == anchor
    })
}
