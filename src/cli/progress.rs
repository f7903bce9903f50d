//! How far long work has come: a bar on a terminal, a line every few seconds elsewhere, nothing with `-q`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{IsTerminal as _, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use counterfoil::ledger::Counts;
use counterfoil::observe::{Event, Observer, StopSignal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::render::{count, shown};
use super::screen::Screen;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Shows how far a verb has come, and remembers what it warned of and how fast its passes were.
pub(crate) struct ProgressDisplay {
    screen: Screen,
    bar: Option<ProgressBar>,
    /// What is done, where it is not what the pass is called.
    doing: Option<&'static str>,
    /// Waits so long after every batch.
    pause: Duration,
    /// Ends a rest early.
    stop: StopSignal,
    /// Where the input is a file.
    bytes: Option<BytesRead>,
    pass: Option<Running>,
    last_line: Instant,
    pub(crate) warnings: Vec<String>,
    /// By pass.
    speeds: BTreeMap<i64, PassSpeed>,
}

/// How much of a file was read.
struct BytesRead {
    read: Arc<AtomicU64>,
    all: u64,
}

/// How fast a pass was in this run.
#[derive(Clone, Copy)]
struct PassSpeed {
    records: u64,
    took: Duration,
}

impl PassSpeed {
    /// Records a second, where it took long enough to tell.
    fn a_second(self) -> Option<u64> {
        let rate = u128::from(self.records) * 1_000_000 / self.took.as_micros().max(1);
        let is_known = self.took >= Duration::from_millis(1) && self.records > 0;
        u64::try_from(rate).ok().filter(|_| is_known)
    }
}

struct Running {
    pass: i64,
    label: String,
    began: Instant,
    total: Option<u64>,
    before: u64,
    done: u64,
}

impl ProgressDisplay {
    pub(crate) fn new(screen: Screen) -> Self {
        let bar = (!screen.quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style(false));
            bar
        });
        Self {
            screen,
            bar,
            doing: None,
            pause: Duration::ZERO,
            stop: StopSignal::default(),
            bytes: None,
            pass: None,
            last_line: Instant::now(),
            warnings: Vec::new(),
            speeds: BTreeMap::new(),
        }
    }

    /// Says what is done, where it is not what the passes are called.
    pub(crate) fn doing(mut self, what: &'static str) -> Self {
        self.doing = Some(what);
        self
    }

    /// Rests so long after every batch, for other programs on the machine; not once it is asked to stop.
    pub(crate) fn pausing(mut self, pause: Duration, stop: &StopSignal) -> Self {
        self.pause = pause;
        self.stop = stop.clone();
        self
    }

    fn rest(&self) {
        const GLANCE: Duration = Duration::from_millis(50);
        let begun = Instant::now();
        while let Some(left) = self
            .pause
            .checked_sub(begun.elapsed())
            .filter(|left| !left.is_zero())
        {
            if self.stop.is_asked() {
                return;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }

    /// Counts the bytes of an input of a known length, from which the number of its records is estimated.
    pub(crate) fn counting<R>(&mut self, input: R, length: u64) -> CountingReader<R> {
        let read = Arc::new(AtomicU64::new(0));
        self.bytes = Some(BytesRead {
            read: Arc::clone(&read),
            all: length,
        });
        CountingReader { input, read }
    }

    /// Records a second in a pass, where it took long enough to tell.
    pub(crate) fn records_a_second(&self, pass: i64) -> String {
        let speed = self.speeds.get(&pass).and_then(|speed| speed.a_second());
        speed.map_or_else(String::new, count)
    }

    fn begins(&mut self, running: Running) {
        self.last_line = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_style(style(running.total.is_some()));
            bar.set_length(running.total.unwrap_or_default());
            bar.set_position(running.before);
            bar.reset_eta();
            bar.set_prefix(running.label.clone());
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        self.pass = Some(running);
    }

    fn committed(&mut self, batch: Option<i64>, counts: &Counts) {
        let estimate = self.estimate(counts.read);
        let Some(pass) = &mut self.pass else { return };
        pass.done += counts.read;
        if estimate.is_some() {
            pass.total = estimate;
        }
        self.speeds.insert(pass.pass, pass.speed());
        let verbose = self.screen.verbose.then(|| {
            let batch = batch.map_or_else(|| "batch tried".to_owned(), |batch| format!("batch {batch}"));
            format!(
                "{batch}: {} read, {} written, {} refused",
                count(counts.read),
                count(counts.written),
                count(counts.refused)
            )
        });
        let line = pass.line();
        match &self.bar {
            Some(bar) => {
                if estimate.is_some() {
                    bar.set_style(style(true));
                }
                bar.set_length(pass.total.unwrap_or(pass.done));
                bar.set_position(pass.done);
                if let Some(verbose) = verbose {
                    bar.suspend(|| self.screen.say(&verbose));
                }
            }
            None => {
                if let Some(verbose) = verbose {
                    self.screen.say(&verbose);
                } else if self.last_line.elapsed() >= EVERY {
                    self.last_line = Instant::now();
                    self.screen.say(&line);
                }
            }
        }
        self.rest();
    }

    /// How many records an input holds, by the length of those that were read.
    fn estimate(&self, more: u64) -> Option<u64> {
        let bytes = self.bytes.as_ref()?;
        let done = self.pass.as_ref()?.done + more;
        let read = bytes.read.load(Ordering::Relaxed).max(1);
        let records = u128::from(done) * u128::from(bytes.all) / u128::from(read);
        u64::try_from(records).ok().map(|records| records.max(done))
    }

    fn message(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.say(text)),
            None => self.screen.say(text),
        }
    }

    /// Takes the bar away; what follows is the result.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Running {
    fn speed(&self) -> PassSpeed {
        PassSpeed {
            records: self.done - self.before,
            took: self.began.elapsed(),
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{}: {}", self.label, count(self.done));
        if let Some(total) = self.total {
            let percent = self.done * 100 / total.max(1);
            line += &format!(" of {} ({percent}%)", count(total));
        }
        if let Some(speed) = self.speed().a_second() {
            line += &format!(", {}/s", count(speed));
            if let Some(total) = self.total.filter(|_| speed > 0) {
                let left = total.saturating_sub(self.done) / speed;
                line += &format!(", {left} s left");
            }
        }
        line
    }
}

fn style(known_total: bool) -> ProgressStyle {
    let template = if known_total {
        "{prefix} {bar:30.cyan/dim} {human_pos} of {human_len}  {rate}  {eta} left"
    } else {
        "{prefix} {spinner} {human_pos}  {rate}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let rate = format!("{:.0}", state.per_sec()).parse().unwrap_or_default();
            let _ = write!(out, "{}/s", count(rate));
        })
        .progress_chars("━━╌")
}

impl Observer for ProgressDisplay {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::PassBegins {
                pass,
                kind,
                stage,
                source,
                target,
                total,
                done,
            } => {
                let what = match (stage, source) {
                    (Some((number, slug)), _) => format!("stage {number} {slug}"),
                    (None, Some(source)) => source.clone(),
                    (None, None) => target.clone().unwrap_or_default(),
                };
                self.begins(Running {
                    pass: *pass,
                    label: shown(&format!("{} {what}", self.doing.unwrap_or(kind.name()))).into_owned(),
                    began: Instant::now(),
                    total: *total,
                    before: *done,
                    done: *done,
                });
            }
            Event::BatchCommitted { batch, counts, .. } => self.committed(Some(*batch), counts),
            Event::BatchPlanned { counts, .. } => self.committed(None, counts),
            Event::IndexBegins { .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_style(style(false));
                    bar.set_prefix("building the index of ids");
                } else if self.screen.verbose {
                    self.message("building the index of ids");
                }
            }
            Event::PassEnded { .. } => self.pass = None,
            Event::Warning { message } => self.warnings.push(message.clone()),
            _ => {}
        }
    }
}

/// An input whose bytes are counted.
pub(crate) struct CountingReader<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Seek> Seek for CountingReader<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = self.input.seek(to)?;
        self.read.store(at, Ordering::Relaxed);
        Ok(at)
    }
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
