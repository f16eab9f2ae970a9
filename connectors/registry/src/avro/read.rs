//! From bytes to a type: the writer's schema leads, serde puts fields where their names say.
//!
//! Fields that the type lacks are passed over, fields that the writer lacked are serde's to default. Bounds hold
//! against schemas and bytes made by an enemy: depth, and the number of values a byte.

use super::CodecError;
use super::schema::{AvroSchema, Field, Node, NodeId};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Deeper nesting is refused, or a record that contains itself would exhaust the thread's stack.
const MAX_DEPTH: usize = 64;
/// Values of no bytes (nulls, empty records) could be claimed in any number; real ones take a byte at least, with some
/// unions and records around them.
const MAX_VALUES_A_BYTE: usize = 8;
/// For records that are nearly empty.
const SPARE_VALUES: usize = 1024;

/// What is left of a record's value.
pub(crate) struct Datum<'de> {
    rest: &'de [u8],
    values_left: usize,
}

impl<'de> Datum<'de> {
    /// Lets `decode` read one value of `schema`, which must be all there is.
    pub(crate) fn read<T>(
        bytes: &'de [u8],
        schema: &AvroSchema,
        decode: impl FnOnce(ValueReader<'_, 'de>) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        let values_left = bytes.len().saturating_mul(MAX_VALUES_A_BYTE).saturating_add(SPARE_VALUES);
        let mut datum = Self { rest: bytes, values_left };
        let value = decode(ValueReader { datum: &mut datum, schema, node: schema.root, depth: 0 })?;
        match datum.rest {
            [] => Ok(value),
            _ => Err(CodecError::new("bytes are left over behind the last field")),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'de [u8], CodecError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| CodecError::new("the bytes end early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| CodecError::new("the bytes end early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Seven bits a byte, the low ones first; zigzag (specification, "Primitive Types").
    fn long(&mut self) -> Result<i64, CodecError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(CodecError::new("a number has more than 64 bits"))
    }

    fn int(&mut self) -> Result<i32, CodecError> {
        i32::try_from(self.long()?).map_err(|_| CodecError::new("an int has more than 32 bits"))
    }

    fn boolean(&mut self) -> Result<bool, CodecError> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(CodecError::new(format!("{other} stands where 0 or 1 is a boolean"))),
        }
    }

    fn bytes(&mut self) -> Result<&'de [u8], CodecError> {
        let length = usize::try_from(self.long()?).map_err(|_| CodecError::new("a length is negative"))?;
        self.take(length)
    }

    fn string(&mut self) -> Result<&'de str, CodecError> {
        std::str::from_utf8(self.bytes()?).map_err(|error| CodecError::new(error.to_string()))
    }

    /// Number of elements in the next block; 0 ends the array or map.
    fn block(&mut self) -> Result<u64, CodecError> {
        let count = self.long()?;
        if count < 0 {
            self.long()?; // Its length in bytes, for readers that jump over it.
        }
        Ok(count.unsigned_abs())
    }

    /// Which of the names or variants comes.
    fn choice<'s, T>(&mut self, choices: &'s [T]) -> Result<&'s T, CodecError> {
        let index = self.long()?;
        let chosen = usize::try_from(index).ok().and_then(|index| choices.get(index));
        chosen.ok_or_else(|| CodecError::new(format!("choice {index} of {}", choices.len())))
    }
}

/// One value, about to be read.
pub(crate) struct ValueReader<'a, 'de> {
    datum: &'a mut Datum<'de>,
    schema: &'a AvroSchema,
    node: NodeId,
    depth: usize,
}

impl<'a, 'de> ValueReader<'a, 'de> {
    fn node(&self) -> &'a Node {
        self.schema.node(self.node)
    }

    /// The value of a part.
    fn part(&mut self, node: NodeId) -> Result<ValueReader<'_, 'de>, CodecError> {
        let left = self.datum.values_left.checked_sub(1);
        self.datum.values_left = left.ok_or_else(|| CodecError::new("more values than its bytes can hold"))?;
        if self.depth == MAX_DEPTH {
            return Err(CodecError::new(format!("more than {MAX_DEPTH} types in each other")));
        }
        Ok(ValueReader { datum: self.datum, schema: self.schema, node, depth: self.depth + 1 })
    }

    fn skip(mut self) -> Result<(), CodecError> {
        match self.node() {
            Node::Null => {}
            Node::Boolean => drop(self.datum.take(1)?),
            Node::Int | Node::Long | Node::Enum(_) => drop(self.datum.long()?),
            Node::Float => drop(self.datum.take(4)?),
            Node::Double => drop(self.datum.take(8)?),
            Node::Bytes | Node::String => drop(self.datum.bytes()?),
            Node::Fixed(length) => drop(self.datum.take(*length)?),
            Node::Union(variants) => {
                let chosen = *self.datum.choice(variants)?;
                self.part(chosen)?.skip()?;
            }
            Node::Record(fields) => {
                for field in fields {
                    self.part(field.node)?.skip()?;
                }
            }
            Node::Array(items) => self.skip_blocks(*items, false)?,
            Node::Map(values) => self.skip_blocks(*values, true)?,
        }
        Ok(())
    }

    fn skip_blocks(&mut self, node: NodeId, keyed: bool) -> Result<(), CodecError> {
        loop {
            let count = self.datum.block()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                if keyed {
                    self.datum.bytes()?;
                }
                self.part(node)?.skip()?;
            }
        }
    }
}

impl<'de> Deserializer<'de> for ValueReader<'_, 'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        match self.node() {
            Node::Null => visitor.visit_unit(),
            Node::Boolean => visitor.visit_bool(self.datum.boolean()?),
            Node::Int => visitor.visit_i32(self.datum.int()?),
            Node::Long => visitor.visit_i64(self.datum.long()?),
            Node::Float => visitor.visit_f32(f32::from_le_bytes(self.datum.array()?)),
            Node::Double => visitor.visit_f64(f64::from_le_bytes(self.datum.array()?)),
            Node::Bytes => visitor.visit_borrowed_bytes(self.datum.bytes()?),
            Node::String => visitor.visit_borrowed_str(self.datum.string()?),
            Node::Fixed(length) => visitor.visit_borrowed_bytes(self.datum.take(*length)?),
            Node::Enum(symbols) => visitor.visit_str(self.datum.choice(symbols)?),
            Node::Union(variants) => {
                let chosen = *self.datum.choice(variants)?;
                self.part(chosen)?.deserialize_any(visitor)
            }
            Node::Record(fields) => visitor.visit_map(Fields { record: self, coming: fields.iter(), now: None }),
            Node::Array(items) => visitor.visit_seq(Blocks { around: self, node: *items, left: 0 }),
            Node::Map(values) => visitor.visit_map(Blocks { around: self, node: *values, left: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        let Node::Union(variants) = self.node() else {
            return visitor.visit_some(self);
        };
        let chosen = *self.datum.choice(variants)?;
        match self.schema.node(chosen) {
            Node::Null => visitor.visit_none(),
            _ => visitor.visit_some(self.part(chosen)?),
        }
    }

    /// A symbol that the type lacks is the type's to bear (serde's `other`).
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        match self.node() {
            Node::Enum(symbols) => visitor.visit_enum(self.datum.choice(symbols)?.as_str().into_deserializer()),
            other => Err(CodecError::new(format!("an enum is expected where the writer has {}", other.kind()))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// The fields of a record, in the writer's order.
struct Fields<'a, 'de> {
    record: ValueReader<'a, 'de>,
    coming: std::slice::Iter<'a, Field>,
    now: Option<&'a Field>,
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CodecError> {
        self.now = self.coming.next();
        self.now.map(|field| seed.deserialize(field.name.as_str().into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, CodecError> {
        let field = self.now.expect("serde asks for a value only after its key");
        let value = self.record.part(field.node).and_then(|value| seed.deserialize(value));
        value.map_err(|error| error.within(&field.name))
    }
}

/// The elements of an array or the entries of a map, which come in blocks.
struct Blocks<'a, 'de> {
    around: ValueReader<'a, 'de>,
    node: NodeId,
    /// In this block.
    left: u64,
}

impl Blocks<'_, '_> {
    fn has_next(&mut self) -> Result<bool, CodecError> {
        if self.left == 0 {
            self.left = self.around.datum.block()?;
        }
        let has_next = self.left > 0;
        self.left = self.left.saturating_sub(1);
        Ok(has_next)
    }
}

impl<'de> SeqAccess<'de> for Blocks<'_, 'de> {
    type Error = CodecError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, CodecError> {
        match self.has_next()? {
            true => seed.deserialize(self.around.part(self.node)?).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Blocks<'_, 'de> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CodecError> {
        match self.has_next()? {
            true => seed.deserialize(self.around.datum.string()?.into_deserializer()).map(Some),
            false => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, CodecError> {
        seed.deserialize(self.around.part(self.node)?)
    }
}
