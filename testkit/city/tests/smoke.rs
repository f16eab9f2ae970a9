use comanda_city::*;
#[test]
fn smoke() {
    let mut city = City::new(CityConfig { orders: 600, seed: 3, ..Default::default() });
    let mut s = stand_in::StandIn::default();
    let t0 = std::time::Instant::now();
    let mut n = 0; let mut gen_t = std::time::Duration::ZERO;
    while !city.is_over() {
        let t = std::time::Instant::now();
        let r = city.next_before(city.clock_ms() + 1000);
        gen_t += t.elapsed();
        n += r.len();
        for o in s.answer(&r, city.clock_ms()) { city.observe(o); }
    }
    println!("{n} {:?} {:?} {}h", t0.elapsed(), gen_t, (city.clock_ms() - DEFAULT_STARTS_AT_MS) as f64 / 3.6e6);
    let mut b = city.books();
    let mut late: Vec<f64> = b.orders.iter().filter(|o| o.outcome == Outcome::Delivered).map(|o| (o.ended_at_ms.unwrap() - o.promised_at_ms) as f64 / 6e4).collect();
    late.sort_by(f64::total_cmp);
    println!("late {:?}", [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999].map(|p| late[(p * late.len() as f64) as usize]));
    let held: i64 = b.orders.iter().filter(|o| o.outcome == Outcome::Delivered).map(|o| o.total_centavos).sum();
    println!("held {} {}", held, b.money.held_centavos());
    b.orders.clear(); b.delivered_items.clear(); b.item_names.clear();
    println!("{}", serde_json::to_string_pretty(&b).unwrap());
}
