//! The differences between two texts of a stage.

use similar::TextDiff;

/// Returns the unified diff from an applied stage's text to the text of its file, with three lines of context around
/// each change; empty if they are equal.
#[must_use]
pub fn diff(old_text: &str, new_text: &str) -> String {
    TextDiff::from_lines(old_text, new_text)
        .unified_diff()
        .context_radius(3)
        .header("applied", "file")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_the_changed_line_only() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
        let shown = diff("a\nb\nc\n", "a\nx\nc\n");
        assert_eq!(shown, "--- applied\n+++ file\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    }
}
