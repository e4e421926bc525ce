//! A deprecated image is hidden from whoever does not ask for it by `ImageId` or with
//! `IncludeDeprecated`; a filter by `image-id` hides it as well.
//!
//! Source: EC2 user guide, "Deprecate an Amazon EC2 AMI"; packer-plugin-amazon#261,
//! karpenter-provider-aws#6393. Amazon deprecates its own 90 days after their release.

use std::collections::BTreeSet;

use super::{Behaviour, Call, Node};

/// Which images are deprecated.
#[derive(Default)]
pub struct Deprecated {
    images: BTreeSet<String>,
    once_used: bool,
}

impl Deprecated {
    /// These.
    pub fn images<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            images: ids.into_iter().map(str::to_owned).collect(),
            once_used: false,
        }
    }

    /// Each image once an instance was run from it: as if ninety days had passed.
    pub fn once_used() -> Self {
        Self {
            once_used: true,
            ..Self::default()
        }
    }
}

impl Behaviour for Deprecated {
    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action == "RunInstances" && self.once_used {
            let used = call.get("ImageId").map(str::to_owned);
            self.images.extend(used);
        }
        let asked = !call.list("ImageId").is_empty() || call.get("IncludeDeprecated") == Some("true");
        if call.action == "DescribeImages"
            && !asked
            && let Some(images) = answer.list_mut("imagesSet")
        {
            images.retain(|image| !self.images.contains(image.text(&["imageId"])));
        }
    }
}
