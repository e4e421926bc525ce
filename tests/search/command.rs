//! The search as a command.

use std::time::{Duration, Instant};

use super::case::{Case, Mode};
use super::family::Families;
use super::report::Report;
use super::shrink::shrink;
use super::try_case::try_case;
use super::verdict::Verdict;

/// How many seeds a stream has.
const STREAM: u64 = 1_000_000_000;
/// How often it says how far it is.
const EVERY: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// `plans`, `runs`; both in turn where it is left out.
    pub modes: Vec<Mode>,
    pub cases: u64,
    /// The first seed.
    pub from: u64,
    pub minutes: Option<f64>,
    pub families: Families,
    /// How many causes are shrunk and printed.
    pub shrink: usize,
    /// A file with a case to be tried again.
    pub replay: Option<String>,
    /// Whether every case is said.
    pub verbose: bool,
}

pub const USAGE: &str = "\
search [--mode plans|runs] [--cases N] [--seed STREAM] [--from SEED] [--minutes M]
       [--families A,B | --families=-A,-B | --families holding] [--shrink CAUSES] [--replay FILE] [--verbose]

A seed is a case. `--seed K` begins at K * 10^9; `--from SEED` begins (or goes on) at that seed,
so that `--from SEED --cases 1 --shrink 1` tries one case again. FILE has a case as JSON, as a
shrunk one is printed; `-` is standard input. What its commands do is told on standard error.";

impl Options {
    /// Reads the command line.
    pub fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            modes: vec![Mode::Plans, Mode::Runs],
            cases: 1_000,
            from: STREAM,
            minutes: None,
            families: Families::all(),
            shrink: 0,
            replay: None,
            verbose: false,
        };
        let mut args = args.flat_map(|arg| match arg.split_once('=') {
            Some((key, value)) if arg.starts_with("--") => vec![key.to_owned(), value.to_owned()],
            _ => vec![arg],
        });
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            let number = |text: String| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
            match arg.as_str() {
                // cargo's own.
                "--bench" => {}
                "--mode" => {
                    options.modes = match value()?.as_str() {
                        "plans" => vec![Mode::Plans],
                        "runs" => vec![Mode::Runs],
                        other => return Err(format!("there is no mode `{other}`")),
                    }
                }
                "--cases" => options.cases = number(value()?)?,
                "--seed" => options.from = number(value()?)? * STREAM,
                "--from" => options.from = number(value()?)?,
                "--minutes" => {
                    options.minutes = Some(value()?.parse().map_err(|error| format!("--minutes: {error}"))?);
                }
                "--families" => options.families = Families::parse(&value()?)?,
                "--shrink" => options.shrink = number(value()?)? as usize,
                "--replay" => options.replay = Some(value()?),
                "--verbose" => options.verbose = true,
                _ => return Err(format!("{arg}?\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// The case of a seed.
    pub fn case(&self, seed: u64) -> Case {
        let mode = self.modes[seed as usize % self.modes.len()];
        Case::of(mode, seed, &self.families)
    }
}

/// Tries the cases of the seeds asked for, and says to `out` what comes of it.
pub fn search(options: &Options, out: &mut dyn std::io::Write) -> std::io::Result<Report> {
    let begun = Instant::now();
    let mut said = begun;
    let mut report = Report::default();
    let enough = options
        .minutes
        .map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    for seed in options.from..options.from + options.cases {
        if enough.is_some_and(|enough| begun.elapsed() > enough) {
            break;
        }
        let case = options.case(seed);
        let verdict = try_case(&case);
        report.add(seed, &case, &verdict);
        if options.verbose {
            writeln!(out, "{seed} {verdict:?}")?;
        }
        if said.elapsed() > EVERY {
            said = Instant::now();
            let (cases, violations) = (report.cases, report.violations());
            writeln!(out, "{cases} cases, {violations} violations; --from {}", seed + 1)?;
        }
    }
    out.write_all(report.words(begun.elapsed()).as_bytes())?;
    for seed in report.seeds().into_iter().take(options.shrink) {
        let case = options.case(seed);
        if let Verdict::Broken(violation) = try_case(&case) {
            let (smallest, violation) = shrink(&case, &violation);
            writeln!(
                out,
                "\n==== seed {seed}: {}: {}\n{}\n{}\n{}",
                violation.property,
                violation.cause,
                violation.detail,
                smallest.words(),
                serde_json::to_string(&smallest)?
            )?;
        }
    }
    Ok(report)
}

/// Tries a case of a file again.
pub fn replay(file: &str, out: &mut dyn std::io::Write) -> std::io::Result<bool> {
    let text = match file {
        "-" => std::io::read_to_string(std::io::stdin())?,
        file => std::fs::read_to_string(file)?,
    };
    let case: Case = serde_json::from_str(&text)?;
    let trace = super::trace::Trace::begin();
    let verdict = try_case(&case);
    drop(trace);
    writeln!(out, "{}\n{verdict:#?}", case.words())?;
    Ok(matches!(verdict, Verdict::Broken(_)))
}

/// The command: 0 where every promise is kept, 1 where one is broken, 2 where it is misused.
pub fn command(args: impl Iterator<Item = String>, out: &mut dyn std::io::Write) -> i32 {
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(message) => {
            let _told = writeln!(out, "{message}");
            return 2;
        }
    };
    let broken = match &options.replay {
        Some(file) => replay(file, out),
        None => search(&options, out).map(|report| report.violations() > 0),
    };
    match broken {
        Ok(false) => 0,
        Ok(true) => 1,
        Err(error) => {
            let _told = writeln!(out, "{error}");
            2
        }
    }
}
