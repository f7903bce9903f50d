//! How far long work has come: a bar on a terminal, a line every few seconds elsewhere, nothing with `-q`. All figures are
//! those of [`Progress`].

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use counterfoil::ledger::{Counts, PassKind};
use counterfoil::name::StageName;
use counterfoil::observe::{CountedInput, Event, Observer, Progress, ProgressSnapshot, StopSignal};
use counterfoil::record::PassId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::render::{count, shown, took};
use super::screen::Screen;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Shows how far a verb has come, and remembers what it warned of and how fast its passes were.
pub(crate) struct ProgressDisplay {
    screen: Screen,
    progress: Progress<'static>,
    bar: Option<ProgressBar>,
    /// What is done, where it is not what the pass is called.
    doing: Option<&'static str>,
    /// Waits so long after every batch.
    pause: Duration,
    /// Ends a rest early.
    stop: StopSignal,
    pub(crate) warnings: Vec<String>,
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
            progress: lines(screen, bar.is_some(), None),
            bar,
            doing: None,
            pause: Duration::ZERO,
            stop: StopSignal::default(),
            warnings: Vec::new(),
        }
    }

    /// Says what is done, where it is not what the passes are called.
    pub(crate) fn doing(mut self, what: &'static str) -> Self {
        self.doing = Some(what);
        self.progress = lines(self.screen, self.bar.is_some(), self.doing);
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
    pub(crate) fn counting<R>(&mut self, input: R, length: u64) -> CountedInput<R> {
        self.progress.counting(input, length)
    }

    /// Records a second in a pass, where it took long enough to tell.
    pub(crate) fn records_a_second(&self, pass: PassId) -> String {
        let figures = self.progress.pass(pass);
        let rate = figures.and_then(|figures| figures.overall_records_per_second);
        rate.map_or_else(String::new, count)
    }

    fn begins(&self) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(label(&self.progress.snapshot(), self.doing));
            self.draw(bar);
            bar.enable_steady_tick(Duration::from_millis(250));
        }
    }

    fn draw(&self, bar: &ProgressBar) {
        let now = self.progress.snapshot();
        bar.set_style(style(now.total.is_some()));
        bar.set_length(now.total.unwrap_or(now.processed));
        bar.set_position(now.processed);
        bar.set_message(figures(&now, "  "));
    }

    /// A batch has ended; it is called so.
    fn batch_ended(&self, called: &str, counts: &Counts) {
        if let Some(bar) = &self.bar {
            self.draw(bar);
        }
        if self.screen.verbose {
            self.message(&format!(
                "{called}: {} read, {} written, {} refused",
                count(counts.read),
                count(counts.written),
                count(counts.refused)
            ));
        }
        self.rest();
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

/// Figures that say a line every few seconds, where neither a bar nor each batch is shown.
fn lines(screen: Screen, has_bar: bool, doing: Option<&'static str>) -> Progress<'static> {
    if has_bar || screen.verbose {
        return Progress::new();
    }
    Progress::new().on_update(EVERY, move |now| {
        screen.say(&format!("{}: {}", label(now, doing), figures(now, ", ")));
    })
}

/// What a pass is called.
fn label(now: &ProgressSnapshot, doing: Option<&'static str>) -> String {
    let what = match (&now.stage, &now.source) {
        (Some(StageName { number, slug }), _) => format!("stage {number} {slug}"),
        (None, Some(source)) => source.clone(),
        (None, None) => now.target.clone().unwrap_or_default(),
    };
    let doing = doing.or(now.kind.map(PassKind::name)).unwrap_or_default();
    shown(&format!("{doing} {what}")).into_owned()
}

/// How far a pass has come, and how fast it is.
fn figures(now: &ProgressSnapshot, between: &str) -> String {
    let mut text = count(now.processed);
    if let (Some(total), Some(percent)) = (now.total, now.percent) {
        text += &format!(" of {} ({percent}%)", count(total));
    }
    if let Some(rate) = now.recent_records_per_second {
        text += &format!("{between}{}/s", count(rate));
    }
    if let Some(left) = now.time_left.filter(|left| !left.is_zero()) {
        let microseconds = u64::try_from(left.as_micros()).unwrap_or(u64::MAX);
        text += &format!("{between}{} left", took(microseconds));
    }
    text
}

fn style(known_total: bool) -> ProgressStyle {
    let template = if known_total {
        "{prefix} {bar:30.cyan/dim} {msg}"
    } else {
        "{prefix} {spinner} {msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━╌")
}

impl Observer for ProgressDisplay {
    fn observe(&mut self, event: &Event) {
        self.progress.observe(event);
        match event {
            Event::PassBegins { .. } => self.begins(),
            Event::BatchCommitted { batch, counts, .. } => {
                self.batch_ended(&format!("batch {batch}"), counts);
            }
            Event::BatchPlanned { counts, .. } => self.batch_ended("trial batch", counts),
            Event::IndexBegins { .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_style(style(false));
                    bar.set_prefix("building the index of ids");
                } else if self.screen.verbose {
                    self.message("building the index of ids");
                }
            }
            Event::Warning { message, .. } => self.warnings.push(message.clone()),
            _ => {}
        }
    }
}
