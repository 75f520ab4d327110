//! The flags that say what a connection authenticates with.

use http_api::model::CredentialInput;

use crate::secret;

/// A client secret, unless one of the others is chosen. The values' form is judged where the REST API judges it.
#[derive(clap::Args)]
pub(super) struct CredentialArgs {
    /// Read the client secret from standard input instead of asking for it
    #[arg(long)]
    client_secret_stdin: bool,
    /// When the client secret ends, such as 2030-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    client_secret_expires_at: Option<String>,
    /// Authenticate with a certificate: read it and its private key, both in PEM, from standard input
    #[arg(long, conflicts_with_all = ["client_secret_stdin", "federated_token"])]
    certificate_stdin: bool,
    /// Authenticate with another identity provider's token, from the file that --federated-token-file names; every
    /// program that synchronises the connection needs that setting
    #[arg(long, conflicts_with = "client_secret_stdin")]
    federated_token: bool,
}

impl CredentialArgs {
    /// What was chosen, with its secret.
    pub(super) fn read(self) -> anyhow::Result<CredentialInput> {
        let mut input =
            CredentialInput { client_secret_expires_at: self.client_secret_expires_at, ..CredentialInput::default() };
        if self.certificate_stdin {
            input.certificate = Some(secret::certificate()?);
        } else if self.federated_token {
            input.federated_token = Some(true);
        } else {
            input.client_secret = Some(secret::client_secret(self.client_secret_stdin)?);
        }
        Ok(input)
    }
}
