//! Answers to what a refresh looks up.

use subako_world::{Family, ImageAnswer, ImageQuery, Lookup, LookupAnswer, Reach, Subnet, TypeFacts, WayOut};

use super::catalog::{DEFAULT_VPC, fits, images, is_id, subnets, vpc_range};
use super::types::{InstanceType, architecture, offered};
use super::world::Model;
use crate::sim::refusal::Refusal;

/// Every subnet of the simulator is as those of a default VPC (VPC user guide, "Default VPC
/// components").
const PUBLIC: Reach = Reach {
    public_ip: true,
    way_out: WayOut::Gateway,
};

impl Model {
    /// Looks up images, the VPC and its subnets.
    pub fn lookup(&self, query: &Lookup) -> Result<LookupAnswer, Refusal> {
        let mut answer = LookupAnswer::default();
        for image in &query.images {
            answer.images.insert(image.clone(), self.image(image)?);
        }
        let vpc = query.vpc.as_deref().unwrap_or(DEFAULT_VPC);
        let range = vpc_range(&self.place, vpc).ok_or_else(|| {
            Refusal::ec2(
                "InvalidVpcID.NotFound",
                format!("The vpc ID '{vpc}' does not exist"),
            )
            .hint("leave `vpc` away to use the default VPC")
        })?;
        answer.vpc_id = vpc.to_owned();
        answer.vpc_cidrs = vec![range];
        answer.subnets = self.chosen_subnets(query, vpc)?;
        let here = subnets(&self.place).into_iter().filter(|(of, _)| of == vpc);
        answer.used = here
            .map(|(_, subnet)| subnet)
            .filter(|subnet| query.used.contains(&subnet.id))
            .collect();
        answer.used.sort_by(|a, b| a.id.cmp(&b.id));
        let all = answer.subnets.iter().chain(&answer.used);
        answer.reach = all.map(|subnet| (subnet.id.clone(), PUBLIC)).collect();
        Ok(answer)
    }

    fn chosen_subnets(&self, query: &Lookup, vpc: &str) -> Result<Vec<Subnet>, Refusal> {
        for zone in &query.zones {
            if !self.place.zones.contains(zone) {
                let message = format!("Invalid availability zone: [{zone}]");
                return Err(Refusal::ec2("InvalidParameterValue", message).hint(format!(
                    "{} has {}",
                    self.place.region,
                    self.place.zones.join(", ")
                )));
            }
        }
        let mut here: Vec<Subnet> = Vec::new();
        for (of, subnet) in subnets(&self.place) {
            if of == vpc {
                here.push(subnet);
            }
        }
        let mut wanted = Vec::new();
        for id in &query.subnets {
            let found = here.iter().find(|subnet| subnet.id == *id).ok_or_else(|| {
                let message = format!("The subnet ID '{id}' does not exist");
                Refusal::ec2("InvalidSubnetID.NotFound", message).hint(format!(
                    "{vpc} has {}",
                    here.iter()
                        .map(|s| format!("{} in {}", s.id, s.zone))
                        .collect::<Vec<_>>()
                        .join(", ")
                ))
            })?;
            wanted.push(found.clone());
        }
        let pool = if wanted.is_empty() { here } else { wanted };
        if query.zones.is_empty() {
            let mut sorted = pool;
            sorted.sort_by(|a, b| a.zone.cmp(&b.zone));
            return Ok(sorted);
        }
        let in_zone = |zone: &String| {
            pool.iter()
                .find(|subnet| subnet.zone == *zone)
                .cloned()
                .ok_or_else(|| {
                    let message = format!("{vpc} has none of the subnets wanted in {zone}");
                    Refusal::ec2("InvalidSubnetID.NotFound", message)
                        .hint("name a subnet of that zone, or another zone")
                })
        };
        query.zones.iter().map(in_zone).collect()
    }

    /// What a type has, and which zones offer it; `None` where the region has no such type.
    pub fn type_facts(&self, name: &str) -> Option<TypeFacts> {
        let found = InstanceType::named(name)?;
        let (nano_cpus, memory) = found.capacity();
        let zones = self.place.zones.iter().filter(|zone| offered(name, zone));
        let mut zones: Vec<String> = zones.cloned().collect();
        zones.sort();
        Some(TypeFacts {
            nano_cpus,
            memory,
            zones,
        })
    }

    fn image(&self, query: &ImageQuery) -> Result<ImageAnswer, Refusal> {
        let arch = architecture(&query.instance_type);
        let region = &self.place.region;
        if query.ami.starts_with("ami-") {
            if !is_id("ami", &query.ami) {
                let message = format!("Invalid id: \"{}\" (expecting \"ami-...\")", query.ami);
                return Err(Refusal::ec2("InvalidAMIID.Malformed", message)
                    .hint("an image id is ami- and 8 to 17 hexadecimal digits"));
            }
            let known = images().iter().find(|image| image.id(region) == query.ami);
            if let Some(other) = known.filter(|image| image.arch != arch) {
                let (has, needs) = (other.arch.name(), arch.name());
                let message = format!("{} is for {has}, the instance type for {needs}", query.ami);
                return Err(Refusal::ec2("InvalidAMIArchitecture", message)
                    .hint("choose another `ami` or another `instance_type`"));
            }
            let name = known.map_or_else(|| format!("image {}", query.ami), |image| image.name.clone());
            return Ok(ImageAnswer {
                image_id: query.ami.clone(),
                name,
            });
        }
        let newest = images()
            .iter()
            .filter(|image| image.arch == arch)
            .filter(|image| {
                image.family == query.ami || (query.ami.contains(['*', '?']) && fits(&query.ami, &image.name))
            })
            .max_by(|a, b| a.name.cmp(&b.name));
        let image = newest.ok_or_else(|| {
            let message = format!("no image named `{}` for {} in {region}", query.ami, arch.name());
            Refusal::ec2("InvalidAMIID.NotFound", message).hint(format!(
                "use ami-…, a pattern with *, or one of {}",
                Family::names().join(", ")
            ))
        })?;
        Ok(ImageAnswer {
            image_id: image.id(region),
            name: image.name.clone(),
        })
    }
}

/// EC2's answer to a type that it does not have.
pub(crate) fn no_such_type(instance_type: &str) -> Refusal {
    let message = format!("Invalid value '{instance_type}' for InstanceType");
    Refusal::ec2("InvalidParameterValue", message).hint("use a type such as t3.micro or t4g.small")
}
