//! comanda-kafka
