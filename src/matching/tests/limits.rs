//! Limits: noticed before they are exceeded, and the same with any number of threads.

use super::people::{features, people, settings};
use crate::matching::{Exceeded, Excess, FeaturesBuilder, MemberText, Threads, Unfinished, learn, score};

fn excess<T: std::fmt::Debug>(result: Result<T, Unfinished>) -> Excess {
    match result {
        Err(Unfinished::Excess(excess)) => excess,
        other => panic!("no limit was exceeded: {other:?}"),
    }
}

#[test]
fn pairs_are_counted_before_any_is_compared() {
    let mut settings = settings();
    let features = features(&people(5, 50), &settings);
    settings.limits.pairs = 10;
    let excess = excess(learn(&features, &settings, Threads::new(1)));
    assert_eq!((excess.what, excess.limit), (Exceeded::Pairs, 10));
    assert_eq!(excess.would, excess.keys.iter().map(|key| key.pairs).sum::<u64>());
    settings.limits.pairs = excess.would;
    learn(&features, &settings, Threads::new(1)).expect("exactly as many as there may be");
}

#[test]
fn memory_is_limited_to_the_byte() {
    let mut settings = settings();
    let features = features(&people(5, 50), &settings);
    settings.limits.memory = 1;
    let needed = excess(learn(&features, &settings, Threads::new(1))).would;
    settings.limits.memory = needed - 1;
    let excess = excess(learn(&features, &settings, Threads::new(1)));
    assert_eq!(
        (excess.what, excess.would, excess.limit),
        (Exceeded::Memory, needed, needed - 1)
    );
    settings.limits.memory = needed;
    learn(&features, &settings, Threads::new(1)).expect("exactly as much as there may be");
}

#[test]
fn members_beyond_the_limit_are_refused_while_they_are_read() {
    let mut settings = settings();
    settings.limits.memory = 1 << 20;
    let mut builder = FeaturesBuilder::new(&settings);
    let mut push = |number: i64| {
        let name = format!("{number:0>100}");
        builder.push(&MemberText {
            number,
            tie: number.unsigned_abs(),
            values: &[Some(name.as_str().into())],
            computed: &[],
            owner: None,
        })
    };
    let refused = (1..1_000_000).find_map(|number| push(number).err().map(|excess| (number, excess)));
    let (number, excess) = refused.expect("a million long names exceed a megabyte");
    assert_eq!((excess.what, excess.limit), (Exceeded::Memory, 1 << 20));
    assert!(excess.would > 1 << 20 && number < 20_000, "{number}: {excess:?}");
}

#[test]
fn probable_pairs_beyond_the_limit_are_refused_with_any_number_of_threads() {
    let mut settings = settings();
    let features = features(&people(5, 50), &settings);
    let model = learn(&features, &settings, Threads::new(1)).expect("within the limits");
    settings.limits.memory = 1;
    settings.limits.memory = excess(score(&features, &settings, &model, None, Threads::new(1))).would;
    let alone = excess(score(&features, &settings, &model, None, Threads::new(1)));
    assert_eq!(
        (alone.what, alone.limit),
        (Exceeded::Memory, settings.limits.memory)
    );
    for threads in [2, 8] {
        let several = excess(score(&features, &settings, &model, None, Threads::new(threads)));
        assert_eq!(several, alone, "with {threads} threads");
        settings.limits.memory = alone.would;
        let all = score(&features, &settings, &model, None, Threads::new(threads));
        all.expect("exactly as much as there may be");
        settings.limits.memory = alone.limit;
    }
}

#[test]
fn threads_stop_when_they_are_asked_to() {
    let settings = settings();
    let features = features(&people(5, 50), &settings);
    let asked = || true;
    let stopped = learn(&features, &settings, Threads::new(2).until(&asked));
    assert_eq!(stopped, Err(Unfinished::Stopped));
}
