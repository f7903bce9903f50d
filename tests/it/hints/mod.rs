//! The step that a hint names works: for the hints that commands print, the state in which they are given is brought about, and
//! the command that they name is run as it is printed, in each of the ways in which people call the command.

mod evidence;
mod loads;
mod options;
mod records;
mod stages;
mod world;

/// Runs each state in all ways.
macro_rules! in_all_ways {
    ($($state:ident),* $(,)?) => {
        mod in_all_ways {
            $(
                #[test]
                fn $state() {
                    for way in super::super::world::Way::ALL {
                        super::$state(&super::super::world::World::new(way));
                    }
                }
            )*
        }
    };
}

pub(crate) use in_all_ways;

/// A stage that copies, and refuses what has no amount; `more` stands in `[stage]`.
fn copying(source: &str, target: &str, more: &str) -> String {
    format!(
        "[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\n{more}\n\n[[contract.rule]]\nname = \"amount\"\nexpect = '= \
         has(doc, \"amount\")'\n"
    )
}

/// A stage in place that marks every record, and refuses what has no amount.
fn in_place(database: &str) -> String {
    format!(
        "[stage]\nsource = \"{database}\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"set\"\npath = \"seen\"\nvalue = \
         \"yes\"\n\n[[contract.rule]]\nname = \"amount\"\nexpect = '= has(doc, \"amount\")'\n"
    )
}

/// A record of which a stage redacts the name, applied.
fn redacted(world: &world::World) {
    let stage = copying("in_v1", "in_v2", "redact = [\"name\"]");
    world.write("0001_copy.toml", &stage);
    let line = "{\"id\":\"a\",\"name\":\"Ann\",\"amount\":1}\n";
    world.loads("in_v1", "good.ndjson", line);
    world.done(&["apply"]);
}

const GOOD: &str = "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\",\"amount\":2}\n";
const MIXED: &str = "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n";
const MENDED: &str =
    "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\",\"amount\":2}\n{\"id\":\"c\",\"amount\":3}\n";
const ANY: &str = "max_errors = \"100%\"";
