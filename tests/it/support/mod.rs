//! A whole system for one test: a database, the simulator, a real server process and the command line.

mod database;
mod process;
mod system;

pub(crate) use database::{Database, Kind};
pub(crate) use process::Cli;
pub(crate) use system::{Server, System, registration, wait_for};

/// Runs each of the given async functions on both stores, as tests of their own.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::support::Kind::Sqlite).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::support::Kind::Postgres).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;
