//! The part of a command's output that is the same in every run.

/// Replaces what depends on the clock, on chance or on the machine (times, rates, sizes on disk, hashes, UUIDs) by a mark.
/// Runs of blanks become one, because the width of a column depends on its widest value.
pub(super) fn steady(text: &str) -> String {
    let mut lines = Vec::new();
    // Rates are the last column of a table.
    let mut has_rates = false;
    for line in text.lines() {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        match words.last() {
            None => has_rates = false,
            Some(&"records/s") => has_rates = true,
            Some(_) if has_rates => {
                words.pop();
            }
            Some(_) => {}
        }
        let kept: Vec<&str> = (0..words.len()).map(|at| word(&words, at)).collect();
        lines.push(kept.join(" "));
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

fn word<'a>(words: &[&'a str], at: usize) -> &'a str {
    let bare = words[at].trim_matches([',', '(', ')', ':', '.']);
    let next = words
        .get(at + 1)
        .map_or("", |next| next.trim_end_matches([',', ')', '.']));
    let is_amount = is_unit(next) && (bare == "a" || bare.parse::<f64>().is_ok());
    let is_hash = bare.len() >= 12
        && bare.contains(|char: char| char.is_ascii_digit())
        && bare.chars().all(|char| char.is_ascii_hexdigit() || char == '-');
    if is_amount || (at > 0 && is_unit(bare)) || is_hash || is_time(bare) {
        "#"
    } else {
        words[at]
    }
}

/// The unit of an amount that depends on the machine: "6.3 kB", "a second".
fn is_unit(word: &str) -> bool {
    matches!(word, "bytes" | "kB" | "MB" | "GB" | "TB" | "second" | "seconds")
}

/// `2026-03-01`, `07:20:00Z`, `2026-03-01T07:20:00Z`.
fn is_time(word: &str) -> bool {
    let shape: String = word
        .chars()
        .map(|char| if char.is_ascii_digit() { '0' } else { char })
        .collect();
    matches!(
        shape.as_str(),
        "0000-00-00" | "00:00:00Z" | "0000-00-00T00:00:00Z"
    )
}

#[test]
fn what_changes_from_run_to_run_is_marked_and_nothing_else() {
    let first = "stage  read  records/s\n1         3        111\n\nrun 2, 2026-11-30 07:50:41Z, after 3d81c298c6f6, 6.3 kB, a second ago";
    let other = "stage  read  records/s\n1         3      1,402\n\nrun 2, 2027-01-02 11:00:00Z, after 0b2817ac0aec, 900 bytes, 2 seconds ago";
    assert_eq!(steady(first), steady(other));
    assert_ne!(steady(first), steady(&first.replace("run 2", "run 3")));
    assert_ne!(steady("a  3\nb  4"), steady("a  3\nb  5"));
    assert_ne!(steady("-------------"), steady("abandonedface"));
}
