//! Runs the commands of the README and of the guides as they are written, and compares the output that these pages show
//! with what the program prints. `UPDATE_DOCS=1 cargo test --test it readme` writes the present output into the pages.

mod page;
mod steady;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use page::{Block, Page};
use steady::steady;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What one block of commands printed, and the exit code of its last command.
struct Answer {
    printed: String,
    code: i32,
}

/// `sqlite3 -column` pads the last column; a page does not keep that.
fn without_trailing_blanks(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Runs blocks one after the other in one shell, in an empty folder.
fn run(blocks: &[&Block]) -> Vec<Answer> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let binary = Path::new(env!("CARGO_BIN_EXE_counterfoil"))
        .parent()
        .expect("a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").expect("a path"));
    let mut script = "exec 2>&1\n".to_owned();
    for block in blocks {
        script.push_str(&block.commands);
        script.push_str("\necho \"=== $?\"\n");
    }
    let output = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .env("PATH", path)
        .env("COUNTERFOIL_ACTOR", "ada")
        .stdin(Stdio::null())
        .current_dir(folder.path())
        .output()
        .expect("bash");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let mut answers = Vec::new();
    let mut rest = printed.as_str();
    while let Some((before, after)) = rest.split_once("=== ") {
        let (code, after) = after.split_once('\n').expect("a line end");
        answers.push(Answer {
            printed: without_trailing_blanks(before),
            code: code.parse().expect("an exit code"),
        });
        rest = after;
    }
    assert_eq!(answers.len(), blocks.len(), "every block ends: {printed}");
    answers
}

/// Whether the machine has a tool that a block needs; in CI, where no test may be skipped, it must.
fn is_here(tool: &str) -> bool {
    let here = Command::new(tool).arg("-version").output().is_ok();
    let must = std::env::var_os("COUNTERFOIL_CI").is_some();
    assert!(here || !must, "{tool} is not installed");
    here
}

/// Runs pages in one folder, in this order, and compares the output that they show with what is printed.
fn check(pages: &mut [Page]) {
    let blocks: Vec<&Block> = pages.iter().flat_map(|page| page.blocks.iter()).collect();
    let answers = run(&blocks);
    let sqlite = is_here("sqlite3");
    let mut answers = answers.into_iter();
    for page in pages {
        let mut printed = Vec::new();
        for block in &page.blocks {
            let answer = answers.next().expect("an answer to every block");
            if !sqlite && block.commands.contains("sqlite3") {
                eprintln!("SKIPPED, no sqlite3: {}", block.commands);
                printed.push(None);
                continue;
            }
            assert!(
                matches!(answer.code, 0 | 3),
                "{}: exit code {} after\n{}\n{}",
                page.path.display(),
                answer.code,
                block.commands,
                answer.printed
            );
            printed.push(Some(answer.printed));
        }
        page.check(&printed);
    }
}

fn page(path: &str) -> Page {
    Page::read(root().join(path))
}

#[test]
fn the_tour_does_what_it_says_word_for_word() {
    check(&mut [page("README.md").only("Tour")]);
}

#[test]
fn the_guide_and_what_follows_it_do_what_they_say() {
    let names = ["guide", "audit", "operating", "exchange"];
    check(&mut names.map(|name| page(&format!("docs/{name}.md"))));
}

#[test]
fn an_auditor_counts_the_same_hash_as_the_ledger() {
    if !is_here("sqlite3") {
        return;
    }
    let (guide, audit) = (page("docs/guide.md"), page("docs/audit.md"));
    let blocks: Vec<&Block> = guide.blocks.iter().chain(&audit.blocks).collect();
    let answers = run(&blocks);
    let hashed = blocks
        .iter()
        .zip(&answers)
        .find(|(block, _)| block.commands.contains("sha256sum"))
        .expect("a block that hashes");
    let hashes: Vec<&str> = hashed.1.printed.lines().map(|line| &line[..64]).collect();
    assert_eq!(hashes.len(), 2, "{}", hashed.1.printed);
    assert_eq!(hashes[0], hashes[1]);
}

/// The Markdown files that a reader meets first.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    for file in fs::read_dir(root().join("docs")).expect("docs") {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for target in page::links(&text) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let linked = if file.is_empty() {
                page.clone()
            } else {
                page.parent().expect("a folder").join(file)
            };
            let leads = if heading.is_empty() {
                linked.exists()
            } else {
                fs::read_to_string(&linked).is_ok_and(|text| page::has_heading(&text, heading))
            };
            if !leads {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn the_index_names_every_page_of_the_documentation() {
    let index = fs::read_to_string(root().join("docs/README.md")).expect("the index");
    for page in pages() {
        let name = page
            .file_name()
            .expect("a name")
            .to_str()
            .expect("UTF-8")
            .to_owned();
        let named = name == "README.md" || page::links(&index).contains(&name.as_str());
        assert!(named, "docs/README.md does not name {name}");
    }
}

#[test]
fn the_readme_stays_short_and_names_its_limits_on_the_first_page() {
    let text = fs::read_to_string(root().join("README.md")).expect("the README");
    let (lines, words) = (text.lines().count(), text.split_whitespace().count());
    assert!(
        lines <= 210 && words <= 2500 && text.len() <= 15_000,
        "{lines} lines, {words} words, {} bytes",
        text.len()
    );
    let first: String = text.lines().take(60).collect::<Vec<_>>().join("\n");
    for limit in ["One writer at a time", "16 MiB"] {
        assert!(first.contains(limit), "{limit} is on the first page");
    }
}

#[test]
fn pictures_are_small() {
    let mut seen = 0;
    for file in fs::read_dir(root().join("docs/images")).expect("docs/images") {
        let file = file.expect("an entry");
        if file
            .path()
            .extension()
            .is_some_and(|extension| extension == "png")
        {
            let size = file.metadata().expect("its size").len();
            assert!(size < 120_000, "{} has {size} bytes", file.path().display());
            seen += 1;
        }
    }
    assert_eq!(seen, 2, "one of the terminal, one of the report");
}
