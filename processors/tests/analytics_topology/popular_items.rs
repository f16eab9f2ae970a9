//! Rankings against a naive recomputation, and their rules one by one.

use crate::endings::{Dice, EVENING_MS, at, delivered, item_id, order_id};
use crate::role::AnalyticsRole;
use comanda_processors::analytics::{POPULAR_ITEMS, popular_items_serde};
use comanda_schemas::{EventTime, ItemId, OrderDelivered, PopularItems};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const ADVANCE_MS: i64 = 5 * MINUTE_MS;

type Top = Vec<(ItemId, i64)>;

/// The best ten of each (zone, window start), recomputed from all deliveries.
fn naive(deliveries: &[OrderDelivered]) -> BTreeMap<(String, i64), Top> {
    let mut sums: BTreeMap<(String, i64), BTreeMap<ItemId, i64>> = BTreeMap::new();
    for delivery in deliveries {
        let time = delivery.envelope.occurred_at.millis();
        for start in (0..=time / ADVANCE_MS).rev().map(|n| n * ADVANCE_MS).take_while(|start| time < start + HOUR_MS) {
            for zone in [delivery.zone.as_str(), "all"] {
                let window = sums.entry((zone.to_owned(), start)).or_default();
                for line in &delivery.items {
                    *window.entry(line.item_id).or_default() += i64::from(line.quantity);
                }
            }
        }
    }
    let top = |sums: BTreeMap<ItemId, i64>| {
        let mut items: Top = sums.into_iter().collect();
        items.sort_by_key(|(item, quantity)| (-quantity, *item));
        items.truncate(10);
        items
    };
    sums.into_iter().map(|(window, sums)| (window, top(sums))).collect()
}

fn top(ranking: &PopularItems) -> Top {
    ranking.items.iter().map(|place| (place.item_id, place.quantity)).collect()
}

/// The last ranking published for each (zone, window start).
fn last(published: &[PopularItems]) -> BTreeMap<(String, i64), Top> {
    let entry = |ranking: &PopularItems| ((ranking.zone.clone(), ranking.window_start.millis()), top(ranking));
    published.iter().map(entry).collect()
}

fn random_deliveries(seed: u64) -> Vec<OrderDelivered> {
    let mut dice = Dice(seed);
    let mut minute = 0.0;
    let deliveries = (0..250).map(|n| {
        minute += dice.below(100) as f64 / 60.0;
        let lateness = if dice.below(10) == 0 { dice.below(4) as f64 } else { 0.0 };
        let zone = format!("zone-{}", dice.below(3));
        let lines: Vec<_> = (0..1 + dice.below(3))
            .map(|_| (u128::from(dice.below(6) * dice.below(5)), 1 + dice.below(3) as i32))
            .collect();
        delivered(n, &zone, (minute - lateness).max(0.0), &lines)
    });
    deliveries.collect()
}

#[test]
fn rankings_equal_a_recomputation_from_all_deliveries_with_and_without_a_cache() {
    for seed in 1..=3 {
        for cache_bytes in [None, Some(0)] {
            let (mut role, deliveries) = (AnalyticsRole::new(cache_bytes), random_deliveries(seed));
            deliveries.iter().for_each(|delivery| role.order_event(delivery.clone()));
            assert_eq!(last(&role.popular_items()), naive(&deliveries), "seed {seed}, cache {cache_bytes:?}");
        }
    }
}

#[test]
fn each_delivery_publishes_the_rankings_of_the_windows_that_it_changes_and_no_other() {
    let (mut role, deliveries) = (AnalyticsRole::new(None), random_deliveries(9));
    let mut before = BTreeMap::new();
    for n in 1..=60 {
        role.order_event(deliveries[n - 1].clone());
        let published = last(&role.popular_items());
        let after = naive(&deliveries[..n]);
        let mut changed = after.clone();
        changed.retain(|window, top| before.get(window) != Some(top));
        assert_eq!(published, changed, "delivery {n}");
        before = after;
    }
}

#[test]
fn a_delivery_counts_in_the_twelve_hours_that_contain_it() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(delivered(1, "zone-1", 62.0, &[(1, 2)]));
    let published = role.popular_items();
    let starts: BTreeSet<i64> = published.iter().map(|r| (r.window_start.millis() - EVENING_MS) / MINUTE_MS).collect();
    assert_eq!(starts, (1..=12).map(|n| n * 5).collect());
    assert!(published.iter().all(|r| r.window_end.ms_since(r.window_start) == HOUR_MS));
    assert!(published.iter().all(|r| r.items[0].name == "dish 1" && r.items[0].quantity == 2));
}

#[test]
fn more_pieces_rank_higher_and_ties_go_to_the_smaller_item_id() {
    let mut role = AnalyticsRole::new(None);
    let lines: Vec<(u128, i32)> = (1..=12).map(|item| (item, if item == 12 { 9 } else { 1 })).collect();
    role.order_event(delivered(1, "zone-1", 1.0, &lines));
    let ranking = role.popular_items().pop().unwrap();
    let expected: Top = [(12, 9)].into_iter().chain((1..=9).map(|n| (n, 1))).map(|(n, q)| (item_id(n), q)).collect();
    assert_eq!(top(&ranking), expected);
    assert_eq!(ranking.items.iter().map(|place| place.rank).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

#[test]
fn an_item_that_fell_out_of_the_ten_comes_back_with_its_whole_total() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(delivered(1, "zone-1", 1.0, &[(99, 2)]));
    let ten: Vec<(u128, i32)> = (1..=10).map(|item| (item, 3)).collect();
    role.order_event(delivered(2, "zone-1", 2.0, &ten));
    assert!(!top(&role.popular_items().pop().unwrap()).contains(&(item_id(99), 2)));
    role.order_event(delivered(3, "zone-1", 3.0, &[(99, 2)]));
    assert_eq!(top(&role.popular_items().pop().unwrap())[0], (item_id(99), 4));
}

#[test]
fn a_delivery_that_comes_after_its_windows_have_closed_is_counted_as_late_and_changes_nothing() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(delivered(1, "zone-1", 200.0, &[(1, 1)]));
    role.popular_items();
    let dropped = role.driver.dropped_records();
    role.order_event(delivered(2, "zone-1", 100.0, &[(1, 1)]));
    assert_eq!(role.popular_items(), []);
    assert!(role.driver.dropped_records() > dropped);
}

#[test]
fn each_published_ranking_has_an_identity_of_its_own_and_is_correlated_with_its_delivery() {
    let mut role = AnalyticsRole::new(Some(0));
    random_deliveries(5)[..40].iter().for_each(|delivery| role.order_event(delivery.clone()));
    role.order_event(delivered(777, "zone-1", 90.0, &[(1, 50)]));
    let published = role.popular_items();
    let ids: BTreeSet<_> = published.iter().map(|ranking| ranking.envelope.event_id).collect();
    assert_eq!(ids.len(), published.len());
    assert_eq!(published.last().unwrap().envelope.correlation_id, order_id(777).into());
}

/// What a query by zone finds.
fn shown(role: &AnalyticsRole, zone: &str) -> Option<PopularItems> {
    let (keys, values) = popular_items_serde();
    let mut key = vec![];
    keys.serialize(POPULAR_ITEMS, &zone.to_owned(), &mut key).unwrap();
    let store = role.driver.stores().key_value(POPULAR_ITEMS).unwrap();
    store.get(&key).unwrap().map(|bytes| values.deserialize(POPULAR_ITEMS, &bytes).unwrap())
}

#[test]
fn a_query_by_zone_finds_the_ranking_of_the_last_full_hour() {
    let mut role = AnalyticsRole::new(None);
    assert_eq!(shown(&role, "zone-1"), None);
    role.order_event(delivered(1, "zone-1", 10.0, &[(1, 2)]));
    role.order_event(delivered(2, "zone-1", 58.0, &[(2, 1)]));
    role.order_event(delivered(3, "zone-2", 63.0, &[(3, 1)]));
    let of = |zone| shown(&role, zone).map(|ranking| (ranking.window_start, top(&ranking))).unwrap();
    assert_eq!(of("zone-1"), (at(0.0), vec![(item_id(1), 2), (item_id(2), 1)]));
    assert_eq!(of("zone-2"), (at(5.0), vec![(item_id(3), 1)]));
    assert_eq!(of("all"), (at(5.0), vec![(item_id(1), 2), (item_id(2), 1), (item_id(3), 1)]));
}

#[test]
fn the_shown_ranking_follows_the_hours_and_takes_in_what_comes_late() {
    let mut role = AnalyticsRole::new(None);
    for n in 0..40 {
        role.order_event(delivered(n, "zone-1", n as f64 * 3.0, &[(n % 7, 1)]));
    }
    role.order_event(delivered(50, "zone-1", 114.0, &[(77, 9)]));
    let ranking = shown(&role, "zone-1").unwrap();
    assert_eq!(ranking.window_start, EventTime(at(60.0).millis()));
    assert_eq!(top(&ranking)[0], (item_id(77), 9));
}
