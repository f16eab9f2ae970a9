//! Errors that are no route's own: every one is a problem document and tells nothing of the inside.

use crate::doubles::{Client, Mood, TownDouble, order_body, parts, post_order, town};
use axum::body::{Body, Bytes};
use axum::http::Request;
use comanda_edge::{AppendError, app};
use std::time::Duration;

const LIMIT: usize = 64 << 10;

#[tokio::test]
async fn a_body_that_is_not_json_is_a_bad_request_that_says_where() {
    let (client, town) = town();
    for body in ["", "{", "{\"zone\": }", "\u{feff}{}", "{'zone': 1}", &"[".repeat(10_000)] {
        let (status, kind, problem) = client.post(body.to_owned()).await.problem();
        assert_eq!((status, kind.as_str()), (400, "about:blank"), "{body:.20}");
        assert!(problem["detail"].as_str().unwrap().contains("line 1 column"), "{problem}");
    }
    assert_eq!(client.post(vec![b'"', 0xff, 0xfe, b'"']).await.problem().0, 400);
    assert!(town.log().is_empty());
}

#[tokio::test]
async fn json_that_is_no_object_is_a_fault_of_the_body() {
    let (client, _) = town();
    for body in ["[]", "null", "7", "\"order\""] {
        assert_eq!(client.post(body).await.faults(), ["body: is not an object"]);
    }
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_not_a_byte_more() {
    let (client, _) = town();
    let padded = |length: usize| {
        let body = order_body().to_string();
        let blanks = " ".repeat(length - body.len());
        body + &blanks
    };
    assert_eq!(client.post(padded(LIMIT)).await.status, 201);
    assert_eq!(client.post(padded(LIMIT + 1)).await.problem().0, 413);
    let chunks = futures(padded(LIMIT + 1));
    assert_eq!(client.send(post_order(chunks).header("Transfer-Encoding", "chunked")).await.problem().0, 413);
}

/// A body of unknown length.
fn futures(text: String) -> Body {
    struct Chunks(std::vec::IntoIter<Vec<u8>>);
    impl axum::body::HttpBody for Chunks {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.next().map(|chunk| Ok(http_body::Frame::data(chunk.into()))))
        }
    }
    let chunks: Vec<Vec<u8>> = text.into_bytes().chunks(1_000).map(<[u8]>::to_vec).collect();
    Body::new(Chunks(chunks.into_iter()))
}

#[tokio::test]
async fn only_json_is_taken() {
    let (client, _) = town();
    let bare = Request::post("/api/v1/orders").body(Body::from(order_body().to_string())).unwrap();
    assert_eq!(client.send(bare).await.problem().0, 415);
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        assert_eq!(
            client.send(post_order(order_body().to_string()).header("Content-Type", other)).await.problem().0,
            415
        );
    }
    let good = post_order(order_body().to_string()).header("Content-Type", "Application/JSON; charset=utf-8");
    assert_eq!(client.send(good).await.status, 201);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_said_so() {
    let (client, _) = town();
    for path in ["/", "/api/v1/orders/", "/api/v1/nothing", "/api/v2/orders"] {
        assert_eq!(client.get(path).await.problem().0, 404, "{path}");
    }
    for (path, allowed) in [
        ("/api/v1/orders", "POST"),
        ("/api/v1/orders/0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10", "GET,HEAD"),
        ("/api/v1/analytics/popular-items", "GET,HEAD"),
        ("/health/live", "GET,HEAD"),
        ("/metrics", "GET,HEAD"),
    ] {
        let reply = client.send(Request::delete(path).body(Body::empty()).unwrap()).await;
        assert_eq!((reply.problem().0, reply.header("allow")), (405, Some(allowed)), "{path}");
    }
}

#[tokio::test]
async fn a_query_string_that_cannot_be_read_is_a_bad_request_or_a_fault() {
    let (client, _) = town();
    for query in ["%FF", "zone=%FF", "&&&==", "zone=%00"] {
        let reply = client.get(&format!("/api/v1/analytics/popular-items?{query}")).await;
        assert!([400, 404, 422].contains(&reply.problem().0), "{query}: {reply:?}");
    }
}

#[tokio::test]
async fn what_breaks_inside_is_not_told_outside() {
    let path = "/api/v1/orders/0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10";
    for mood in [Mood::QueriesFail { retriable: false }, Mood::QueriesPanic] {
        let (client, town) = town();
        town.set(mood);
        let reply = client.get(path).await;
        assert_eq!(reply.problem().0, 500);
        assert!(!reply.text.contains("sda1") && !reply.text.contains("rosebud"), "{reply:?}");
        assert!(reply.header("x-request-id").is_some());
    }
    let (client, town) = town();
    town.set(Mood::AppendsFail(AppendError::Unwritable("secret".to_owned())));
    let reply = client.post(order_body().to_string()).await;
    assert_eq!((reply.problem().0, reply.text.contains("secret")), (500, false));
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_and_the_edge_goes_on() {
    struct PanickingHealth;
    impl comanda_edge::Health for PanickingHealth {
        fn started(&self) -> Result<(), String> {
            panic!("rosebud")
        }

        fn ready(&self) -> Result<(), String> {
            Ok(())
        }
    }
    let town = std::sync::Arc::default();
    let client = Client(app(comanda_edge::EdgeParts { health: std::sync::Arc::new(PanickingHealth), ..parts(&town) }));
    let reply = client.get("/health/startup").await;
    assert_eq!((reply.problem().0, reply.text.contains("rosebud")), (500, false));
    assert_eq!(client.get("/health/ready").await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    struct Never;
    impl axum::body::HttpBody for Never {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }
    let town = std::sync::Arc::default();
    let mut parts = parts(&town);
    parts.limits.body = Duration::from_millis(50);
    assert_eq!(Client(app(parts)).post(Body::new(Never)).await.problem().0, 408);
}

#[tokio::test]
async fn once_the_body_is_in_no_limit_on_it_turns_a_written_order_into_a_408() {
    let town = std::sync::Arc::<TownDouble>::default();
    town.set(Mood::Asleep);
    let mut parts = parts(&town);
    parts.limits.body = parts.limits.taken_in / 10;
    let reply = Client(app(parts)).post(Body::from(order_body().to_string())).await;
    assert_eq!((reply.status.as_u16(), town.log().len()), (202, 1));
}
