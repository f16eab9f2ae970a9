//! comanda-streams-test
