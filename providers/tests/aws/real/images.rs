//! Images: deprecated ones, and publishers that differ from region to region.

use aws_sdk_ec2::types::Filter;
use subako_engine::world::{Cloud, ImageQuery, Lookup, LookupAnswer, Result};

use super::super::strict::{Deprecated, Strict};
use super::super::support::*;

async fn ask(cloud: &dyn Cloud, ami: &str) -> Result<LookupAnswer> {
    let query = Lookup {
        images: vec![ImageQuery {
            ami: ami.to_owned(),
            instance_type: "t3.micro".to_owned(),
        }],
        ..Lookup::default()
    };
    cloud.lookup(&query).await
}

/// The one image of an answer: its id and name.
fn only(found: LookupAnswer) -> (String, String) {
    let mut images = found.images.into_values();
    let image = images.next().expect("an image");
    assert!(images.next().is_none());
    (image.image_id, image.name)
}

/// The ids of all images with such a name, by an independent look.
async fn all(ec2: &aws_sdk_ec2::Client, pattern: &str) -> Vec<String> {
    let by_name = Filter::builder().name("name").values(pattern).build();
    let images = ec2.describe_images().filters(by_name).send().await.unwrap();
    let ids = images.images().iter().filter_map(|image| image.image_id());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_deprecated_image_is_found_by_its_id_and_launched() {
    let Some(moto) = moto() else { return };
    let (_, first) = world(&moto).await;
    let found = look_up(&first).await.unwrap();
    let (id, _) = only(found.clone());
    // Another process, which knows nothing of the image yet.
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(Deprecated::images([id.as_str()])));
    assert_eq!(only(ask(&cloud, &id).await.unwrap()).0, id);
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(Deprecated::images([id.as_str()])));
    let name = cluster("old");
    let group = cloud
        .create_security_group(&group_request(&name, &found.vpc_id))
        .await
        .unwrap();
    let request = instance_request(&name, "one", &found, &group.id);
    assert_eq!(cloud.run_instance(&request).await.unwrap().image_id, id);
    clean_up(&cloud, &name).await.unwrap();
}

#[tokio::test]
async fn a_family_at_its_end_is_found_although_all_its_images_are_deprecated() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let (newest, _) = only(ask(&cloud, "amazon-linux-2023").await.unwrap());
    let images = all(&by_hand(&moto).await, "al2023-ami-2023.*").await;
    assert!(images.contains(&newest), "{images:?}");
    proxy.be(Strict::only(Deprecated::images(
        images.iter().map(String::as_str),
    )));
    assert_eq!(only(ask(&cloud, "amazon-linux-2023").await.unwrap()).0, newest);
    assert_eq!(
        only(ask(&cloud, "al2023-ami-2023.*-kernel-6.1-x86_64").await.unwrap()).0,
        newest
    );
    let failure = ask(&cloud, "ami-00000000000000000").await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("InvalidAMIID.NotFound"));
}

#[tokio::test]
async fn amazons_images_are_found_in_regions_where_another_account_publishes_them() {
    let Some(moto) = moto() else { return };
    for region in ["ap-northeast-1", "ap-east-1", "me-south-1", "af-south-1"] {
        let (_, cloud) = world_in(&moto, region).await;
        let (_, name) = only(ask(&cloud, "amazon-linux-2023").await.unwrap());
        // Of several kernels of one release, the one that Amazon calls its default.
        assert!(name.ends_with("-kernel-6.1-x86_64"), "{region}: {name}");
    }
}
