//! Running the edge: options, a service that can start, a handle that can stop.

use crate::app::{EdgeParts, app};
use crate::error::EdgeError;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Threads of the event loop. Handlers only wait; queries have threads of their own.
const EVENT_LOOP_THREADS: usize = 2;
/// Histograms are drained so often, for the case that nobody reads `/metrics`.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Where the edge listens, and how it stops.
#[derive(Clone, Copy, Debug)]
pub struct EdgeOptions {
    /// Must be a loopback address as long as the edge has no authentication.
    pub address: IpAddr,
    /// 0 takes any free one.
    pub port: u16,
    /// A stop waits so long for requests under way.
    pub stop_within: Duration,
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self { address: Ipv4Addr::LOCALHOST.into(), port: 8080, stop_within: Duration::from_secs(10) }
    }
}

/// An edge that is not running yet.
pub struct EdgeService {
    options: EdgeOptions,
    parts: EdgeParts,
}

/// A running edge. Dropping it without [`EdgeHandle::stop`] cuts off what is under way.
pub struct EdgeHandle {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), EdgeError>>,
}

impl EdgeService {
    /// Checks the options; opens nothing.
    ///
    /// # Errors
    /// If the address is not a loopback one.
    pub fn new(options: EdgeOptions, parts: EdgeParts) -> Result<Self, EdgeError> {
        if !options.address.is_loopback() {
            return Err(EdgeError::NotLoopback(options.address));
        }
        Ok(Self { options, parts })
    }

    /// Listens and returns; requests are answered on threads of the edge's own.
    ///
    /// # Errors
    /// If the port is taken, or no thread can be started.
    pub fn start(self) -> Result<EdgeHandle, EdgeError> {
        let wanted = SocketAddr::new(self.options.address, self.options.port);
        let (listener, address) = listen(wanted).map_err(|reason| EdgeError::Listen { address: wanted, reason })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(EVENT_LOOP_THREADS)
            .thread_name("edge")
            .enable_all()
            .build()
            .map_err(|error| failed("start the event loop", &error))?;
        let (stop, stopped) = oneshot::channel();
        let metrics = self.parts.metrics.clone();
        let (router, stop_within) = (app(self.parts), self.options.stop_within);
        let thread = std::thread::Builder::new()
            .name("edge".to_owned())
            .spawn(move || run(runtime, listener, router, metrics, stopped, stop_within))
            .map_err(|error| failed("start the edge's thread", &error))?;
        tracing::info!(%address, "the edge listens");
        Ok(EdgeHandle { address, stop, thread })
    }
}

impl EdgeHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it has ended by itself; [`EdgeHandle::stop`] tells why.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Takes no more connections, answers what is under way, and waits for that up to `stop_within`.
    ///
    /// # Errors
    /// What had ended the edge, if something had.
    pub fn stop(self) -> Result<(), EdgeError> {
        let _ = self.stop.send(()); // an edge that has ended does not listen
        self.thread.join().unwrap_or_else(|_| Err(failed("run the edge", &"it panicked; see its message above")))
    }
}

fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn run(
    runtime: Runtime,
    listener: TcpListener,
    router: Router,
    metrics: PrometheusHandle,
    stopped: oneshot::Receiver<()>,
    stop_within: Duration,
) -> Result<(), EdgeError> {
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            metrics.run_upkeep();
        }
    });
    let result = runtime.block_on(serve(listener, router, stopped, stop_within));
    runtime.shutdown_background(); // a query that still waits for a disk is wanted by nobody
    result
}

async fn serve(
    listener: TcpListener,
    router: Router,
    stopped: oneshot::Receiver<()>,
    stop_within: Duration,
) -> Result<(), EdgeError> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| failed("listen", &error))?;
    let (begin, begun) = oneshot::channel();
    let signal = async move {
        let _ = stopped.await; // a dropped handle stops, too
        let _ = begin.send(());
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(signal);
    let overdue = async move {
        let _ = begun.await;
        tokio::time::sleep(stop_within).await;
    };
    tokio::select! {
        result = async { server.await } => result.map_err(|error| failed("serve", &error)),
        () = overdue => {
            tracing::warn!("requests were cut off: they took longer than the stop may");
            Ok(())
        }
    }
}

fn failed(attempt: &'static str, reason: &dyn std::fmt::Display) -> EdgeError {
    EdgeError::Runtime { attempt, reason: reason.to_string() }
}
