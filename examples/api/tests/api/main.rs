//! The service as a program: by plain sockets, and by clients that others wrote.
#![cfg(target_os = "linux")]
mod browser;
mod client;
mod database;
mod ending;
mod limits;
mod routes;
#[allow(dead_code)] // what the facade's examples need
#[path = "../../../../tests/support/server.rs"]
mod server;
mod service;
#[allow(dead_code)]
#[path = "../../../../tests/support/mod.rs"]
mod support;
mod tools;
mod watching;
