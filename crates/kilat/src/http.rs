//! The page for probes and Prometheus: `/metrics`, `/healthz`, `/readyz`.
//!
//! Input: GET requests. Output: `/metrics` in Prometheus' text format; `/healthz` 200 while the process works and 503 once
//! something failed that no retry cures; `/readyz` 200 once records flow and 503, with the reason, until then.
//! Absent: authentication; the address is loopback unless the configuration says otherwise.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kilat_telemetry::metrics::Exposition;

use crate::failure::Failure;

/// How the process is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Records flow.
    Ready,
    /// Not yet, or not at the moment, and why.
    Waiting(String),
    /// Not any more, and why.
    Failed(String),
}

/// Asks the service how it is doing.
pub(crate) type Probe = Arc<dyn Fn() -> Health + Send + Sync>;

/// Takes the address, so that a port in use is found before anything else starts.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        let help =
            "stop what uses the port, or choose another: `http.listen` or KILAT__HTTP__LISTEN (port 0 takes any)";
        Failure::because(format!("listening on {address}"), error, help)
    })
}

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, page: Exposition, probe: Probe) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state((page, probe));
    axum::serve(tokio::net::TcpListener::from_std(listener)?, routes).await
}

async fn metrics(State((page, _)): State<(Exposition, Probe)>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.render()).into_response()
}

async fn healthz(State((_, probe)): State<(Exposition, Probe)>) -> Response {
    match probe() {
        Health::Ready | Health::Waiting(_) => (StatusCode::OK, "ok\n").into_response(),
        Health::Failed(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn readyz(State((_, probe)): State<(Exposition, Probe)>) -> Response {
    match probe() {
        Health::Ready => (StatusCode::OK, "ready\n").into_response(),
        Health::Waiting(why) | Health::Failed(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
        }
    }
}
