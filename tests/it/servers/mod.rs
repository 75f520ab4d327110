//! Many servers on one database.

mod fleet;
mod journal;
mod killed;
mod one_file;
mod woken;
