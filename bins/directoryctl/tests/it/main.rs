//! The real program on a database in a folder of its own.

mod connections;
mod first_use;
mod secrets;
mod settings;
mod tokens;
mod usage;
mod world;
