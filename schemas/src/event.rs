//! What every event is, and what every topic's value is.

use crate::{CorrelationId, EventId, EventTime};
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

/// What every event has, beside its own fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Identity of this message; the same id twice is a duplicate.
    pub event_id: EventId,
    /// When it happened; also the timestamp of the Kafka record.
    pub occurred_at: EventTime,
    /// Ties together everything that one business process caused; about an order, its order id.
    pub correlation_id: CorrelationId,
    /// Message that caused this one; `None` if a person or a clock did.
    pub causation_id: Option<EventId>,
    /// Program that wrote it.
    pub producer: String,
}

impl Envelope {
    /// Of something that a person or a clock caused.
    pub fn first(
        event_id: EventId,
        occurred_at: EventTime,
        correlation_id: impl Into<CorrelationId>,
        producer: &str,
    ) -> Self {
        let (correlation_id, producer) = (correlation_id.into(), producer.to_owned());
        Self { event_id, occurred_at, correlation_id, causation_id: None, producer }
    }

    /// Of an event of type `E` caused by this message. The id follows from both, so that work done again after a crash
    /// has the same identity; who causes several events of one type tells them apart by [`EventId::caused_by`].
    pub fn causes<E: Event>(&self, occurred_at: EventTime, producer: &str) -> Self {
        Self {
            event_id: EventId::caused_by(self.event_id, E::FULL_NAME),
            occurred_at,
            correlation_id: self.correlation_id,
            causation_id: Some(self.event_id),
            producer: producer.to_owned(),
        }
    }
}

/// One Avro record type.
pub trait Event: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Namespace and name of the record type.
    const FULL_NAME: &'static str;
    /// The schema as its file has it.
    const SCHEMA_JSON: &'static str;
    /// The one topic it goes to.
    const TOPIC: &'static str;

    /// What every event has.
    fn envelope(&self) -> &Envelope;

    /// Key of its record.
    fn key(&self) -> String;
}

/// An event type's name, topic and schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSchema {
    /// The one topic it goes to.
    pub topic: &'static str,
    /// Namespace and name of the record type.
    pub full_name: &'static str,
    /// The schema as its file has it.
    pub json: &'static str,
}

impl EventSchema {
    /// Of one event type.
    pub const fn of<E: Event>() -> Self {
        Self { topic: E::TOPIC, full_name: E::FULL_NAME, json: E::SCHEMA_JSON }
    }

    /// The subject it is registered under (Confluent's TopicRecordNameStrategy).
    pub fn subject(&self) -> String {
        format!("{}-{}", self.topic, self.full_name)
    }
}

/// A value of a topic: one event, or an enum over the topic's events.
pub trait Message: Sized + Send + Sync + 'static {
    /// The types it can be.
    const EVENTS: &'static [EventSchema];

    /// Which of `EVENTS` this is; `None` for one that this build does not know.
    fn index(&self) -> Option<usize>;

    /// What every event has; `None` for a type that this build does not know.
    fn envelope(&self) -> Option<&Envelope>;

    /// Key of its record; `None` for a type that this build does not know.
    fn key(&self) -> Option<String>;

    /// Writes the event's fields.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the fields of the event `EVENTS[index]`.
    fn decode<'de, D: Deserializer<'de>>(index: usize, deserializer: D) -> Result<Self, D::Error>;

    /// Stands for an event of a type outside `EVENTS`; `None` if there is no value for that.
    fn unknown(full_name: &str) -> Option<Self>;
}

impl<E: Event> Message for E {
    const EVENTS: &'static [EventSchema] = &[EventSchema::of::<E>()];

    fn index(&self) -> Option<usize> {
        Some(0)
    }

    fn envelope(&self) -> Option<&Envelope> {
        Some(Event::envelope(self))
    }

    fn key(&self) -> Option<String> {
        Some(Event::key(self))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn decode<'de, D: Deserializer<'de>>(_index: usize, deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn unknown(_full_name: &str) -> Option<Self> {
        None
    }
}

/// An event: on the wire the fields of the envelope come first, flat; in Rust they are one value.
macro_rules! event {
    (#[doc = $doc:literal] $name:ident, $full_name:literal, topic $topic:literal, key $key:ident, file $file:literal,
     { $(#[doc = $field_doc:literal] $(#[serde($($default:tt)*)])? pub $field:ident: $type:ty,)* }) => {
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// What every event has.
            pub envelope: Envelope,
            $(#[doc = $field_doc] pub $field: $type,)*
        }

        impl Event for $name {
            const FULL_NAME: &'static str = $full_name;
            const SCHEMA_JSON: &'static str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file));
            const TOPIC: &'static str = $topic;

            fn envelope(&self) -> &Envelope {
                &self.envelope
            }

            fn key(&self) -> String {
                self.$key.to_string()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let fields: &[&str] = &["", "", "", "", "", $(stringify!($field)),*];
                let mut record = serializer.serialize_struct(stringify!($name), fields.len())?;
                record.serialize_field("event_id", &self.envelope.event_id)?;
                record.serialize_field("occurred_at", &self.envelope.occurred_at)?;
                record.serialize_field("correlation_id", &self.envelope.correlation_id)?;
                record.serialize_field("causation_id", &self.envelope.causation_id)?;
                record.serialize_field("producer", &self.envelope.producer)?;
                $(record.serialize_field(stringify!($field), &self.$field)?;)*
                record.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                struct Wire {
                    event_id: EventId,
                    occurred_at: EventTime,
                    correlation_id: CorrelationId,
                    #[serde(default)]
                    causation_id: Option<EventId>,
                    producer: String,
                    $($(#[serde($($default)*)])? $field: $type,)*
                }
                let w = Wire::deserialize(deserializer)?;
                let (event_id, occurred_at, correlation_id) = (w.event_id, w.occurred_at, w.correlation_id);
                let (causation_id, producer) = (w.causation_id, w.producer);
                let envelope = Envelope { event_id, occurred_at, correlation_id, causation_id, producer };
                Ok(Self { envelope, $($field: w.$field,)* })
            }
        }
    };
}

/// An enum over the events of one topic.
macro_rules! message {
    ($name:ident, topic $topic:literal, { $($index:literal $event:ident),* }) => {
        #[doc = concat!("A value of topic `", $topic, "`.")]
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(#[doc = concat!("[`", stringify!($event), "`].")] $event($event),)*
            /// An event that this build does not know, by its full name: to be skipped and counted.
            Unknown(String),
        }

        impl Message for $name {
            const EVENTS: &'static [EventSchema] = &[$(EventSchema::of::<$event>()),*];

            fn index(&self) -> Option<usize> {
                match self {
                    $(Self::$event(_) => Some($index),)*
                    Self::Unknown(_) => None,
                }
            }

            fn envelope(&self) -> Option<&Envelope> {
                match self {
                    $(Self::$event(event) => Some(&event.envelope),)*
                    Self::Unknown(_) => None,
                }
            }

            fn key(&self) -> Option<String> {
                match self {
                    $(Self::$event(event) => Some(Event::key(event)),)*
                    Self::Unknown(_) => None,
                }
            }

            fn encode<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$event(event) => serde::Serialize::serialize(event, serializer),)*
                    Self::Unknown(name) => Err(serde::ser::Error::custom(format_args!("{name} was only skipped, not read"))),
                }
            }

            fn decode<'de, D: serde::Deserializer<'de>>(index: usize, deserializer: D) -> Result<Self, D::Error> {
                match index {
                    $($index => serde::Deserialize::deserialize(deserializer).map(Self::$event),)*
                    _ => Err(serde::de::Error::custom(concat!($topic, " has fewer events"))),
                }
            }

            fn unknown(full_name: &str) -> Option<Self> {
                Some(Self::Unknown(full_name.to_owned()))
            }
        }

        $(impl From<$event> for $name {
            fn from(event: $event) -> Self {
                Self::$event(event)
            }
        })*
    };
}

/// All events, and a way to test each.
macro_rules! all_events {
    ($($event:ident),*) => {
        /// Every event type.
        pub const EVENTS: &[EventSchema] = &[$(EventSchema::of::<$event>()),*];

        /// Reads the event of that name from JSON and writes it again.
        #[cfg(test)]
        pub(crate) fn read_and_write(full_name: &str, json: serde_json::Value) -> serde_json::Value {
            $(if full_name == $event::FULL_NAME {
                return crate::rules::read_and_write_as::<$event>(json);
            })*
            panic!("no event {full_name}");
        }
    };
}

pub(crate) use {all_events, event, message};
