//! Popular items: the rankings that were published against those that the city's own deliveries make.

use super::report::Report;
use comanda_city::{Books, OrderBook, Outcome};
use comanda_schemas::PopularItems;
use std::collections::BTreeMap;

/// The contract: hours, one every five minutes, ten places, every zone and all of them together.
const HOUR_MS: i64 = 3_600_000;
const ADVANCE_MS: i64 = 5 * 60_000;
const PLACES: usize = 10;
const ALL_ZONES: &str = "all";

/// (Zone, start of the window).
type Key = (String, i64);
/// (Item, pieces) from the first place on.
type Ranking = Vec<(String, i64)>;

/// Every ranking of the evening.
pub fn compare(report: &mut Report, city: &Books, published: &[PopularItems]) {
    let (ours, theirs) = (rankings_of(city), last_published(published));
    let same = ours.iter().filter(|(key, ranking)| theirs.get(*key) == Some(ranking)).count();
    report.equal("rankings of popular items published", ours.len(), theirs.len());
    report.equal("rankings of popular items that are the same", ours.len(), same);
}

/// The evening's five best.
pub fn top_five(city: &Books) {
    let mut pieces: BTreeMap<&str, u64> = BTreeMap::new();
    for (item, count) in city.delivered_items.values().flatten() {
        *pieces.entry(item).or_default() += count;
    }
    let mut best: Vec<(u64, &str)> = pieces.into_iter().map(|(item, count)| (count, item)).collect();
    best.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    println!("  five top items:");
    for (count, item) in best.into_iter().take(5) {
        println!("    {count:>5} × {}", city.item_names.get(item).map_or(item, String::as_str));
    }
}

fn rankings_of(city: &Books) -> BTreeMap<Key, Ranking> {
    let mut totals: BTreeMap<Key, BTreeMap<&str, i64>> = BTreeMap::new();
    for order in city.orders.iter().filter(|order| order.outcome == Outcome::Delivered) {
        for (window, zone) in windows_of(order).flat_map(|start| [(start, order.zone.as_str()), (start, ALL_ZONES)]) {
            let totals = totals.entry((zone.to_owned(), window)).or_default();
            order.pieces.iter().for_each(|(item, count)| *totals.entry(item).or_default() += *count as i64);
        }
    }
    totals.into_iter().map(|(key, totals)| (key, best(totals))).collect()
}

/// Starts of the windows that hold its delivery.
fn windows_of(order: &OrderBook) -> impl Iterator<Item = i64> {
    let at_ms = order.ended_at_ms.unwrap_or_default();
    let last = at_ms.div_euclid(ADVANCE_MS) * ADVANCE_MS;
    (0..HOUR_MS / ADVANCE_MS).map(move |back| last - back * ADVANCE_MS)
}

fn best(totals: BTreeMap<&str, i64>) -> Ranking {
    let mut ranking: Ranking = totals.into_iter().map(|(item, count)| (item.to_owned(), count)).collect();
    ranking.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranking.truncate(PLACES);
    ranking
}

fn last_published(published: &[PopularItems]) -> BTreeMap<Key, Ranking> {
    let ranking = |items: &PopularItems| items.items.iter().map(|i| (i.item_id.to_string(), i.quantity)).collect();
    published.iter().map(|items| ((items.zone.clone(), items.window_start.millis()), ranking(items))).collect()
}
