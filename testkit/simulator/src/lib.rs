//! comanda-simulator
