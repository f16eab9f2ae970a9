//! Joins of two tables by key.

use super::config::Materialized;
use super::ktable::KTable;
use super::table_node::{DerivedTable, StoredTable, TableNode, add_table_store};
use crate::operators::{GetterFactory, JoinGetter, JoinMergeNode, JoinRule, TableTableJoinNode};
use crate::record::{Change, Data};
use crate::stores::{StoreDef, TupleForwarder};
use crate::topology::{CoPartition, Flag, NodeId, NodeKind, NodeName, Outlet, StoreId};
use std::rc::Rc;
use std::sync::Arc;

type Joiner<A, B, R> = Arc<dyn Fn(Option<A>, Option<B>) -> Option<R> + Send + Sync>;

/// What both sides of one join share.
struct Join<K, A, B, R> {
    rule: JoinRule,
    joiner: Joiner<A, B, R>,
    old_values: Flag,
    merge: NodeId,
    results: Outlet<K, Change<R>>,
}

impl<K: Data, A: Data> KTable<K, A> {
    /// Rows that both tables have.
    pub fn join<B: Data, R: Data>(
        &self,
        other: &KTable<K, B>,
        joiner: impl Fn(A, B) -> Option<R> + Send + Sync + 'static,
        materialized: Option<Materialized<K, R>>,
    ) -> KTable<K, R> {
        let joiner: Joiner<A, B, R> = Arc::new(move |a, b| joiner(a?, b?));
        let rule = JoinRule { needs_this: true, needs_other: true };
        self.join_by(other, "join", rule, joiner, materialized)
    }

    /// This table's rows, with the other's where there is one.
    pub fn left_join<B: Data, R: Data>(
        &self,
        other: &KTable<K, B>,
        joiner: impl Fn(A, Option<B>) -> Option<R> + Send + Sync + 'static,
        materialized: Option<Materialized<K, R>>,
    ) -> KTable<K, R> {
        let joiner: Joiner<A, B, R> = Arc::new(move |a, b| joiner(a?, b));
        let rule = JoinRule { needs_this: true, needs_other: false };
        self.join_by(other, "left-join", rule, joiner, materialized)
    }

    /// Rows that either table has.
    pub fn outer_join<B: Data, R: Data>(
        &self,
        other: &KTable<K, B>,
        joiner: impl Fn(Option<A>, Option<B>) -> Option<R> + Send + Sync + 'static,
        materialized: Option<Materialized<K, R>>,
    ) -> KTable<K, R> {
        let rule = JoinRule { needs_this: false, needs_other: false };
        self.join_by(other, "outer-join", rule, Arc::new(joiner), materialized)
    }

    fn join_by<B: Data, R: Data>(
        &self,
        other: &KTable<K, B>,
        operation: &str,
        rule: JoinRule,
        joiner: Joiner<A, B, R>,
        materialized: Option<Materialized<K, R>>,
    ) -> KTable<K, R> {
        if !rule.needs_other {
            self.table.enable_old_values(true);
        }
        if !rule.needs_this {
            other.table.enable_old_values(true);
        }
        let (this_node, other_node, merge) = self.add_join_nodes(other, operation);
        let join = Join { rule, joiner, old_values: Flag::default(), merge, results: Outlet::new() };
        let swapped: Joiner<B, A, R> = {
            let j = join.joiner.clone();
            Arc::new(move |b, a| j(a, b))
        };
        let mirrored = JoinRule { needs_this: rule.needs_other, needs_other: rule.needs_this };
        connect_side(self, other, this_node, rule, &join.joiner, &join);
        connect_side(other, self, other_node, mirrored, &swapped, &join);
        self.merge_results(other, join, materialized)
    }

    fn add_join_nodes<B: Data>(&self, other: &KTable<K, B>, operation: &str) -> (NodeId, NodeId, NodeId) {
        let name = format!("{operation}.{}.{}", self.name(), other.name());
        let mut graph = self.drawing.graph.borrow_mut();
        let mut add = |suffix: &str, parents: &[NodeId]| {
            graph.add_node(NodeName::Derived(format!("{name}{suffix}")), NodeKind::Processor, parents, &[])
        };
        let (this, that) = (add("-this", &[self.node]), add("-other", &[other.node]));
        let merge = add("", &[this, that]);
        let sources = [graph.sources_of(self.node), graph.sources_of(other.node)];
        graph.copartitions.push(CoPartition { node: merge, sources });
        (this, that, merge)
    }

    fn merge_results<B: Data, R: Data>(
        &self,
        other: &KTable<K, B>,
        join: Join<K, A, B, R>,
        materialized: Option<Materialized<K, R>>,
    ) -> KTable<K, R> {
        let named = materialized.filter(|m| m.name.is_some());
        let stored = named.map(|m| add_table_store(&self.drawing, join.merge, "", &m));
        let outlet: Outlet<K, Change<R>> = Outlet::new();
        let (children, old_values, def) = (outlet.clone(), join.old_values.clone(), stored.clone());
        join.results.connect(join.merge, move |wiring| {
            let outputs = children.wire(wiring)?;
            let send_old_values = old_values.get();
            let stored = match &def {
                Some(def) => Some(TupleForwarder::new(wiring, def, outputs.clone(), send_old_values)?),
                None => None,
            };
            Ok(JoinMergeNode { send_old_values, outputs, stored })
        });
        let node = join.merge;
        let table = reading_side(self, other, join, stored);
        KTable { drawing: self.drawing.clone(), node, outlet, table }
    }
}

/// Connects one side: its updates look into the other table.
fn connect_side<K: Data, A: Data, B: Data, X: Data, Y: Data, R: Data>(
    this: &KTable<K, A>,
    other: &KTable<K, B>,
    node: NodeId,
    rule: JoinRule,
    joiner: &Joiner<A, B, R>,
    join: &Join<K, X, Y, R>,
) {
    let (rows, stores) = other.table.getter();
    for store in stores {
        this.drawing.graph.borrow_mut().connect_store(node, store);
    }
    let (joiner, old_values, results) = (joiner.clone(), join.old_values.clone(), join.results.clone());
    this.outlet.connect(node, move |wiring| {
        let outputs = results.wire(wiring)?;
        let (other, joiner) = (rows(wiring)?, joiner.clone());
        Ok(TableTableJoinNode { rule, other, joiner, send_old_values: old_values.get(), outputs })
    });
}

/// How the result is read, and how it comes to know old values: from both parents, stored or not.
fn reading_side<K: Data, A: Data, B: Data, R: Data>(
    this: &KTable<K, A>,
    other: &KTable<K, B>,
    join: Join<K, A, B, R>,
    stored: Option<StoreDef<K, R>>,
) -> Rc<dyn TableNode<K, R>> {
    let (left, right) = (this.table.clone(), other.table.clone());
    // Both are asked by force: a join cannot tell its old result from one side's old value alone.
    let enable: Box<dyn Fn(bool) -> bool> =
        Box::new(move |_| left.enable_old_values(true) & right.enable_old_values(true));
    let (left, right) = (this.table.clone(), other.table.clone());
    let (rule, joiner, old_values) = (join.rule, join.joiner, join.old_values);
    let getter: Box<dyn Fn() -> (GetterFactory<K, R>, Vec<StoreId>)> = match stored {
        Some(def) => Box::new(move || StoredTable { def: def.clone(), old_values: Flag::default() }.getter()),
        None => Box::new(move || {
            let ((a, mut stores), (b, more)) = (left.getter(), right.getter());
            stores.extend(more);
            let joiner = joiner.clone();
            let factory: GetterFactory<K, R> = Arc::new(move |wiring| {
                Ok(Rc::new(JoinGetter { this: a(wiring)?, other: b(wiring)?, rule, joiner: joiner.clone() }))
            });
            (factory, stores)
        }),
    };
    Rc::new(DerivedTable { parents_enable_old_values: enable, getter, old_values })
}
