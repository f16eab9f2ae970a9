//! A way to ClickHouse on which something happens in the middle of an insert.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where in an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Half of the request is with ClickHouse.
    HalfSent,
    /// ClickHouse has answered, and the sink has not seen it.
    Answered,
}

/// Starts a proxy to `clickhouse` that calls `happen` at the moment, in the `nth` insert; returns its address.
pub fn start(clickhouse: &str, moment: Moment, nth: u64, happen: impl Fn() + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let target = clickhouse.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let happen = Arc::new(happen);
    let inserts = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, target) = (client.unwrap(), target.clone());
            let (happen, inserts) = (happen.clone(), inserts.clone());
            std::thread::spawn(move || forward(client, &target, moment, nth, &inserts, &*happen));
        }
    });
    address
}

/// One connection. A request is recognised as an insert by its first bytes; the sink sends the head by itself.
fn forward(
    client: TcpStream,
    target: &str,
    moment: Moment,
    nth: u64,
    inserts: &Arc<AtomicU64>,
    happen: &(dyn Fn() + Sync),
) {
    let Ok(server) = TcpStream::connect(target) else {
        return;
    };
    let counted = AtomicU64::new(0); // the number of the insert that is on this connection
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (mut from, mut to) = (&client, &server);
            let mut buffer = [0; 4_096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                let bytes = &buffer[..length];
                let is_head = bytes.starts_with(b"POST") && bytes.windows(6).any(|window| window == b"INSERT");
                if is_head {
                    counted.store(inserts.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                } else if moment == Moment::HalfSent && counted.load(Ordering::SeqCst) == nth {
                    to.write_all(&bytes[..length / 2]).unwrap();
                    happen();
                    let _ = to.write_all(&bytes[length / 2..]);
                    continue;
                }
                if to.write_all(bytes).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(Shutdown::Write);
        });
        let (mut from, mut to) = (&server, &client);
        let mut buffer = [0; 4_096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if moment == Moment::Answered && counted.load(Ordering::SeqCst) == nth {
                happen();
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    });
}
