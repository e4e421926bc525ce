//! One section of the comment, and which are cut where all of them are too long.

use super::escape::fence;

/// Forges take comments of 65,536 characters; this leaves room for what stands around it. Bytes,
/// which are never fewer than characters.
pub const MOST: usize = 60_000;
/// What the word about what was cut takes at most, bytes.
const NOTICE: usize = 600;

/// How much a section matters: the least important is cut first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Headline, refusal, digest and command: never cut.
    Always,
    /// What is destroyed and replaced.
    Losses,
    /// Warnings.
    Warnings,
    /// What moved outside.
    Drift,
    /// What changes, by kind.
    Changes,
    /// Which fields change.
    Fields,
    /// Notes.
    Notes,
    /// The drawing.
    Graph,
}

/// A section: lines between an opening and an end.
#[derive(Debug, Clone)]
pub struct Section {
    rank: Rank,
    /// What is said to be cut.
    what: &'static str,
    open: String,
    lines: Vec<String>,
    close: String,
    /// Whether a part of it is worth nothing.
    whole: bool,
}

impl Section {
    /// A paragraph that is never cut.
    pub fn paragraph(text: String) -> Self {
        Self::of(Rank::Always, "", vec![text])
    }

    /// Lines as they are.
    pub fn of(rank: Rank, what: &'static str, lines: Vec<String>) -> Self {
        Self {
            rank,
            what,
            open: String::new(),
            lines,
            close: String::new(),
            whole: rank == Rank::Always,
        }
    }

    /// The lines in a fence of a language.
    #[must_use]
    pub fn fenced(mut self, language: &str) -> Self {
        let fence = fence(&self.lines);
        self.open.push_str(&format!("{fence}{language}\n"));
        self.close.insert_str(0, &format!("{fence}\n"));
        self
    }

    /// Behind a title. Comes last of the three.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        self.open.insert_str(0, &format!("{title}\n\n"));
        self
    }

    /// Folded away behind a title, which is HTML.
    #[must_use]
    pub fn folded(mut self, title: &str) -> Self {
        self.open
            .insert_str(0, &format!("<details><summary>{title}</summary>\n\n"));
        self.close.push_str("\n</details>\n");
        self
    }

    /// Either all of it or nothing.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How long it is, with the empty line behind it, bytes.
    fn len(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let lines: usize = self.lines.iter().map(|line| line.len() + 1).sum();
        self.open.len() + lines + self.close.len() + 1
    }

    /// Takes away at least so many bytes if it can; says what went.
    fn shorten(&mut self, excess: usize) -> String {
        let all = self.lines.len();
        if self.whole {
            self.lines.clear();
            return self.what.to_owned();
        }
        let mut freed = 0;
        while freed < excess
            && let Some(line) = self.lines.pop()
        {
            freed += line.len() + 1;
        }
        let cut = all - self.lines.len();
        format!("{cut} of {all} lines of {}", self.what)
    }

    fn write(&self, out: &mut String) {
        if self.is_empty() {
            return;
        }
        out.push_str(&self.open);
        for line in &self.lines {
            out.push_str(line);
            out.push('\n');
        }
        out.push_str(&self.close);
        out.push('\n');
    }
}

/// Puts sections together in their order; `last` is the end, in front of which it is said what was
/// cut and, by `all`, how to see all of it.
pub fn together(mut sections: Vec<Section>, last: &str, all: &str) -> String {
    let mut cut = Vec::new();
    loop {
        let long = sections.iter().map(Section::len).sum::<usize>() + last.len();
        let most = if cut.is_empty() { MOST } else { MOST - NOTICE };
        if long <= most {
            break;
        }
        // Of equals the last one goes.
        let least = sections
            .iter_mut()
            .filter(|section| section.rank != Rank::Always && !section.is_empty())
            .max_by_key(|section| section.rank);
        let Some(least) = least else { break };
        cut.push(least.shorten(long - (MOST - NOTICE)));
    }
    let mut out = String::with_capacity(MOST);
    for section in &sections {
        section.write(&mut out);
    }
    if !cut.is_empty() {
        out.push_str(&format!(
            "Cut, so that a comment can hold it: {}. {all}\n\n",
            cut.join(", ")
        ));
    }
    out.push_str(last);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(rank: Rank, what: &'static str, lines: usize) -> Section {
        Section::of(rank, what, vec!["x".repeat(99); lines])
    }

    #[test]
    fn what_matters_least_is_cut_first_and_never_the_end() {
        let head = || Section::paragraph("head".to_owned());
        let short = together(
            vec![head(), section(Rank::Graph, "the graph", 3)],
            "END\n",
            "`all` shows all of it.",
        );
        assert!(!short.contains("Cut"), "{short}");
        let long = together(
            vec![
                head(),
                section(Rank::Losses, "losses", 400).fenced("diff"),
                section(Rank::Fields, "fields", 400).fenced("diff").folded("F"),
                section(Rank::Graph, "the graph", 50).whole(),
            ],
            "END\n",
            "`all` shows all of it.",
        );
        assert!(long.len() <= MOST, "{}", long.len());
        assert!(long.starts_with("head\n\n```diff\n"), "{}", &long[..40]);
        assert!(long.ends_with("END\n"));
        assert_eq!(long.matches("```").count(), 4, "what is cut is closed");
        assert!(
            long.contains(
                "Cut, so that a comment can hold it: the graph, 207 of 400 lines of fields. `all` shows"
            ),
            "{}",
            &long[long.len() - 200..]
        );
    }

    #[test]
    fn what_is_destroyed_is_cut_only_when_nothing_else_is_left() {
        let text = together(
            vec![
                section(Rank::Losses, "losses", 900),
                section(Rank::Warnings, "warnings", 9),
            ],
            "END\n",
            "`all` shows all of it.",
        );
        assert!(text.len() <= MOST);
        assert!(
            text.contains("9 of 9 lines of warnings, 307 of 900 lines of losses"),
            "{}",
            &text[text.len() - 200..]
        );
    }
}
