//! Every row of the protocol's table of edges.
use super::*;

/// Sends `text` on an initialised connection and checks the answers' ids and codes; a result has code 0.
async fn check(text: &str, expected: &[(Value, i64)]) -> Client {
    let mut client = Client::ready().await;
    client.send_text(text).await;
    for (id, code) in expected {
        let answer = client.receive().await;
        let told = answer["error"]["code"].as_i64().unwrap_or(0);
        assert_eq!((&answer["id"], told), (id, *code), "{text}: {answer}");
        assert_eq!(answer["jsonrpc"], "2.0");
    }
    client
}

#[tokio::test]
async fn a_body_that_is_no_json_is_answered_and_passed_over() {
    let ok = r#"{"jsonrpc":"2.0","id":1,"method":"echo"}"#;
    let text = format!("{{nonsense\n{{]\n{ok}\n{{\n");
    let client =
        check(&text, &[(Value::Null, -32700), (Value::Null, -32700), (json!(1), 0), (Value::Null, -32700)])
            .await;
    drop(client);
}

#[tokio::test]
async fn three_unreadable_bodies_in_a_row_close() {
    let unreadable = (Value::Null, -32700);
    let client = check("{\n{\n{\n", &[unreadable.clone(), unreadable.clone(), unreadable]).await;
    assert_eq!(client.done().await, End::Refused);
}

#[tokio::test]
async fn invalid_utf8_is_unreadable() {
    let mut client = Client::ready().await;
    client.write.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n").await.unwrap();
    assert_eq!(code(&client.receive().await), -32700);
    assert_eq!(client.call(2, "echo", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn deep_json_is_unreadable_and_what_fits_is_not() {
    let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let request = |id: u64, depth: usize| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"write","params":{{"a":{}}}}}"#, nest(depth))
    };
    let text = format!("{}\n{}\n", request(1, 127), request(2, 126));
    drop(check(&text, &[(Value::Null, -32700), (json!(2), 0)]).await);
}

#[tokio::test]
async fn a_damaged_header_block_closes() {
    for damaged in ["Content-Length: -1\r\n\r\n", "Content-Length: 99999999999\r\n\r\n{", "nonsense\r\n\r\n"]
    {
        let mut client = Client::connect();
        let hello = json!({"protocol": [1]});
        client.send_text(&with_headers(&initialize(&hello))).await;
        assert_eq!(client.receive().await["id"], 0);
        client.send_text(damaged).await;
        let answer = client.receive().await;
        assert_eq!((&answer["id"], code(&answer)), (&Value::Null, -32700));
        assert_eq!(client.done().await, End::Refused);
    }
}

#[tokio::test]
async fn a_stream_of_something_else_is_closed_without_an_answer() {
    for text in ["GET / HTTP/1.1\r\n\r\n", "hello\n", "\0"] {
        let mut client = Client::connect();
        client.send_text(text).await;
        assert_eq!(client.done().await, End::Refused);
    }
}

#[tokio::test]
async fn ids_are_integers_or_strings() {
    for id in ["null", "1.5", "[1]", "{\"a\":1}", "true"] {
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"echo\"}}\n");
        drop(check(&text, &[(Value::Null, -32600)]).await);
    }
    let text = "{\"id\":-3,\"method\":\"echo\"}\n{\"id\":\"3\",\"method\":\"echo\"}\n";
    drop(check(text, &[(json!(-3), 0), (json!("3"), 0)]).await);
}

#[tokio::test]
async fn batches_are_refused() {
    drop(check("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}]\n", &[(Value::Null, -32600)]).await);
}

#[tokio::test]
async fn an_id_in_flight_is_refused_and_the_first_goes_on() {
    let mut client = Client::ready().await;
    client.request(7, "hold", json!({"number": 0})).await;
    assert_eq!(code(&client.call(7, "echo", json!({})).await), -32600);
    client.world.gate.add_permits(1);
    assert_eq!(client.receive().await, json!({"jsonrpc": "2.0", "id": 7, "result": 0}));
    assert_eq!(client.call(7, "echo", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn positional_parameters_are_for_unobserve_alone() {
    let mut client = Client::ready().await;
    assert_eq!(code(&client.call(1, "hold", json!([0])).await), -32602);
    assert_eq!(client.call(2, "agent/unobserve", json!(["9"])).await["result"], false);
    assert_eq!(code(&client.call(3, "agent/unobserve", json!({"id": "9"})).await), -32602);
    let error = client.call(4, "hold", json!({"number": "x"})).await;
    assert_eq!(code(&error), -32602);
    assert!(error["error"]["message"].as_str().unwrap().contains("invalid type: string"), "{error}");
    assert_eq!(error["error"]["data"]["kind"], "invalidParams");
}

#[tokio::test]
async fn a_message_without_the_mark_is_for_lines_alone() {
    let mut client = Client::connect();
    client.send_text(&with_headers(&initialize(&json!({"protocol": [1]})))).await;
    assert_eq!(client.receive().await["id"], 0);
    client.send_text(&with_headers(&json!({"id": 1, "method": "echo"}))).await;
    assert_eq!(code(&client.receive().await), -32600);
    drop(check("{\"id\":1,\"method\":\"echo\"}\n", &[(json!(1), 0)]).await);
}

#[tokio::test]
async fn responses_and_unknown_notifications_are_never_answered() {
    let text = concat!(
        "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":1}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":99,\"error\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":4}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\"}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n",
    );
    drop(check(text, &[(json!(1), 0)]).await);
}

#[tokio::test]
async fn a_notifications_name_with_an_id_is_answered_null() {
    let mut client = Client::ready().await;
    assert_eq!(
        client.call(1, "initialized", json!({})).await,
        json!({"jsonrpc": "2.0", "id": 1, "result": null})
    );
    assert_eq!(client.call(2, "$/cancelRequest", json!({"id": 5})).await["result"], Value::Null);
}

#[tokio::test]
async fn unknown_methods_are_told_by_name() {
    let mut client = Client::ready().await;
    let answer = client.call(1, "agent/\u{1b}wat", json!({})).await;
    assert_eq!(code(&answer), -32601);
    assert_eq!(answer["error"]["message"], "there is no method agent/?wat");
}

#[tokio::test]
async fn a_handler_that_panics_fails_alone() {
    let mut client = Client::ready().await;
    client.request(1, "hold", json!({"number": 0})).await;
    let answer = client.call(2, "boom", json!({})).await;
    assert_eq!((&answer["id"], code(&answer)), (&json!(2), -32603));
    assert!(!answer.to_string().contains("assert"), "{answer}");
    assert_eq!(client.call(3, "boom", json!({"calm": 1})).await["result"], 1);
    client.world.gate.add_permits(1);
    assert_eq!(client.receive().await["id"], 1);
}

#[tokio::test]
async fn an_observer_may_look_and_not_act() {
    let mut client = Client::introduced(&json!({"protocol": [1], "role": "observer"})).await;
    let answer = client.call(1, "write", json!({})).await;
    assert_eq!((code(&answer), &answer["error"]["data"]["kind"]), (1403, &json!("forbidden")));
    assert_eq!(client.call(2, "echo", json!({"a": 1})).await["result"], json!({"a": 1}));
    let mut client = Client::introduced(&json!({"protocol": [1], "role": "controller"})).await;
    assert_eq!(client.call(1, "write", json!({})).await["result"], 1);
}

#[tokio::test]
async fn shutdown_and_exit_end_the_connection() {
    let mut client = Client::ready().await;
    assert_eq!(client.call(1, "shutdown", Value::Null).await["result"], Value::Null);
    assert_eq!(code(&client.call(2, "echo", json!({})).await), -32600);
    client.send(&json!({"jsonrpc": "2.0", "method": "exit"})).await;
    let world = Arc::clone(&client.world);
    assert_eq!(client.done().await, End::Closed);
    world.disconnected.notified().await;
}

#[tokio::test]
async fn a_cancelled_request_is_answered_once() {
    let mut client = Client::ready().await;
    client.request(1, "hold", json!({"number": 0})).await;
    client.send(&json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}})).await;
    assert_eq!(code(&client.receive().await), -32800);
    client.world.gate.add_permits(1);
    assert_eq!(client.call(2, "echo", json!({})).await["id"], 2);
}
