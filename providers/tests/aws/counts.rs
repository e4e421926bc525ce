//! How many calls things take, and how long.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use subako_engine::world::{Cloud, Instance, InstanceState, Progress};
use subako_providers::aws::{AwsCloud, AwsOptions, CallRecord, Tuning, connect};

use super::proxy::{Fault, Proxy};
use super::support::*;

/// Makes a cluster of `count` instances, sixteen at a time as the executor does, and waits for them.
async fn make(cloud: &AwsCloud, name: &str, count: usize) -> Vec<String> {
    let found = look_up(cloud).await.unwrap();
    cloud.import_key_pair(&key_request(name)).await.unwrap();
    let group = cloud
        .create_security_group(&group_request(name, &found.vpc_id))
        .await
        .unwrap();
    cloud.authorize_ingress(&group.id, &rules()).await.unwrap();
    let runs = (0..count).map(|index| {
        let request = instance_request(name, &format!("node-{index}"), &found, &group.id);
        async move {
            let instance = cloud.run_instance(&request).await?;
            cloud
                .await_instance(&instance.id, InstanceState::Running, &Progress::silent())
                .await
        }
    });
    let made: Vec<Instance> = stream::iter(runs).buffered(16).try_collect().await.unwrap();
    made.into_iter().map(|instance| instance.id).collect()
}

/// A log of attempts.
type Records = Arc<Mutex<Vec<CallRecord>>>;

/// The adapter before a proxy, with a log.
async fn logged(proxy: &Proxy, region: &str, tuning: Tuning) -> (AwsCloud, Records) {
    let records = Records::default();
    let sink = Arc::clone(&records);
    let options = AwsOptions {
        region: Some(region.to_owned()),
        log: Some(Arc::new(move |record| sink.lock().unwrap().push(record))),
        ..options(&proxy.url(), tuning)
    };
    (connect(options).await.unwrap(), records)
}

/// How many calls were made, of one operation or of all. What is tried again because an answer
/// got lost, as may happen on a busy machine, is one call; nothing arrives that is not logged.
fn calls(proxy: &Proxy, records: &Records, operation: Option<&str>) -> usize {
    let of = |name: &str| operation.is_none_or(|wanted| wanted == name);
    let records = records.lock().unwrap();
    let logged: Vec<&CallRecord> = records.iter().filter(|record| of(record.operation)).collect();
    let counts = proxy.counts();
    let arrived: u32 = counts
        .iter()
        .filter(|(name, _)| of(name))
        .map(|(_, count)| count)
        .sum();
    assert!(
        arrived as usize <= logged.len(),
        "{counts:?}, but only {logged:?}"
    );
    logged.iter().filter(|record| record.attempt == 1).count()
}

#[tokio::test]
async fn a_refresh_takes_the_same_five_calls_however_many_instances_there_are() {
    let Some(moto) = moto() else { return };
    for count in [5, 50, 200] {
        let proxy = Proxy::start(&moto).await.unwrap();
        let (cloud, records) = logged(&proxy, "us-east-1", tuning()).await;
        let forget = || {
            proxy.forget();
            records.lock().unwrap().clear();
        };
        let name = cluster(&format!("n{count}"));
        let ids = make(&cloud, &name, count).await;
        let create = calls(&proxy, &records, None);
        let looks = proxy.counts()["DescribeInstances"];
        assert_eq!(calls(&proxy, &records, Some("RunInstances")), count);
        assert_eq!(proxy.counts()["DescribeImages"], 1);
        forget();
        assert_eq!(cloud.survey(&name).await.unwrap().instances.len(), count);
        let refresh = calls(&proxy, &records, None);
        assert_eq!(refresh, 5, "{:?}", proxy.counts());
        forget();
        try_join_all(ids.iter().map(|id| cloud.terminate_instance(id, false)))
            .await
            .unwrap();
        let silent = Progress::silent();
        try_join_all(
            ids.iter()
                .map(|id| cloud.await_instance(id, InstanceState::Terminated, &silent)),
        )
        .await
        .unwrap();
        let destroy = calls(&proxy, &records, None);
        let batches = count.div_ceil(100);
        assert_eq!(calls(&proxy, &records, Some("TerminateInstances")), batches);
        assert!(proxy.counts()["DescribeInstances"] <= 3, "{:?}", proxy.counts());
        #[expect(clippy::print_stderr, reason = "the figures go into tests/README.md")]
        {
            eprintln!(
                "{count} instances: create {create} calls ({looks} looks), refresh {refresh}, terminate {destroy}"
            );
        }
        clean_up(&cloud, &name).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_answer_is_read_page_by_page() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let page = |id: &str, next: &str| {
        let text = format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet><item>\
             <instancesSet><item><instanceId>{id}</instanceId><instanceState><code>16</code><name>running</name>\
             </instanceState></item></instancesSet></item></reservationSet>{next}</DescribeInstancesResponse>"
        );
        Fault::Answer(200, text)
    };
    proxy.fault(
        "DescribeInstances",
        1,
        1,
        page("i-2", "<nextToken>more</nextToken>"),
    );
    proxy.fault("DescribeInstances", 2, 1, page("i-1", ""));
    let survey = cloud.survey(&cluster("pages")).await.unwrap();
    let ids: Vec<&str> = survey
        .instances
        .iter()
        .map(|instance| instance.id.as_str())
        .collect();
    assert_eq!(ids, ["i-1", "i-2"]);
    assert!(proxy.bodies("DescribeInstances")[1].contains("NextToken=more"));
}

#[tokio::test]
async fn the_published_limits_pace_the_calls() {
    let Some(moto) = moto() else { return };
    let proxy = Proxy::start(&moto).await.unwrap();
    let paced = Tuning {
        rate: 2.0,
        ..tuning()
    };
    let (cloud, records) = logged(&proxy, REGION, paced).await;
    let name = cluster("paced");
    let started = Instant::now();
    // Ten at once and four a second: the last of twenty cannot go before two and a half seconds.
    make(&cloud, &name, 20).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(2500), "{took:?}");
    let records = records.lock().unwrap().clone();
    let held = records.iter().filter(|record| !record.held.is_zero());
    assert!(held.clone().count() > 0 && held.clone().all(|record| record.operation == "RunInstances"));
    clean_up(&cloud, &name).await.unwrap();
}

#[tokio::test]
async fn progress_says_what_an_instance_is_waited_for() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("notes");
    let ids = make(&cloud, &name, 1).await;
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&notes);
    let progress = Progress::new(move |text| sink.lock().unwrap().push(text));
    let ec2 = by_hand(&moto).await;
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ec2.stop_instances().instance_ids(&ids[0]).send().await.unwrap();
    };
    proxy.forget();
    let (stopped, ()) = tokio::join!(
        cloud.await_instance(&ids[0], InstanceState::Stopped, &progress),
        stop
    );
    assert_eq!(stopped.unwrap().state, InstanceState::Stopped);
    assert_eq!(
        *notes.lock().unwrap(),
        [format!("{}: running, waiting for stopped", ids[0])]
    );
    assert!(proxy.counts()["DescribeInstances"] > 1);
    clean_up(&cloud, &name).await.unwrap();
}
