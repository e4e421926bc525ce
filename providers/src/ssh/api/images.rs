//! What registries say of images.

use std::time::Duration;

use hyper::Method;
use subako_world::{Failure, Result, Secret};

use super::answer::Effect;
use super::client::{Api, accept};
use super::read::text;
use crate::ssh::engine_http::Sent;
use crate::ssh::registry;

/// How long a registry may take. A network that swallows everything must not hold up each service
/// for the whole minute that a call may take: without a digest it goes on, too.
const ANSWER: Duration = Duration::from_secs(15);

impl Api<'_> {
    /// The login to the image's registry; `None` where the manifest or its file names none.
    pub(super) async fn registry_auth(&self, doing: &str, image: &str) -> Result<Option<Secret>> {
        match &self.link.shared.options.docker_config {
            Some(file) => registry::login(file, image)
                .await
                .map_err(|error| error.into_failure(doing)),
            None => Ok(None),
        }
    }

    /// The digest that the image's registry has for it.
    pub(in crate::ssh) async fn image_digest(&self, image: &str) -> Result<String> {
        let doing = self.doing(&format!("look up the image {image}"));
        let auth = self.registry_auth(&doing, image).await?;
        // The engine routes by the path as it is: slashes and colons of the name stay.
        let path = format!("/distribution/{image}/json");
        let sent = Sent {
            auth: auth.as_ref(),
            ..Sent::new(Method::GET, &path)
        };
        let reply = self
            .exchange_within(&doing, Effect::Reads, sent, ANSWER.min(self.deadline()))
            .await?;
        let answer = accept(&doing, Effect::Reads, reply)?;
        match text(&answer, "/Descriptor/digest") {
            "" => Err(Failure::not_applied(doing, "the registry named no digest")),
            digest => Ok(digest.to_owned()),
        }
    }
}
