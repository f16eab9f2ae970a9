//! A real evening from a file: who ordered where and when, and which couriers were on shift.

use std::path::Path;

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::CityError;
use crate::place::Place;

/// The hour at which an evening opens, local time of the file.
pub const OPENING_HOUR: u8 = 17;
/// An order farther away than this is a broken line, not a customer.
const MAX_DIRECT_TRAVEL_MINUTES: f64 = 240.0;

/// One evening's orders and shifts, times in milliseconds **after the evening's opening** (17:00 local;
/// before it: negative).
#[derive(Clone, Debug, PartialEq)]
pub struct Evening {
    /// What the file calls the evening.
    pub name: String,
    /// Orders as the file has them, by time of placing.
    pub orders: Vec<EveningOrder>,
    /// Shifts as the file has them.
    pub shifts: Vec<EveningShift>,
}

/// An order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct EveningOrder {
    /// Identifiers as the file has them.
    pub order: String,
    /// The customer's identifier.
    pub customer: String,
    /// The restaurant's identifier, stable over evenings.
    pub restaurant: String,
    /// When the customer ordered.
    pub placed_ms: i64,
    /// When the dish should be ready (in the Rome files: promise less direct travel).
    pub ready_ms: i64,
    /// When it was promised at the door.
    pub promised_ms: i64,
    /// Where the dish is fetched.
    pub restaurant_at: Place,
    /// Where it goes.
    pub customer_at: Place,
    /// Straight from restaurant to customer.
    pub direct_travel_minutes: f64,
}

/// A courier's shift of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct EveningShift {
    /// The courier's identifier.
    pub courier: String,
    /// When the shift begins.
    pub on_ms: i64,
    /// When it ends.
    pub off_ms: i64,
    /// Where the courier starts.
    pub start: Place,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    OrderPlaced(OrderLine),
    CourierShift(ShiftLine),
}

#[derive(Deserialize)]
struct OrderLine {
    #[serde(default)]
    instance: String,
    order_id: String,
    customer_id: String,
    restaurant_id: String,
    placed_at: String,
    ready_at: String,
    promised_at: String,
    restaurant: Place,
    customer: Place,
    direct_travel_minutes: f64,
}

#[derive(Deserialize)]
struct ShiftLine {
    courier_id: String,
    on_at: String,
    off_at: String,
    start: Place,
}

impl Evening {
    /// Reads a file of `order_placed` and `courier_shift` lines (JSON, one a line; blank lines are skipped).
    ///
    /// # Errors
    /// [`CityError::EveningUnreadable`] if the file cannot be read, [`CityError::EveningLine`] naming the first
    /// broken line, [`CityError::EveningEmpty`] if there is no order in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Evening, CityError> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| CityError::EveningUnreadable { path: shown.clone(), source })?;
        Evening::from_text(&shown, &text)
    }

    /// Like [`Evening::from_file`], for text at hand; `name` stands in the errors for the file's.
    ///
    /// # Errors
    /// As [`Evening::from_file`].
    pub fn from_text(name: &str, text: &str) -> Result<Evening, CityError> {
        let broken =
            |line: usize, problem: String| CityError::EveningLine { path: name.to_owned(), line: line + 1, problem };
        let (mut orders, mut shifts) = (Vec::new(), Vec::new());
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str(line).map_err(|error| broken(at, error.to_string()))? {
                Line::OrderPlaced(line) => orders.push(order_of(line).map_err(|problem| broken(at, problem))?),
                Line::CourierShift(line) => shifts.push(shift_of(line).map_err(|problem| broken(at, problem))?),
            }
        }
        let opening_ms =
            opening_ms(&orders, &shifts).ok_or_else(|| CityError::EveningEmpty { path: name.to_owned() })?;
        let evening_name = orders.first().map(|(instance, _)| instance.clone()).filter(|instance| !instance.is_empty());
        let mut orders: Vec<EveningOrder> =
            orders.into_iter().map(|(_, order)| EveningOrder::since(order, opening_ms)).collect();
        orders.sort_by(|a, b| (a.placed_ms, &a.order).cmp(&(b.placed_ms, &b.order)));
        let shifts = shifts.into_iter().map(|(shift, _)| shift.since(opening_ms)).collect();
        Ok(Evening { name: evening_name.unwrap_or_else(|| name.to_owned()), orders, shifts })
    }
}

/// 17:00 local of the day the couriers work on, or else of the last promise's day: orders of up to 37 hours
/// before belong to this evening. `None` without orders.
fn opening_ms(
    orders: &[(String, (EveningOrder, OffsetDateTime))],
    shifts: &[(EveningShift, OffsetDateTime)],
) -> Option<i64> {
    let last_promise = orders.iter().map(|(_, (_, promised))| *promised).max()?;
    let day = shifts.iter().map(|(_, on)| *on).min().unwrap_or(last_promise);
    Some(epoch_ms(day) - ms_of_day(day) + i64::from(OPENING_HOUR) * 3_600_000)
}

fn order_of(line: OrderLine) -> Result<(String, (EveningOrder, OffsetDateTime)), String> {
    let (placed, ready) = (instant("placed_at", &line.placed_at)?, instant("ready_at", &line.ready_at)?);
    let promised = instant("promised_at", &line.promised_at)?;
    if promised < placed {
        return Err("promised_at lies before placed_at".to_owned());
    }
    if !(0.0..=MAX_DIRECT_TRAVEL_MINUTES).contains(&line.direct_travel_minutes) {
        return Err(format!(
            "direct_travel_minutes is {}, not 0 to {MAX_DIRECT_TRAVEL_MINUTES}",
            line.direct_travel_minutes
        ));
    }
    let order = EveningOrder {
        order: line.order_id,
        customer: line.customer_id,
        restaurant: line.restaurant_id,
        placed_ms: epoch_ms(placed),
        ready_ms: epoch_ms(ready),
        promised_ms: epoch_ms(promised),
        restaurant_at: line.restaurant,
        customer_at: line.customer,
        direct_travel_minutes: line.direct_travel_minutes,
    };
    Ok((line.instance, (order, promised)))
}

fn shift_of(line: ShiftLine) -> Result<(EveningShift, OffsetDateTime), String> {
    let (on, off) = (instant("on_at", &line.on_at)?, instant("off_at", &line.off_at)?);
    if off <= on {
        return Err("off_at is not after on_at".to_owned());
    }
    let shift =
        EveningShift { courier: line.courier_id, on_ms: epoch_ms(on), off_ms: epoch_ms(off), start: line.start };
    Ok((shift, on))
}

impl EveningOrder {
    fn since((mut order, _): (EveningOrder, OffsetDateTime), opening_ms: i64) -> EveningOrder {
        order.placed_ms -= opening_ms;
        order.ready_ms -= opening_ms;
        order.promised_ms -= opening_ms;
        order
    }
}

impl EveningShift {
    fn since(mut self, opening_ms: i64) -> EveningShift {
        self.on_ms -= opening_ms;
        self.off_ms -= opening_ms;
        self
    }
}

fn instant(field: &str, text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|error| format!("{field} \"{text}\" is no RFC 3339 time: {error}"))
}

fn epoch_ms(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

fn ms_of_day(at: OffsetDateTime) -> i64 {
    let (hour, minute, second, milli) = at.to_hms_milli();
    i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000 + i64::from(second) * 1000 + i64::from(milli)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"type":"order_placed","instance":"X1","order_id":"o1","customer_id":"u1","restaurant_id":"r1","placed_at":"2024-03-30T19:19:00.000+01:00","ready_at":"2024-03-31T20:40:48.300+01:00","promised_at":"2024-03-31T20:45:00.000+01:00","restaurant":{"lat":1,"lon":2,"x_m":1009.2,"y_m":-1692.6},"customer":{"x_m":912.7,"y_m":-2736.8},"direct_travel_minutes":4.19}"#;
    const SHIFT: &str = r#"{"type":"courier_shift","courier_id":"c1","on_at":"2024-03-31T18:30:00.000+01:00","off_at":"2024-03-31T23:00:00.000+01:00","start":{"x_m":0,"y_m":1}}"#;

    fn problem(text: &str) -> String {
        Evening::from_text("evening.jsonl", text).expect_err("the text is broken").to_string()
    }

    #[test]
    fn times_count_from_seventeen_hours_of_the_day_on_which_the_couriers_work() {
        let evening = Evening::from_text("e", &format!("{ORDER}\n\n{SHIFT}\n")).expect("the text is whole");
        assert_eq!((evening.name.as_str(), evening.shifts[0].on_ms), ("X1", 90 * 60_000));
        let order = &evening.orders[0];
        assert_eq!(order.promised_ms, (3 * 60 + 45) * 60_000);
        assert_eq!(order.placed_ms, (-22 * 60 + 19) * 60_000);
        assert_eq!(Evening::from_text("e", ORDER).expect("whole").orders[0], *order);
    }

    #[test]
    fn a_broken_line_is_named_with_its_number_and_what_is_wrong() {
        assert!(
            problem(&format!("{SHIFT}\n{ORDER}\n{{\"type\":\"order_placed\"}}"))
                .starts_with("evening.jsonl, line 3: missing field `order_id`")
        );
        assert!(problem("\n\nnot json").starts_with("evening.jsonl, line 3: expected"));
        let text = ORDER.replace("2024-03-30T19:19:00.000+01:00", "yesterday");
        assert!(problem(&text).starts_with("evening.jsonl, line 1: placed_at \"yesterday\" is no RFC 3339 time"));
        assert_eq!(
            problem(&ORDER.replace("2024-03-30T19", "2024-04-30T19")),
            "evening.jsonl, line 1: promised_at lies before placed_at"
        );
        assert_eq!(
            problem(&ORDER.replace("4.19", "-1")),
            "evening.jsonl, line 1: direct_travel_minutes is -1, not 0 to 240"
        );
        assert_eq!(problem(&SHIFT.replace("T23", "T12")), "evening.jsonl, line 1: off_at is not after on_at");
    }

    #[test]
    fn a_file_that_is_empty_or_not_there_is_said_so() {
        assert_eq!(problem(SHIFT), "evening.jsonl has no order_placed line: nothing to play");
        let missing = Evening::from_file("no/such/evening.jsonl").expect_err("it is not there").to_string();
        assert!(missing.starts_with("cannot read the evening no/such/evening.jsonl: "), "{missing}");
    }
}
