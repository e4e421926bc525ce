//! `[prices]`.

use crate::manifest::decode::{Dollars, Table, section};

section! {
    /// What you pay where that is not AWS's list price, in US dollars: the plan's costs are worked out
    /// with it. Prices of the table that comes with Subako hold for whatever is not here.
    pub struct Prices = "[prices]" {
        /// A running instance, an hour, by type: { "t3.micro" = 0.0095 }.
        optional instance_hour: Table<Dollars>,
        /// A GiB of gp3, a month, for example 0.08.
        optional gib_month: Dollars,
        /// A public IPv4 address, an hour, for example 0.005.
        optional public_ipv4_hour: Dollars,
    }
    elsewhere {
        "instances" => "did you mean `instance_hour`?",
        "gp3" => "did you mean `gib_month`?",
        "public_ipv4" => "did you mean `public_ipv4_hour`?",
    }
}
