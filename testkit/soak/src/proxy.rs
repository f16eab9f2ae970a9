//! A way to a broker that can be cut without closing a connection: while this process is stopped, nothing passes.

use std::error::Error;
use std::net::{Shutdown, TcpListener, TcpStream};

/// Passes every connection to `listen` on to `target`, for ever.
///
/// # Errors
/// If it cannot listen.
pub fn run(listen: &str, target: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(listen)?;
    for client in listener.incoming() {
        let (client, target) = (client?, target.to_owned());
        std::thread::spawn(move || pass_on(&client, &target));
    }
    Ok(())
}

/// Until either side closes; a target that is away closes the client's connection at once.
fn pass_on(client: &TcpStream, target: &str) {
    let Ok(server) = TcpStream::connect(target) else { return };
    // Neither can fail on a connection that is open; one that is not ends the copying below.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    std::thread::scope(|threads| {
        threads.spawn(|| copy(client, &server));
        copy(&server, client);
    });
}

/// One direction; its end is the end of both.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    // However it ends, the connection is over.
    let _ = std::io::copy(&mut from, &mut to);
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
