//! A running simulator.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App as Service, HttpServer, rt, web};
use uuid::Uuid;

use crate::app::App;
use crate::config::{Config, DeltaPaging};
use crate::directory::Directory;
use crate::fault::{Fault, Faults};
use crate::registration::Registration;
use crate::requests::Route;
use crate::{control, graph, token};

/// A simulator that serves until it is stopped or dropped. It has threads of its own, so that it can be started from
/// any test, with or without an async runtime.
pub struct Simulator {
    app: Arc<App>,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Simulator {
    /// Starts to serve. When this returns, connections are accepted.
    ///
    /// # Errors
    /// The address cannot be listened on, the thread cannot be started, or `config` has no tenant.
    pub fn start(config: Config) -> io::Result<Self> {
        if config.tenants.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the configuration has no tenant"));
        }
        let listener = TcpListener::bind(config.listen)?;
        let address = listener.local_addr()?;
        let app = Arc::new(App::new(config));
        let (sender, receiver) = mpsc::sync_channel(1);
        let served = Data::from(Arc::clone(&app));
        let thread = thread::Builder::new()
            .name("entra-simulator".to_owned())
            .spawn(move || serve(served, listener, &sender))?;
        match receiver.recv() {
            Ok(handle) => Ok(Self { app, address, handle, thread: Some(thread) }),
            Err(_) => Err(ended_early(thread)),
        }
    }

    /// The base URL of the identity platform, without a slash at the end.
    #[must_use]
    pub fn login_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL of Graph, without the version and without a slash at the end.
    #[must_use]
    pub fn graph_url(&self) -> String {
        self.login_url()
    }

    /// The first tenant's directory.
    #[must_use]
    pub fn directory(&self) -> Directory {
        self.app.tenants[0].directory.clone()
    }

    /// The application registered in the first tenant.
    #[must_use]
    pub fn registration(&self) -> Registration {
        self.app.tenants[0].registration.clone()
    }

    /// The directory of, and the application registered in, the tenant with this directory id.
    #[must_use]
    pub fn tenant(&self, directory_id: Uuid) -> Option<(Directory, Registration)> {
        let tenant = self.app.tenant(directory_id)?;
        Some((tenant.directory.clone(), tenant.registration.clone()))
    }

    /// The faults that are still to strike.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.app.faults.clone()
    }

    /// Scripts a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.app.faults.add(fault);
    }

    /// How often this route was asked since the start or the last [`Self::reset_requests`].
    #[must_use]
    pub fn requests(&self, route: Route) -> u64 {
        self.app.requests.count(route)
    }

    /// Counts requests from zero again.
    pub fn reset_requests(&self) {
        self.app.requests.reset();
    }

    /// How long Graph waits before each answer from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.app.set_latency(latency);
    }

    /// How the pages of delta queries are made from now on.
    pub fn set_delta(&self, paging: DeltaPaging) {
        self.app.set_delta(paging);
    }

    /// Stops at once, cutting off what is being answered. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // The command is sent by the call; the future only waits for the end, and so does joining the thread.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // Nobody is left to tell about a server that ended badly.
            let _ = thread.join();
        }
    }
}

fn serve(app: Data<App>, listener: TcpListener, started: &mpsc::SyncSender<ServerHandle>) -> io::Result<()> {
    rt::System::new().block_on(async move {
        let service = move || {
            Service::new()
                .app_data(app.clone())
                .service(web::scope("/v1.0").configure(graph::routes))
                .service(web::scope("/control").configure(control::routes))
                .route("/{tenant}/oauth2/v2.0/token", web::to(token::token))
        };
        let server = HttpServer::new(service).workers(2).disable_signals().listen(listener)?.run();
        // The receiver waits until it has this.
        let _ = started.send(server.handle());
        server.await
    })
}

fn ended_early(thread: JoinHandle<io::Result<()>>) -> io::Error {
    match thread.join() {
        Ok(Err(error)) => error,
        Ok(Ok(())) | Err(_) => io::Error::other("the server did not start"),
    }
}
