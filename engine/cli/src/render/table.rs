//! Columns, aligned by what is seen.

use unicode_width::UnicodeWidthStr as _;

use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// Rows under headings; cells may have a meaning.
#[derive(Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<(String, Option<Meaning>)>>,
}

impl Table {
    /// An empty table.
    pub fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; its cells are shown as [`plain`] shows them.
    pub fn row(&mut self, cells: impl IntoIterator<Item = (String, Option<Meaning>)>) {
        let shown = |(cell, meaning): (String, _)| (plain(cell).to_string(), meaning);
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// The text, each line behind two spaces.
    pub fn text(&self, paint: Paint) -> String {
        let mut widths: Vec<usize> = self.headings.iter().map(|heading| heading.width()).collect();
        for row in &self.rows {
            for (width, (cell, _)) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut out = String::new();
        let headings = self.headings.iter().map(|heading| (*heading, Some(Meaning::Dim)));
        line(&mut out, paint, &widths, headings);
        for row in &self.rows {
            line(
                &mut out,
                paint,
                &widths,
                row.iter().map(|(cell, meaning)| (cell.as_str(), *meaning)),
            );
        }
        out
    }
}

fn line<'a>(
    out: &mut String,
    paint: Paint,
    widths: &[usize],
    cells: impl Iterator<Item = (&'a str, Option<Meaning>)>,
) {
    let mut owed = 2;
    for (width, (cell, meaning)) in widths.iter().zip(cells) {
        if !cell.is_empty() {
            out.push_str(&" ".repeat(owed));
            match meaning {
                Some(meaning) => out.push_str(&paint.of(meaning, cell).to_string()),
                None => out.push_str(cell),
            }
            owed = 0;
        }
        owed += width - cell.width() + 2;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_last_word() {
        let mut table = Table::new(&["NAME", "STATE"]);
        table.row([("巣箱".to_owned(), None), ("up".to_owned(), None)]);
        table.row([("a".to_owned(), None), (String::new(), None)]);
        assert_eq!(table.text(Paint::PLAIN), "  NAME  STATE\n  巣箱  up\n  a\n");
    }
}
