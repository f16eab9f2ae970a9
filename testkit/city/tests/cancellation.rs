//! A customer who wants to cancel: the food stays where it is until there is an answer.

use comanda_city::{City, CityConfig, CityEvent, Emission, Observation, Outcome, Payload, stand_in};
use comanda_schemas::{CancelOrder, CommandRejectReason, OrderCommand, OrderCommandRejected, OrderStatus};

/// Late enough that couriers stand in the restaurants and wait.
const REFUSED_AFTER_MS: i64 = 40 * 60_000;

/// An evening on which everybody regrets and the processors never hear of it; `refuse` says whether the customers
/// are told no in the end.
fn evening_of_regret(refuse: bool) -> City {
    let config = CityConfig {
        seed: 11,
        orders: 60,
        regretted_share: 1.0,
        rejected_share: 0.0,
        declined_share: 0.0,
        undeliverable_share: 0.0,
        answer_patience_ms: 4 * 3_600_000,
        ..CityConfig::default()
    };
    let (mut city, mut processors) = (City::new(config), stand_in::StandIn::default());
    let mut refusals: Vec<OrderCommandRejected> = Vec::new();
    while !city.is_over() {
        let mut records = city.next_before(city.clock_ms() + 1_000);
        refusals.extend(records.iter().filter_map(regret).filter(|_| refuse).map(refusal));
        records.retain(|record| regret(record).is_none());
        let seen = processors.answer(&records, city.clock_ms());
        seen.into_iter().for_each(|seen| city.observe(seen));
        let due_ms = city.clock_ms() - REFUSED_AFTER_MS;
        let due = |refusal: &mut OrderCommandRejected| refusal.envelope.occurred_at.millis() <= due_ms;
        for refusal in refusals.extract_if(.., due) {
            city.observe(Observation::Order(refusal.into()));
        }
    }
    city
}

fn regret(record: &Emission) -> Option<&CancelOrder> {
    match &record.payload {
        Payload::Event(CityEvent::Order(OrderCommand::CancelOrder(cancel))) => Some(cancel),
        _ => None,
    }
}

fn refusal(cancel: &CancelOrder) -> OrderCommandRejected {
    OrderCommandRejected {
        envelope: cancel.envelope.causes::<OrderCommandRejected>(cancel.envelope.occurred_at, "test"),
        order_id: cancel.order_id,
        command: "CancelOrder".to_owned(),
        command_id: cancel.envelope.event_id,
        reason: CommandRejectReason::IllegalTransition,
        status: Some(OrderStatus::Preparing),
        detail: None,
    }
}

#[test]
fn food_does_not_leave_while_a_cancellation_is_unanswered() {
    let books = evening_of_regret(false).books();
    assert_eq!(books.outcomes[&Outcome::Unanswered], 60);
    assert!(books.orders.iter().any(|order| order.ready_at_ms.is_some()));
    assert!(books.orders.iter().all(|order| order.picked_up_at_ms.is_none()));
}

#[test]
fn an_order_whose_cancellation_was_refused_is_delivered() {
    let books = evening_of_regret(true).books();
    assert_eq!((books.delivered, books.complaints.len()), (60, 0));
}
