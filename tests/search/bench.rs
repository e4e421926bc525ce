//! The search as a command of an optimised build: see `command`.

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
mod parts;
mod plans;
mod report;
mod respell;
mod runs;
mod selections;
mod shelf;
mod shrink;
mod standing;
mod trace;
mod trouble;
mod try_case;
mod verdict;

fn main() {
    // A panic is counted as a broken promise; its words are in the report.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout();
    std::process::exit(command::command(std::env::args().skip(1), &mut out));
}
