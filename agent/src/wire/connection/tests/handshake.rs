//! The life cycle: before, at and after `initialize`.
use super::*;
use crate::wire::admission::Admission;

#[tokio::test]
async fn initialize_answers_in_the_shape_of_lsp() {
    let mut client = Client::connect();
    client.send(&initialize(&json!({"protocol": [3, 1], "unknown": true}))).await;
    let result = client.receive().await["result"].take();
    let agent = &result["capabilities"]["experimental"]["agent"];
    assert_eq!((&agent["protocol"], &agent["instance"]["id"]), (&json!(1), &json!("i")));
    assert_eq!(agent["limits"], json!({"message": 16_777_216, "page": 1000, "inline": 65_536}));
    assert!(agent["schema"].as_str().unwrap().starts_with("b3:"));
    assert_eq!(result["serverInfo"]["name"], "tenon");
    assert_eq!(client.world.connected.load(Ordering::SeqCst), 1);
    assert_eq!(code(&client.call(1, "initialize", json!({})).await), -32600);
}

#[tokio::test]
async fn requests_wait_for_initialize_and_notifications_are_dropped() {
    let mut client = Client::connect();
    client.send(&json!({"jsonrpc": "2.0", "method": "initialized"})).await;
    assert_eq!(code(&client.call(1, "echo", json!({})).await), -32002);
    assert_eq!(code(&client.call(2, "shutdown", json!({})).await), -32002);
    assert_eq!(client.call(3, "$/environment", json!({"variables": {}})).await["result"], Value::Null);
    client.send(&json!({"jsonrpc": "2.0", "method": "exit"})).await;
    assert_eq!(client.done().await, End::Closed);
}

#[tokio::test]
async fn requests_behind_initialize_in_one_write_find_it_done() {
    let mut client = Client::connect();
    let environment =
        json!({"jsonrpc": "2.0", "method": "$/environment", "params": {"variables": {"A": "b"}}});
    let echo = json!({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": {}});
    let hello = initialize(&json!({"protocol": [1]}));
    client.send_text(&format!("{environment}\n{hello}\n{echo}\n")).await;
    assert_eq!(client.receive().await["id"], 0);
    assert_eq!(client.receive().await, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
}

#[tokio::test]
async fn other_versions_and_dialects_are_refused_with_what_there_is() {
    let acp = json!({"protocolVersion": 1, "clientCapabilities": {}});
    let mcp = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "m", "version": "1"}});
    let lsp = json!({"processId": 1, "rootUri": null, "capabilities": {}});
    let newer = json!({"capabilities": {"experimental": {"agent": {"protocol": [2, 3]}}}});
    for params in [acp, mcp, lsp, newer] {
        let mut client = Client::connect();
        let answer = client.call(0, "initialize", params.clone()).await;
        assert_eq!(code(&answer), 1005, "{params}");
        assert_eq!(answer["error"]["data"]["supported"], json!([1]), "{params}");
        // It may try again.
        client.send(&initialize(&json!({"protocol": [1]}))).await;
        assert!(client.receive().await["result"].is_object());
    }
}

#[tokio::test]
async fn whoever_says_nothing_is_closed_after_ten_seconds() {
    let client = Client::connect_as(Admission::new().admit().unwrap());
    client.clock.pass(Duration::from_secs(10));
    assert_eq!(client.done().await, End::Refused);
    let mut client = Client::connect_as(Admission::new().admit().unwrap());
    client.send(&initialize(&json!({"protocol": [1]}))).await;
    assert_eq!(client.receive().await["id"], 0);
    client.clock.pass(Duration::from_secs(10));
    assert_eq!(client.call(1, "echo", json!({})).await["id"], 1);
}

#[tokio::test]
async fn a_refused_connection_is_told_why_on_its_first_request() {
    let error = RpcError::new(ErrorKind::TooManyConnections, "too many connections");
    let mut client = Client::connect_as(Admission::new().refuse(error).unwrap());
    client.send(&json!({"jsonrpc": "2.0", "method": "$/environment", "params": {"variables": {}}})).await;
    client.send(&initialize(&json!({"protocol": [1]}))).await;
    let answer = client.receive().await;
    assert_eq!((&answer["id"], code(&answer)), (&json!(0), 1008));
    assert_eq!(client.done().await, End::Refused);
}

#[tokio::test]
async fn the_daemon_can_end_a_connection_that_is_answered_first() {
    let mut client = Client::ready().await;
    client.request(1, "hold", json!({"number": 0})).await;
    assert_eq!(client.call(2, "echo", json!({})).await["id"], 2);
    client.stop.cancel();
    client.world.gate.add_permits(1);
    assert_eq!(client.receive().await["id"], 1);
    assert_eq!(client.done().await, End::Stopped);
}
