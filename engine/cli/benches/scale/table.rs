//! Numbers in columns.

use std::fmt;

/// A cell, as it is shown.
pub struct Cell(String);

impl Cell {
    /// A number of things.
    pub fn count(count: u32) -> Self {
        let digits = count.to_string();
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .filter_map(|group| std::str::from_utf8(group).ok())
            .collect();
        Self(groups.join(","))
    }

    /// Milliseconds.
    pub fn ms(ms: f64) -> Self {
        Self(format!("{ms:.0} ms"))
    }

    /// Microseconds.
    pub fn micros(micros: f64) -> Self {
        Self(format!("{micros:.0} µs"))
    }

    /// Milliseconds, shown as seconds.
    pub fn seconds(ms: u64) -> Self {
        Self(format!("{:.1} s", ms as f64 / 1e3))
    }

    /// Memory.
    pub fn mib(mib: f64) -> Self {
        Self(format!("{mib:.0} MiB"))
    }

    /// One over another.
    pub fn ratio(one: u64, other: u64) -> Self {
        Self(format!("{:.3}", one as f64 / other.max(1) as f64))
    }

    /// One over the one above; nothing in the first row.
    pub fn growth(one: f64, above: Option<f64>) -> Self {
        Self(above.map_or_else(String::new, |above| format!("{:.2}", one / above)))
    }
}

/// Rows under a head.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Only a head.
    pub fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(ToString::to_string).collect()],
        }
    }

    /// One row more.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into_iter().map(|cell| cell.0).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                write!(
                    f,
                    "{}{cell:>1$}",
                    if column == 0 { "" } else { "  " },
                    width(column)
                )?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
