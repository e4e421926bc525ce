//! What AWS charges: amounts, and the table of list prices that comes with the program.
//!
//! The table is `table.json`, in the format that `.ci/prices` writes from AWS's public price list.
//! What is not in it has no price: nothing is guessed, and nothing is free for want of an entry.

mod table;
mod usd;

pub use table::{HOURS_A_MONTH, PriceTable, RegionPrices, TableError};
pub use usd::{BadAmount, Usd};
