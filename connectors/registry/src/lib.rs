//! comanda-registry
