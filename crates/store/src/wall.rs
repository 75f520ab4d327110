//! The second wall between tenants.

/// Whether the database itself keeps tenants apart, should one of the store's statements forget to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantWall {
    /// It does.
    Stands,
    /// It would, but the role as which the program is connected may pass: a superuser, or one with `BYPASSRLS`.
    RolePasses,
    /// It does, except in these tables.
    TablesOpen(Vec<String>),
    /// The database has no such thing; the store's own statements are all that keeps tenants apart.
    Absent,
}
