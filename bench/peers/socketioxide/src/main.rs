//! socketioxide with the handlers that the benchmarks need: bench-socketioxide ADDRESS

use bytes::Bytes;
use serde_json::Value;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};

async fn connected(socket: SocketRef) {
    socket.on("echo", async |s: SocketRef, Data::<Value>(p)| {
        s.emit("echo", &p).ok();
    });
    socket.on("bin", async |s: SocketRef, Data::<Bytes>(b)| {
        s.emit("bin", &b).ok();
    });
    socket.on("ack", async |Data::<Value>(p), ack: AckSender| {
        ack.send(&p).ok();
    });
    socket.on("broadcast", async |io: SocketIo, Data::<Value>(p)| {
        io.emit("broadcast", &p).await.ok();
    });
    socket.on("join", async |s: SocketRef, Data::<String>(room), ack: AckSender| {
        s.join(room);
        ack.send(&()).ok();
    });
    socket.on("room", async |io: SocketIo, Data::<(String, Value)>((room, p))| {
        io.to(room).emit("room", &p).await.ok();
    });
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: bench-socketioxide ADDRESS")?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let (layer, io) = SocketIo::new_layer();
            io.ns("/", connected);
            let app = axum::Router::new().layer(layer);
            let listener = tokio::net::TcpListener::bind(address).await?;
            Ok(axum::serve(listener, app).await?)
        })
}
