//! Fault 17: patterns and expressions that would never end, or grow without end, in every place that takes one. Each
//! is refused where it is loaded, or refuses the record it meets; the neighbours pass.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use counterfoil::environment::Secrets;
use counterfoil::record::{Record, RecordNumber};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};

use crate::support::invariants::assert_sound;
use crate::support::world::{World, context};

/// Generous, because the build is not optimised; what is above the figure to reach is printed.
const LIMIT: Duration = Duration::from_secs(2);

const FIGURE: Duration = Duration::from_millis(100);

/// Expressions that take a boolean's place and never come to one in time, or at all.
const ENDLESS: [&str; 17] = [
    "loop {} true",
    "while true { } true",
    "loop { loop { } } true",
    "for i in 0..1000000000 { } true",
    "for i in 0..100000 { for j in 0..100000 { } } true",
    "let x = \"ab\"; loop { x += x } true",
    "let x = doc.text; loop { x = x + x } true",
    "let x = [1]; loop { x += x } true",
    "let x = []; loop { x = [x, x] } true",
    "let x = #{}; loop { x = #{ x: x } } true",
    "let x = \"ab\"; loop { x = x.replace(\"b\", \"bbbbbbbbbbbbbbbb\") } true",
    "let x = 2; loop { x = x * x } true",
    "let x = \"a\"; for i in 0..100000 { x += \"a\" } true",
    "fn f(n) { f(n + 1) } f(1)",
    "let f = |n| f.call(n + 1); f.call(1)",
    "eval(\"loop {}\")",
    "import \"x\" as y; true",
];

/// Expressions that are only deep: few levels may be meant, and then they may come to something.
fn deep() -> Vec<String> {
    let mut expressions = Vec::new();
    for depth in [50, 500, 50_000] {
        expressions.push(format!("{}true{}", "(".repeat(depth), ")".repeat(depth)));
        expressions.push(format!("{}true", "!".repeat(depth)));
        expressions.push(format!("{}{} == 1", "[".repeat(depth), "]".repeat(depth)));
        expressions.push(format!("1{} == 1", " + 1".repeat(depth)));
        expressions.push(format!("doc{} == 1", ".a".repeat(depth)));
        expressions.push(format!(
            "{}true{}",
            "if true { ".repeat(depth),
            " }".repeat(depth)
        ));
    }
    expressions
}

/// Patterns that a backtracking engine takes exponential time for, or that unfold to something huge.
const PATTERNS: [&str; 9] = [
    "^(a+)+$",
    "^(a|aa)+$",
    "^(a|a?)+$",
    "^((a*)*)*$",
    "^(.*a){25}$",
    "^(a?){60}a{60}$",
    "((a{99}){99}){99}",
    "(?:(?:(?:a{1000}){1000}){1000}){1000}",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
];

/// What became of the record that the stage was to stumble over.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    /// The stage was no stage.
    AtLoad,
    /// The record went to quarantine.
    Refused,
    /// The record passed or was filtered: nothing about it was dangerous.
    Passed,
}

/// How long this thread has worked; where the system does not tell, how late it is. Other work on the machine is not
/// what is timed here.
fn busy() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

/// The record to stumble over.
fn bad() -> String {
    format!(
        "{{\"id\":\"bad\",\"bad\":true,\"text\":\"{}!\"}}",
        "a".repeat(30_000)
    )
}

/// Takes the time of the bad record alone, and says it where it is above the figure.
fn time(stage: &Stage, shown: &str) {
    let record = Record {
        number: RecordNumber::new(1),
        id: "bad".to_owned(),
        data: bad(),
    };
    let secrets = Secrets::default();
    let context = context("hostile", "bad", &secrets);
    let begun = busy();
    // What it comes to is looked at where the stage is applied.
    let _ = stage.transform(&record, &context);
    let took = busy().saturating_sub(begun);
    if took > FIGURE {
        println!("{took:?} for {shown}");
    }
    assert!(took < LIMIT, "{took:?} for {shown}");
}

/// Runs three records through a stage; the neighbours must pass. Tells what became of the one between them.
fn meet(stage: &str) -> Met {
    let begun = busy();
    let parsed = Stage::parse("0001_hostile.toml", stage, &Lookup::nothing());
    let parsing = busy().saturating_sub(begun);
    let shown: String = stage.chars().skip(40).take(120).collect();
    assert!(parsing < LIMIT, "{parsing:?} to read {shown}");
    let Ok(stage) = parsed else { return Met::AtLoad };
    time(&stage, &shown);
    let stages = Stages::new("hostile", vec![stage]).expect("one stage");
    let mut world = World::signed(1, stages);
    world.applying.max_errors = Some(MaxErrors::Count(10));
    let good = |id: &str| format!("{{\"id\":\"{id}\",\"bad\":false,\"text\":\"b\"}}");
    world.load("a", &[good("before"), bad(), good("after")]);
    let report = world.apply();
    let counts = report.passes[0].counts;
    assert_eq!(counts.read, 3, "{shown}");
    for neighbour in ["before", "after"] {
        assert!(world.data("b", neighbour).is_some(), "{neighbour} of {shown}");
    }
    assert_sound(&world.path(), 0, &shown);
    if counts.refused == 1 {
        Met::Refused
    } else {
        Met::Passed
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    format!("'''{text}'''")
}

#[test]
fn an_expression_without_end_refuses_its_record_alone_wherever_it_stands() {
    let endless = ENDLESS.iter().map(|expression| ((*expression).to_owned(), false));
    for (expression, is_deep) in endless.chain(deep().into_iter().map(|expression| (expression, true))) {
        let guarded = format!("= if doc.bad {{ {expression} }} else {{ true }}");
        let places = [
            format!("where = {}", quoted(&guarded)),
            format!(
                "id = {}",
                quoted(&guarded.replace("else { true }", "else { doc.id }"))
            ),
            format!("prepare = {}", quoted(&format!("let x = {};", &guarded[2..]))),
            format!("[into]\nid = \"= doc.id\"\nx = {}", quoted(&guarded)),
            format!(
                "[[contract.rule]]\nname = \"rule\"\nexpect = {}",
                quoted(&guarded)
            ),
            format!(
                "[[op]]\nop = \"set\"\npath = \"bad\"\nvalue = {}",
                quoted(&guarded)
            ),
        ];
        for place in places {
            let stage = format!("[stage]\nsource = \"a\"\ntarget = \"b\"\n{place}\n");
            let met = meet(&stage);
            assert!(is_deep || met != Met::Passed, "{place}");
        }
    }
}

#[test]
fn a_pattern_with_nested_quantifiers_takes_no_longer_than_any_other() {
    for pattern in PATTERNS {
        let quoted = quoted(pattern);
        for place in [
            format!(
                "[contract]\ntarget = {{ properties = {{ text = {{ not = {{ pattern = {quoted} }} }} }} }}"
            ),
            format!("[[op]]\nop = \"replace\"\npath = \"text\"\npattern = {quoted}\nwith = \"c\""),
            format!("where = '''= !doc.text.matches(\"{pattern}\")'''"),
        ] {
            let stage = format!("[stage]\nsource = \"a\"\ntarget = \"b\"\n{place}\n");
            println!("{pattern}: {:?}", meet(&stage));
        }
    }
}
