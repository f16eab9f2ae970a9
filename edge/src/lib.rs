//! comanda-edge
