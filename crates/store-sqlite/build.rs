//! Migrations are embedded when this crate is compiled; without this a new file would go unnoticed.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/sqlite");
}
