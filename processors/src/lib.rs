//! comanda-processors
