//! The demo: one evening of a city through all roles, then its books against what the system made of it.

mod bank;
mod books;
mod freshness;
mod money;
mod player;
mod popular;
mod progress;
mod report;
mod summary;
mod writer;

use crate::clock::ScaledClock;
use crate::cluster;
use crate::config::Addresses;
use crate::error::AppError;
use crate::roles::Role;
use crate::serve::{Instance, Plan};
use bank::Bank;
use clap::Args;
use comanda_city::{City, CityConfig, Evening};
use comanda_streams::{Clock, SystemClock};
use player::Player;
use progress::Progress;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use writer::Writer;

/// What evening, how fast.
#[derive(Args)]
pub struct DemoArgs {
    /// A real evening to play, as JSON lines, instead of a simulated one.
    #[arg(long)]
    orders: Option<PathBuf>,
    /// Orders of a simulated evening.
    #[arg(long, default_value_t = 600)]
    count: u32,
    /// Seed of everything that chance decides.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many times faster than real the evening runs.
    #[arg(long, default_value_t = 100.0)]
    speed: f64,
    /// Port of the edge.
    #[arg(long, env = "COMANDA_EDGE_PORT", default_value_t = 8080)]
    edge_port: u16,
}

/// An evening and what follows it lie at least this long back, so that no record comes from the future (brokers refuse
/// more than an hour).
const EVENING_MS: i64 = 9 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// 17:00 in Bogotá (UTC−5) as time of the UTC day.
const OPENING_MS: i64 = 22 * 3_600_000;
/// After its last deed the city may still be asked for something: quiet for so long means over.
const QUIET: Duration = Duration::from_secs(5);
/// How long the entering of payment methods may take before the first order, by the system's clock.
const ENTERING: Duration = Duration::from_secs(4);
/// An evening that has not ended after so long will not.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Plays it; true if all equalities hold.
pub fn run(addresses: &Addresses, args: DemoArgs) -> Result<bool, AppError> {
    let mut city = city(&args)?;
    println!("preparing topics, schemas and tables …");
    cluster::prepare(addresses)?;
    let writer = publish_menus(addresses, &mut city)?;
    // Before the evening begins customers enter what they pay with.
    let doors_open_ms = city.clock_ms() - (ENTERING.as_millis() as f64 * args.speed) as i64;
    let clock = Arc::new(ScaledClock::standing_at(doors_open_ms, args.speed));
    let bank = Bank::open(args.edge_port)?;
    let payments = Some(bank.settings().payments()?);
    let state = tempdir()?;
    let plan = Plan { roles: &Role::ALL, state_dir: &state, edge_port: args.edge_port, clock: clock.clone(), payments };
    let instance = Instance::start(addresses, plan, || false)?;
    println!("starting the roles order, payment, delivery, analytics, sink and edge …");
    instance.wait_until_running(Duration::from_secs(120))?;
    let mut player = Player::new(addresses, city, writer, instance.orders()?)?;
    let mut progress = Progress::new(addresses)?;
    clock.start();
    player.enter_payment_methods()?;
    play(&mut player, &mut progress, &*clock, &instance, &bank)?;
    println!("the evening is over; waiting for the sink …");
    let books = player.into_books();
    let good = summary::print(addresses, &books, &bank.close(), args.edge_port)?;
    instance.stop()?;
    if let Err(error) = std::fs::remove_dir_all(&state) {
        eprintln!("comanda: cannot remove {}: {error}", state.display());
    }
    Ok(good)
}

/// The restaurants' catalogues are there before the order role starts: it reads them to the end before any order.
fn publish_menus(addresses: &Addresses, city: &mut City) -> Result<Writer, AppError> {
    let mut writer = Writer::new(addresses)?;
    for menu in city.next_before(city.clock_ms()) {
        writer.write(&menu)?;
    }
    writer.flush()?;
    Ok(writer)
}

fn city(args: &DemoArgs) -> Result<City, AppError> {
    let latest_ms = SystemClock.now_ms() - EVENING_MS - OPENING_MS;
    let starts_at_ms = latest_ms.div_euclid(DAY_MS) * DAY_MS + OPENING_MS;
    let config = CityConfig {
        seed: args.seed,
        orders: args.count,
        starts_at_ms,
        plays_provider: false,
        ..CityConfig::default()
    };
    Ok(match &args.orders {
        Some(path) => City::replay(config, &Evening::from_file(path)?),
        None => City::new(config),
    })
}

fn tempdir() -> Result<PathBuf, AppError> {
    let path = std::env::temp_dir().join(format!("comanda-demo-{}", std::process::id()));
    std::fs::create_dir_all(&path).map_err(|error| AppError::io(format!("cannot make {}", path.display()), error))?;
    Ok(path)
}

/// Steps the city until it is over and nobody asks it for anything any more.
fn play(
    player: &mut Player,
    progress: &mut Progress,
    clock: &dyn Clock,
    instance: &Instance,
    bank: &Bank,
) -> Result<(), AppError> {
    let (started, mut last_line, mut last_deed) = (Instant::now(), Instant::now(), Instant::now());
    while started.elapsed() < LONGEST {
        instance.check()?;
        if player.step(clock.now_ms(), bank)? > 0 || !player.city_is_over() {
            last_deed = Instant::now();
        }
        if last_line.elapsed() >= Duration::from_secs(1) {
            last_line = Instant::now();
            progress.line(player, clock.now_ms())?;
        }
        if last_deed.elapsed() > QUIET {
            return Ok(());
        }
    }
    eprintln!("comanda: the evening did not end within {} s", LONGEST.as_secs());
    Ok(())
}
