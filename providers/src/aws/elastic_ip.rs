//! Elastic addresses. EC2 has no idempotency token for them: the tag says whose one is.

use aws_sdk_ec2::types::{Address, DomainType, Filter, ResourceType};
use subako_world::{Code, ElasticIp, ElasticIpRequest, Failure, Result, tag};

use super::cloud::Inner;
use super::convert::{all_tags, filter, tag_map, tag_specification, tagged, text};
use super::operations::Op;

/// An address with what the seam does not name.
struct Seen {
    address: ElasticIp,
    /// What ties it to its instance, `eipassoc-…`.
    association: Option<String>,
}

impl Inner {
    /// Allocates an address, unless the token has allocated one before.
    pub(super) async fn allocate_address(&self, request: &ElasticIpRequest) -> Result<ElasticIp> {
        let doing = format!("allocate an elastic address for {}", request.ownership.address);
        let token = &request.ownership.token;
        let tags = all_tags(&request.tags, &request.ownership);
        let find = || self.find_address_by_token(token);
        let known = match self.allocated_by(token) {
            Some(id) => self.address(&id).await?,
            None => None,
        };
        if let Some(first) = known.or(find().await?) {
            return Ok(first);
        }
        let send = || async {
            self.api
                .ec2
                .allocate_address()
                .domain(DomainType::Vpc)
                .tag_specifications(tag_specification(ResourceType::ElasticIp, &tags))
                .send()
                .await
                .map(|answer| ElasticIp {
                    id: text(answer.allocation_id()),
                    public_ip: text(answer.public_ip()),
                    instance_id: None,
                    tags: tags.clone(),
                })
        };
        let look = || self.look_again(find);
        let made = self.api.settle(Op::AllocateAddress, &doing, send, look).await?;
        self.born(&made.id);
        self.allocated_with(token, &made.id);
        Ok(made)
    }

    pub(super) async fn address(&self, id: &str) -> Result<Option<ElasticIp>> {
        let doing = format!("read elastic address {id}");
        Ok(self.seen_address(id, &doing).await?.map(|seen| seen.address))
    }

    pub(super) async fn find_address_by_token(&self, token: &str) -> Result<Option<ElasticIp>> {
        let doing = "find an elastic address by its token";
        Ok(self
            .elastic_ips(&[tagged(tag::TOKEN, token)], doing)
            .await?
            .into_iter()
            .next())
    }

    /// Gives an address to an instance, whichever had it before.
    pub(super) async fn associate_address(&self, id: &str, instance_id: &str) -> Result<()> {
        let doing = format!("associate elastic address {id} with {instance_id}");
        self.change(id, || {
            self.api.call(Op::AssociateAddress, &doing, || {
                self.api
                    .ec2
                    .associate_address()
                    .allocation_id(id)
                    .instance_id(instance_id)
                    .allow_reassociation(true)
                    .send()
            })
        })
        .await
        .map(drop)
    }

    /// Takes an address from the instance that has it.
    pub(super) async fn disassociate_address(&self, id: &str) -> Result<()> {
        let doing = format!("disassociate elastic address {id}");
        let seen = self.seen_address(id, &doing).await?.ok_or_else(|| {
            Failure::not_applied(&doing, format!("there is no elastic address {id}"))
                .with_code(Code::NotFound)
        })?;
        self.part(seen.association.as_deref(), &doing).await
    }

    /// Gives an address back, taking it from its instance first.
    pub(super) async fn release_address(&self, id: &str) -> Result<()> {
        let doing = format!("release elastic address {id}");
        let Some(seen) = self.seen_address(id, &doing).await? else {
            return Ok(());
        };
        self.part(seen.association.as_deref(), &doing).await?;
        let mut tries = 0;
        loop {
            let released = self
                .change(id, || {
                    self.api.call(Op::ReleaseAddress, &doing, || {
                        self.api.ec2.release_address().allocation_id(id).send()
                    })
                })
                .await;
            let failure = match released {
                Ok(_) => break,
                Err(failure) if failure.code == Code::NotFound => break,
                Err(failure) => failure,
            };
            // Until the end of its association is seen everywhere, it counts as used.
            let in_use = failure.service_code.as_deref() == Some("InvalidIPAddress.InUse");
            if !in_use || tries >= self.api.tuning.looks.len() as u32 {
                return Err(match seen.association {
                    Some(_) => failure.after_effect(),
                    None => failure,
                });
            }
            tries += 1;
            self.api.clock.sleep(self.api.tuning.backoff(tries)).await;
        }
        self.buried(id);
        Ok(())
    }

    /// Ends an association, if there is one.
    async fn part(&self, association: Option<&str>, doing: &str) -> Result<()> {
        let Some(association) = association else {
            return Ok(());
        };
        let parted = self
            .api
            .call(Op::DisassociateAddress, doing, || {
                self.api
                    .ec2
                    .disassociate_address()
                    .association_id(association)
                    .send()
            })
            .await;
        match parted {
            Err(failure) if failure.code != Code::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    async fn seen_address(&self, id: &str, doing: &str) -> Result<Option<Seen>> {
        let by_id = [filter("allocation-id", [id])];
        self.look_for(id, || async {
            Ok(self.seen_addresses(&by_id, doing).await?.into_iter().next())
        })
        .await
    }

    /// All addresses that the filters let through, sorted by id.
    pub(super) async fn elastic_ips(&self, filters: &[Filter], doing: &str) -> Result<Vec<ElasticIp>> {
        let seen = self.seen_addresses(filters, doing).await?;
        Ok(seen.into_iter().map(|seen| seen.address).collect())
    }

    /// EC2 does not paginate them.
    async fn seen_addresses(&self, filters: &[Filter], doing: &str) -> Result<Vec<Seen>> {
        let answer = self
            .api
            .call(Op::DescribeAddresses, doing, || {
                self.api
                    .ec2
                    .describe_addresses()
                    .set_filters(Some(filters.to_vec()))
                    .send()
            })
            .await?;
        let mut found: Vec<Seen> = answer.addresses().iter().filter_map(seen).collect();
        found.sort_by(|a, b| a.address.id.cmp(&b.address.id));
        Ok(found)
    }
}

/// One as the seam has it; one of EC2-Classic has no id but its address.
fn seen(address: &Address) -> Option<Seen> {
    let id = address.allocation_id().or(address.public_ip())?.to_owned();
    let named = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Seen {
        association: named(address.association_id()),
        address: ElasticIp {
            id,
            public_ip: text(address.public_ip()),
            instance_id: named(address.instance_id()),
            tags: tag_map(address.tags()),
        },
    })
}
