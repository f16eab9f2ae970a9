//! From a type to bytes: the type's own schema leads, and must agree with the type field by field.

use super::CodecError;
use super::schema::{AvroSchema, Field, Node, NodeId};
use serde::ser::{Impossible, Serialize, SerializeSeq, SerializeStruct, Serializer};

/// Writes one value.
pub(crate) struct ValueWriter<'a> {
    schema: &'a AvroSchema,
    node: NodeId,
    out: &'a mut Vec<u8>,
}

impl<'a> ValueWriter<'a> {
    /// Appends a value of `schema` to `out`.
    pub(crate) fn new(schema: &'a AvroSchema, out: &'a mut Vec<u8>) -> Self {
        Self { schema, node: schema.root, out }
    }

    fn node(&self) -> &'a Node {
        self.schema.node(self.node)
    }

    fn part(&mut self, node: NodeId) -> ValueWriter<'_> {
        ValueWriter { schema: self.schema, node, out: self.out }
    }

    /// Seven bits a byte, the low ones first; zigzag (specification, "Primitive Types").
    fn long(&mut self, value: i64) {
        let mut left = ((value << 1) ^ (value >> 63)) as u64;
        while left > 0x7f {
            self.out.push(left as u8 | 0x80);
            left >>= 7;
        }
        self.out.push(left as u8);
    }

    /// Lengths, counts and choices: they are memory's, far below 63 bits.
    fn length(&mut self, length: usize) {
        self.long(length as i64);
    }

    fn with_length(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn differs<T>(&self, found: &str) -> Result<T, CodecError> {
        Err(CodecError::new(format!("a value that is {found} stands where the schema has {}", self.node().kind())))
    }

    fn number(mut self, value: i64, found: &str) -> Result<(), CodecError> {
        match self.node() {
            Node::Long => self.long(value),
            Node::Int if i32::try_from(value).is_ok() => self.long(value),
            _ => return self.differs(found),
        }
        Ok(())
    }

    fn symbol(mut self, symbol: &str) -> Result<(), CodecError> {
        let Node::Enum(symbols) = self.node() else { return self.differs("an enum") };
        let index = symbols.iter().position(|known| known == symbol);
        self.length(index.ok_or_else(|| CodecError::new(format!("the schema has no symbol {symbol}")))?);
        Ok(())
    }
}

impl<'a> Serializer for ValueWriter<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Block<'a>;
    type SerializeMap = Impossible<(), CodecError>;
    type SerializeStruct = Record<'a>;
    type SerializeTuple = Impossible<(), CodecError>;
    type SerializeTupleStruct = Impossible<(), CodecError>;
    type SerializeTupleVariant = Impossible<(), CodecError>;
    type SerializeStructVariant = Impossible<(), CodecError>;

    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        match self.node() {
            Node::Boolean => self.out.push(u8::from(value)),
            _ => return self.differs("a boolean"),
        }
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), CodecError> {
        self.number(value.into(), "an i8")
    }

    fn serialize_i16(self, value: i16) -> Result<(), CodecError> {
        self.number(value.into(), "an i16")
    }

    fn serialize_i32(self, value: i32) -> Result<(), CodecError> {
        self.number(value.into(), "an i32")
    }

    fn serialize_i64(self, value: i64) -> Result<(), CodecError> {
        self.number(value, "an i64")
    }

    fn serialize_u8(self, value: u8) -> Result<(), CodecError> {
        self.number(value.into(), "a u8")
    }

    fn serialize_u16(self, value: u16) -> Result<(), CodecError> {
        self.number(value.into(), "a u16")
    }

    fn serialize_u32(self, value: u32) -> Result<(), CodecError> {
        self.number(value.into(), "a u32")
    }

    fn serialize_u64(self, value: u64) -> Result<(), CodecError> {
        match i64::try_from(value) {
            Ok(value) => self.number(value, "a u64"),
            Err(_) => self.differs("a u64 above 63 bits"),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), CodecError> {
        match self.node() {
            Node::Float => self.out.extend_from_slice(&value.to_le_bytes()),
            Node::Double => self.out.extend_from_slice(&f64::from(value).to_le_bytes()),
            _ => return self.differs("an f32"),
        }
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), CodecError> {
        match self.node() {
            Node::Double => self.out.extend_from_slice(&value.to_le_bytes()),
            _ => return self.differs("an f64"),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), CodecError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, value: &str) -> Result<(), CodecError> {
        match self.node() {
            Node::String => self.with_length(value.as_bytes()),
            Node::Enum(_) => return self.symbol(value),
            _ => return self.differs("a string"),
        }
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), CodecError> {
        match self.node() {
            Node::Bytes => self.with_length(value),
            Node::Fixed(length) if *length == value.len() => self.out.extend_from_slice(value),
            _ => return self.differs(&format!("{} bytes", value.len())),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), CodecError> {
        let Node::Union(variants) = self.node() else { return self.differs("optional") };
        let is_null = |node: &NodeId| matches!(self.schema.node(*node), Node::Null);
        let (index, node) = match variants.as_slice() {
            [null, other] if is_null(null) => (1, *other),
            [other, null] if is_null(null) => (0, *other),
            _ => return self.differs("optional"),
        };
        self.length(index);
        value.serialize(self.part(node))
    }

    fn serialize_unit(mut self) -> Result<(), CodecError> {
        match self.node() {
            Node::Null => Ok(()),
            Node::Union(variants) => {
                let null = variants.iter().position(|node| matches!(self.schema.node(*node), Node::Null));
                match null {
                    Some(index) => self.length(index),
                    None => return self.differs("null"),
                }
                Ok(())
            }
            _ => self.differs("null"),
        }
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), CodecError> {
        self.differs("a struct without fields")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), CodecError> {
        self.symbol(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), CodecError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), CodecError> {
        self.differs(&format!("{variant} of an enum with data"))
    }

    fn serialize_seq(mut self, count: Option<usize>) -> Result<Block<'a>, CodecError> {
        let Node::Array(items) = self.node() else { return self.differs("a list") };
        let count = count.ok_or_else(|| CodecError::new("a list whose length is not known beforehand"))?;
        if count > 0 {
            self.length(count);
        }
        Ok(Block { array: self, items: *items, left: count })
    }

    /// The contract has no maps.
    fn serialize_map(self, _: Option<usize>) -> Result<Impossible<(), CodecError>, CodecError> {
        self.differs("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Record<'a>, CodecError> {
        match self.node() {
            Node::Record(fields) => Ok(Record { writer: self, coming: fields.iter() }),
            _ => self.differs(name),
        }
    }

    fn serialize_tuple(self, _: usize) -> Result<Impossible<(), CodecError>, CodecError> {
        self.differs("a tuple")
    }

    fn serialize_tuple_struct(self, n: &'static str, _: usize) -> Result<Impossible<(), CodecError>, CodecError> {
        self.differs(n)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), CodecError>, CodecError> {
        self.differs(&format!("{variant} of an enum with data"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), CodecError>, CodecError> {
        self.differs(&format!("{variant} of an enum with data"))
    }
}

/// A record; its fields must come in the schema's order, for they are written as they come.
pub(crate) struct Record<'a> {
    writer: ValueWriter<'a>,
    coming: std::slice::Iter<'a, Field>,
}

impl SerializeStruct for Record<'_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), CodecError> {
        match self.coming.next() {
            Some(field) if field.name == name => {
                value.serialize(self.writer.part(field.node)).map_err(|error| error.within(name))
            }
            expected => {
                let expected = expected.map_or("no more", |field| &field.name);
                Err(CodecError::new(format!("the field {name} comes where the schema has {expected}")))
            }
        }
    }

    fn end(mut self) -> Result<(), CodecError> {
        match self.coming.next() {
            Some(field) => Err(CodecError::new(format!("the schema's field {} is missing", field.name))),
            None => Ok(()),
        }
    }
}

/// An array, as one block: the number of elements, they, and 0 for the end.
pub(crate) struct Block<'a> {
    array: ValueWriter<'a>,
    items: NodeId,
    left: usize,
}

impl SerializeSeq for Block<'_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| CodecError::new("a list is longer than it said"))?;
        value.serialize(self.array.part(self.items))
    }

    fn end(mut self) -> Result<(), CodecError> {
        self.array.long(0);
        match self.left {
            0 => Ok(()),
            left => Err(CodecError::new(format!("a list is {left} shorter than it said"))),
        }
    }
}
