//! Circles in a graph of files, and what would break them.

use std::collections::{BTreeMap, BTreeSet};

/// Who names what of whom.
pub(super) type Graph = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The sets of files that reach each other (Tarjan), each in order.
pub(super) fn circles(graph: &Graph) -> Vec<Vec<&str>> {
    let mut search = Search {
        graph,
        numbers: BTreeMap::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    for file in graph.keys() {
        if !search.numbers.contains_key(file.as_str()) {
            search.visit(file);
        }
    }
    search.found.sort();
    search.found
}

struct Search<'g> {
    graph: &'g Graph,
    numbers: BTreeMap<&'g str, usize>,
    open: Vec<&'g str>,
    found: Vec<Vec<&'g str>>,
}

impl<'g> Search<'g> {
    fn visit(&mut self, file: &'g str) -> usize {
        let number = self.numbers.len();
        let mut low = number;
        self.numbers.insert(file, number);
        self.open.push(file);
        for next in self.graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            match self.numbers.get(next.as_str()) {
                None => low = low.min(self.visit(next)),
                Some(before) if self.open.contains(&next.as_str()) => low = low.min(*before),
                Some(_) => {}
            }
        }
        if low == number {
            let begin = self
                .open
                .iter()
                .position(|open| *open == file)
                .unwrap_or_default();
            let mut circle = self.open.split_off(begin);
            circle.sort_unstable();
            if circle.len() > 1 {
                self.found.push(circle);
            }
        }
        low
    }
}

/// A circle in words: its arrows with the names, first those that would break it (a guess with few names, not the fewest).
pub(super) fn told(graph: &Graph, circle: &[&str]) -> String {
    let arrows: Vec<(&str, &str, String)> = circle
        .iter()
        .flat_map(|from| {
            graph[*from]
                .iter()
                .map(move |(to, names)| (*from, to.as_str(), names))
        })
        .filter(|(_, to, _)| circle.contains(to))
        .map(|(from, to, names)| {
            (
                from,
                to,
                names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            )
        })
        .collect();
    let breaking = breaking(graph, circle);
    let tell = |wanted: bool| {
        let arrows = arrows
            .iter()
            .filter(|(from, to, _)| breaking.contains(&(*from, *to)) == wanted);
        arrows
            .map(|(from, to, names)| format!("    src/{from} -> src/{to}: {names}\n"))
            .collect::<String>()
    };
    let files = circle.len();
    format!(
        "a circle of {files} files\n  without these there would be none:\n{}  the rest of it:\n{}",
        tell(true),
        tell(false)
    )
}

/// Arrows without which the circle would be none: the files in a row that few names run back in, less the arrows that
/// close nothing any more.
fn breaking<'g>(graph: &'g Graph, circle: &[&'g str]) -> BTreeSet<(&'g str, &'g str)> {
    let weight = |from: &str, to: &str| graph[from].get(to).map_or(0, BTreeSet::len).cast_signed();
    let mut left = circle.to_vec();
    let mut row = Vec::new();
    while !left.is_empty() {
        let gain = |file: &str| {
            left.iter()
                .map(|other| weight(file, other) - weight(other, file))
                .sum::<isize>()
        };
        let takes_nothing = |file: &str| left.iter().all(|other| weight(other, file) == 0);
        let best = (0..left.len())
            .max_by_key(|at| (takes_nothing(left[*at]), gain(left[*at])))
            .unwrap_or_default();
        row.push(left.remove(best));
    }
    let arrows = row.iter().enumerate().flat_map(|(at, from)| {
        row.iter()
            .enumerate()
            .map(move |(to_at, to)| (at, *from, to_at, *to))
    });
    let (mut kept, mut back) = (Graph::new(), BTreeSet::new());
    let keep = |kept: &mut Graph, from: &str, to: &str| {
        let names = graph[from][to].clone();
        kept.entry(from.to_owned())
            .or_default()
            .insert(to.to_owned(), names);
    };
    for (at, from, to_at, to) in arrows.filter(|(_, from, _, to)| weight(from, to) > 0) {
        if at < to_at {
            keep(&mut kept, from, to);
        } else {
            back.insert((from, to));
        }
    }
    for (from, to) in back.clone() {
        let mut tried = kept.clone();
        keep(&mut tried, from, to);
        if circles(&tried).is_empty() {
            kept = tried;
            back.remove(&(from, to));
        }
    }
    back
}
