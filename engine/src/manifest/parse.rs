//! The way from text to manifest.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::check::{self, Surroundings};
use super::decode::{Context, Decode, FromText as _};
use super::error::ManifestErrors;
use super::formats::ClusterName;
use super::known::Known;
use super::lines::Lines;
use super::model::{Manifest, Provider, StateBackend};
use super::raw::{self, Document};
use super::source::{Disk, Files, Source, Variables};
use super::source_text::SourceText;
use super::span::At;
use super::syntax::{syntax_error, yaml};

/// After so many mistakes of syntax, what follows is mostly their echo.
const MOST_SYNTAX_ERRORS: usize = 10;

/// Reads a manifest, its public key from disk included. Fails with every mistake in it.
pub fn parse(source: &Source, variables: &Variables) -> Result<Manifest, ManifestErrors> {
    parse_with(source, variables, &Disk)
}

/// Which cluster a text is about, and where its state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: Provider,
    /// What keeps its state.
    pub state: StateBackend,
}

/// The cluster that a text is about, whatever else is wrong with it; `None` if that, or where its
/// state is, cannot be read either.
pub fn identity(source: &Source, variables: &Variables) -> Option<Identity> {
    let (table, _) = DeTable::parse_recoverable(&source.text);
    let known = Known::of(table.get_ref(), variables);
    let section = |name| table.get_ref().get(name);
    let mut cx = Context::new(&source.text, &known, Document::keys());
    let cluster = raw::Cluster::decode(&mut cx, "cluster", section("cluster")?)?;
    let cluster = check::cluster(&mut cx, cluster);
    let region = match section("aws") {
        Some(aws) => raw::Aws::decode(&mut cx, "aws", aws).map(|aws| check::aws(&mut cx, aws).region),
        None => None,
    };
    let state = match section("state") {
        Some(state) => Some(At {
            value: raw::State::decode(&mut cx, "state", state)?,
            span: state.span().into(),
        }),
        None => None,
    };
    let state = check::state(&mut cx, state, region.flatten().as_deref());
    (cx.mistakes() == 0).then_some(Identity {
        name: cluster.name,
        provider: cluster.provider,
        state,
    })
}

/// The values of the variables that a manifest refers to, for who reads it again where they are not
/// given. Defaults stand in the manifest, and contents of secrets are not among them.
pub fn used(source: &Source, variables: &Variables) -> Variables {
    let (table, _) = DeTable::parse_recoverable(&source.text);
    Known::of(table.get_ref(), variables).used_in(&source.text)
}

/// Whether a name is one that a cluster can have.
pub fn is_cluster_name(name: &str) -> bool {
    ClusterName::from_text(name).is_ok()
}

/// As [`parse`], with the files that the manifest names read through `files`.
pub fn parse_with(
    source: &Source,
    variables: &Variables,
    files: &dyn Files,
) -> Result<Manifest, ManifestErrors> {
    let fail = |errors| {
        Err(ManifestErrors::new(
            &Arc::new(SourceText::new(&source.name, &source.text)),
            errors,
        ))
    };
    let (table, syntax) = DeTable::parse_recoverable(&source.text);
    if !syntax.is_empty() {
        if let Some(yaml) = yaml(&source.text) {
            return fail(vec![yaml]);
        }
        return fail(
            syntax
                .iter()
                .take(MOST_SYNTAX_ERRORS)
                .map(|e| syntax_error(e, &source.text))
                .collect(),
        );
    }
    // What the manifest lacks as a whole is missing at its end.
    let lines = Lines::of(&source.text, table.get_ref());
    let inner = table.get_ref().clone();
    let known = Known::of(&inner, variables);
    let end = source.text.trim_end().len();
    let root = toml::Spanned::new(end..end, DeValue::Table(table.into_inner()));
    let mut cx = Context::new(&source.text, &known, Document::keys());
    let document = Document::decode(&mut cx, "manifest", &root).unwrap_or_default();
    let mut manifest = check::manifest(
        &mut cx,
        document,
        &Surroundings {
            source,
            variables,
            files,
        },
    );
    let mut errors = cx.into_errors();
    for error in &mut errors {
        error.keep_back(&known.sensitive());
    }
    if errors.is_empty() {
        manifest.lines = lines;
        Ok(manifest)
    } else {
        fail(errors)
    }
}
