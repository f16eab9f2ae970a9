//! comanda-servers
