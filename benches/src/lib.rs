#![doc = include_str!("../README.md")]

pub mod cases;
pub mod directory;
pub mod engine;
mod http;
mod machine;
mod postgres;
mod process;
mod product;
pub mod report;
mod runs_page;
mod sqlite;
mod work;

pub use machine::Machine;
pub use postgres::Cluster;
pub use runs_page::serve_bare;
pub use work::{Scale, Work};

/// Where the database server is. In the environment, because every user of the machine sees arguments.
pub const URL_VARIABLE: &str = "DIRECTORY_BENCH_POSTGRES_URL";
