//! Compared pairs in words and tables: shared by `explain` and `review`.

use counterfoil::review::{ComparedField, ComparedMember, ComparedPair};

use super::render::{bold, count, dim, shown, table};

/// Number of columns of a screen.
const COLUMNS: usize = 80;
/// Fewest characters of a value that are shown.
const FEWEST: usize = 12;
/// Number of values that are not compared and differ, that are shown.
const OTHERS: usize = 8;

/// A pair in full.
pub(super) fn pair(pair: &ComparedPair) -> String {
    let verdict = match (pair.together, pair.probability >= pair.review) {
        (Some(golden), _) => format!("in one golden record, {golden}"),
        (None, true) => "not merged".to_owned(),
        (None, false) => "not merged nor listed".to_owned(),
    };
    let heading = format!(
        "{} - {}    probability {} ({} bits)    {verdict}",
        side(&pair.a),
        side(&pair.b),
        pair.probability,
        pair.bits
    );
    let mut text = format!("{}\n\n{}", bold(&shown(&heading)), fields(pair));
    text += "\n";
    for why in &pair.why {
        text += &format!("{}\n", listed(why));
    }
    text += &others(pair);
    text
}

/// The fields with what they say, the prior and the sum.
fn fields(pair: &ComparedPair) -> String {
    let level = |field: &ComparedField| field.level.clone().unwrap_or_else(|| "-".to_owned());
    let of = |width: &dyn Fn(&ComparedField) -> usize| pair.fields.iter().map(width).max().unwrap_or(0);
    let taken = of(&|field| letters(&field.name)).max(5) + of(&|field| letters(&level(field))).max(5) + 6 + 8;
    let width = (COLUMNS.saturating_sub(taken) / 2).max(FEWEST);
    let value = |value: &Option<String>| match value {
        Some(value) => cut(value, width),
        None => "-".to_owned(),
    };
    let mut rows: Vec<Vec<String>> = pair
        .fields
        .iter()
        .map(|field| {
            vec![
                field.name.clone(),
                value(&field.a),
                value(&field.b),
                level(field),
                signed(field.bits.to_string()),
            ]
        })
        .collect();
    let line =
        |what: &str, bits: String| vec![what.to_owned(), String::new(), String::new(), String::new(), bits];
    rows.push(line("prior", signed(pair.prior.to_string())));
    rows.push(line("sum", signed(pair.bits.to_string())));
    let header = [
        "field".to_owned(),
        cut(&side(&pair.a), width),
        cut(&side(&pair.b), width),
        "level".to_owned(),
        ">bits".to_owned(),
    ];
    let header = header.each_ref().map(|name| shown(name));
    let header: Vec<&str> = header.iter().map(AsRef::as_ref).collect();
    table(&header, rows)
}

/// The values that are not compared, as far as they differ.
fn others(pair: &ComparedPair) -> String {
    let differ = || pair.others.iter().filter(|other| other.a != other.b);
    if differ().next().is_none() {
        return String::new();
    }
    let longest = differ()
        .map(|other| letters(&other.path))
        .max()
        .unwrap_or(0)
        .min(COLUMNS / 3);
    let width = ((COLUMNS - longest - 4) / 2).max(FEWEST);
    let value = |value: &Option<String>| value.as_deref().map_or("-".to_owned(), |value| cut(value, width));
    let rows = differ()
        .take(OTHERS)
        .map(|other| vec![cut(&other.path, COLUMNS / 3), value(&other.a), value(&other.b)]);
    let mut text = format!("\n{}", table(&["not compared", "", ""], rows));
    let more = differ().count().saturating_sub(OTHERS) as u64;
    if more > 0 {
        text += &format!("{}\n", dim(&format!("and {} more, see --json", count(more))));
    }
    text
}

/// Several pairs: the strongest in full, and each in a line.
pub(super) fn pairs(pairs: &[ComparedPair]) -> String {
    let mut text = lines(pairs);
    if let Some(strongest) = pairs.first() {
        text += &format!("\nThe strongest\n{}", pair(strongest));
    }
    text
}

pub(super) fn lines(pairs: &[ComparedPair]) -> String {
    let rows = pairs.iter().map(|pair| {
        let against = pair
            .fields
            .iter()
            .filter(|field| field.bits.tenths() < 0 && field.level.is_some());
        let against = against.min_by_key(|field| field.bits);
        let mut for_it: Vec<_> = pair
            .fields
            .iter()
            .filter(|field| field.bits.tenths() > 0)
            .collect();
        for_it.sort_by_key(|field| std::cmp::Reverse(field.bits));
        let for_it: Vec<&str> = for_it.into_iter().map(|field| field.name.as_str()).collect();
        vec![
            name(pair),
            pair.bits.to_string(),
            pair.probability.to_string(),
            cut(&for_it.join(", "), 30),
            against.map(|field| field.name.clone()).unwrap_or_default(),
        ]
    });
    table(&["pair", ">bits", ">probability", "for it", "against"], rows)
}

/// A sentence of a list, over as many lines as it needs.
pub(super) fn listed(text: &str) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut is_quoted = false;
    // What stands between backquotes is not broken.
    for word in shown(text).split(|letter| {
        is_quoted ^= letter == '`';
        letter == ' ' && !is_quoted
    }) {
        if !line.is_empty() && letters(&line) + 1 + letters(word) > COLUMNS - 2 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines.push(line);
    format!("{} {}", dim("-"), lines.join("\n  "))
}

/// `4+9`, the name of a pair.
pub(super) fn name(pair: &ComparedPair) -> String {
    format!("{}+{}", pair.a.side.record, pair.b.side.record)
}

pub(super) fn side(member: &ComparedMember) -> String {
    match &member.side.id {
        Some(id) => format!("{} {id}", member.side.record),
        None => member.side.record.to_string(),
    }
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// Cuts what is longer than a column is wide.
pub(super) fn cut(text: &str, width: usize) -> String {
    if letters(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    kept + "..."
}

/// A number with its sign.
fn signed(number: String) -> String {
    if number.starts_with('-') || number == "0.0" {
        number
    } else {
        format!("+{number}")
    }
}
