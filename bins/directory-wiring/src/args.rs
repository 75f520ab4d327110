//! The settings as flags. They are taken as text: a value from the environment or the file is judged by the same code.

#![expect(clippy::doc_markdown, reason = "the comments on flags are their help text, which is no Markdown")]

use std::path::PathBuf;

use clap::Args;

/// Settings that every program takes. Flatten it into the program's own arguments.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// Settings file; its keys are the settings' names in lower case, `database_url` say [default: directory.toml, if there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// sqlite://PATH or postgres://… [env: DIRECTORY_DATABASE_URL] [default: sqlite://data/directory.db]
    #[arg(long, value_name = "URL", global = true)]
    pub database_url: Option<String>,

    /// File of KID:BASE64 keys, one a line, the first one seals [env: DIRECTORY_ENCRYPTION_KEY_FILE] [default: with
    /// SQLite encryption.keys beside the database, made on first use]
    #[arg(long, value_name = "FILE", global = true)]
    pub encryption_key_file: Option<String>,

    /// Base address of the login service instead of the cloud's own [env: DIRECTORY_LOGIN_URL]
    #[arg(long, value_name = "URL", global = true)]
    pub login_url: Option<String>,

    /// Base address of Microsoft Graph instead of the cloud's own [env: DIRECTORY_GRAPH_URL]
    #[arg(long, value_name = "URL", global = true)]
    pub graph_url: Option<String>,

    /// File with the token of connections that use a federated credential; whatever writes it keeps it fresh [env:
    /// DIRECTORY_FEDERATED_TOKEN_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub federated_token_file: Option<String>,

    /// Hours after which a sync reads all of its directory again, where it can do with what changed; 0 reads all of it each
    /// time [env: DIRECTORY_FULL_SYNC_HOURS] [default: 24]
    #[arg(long, value_name = "HOURS", global = true)]
    pub full_sync_hours: Option<String>,

    /// true: webhooks may be hosts of this machine and its network, for intranets and tests [env:
    /// DIRECTORY_WEBHOOK_PRIVATE_HOSTS] [default: false]
    #[arg(long, value_name = "BOOL", global = true)]
    pub webhook_private_hosts: Option<String>,

    /// What to log: a level, or a filter such as `info,sync_engine=debug` [env: DIRECTORY_LOG]
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,

    /// How to log [env: DIRECTORY_LOG_FORMAT] [default: pretty on a terminal, else json]
    #[arg(long, value_name = "FORMAT", value_parser = ["pretty", "json"], global = true)]
    pub log_format: Option<String>,
}

/// Settings of the server, the common ones among them.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct ServerArgs {
    /// What every program takes.
    #[command(flatten)]
    pub common: SettingsArgs,

    /// Address and port to serve on; port 0 picks one [env: DIRECTORY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,

    /// Serve each tenant only under its own host, TENANT.DOMAIN [env: DIRECTORY_BASE_DOMAIN]
    #[arg(long, value_name = "DOMAIN")]
    pub base_domain: Option<String>,

    /// Runs at a time in this process; 0 serves the API only [env: DIRECTORY_WORKERS] [default: 4]
    #[arg(long, value_name = "NUMBER")]
    pub workers: Option<String>,

    /// Runs of one tenant at a time, over all servers; 0 is without limit [env: DIRECTORY_RUNS_PER_TENANT] [default: half as
    /// many as workers]
    #[arg(long, value_name = "NUMBER")]
    pub runs_per_tenant: Option<String>,

    /// Runs of one directory at a time, over all servers, tenants and connections; 0 is without limit [env:
    /// DIRECTORY_RUNS_PER_DIRECTORY] [default: 2]
    #[arg(long, value_name = "NUMBER")]
    pub runs_per_directory: Option<String>,

    /// Days that the changes of an ended run are kept; 0 keeps them for ever [env: DIRECTORY_CHANGE_RETENTION_DAYS]
    /// [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub change_retention_days: Option<String>,

    /// Days that events can be read again; 0 keeps them for ever [env: DIRECTORY_EVENT_RETENTION_DAYS] [default: 30]
    #[arg(long, value_name = "DAYS")]
    pub event_retention_days: Option<String>,

    /// Requests a second of one API token, twice as many at once; 0 is without limit [env: DIRECTORY_RATE_LIMIT]
    /// [default: 50]
    #[arg(long, value_name = "NUMBER")]
    pub rate_limit: Option<String>,

    /// Base address of an OpenTelemetry collector that traces go to over HTTP, http://127.0.0.1:4318 say; only in a program
    /// built with the feature `otel` [env: DIRECTORY_OTLP_ENDPOINT]
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Whose tokens are taken beside its own.
    #[command(flatten)]
    pub jwt: JwtArgs,
}

/// The platform whose tokens the server takes beside its own. Without an issuer it takes none.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct JwtArgs {
    /// Take JWTs of this issuer, exactly as their `iss` has it [env: DIRECTORY_JWT_ISSUER]
    #[arg(long, value_name = "URL")]
    pub jwt_issuer: Option<String>,

    /// What the JWTs' `aud` must hold; required with an issuer [env: DIRECTORY_JWT_AUDIENCE]
    #[arg(long, value_name = "TEXT")]
    pub jwt_audience: Option<String>,

    /// Where the issuer's keys are [env: DIRECTORY_JWT_JWKS_URL] [default: where its
    /// /.well-known/openid-configuration says]
    #[arg(long, value_name = "URL")]
    pub jwt_jwks_url: Option<String>,

    /// The claim with the tenant's slug or id [env: DIRECTORY_JWT_TENANT_CLAIM] [default: tenant]
    #[arg(long, value_name = "CLAIM")]
    pub jwt_tenant_claim: Option<String>,

    /// The claim with a role or a list of roles, `realm_access.roles` say [env: DIRECTORY_JWT_ROLE_CLAIM] [default: roles]
    #[arg(long, value_name = "CLAIM")]
    pub jwt_role_claim: Option<String>,

    /// The role that may do everything [env: DIRECTORY_JWT_ADMIN_ROLE] [default: directory.admin]
    #[arg(long, value_name = "ROLE")]
    pub jwt_admin_role: Option<String>,

    /// The role that may read [env: DIRECTORY_JWT_VIEWER_ROLE] [default: directory.viewer]
    #[arg(long, value_name = "ROLE")]
    pub jwt_viewer_role: Option<String>,
}
