//! A line that breaks: passes bytes on to a registry until enough have come back, then cuts every connection.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

/// A listener of its own in front of a registry. Its threads end with the connections.
#[derive(Debug)]
pub(crate) struct Cut {
    port: u16,
}

impl Cut {
    /// Lets so many bytes come back from the registry, heads included, over all connections together.
    pub(crate) fn after(bytes: i64, registry: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let port = listener.local_addr().expect("its address").port();
        let left = Arc::new(AtomicI64::new(bytes));
        let registry = registry.to_owned();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&registry)) else {
                    return;
                };
                if left.load(Ordering::SeqCst) <= 0 {
                    // Dropped at once: nobody gets through any more.
                    continue;
                }
                let (mut up, mut there) = (copy(&client), copy(&server));
                thread::spawn(move || {
                    let _ = std::io::copy(&mut up, &mut there);
                    let _ = there.shutdown(Shutdown::Write);
                });
                let left = Arc::clone(&left);
                thread::spawn(move || pass_back(server, client, &left));
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn copy(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second handle")
}

fn pass_back(mut server: TcpStream, mut client: TcpStream, left: &AtomicI64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        let taken = i64::try_from(length).expect("a small buffer");
        if left.fetch_sub(taken, Ordering::SeqCst) < taken
            || client.write_all(&buffer[..length]).is_err()
        {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
