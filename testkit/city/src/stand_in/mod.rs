//! A stand-in for the processors: the shortest thing that brings an evening to its end, so that the city can be
//! tried and measured alone. No model to follow: it keeps everything in memory and forgets nothing.

mod dispatch;

use std::collections::BTreeMap;

use comanda_schemas::{
    AuthorizePayment, CancelReason, CapturePayment, CommandRejectReason, DeliveryCommand, DriverId, Envelope, Event,
    EventTime, Message, OrderCancelled, OrderCommand, OrderCommandRejected, OrderConfirmed, OrderDelivered, OrderEvent,
    OrderId, OrderPlaced, OrderReleased, OrderStatus, PaymentEvent, PaymentId, PlaceOrder, RefundPayment, VoidPayment,
};

use crate::city::City;
use crate::events::CityEvent;
use crate::network::{Emission, Payload};
use crate::observe::Observation;

const NAME: &str = "stand-in";

#[derive(Debug)]
struct Open {
    placed: PlaceOrder,
    accepted: bool,
    authorized: bool,
    captured: bool,
    confirmed: bool,
    over: bool,
    ready_ms: i64,
    driver: Option<DriverId>,
    attempts: i32,
}

#[derive(Debug)]
struct Driver {
    zone: String,
    lat_lon: (f64, f64),
    on_shift: bool,
    order: Option<OrderId>,
}

/// Feeds on the city's records and answers as the processors would.
#[derive(Debug, Default)]
pub struct StandIn {
    orders: BTreeMap<OrderId, Open>,
    drivers: BTreeMap<DriverId, Driver>,
    /// Confirmed orders without a driver, by the time their food is expected.
    waiting: BTreeMap<(i64, OrderId), Envelope>,
    out: Vec<Observation>,
}

/// Plays `city` to its end with a stand-in, in steps of `step_ms`, and returns all that the city sent.
pub fn play(city: &mut City, step_ms: i64) -> Vec<Emission> {
    let (mut stand_in, mut sent) = (StandIn::default(), Vec::new());
    while !city.is_over() {
        let records = city.next_before(city.clock_ms() + step_ms);
        stand_in.answer(&records, city.clock_ms()).into_iter().for_each(|seen| city.observe(seen));
        sent.extend(records);
    }
    sent
}

impl StandIn {
    /// Takes in what the city sent until `now_ms` and answers. Records that are wrong in any way are left out.
    pub fn answer(&mut self, records: &[Emission], now_ms: i64) -> Vec<Observation> {
        for record in records.iter().filter(|record| record.fault.is_none()) {
            match &record.payload {
                Payload::Event(CityEvent::Order(command)) => self.order_command(command),
                Payload::Event(CityEvent::Payment(event)) => self.payment_event(event),
                Payload::Event(CityEvent::Delivery(command)) => self.delivery_command(command),
                Payload::Event(CityEvent::Driver(message)) => self.driver_message(message),
                Payload::Event(CityEvent::Catalog(_)) | Payload::Bytes(_) => {}
            }
        }
        self.dispatch(now_ms);
        std::mem::take(&mut self.out)
    }

    fn order_command(&mut self, command: &OrderCommand) {
        match command {
            OrderCommand::PlaceOrder(place) => self.place(place),
            OrderCommand::AcceptOrder(accept) => {
                if let Some(order) = self.orders.get_mut(&accept.order_id) {
                    order.accepted = true;
                    order.ready_ms = accept.estimated_ready_at.map_or(accept.envelope.occurred_at.0, |at| at.0);
                }
                self.confirm(accept.order_id, &accept.envelope);
            }
            OrderCommand::RejectOrder(reject) => {
                self.cancel(reject.order_id, CancelReason::RestaurantRejected, &reject.envelope)
            }
            OrderCommand::CancelOrder(cancel) => {
                let under_way = self.orders.get(&cancel.order_id).is_some_and(|order| order.captured);
                if under_way {
                    self.refuse(cancel.order_id, &cancel.envelope);
                } else {
                    self.cancel(cancel.order_id, CancelReason::CustomerRequest, &cancel.envelope);
                }
            }
            OrderCommand::StartPreparing(_) | OrderCommand::MarkReady(_) | OrderCommand::Unknown(_) => {}
        }
    }

    fn place(&mut self, place: &PlaceOrder) {
        if self.orders.contains_key(&place.order_id) {
            return;
        }
        let open = Open {
            placed: place.clone(),
            accepted: false,
            authorized: false,
            captured: false,
            confirmed: false,
            over: false,
            ready_ms: 0,
            driver: None,
            attempts: 0,
        };
        self.orders.insert(place.order_id, open);
        let p = place.clone();
        self.out.push(Observation::Order(OrderEvent::OrderPlaced(OrderPlaced {
            envelope: caused::<OrderPlaced>(&place.envelope),
            order_id: p.order_id,
            customer_id: p.customer_id,
            restaurant_id: p.restaurant_id,
            zone: p.zone,
            restaurant_cell: p.restaurant_cell,
            customer_cell: p.customer_cell,
            items: p.items,
            subtotal_centavos: p.subtotal_centavos,
            delivery_fee_centavos: p.delivery_fee_centavos,
            tax_centavos: p.tax_centavos,
            discount_centavos: p.discount_centavos,
            total_centavos: p.total_centavos,
            payment_method_id: p.payment_method_id,
            delivery_address: p.delivery_address,
            placed_at: p.placed_at,
            scheduled_for: p.scheduled_for,
            promised_at: p.promised_at,
        })));
        if place.scheduled_for.is_some() {
            self.release(place);
        }
        self.out.push(Observation::Payment(
            AuthorizePayment {
                envelope: caused::<AuthorizePayment>(&place.envelope),
                order_id: place.order_id,
                payment_id: payment(place.order_id),
                customer_id: place.customer_id,
                payment_method_id: place.payment_method_id,
                amount_centavos: place.total_centavos,
                restaurant_id: place.restaurant_id,
                subtotal_centavos: place.subtotal_centavos,
                delivery_fee_centavos: place.delivery_fee_centavos,
                tax_centavos: place.tax_centavos,
                discount_centavos: place.discount_centavos,
                attempt: 1,
            }
            .into(),
        ));
    }

    /// At once: the stand-in has no clock, and its restaurants begin in time for the promise anyway.
    fn release(&mut self, place: &PlaceOrder) {
        let released = OrderReleased {
            envelope: caused::<OrderReleased>(&place.envelope),
            order_id: place.order_id,
            restaurant_id: place.restaurant_id,
            zone: place.zone.clone(),
            scheduled_for: place.scheduled_for,
        };
        self.out.push(Observation::Order(released.into()));
    }

    fn confirm(&mut self, id: OrderId, cause: &Envelope) {
        let Some(order) = self.orders.get_mut(&id).filter(|o| o.accepted && o.authorized && !o.confirmed && !o.over)
        else {
            return;
        };
        order.confirmed = true;
        self.waiting.insert((order.ready_ms, id), cause.clone());
        let (restaurant_id, zone) = (order.placed.restaurant_id, order.placed.zone.clone());
        let (envelope, estimated_ready_at) = (caused::<OrderConfirmed>(cause), Some(EventTime(order.ready_ms)));
        self.out.push(Observation::Order(
            OrderConfirmed { envelope, order_id: id, restaurant_id, zone, estimated_ready_at }.into(),
        ));
    }

    fn refuse(&mut self, id: OrderId, cause: &Envelope) {
        self.out.push(Observation::Order(
            OrderCommandRejected {
                envelope: caused::<OrderCommandRejected>(cause),
                order_id: id,
                command: "CancelOrder".to_owned(),
                command_id: cause.event_id,
                reason: CommandRejectReason::IllegalTransition,
                status: Some(OrderStatus::PickedUp),
                detail: None,
            }
            .into(),
        ));
    }

    fn cancel(&mut self, id: OrderId, reason: CancelReason, cause: &Envelope) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| !order.over) else {
            return;
        };
        order.over = true;
        let (placed, amount_centavos) = (&order.placed, order.placed.total_centavos);
        self.out.push(Observation::Order(
            OrderCancelled {
                envelope: caused::<OrderCancelled>(cause),
                order_id: id,
                customer_id: placed.customer_id,
                restaurant_id: placed.restaurant_id,
                zone: placed.zone.clone(),
                reason,
                cancelled_in: OrderStatus::Pending,
            }
            .into(),
        ));
        if order.captured {
            let envelope = caused::<RefundPayment>(cause);
            self.out.push(Observation::Payment(
                RefundPayment { envelope, order_id: id, payment_id: payment(id), amount_centavos, attempt: 1 }.into(),
            ));
        } else if order.authorized {
            let envelope = caused::<VoidPayment>(cause);
            self.out.push(Observation::Payment(
                VoidPayment { envelope, order_id: id, payment_id: payment(id), attempt: 1 }.into(),
            ));
        }
        self.waiting.remove(&(order.ready_ms, id));
        if let Some(driver) = order.driver {
            self.free(driver, id);
        }
    }

    fn free(&mut self, driver: DriverId, order: OrderId) {
        if let Some(driver) = self.drivers.get_mut(&driver).filter(|driver| driver.order == Some(order)) {
            driver.order = None;
        }
    }

    fn payment_event(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::PaymentAuthorized(authorized) => {
                let id = authorized.order_id;
                let Some(order) = self.orders.get_mut(&id) else {
                    return;
                };
                if order.over && !order.authorized {
                    let envelope = caused::<VoidPayment>(&authorized.envelope);
                    self.out.push(Observation::Payment(
                        VoidPayment { envelope, order_id: id, payment_id: payment(id), attempt: 1 }.into(),
                    ));
                }
                order.authorized = true;
                self.confirm(id, &authorized.envelope);
            }
            PaymentEvent::PaymentFailed(failed) => {
                self.cancel(failed.order_id, CancelReason::PaymentFailed, &failed.envelope)
            }
            _ => {}
        }
    }

    fn delivery_command(&mut self, command: &DeliveryCommand) {
        let Some(cause) = command.envelope().cloned() else {
            return;
        };
        match command {
            DeliveryCommand::DeclineDelivery(decline) => self.decline(decline.order_id, decline.driver_id, &cause),
            DeliveryCommand::ConfirmPickup(pickup) => {
                let (id, envelope) = (pickup.order_id, caused::<CapturePayment>(&cause));
                let Some(order) = self.orders.get_mut(&id).filter(|order| !order.captured) else {
                    return;
                };
                order.captured = true;
                let capture = CapturePayment {
                    envelope,
                    order_id: id,
                    payment_id: payment(id),
                    amount_centavos: order.placed.total_centavos,
                    driver_id: Some(pickup.driver_id),
                    attempt: 1,
                };
                self.out.push(Observation::Payment(capture.into()));
            }
            DeliveryCommand::ConfirmDelivery(delivered) => {
                self.deliver(delivered.order_id, delivered.driver_id, &cause)
            }
            DeliveryCommand::ReportFailure(failure) => {
                self.cancel(failure.order_id, CancelReason::Undeliverable, &cause)
            }
            _ => {}
        }
    }

    fn decline(&mut self, id: OrderId, driver: DriverId, cause: &Envelope) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.driver == Some(driver) && !order.over) else {
            return;
        };
        order.driver = None;
        self.waiting.insert((order.ready_ms, id), cause.clone());
        self.free(driver, id);
    }

    fn deliver(&mut self, id: OrderId, driver_id: DriverId, cause: &Envelope) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| !order.over) else {
            return;
        };
        order.over = true;
        let placed = order.placed.clone();
        self.out.push(Observation::Order(
            OrderDelivered {
                envelope: caused::<OrderDelivered>(cause),
                order_id: id,
                customer_id: placed.customer_id,
                restaurant_id: placed.restaurant_id,
                zone: placed.zone,
                driver_id,
                items: placed.items,
                total_centavos: placed.total_centavos,
                placed_at: placed.placed_at,
                promised_at: placed.promised_at,
            }
            .into(),
        ));
        self.free(driver_id, id);
    }
}

fn caused<E: Event>(cause: &Envelope) -> Envelope {
    cause.causes::<E>(cause.occurred_at, NAME)
}

fn payment(order: OrderId) -> PaymentId {
    PaymentId(uuid::Uuid::new_v5(&order.0, b"payment"))
}
