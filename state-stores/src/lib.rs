//! comanda-state-stores
