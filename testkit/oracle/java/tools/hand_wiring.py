"""Hand-made cases: what a node learns from those around it (shared topics, null keys, old values, order of flushing)."""
from handlib import case, op, out, src, tab, to

L, R, T = "left", "right", "tab"
CACHE = {"cache_bytes": 1048576}


def run():
    nullable = [(T, "k1", "t", 1), (L, "a", "k1-x", 2), (L, "a", "nokey", 3)]
    rekeyed = [src("l", L), tab("t", T, store="T"), op("select_key", "k", from_="l", fn="value_prefix_until:-")]
    case("repartition-null-keys-inner-join", "Before an inner join the repartition topic loses null keys silently: nothing is counted as dropped.",
         rekeyed + [op("stream_table_join", "j", type="inner", left="k", right="t", joiner="concat:+"), to("j")], nullable)
    case("repartition-null-keys-left-join-far-below", "A left join keeps null keys in all repartition topics above it, explicit ones too.",
         rekeyed + [op("repartition", "p", from_="k"), op("map_values", "m", from_="p", fn="append:!"),
                    op("stream_table_join", "j", type="left", left="m", right="t", joiner="concat:+"), to("j"), to("p", "between")], nullable)
    case("repartition-null-keys-grouping-above-left-join", "A grouping's repartition topic keeps null keys too if a left join follows somewhere below; the count drops them, counted.",
         rekeyed + [op("group_by_key", "g", from_="k"), op("count", "c", from_="g"), op("map_values", "m", from_="c", fn="to_string"), op("to_stream", "s", from_="m"),
                    op("stream_table_join", "j", type="left", left="s", right="t", joiner="concat:+"), to("j")], nullable)
    case("grouped-by-name-aggregated-twice", "Two aggregations of one named grouping share its repartition topic.",
         [src("l", L), op("group_by", "g", from_="l", key_fn="first_char", name="by-char"), op("count", "c", from_="g"), *out("c"),
          op("reduce", "r", from_="g", fn="concat"), *out("r", "out2")], [(L, "a", "x1", 1), (L, "b", "x2", 2), (L, "c", "y", 3)])
    case("merge-with-itself", "A stream merged with itself comes once: a node has each parent once.",
         [src("l", L), op("merge", "m", from_="l", other="l"), to("m")], [(L, "a", "x", 1), (L, "b", "y", 2)])
    case("table-filter-below-stored-parent", "The filter of a table that is stored asks for old values by itself: no tombstones for rows that never passed.",
         [tab("t", T, store="T"), op("filter", "f", from_="t", fn="value_has:x"), *out("f")],
         [(T, "a", "y", 1), (T, "a", "x", 2), (T, "a", "y", 3), (T, "a", "y", 4), (T, "a", None, 5)])
    case("table-filter-parent-stored-later", "A parent that is stored only for a later operation was not stored yet when the filter asked.",
         [tab("t", T), op("filter", "f", from_="t", fn="value_has:x"), *out("f"), src("l", L),
          op("stream_table_join", "j", type="left", left="l", right="t", joiner="concat:+"), to("j", "joined")],
         [(T, "a", "y", 1), (L, "a", "l", 2), (T, "a", "x", 3), (T, "a", "y", 4), (T, "a", "y", 5), (T, "a", None, 6)])
    case("table-join-asks-both-by-force", "A filter below a join of tables that are not stored otherwise: the join has both stored and knows old results.",
         [tab("l", L), tab("r", R), op("table_table_join", "j", type="inner", left="l", right="r", joiner="concat:+"),
          op("filter", "f", from_="j", fn="value_has:x"), *out("f")],
         [(L, "a", "l", 1), (R, "a", "r", 2), (R, "a", "x", 3), (L, "a", "m", 4), (R, "a", "r", 5), (L, "a", "n", 6), (L, "a", None, 7)])
    case("cache-on-flush-order-of-late-stores", "Caches are flushed in the order of the nodes that own them, also of a table that is stored only because of a join drawn later.",
         [src("l", L), op("to_table", "t", from_="l"), op("group_by_key", "g", from_="l"), op("count", "c", from_="g"),
          op("map_values", "n", from_="c", fn="to_string"), op("table_table_join", "j", type="inner", left="t", right="n", joiner="concat:+"),
          *out("t"), *out("n"), *out("j")], [(L, "a", "x", 1), (L, "b", "y", 2), (L, "a", "z", 1)], CACHE)
    case("cache-on-process-values-keeps-key", "A grouping after process_values needs no repartition topic, so one record's updates coalesce in the cache; after process it needs one.",
         [src("l", L), op("flat_map_values", "f", from_="l", fn="split"),
          op("process_values", "v", from_="f", fn="stamp"), op("group_by_key", "gv", from_="v"), op("count", "cv", from_="gv"), *out("cv", "values"),
          op("process", "p", from_="f", fn="stamp"), op("group_by_key", "gp", from_="p"), op("count", "cp", from_="gp"), *out("cp", "process")],
         [(L, "a", "x y z", 1), (L, "b", "x y", 2)], CACHE)
    case("aggregate-first-change-has-initial-old-value", "A count's first change carries 0 as old value, not null: a second count of all rows takes it out of the group and never gets beyond 1. A reduction carries null.",
         [src("l", L), op("group_by_key", "g", from_="l"), op("count", "c", from_="g"), op("reduce", "r", from_="g", fn="last"),
          op("group_by", "gc", from_="c", key_fn="const:all", value_fn="identity"), op("count", "rows", from_="gc"), *out("rows"),
          op("group_by", "gr", from_="r", key_fn="const:all", value_fn="identity"), op("count", "reduced", from_="gr"), *out("reduced", "out-reduced")],
         [(L, "a", "x", 1), (L, "b", "x", 2), (L, "c", "x", 3), (L, "a", "y", 4)])
