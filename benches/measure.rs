//! What one run of a case took, and how the rounds compare.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one run of a case took. CPU, bytes and memory are the whole process's, all threads; where the system does not
/// tell them they are zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Wall time.
    pub(crate) wall: Duration,
    /// CPU time, user and system.
    pub(crate) cpu: Duration,
    /// Bytes handed to the storage layer, by the store and by its journal.
    pub(crate) written_bytes: u64,
    /// How much longer the store's file is afterwards.
    pub(crate) grown_bytes: u64,
    /// The most memory that was resident meanwhile.
    pub(crate) peak_bytes: u64,
}

/// Runs a case on a store and measures it.
pub(crate) fn measure(
    store: &Path,
    run: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<Taken, Box<dyn Error>> {
    let length = |store: &Path| fs::metadata(store).map_or(0, |metadata| metadata.len());
    // From here on the kernel keeps the peak of this run alone.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (cpu, written_bytes, grown_bytes, begun) = (cpu(), written_bytes(), length(store), Instant::now());
    run()?;
    Ok(Taken {
        wall: begun.elapsed(),
        cpu: self::cpu().saturating_sub(cpu),
        written_bytes: self::written_bytes().saturating_sub(written_bytes),
        grown_bytes: length(store).saturating_sub(grown_bytes),
        peak_bytes: 1024 * field("/proc/self/status", "VmHWM:"),
    })
}

/// The process's CPU time; Linux tells it in hundredths of a second.
pub(crate) fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the command's name in brackets and may hold blanks.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(4);
    Duration::from_millis(10 * ticks.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>())
}

fn written_bytes() -> u64 {
    field("/proc/self/io", "write_bytes:")
}

/// The number behind a name in one of the kernel's files.
fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The least, the middle and the greatest of some figures, of which there is at least one.
pub(crate) fn spread(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [figures[0], figures[figures.len() / 2], figures[figures.len() - 1]]
}
