//! Where the servers are: flags or environment, with the local set-up's addresses as defaults.

use clap::Args;

/// Addresses of Kafka, the registry and ClickHouse.
#[derive(Args, Clone, Debug)]
pub struct Addresses {
    /// Kafka's bootstrap servers.
    #[arg(long, env = "COMANDA_KAFKA", default_value_t = local("COMANDA_KAFKA_PORT", 19092, "", ""))]
    pub kafka: String,
    /// Base of the Confluent-compatible registry API.
    #[arg(
        long,
        env = "COMANDA_REGISTRY",
        default_value_t = local("COMANDA_REGISTRY_PORT", 8081, "http://", "/apis/ccompat/v7")
    )]
    pub registry: String,
    /// ClickHouse's HTTP address.
    #[arg(
        long,
        env = "COMANDA_CLICKHOUSE",
        default_value_t = local("COMANDA_CLICKHOUSE_HTTP_PORT", 8123, "http://", "")
    )]
    pub clickhouse: String,
    /// ClickHouse's database.
    #[arg(long, env = "COMANDA_CLICKHOUSE_DATABASE", default_value = "comanda")]
    pub database: String,
}

/// The local server's address: the port variables are those of `deploy/local`.
fn local(port_variable: &str, port: u16, scheme: &str, path: &str) -> String {
    let port = std::env::var(port_variable).ok().and_then(|text| text.parse().ok()).unwrap_or(port);
    format!("{scheme}127.0.0.1:{port}{path}")
}
