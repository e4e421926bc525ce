//! Between the SDK's types and the seam's.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{self, Filter, HttpTokensState, ResourceType, Tag, TagSpecification};
use subako_world::{Instance, InstanceState, Ownership};

/// A filter with one value or more.
pub(super) fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    let values = values.into_iter().map(Into::into).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// A filter on a tag.
pub(super) fn tagged(key: &str, value: &str) -> Filter {
    filter(&format!("tag:{key}"), [value])
}

/// The token of the page after this one; EC2 ends with none, or with an empty one.
pub(super) fn next_page(token: Option<&str>) -> Option<String> {
    token.filter(|token| !token.is_empty()).map(str::to_owned)
}

/// Tags as a map.
pub(super) fn tag_map(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// Tags as the SDK wants them.
pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// The user's tags and the ownership: what a created object carries.
pub(super) fn all_tags(tags: &BTreeMap<String, String>, ownership: &Ownership) -> BTreeMap<String, String> {
    let mut all = tags.clone();
    all.extend(ownership.tags());
    all
}

/// Tags for something that the call creates.
pub(super) fn tag_specification(what: ResourceType, tags: &BTreeMap<String, String>) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(what)
        .set_tags(Some(tag_list(tags)))
        .build()
}

/// A text field that EC2 leaves out when it is empty.
pub(super) fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// An instance with what the seam does not name.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The instance, its disk and protection not read.
    pub(super) instance: Instance,
    /// The root volume, `vol-…`.
    pub(super) root_volume: Option<String>,
    /// Why EC2 changed its state.
    pub(super) reason: Option<String>,
    /// The code of that reason.
    pub(super) reason_code: Option<String>,
}

/// Reads an instance; `None` if it has no id or a state that this version does not know.
pub(super) fn instance(seen: &types::Instance) -> Option<Seen> {
    let state = state(seen.state()?.name()?)?;
    let mut security_group_ids: Vec<String> = seen
        .security_groups()
        .iter()
        .filter_map(|group| group.group_id().map(str::to_owned))
        .collect();
    security_group_ids.sort();
    let attached =
        |mapping: &types::InstanceBlockDeviceMapping| mapping.ebs()?.volume_id().map(str::to_owned);
    let mappings = seen.block_device_mappings();
    let root_volume = mappings
        .iter()
        .find(|mapping| mapping.device_name().is_some() && mapping.device_name() == seen.root_device_name())
        .and_then(attached);
    let instance = Instance {
        id: seen.instance_id()?.to_owned(),
        state,
        image_id: text(seen.image_id()),
        instance_type: seen
            .instance_type()
            .map(|t| t.as_str().to_owned())
            .unwrap_or_default(),
        subnet_id: text(seen.subnet_id()),
        zone: text(seen.placement().and_then(|p| p.availability_zone())),
        security_group_ids,
        key_name: seen.key_name().map(str::to_owned),
        private_ip: text(seen.private_ip_address()),
        public_ip: seen
            .public_ip_address()
            .filter(|ip| !ip.is_empty())
            .map(str::to_owned),
        disk_gib: None,
        disk_encrypted: None,
        protect: None,
        imdsv2_required: seen.metadata_options().and_then(|m| m.http_tokens())
            == Some(&HttpTokensState::Required),
        tags: tag_map(seen.tags()),
    };
    let reason = seen
        .state_reason()
        .and_then(|reason| reason.message().or(reason.code()))
        .or(seen.state_transition_reason())
        .filter(|text| !text.is_empty())
        .map(str::to_owned);
    Some(Seen {
        instance,
        root_volume,
        reason,
        reason_code: seen
            .state_reason()
            .and_then(|reason| reason.code())
            .map(str::to_owned),
    })
}

/// The seam's state for EC2's.
pub(super) fn state(name: &types::InstanceStateName) -> Option<InstanceState> {
    use types::InstanceStateName as Name;
    Some(match name {
        Name::Pending => InstanceState::Pending,
        Name::Running => InstanceState::Running,
        Name::Stopping => InstanceState::Stopping,
        Name::Stopped => InstanceState::Stopped,
        Name::ShuttingDown => InstanceState::ShuttingDown,
        Name::Terminated => InstanceState::Terminated,
        _ => return None,
    })
}
