//! What a first manifest has to say: from flags, from what this machine knows, and, on a terminal,
//! from whoever sits there.

use std::path::Path;

use subako_engine::manifest::{self, Source, Starter, Variables};

use super::{address, profile};
use crate::args::NewArgs;
use crate::error::{CliError, Result};
use crate::prompt::ask;
use crate::ui::Ui;

/// The name where the directory's cannot be one.
const NAME: &str = "my-cluster";
/// The longest name that is made from a directory's.
const LONGEST: usize = 32;
/// What is proposed: both of AWS's free tiers have it.
const INSTANCE_TYPE: &str = "t3.micro";

/// Takes the flags, and asks for the rest where somebody can answer. What is neither given nor
/// asked for is left to the manifest's comments.
pub fn all(args: &NewArgs, ui: &Ui) -> Result<Starter> {
    let name = match &args.name {
        Some(name) => named(name).map_err(CliError::new)?,
        None => {
            let proposed = directory_name(&args.dir).unwrap_or_else(|| NAME.to_owned());
            or_asked(ui, "Name of the cluster", Some(proposed), named)?.unwrap_or_else(|| NAME.to_owned())
        }
    };
    let region = match &args.region {
        Some(region) => Some(region.clone()),
        None => or_asked(ui, "Region", profile::region(), |text| {
            good(text.to_owned(), |starter, region| starter.region = Some(region))
        })?,
    };
    let ssh_from = match &args.ssh_from {
        Some(range) => Some(address::as_range(range)),
        None => {
            let known = address::of_the_session().map(|address| address::as_range(&address.to_string()));
            let question = "This machine's address on the internet, to log in to the instances from";
            or_asked(ui, question, known, |text| {
                good(address::as_range(text), |starter, range| {
                    starter.ssh_from = Some(range)
                })
                .map_err(|_| {
                    format!(
                        "`{text}` is no address such as 198.51.100.7, nor a range such as 198.51.100.0/24"
                    )
                })
            })?
        }
    };
    let key = match &args.key {
        Some(key) => Some(key.clone()),
        None if ui.interactive => {
            let question = "Private key to log in with; it is made if it is not there";
            Some(ask(question, Some(&format!("~/.ssh/{name}")), |text| {
                Ok(text.to_owned())
            })?)
        }
        None => None,
    };
    let instance_type = match &args.instance_type {
        Some(kind) => Some(kind.clone()),
        None => or_asked(ui, "Instance type", Some(INSTANCE_TYPE.to_owned()), |text| {
            good(text.to_owned(), |starter, kind| {
                starter.instance_type = Some(kind)
            })
        })?,
    };
    Ok(Starter {
        name: Some(name),
        region,
        ssh_from,
        key,
        instance_type,
    })
}

/// Whether a manifest with these values is a good one. The key is not looked at: it may be yet to be
/// made.
pub fn check(starter: &Starter) -> Result<()> {
    let unkeyed = Starter {
        key: None,
        ..starter.clone()
    };
    mistake(&unkeyed).map_or(Ok(()), |why| Err(CliError::new(why)))
}

/// The answer to a question, or what is known without a terminal to prompt on.
fn or_asked(
    ui: &Ui,
    question: &str,
    known: Option<String>,
    check: impl Fn(&str) -> std::result::Result<String, String>,
) -> Result<Option<String>> {
    if ui.interactive {
        return ask(question, known.as_deref(), check).map(Some);
    }
    Ok(known)
}

/// A value, if a manifest that has it is a good one.
fn good(value: String, put: impl Fn(&mut Starter, String)) -> std::result::Result<String, String> {
    let mut starter = Starter::default();
    put(&mut starter, value.clone());
    mistake(&starter).map_or(Ok(value), Err)
}

/// The first mistake of a manifest, in one line.
fn mistake(starter: &Starter) -> Option<String> {
    let source = Source {
        name: "cluster.toml".to_owned(),
        text: starter.text().into(),
        dir: Path::new("").to_owned(),
    };
    let errors = manifest::parse(&source, &Variables::default()).err()?;
    errors
        .errors()
        .first()
        .map(|error| match miette::Diagnostic::help(error) {
            Some(help) => format!("{error}: {help}"),
            None => error.to_string(),
        })
}

/// A name that a cluster can have, or why this is none.
fn named(name: &str) -> std::result::Result<String, String> {
    let form = "lower-case letters, digits and hyphens, beginning with a letter, at most";
    match sanitised(name) {
        Some(near) if near == name => Ok(near),
        Some(near) => Err(format!(
            "`{name}` cannot be the name of a cluster ({form} {LONGEST}): `{near}` can"
        )),
        None => Err(format!(
            "`{name}` cannot be the name of a cluster ({form} {LONGEST})"
        )),
    }
}

fn directory_name(directory: &Path) -> Option<String> {
    let name = match directory.file_name() {
        Some(name) => name.to_owned(),
        None => directory.canonicalize().ok()?.file_name()?.to_owned(),
    };
    sanitised(name.to_str()?)
}

/// The nearest name that a cluster can have.
fn sanitised(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' => out.push(c),
            '0'..='9' if !out.is_empty() => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.truncate(LONGEST);
    let out = out.trim_end_matches('-');
    (!out.is_empty()).then(|| out.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_from_a_directorys() {
        let cases = [
            ("sandbox", Some("sandbox")),
            ("My Project_2", Some("my-project-2")),
            ("2nd", Some("nd")),
            ("巣箱", None),
            ("--", None),
        ];
        for (name, made) in cases {
            assert_eq!(sanitised(name).as_deref(), made, "{name}");
        }
    }

    #[test]
    fn a_value_that_no_manifest_takes_is_no_answer() {
        let region = |text: &str| good(text.to_owned(), |starter, region| starter.region = Some(region));
        assert_eq!(region("eu-central-1").as_deref(), Ok("eu-central-1"));
        for bad in ["eu-central-1a", "Frankfurt", ""] {
            assert!(region(bad).is_err(), "{bad}");
        }
        let from = |text: &str| {
            good(address::as_range(text), |starter, range| {
                starter.ssh_from = Some(range)
            })
        };
        assert_eq!(from("9.9.9.9").as_deref(), Ok("9.9.9.9/32"));
        for bad in ["9.9.9", "9.9.9.9/33", "me"] {
            assert!(from(bad).is_err(), "{bad}");
        }
    }
}
