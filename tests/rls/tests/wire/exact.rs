//! A limit of N admits exactly N, whatever arrives at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_filter::ratelimit::{
    Descriptor, commit, descriptor, read_commit, read_reserve, read_should_rate_limit, reserve, should_rate_limit,
};
use tidegate_rls::{Method, Options, RateLimitServer, read_limits};
use tokio::sync::Semaphore;

use super::client::{Client, DOMAIN};

const CALLS: u64 = 20_000;
const LIMIT: u64 = 5_000;
const CONNECTIONS: usize = 8;
/// How many calls are under way at a time. In memory Limitador walks all holds of a counter for every new one.
const AT_A_TIME: usize = 1_000;

const LIMITS: &str = "
- namespace: tidegate
  name: calls
  max_value: 5000
  seconds: 86400
  conditions: [\"descriptors[0]['quota'] == 'calls'\"]
  variables: [\"descriptors[0]['team']\"]
";

fn team() -> [Descriptor; 1] {
    [descriptor("calls", [("team", Some("platform"))], None)]
}

/// Runs `CALLS` calls over all connections, `AT_A_TIME`, and says how many were admitted.
async fn admitted<F>(clients: &[Client], admit: impl Fn(Client) -> F) -> u64
where
    F: Future<Output = bool> + Send + 'static,
{
    let count = Arc::new(AtomicU64::new(0));
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks: Vec<_> = clients
        .iter()
        .cycle()
        .zip(0..CALLS)
        .map(|(client, _)| {
            let (call, count, room) = (admit(client.clone()), Arc::clone(&count), Arc::clone(&room));
            tokio::spawn(async move {
                let _permit = room.acquire().await.unwrap();
                count.fetch_add(u64::from(call.await), Ordering::Relaxed)
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    count.load(Ordering::Relaxed)
}

/// A hold outlasts the test on any machine: what ran out would be admitted again.
const HOLD: u64 = 3_600;

async fn serve() -> RateLimitServer {
    let options = Options { max_ttl: Duration::from_secs(HOLD), ..Options::default() };
    RateLimitServer::start(([127, 0, 0, 1], 0).into(), read_limits(LIMITS).unwrap(), options).await.unwrap()
}

async fn connect(server: &RateLimitServer) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(server).await);
    }
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn should_rate_limit_admits_exactly_the_limit() {
    let server = serve().await;
    let clients = connect(&server).await;
    let count = admitted(&clients, |client| async move {
        let answer = client.call(Method::ShouldRateLimit, should_rate_limit(DOMAIN, &team(), 1)).await.unwrap();
        read_should_rate_limit(&answer).unwrap().allowed
    })
    .await;
    assert_eq!(count, LIMIT);
    assert_eq!(server.arrived(Method::ShouldRateLimit), CALLS);
    assert_eq!(server.counters(DOMAIN).await.unwrap()[0].used, LIMIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reserve_and_commit_admit_exactly_the_limit() {
    let server = serve().await;
    let clients = connect(&server).await;
    let count = admitted(&clients, |client| async move {
        let answer = client.call(Method::Reserve, reserve(DOMAIN, &team(), 1, HOLD)).await.unwrap();
        let reserved = read_reserve(&answer, 1).unwrap();
        if reserved.allowed {
            let request = commit(DOMAIN, &team(), &reserved.reservation_id, 1);
            let answer = client.call(Method::Commit, request).await.unwrap();
            assert_eq!(read_commit(&answer), Some(true));
        }
        reserved.allowed
    })
    .await;
    assert_eq!(count, LIMIT);
    assert_eq!(server.arrived(Method::Reserve), CALLS);
    assert_eq!(server.arrived(Method::Commit), LIMIT);
    assert_eq!(server.counters(DOMAIN).await.unwrap()[0].used, LIMIT);
}

/// Calls of 7 against a budget of 5,000: 714 fit, and the 2 that are left fit nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_never_overspent() {
    let server = serve().await;
    let clients = connect(&server).await;
    let count = admitted(&clients, |client| async move {
        let answer = client.call(Method::Reserve, reserve(DOMAIN, &team(), 7, HOLD)).await.unwrap();
        let reserved = read_reserve(&answer, 7).unwrap();
        if reserved.allowed {
            let request = commit(DOMAIN, &team(), &reserved.reservation_id, 7);
            client.call(Method::Commit, request).await.unwrap();
        }
        reserved.allowed
    })
    .await;
    assert_eq!(count, LIMIT / 7);
    assert_eq!(server.counters(DOMAIN).await.unwrap()[0].used, LIMIT / 7 * 7);
}
