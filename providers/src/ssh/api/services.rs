//! Services.

use std::collections::BTreeMap;

use serde_json::json;
use subako_world::service::Ids;
use subako_world::{Code, Failure, FileKind, FileMount, Result, Service, ServiceSpec};

use super::client::{Api, filters};
use super::read::{elements, text};
use super::service_read::read_service;

impl Api<'_> {
    /// Every service, sorted by name.
    pub(in crate::ssh) async fn services(&self) -> Result<Vec<Service>> {
        let doing = self.doing("list the services");
        let answer = self.get(&doing, "/services").await?;
        let networks = self.networks_by_name().await?;
        let ids = Ids::new(networks);
        let mut services = Vec::new();
        for service in elements(&doing, &answer)? {
            services.extend(read_service(&doing, service, &ids)?);
        }
        services.sort_by(|a, b| (&a.spec.name, &a.id).cmp(&(&b.spec.name, &b.id)));
        Ok(services)
    }

    /// The service of exactly this name. A filter by name finds every name that begins so.
    pub(in crate::ssh) async fn service(&self, name: &str) -> Result<Option<Service>> {
        let doing = self.doing(&format!("read service {name}"));
        let query = filters(&[("name", name)]);
        let answer = self.get(&doing, &format!("/services?{query}")).await?;
        let found = elements(&doing, &answer)?
            .iter()
            .find(|service| text(service, "/Spec/Name") == name);
        let Some(service) = found else {
            return Ok(None);
        };
        read_service(&doing, service, &Ids::new(self.networks_by_name().await?))
    }

    /// Creates a service; returns its id.
    pub(in crate::ssh) async fn create_service(&self, spec: &ServiceSpec) -> Result<String> {
        let doing = self.doing(&format!("create service {}", spec.name));
        let ids = self.ids(spec).await?;
        let auth = self.registry_auth(&doing, &spec.image).await?;
        let body = spec.to_engine(&json!({}), &ids);
        let answer = match self
            .post_with(&doing, "/services/create", Some(&body), auth.as_ref())
            .await
        {
            Ok(answer) => answer,
            Err(failure) => return Err(self.name_first(&doing, spec, failure).await),
        };
        match text(&answer, "/ID") {
            "" => Err(Failure::unknown(doing, "the Docker Engine named no id for it")),
            id => Ok(id.to_owned()),
        }
    }

    /// The failure of a creation. The engine looks at ports before it looks at names: a service that
    /// exists already would be said to clash with its own ports.
    async fn name_first(&self, doing: &str, spec: &ServiceSpec, failure: Failure) -> Failure {
        if failure.code != Code::Taken {
            return failure;
        }
        match self.service_id(doing, &spec.name).await {
            Ok(Some(_)) => {
                let message = format!("service {} already exists", spec.name);
                Failure::not_applied(doing, message).with_code(Code::AlreadyExists)
            }
            // The engine's word stands: it refused, and that is certain.
            Ok(None) | Err(_) => failure,
        }
    }

    /// Changes a service, leaving what nobody manages as it is; `force` recreates all tasks.
    pub(in crate::ssh) async fn update_service(&self, spec: &ServiceSpec, force: bool) -> Result<()> {
        let doing = self.doing(&format!("update service {}", spec.name));
        let ids = self.ids(spec).await?;
        let Some(id) = self.service_id(&doing, &spec.name).await? else {
            return Err(Failure::not_applied(doing, "there is no such service").with_code(Code::NotFound));
        };
        let auth = self.registry_auth(&doing, &spec.image).await?;
        let path = format!("/services/{id}");
        self.modify_with(&doing, &path, auth.as_ref(), |current| {
            let mut changed = spec.to_engine(current, &ids);
            if force {
                let forced = super::read::number(current, "/TaskTemplate/ForceUpdate").unwrap_or(0);
                changed["TaskTemplate"]["ForceUpdate"] = json!(forced + 1);
            }
            Some(changed)
        })
        .await
    }

    /// Hands every service the login that the Docker client's configuration has for its image now.
    /// One whose update is paused is left alone: an update would hide that.
    pub(in crate::ssh) async fn refresh_logins(&self) -> Result<()> {
        if !self.link.shared.logins_are_due() {
            return Ok(());
        }
        let doing = self.doing("hand on logins to registries");
        let answer = self.get(&doing, "/services").await?;
        for service in elements(&doing, &answer)? {
            let image = text(service, "/Spec/TaskTemplate/ContainerSpec/Image");
            let paused = text(service, "/UpdateStatus/State").ends_with("paused");
            let Some(auth) = self.registry_auth(&doing, image).await?.filter(|_| !paused) else {
                continue;
            };
            let path = format!("/services/{}", text(service, "/ID"));
            self.modify_with(&doing, &path, Some(&auth), |current| Some(current.clone()))
                .await?;
        }
        self.link.shared.logins_are_handed_on();
        Ok(())
    }

    /// Removes a service; fine if unknown.
    pub(in crate::ssh) async fn remove_service(&self, name: &str) -> Result<()> {
        let doing = self.doing(&format!("remove service {name}"));
        match self.service_id(&doing, name).await? {
            Some(id) => self.delete(&doing, &format!("/services/{id}")).await,
            None => Ok(()),
        }
    }

    /// Names by id, of all services or only of those whose name begins with `prefix`.
    pub(super) async fn service_names(
        &self,
        doing: &str,
        prefix: Option<&str>,
    ) -> Result<BTreeMap<String, String>> {
        let query = prefix.map(|prefix| format!("?{}", filters(&[("name", prefix)])));
        let answer = self
            .get(doing, &format!("/services{}", query.unwrap_or_default()))
            .await?;
        Ok(elements(doing, &answer)?
            .iter()
            .map(|service| {
                (
                    text(service, "/ID").to_owned(),
                    text(service, "/Spec/Name").to_owned(),
                )
            })
            .collect())
    }

    /// The id of the service of exactly this name: given a name, the engine would also take it
    /// for the beginning of another service's id.
    async fn service_id(&self, doing: &str, name: &str) -> Result<Option<String>> {
        let names = self.service_names(doing, Some(name)).await?;
        Ok(names
            .into_iter()
            .find(|(_, found)| found == name)
            .map(|(id, _)| id))
    }

    async fn networks_by_name(&self) -> Result<BTreeMap<String, String>> {
        Ok(self
            .networks()
            .await?
            .into_iter()
            .map(|network| (network.spec.name, network.id))
            .collect())
    }

    /// The ids of what a spec names. Files are only asked for where it names any.
    async fn ids(&self, spec: &ServiceSpec) -> Result<Ids> {
        let ids = Ids::new(self.networks_by_name().await?);
        let secrets = self.file_ids(FileKind::Secret, &spec.secrets).await?;
        let configs = self.file_ids(FileKind::Config, &spec.configs).await?;
        Ok(ids.with_files(secrets, configs))
    }

    async fn file_ids(&self, kind: FileKind, mounts: &[FileMount]) -> Result<BTreeMap<String, String>> {
        if mounts.is_empty() {
            return Ok(BTreeMap::new());
        }
        let files = self.files(kind).await?.into_iter();
        Ok(files.map(|file| (file.spec.name, file.id)).collect())
    }
}
