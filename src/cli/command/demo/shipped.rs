//! The projects that come with the program, files and all.

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// A project that comes with the program.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Shipped {
    /// Flat orders of an old shop become nested orders with exact amounts.
    Shop,
    /// Transactions of an old bank, migrated in three stages.
    Bank,
    /// Patients of two hospitals and a clinic become one register, and then one record for each person.
    Hospital,
    /// Readings of sensors become windows of five minutes, with quality and anomalies; late readings reopen theirs.
    Sensors,
}

/// What a demo needs to know about a project.
pub(super) struct DemoProject {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    /// Databases that sample records are loaded into, with the files of the records; the corrections are for the first.
    pub(super) loads: &'static [(&'static str, &'static str)],
    /// Database of the result.
    pub(super) result: &'static str,
    /// Corrected versions of some refused records.
    pub(super) corrections: &'static str,
    /// What is said before they are loaded.
    pub(super) correcting: &'static str,
    /// The id of a record of the first database that is refused.
    pub(super) refused: &'static str,
    /// What is shown after the first apply, beyond what every demo shows.
    pub(super) applied: &'static [View],
    /// What is shown between the corrections and the apply that processes them.
    pub(super) forecast: &'static [View],
    /// What is shown after it.
    pub(super) settled: &'static [View],
    /// How a clerk decides the pairs of a merge that wait.
    pub(super) clerk: Option<Clerk>,
    /// Questions that `sqlite3` can answer, beyond those of every demo.
    pub(super) questions: &'static [&'static str],
    /// A record of the result, to be proved.
    pub(super) proved: &'static str,
    /// Whether the proof contains the record; a redacted one never leaves the store.
    pub(super) discloses: bool,
    /// Records per batch of the apply that is killed: small enough that a few batches are left to do.
    pub(super) batch_size: &'static str,
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// What a clerk decides, and what follows.
pub(super) struct Clerk {
    /// What is shown before the decisions.
    pub(super) waiting: &'static [View],
    /// File of the project with the decisions, by the ids of the two records.
    pub(super) decisions: &'static str,
    /// What is done with the decisions.
    pub(super) decided: &'static [View],
    /// Commands for afterwards, and what they do.
    pub(super) afterwards: &'static [(&'static str, &'static str)],
}

/// A command and what it shows.
pub(super) struct View {
    pub(super) text: &'static str,
    pub(super) arguments: &'static [&'static str],
}

/// What is said before corrections are loaded, of a project where they are nothing else.
const CORRECTING: &str = "Refused records wait for a decision. Some are corrected in their source, and the next apply processes them.";

/// The files of a shipped project, in the program itself.
macro_rules! files {
    ($project:literal: $($file:literal)*) => {
        &[$(($file, include_str!(concat!("../../../../migrations/", $project, "/", $file)))),*]
    };
}

const SHOP: DemoProject = DemoProject {
    name: "shop",
    title: "An old shop's orders move to the order service.",
    about: "One stage splits names, addresses and item lists, makes amounts exact, and checks every order \
            against a contract.",
    loads: &[("orders_v1", "records/orders_v1.ndjson")],
    result: "orders_v2",
    corrections: "records/corrections.ndjson",
    correcting: CORRECTING,
    refused: "ORD-2024-028",
    applied: &[],
    forecast: &[],
    settled: &[],
    clerk: None,
    questions: &[],
    proved: "ORD-2024-001",
    discloses: true,
    batch_size: "40",
    files: files!("shop":
        "README.md"
        "counterfoil.toml"
        "0001_nest_orders.toml"
        "order_v1.schema.json"
        "order_v2.schema.json"
        "records/corrections.ndjson"
        "records/orders_v1.ndjson"
        "revisions/0001_nest_orders.toml"
        "revisions/order_v2.schema.json"
    ),
};

const BANK: DemoProject = DemoProject {
    name: "bank",
    title: "An old bank's transactions are migrated in three stages.",
    about: "The first renames fields, the second makes amounts exact, the third adds what the regulator requires.",
    loads: &[("legacy_transactions", "records/legacy_transactions.ndjson")],
    result: "transactions",
    corrections: "records/corrections.ndjson",
    correcting: CORRECTING,
    refused: "T021",
    applied: &[],
    forecast: &[],
    settled: &[],
    clerk: None,
    questions: &[],
    proved: "T001",
    discloses: true,
    batch_size: "40",
    files: files!("bank":
        "README.md"
        "counterfoil.toml"
        "0001_name_fields.toml"
        "0002_enrich.toml"
        "0003_compliance.toml"
        "legacy.schema.json"
        "transaction_v2.schema.json"
        "transaction_v3.schema.json"
        "records/corrections.ndjson"
        "records/legacy_transactions.ndjson"
    ),
};

/// The golden record of a person whom all three systems know; its id follows from the first of the records.
const ANNA: &str = "3695f706-18df-5999-8974-7e9c0d1ef010";

/// The visits of a patient whom the clerk takes for her mother.
const HER_VISITS: &[&str] = &[
    "query",
    "visits_of_people",
    "--where",
    "doc.patient == \"B:20125\"",
];

const CLERK: Clerk = Clerk {
    waiting: &[
        View {
            text: "Stage 4 left five pairs to a person: something contradicts them, or they are not certain enough.",
            arguments: &["review", "list"],
        },
        View {
            text: "Each shows field by field what is for it and what is against it. Values are masked, their bits are not.",
            arguments: &["review", "show", "47+71"],
        },
    ],
    decisions: "clerk.csv",
    decided: &[
        View {
            text: "The plan shows what the decisions change.",
            arguments: &["plan", "--examples", "1"],
        },
        View {
            text: "The next apply merges what was accepted and keeps apart what was rejected. So does every later one.",
            arguments: &["apply"],
        },
        View {
            text: "Visits follow their record. Those of B:20125 now name the golden record of A:4725 and C:308.",
            arguments: HER_VISITS,
        },
        View {
            text: "A nurse finds another patient's medicine in the golden record: C:308 is the mother of B:20125, and no digits \
                   were exchanged. Take the daughter out.",
            arguments: &[
                "unmerge",
                "register",
                "B:20125",
                "--reason",
                "mother and daughter",
            ],
        },
        View {
            text: "She has her own golden record again, under the id that it had. Her visits follow with the next apply.",
            arguments: &["apply"],
        },
        View {
            text: "They name her again.",
            arguments: HER_VISITS,
        },
        View {
            text: "No later apply merges her with the others, until a person accepts the pair.",
            arguments: &["explain", "register", "B:20125"],
        },
        View {
            text: "Every pair is decided.",
            arguments: &["review", "list"],
        },
    ],
    afterwards: &[
        (
            "unmerge people --all --yes --reason TEXT",
            "takes all golden records apart",
        ),
        ("rollback --all", "undoes every stage"),
    ],
};

const HOSPITAL: DemoProject = DemoProject {
    name: "hospital",
    title: "The patients of two hospitals and a clinic become one record for each person.",
    about: "Three stages, one for each system, bring the records into one register, under ids that a key makes from the \
            SSN. The fourth merges the records of one person, and the fifth gives each visit its person. No screen shows \
            a name, a birth date or an address.",
    loads: &[
        ("hospital_a", "records/hospital_a.ndjson"),
        ("hospital_b", "records/hospital_b.ndjson"),
        ("clinic", "records/clinic.csv"),
        ("visits", "records/visits.ndjson"),
    ],
    result: "people",
    corrections: "records/corrections.ndjson",
    correcting: CORRECTING,
    refused: "4737",
    applied: &[
        View {
            text: "Stage 4 merged the records of each person into a golden record, with the newest name and address and \
                   every allergy that any of them has.",
            arguments: &["query", "people", "--limit", "1", "--pretty"],
        },
        View {
            text: "The ledger knows which records are its members, why, and whose values it has.",
            arguments: &["trace", "people", ANNA],
        },
        View {
            text: "Stage 5 gave each visit the person of its record. Visits of a record that is not in the register wait.",
            arguments: &["query", "visits_of_people", "--limit", "3"],
        },
    ],
    forecast: &[],
    settled: &[View {
        text: "The corrected record has joined the golden record of its person, and the visit that waited has passed.",
        arguments: &["trace", "visits_of_people", "V-1051"],
    }],
    clerk: Some(CLERK),
    questions: &[
        "SELECT golden_id, group_concat(member_id, ' ') FROM audit_cross_reference GROUP BY golden HAVING count(*) > 1",
    ],
    proved: ANNA,
    discloses: false,
    batch_size: "8",
    files: files!("hospital":
        "README.md"
        "counterfoil.toml"
        "patient.key"
        "clerk.csv"
        "0001_hospital_a.toml"
        "0002_hospital_b.toml"
        "0003_clinic.toml"
        "0004_people.toml"
        "0005_visits.toml"
        "hospital_a.schema.json"
        "hospital_b.schema.json"
        "clinic.schema.json"
        "register.schema.json"
        "visit.schema.json"
        "records/hospital_a.ndjson"
        "records/hospital_b.ndjson"
        "records/clinic.csv"
        "records/visits.ndjson"
        "records/corrections.ndjson"
        "records/truth.csv"
    ),
};

/// The window in which sensor 3 answered before it had measured.
const SPIKE: &str = "3/2026-03-28T10:05:00Z";

/// The window in which the flat line of sensor 1 has a step.
const STEP: &str = "1/2026-03-28T09:55:00Z";

const SENSORS: DemoProject = DemoProject {
    name: "sensors",
    title: "Readings of sensors become windows of five minutes.",
    about: "The first stage measures each sensor in each window, exactly, and marks what is unusual. The second gives each \
            reading the keys of its partition, and the third sums the hours of two meters for each day of Berlin.",
    loads: &[
        ("readings_v1", "records/readings_v1.ndjson"),
        ("meters_v1", "records/meters_v1.ndjson"),
    ],
    result: "windows_v1",
    corrections: "records/late.ndjson",
    correcting: "Readings come late: those that sensor 4 kept while it was offline, and corrections of a spike, of a slow clock \
                 and of what was refused.",
    refused: "9:006",
    applied: &[
        View {
            text: "Sensor 1 stood at 20.0 for eleven windows, then at 21.0: further from the mean of the hour than twice its \
                   deviation.",
            arguments: &["query", "windows_v1", "--id", STEP, "--pretty"],
        },
        View {
            text: "Each sensor has its own windows, from its first reading to its last. Few of them have 50 readings.",
            arguments: &["profile", "windows_v1", "--by", "sensor_id"],
        },
        View {
            text: "The ledger knows which readings a window was measured from. One of them is what the sensor answers before it has \
                   measured.",
            arguments: &["trace", "windows_v1", SPIKE],
        },
        View {
            text: "When the clocks change, a day in Berlin has 23 hours or 25.",
            arguments: &["query", "days_v1", "--where", "doc.hours != 24"],
        },
    ],
    forecast: &[View {
        text: "The plan shows which windows are measured again: those that a reading came to or left, and what follows from them.",
        arguments: &["plan", "--to", "1", "--examples", "1"],
    }],
    settled: &[
        View {
            text: "The window of the spike has been measured again, and is no longer marked.",
            arguments: &["query", "windows_v1", "--id", SPIKE, "--pretty"],
        },
        View {
            text: "The reading whose clock was slow has left one window and is counted in another.",
            arguments: &["trace", "readings_v1", "5:018"],
        },
        View {
            text: "Take the increment back. Every window is again what it was before the late readings.",
            arguments: &["rollback", "--run", "9", "--yes", "--reason", "demo"],
        },
        View {
            text: "The spike is back.",
            arguments: &["query", "windows_v1", "--id", SPIKE],
        },
        View {
            text: "The next apply makes the same windows again.",
            arguments: &["apply"],
        },
        View {
            text: "Each entry of a window has the digest of its readings. Compute all of them again.",
            arguments: &["verify", "--inputs"],
        },
    ],
    clerk: None,
    questions: &["SELECT id, inputs, spans FROM audit_window ORDER BY record LIMIT 3"],
    proved: STEP,
    discloses: true,
    batch_size: "40",
    files: files!("sensors":
        "README.md"
        "counterfoil.toml"
        "0001_windows.toml"
        "0002_partitioned.toml"
        "0003_days.toml"
        "reading.schema.json"
        "window.schema.json"
        "day.schema.json"
        "records/readings_v1.ndjson"
        "records/meters_v1.ndjson"
        "records/late.ndjson"
    ),
};

impl Shipped {
    pub(super) fn project(self) -> &'static DemoProject {
        match self {
            Self::Shop => &SHOP,
            Self::Bank => &BANK,
            Self::Hospital => &HOSPITAL,
            Self::Sensors => &SENSORS,
        }
    }
}

impl DemoProject {
    /// Returns the database whose refused records are corrected.
    pub(super) fn corrected(&self) -> &'static str {
        self.loads.first().map_or("", |(database, _)| database)
    }

    /// Copies the files to a folder that does not exist yet.
    pub(super) fn copy_to(&self, folder: &Path) -> Result<(), Failure> {
        if folder.exists() {
            let message = format!("{} already exists, and nothing is overwritten", folder.display());
            return Err(Failure::usage(
                "demo.exists",
                message,
                "name another with --folder DIR",
            ));
        }
        for (file, text) in self.files {
            let path = folder.join(file);
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, text))
                .map_err(|error| {
                    let message = format!("{} cannot be written: {error}", path.display());
                    Failure::new(Exit::Failed, "demo.unwritable", message)
                        .hint("name a folder that you can write to with --folder DIR")
                })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    fn files_of(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_of(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    #[test]
    fn a_demo_copies_every_file_of_its_project() {
        for project in [&SHOP, &BANK, &HOSPITAL, &SENSORS] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(project.name);
            let mut found = Vec::new();
            files_of(&folder, &mut found);
            let kept = |path: &&Path| {
                let extension = path.extension().and_then(|extension| extension.to_str());
                matches!(extension, Some("toml" | "json" | "ndjson" | "csv" | "key" | "md"))
            };
            let in_folder: BTreeSet<String> = found
                .iter()
                .map(|path| path.strip_prefix(&folder).unwrap())
                .filter(kept)
                .map(|path| path.display().to_string())
                .collect();
            let in_program: BTreeSet<String> =
                project.files.iter().map(|(file, _)| (*file).to_owned()).collect();
            assert_eq!(in_folder, in_program, "{}", project.name);
        }
    }
}
