//! comanda-city
