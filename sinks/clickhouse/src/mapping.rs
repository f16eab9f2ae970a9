//! `mappings.yaml` as values: which field of an event goes to which column.

use crate::client::ClickHouse;
use crate::error::SinkError;
use crate::schema::{Kind, Place, RecordSchema};
use crate::table::Table;
use comanda_schemas::EVENTS;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What goes from one topic to one table.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where the events come from.
    pub topic: String,
    /// Where they go.
    pub table: String,
    /// The field by whose month the table is partitioned.
    pub(crate) month_of: String,
    /// Column → field's path.
    pub(crate) columns: BTreeMap<String, String>,
    /// The contract's schemas of the topic's events.
    pub(crate) schemas: Vec<Arc<RecordSchema>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    topic: String,
    table: String,
    month_of: String,
    columns: BTreeMap<String, String>,
    #[serde(default)]
    left_out: Vec<String>,
}

impl Mapping {
    /// All mappings, in the order of the file.
    ///
    /// # Errors
    /// [`SinkError::Mapping`] if the file and the contract do not go together.
    pub fn all() -> Result<Vec<Mapping>, SinkError> {
        Self::parse(include_str!("../mappings.yaml"))
    }

    fn parse(yaml: &str) -> Result<Vec<Mapping>, SinkError> {
        let entries: Vec<Entry> =
            serde_norway::from_str(yaml).map_err(|error| SinkError::Mapping(error.to_string()))?;
        entries.into_iter().map(Entry::into_mapping).collect()
    }

    /// The same events from a topic of another name.
    pub fn from_topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = topic.into();
        self
    }

    /// Holds the mapping against the live table.
    ///
    /// # Errors
    /// The first thing that does not fit, or that ClickHouse does not answer.
    pub fn check(&self, client: &ClickHouse) -> Result<(), SinkError> {
        Table::check(client, self).map(drop)
    }

    /// What `field` is over all events of the topic: optional where some lack it. `None` if all do. Of events that
    /// disagree the first decides; the others' records are checked one by one.
    pub(crate) fn kind(&self, field: &str) -> Option<Kind> {
        let places: Vec<Option<Place>> = self.schemas.iter().map(|schema| schema.place(field)).collect();
        let everywhere = places.iter().all(Option::is_some);
        let kinds: Vec<Kind> = places.into_iter().flatten().map(|place| place.kind).collect();
        let optional = kinds.iter().find(|kind| matches!(kind, Kind::Optional(_)));
        match optional {
            Some(kind) => Some(kind.clone()),
            None if everywhere => kinds.into_iter().next(),
            None => kinds.into_iter().next().map(|kind| Kind::Optional(Box::new(kind))),
        }
    }
}

impl Entry {
    fn into_mapping(self) -> Result<Mapping, SinkError> {
        let events = EVENTS.iter().filter(|event| event.topic == self.topic);
        let schemas = events.map(|event| {
            RecordSchema::parse(event.json)
                .map_err(|reason| SinkError::Mapping(format!("{}: {reason}", event.full_name)))
        });
        let mapping = Mapping {
            schemas: schemas.collect::<Result<_, _>>()?,
            topic: self.topic,
            table: self.table,
            month_of: self.month_of,
            columns: self.columns,
        };
        match unmapped(&mapping, &self.left_out) {
            Some(field) => Err(SinkError::Mapping(format!(
                "topic {}: the field {field} is neither mapped nor left out",
                mapping.topic
            ))),
            None if mapping.schemas.is_empty() => {
                Err(SinkError::Mapping(format!("topic {} has no events in the contract", mapping.topic)))
            }
            None => Ok(mapping),
        }
    }
}

/// The first field of the contract that has no place in the mapping.
fn unmapped(mapping: &Mapping, left_out: &[String]) -> Option<String> {
    let fields = mapping.schemas.iter().flat_map(|schema| schema.fields.iter());
    let mut paths = fields.flat_map(|(name, kind)| match kind {
        Kind::Array(item) if matches!(**item, Kind::Record(_)) => below(name, item),
        _ => vec![name.clone()],
    });
    paths.find(|path| !left_out.contains(path) && !mapping.columns.values().any(|field| field == path))
}

fn below(name: &str, item: &Kind) -> Vec<String> {
    let Kind::Record(record) = item else {
        return Vec::new();
    };
    record.fields.iter().map(|(field, _)| format!("{name}.{field}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_contract_is_mapped_or_left_out_on_purpose() {
        let mappings = Mapping::all().unwrap();
        let tables: Vec<_> = mappings.iter().map(|mapping| mapping.table.as_str()).collect();
        assert_eq!(
            tables,
            [
                "order_events",
                "order_views",
                "payment_events",
                "payment_ledger",
                "delivery_events",
                "etas",
                "popular_items",
                "delivery_metrics"
            ]
        );
    }

    #[test]
    fn a_field_that_nobody_thought_of_is_named() {
        let yaml = "[{ topic: analytics.eta, table: etas, month_of: occurred_at, columns: { zone: zone } }]";
        let error = Mapping::parse(yaml).unwrap_err().to_string();
        assert!(error.contains("analytics.eta: the field event_id is neither"), "{error}");
    }

    #[test]
    fn a_field_that_some_events_lack_is_optional() {
        let orders = Mapping::all().unwrap().remove(0);
        let kind = |field| orders.kind(field).map(|kind| kind.to_string());
        assert_eq!(kind("order_id").unwrap(), "string");
        assert_eq!(kind("total_centavos").unwrap(), "long in centavos or null");
        assert_eq!(kind("items.name").unwrap(), "array of string or null");
        assert_eq!(kind("nope"), None);
    }

    #[test]
    fn no_personal_data_and_no_payment_method_reaches_a_table() {
        for mapping in Mapping::all().unwrap() {
            for field in mapping.columns.values() {
                assert!(!field.contains("address") && !field.contains("method"), "{field}");
            }
        }
    }
}
