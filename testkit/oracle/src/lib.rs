//! comanda-oracle
