//! The dispatcher's drivers: they enter, move, leave, and get their hands free.

use super::super::desk::DriverNotice;
use super::super::zone_keys::ZoneDriver;
use super::super::zone_state::Driver;
use super::super::{events, rules};
use super::{Context, Dispatcher, Done, Said, now, say};
use comanda_schemas::{DriverId, DriverStatus, EventId, EventTime, OrderId};

impl Dispatcher {
    pub(super) fn notice(&mut self, ctx: &mut Context<'_>, zone: &str, notice: DriverNotice) -> Done {
        match notice {
            DriverNotice::Enter { driver, lat, lon, at, cause } => {
                let key = ZoneDriver { zone: zone.to_owned(), driver };
                let known = self.drivers.get(&key)?;
                let arrives = known.is_none();
                let new =
                    Driver { id: driver, lat, lon, position_at: at, shift_started_at: at, job: None, leaving: None };
                let (job, shift_started_at) = known.map_or((None, at), |known| (known.job, known.shift_started_at));
                let entered = Driver { job, shift_started_at, ..new };
                self.drivers.put(&key, &entered)?;
                if arrives {
                    say(ctx, Said::Driver(events::driver_state(&entered, zone, DriverStatus::Idle, cause, at)))?;
                }
                self.dispatch(ctx, zone, now(ctx))
            }
            DriverNotice::Move { driver, lat, lon, at } => self.move_driver(ctx, zone, driver, (lat, lon), at),
            DriverNotice::Leave { driver, at, cause } => {
                let key = ZoneDriver { zone: zone.to_owned(), driver };
                let Some(known) = self.drivers.get(&key)? else { return Ok(()) };
                self.settle_driver(ctx, key, Driver { leaving: Some(cause), ..known }, cause, at)
            }
        }
    }

    fn move_driver(
        &mut self,
        ctx: &mut Context<'_>,
        zone: &str,
        driver: DriverId,
        (lat, lon): (f64, f64),
        at: EventTime,
    ) -> Done {
        let key = ZoneDriver { zone: zone.to_owned(), driver };
        let Some(known) = self.drivers.get(&key)? else {
            ctx.drop_record();
            return Ok(());
        };
        let was_silent = known.job.is_none() && !rules::is_available(&known, at);
        self.drivers.put(&key, &Driver { lat, lon, position_at: at.max(known.position_at), ..known })?;
        if was_silent { self.dispatch(ctx, zone, now(ctx)) } else { Ok(()) }
    }

    pub(super) fn free(
        &mut self,
        ctx: &mut Context<'_>,
        zone: &str,
        driver: DriverId,
        order: OrderId,
        cause: EventId,
        at: EventTime,
    ) -> Done {
        let key = ZoneDriver { zone: zone.to_owned(), driver };
        match self.drivers.get(&key)? {
            Some(known) if known.job.is_some_and(|job| job.order == order) => {
                self.settle_driver(ctx, key, Driver { job: None, ..known }, cause, at)
            }
            _ => Ok(()),
        }
    }

    /// Keeps a driver whose hands or wishes have changed, or lets him go; tells so if his status has changed.
    fn settle_driver(
        &mut self,
        ctx: &mut Context<'_>,
        key: ZoneDriver,
        driver: Driver,
        cause: EventId,
        at: EventTime,
    ) -> Done {
        match driver.leaving {
            Some(leave) if driver.job.is_none() => {
                self.drivers.delete(&key)?;
                say(ctx, Said::Driver(events::driver_state(&driver, &key.zone, DriverStatus::OffShift, leave, at)))
            }
            Some(_) => self.drivers.put(&key, &driver),
            None => {
                self.drivers.put(&key, &driver)?;
                say(ctx, Said::Driver(events::driver_state(&driver, &key.zone, driver.status(), cause, at)))
            }
        }
    }
}
