//! `[cluster]`.

use crate::manifest::decode::{Scalar, Table, keywords, plain_schema, section};
use crate::manifest::formats::ClusterName;
use crate::manifest::model::Provider;

section! {
    /// The cluster as a whole.
    pub struct Cluster = "[cluster]" {
        /// The cluster's name: lower-case letters, digits and hyphens. It becomes part of tags,
        /// of the directory that keeps the state, and of the default security group's name.
        required name: ClusterName,
        /// What the cluster runs on: "aws" (the default) or "sim", the simulator. The option
        /// --sim rehearses any manifest on the simulator.
        optional provider: Provider,
        /// Tags for every instance, volume, key pair and security group.
        optional tags: Table<Scalar>,
    }
    elsewhere {
        "region" => "the region is `region` under [aws]",
    }
}

keywords!(Provider, "\"aws\" or \"sim\"", { "aws" => Provider::Aws, "sim" => Provider::Sim, });
plain_schema!(Provider => "Provider" { "enum": ["aws", "sim"] });
