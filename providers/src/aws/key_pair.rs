//! Key pairs. EC2 has no idempotency token for them: the name is unique, the tag says whose it is.

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{KeyPairInfo, ResourceType};
use subako_world::{Code, Failure, KeyPair, KeyPairRequest, Result, tag};

use super::cloud::Inner;
use super::convert::{all_tags, filter, tag_map, tag_specification, text};
use super::operations::Op;
use crate::codes::Ec2Code as _;

const DUPLICATE: &str = "InvalidKeyPair.Duplicate";

impl Inner {
    pub(super) async fn import_key_pair(&self, request: &KeyPairRequest) -> Result<KeyPair> {
        let doing = format!("import key pair {}", request.name);
        let tags = all_tags(&request.tags, &request.ownership);
        let find = || self.find_key_pair(&request.name);
        let ours = || async { own_key_pair(self.look_again(find).await?, request, &doing) };
        let send = || async {
            self.api
                .ec2
                .import_key_pair()
                .key_name(&request.name)
                .public_key_material(Blob::new(request.public_key.as_bytes()))
                .tag_specifications(tag_specification(ResourceType::KeyPair, &tags))
                .send()
                .await
                .map(|answer| KeyPair {
                    id: text(answer.key_pair_id()),
                    name: request.name.clone(),
                    fingerprint: text(answer.key_fingerprint()),
                    public_key: Some(one_line(&request.public_key)),
                    tags: tags.clone(),
                })
        };
        let pair = match self.api.settle(Op::ImportKeyPair, &doing, send, ours).await {
            Err(failure) if failure.code == Code::AlreadyExists => {
                let there = self.look_for_known(find).await?;
                own_key_pair(there, request, &doing)?.ok_or(failure)?
            }
            result => result?,
        };
        // Its tags are set by its id.
        self.born(&pair.id);
        Ok(pair)
    }

    pub(super) async fn find_key_pair(&self, name: &str) -> Result<Option<KeyPair>> {
        let doing = format!("read key pair {name}");
        let by_name = filter("key-name", [name]);
        let answer = self
            .api
            .call(Op::DescribeKeyPairs, &doing, || {
                self.api
                    .ec2
                    .describe_key_pairs()
                    .filters(by_name.clone())
                    .include_public_key(true)
                    .send()
            })
            .await?;
        // A filter takes `*` and `?` for wildcards: only the exact name counts.
        let mut found = answer
            .key_pairs()
            .iter()
            .map(key_pair)
            .filter(|pair| pair.name == name);
        Ok(found.next())
    }

    pub(super) async fn delete_key_pair(&self, name: &str) -> Result<()> {
        let doing = format!("delete key pair {name}");
        let deleted = self
            .api
            .call(Op::DeleteKeyPair, &doing, || {
                self.api.ec2.delete_key_pair().key_name(name).send()
            })
            .await;
        match deleted {
            Err(failure) if failure.code == Code::NotFound => Ok(()),
            result => result.map(drop),
        }
    }
}

/// Whether the key pair of that name is the one that this request makes.
fn own_key_pair(found: Option<KeyPair>, request: &KeyPairRequest, doing: &str) -> Result<Option<KeyPair>> {
    match found {
        Some(found) if found.tags.get(tag::TOKEN) == Some(&request.ownership.token) => Ok(Some(found)),
        Some(found) => Err(Failure::not_applied(
            doing,
            format!(
                "there is a key pair of that name already ({}, {})",
                found.id, found.fingerprint
            ),
        )
        .with_ec2_code(DUPLICATE)
        .with_hint("choose another `name` under [key_pair], or delete the one in EC2 if nobody needs it")),
        None => Ok(None),
    }
}

/// Reads a key pair.
pub(super) fn key_pair(seen: &KeyPairInfo) -> KeyPair {
    KeyPair {
        id: text(seen.key_pair_id()),
        name: text(seen.key_name()),
        fingerprint: text(seen.key_fingerprint()),
        public_key: seen.public_key().map(one_line).filter(|key| !key.is_empty()),
        tags: tag_map(seen.tags()),
    }
}

/// Algorithm and key without the comment, which EC2 does not keep as it was.
fn one_line(key: &str) -> String {
    key.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_of_a_public_key_is_left_out() {
        assert_eq!(one_line("ssh-ed25519 AAAA me@home\n"), "ssh-ed25519 AAAA");
    }
}
