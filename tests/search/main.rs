//! A search for plans that do not keep their word and runs that do not survive: random manifests,
//! edits, drift, selections, faults and kills, in one process and in virtual time. This is a
//! minute of it; `bench.rs` is the same as a command.

mod calls;
mod case;
mod choose_edits;
mod cluster;
mod command;
mod drift;
mod driver;
mod edits;
mod expect;
mod family;
mod field;
mod foreseen;
mod generate;
mod low;
#[cfg(test)]
mod mirror;
mod parts;
mod plans;
mod report;
mod respell;
mod runs;
mod selections;
mod shelf;
mod shrink;
mod standing;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod storage_cases;
#[cfg(test)]
mod tests;
mod trace;
#[cfg(test)]
mod tried;
mod trouble;
mod try_case;
mod verdict;
