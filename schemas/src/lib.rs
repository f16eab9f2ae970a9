//! comanda-schemas
