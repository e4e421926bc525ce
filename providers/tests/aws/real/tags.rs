//! Tags of others.

use subako_engine::world::{Cloud, InstanceChange, tag};

use super::super::strict::{AUTO_TAG, AutoTags, Strict};
use super::super::support::*;

#[tokio::test]
async fn only_the_volumes_that_were_made_with_an_instance_are_tagged_with_it() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(AutoTags));
    let name = cluster("volumes");
    let (_, _, one) = with_instance(&cloud, &name).await;
    for what in ["instance", "volume", "network-interface"] {
        let asked = format!("ResourceType={what}&");
        let bodies = proxy.bodies("RunInstances");
        assert!(
            bodies.iter().all(|body| body.contains(&asked)),
            "{what}: {bodies:?}"
        );
    }
    let ec2 = by_hand(&moto).await;
    let volume = ec2
        .create_volume()
        .size(1)
        .availability_zone(&one.zone)
        .send()
        .await
        .unwrap();
    let volume = volume.volume_id().unwrap();
    let attach = ec2.attach_volume().volume_id(volume).instance_id(&one.id);
    attach.device("/dev/sdf").send().await.unwrap();
    let change = InstanceChange {
        set_tags: tags(&[("Unit", "Changed")]),
        ..InstanceChange::default()
    };
    cloud.modify_instance(&one.id, &change).await.unwrap();
    let volumes = ec2.describe_volumes().send().await.unwrap();
    let unit = |id: Option<&str>| {
        let mut volumes = volumes.volumes().iter();
        let found = volumes.find(|other| other.volume_id() == id).expect("the volume");
        let mut tags = found.tags().iter();
        tags.find(|tag| tag.key() == Some("Unit"))
            .and_then(|tag| tag.value().map(str::to_owned))
    };
    assert_eq!(unit(Some(volume)), None);
    let survey = cloud.survey(&name).await.unwrap();
    let instance = &survey.instances[0];
    assert_eq!(instance.tags["Unit"], "Changed");
    assert!(instance.tags.contains_key(AUTO_TAG), "{:?}", instance.tags);
    let own = volumes.volumes().iter().find(|volume| {
        let mut tags = volume.tags().iter();
        tags.any(|tag| tag.key() == Some(tag::CLUSTER) && tag.value() == Some(&name))
    });
    assert_eq!(
        unit(own.and_then(|own| own.volume_id())).as_deref(),
        Some("Changed")
    );
    clean_up(&cloud, &name).await.unwrap();
}
