//! The most memory that each verb of the command takes: a million records of 130 bytes of which a hundred thousand are
//! refused, a dozen records of 15 MB, and records that become a thousand each.
//!
//! `cargo bench --bench peaks`, or with `-- --records 100000 --only small,large,derived`.

#![allow(clippy::pedantic)]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1).cloned()
    };
    let records: u64 = option("--records").map_or(Ok(1_000_000), |text| text.parse())?;
    let only = option("--only");
    let wanted = |name: &str| {
        only.as_ref()
            .is_none_or(|only| only.split(',').any(|word| word == name))
    };
    if wanted("small") {
        small(records)?;
    }
    if wanted("large") {
        large()?;
    }
    if wanted("derived") {
        derived(records / 500)?;
    }
    Ok(())
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(stages: &[(&str, &str)]) -> Result<Self, Box<dyn Error>> {
        let folder = Self(tempfile::tempdir()?);
        fs::write(folder.path("counterfoil.toml"), "name = \"peaks\"\n")?;
        for (name, text) in stages {
            fs::write(folder.path(name), text)?;
        }
        Ok(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the command, and tells its peak and its time.
    fn run(&self, words: &str) -> Done {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
            .args(words.split(' '))
            .current_dir(self.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        let code = loop {
            peak = peak.max(resident(Path::new(&status)));
            if let Some(ended) = child.try_wait()? {
                break ended.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let told = code.map_or("killed".to_owned(), |code| format!("exit {code}"));
        assert_ne!(code, Some(4), "{words}: a stage file of the measurement is wrong");
        println!(
            "{:>6} MiB  {:>7.1} s  {told}  {words}",
            peak / 1024,
            began.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

/// The most memory that a process has had, in KiB; 0 where the system does not tell.
fn resident(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"decimal\"\npath = \"amount\"\n\n[[reconcile]]\nname = \"amount\"\nsource = \"= doc.amount\"\ntarget = \"= doc.amount\"\n";
const IN_PLACE: &str = "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"rename\"\nfrom = \"note\"\nto = \"remark\"\n\n[[contract.unique]]\nname = \"one\"\nkey = \"= doc.id\"\n";

/// Records of 130 bytes, one in ten of which is refused.
fn small(records: u64) -> Done {
    println!("{records} records of 130 bytes, one in ten refused");
    let folder = Folder::new(&[("0001_copy.toml", COPY), ("0002_place.toml", IN_PLACE)])?;
    let mut file = BufWriter::new(File::create(folder.path("a.ndjson"))?);
    for id in 0..records {
        let amount = if id % 10 == 3 {
            "\"none\"".to_owned()
        } else {
            format!("{}.50", id * 7919 % 100_003)
        };
        writeln!(
            file,
            "{{\"id\":\"o{id:08}\",\"cust\":\"c{}\",\"amount\":{amount},\"note\":\"lorem ipsum dolor sit {id}\",\"email\":\"u{id}@example.org\"}}",
            id % 5_000
        )?;
    }
    file.into_inner()?.sync_all()?;
    fs::write(
        folder.path("any.json"),
        "{\"properties\":{\"amount\":{\"type\":\"number\"}}}",
    )?;
    for words in [
        "load a a.ndjson",
        "plan",
        "apply",
        "status",
        "status --check",
        "history",
        "report",
        "report --html r.html",
        "verify",
        "reconcile",
        "validate a --contract any.json",
        "profile a",
        "query a --limit 1000000000",
        "query a --sort amount:desc --limit 1000000000",
        "--json query a --sort amount --limit 1000000000",
        "export a",
        "export b --format csv --output b.csv",
        "trace b o00000001",
        "quarantine list --limit 1000000000",
        "--json quarantine list --limit 1000000000",
        "quarantine retry",
        "load a a.ndjson --again",
        "apply",
        "backup backup",
        "restore backup --check",
        "apply --rehearse",
        "rollback --stage 2 --yes",
        "quarantine waive --all --reason bench",
        "rollback --all --yes",
        "verify",
    ] {
        folder.run(words)?;
    }
    Ok(())
}

/// Records of 15 MB.
fn large() -> Done {
    println!("12 records of 15 MB");
    let stage =
        "[stage]\nsource = \"a\"\ntarget = \"b\"\n\n[[op]]\nop = \"rename\"\nfrom = \"x\"\nto = \"y\"\n";
    let place = "[stage]\nsource = \"b\"\n\n[[op]]\nop = \"add\"\npath = \"z\"\nvalue = 1\n";
    let folder = Folder::new(&[("0001_copy.toml", stage), ("0002_place.toml", place)])?;
    let mut file = BufWriter::new(File::create(folder.path("a.ndjson"))?);
    for id in 0..12 {
        write!(file, "{{\"id\":\"r{id}\",\"x\":{id},\"list\":[")?;
        for at in 0..150_000 {
            let comma = if at > 0 { "," } else { "" };
            write!(
                file,
                "{comma}{{\"name\":\"element number {at:06}\",\"value\":\"{}\"}}",
                "v".repeat(50)
            )?;
        }
        writeln!(file, "]}}")?;
    }
    file.into_inner()?.sync_all()?;
    for words in [
        "load a a.ndjson",
        "plan",
        "plan --out plan.json",
        "apply",
        "status",
        "verify",
        "profile a",
        "query a --limit 1000",
        "query a --sort x --limit 1000",
        "--json query a --limit 1000",
        "export a",
        "report",
        "reconcile",
        "quarantine list",
        "backup backup",
        "restore backup --check",
        "rollback --all --yes",
    ] {
        folder.run(words)?;
    }
    Ok(())
}

/// Records that become a thousand each.
fn derived(records: u64) -> Done {
    println!("{records} records that become 1,000 each");
    let derive = "[stage]\nsource = \"a\"\ntarget = \"b\"\nid = \"doc.id\"\n\n[[op]]\nop = \"derive\"\npath = \"items\"\n";
    let folder = Folder::new(&[("0001_derive.toml", derive)])?;
    let mut file = BufWriter::new(File::create(folder.path("a.ndjson"))?);
    for id in 0..records {
        let items = (0..1_000).map(|at| format!("{{\"id\":\"i{id}-{at}\",\"v\":{at}}}"));
        let items = items.collect::<Vec<_>>().join(",");
        writeln!(file, "{{\"id\":\"r{id}\",\"items\":[{items}]}}")?;
    }
    file.into_inner()?.sync_all()?;
    for words in [
        "load a a.ndjson",
        "plan --sample 20",
        "plan",
        "apply",
        "status",
        "verify",
        "trace b i3-7",
        "trace b i3-7 --family",
        "reconcile",
        "report",
        "load a a.ndjson --again",
        "apply",
        "rollback --all --yes",
    ] {
        folder.run(words)?;
    }
    Ok(())
}
