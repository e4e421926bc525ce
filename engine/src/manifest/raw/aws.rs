//! `[aws]`.

use crate::manifest::decode::section;
use crate::manifest::formats::{AwsAccount, Region, SubnetId, VpcId, Zone};
use crate::manifest::span::At;

section! {
    /// Where on EC2 the cluster lives. Everything here can be left out: the region then comes
    /// from the environment or the profile, the VPC is the default one.
    pub struct Aws = "[aws]" {
        /// The region, for example "ap-northeast-1". Left out, it is that of
        /// `availability_zones`, else of the environment or the profile.
        optional region: Region,
        /// The account's id, twelve digits in quotes: a plan with the credentials of another one is
        /// refused. Left out, the first apply decides, and the state remembers it.
        optional account: AwsAccount,
        /// The availability zones to spread each pool over, in this order. Left out, the
        /// first zone of the VPC that has a subnet takes everything.
        optional availability_zones: Vec<At<Zone>>,
        /// The VPC's id. Left out, the default VPC.
        optional vpc: VpcId,
        /// The ids of the subnets to use, at most one a zone. Left out, the zones' default ones.
        optional subnets: Vec<At<SubnetId>>,
    }
    elsewhere {
        "account_id" => "did you mean `account`?",
        "zones" => "did you mean `availability_zones`?",
        "access_key" => "a manifest holds no credentials: use the environment, a profile or SSO",
        "access_key_id" => "a manifest holds no credentials: use the environment, a profile or SSO",
        "secret_key" => "a manifest holds no credentials: use the environment, a profile or SSO",
        "secret_access_key" => "a manifest holds no credentials: use the environment, a profile or SSO",
        "profile" => "choose the profile with the environment variable AWS_PROFILE",
    }
}
