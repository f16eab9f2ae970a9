//! The token that every call shows: fetched once, kept until shortly before it runs out.

use super::PayPalSettings;
use crate::http::{self, Silence, text};
use reqwest::Client;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A token is renewed so long before its end: a call that shows it may take as long.
const BEFORE_ITS_END: Duration = Duration::from_secs(60);

/// Who waits for it waits for one fetch.
#[derive(Default)]
pub(super) struct Token(Mutex<Option<(String, Instant)>>);

impl Token {
    pub async fn get(&self, client: &Client, settings: &PayPalSettings) -> Result<String, String> {
        let mut known = self.0.lock().await;
        if let Some((token, _)) = known.as_ref().filter(|(_, until)| Instant::now() < *until) {
            return Ok(token.clone());
        }
        let (token, lasts) = fetch(client, settings).await?;
        let until = Instant::now() + lasts.saturating_sub(BEFORE_ITS_END);
        *known = Some((token.clone(), until));
        Ok(token)
    }
}

async fn fetch(client: &Client, settings: &PayPalSettings) -> Result<(String, Duration), String> {
    let request = client.post(format!("{}/v1/oauth2/token", settings.base));
    let request = request.basic_auth(&settings.client_id, Some(&settings.client_secret));
    let reply = http::exchange(request.form(&[("grant_type", "client_credentials")])).await;
    let reply = reply.map_err(|silence| match silence {
        Silence::NotSent(detail) | Silence::Unknown(detail) => format!("no token: {detail}"),
    })?;
    let token = text(&reply.body, "/access_token");
    if !reply.status.is_success() || token.is_empty() {
        return Err(format!("no token: status {}", reply.status.as_u16()));
    }
    Ok((token.to_owned(), Duration::from_secs(reply.body["expires_in"].as_u64().unwrap_or(0))))
}
