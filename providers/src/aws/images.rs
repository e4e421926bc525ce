//! Images: from what the manifest says to an id.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Image, ImageState};
use futures::future::try_join_all;
use subako_world::{Code, Failure, Family, ImageAnswer, ImageQuery, Result};

use super::cloud::Inner;
use super::convert::{filter, next_page, text};
use super::operations::Op;
use super::types::Architecture;
use crate::codes::Ec2Code as _;

/// How EC2 is asked for an image.
enum Query {
    /// By its id.
    Id,
    /// By its name and publishers.
    Name {
        owners: &'static [&'static str],
        pattern: String,
    },
}

/// Whether a manifest names an image by its id.
fn is_id(ami: &str) -> bool {
    ami.starts_with("ami-")
}

impl Inner {
    /// Answers all queries: one read of the instance types, and one an image and architecture.
    pub(super) async fn images(&self, queries: &[ImageQuery]) -> Result<BTreeMap<ImageQuery, ImageAnswer>> {
        if queries.is_empty() {
            return Ok(BTreeMap::new());
        }
        let types: BTreeSet<&str> = queries.iter().map(|query| query.instance_type.as_str()).collect();
        let described = self.described(&types).await?.unwrap_or_default();
        let architecture = |query: &ImageQuery| {
            let known = described.get(&query.instance_type);
            known.map_or_else(
                || Architecture::by_name(&query.instance_type),
                |known| known.architecture,
            )
        };
        let wanted: BTreeSet<(&str, Architecture)> = queries
            .iter()
            .map(|query| (query.ami.as_str(), architecture(query)))
            .collect();
        let found = try_join_all(wanted.into_iter().map(|(ami, architecture)| async move {
            let answer = self.image(ami, architecture).await?;
            Ok(((ami, architecture), answer))
        }))
        .await?;
        let found: BTreeMap<(&str, Architecture), ImageAnswer> = found.into_iter().collect();
        Ok(queries
            .iter()
            .filter_map(|query| {
                let answer = found.get(&(query.ami.as_str(), architecture(query)))?;
                Some((query.clone(), answer.clone()))
            })
            .collect())
    }

    async fn image(&self, ami: &str, architecture: Architecture) -> Result<ImageAnswer> {
        let doing = format!("look up image {ami} for {}", architecture.name());
        let images = match self.query(ami, architecture, &doing)? {
            Query::Id => self.images_by_id(ami, &doing).await?,
            Query::Name { owners, pattern } => self.images_by_name(owners, &pattern, &doing).await?,
        };
        let (fitting, others): (Vec<Image>, Vec<Image>) = images
            .into_iter()
            .partition(|image| image.architecture().map(|a| a.as_str()) == Some(architecture.name()));
        let newest = fitting.iter().max_by(|a, b| {
            (a.creation_date(), a.name(), a.image_id()).cmp(&(b.creation_date(), b.name(), b.image_id()))
        });
        let Some(image) = newest else {
            return Err(self.no_image(&doing, is_id(ami), others.first(), architecture));
        };
        self.remember_root_device(image).await;
        Ok(ImageAnswer {
            image_id: text(image.image_id()),
            name: text(image.name()),
        })
    }

    /// What EC2 is asked for an image that a manifest calls `ami`.
    fn query(&self, ami: &str, architecture: Architecture, doing: &str) -> Result<Query> {
        if is_id(ami) {
            return Ok(Query::Id);
        }
        if let Some(family) = Family::named(ami) {
            let word = match architecture {
                Architecture::X86 => family.x86_64,
                Architecture::Arm => family.arm64,
            };
            return Ok(Query::Name {
                owners: family.owners,
                pattern: family.pattern.replace("{arch}", word),
            });
        }
        if ami.contains(['*', '?']) {
            return Ok(Query::Name {
                owners: &["self", "amazon"],
                pattern: ami.to_owned(),
            });
        }
        let known = Family::names();
        Err(
            Failure::not_applied(doing, "it is neither an id, nor a family, nor a pattern")
                .with_ec2_code("InvalidAMIName")
                .with_hint(format!(
                    "write an id (ami-…), a name pattern with `*`, or one of {}",
                    known.join(", ")
                )),
        )
    }

    /// The image with that id, if it can be booted: deprecated ones are found by their id.
    async fn images_by_id(&self, id: &str, doing: &str) -> Result<Vec<Image>> {
        let asked = self.api.call(Op::DescribeImages, doing, || {
            self.api.ec2.describe_images().image_ids(id).send()
        });
        match asked.await {
            Ok(answer) => {
                let images = answer.images.unwrap_or_default().into_iter();
                Ok(images
                    .filter(|image| image.state() == Some(&ImageState::Available))
                    .collect())
            }
            Err(failure) if failure.code == Code::NotFound => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    /// The images with such names. Deprecated ones count where there are no others: of a family
    /// that is at its end, or of an old release that is named.
    async fn images_by_name(&self, owners: &[&str], pattern: &str, doing: &str) -> Result<Vec<Image>> {
        let current = self.describe_images(owners, pattern, false, doing).await?;
        match current.is_empty() {
            true => self.describe_images(owners, pattern, true, doing).await,
            false => Ok(current),
        }
    }

    fn no_image(
        &self,
        doing: &str,
        by_id: bool,
        other: Option<&Image>,
        architecture: Architecture,
    ) -> Failure {
        let region = self.region();
        if let Some(other) = other {
            let has = other
                .architecture()
                .map(|a| a.as_str())
                .unwrap_or("an unknown architecture");
            return Failure::not_applied(
                doing,
                format!("it is for {has}, the instance type for {}", architecture.name()),
            )
            .with_ec2_code("InvalidAMIArchitecture")
            .with_hint("choose another `ami` or another `instance_type`");
        }
        let message = if by_id {
            format!("it does not exist in {region}, or is not shared with this account")
        } else {
            format!("no image in {region} has such a name")
        };
        Failure::not_applied(doing, message)
            .with_ec2_code("InvalidAMIID.NotFound")
            .with_hint("images differ from region to region: check `ami` and the region")
    }

    async fn describe_images(
        &self,
        owners: &[&str],
        pattern: &str,
        include_deprecated: bool,
        doing: &str,
    ) -> Result<Vec<Image>> {
        let owners: Vec<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
        let filters = [filter("name", [pattern]), filter("state", ["available"])];
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeImages, doing, || {
                    self.api
                        .ec2
                        .describe_images()
                        .set_owners(Some(owners.clone()))
                        .set_filters(Some(filters.to_vec()))
                        .set_include_deprecated(include_deprecated.then_some(true))
                        .max_results(1000)
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            found.extend(page.images().iter().cloned());
            next = next_page(page.next_token());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn remember_root_device(&self, image: &Image) {
        if let Some((id, device)) = image.image_id().zip(image.root_device_name()) {
            let mut known = self.root_devices.lock().await;
            known.insert(id.to_owned(), device.to_owned());
        }
    }

    /// The root device of an image; the lock is held while reading, so that instances that start
    /// together read it once.
    pub(super) async fn root_device(&self, image_id: &str, doing: &str) -> Result<String> {
        let mut known = self.root_devices.lock().await;
        if let Some(device) = known.get(image_id) {
            return Ok(device.clone());
        }
        let images = self.images_by_id(image_id, doing).await?;
        let device = images.first().and_then(Image::root_device_name);
        match device {
            Some(device) => {
                known.insert(image_id.to_owned(), device.to_owned());
                Ok(device.to_owned())
            }
            None => Err(Failure::not_applied(
                doing,
                format!(
                    "image {image_id} does not exist in {}, or has no root device",
                    self.region()
                ),
            )
            .with_ec2_code("InvalidAMIID.NotFound")
            .with_hint("plan again: the image may have been withdrawn")),
        }
    }
}
