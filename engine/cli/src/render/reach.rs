//! A path, for people and for machines.

use std::fmt::Write as _;

use serde::Serialize;
use subako_engine::reach::{Hop, Origin, Path, Stop, Target};

use super::document::{self, UnfinishedRun};
use crate::error::Result;
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// The path, a hop a line, and where it stops.
pub fn text(from: &Origin, to: &Target, path: &Path, paint: Paint) -> String {
    let mut out = String::new();
    let (word, meaning) = match path.arrives() {
        true => ("reaches", Meaning::Good),
        false => ("does not reach", Meaning::Error),
    };
    let ends = (plain(from).to_string(), plain(to).to_string());
    let _ = writeln!(out, "{} {} {}", ends.0, paint.of(meaning, word), ends.1);
    for hop in &path.hops {
        let _ = writeln!(out, "  {} {}", paint.of(Meaning::Good, "ok"), plain(hop));
    }
    if let Some(stop) = &path.stop {
        let _ = writeln!(out, "  {} {}", paint.of(Meaning::Error, "stop"), plain(stop));
        let _ = writeln!(out, "  {}: {}", paint.of(Meaning::Note, "help"), stop.remedy());
    }
    if let Some((open, total)) = path.entries.filter(|(open, total)| open < total && *open > 0) {
        let _ = writeln!(out, "  through {open} of {total} nodes");
    }
    let _ = writeln!(
        out,
        "  {}",
        paint.of(
            Meaning::Dim,
            "Proven from the manifest, subnets and routes. Not read: network ACLs, firewalls on hosts, whether something listens."
        )
    );
    out
}

#[derive(Serialize)]
struct PathView<'a> {
    from: String,
    to: String,
    reaches: bool,
    hops: Vec<HopView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<StopView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<NodesView>,
}

#[derive(Serialize)]
struct HopView<'a> {
    text: String,
    #[serde(flatten)]
    hop: &'a Hop,
}

#[derive(Serialize)]
struct StopView<'a> {
    text: String,
    help: &'static str,
    #[serde(flatten)]
    stop: &'a Stop,
}

#[derive(Serialize)]
struct NodesView {
    open: usize,
    all: usize,
}

/// The document, one line and a newline.
pub fn json(from: &Origin, to: &Target, path: &Path, unfinished: Option<&UnfinishedRun>) -> Result<String> {
    let hop = |hop| HopView {
        text: ToString::to_string(hop),
        hop,
    };
    let view = PathView {
        from: from.to_string(),
        to: to.to_string(),
        reaches: path.arrives(),
        hops: path.hops.iter().map(hop).collect(),
        stop: path.stop.as_ref().map(|stop| StopView {
            text: stop.to_string(),
            help: stop.remedy(),
            stop,
        }),
        nodes: path.entries.map(|(open, all)| NodesView { open, all }),
    };
    document::json("the path", &view, unfinished)
}
