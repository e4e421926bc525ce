//! `protect` of services, networks, secrets and configs.

use std::collections::BTreeSet;

use subako_state::Address;

use crate::manifest::decode::Named;
use crate::manifest::raw::Document;
use crate::manifest::span::At;

/// The resources that a document protects, those of pools left out.
pub fn of(document: &Document) -> BTreeSet<Address> {
    let mut protected = BTreeSet::new();
    let mut add = |kind: &str, name: Option<&str>, protect: &Option<At<bool>>| {
        if let (Some(name), Some(At { value: true, .. })) = (name, protect) {
            protected.insert(Address::new(kind, name));
        }
    };
    for network in document.network.iter().flat_map(|networks| &networks.0) {
        add(
            "network",
            network.name.as_ref().map(|name| name.0.as_str()),
            &network.protect,
        );
    }
    for service in document.service.iter().flat_map(|services| &services.0) {
        add(
            "service",
            service.name.as_ref().map(|name| name.0.as_str()),
            &service.protect,
        );
    }
    if let Some(At {
        value: Named(secrets),
        ..
    }) = &document.secret
    {
        for (name, secret) in secrets {
            add("secret", Some(name.as_str()), &secret.protect);
        }
    }
    if let Some(At {
        value: Named(configs),
        ..
    }) = &document.config
    {
        for (name, config) in configs {
            add("config", Some(name.as_str()), &config.protect);
        }
    }
    protected
}
