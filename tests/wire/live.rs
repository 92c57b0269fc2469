//! Live updates of a running operation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::setup::{Frame, Setup, on_demo};

fn path(channel: &str) -> &str {
    channel.strip_prefix("ds/ktrdr/").expect("it is a channel of this data source")
}

#[test]
fn a_running_operation_can_be_followed_and_a_finished_one_cannot() {
    on_demo(async |setup| {
        let setup = setup.with_own_plugin(&[]).await;
        let running = setup.operation("running").await;
        let frames = setup.frames(json!({"queryType": "diagnosis", "operationId": running})).await;
        let channel = frames[0].meta()["channel"].as_str().expect("it has a channel").to_owned();
        assert!(frames[1..].iter().all(|frame| frame.meta()["channel"].is_null()));
        let subscribed = setup.plugin.subscribe(&setup.source, path(&channel)).await.unwrap();
        assert_eq!(subscribed.status, 0);
        let first: Value = serde_json::from_slice(&subscribed.data).unwrap();
        assert_eq!(Frame(first).column("operation_id"), [running.as_str()]);

        let mut packets = setup.plugin.run_stream(&setup.source, path(&channel)).await.unwrap();
        let packet = tokio::time::timeout(Duration::from_secs(20), packets.message()).await.expect("a frame comes");
        let frame: Frame = Frame(serde_json::from_slice(&packet.unwrap().expect("it has not ended").data).unwrap());
        assert_eq!(frame.names(), frames[0].names());
        assert_eq!(frame.column("status"), ["running"]);
        assert_eq!(frame.meta()["channel"], channel.as_str());
        assert!(setup.plugin.metrics().await.unwrap().contains("ktrdr_diagnosis_live_streams 1"));

        let healthy = setup.operation("healthy").await;
        let frames = setup.frames(json!({"queryType": "diagnosis", "operationId": healthy})).await;
        assert!(frames[0].meta()["channel"].is_null());
        let silent = json!({"queryType": "diagnosis", "operationId": running, "follow": false});
        assert!(setup.frames(silent).await[0].meta()["channel"].is_null());

        // a stop does not wait for streams
        let stopped = setup.into_plugin().stop().await;
        assert_eq!(stopped.status.and_then(|status| status.code()), Some(0), "{stopped:?}");
        drop(packets);
    });
}

#[test]
fn a_stream_ends_with_its_operation() {
    on_demo(async |setup| {
        let healthy = setup.operation("healthy").await;
        let mut packets = setup.plugin.run_stream(&setup.source, &format!("operation/{healthy}")).await.unwrap();
        let all = async {
            let mut count = 0;
            while packets.message().await.unwrap().is_some() {
                count += 1;
            }
            count
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(20), all).await.expect("it ends"), 1);
    });
}

/// review B15: anyone who knew the path of a channel got answers with the data source's own credentials.
#[test]
fn a_data_source_that_forwards_identity_has_no_channels() {
    on_demo(async |setup| {
        let running = setup.operation("running").await;
        let path = format!("operation/{running}");
        assert_eq!(setup.plugin.subscribe(&setup.source, &path).await.unwrap().status, 0);
        for (uid, setting) in [("oauth", "oauthPassThru"), ("cookies", "keepCookies")] {
            let mut personal = setup.clone();
            personal.source.uid = uid.into();
            personal.source.json =
                if setting == "oauthPassThru" { json!({setting: true}) } else { json!({setting: ["s"]}) };
            let subscribed = personal.plugin.subscribe(&personal.source, &path).await.unwrap();
            assert_eq!((subscribed.status, subscribed.data.len()), (1, 0), "{setting}");
            let mut packets = personal.plugin.run_stream(&personal.source, &path).await.unwrap();
            let refused = packets.message().await.unwrap_err();
            assert!(refused.message().contains("no live updates"), "{setting}: {refused}");
            // the operation itself is answered, without a channel to follow
            let frames = personal.frames(json!({"queryType": "diagnosis", "operationId": running})).await;
            assert!(frames[0].rows() == 1 && frames[0].meta()["channel"].is_null(), "{setting}");
        }
    });
}

#[tokio::test]
async fn unknown_channels_are_not_found_and_nobody_may_publish() {
    let setup = Setup::empty().await;
    for path in ["operation/op_training_20261122_100505_deadbeef", "nonsense", "operation/"] {
        assert_eq!(setup.plugin.subscribe(&setup.source, path).await.unwrap().status, 1, "{path}");
    }
    assert_eq!(setup.plugin.publish(&setup.source, "operation/x").await.unwrap().status, 2);
}
