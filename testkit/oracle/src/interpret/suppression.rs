//! Suppression of tables, plain and windowed.

use super::Drawing;
use super::nodes::{Node, Table, table_node, wrong};
use crate::error::OracleError;
use crate::op::{Buffer, Op, Until, WhenFull, Window};
use crate::val::{Val, values};
use comanda_streams::{Bounds, BufferConfig, EagerBufferConfig, Serde, Serdes, StrictBufferConfig};
use comanda_streams::{Suppressed, Windowed, WindowedSerdes};

impl Drawing {
    /// The serde of windowed keys needs to know how long their windows are.
    pub fn remember_window(&mut self, op: &Op) {
        let of = |id: &String| self.window_sizes_ms.get(id).copied();
        let (id, size_ms) = match op {
            Op::Count(of) | Op::Reduce(of) | Op::Aggregate(of) => (&of.id, of.window.and_then(size_ms)),
            Op::Filter { id, from, .. } | Op::FilterNot { id, from, .. } | Op::MapValues { id, from, .. } => {
                (id, of(from))
            }
            Op::Suppress { id, from, .. } => (id, of(from)),
            Op::TableTableJoin { id, left, .. } => (id, of(left)),
            _ => return,
        };
        if let Some(size_ms) = size_ms {
            self.window_sizes_ms.insert(id.clone(), size_ms);
        }
    }

    pub fn suppress(
        &mut self,
        id: &str,
        from: &str,
        (until, limit_ms): (Until, i64),
        buffer: Option<Buffer>,
    ) -> Result<(), OracleError> {
        let node = match (self.node(from)?.clone(), until) {
            (Node::Table(of), Until::TimeLimit) => limited(&of, limit_ms, Serdes::string(), buffer),
            (Node::WindowedTable(of), Until::TimeLimit) => limited(&of, limit_ms, self.windowed_keys(from)?, buffer),
            (Node::WindowedTable(of), Until::WindowClose) => {
                let buffer = strict(buffer).ok_or_else(|| wrong(id, "a buffer that does not emit early"))?;
                let how = Suppressed::until_window_closes(self.windowed_keys(from)?, values(of.values), buffer);
                table_node(of.table.suppress(how), of.values)
            }
            _ => return Err(wrong(id, "a table that can be suppressed so")),
        };
        self.define(id, node)
    }

    fn windowed_keys(&self, of: &str) -> Result<Serde<Windowed<String>>, OracleError> {
        let size_ms = self.window_sizes_ms.get(of).ok_or_else(|| wrong(of, "windows of a known size"))?;
        Ok(WindowedSerdes::time_windowed(Serdes::string(), *size_ms))
    }
}

fn size_ms(window: Window) -> Option<i64> {
    match window {
        Window::Tumbling { size, .. } | Window::Hopping { size, .. } => Some(size),
        Window::Sliding {} | Window::Session {} => None,
    }
}

fn limited<K: super::nodes::NodeKey>(of: &Table<K>, limit_ms: i64, keys: Serde<K>, buffer: Option<Buffer>) -> Node {
    let bounds: Bounds = match (strict(buffer), buffer) {
        (Some(strict), _) => strict.into(),
        (None, bounded) => bounded.map_or_else(|| BufferConfig::unbounded().into(), |bounded| eager(bounded).into()),
    };
    let how: Suppressed<K, Val> = Suppressed::until_time_limit(limit_ms, keys, values(of.values), bounds);
    table_node(of.table.suppress(how), of.values)
}

fn strict(buffer: Option<Buffer>) -> Option<StrictBufferConfig> {
    match buffer {
        None => Some(BufferConfig::unbounded()),
        Some(bounded) if bounded.full == WhenFull::Shutdown => Some(eager(bounded).shut_down_when_full()),
        Some(_) => None,
    }
}

fn eager(buffer: Buffer) -> EagerBufferConfig {
    let records = BufferConfig::max_records(buffer.max_records.unwrap_or(usize::MAX));
    buffer.max_bytes.map_or(records, |bytes| records.with_max_bytes(bytes))
}
