//! `[docker]`.

use std::collections::BTreeMap;

use super::network::{Named, overlaps};
use super::value;
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Range4;
use crate::manifest::model::Docker;
use crate::manifest::raw::{self, LogDriver};
use crate::manifest::span::At;

/// Three files of ten megabytes a container: 8 GiB have room for many of those.
const DEFAULT_MAX_SIZE: u64 = 10 << 20;
const DEFAULT_MAX_FILE: u64 = 3;
/// The networks of one host are cut from pools in blocks of this mask.
const BLOCK: u8 = 24;

/// Checks the settings of the engines. Those of a manifest without the section are the defaults.
pub fn check(cx: &mut Context<'_>, raw: Option<At<raw::Docker>>) -> Docker {
    let is_written = raw.is_some();
    let raw = raw.map(|at| at.value).unwrap_or_default();
    let driver = raw.log_driver.as_ref().map_or(LogDriver::JsonFile, |at| at.value);
    let of_files = [
        raw.log_max_size.as_ref().map(|at| ("log_max_size", at.span)),
        raw.log_max_file.as_ref().map(|at| ("log_max_file", at.span)),
    ];
    for (key, span) in of_files.into_iter().flatten().filter(|_| !driver.rotates()) {
        let mut error = ManifestError::new(
            Code::Conflict,
            format!("`{key}` is of no use to the log driver \"{}\"", driver.word()),
        )
        .at(span, "it keeps no files");
        if let Some(at) = &raw.log_driver {
            error = error.at(at.span, "this driver");
        }
        cx.report(error.help(format!("leave `{key}` out, or choose \"json-file\" or \"local\"")));
    }
    let mut log_options = BTreeMap::new();
    if driver.rotates() {
        let size = raw.log_max_size.map_or(DEFAULT_MAX_SIZE, |at| at.value.0);
        let files = raw.log_max_file.map_or(DEFAULT_MAX_FILE, |at| at.0);
        log_options.insert("max-size".to_owned(), spelled(size));
        log_options.insert("max-file".to_owned(), files.to_string());
    }
    let pools = value(raw.address_pools).0;
    for pool in pools.iter().filter(|pool| pool.mask() > BLOCK) {
        cx.report(
            ManifestError::new(
                Code::Conflict,
                format!("no network of size /{BLOCK} fits into {}", pool.value),
            )
            .at(pool.span, "this range is smaller")
            .help("give a wider range"),
        );
    }
    let named = |pool: &At<Range4>| Named {
        name: pool.to_string(),
        range: pool.value,
        span: pool.span,
    };
    overlaps(cx, "the ranges", pools.iter().map(named).collect());
    Docker {
        is_written,
        log_driver: driver.word().to_owned(),
        log_options,
        bip: raw.bip.map(|bip| bip.value.0),
        address_pools: pools.iter().map(|pool| pool.to_string()).collect(),
        registry_mirrors: value(raw.registry_mirrors)
            .0
            .into_iter()
            .map(|mirror| mirror.value.0)
            .collect(),
    }
}

/// A size as Docker writes it, in the largest unit that it is a whole number of.
fn spelled(bytes: u64) -> String {
    let units = [(30, "g"), (20, "m"), (10, "k")];
    let whole = units
        .iter()
        .find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    match whole {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_said_in_the_largest_unit_that_is_whole() {
        for (bytes, text) in [
            (10 << 20, "10m"),
            (1 << 30, "1g"),
            (1536 << 20, "1536m"),
            (5 << 10, "5k"),
            (1000, "1000"),
        ] {
            assert_eq!(spelled(bytes), text);
        }
    }
}
