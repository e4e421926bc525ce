//! The forms that texts of the manifest have: names, ranges, durations, sizes, images …
//!
//! Each is a type that can only be made from a text of its form; the message about any other
//! says what is wrong with it and, where it can, what to write instead.

mod aws;
mod block;
mod cidr;
mod command;
mod docker;
mod duration;
mod hostname;
mod image;
mod mode;
mod mount;
mod name;
mod placement;
mod ports;
mod public_key;
mod size;
mod ssh;
mod state;

pub use aws::{Ami, AwsAccount, GroupName, InstanceType, KeyPairName, Region, SubnetId, VpcId, Zone};
pub use block::BlockName;
pub use cidr::{Address, Cidr, Range4};
pub use command::{Command, HealthTest};
pub use docker::{Bip, Mirror};
pub use duration::Duration;
pub use hostname::Hostname;
pub use image::ImageRef;
pub use mode::FileMode;
pub use mount::{ShortMount, cleaned, volume_name};
pub use name::{ClusterName, Driver, PoolName, SwarmName};
pub use placement::{Constraint, Spread};
pub use ports::{Ports, ShortPorts, Transport};
pub use public_key::{check_public_key, looks_like_key};
pub use size::{Bytes, Cpus, Size};
pub use ssh::{EngineVersion, Jump, PlainText, UserName};
pub use state::{BucketName, Endpoint, KeyPrefix};
