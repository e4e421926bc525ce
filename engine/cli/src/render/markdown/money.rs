//! What the cluster costs, before and after: the whole in a line, the kinds in a table.

use subako_engine::money::Bill;

use super::escape::prose;
use super::section::{Rank, Section};
use crate::render::cost;

/// The line that is never cut, and the table behind it.
pub fn sections(bill: &Bill) -> [Section; 2] {
    let mut lines = vec![
        "| | before, a month | after, a month | |".to_owned(),
        "|---|--:|--:|---|".to_owned(),
    ];
    lines.extend(cost::rows(bill).iter().map(|row| {
        let cells: Vec<String> = row.iter().map(prose).collect();
        format!("| {} |", cells.join(" | "))
    }));
    lines.push(String::new());
    for said in cost::remarks(bill) {
        lines.extend([prose(said), String::new()]);
    }
    lines.push(prose(cost::basis(bill)));
    [
        Section::paragraph(format!("**Cost:** {}", prose(cost::headline(bill)))),
        Section::of(Rank::Changes, "what the cost is made of", lines)
            .folded("What the cost is made of")
            .whole(),
    ]
}
