//! comanda-clickhouse
