//! The desk as a processor: what devices and zones say about a driver becomes notices to zones.

use super::desk::{Desk, DriverNotice};
use crate::time_rules::believed;
use comanda_schemas::{DriverId, DriverMessage, DriverState, Message};
use comanda_streams::{KeyValueStore, Processor, ProcessorContext, Record, StreamsError};
use std::rc::Rc;

/// What comes to the desk.
#[derive(Clone, Debug)]
pub(super) enum DeskInput {
    Device(DriverMessage),
    Zone(DriverState),
}

pub(super) type DeskStore = KeyValueStore<DriverId, Desk>;

pub(super) struct DeskProcessor(pub Rc<DeskStore>);

impl Processor<DriverId, DeskInput, String, DriverNotice> for DeskProcessor {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, DriverNotice>,
        record: Record<DriverId, DeskInput>,
    ) -> Result<(), StreamsError> {
        let (Some(driver), Some(input)) = (record.key, record.value) else { return Ok(()) };
        let mut desk = self.0.get(&driver)?.unwrap_or_default();
        let notices = match &input {
            DeskInput::Device(message) => {
                // A device whose clock is ahead would else be deaf to itself once that is put right, and count as heard
                // of for as long.
                message.envelope().and_then(|said| desk.hear(driver, message, believed(said.occurred_at, ctx)))
            }
            DeskInput::Zone(state) => desk.released(state),
        };
        let Some(notices) = notices else {
            if matches!(input, DeskInput::Device(_)) {
                ctx.drop_record();
            }
            return Ok(());
        };
        self.0.put(&driver, &desk)?;
        for (zone, notice) in notices {
            ctx.forward(Record::new(zone, notice, record.timestamp))?;
        }
        Ok(())
    }
}
