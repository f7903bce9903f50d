//! What one run of a case took, and how the rounds compare.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

/// What one run of a case took. CPU and bytes are the whole process's, all threads; where the system does not tell
/// them they are zero and not shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Wall time.
    pub(crate) wall: Duration,
    /// CPU time, user and system.
    pub(crate) cpu: Duration,
    /// Bytes handed to the storage layer.
    pub(crate) written_bytes: u64,
}

/// Runs a case and measures it.
pub(crate) fn measure(run: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Taken, Box<dyn Error>> {
    let (cpu, written_bytes, begun) = (cpu(), written_bytes(), Instant::now());
    run()?;
    Ok(Taken {
        wall: begun.elapsed(),
        cpu: self::cpu().saturating_sub(cpu),
        written_bytes: self::written_bytes().saturating_sub(written_bytes),
    })
}

/// The process's CPU time; Linux tells it in hundredths of a second.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the command's name in brackets and may hold blanks.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(4);
    Duration::from_millis(10 * ticks.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>())
}

fn written_bytes() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

/// The least, the middle and the greatest of some figures, of which there is at least one.
pub(crate) fn spread(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [figures[0], figures[figures.len() / 2], figures[figures.len() - 1]]
}
