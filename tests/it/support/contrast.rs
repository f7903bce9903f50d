//! Whether the colours of a page can be told apart.

/// Asserts that words or bars have the contrast to what is behind them that they need, in light, in dark and in print.
pub(crate) fn assert_distinct(page: &str, colours: &[(&str, &str, f64)]) {
    let themes: Vec<&str> = page
        .split(":root {")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
        .collect();
    assert_eq!(themes.len(), 3, "light, dark and print");
    assert!(
        page.contains("prefers-color-scheme: dark")
            && page.contains("@media print")
            && page.contains("@page")
    );
    for theme in themes {
        let colour = |name: &str| {
            let at = theme
                .find(&format!("--{name}: #"))
                .unwrap_or_else(|| panic!("no {name}"));
            &theme[at + name.len() + 4..][..7]
        };
        for (words, paper, least) in colours {
            let found = contrast(colour(words), colour(paper));
            assert!(found >= *least, "{words} on {paper}: {found:.2} in {theme}");
        }
    }
}

/// WCAG's contrast of two colours `#rrggbb`.
fn contrast(one: &str, other: &str) -> f64 {
    let light = |colour: &str| {
        let part = |at: usize| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        let linear = |value: f64| {
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5))
    };
    let (one, other) = (light(one), light(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
