//! TLS, chosen once for the whole process.

/// Makes ring the process's TLS implementation. Call it first thing in `main`: HTTP clients cannot be built before.
pub fn install_tls_provider() {
    // Fails only when it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
