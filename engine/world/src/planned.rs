//! Calls that a plan would make, as far as they can be told before anything exists, and what
//! their provider says about them.

use super::elastic_ip::ElasticIpRequest;
use super::instance::InstanceRequest;
use super::key_pair::KeyPairRequest;
use super::security_group::SecurityGroupRequest;

/// A call that a plan would make, with as much of it as is known before anything exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedCall {
    /// Import a key pair.
    ImportKeyPair(KeyPairRequest),
    /// Delete the key pair of that name.
    DeleteKeyPair(String),
    /// Create a security group.
    CreateSecurityGroup(SecurityGroupRequest),
    /// Add rules to the group with that id.
    AuthorizeIngress(String),
    /// Change descriptions of rules of the group with that id.
    DescribeIngress(String),
    /// Remove rules from the group with that id.
    RevokeIngress(String),
    /// Delete the group with that id.
    DeleteSecurityGroup(String),
    /// Run an instance. The group must exist, or be the VPC's default one.
    RunInstance(Box<InstanceRequest>),
    /// Start the instance with that id.
    StartInstance(String),
    /// Stop the instance with that id.
    StopInstance(String),
    /// Terminate the instance with that id.
    TerminateInstance(String),
    /// Change attributes of the instance with that id.
    ModifyInstance(String),
    /// Change the type of the instance with that id.
    ModifyInstanceType(String, String),
    /// Change what the instance with that id does without CPU credits.
    ModifyInstanceCredits(String),
    /// Enlarge the root volume of the instance with that id, to GiB.
    ModifyVolume(String, u32),
    /// Allocate an elastic address.
    AllocateAddress(ElasticIpRequest),
    /// Give the elastic address with that id to the instance with that id.
    AssociateAddress(String, String),
    /// Release the elastic address with that id.
    ReleaseAddress(String),
    /// Set tags on the object with that id.
    SetTags(String),
    /// Remove tags from the object with that id.
    RemoveTags(String),
}

/// What a provider says about a call that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionVerdict {
    /// It would have succeeded.
    Allowed,
    /// The credentials lack a permission; the text says which and what to do.
    Denied(String),
    /// It would fail for another reason, which may hide a missing permission.
    Unclear(String),
}

/// The answer to one [`PlannedCall`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionFinding {
    /// The action asked for, for example `ec2:RunInstances`.
    pub action: String,
    /// What the call is about: a name or an id.
    pub about: String,
    /// What the provider says.
    pub verdict: PermissionVerdict,
}
