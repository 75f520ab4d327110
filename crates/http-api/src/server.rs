//! The API as a server of its own.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    num::NonZeroUsize,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use actix_web::{App as Service, HttpServer, http::KeepAlive, middleware::from_fn, web};
use sync_engine::SyncEngine;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App, config::ApiConfig, observe::observe, routes, sign_in::SignIn, socket::cut_off_when_stalled,
    telemetry::Telemetry,
};

/// The framework's clock is late by up to half a second, and a time that is over when it begins never ends.
const SHORTEST: Duration = Duration::from_millis(600);
/// For what is being answered when the server is told to stop.
const SHUTDOWN_SECONDS: u64 = 5;

/// A bound server: connections wait from here on, and are served by [`Server::run`].
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes the address; port 0 takes any free one. To be called within a Tokio runtime, on which the API then does
    /// its work.
    pub fn bind(address: impl ToSocketAddrs, engine: SyncEngine, config: ApiConfig) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { app: App::new(engine, config, runtime), listener, address })
    }

    /// The same server, watched in this way.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { app: self.app.with_telemetry(telemetry), ..self }
    }

    /// As [`App::with_sign_in`].
    #[must_use]
    pub fn with_sign_in(self, sign_in: Arc<dyn SignIn>) -> Self {
        Self { app: self.app.with_sign_in(sign_in), ..self }
    }

    /// The address that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then ends event streams and waits and answers what else was asked before, within 5 seconds. Handles no signals.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        // In a statement of its own: what makes the server may not be sent between threads, the server may.
        let running = self.start(stop)?;
        running.await
    }

    fn start(self, stop: CancellationToken) -> io::Result<actix_web::dev::Server> {
        let limits = self.app.config().limits.clone();
        let threads = available_parallelism().map_or(1, NonZeroUsize::get);
        let app = Arc::new(self.app);
        let stopped = {
            let app = Arc::clone(&app);
            async move {
                stop.cancelled().await;
                app.close();
            }
        };
        let service = move || {
            let app = Arc::clone(&app);
            // The last scope takes every other path, so that these are problems and have ids as well.
            Service::new()
                .configure(|config| routes::configure(config, app))
                .service(web::scope("").wrap(from_fn(observe)))
        };
        let server = HttpServer::new(service)
            .workers(threads)
            .max_connections((limits.connections / threads).max(1))
            .client_request_timeout(limits.head_time.max(SHORTEST))
            .client_disconnect_timeout(limits.disconnect_time.max(SHORTEST))
            .keep_alive(KeepAlive::Timeout(limits.keep_alive.max(SHORTEST)))
            // Whoever closes the connection is gone: what was held for it is free at once.
            .h1_allow_half_closed(false)
            .on_connect(move |connection, _| cut_off_when_stalled(connection, limits.stalled_time))
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .disable_signals()
            .shutdown_signal(stopped)
            .listen(self.listener)?;
        Ok(server.run())
    }
}
