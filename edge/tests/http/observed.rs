//! Request ids, metrics and the access log.

use crate::doubles::{Client, Mood, TownDouble, order_body, parts, town};
use axum::body::Body;
use axum::http::Request;
use comanda_edge::{REQUEST_SECONDS, REQUEST_SECONDS_BUCKETS, app, describe_metrics};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use std::io::Write;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_harmless_request_id_is_kept_and_any_other_replaced() {
    let (client, _) = town();
    let with_id = |id: &str| {
        let request = Request::get("/health/live").header("X-Request-Id", id).body(Body::empty()).unwrap();
        let client = client.clone();
        async move { client.send(request).await.header("x-request-id").unwrap().to_owned() }
    };
    assert_eq!(with_id("cart-7_b").await, "cart-7_b");
    for bad in ["", "a b", "<script>", &"x".repeat(65)] {
        assert_eq!(with_id(bad).await.len(), 36, "a UUID of the edge's own instead of {bad:?}");
    }
    assert_ne!(
        client.get("/nowhere").await.header("x-request-id"),
        client.get("/nowhere").await.header("x-request-id")
    );
}

/// What `/metrics` says after `requests`.
fn metrics_after(requests: impl AsyncFnOnce(&Client, &TownDouble)) -> String {
    let seconds = Matcher::Full(REQUEST_SECONDS.to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &REQUEST_SECONDS_BUCKETS).unwrap();
    let recorder = builder.build_recorder();
    let town = Arc::<TownDouble>::default();
    let client = Client(app(comanda_edge::EdgeParts { metrics: recorder.handle(), ..parts(&town) }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        describe_metrics();
        runtime.block_on(async {
            requests(&client, &town).await;
            client.get("/metrics").await.text
        })
    })
}

#[test]
fn request_times_are_counted_by_method_route_and_status_never_by_what_callers_make_up() {
    let text = metrics_after(async |client, _| {
        client.get("/api/v1/orders/0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10").await;
        client.get("/api/v1/orders/0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e11").await;
        client.get("/made/up").await;
        client.send(Request::builder().method("MADEUP").uri("/metrics").body(Body::empty()).unwrap()).await;
    });
    for line in [
        r#"comanda_edge_request_seconds_count{method="GET",route="/api/v1/orders/{order_id}",status="404"} 2"#,
        r#"comanda_edge_request_seconds_count{method="GET",route="unmatched",status="404"} 1"#,
        r#"comanda_edge_request_seconds_count{method="other",route="/metrics",status="405"} 1"#,
        "# TYPE comanda_edge_request_seconds histogram",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("made/up") && !text.contains("MADEUP"));
}

#[test]
fn orders_are_counted_by_outcome() {
    let text = metrics_after(async |client, town| {
        client.post(order_body().to_string()).await;
        town.set(Mood::Refusing);
        client.post(order_body().to_string()).await;
        town.set(Mood::Asleep);
        client.post(order_body().to_string()).await;
        client.post(order_body().to_string()).await;
        town.set(Mood::AppendsHang);
        client.post(order_body().to_string()).await;
    });
    for (outcome, count) in [("accepted", 1), ("refused", 1), ("pending", 2), ("not_written", 1)] {
        let line = format!("comanda_edge_orders_total{{outcome=\"{outcome}\"}} {count}");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let (client, _) = town();
    let reply = client.get("/metrics").await;
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

/// A log that tests can read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_request_is_one_event_in_the_access_log_and_its_query_string_is_not_in_it() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let (client, _) = town();
    let request = Request::get("/api/v1/orders/x?token=secret").header("X-Request-Id", "cart-7");
    client.send(request.body(Body::empty()).unwrap()).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let [line] = text.lines().filter(|line| line.contains(" access: ")).collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    for part in [
        r#"request_id="cart-7""#,
        r#"method="GET""#,
        r#"path="/api/v1/orders/x""#,
        r#"route="/api/v1/orders/{order_id}""#,
        "status=404",
        "duration_ms=",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!text.contains("secret"));
}
