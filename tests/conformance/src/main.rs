//! Runs the conformance fixture until it is interrupted: `tidegate-conformance-fixture [ADDRESS:PORT]`.

use std::error::Error;
use std::net::SocketAddr;

use tidegate_conformance_fixture::{Fixture, PATH};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bind = match std::env::args().nth(1) {
        Some(text) => text.parse().map_err(|error| format!("'{text}' is not ADDRESS:PORT: {error}"))?,
        None => SocketAddr::from(([127, 0, 0, 1], 3000)),
    };
    let fixture = Fixture::start(bind).await?;
    println!("http://{}{PATH}", fixture.address());
    std::future::pending::<()>().await;
    Ok(())
}
