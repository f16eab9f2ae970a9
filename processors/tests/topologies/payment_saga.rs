//! Orders with anything happening to them: people, couriers, a bank that answers late, twice or not at all, messages that
//! come again, time. Each seed is one order. In the end everything calms down, and then the order has ended, its money is
//! where it belongs, the ledger is the bank's book, and nothing was done twice.
//!
//! `SAGA_SEEDS=10000 cargo test -p comanda-processors --test topologies saga` runs more.

use crate::bank::Fate;
use crate::messages::*;
use crate::order_and_payment::OrderAndPayment;
use comanda_schemas::*;

/// So many are run unless told otherwise: a second or two.
const SEEDS: u64 = 300;
const STEPS: u64 = 40;
/// Bank's calls whose fates are drawn; later ones go well.
const FATES: u64 = 12;
/// Longer than an order waits for anything: five hours for the hand-over, an hour between refunds.
const CALM_S: i64 = 16 * 3_600;
const LEAP_S: i64 = 600;

/// Splitmix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}

#[test]
fn whatever_happens_every_order_ends_and_its_money_is_where_it_belongs() {
    let seeds = std::env::var("SAGA_SEEDS").ok().map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let ends: Vec<_> = (0..seeds).map(play).collect();
    let with = |end: (OrderStatus, bool)| ends.iter().filter(|known| **known == end).count() as u64;
    let (paid, unpaid) = (with((OrderStatus::Delivered, true)), with((OrderStatus::Delivered, false)));
    let cancelled = with((OrderStatus::Cancelled, false));
    println!("{paid} delivered and paid for, {unpaid} delivered and never paid for, {cancelled} cancelled");
    assert_eq!(paid + unpaid + cancelled, seeds);
    assert!(paid > seeds / 10 && cancelled > seeds / 10, "the dice show too little of either");
}

/// How the order ended, and whether somebody has paid for it.
fn play(seed: u64) -> (OrderStatus, bool) {
    let (mut dice, mut town) = (Dice(seed), OrderAndPayment::new());
    (0..FATES).for_each(|_| town.bank.next(fate(&mut dice)));
    town.place();
    for _ in 0..STEPS {
        happen(&mut dice, &mut town);
    }
    town.bank.calm_down();
    (0..CALM_S / LEAP_S).for_each(|_| town.leap(LEAP_S));
    town.pass(5);
    check(seed, &town);
    (town.status().0, town.bank.books().balance > 0)
}

fn fate(dice: &mut Dice) -> Fate {
    match dice.below(12) {
        0 => Fate::Declined,
        1 | 2 => Fate::Action,
        3 | 4 => Fate::DoneAndLost,
        5 | 6 => Fate::DoneAndHeld,
        7 => Fate::Away,
        _ => Fate::Done,
    }
}

fn happen(dice: &mut Dice, town: &mut OrderAndPayment) {
    let now = town.second;
    match dice.below(20) {
        0 => town.command(place_order(1, now)),
        1 | 2 => town.command(accept(1, now)),
        3 if dice.below(4) == 0 => town.command(reject(1, now)),
        4 => town.command(start_preparing(1, now)),
        5 => town.command(mark_ready(1, now)),
        6 if dice.below(3) == 0 => town.command(cancel(1, now, CancelledBy::Customer)),
        7 if dice.below(3) == 0 => town.command(cancel(1, now, CancelledBy::Administrator)),
        8 | 9 => town.delivery(picked_up(1, now)),
        10 => town.delivery(delivered(1, now)),
        11 if dice.below(3) == 0 => {
            let was_picked_up = town.status().0 == OrderStatus::PickedUp;
            town.delivery(delivery_failed(1, now, DeliveryFailureReason::CustomerAbsent, was_picked_up));
        }
        12 => town.bank.answer(),
        13 => {
            let waiting = town.bank.books().waiting.keys().next().cloned();
            waiting.into_iter().for_each(|reference| town.bank.approve(&reference));
        }
        14 | 15 => {
            let reports = town.bank.books().reports.clone();
            let any = reports.get(dice.below(reports.len().max(1) as u64) as usize).cloned();
            any.into_iter().for_each(|report| town.report(report));
        }
        16 => {
            let any = dice.below(u64::MAX) as usize;
            town.repeat(|len| any % len);
        }
        17 => (0..1 + dice.below(12)).for_each(|_| town.leap(60)),
        _ => town.pass(1 + dice.below(4) as i64),
    }
}

fn check(seed: u64, town: &OrderAndPayment) {
    println!("seed {seed}");
    let (status, held) = (town.status().0, town.audit());
    let reserved = town.bank.books().reserved.clone();
    let mut done = town.done();
    done.sort();
    let twice = done.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "seed {seed}: done twice");
    match status {
        OrderStatus::Cancelled => assert_eq!((held, reserved.len()), (0, 0), "seed {seed}: a cancelled order"),
        OrderStatus::Delivered => assert!(held == PRICE.0 || held == 0, "seed {seed}: {held} of a delivered order"),
        open => panic!("seed {seed}: the order has not ended, it is {open:?}"),
    }
}
