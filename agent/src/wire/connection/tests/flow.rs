//! Bytes in every portion, order, and what happens when somebody is slow.
use super::*;

/// Runs until nothing is left to do for now.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// Returns requests that are held, numbered from 0.
fn holds(count: usize) -> String {
    let mut requests = String::new();
    for number in 0..count {
        let request = json!({"id": number, "method": "hold", "params": {"number": number}});
        requests.push_str(&request.to_string());
        requests.push('\n');
    }
    requests
}

#[tokio::test]
async fn dribbled_bytes_and_split_headers_are_put_together() {
    let echo = json!({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": {"a": "é"}});
    let hello = initialize(&json!({"protocol": [1]}));
    for text in [format!("{}{}", with_headers(&hello), with_headers(&echo)), format!("{hello}\n{echo}\n")] {
        let mut client = Client::connect();
        for byte in text.as_bytes() {
            client.write.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(client.receive().await["id"], 0);
        assert_eq!(client.receive().await["result"], json!({"a": "é"}));
    }
}

#[tokio::test]
async fn a_message_of_sixteen_mebibytes_is_taken_and_no_larger_one() {
    let mut client = Client::ready().await;
    // A member nobody knows: what is measured is the message, not a handler.
    let mut text = String::from(r#"{"jsonrpc":"2.0","id":1,"method":"echo","more":""#);
    text.push_str(&"x".repeat(16 * 1024 * 1024 - text.len() - 2));
    text.push_str("\"}");
    client.send_text(&format!("{text}\n")).await;
    assert_eq!(client.receive().await, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    client.send_text(&format!("{text} \n")).await;
    assert_eq!(code(&client.receive().await), -32700);
    assert_eq!(client.call(2, "echo", json!({})).await["id"], 2);
}

#[tokio::test]
async fn an_answer_over_four_mebibytes_is_refused() {
    let mut client = Client::ready().await;
    let answer = client.call(1, "large", json!({"bytes": 4 * 1024 * 1024})).await;
    assert_eq!((&answer["id"], code(&answer)), (&json!(1), -32803));
    assert_eq!(client.call(2, "large", json!({"bytes": 3})).await["result"], "xxx");
}

#[tokio::test]
async fn half_a_message_and_silence_holds_nothing_up_but_itself() {
    let mut client = Client::ready().await;
    client.request(1, "hold", json!({"number": 0})).await;
    client.send_text("{\"jsonrpc\":\"2.0\",\"id\":2,\"meth").await;
    client.world.gate.add_permits(1);
    assert_eq!(client.receive().await["id"], 1);
    client.send_text("od\":\"echo\"}\n").await;
    assert_eq!(client.receive().await["id"], 2);
}

#[tokio::test]
async fn at_the_end_of_the_input_everything_asked_is_answered() {
    let mut client = Client::ready().await;
    client.request(1, "hold", json!({"number": 0})).await;
    client.send_text(r#"{"id":2,"method":"echo"}"#).await;
    client.write.shutdown().await.unwrap();
    assert_eq!(client.receive().await["id"], 2);
    client.world.gate.add_permits(1);
    assert_eq!(client.receive().await["id"], 1);
    assert_eq!(client.done().await, End::Closed);
}

#[tokio::test]
async fn calls_begin_in_the_order_of_arrival() {
    let mut client = Client::ready().await;
    let requests = holds(200);
    client.send_text(&requests).await;
    client.world.gate.add_permits(200);
    for _ in 0..200 {
        client.receive().await;
    }
    assert_eq!(client.world.disordered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn reading_stops_at_256_requests_in_flight() {
    let mut client = Client::ready().await;
    let requests = holds(10_000);
    let (mut write, world) = (client.write, Arc::clone(&client.world));
    let writing = task::spawn(async move {
        write.write_all(requests.as_bytes()).await.unwrap();
        write
    });
    settle().await;
    assert_eq!(world.began.load(Ordering::SeqCst), IN_FLIGHT_MAX);
    world.gate.add_permits(10_000);
    let mut ids = std::collections::BTreeSet::new();
    while ids.len() < 10_000 {
        let answer = client.inbox.next().await.unwrap();
        assert!(ids.insert(answer["id"].as_u64().unwrap()), "answered twice: {answer}");
    }
    assert_eq!(world.disordered.load(Ordering::SeqCst), 0);
    drop(writing.await.unwrap());
}

#[tokio::test]
async fn whoever_reads_no_answers_is_not_read() {
    let mut client = Client::ready().await;
    let request = |id: u64| format!("{{\"id\":{id},\"method\":\"large\",\"params\":{{\"bytes\":65536}}}}\n");
    let requests: String = (0..150).map(request).collect();
    client.send_text(&requests).await;
    settle().await;
    let began = client.world.began.load(Ordering::SeqCst);
    // Four mebibytes in the outbox, what the kernel holds, and the one that went over.
    assert!(began < 100, "{began} requests were taken from a peer that reads nothing");
    for id in 0..150 {
        assert_eq!(client.receive().await["id"], id);
    }
}

#[tokio::test]
async fn calls_of_whoever_reads_no_answers_go_on() {
    let mut client = Client::ready().await;
    client.request(0, "hold", json!({"number": 0})).await;
    let request = |id: u64| format!("{{\"id\":{id},\"method\":\"large\",\"params\":{{\"bytes\":65536}}}}\n");
    let requests: String = (1..=150).map(request).collect();
    client.send_text(&requests).await;
    settle().await;
    // A call that stood still could keep a place that others wait for.
    client.world.gate.add_permits(1);
    settle().await;
    assert_eq!(client.world.went_on.load(Ordering::SeqCst), 1);
    let mut ids: Vec<u64> = Vec::new();
    while ids.len() < 151 {
        ids.push(client.receive().await["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..=150).collect::<Vec<u64>>());
}

#[tokio::test]
async fn nothing_of_a_subscription_precedes_its_id_and_nothing_follows_its_end() {
    let mut client = Client::ready().await;
    client.world.tail.add_permits(3);
    assert_eq!(
        client.call(1, "watch", json!({"bytes": 1})).await,
        json!({"jsonrpc": "2.0", "id": 1, "result": "1"})
    );
    for seq in 1..=3 {
        let event = client.receive().await;
        let params = json!({"subscription": "1", "result": {"seq": seq, "text": "x"}});
        assert_eq!(event, json!({"jsonrpc": "2.0", "method": "agent/event", "params": params}));
    }
    assert_eq!(client.call(2, "agent/unobserve", json!(["1"])).await["result"], true);
    assert!(client.world.subscription_dropped.load(Ordering::SeqCst));
    client.world.tail.add_permits(1);
    assert_eq!(client.call(3, "agent/unobserve", json!(["1"])).await["result"], false);
    assert_eq!(client.call(4, "watch", json!({"bytes": 1})).await["result"], "2");
}

#[tokio::test]
async fn a_connection_holds_so_many_subscriptions() {
    let mut client = Client::ready().await;
    for id in 1..=128 {
        assert_eq!(client.call(id, "watch", json!({"bytes": 1})).await["result"], id.to_string());
    }
    assert_eq!(code(&client.call(129, "watch", json!({"bytes": 1})).await), 1302);
}

#[tokio::test]
async fn a_slow_client_stops_its_logs_being_read_and_loses_no_event() {
    let mut client = Client::ready().await;
    assert_eq!(client.call(1, "watch", json!({"bytes": 1000})).await["result"], "1");
    client.world.tail.add_permits(10_000);
    settle().await;
    let read = client.world.delivered.load(Ordering::SeqCst);
    // One mebibyte in the outbox, what the kernel holds, and one turn.
    assert!(read < 3_000, "{read} events were read for a client that takes nothing");
    for seq in 1..=10_000 {
        assert_eq!(client.receive().await["params"]["result"]["seq"], seq);
    }
}

#[tokio::test]
async fn whoever_takes_nothing_for_ten_minutes_loses_subscriptions_and_nothing_else() {
    let mut client = Client::ready().await;
    assert_eq!(client.call(1, "watch", json!({"bytes": 1000})).await["result"], "1");
    client.world.tail.add_permits(10_000);
    settle().await;
    client.clock.pass(Duration::from_secs(599));
    settle().await;
    assert!(!client.world.subscription_dropped.load(Ordering::SeqCst));
    client.clock.pass(Duration::from_mins(10));
    settle().await;
    assert!(client.world.subscription_dropped.load(Ordering::SeqCst));
    let read = client.world.delivered.load(Ordering::SeqCst);
    for seq in 1..=read {
        assert_eq!(client.receive().await["params"]["result"]["seq"], seq);
    }
    let closed = client.receive().await["params"]["result"].take();
    assert_eq!(
        (&closed["type"], &closed["data"]["cursor"]),
        (&json!("observe.closed"), &json!(format!("1.{read}")))
    );
    assert_eq!(client.call(2, "echo", json!({})).await["id"], 2);
}
