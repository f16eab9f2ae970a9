//! Sets the simulated city beside real evenings: `calibrate DIR` reads `DIR/*.jsonl` and writes the comparison as
//! Markdown to standard output; `calibrate --constants DIR` writes what was measured as the Rust value that
//! `calibration.rs` keeps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use comanda_city::{
    City, CityConfig, CityError, Curve, Evening, Figures, LEAD_HOURS, OPENING_HOUR, Outcome, PROBABILITIES, Sample,
    samples_of, stand_in,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--constants", dir] => measured(Path::new(dir)).map(|(figures, _)| println!("{figures:?}")),
        [dir] => measured(Path::new(dir)).and_then(|(real, evenings)| report(&real, evenings)),
        _ => Err("usage: calibrate [--constants] DIRECTORY-OF-EVENINGS".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("calibrate: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The figures of all evenings in `dir`, and how many there are.
fn measured(dir: &Path) -> Result<(Figures, usize), String> {
    let entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let evenings: Result<Vec<Evening>, CityError> = paths.iter().map(Evening::from_file).collect();
    let evenings = evenings.map_err(|error| error.to_string())?;
    let figures = Figures::measured(&samples_of(&evenings))
        .ok_or_else(|| format!("{}: too few evenings to measure", dir.display()))?;
    Ok((figures, evenings.len()))
}

/// Of the simulated evenings: samples, and minutes from the promise to the door.
struct Simulated {
    samples: Vec<Sample>,
    lateness: Vec<f64>,
}

fn simulate(evenings: usize, orders: u32) -> Simulated {
    let mut all = Simulated { samples: Vec::new(), lateness: Vec::new() };
    for seed in 1..=evenings as u64 {
        let mut city = City::new(CityConfig { seed, orders, ..CityConfig::default() });
        stand_in::play(&mut city, 1_000);
        all.samples.extend(city.samples());
        let books = city.books();
        let delivered = books.orders.iter().filter(|order| order.outcome == Outcome::Delivered);
        all.lateness
            .extend(delivered.filter_map(|order| Some((order.ended_at_ms? - order.promised_at_ms) as f64 / 60_000.0)));
    }
    all
}

fn report(real: &Figures, evenings: usize) -> Result<(), String> {
    let orders = (real.orders as f64 / evenings as f64).round() as u32;
    let simulated = simulate(evenings, orders);
    let figures = Figures::measured(&simulated.samples).ok_or("the simulated evenings cannot be measured")?;
    let lateness = Curve::measured(&simulated.lateness).ok_or("nothing was delivered")?;
    println!("{}", INTRODUCTION.trim());
    println!(
        "\nReal: {evenings} evenings, {} orders. Simulated: {evenings} evenings (seeds 1 to {evenings}) of {orders} orders, of",
        real.orders
    );
    println!("which {} reached the stove; the others were refused, declined or cancelled before.", figures.orders);
    arrivals(real, &figures);
    quantiles(real, &figures, &lateness);
    skew(real, &figures);
    println!("\n{}", ASSUMED.trim());
    Ok(())
}

fn arrivals(real: &Figures, simulated: &Figures) {
    println!(
        "\n## Arrivals\n\nShare of the orders placed in each quarter of an hour, per cent; booked ahead (placed before 17:00):"
    );
    println!(
        "{:.1} real, {:.1} simulated.\n\n| from | real | simulated |\n|---|---:|---:|",
        real.booked_share * 100.0,
        simulated.booked_share * 100.0
    );
    for (bin, (real, simulated)) in real.arrivals.iter().zip(simulated.arrivals).enumerate() {
        let (hour, minute) = (usize::from(OPENING_HOUR) + bin / 4, bin % 4 * 15);
        println!("| {hour}:{minute:02} | {:.1} | {:.1} |", real * 100.0, simulated * 100.0);
    }
}

fn quantiles(real: &Figures, simulated: &Figures, lateness: &Curve) {
    println!("\n## Times\n\nMinutes at the quantiles; the two ends are the 0.5 and 99.5 % quantiles.\n");
    let heads: Vec<String> = PROBABILITIES.iter().map(|p| format!("{:.0} %", p * 100.0)).collect();
    println!("| | | {} |\n|---|---|{}", heads.join(" | "), "---:|".repeat(PROBABILITIES.len()));
    let pair = |name: &str, real: &Curve, simulated: &Curve| {
        row(name, "real", real);
        row("", "simulated", simulated);
    };
    pair("placed → promised", &real.lead, &simulated.lead);
    for hour in 0..LEAD_HOURS {
        let from = if hour + 1 == LEAD_HOURS { "from" } else { "placed at" };
        pair(
            &format!("… {from} {} h", usize::from(OPENING_HOUR) + hour),
            &real.lead_by_hour[hour],
            &simulated.lead_by_hour[hour],
        );
    }
    pair("booked ahead: 17:00 → promised", &real.booked_promise, &simulated.booked_promise);
    pair("placed → ready", &real.ready, &simulated.ready);
    pair("direct travel", &real.direct, &simulated.direct);
    row("promised → delivered", "simulated", lateness);
}

fn row(name: &str, whose: &str, curve: &Curve) {
    let values: Vec<String> = curve.0.iter().map(|value| format!("{value:.1}")).collect();
    println!("| {name} | {whose} | {} |", values.join(" | "));
}

fn skew(real: &Figures, simulated: &Figures) {
    println!("\n## Restaurants\n\nShare of all orders, per cent.\n\n| best | real | simulated |\n|---|---:|---:|");
    let line =
        |name: &str, real: f64, simulated: f64| println!("| {name} | {:.1} | {:.1} |", real * 100.0, simulated * 100.0);
    line("the best", real.hottest[0], simulated.hottest[0]);
    line("the second", real.hottest[1], simulated.hottest[1]);
    for (at, fraction) in comanda_city::RESTAURANT_FRACTIONS.iter().enumerate() {
        line(&format!("best {:.0} %", fraction * 100.0), real.restaurant_shares[at], simulated.restaurant_shares[at]);
    }
    println!(
        "\nZipf exponent over the better half of the ranks: {:.2} real, {:.2} simulated.",
        real.zipf_exponent, simulated.zipf_exponent
    );
}

const INTRODUCTION: &str = r"
# The simulated city beside real evenings

Written by `cargo run -p comanda-city --bin calibrate -- DIRECTORY-OF-EVENINGS`; the constants it is calibrated to
stand in `testkit/city/src/calibration.rs`. The real evenings are derived from the data of M. Cosmi, G. Oriolo,
V. Piccialli, P. Ventura, *Courier assignment in meal delivery via integer programming: a case study in Rome*, Omega
133 (2025) 103237 (Apache-2.0); they are not part of this repository. The simulated ones were brought to their end by
`comanda_city::stand_in`, which dispatches the nearest idle courier nine minutes before the food is expected.
";

const ASSUMED: &str = r"
## What is not in the real evenings

- **Ready** is not observed there: it is the promise less the direct travel. The simulated kitchens aim at the same
  moment and miss it by what the processors cannot see: cooking scatter, crowded kitchens, houses that are slower than
  they believe, three in a hundred and one popular house that opened tonight. Hence the wider ends of that row.
- **Delivered** is not there either: the last row of the table has nothing to compare with.
- **Shifts** are there as 18:30 to 23:00 for everybody, which is assumed. The simulated couriers (one on duty per 7.25
  orders, as there) come in three groups, with a change in mid-evening.
- Items, prices, payments, refusals, cancellations, rain and couriers' skill are invented; every share is a parameter
  of `CityConfig`.
- Orders booked up to 37 hours ahead are real. An evening here opens at 17:00, so that they are placed in its first
  minute: what matters is that they stay scheduled for hours. Their lead time therefore counts from 17:00.
";
