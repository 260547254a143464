//! The same request through the same core, natively, where it tells of each step. It is told of the caller what the
//! `.wasm` is told, and nothing of it decides anything.

use std::sync::Arc;

use tidegate_filter::decide::identity::Claim;
use tidegate_filter::exchange::Headers;
use tidegate_filter::exchange::explain::{Explained, Known, explain};
use tidegate_filter::policy::{Configuration, Diagnostics, compile};

use super::caller::{PEER, Supplied};
use super::{Settings, message, plugin_configuration};
use crate::capture::Exchange;
use crate::host::Value;

/// The configuration with which a [`Replayer`](super::Replayer) starts the filter, compiled.
///
/// # Errors
/// The filter would not start with it.
pub fn as_started(text: &str, hold_headers: bool) -> Result<Configuration, Diagnostics> {
    Ok(compile(plugin_configuration(text, hold_headers).as_bytes())?.configuration)
}

/// What a request goes through, step by step, as the first one that the filter sees.
pub fn trace<'p>(configuration: &'p Arc<Configuration>, settings: &Settings, exchange: &Exchange) -> Explained<'p> {
    let at = settings.now.or(exchange.at).unwrap_or(settings.started);
    let (supplied, _) = settings.caller.supply(&exchange.request, at);
    let request = message::request(exchange, &supplied.headers);
    let headers = Headers::from_pairs(request.headers.iter());
    let known = OfCaller { supplied: &supplied, settings };
    let body = Some(request.chunks.concat()).filter(|body| !body.is_empty());
    let now = u64::try_from(at.unix_timestamp_nanos()).unwrap_or(0);
    explain(configuration, &headers, body.as_deref(), &known, now)
}

struct OfCaller<'a> {
    supplied: &'a Supplied,
    settings: &'a Settings,
}

impl Known for OfCaller<'_> {
    fn jwt_claim(&self, key: &str, path: &[String]) -> Claim {
        let payload = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", key];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
        match self.supplied.properties.get(payload.into_iter().chain(path.iter().map(String::as_str))) {
            None | Some(Value::Null) => Claim::Absent,
            Some(Value::Bytes(bytes)) => text(bytes).map_or(Claim::Other, Claim::Text),
            Some(Value::List(items)) => {
                let texts = items.iter().map(|item| match item {
                    Value::Bytes(bytes) => text(bytes).ok(),
                    _ => None,
                });
                texts.collect::<Option<Vec<String>>>().map_or(Claim::Other, Claim::List)
            }
            Some(_) => Claim::Other,
        }
    }

    fn peer_spiffe(&self) -> Option<String> {
        match self.supplied.properties.get(PEER.split('/'))? {
            Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok().filter(|id| id.starts_with("spiffe://")),
            _ => None,
        }
    }

    fn route(&self) -> Option<String> {
        self.settings.route.clone()
    }

    fn cluster(&self) -> Option<String> {
        self.settings.cluster.clone()
    }
}
