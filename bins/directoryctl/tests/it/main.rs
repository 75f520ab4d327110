//! The real program on a database in a folder of its own.

mod audit;
mod connections;
mod credentials;
mod deleting;
mod documents;
mod events;
mod first_use;
mod keys;
mod review;
mod secrets;
mod settings;
mod settling;
mod simulated;
mod tokens;
mod update;
mod usage;
mod world;
