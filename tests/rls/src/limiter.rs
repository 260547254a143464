use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use limitador::errors::LimitadorError;
use limitador::limit::{Context, Limit, Namespace};
use limitador::reservation::{ReservationId, ReservationLimits};
use limitador::{RateLimiter, RateLimiterBuilder};
use tokio::sync::Mutex;

use crate::Error;
use crate::message::Descriptor;

/// How many counters are kept in memory. Above it Limitador forgets some, and with them what was spent; its own default
/// is 10,000.
const COUNTERS: u64 = 1 << 20;

/// Reads limits as Limitador's own limits file has them: a list, in YAML or JSON.
///
/// # Errors
/// What does not belong there, and where it is.
pub fn read_limits(text: &str) -> Result<Vec<Limit>, Error> {
    serde_saphyr::from_str(text).map_err(|error| Error::new("not a limits file of Limitador", error))
}

/// Where counts are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Store {
    /// In this process.
    #[default]
    Memory,
    /// In Redis 7 or later at this address, for all who use it.
    #[cfg(feature = "redis")]
    Redis(String),
}

/// A counter that something was counted under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// The limit's name; `tidegate render limitador` names it by the quota.
    pub limit: Option<String>,
    /// Its variables, by their expressions.
    pub variables: BTreeMap<String, String>,
    /// How much was counted. Holds are not.
    pub used: u64,
    /// How much is admitted.
    pub max: u64,
}

/// The limiter, and what its storage lacks: in memory, limitador 0.14 reads a counter in one step and adds to it in
/// another, and `Reserve` reads what is counted before what is held, so that two calls at a time can both take what is
/// left. One lock around each operation makes it exact. In Redis `Reserve` is one script.
pub(crate) enum Limiter {
    Memory(Mutex<RateLimiter>),
    #[cfg(feature = "redis")]
    Redis(limitador::AsyncRateLimiter),
}

/// Runs the same call on either limiter.
macro_rules! on {
    ($limiter:expr, $name:ident($($argument:expr),*)) => {
        match $limiter {
            Limiter::Memory(limiter) => limiter.lock().await.$name($($argument),*),
            #[cfg(feature = "redis")]
            Limiter::Redis(limiter) => limiter.$name($($argument),*).await,
        }
    };
}

type Answer<T> = Result<T, LimitadorError>;

impl Limiter {
    /// A limiter of `limits`, which holds no reservation for longer than `max_ttl`.
    pub(crate) async fn new(store: Store, limits: Vec<Limit>, max_ttl: Duration) -> Result<Self, Error> {
        let holds = ReservationLimits { max_ttl, ..ReservationLimits::default() };
        let limiter = match store {
            Store::Memory => {
                Self::Memory(Mutex::new(RateLimiterBuilder::new(COUNTERS).reservation_limits(holds).build()))
            }
            #[cfg(feature = "redis")]
            Store::Redis(url) => {
                let storage = limitador::storage::redis::AsyncRedisStorage::new(&url).await;
                let storage = storage.map_err(|error| Error::new("no Redis there", error))?;
                let storage = limitador::storage::AsyncStorage::with_counter_storage(Box::new(storage));
                Self::Redis(limitador::AsyncRateLimiterBuilder::new(storage).reservation_limits(holds).build())
            }
        };
        limiter.configure(limits).await?;
        Ok(limiter)
    }

    /// Replaces the limits; counters of those that stay are kept.
    pub(crate) async fn configure(&self, limits: Vec<Limit>) -> Result<(), Error> {
        on!(self, configure_with(limits)).map_err(|error| Error::new("limits not taken", error))
    }

    /// Counts `hits` under all limits that apply to the descriptors, or under none. The headers are those of
    /// draft-polli-ratelimit-headers-03.
    pub(crate) async fn check_and_update(
        &self,
        domain: &str,
        descriptors: &[Descriptor],
        hits: u64,
    ) -> Answer<(bool, BTreeMap<String, String>)> {
        let context = context(descriptors);
        let mut result = on!(self, check_rate_limited_and_update(&Namespace::from(domain), &context, hits))?;
        Ok((!result.limited, result.response_header().into_iter().collect()))
    }

    /// Holds `amount`, or refuses it. The id is empty where it is admitted and nothing is held.
    pub(crate) async fn reserve(
        &self,
        domain: &str,
        descriptors: &[Descriptor],
        amount: u64,
        ttl: Option<Duration>,
    ) -> Answer<(bool, String)> {
        let context = context(descriptors);
        let result = on!(self, reserve(&Namespace::from(domain), &context, amount, ttl))?;
        let id = result.reservation_id.map(|it| it.to_string());
        Ok((!result.limited, id.unwrap_or_default()))
    }

    /// Counts `actual`, and says whether the reservation was still held.
    pub(crate) async fn commit(&self, domain: &str, descriptors: &[Descriptor], id: &str, actual: u64) -> Answer<bool> {
        let context = context(descriptors);
        let id = (!id.is_empty()).then(|| ReservationId::from(id.to_owned()));
        let result = on!(self, commit_reservation(&Namespace::from(domain), &context, id.as_ref(), actual))?;
        Ok(result.reservation_released)
    }

    /// The counters of a namespace, in order.
    pub(crate) async fn counters(&self, domain: &str) -> Result<Vec<Counter>, Error> {
        let found = on!(self, get_counters(&Namespace::from(domain)));
        let found = found.map_err(|error| Error::new("counters not read", error))?;
        let mut counters: Vec<Counter> = found
            .iter()
            .map(|it| Counter {
                limit: it.limit().name().map(str::to_owned),
                variables: it.set_variables().clone(),
                used: it.max_value().saturating_sub(it.remaining().unwrap_or_default()),
                max: it.max_value(),
            })
            .collect();
        counters.sort();
        Ok(counters)
    }
}

/// All descriptors as one list, `descriptors`, as Limitador's conditions and variables know it.
fn context(descriptors: &[Descriptor]) -> Context<'static> {
    let entries = |it: &Descriptor| it.entries.iter().map(|it| (it.key.clone(), it.value.clone())).collect();
    let values: Vec<HashMap<String, String>> = descriptors.iter().map(entries).collect();
    let mut context = Context::default();
    context.list_binding("descriptors".to_owned(), values);
    context
}
