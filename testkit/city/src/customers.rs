//! Customers: they order, change their minds, lose patience, and give up.

use crate::agenda::Happening;
use crate::books::Outcome;
use crate::city::City;
use crate::events;
use crate::order::{Cancellation, Kitchen};

impl City {
    pub(crate) fn place_order(&mut self, order: usize, at_ms: i64) {
        let this = &mut self.orders[order];
        this.placed = true;
        self.open += 1;
        let (promised_ms, regrets_at_ms, scheduled) =
            (this.promised_ms, this.regrets_at_ms, events::is_scheduled(this));
        self.send_for_order(order, at_ms, events::place_order);
        if let Some(regrets_at_ms) = regrets_at_ms {
            self.plan(regrets_at_ms, Happening::Regret(order));
        }
        if !scheduled {
            self.wait_for_confirmation(order, at_ms);
        }
        self.plan(promised_ms.max(at_ms) + self.config.delivery_patience_ms, Happening::Impatience(order));
    }

    /// From now on the customer expects the confirmation.
    pub(crate) fn wait_for_confirmation(&mut self, order: usize, at_ms: i64) {
        self.plan(at_ms + self.config.confirmation_patience_ms, Happening::Impatience(order));
    }

    /// Too early to complain about a confirmed order that is not late yet.
    pub(crate) fn lose_patience(&mut self, order: usize, at_ms: i64) {
        let this = &self.orders[order];
        let late = at_ms >= this.promised_ms.max(this.placed_ms) + self.config.delivery_patience_ms;
        if !this.confirmed || late {
            self.ask_to_cancel(order, Outcome::Impatient, at_ms);
        }
    }

    /// Nobody cancels what is on its way: then the customer waits for the door bell.
    pub(crate) fn ask_to_cancel(&mut self, order: usize, outcome: Outcome, at_ms: i64) {
        let this = &mut self.orders[order];
        if this.ended() || this.picked_up_ms.is_some() || this.cancellation != Cancellation::NotAsked {
            return;
        }
        this.cancellation = Cancellation::Asked(outcome);
        self.send_for_order(order, at_ms, |head, order, _, _, _| events::cancel_order(head, order));
        self.plan_to_give_up(order, at_ms + self.config.answer_patience_ms);
    }

    /// The processors refused to cancel: the order goes on, but not for ever.
    pub(crate) fn cancellation_refused(&mut self, order: usize, at_ms: i64) {
        let this = &mut self.orders[order];
        if this.ended() || !matches!(this.cancellation, Cancellation::Asked(_)) {
            return;
        }
        this.cancellation = Cancellation::Refused;
        let late_ms = this.promised_ms.max(at_ms) + self.config.delivery_patience_ms;
        self.plan_to_give_up(order, late_ms);
        self.resume_pick_up(order, at_ms);
    }

    fn plan_to_give_up(&mut self, order: usize, at_ms: i64) {
        self.orders[order].gives_up_at_ms = at_ms;
        self.plan(at_ms, Happening::GiveUp(order));
    }

    /// No answer, or a refusal and still no food under way: for the city the order is over.
    pub(crate) fn give_up(&mut self, order: usize, at_ms: i64) {
        let this = &self.orders[order];
        if at_ms >= this.gives_up_at_ms && !this.ended() && this.picked_up_ms.is_none() {
            self.end_order(order, Outcome::Unanswered, at_ms);
        }
    }

    /// Ends an order: kitchen and courier turn to the next.
    pub(crate) fn end_order(&mut self, order: usize, outcome: Outcome, at_ms: i64) {
        let this = &mut self.orders[order];
        (this.outcome, this.ended_ms) = (outcome, Some(at_ms));
        self.open -= 1;
        if this.kitchen == Kitchen::Cooking {
            self.restaurants[this.restaurant].in_kitchen -= 1;
        }
        if let Some((courier, _)) = self.orders[order].ride {
            self.release_courier(courier, order, at_ms);
        }
    }
}
