//! An exchange in the form in which Envoy shows it to a filter.

use time::OffsetDateTime;

use super::{Caller, message};
use crate::capture::Exchange;
use crate::host::{Http, Properties};

/// What a proxy would hand to the filter.
#[derive(Debug, Clone)]
pub struct Staged {
    /// The request, with the headers that the caller's peer sets.
    pub request: Http,
    /// The response, if one was recorded.
    pub response: Option<Http>,
    /// The stream's properties: who calls.
    pub properties: Properties,
}

/// Puts `caller` and the messages of `exchange`, at the time `at`, into the form that the filter sees.
pub fn stage(exchange: &Exchange, caller: &Caller, at: OffsetDateTime) -> Staged {
    let (supplied, _) = caller.supply(&exchange.request, at);
    Staged {
        request: message::request(exchange, &supplied.headers),
        response: exchange.response.as_ref().map(|it| message::response(it, exchange)),
        properties: supplied.properties,
    }
}
