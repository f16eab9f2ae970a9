//! `GET /api/v1/analytics/popular-items`.

use crate::doubles::{Mood, NOW_MS, town};
use comanda_schemas::{CorrelationId, Envelope, EventId, EventTime, PopularItems, RankedItem};
use serde_json::json;
use std::sync::Arc;

const PATH: &str = "/api/v1/analytics/popular-items";
const ITEM: &str = "a2c5a7d4-8f27-4f2b-b0f6-3c1d1f0e9b01";
const RESTAURANT: &str = "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001";

fn ranking(zone: &str, quantity: i64) -> PopularItems {
    let (item_id, restaurant_id, id) =
        (ITEM.parse().unwrap(), RESTAURANT.parse().unwrap(), ITEM.parse::<EventId>().unwrap());
    PopularItems {
        envelope: Envelope::first(id, EventTime(NOW_MS), CorrelationId(id.0), "analytics"),
        zone: zone.to_owned(),
        window_start: EventTime(NOW_MS),
        window_end: EventTime(NOW_MS + 3_600_000),
        items: vec![RankedItem { rank: 1, item_id, restaurant_id, name: "Ajiaco".to_owned(), quantity }],
    }
}

#[tokio::test]
async fn a_zone_s_ranking_and_that_of_all_zones_are_shown() {
    let (client, town) = town();
    town.rank(ranking("chapinero", 7));
    town.rank(ranking("all", 31));
    let body = client.get(&format!("{PATH}?zone=chapinero")).await.json();
    assert_eq!(
        body,
        json!({
            "zone": "chapinero", "window_start": "2024-03-30T18:19:00Z", "window_end": "2024-03-30T19:19:00Z",
            "updated_at": "2024-03-30T18:19:00Z",
            "items": [{ "rank": 1, "item_id": ITEM, "restaurant_id": RESTAURANT, "name": "Ajiaco", "quantity": 7 }]
        })
    );
    let all = client.get(PATH).await.json();
    assert_eq!((&all["zone"], &all["items"][0]["quantity"]), (&json!("all"), &json!(31)));
}

#[tokio::test]
async fn a_zone_without_a_ranking_is_not_found_and_a_name_that_is_none_a_fault() {
    let (client, _) = town();
    assert_eq!(client.get(&format!("{PATH}?zone=usaquen")).await.problem().0, 404);
    assert_eq!(client.get(&format!("{PATH}?zone=")).await.faults(), ["zone: is not a zone's name"]);
    assert_eq!(client.get(&format!("{PATH}?top=5")).await.faults(), ["top: is not a parameter of this resource"]);
    assert_eq!(client.get(&format!("{PATH}?zone={}", "z".repeat(65))).await.problem().0, 422);
}

#[tokio::test]
async fn a_ranking_elsewhere_or_out_of_reach_is_unavailable() {
    let (client, town): (_, Arc<_>) = town();
    town.set(Mood::Elsewhere(Some("10.0.0.7:8080".to_owned())));
    assert_eq!(client.get(PATH).await.problem().2["owner"], "10.0.0.7:8080");
    town.set(Mood::QueriesFail { retriable: true });
    assert_eq!(client.get(PATH).await.problem().1, "urn:problem-type:comanda:unavailable");
}
