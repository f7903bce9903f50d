use super::{aggregating, lines};
use crate::stage::tests::parse;

#[test]
fn what_is_probably_not_intended_is_a_warning() {
    let anomaly = |k: &str, over: &str| {
        aggregating(&format!(
            "[[aggregate.anomaly]]\nname = \"odd\"\nof = \"temperature_mean\"\nover = {over}\nk = {k}\n"
        ))
    };
    let windows = "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nREDACT[aggregate]\n";
    let stages = [
        anomaly("3.17", "12"),
        anomaly("3.18", "12"),
        anomaly("2", "\"1h\""),
        anomaly("4", "\"1h\""),
        anomaly("1", "2"),
        parse(&format!(
            "{}time = \"t\"\nevery = \"5m\"\n",
            windows.replace("REDACT", "")
        )),
        parse(&format!(
            "{}by = \"s\"\ntime = \"w\"\nevery = \"1h\"\nmeasures = {{ temperature_mean = [\"mean\", \"max\"] }}\n",
            windows.replace("REDACT", "")
        )),
        parse(&format!(
            "{}by = \"owner\"\nmeasures = {{ pulse = [\"max\", \"count\"], all = {{ list = [] }} }}\n",
            windows.replace("REDACT", "redact = [\"owner\", \"pulse\", \"pulse_min\"]\n")
        )),
        parse(&format!(
            "{}by = \"sensr\"\nmeasures = {{ temperature = \"sum\" }}\n[contract]\nsource = {{ properties = {{ sensor = {{}}, \
             temperatur = {{}} }} }}\n",
            windows.replace("REDACT", "")
        )),
    ];
    let found: Vec<String> = stages.iter().map(|stage| lines(&stage.check())).collect();
    snapbox::assert_data_eq!(found.join("\n") + "\n", snapbox::file!["check.txt"].raw());
}
