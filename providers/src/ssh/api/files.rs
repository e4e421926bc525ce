//! Secrets and configs: two names for the same calls.

use serde_json::{Value, json};
use subako_world::{Content, Failure, FileKind, FileSpec, Result, SwarmFile};

use super::client::{Api, filters};
use super::read::{elements, map, text};
use crate::ssh::base64;

fn path(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Secret => "/secrets",
        FileKind::Config => "/configs",
    }
}

impl Api<'_> {
    /// Every secret or config, sorted by name. A config's content comes along, and is dropped.
    pub(in crate::ssh) async fn files(&self, kind: FileKind) -> Result<Vec<SwarmFile>> {
        let doing = self.doing(&format!("list the {}s", kind.word()));
        let answer = self.get(&doing, path(kind)).await?;
        let mut files: Vec<SwarmFile> = elements(&doing, &answer)?.iter().map(read_file).collect();
        files.sort_by(|a, b| (&a.spec.name, &a.id).cmp(&(&b.spec.name, &b.id)));
        Ok(files)
    }

    /// Creates a secret or config; returns its id.
    pub(in crate::ssh) async fn create_file(
        &self,
        kind: FileKind,
        spec: &FileSpec,
        content: &Content,
    ) -> Result<String> {
        let doing = self.doing(&format!("create {} {}", kind.word(), spec.name));
        let body = json!({
            "Name": spec.name,
            "Labels": spec.labels,
            "Data": base64::encode(content.expose()),
        });
        let answer = self
            .post(&doing, &format!("{}/create", path(kind)), Some(&body))
            .await?;
        match text(&answer, "/ID") {
            "" => Err(Failure::unknown(doing, "the Docker Engine named no id for it")),
            id => Ok(id.to_owned()),
        }
    }

    /// Removes a secret or config; fine if unknown.
    pub(in crate::ssh) async fn remove_file(&self, kind: FileKind, name: &str) -> Result<()> {
        let doing = self.doing(&format!("remove {} {name}", kind.word()));
        // A filter by name finds every name that begins so.
        let query = filters(&[("name", name)]);
        let answer = self.get(&doing, &format!("{}?{query}", path(kind))).await?;
        let found = elements(&doing, &answer)?
            .iter()
            .map(read_file)
            .find(|file| file.spec.name == name);
        match found {
            Some(file) => self.delete(&doing, &format!("{}/{}", path(kind), file.id)).await,
            None => Ok(()),
        }
    }
}

fn read_file(file: &Value) -> SwarmFile {
    SwarmFile {
        id: text(file, "/ID").to_owned(),
        spec: FileSpec {
            labels: map(file, "/Spec/Labels"),
            name: text(file, "/Spec/Name").to_owned(),
        },
    }
}
