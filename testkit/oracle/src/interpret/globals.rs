//! Global tables, and joins of streams with them.

use super::Drawing;
use super::nodes::{GlobalTable, Node, stream_node, wrong};
use super::stateless::{consumed, seen};
use crate::error::OracleError;
use crate::functions::{self, Mapped};
use crate::op::{Extractor, JoinType, Store};
use crate::stores::Kind;
use crate::val::{Type, Val, values};

impl Drawing {
    pub fn global_table(&mut self, id: &str, topic: &str, of: Type, store: Option<&Store>) -> Result<(), OracleError> {
        self.inputs.insert(topic.to_owned(), of);
        let materialized = store.map(|store| self.materialized(Some(store), Kind::Kv, of, values(of)));
        let table = self.builder.global_table(topic, consumed(of, Extractor::Fail), materialized);
        self.define(id, Node::GlobalTable(GlobalTable { table, values: of }))
    }

    pub fn stream_global_join(
        &mut self,
        id: &str,
        [left, right]: [&String; 2],
        kind: JoinType,
        [key_fn, joiner]: [&String; 2],
    ) -> Result<(), OracleError> {
        let (left, right) = (self.node(left)?.plain_stream(id)?, self.node(right)?.global_table(id)?);
        let Mapped { values: result, function: join } = functions::joiner(joiner, left.values, right.values)?;
        let key = functions::key(key_fn)?;
        let key_of = move |k: Option<&String>, v: &Val| key(seen(k).as_deref(), Some(v));
        let stream = match kind {
            JoinType::Inner => left.stream.join_global_table(&right.table, key_of, move |k, l: Val, r: Val| {
                join(seen(k).as_deref(), Some(&l), Some(&r))
            }),
            JoinType::Left => {
                left.stream.left_join_global_table(&right.table, key_of, move |k, l: Val, r: Option<Val>| {
                    join(seen(k).as_deref(), Some(&l), r.as_ref())
                })
            }
            JoinType::Outer => return Err(wrong(id, "to be an inner or left join")),
        };
        self.define(id, stream_node(stream, result))
    }
}
