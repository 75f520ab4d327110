//! The requests, built without a client (protocol reference §1.1, §2.2, §3).

use directory_core::{ChangesTold, ConnectionSettings, ProviderError, RunErrorCode};
use url::Url;
use uuid::Uuid;

use crate::{Cloud, error::configuration};

pub(crate) const USER_FIELDS: &str = "id,displayName,givenName,surname,mail,userPrincipalName,accountEnabled,userType";
const PROBE_FIELDS: &str = "id,accountEnabled,displayName,mail,userPrincipalName";
/// The largest page that Graph allows; the default is 100.
const PAGE_SIZE: u16 = 999;

/// Values that Graph takes in one `in` filter.
pub(crate) const USERS_AT_ONCE: usize = 15;

/// Whose users are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Directory,
    Group { id: Uuid, nested: bool },
}

/// What a request reads; decides what its refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Users,
    Group,
    Members,
}

/// A read of Graph.
#[derive(Clone, Debug)]
pub(crate) struct GraphRequest {
    pub(crate) url: Url,
    pub(crate) subject: Subject,
    /// `ConsistencyLevel: eventual`, which a cast needs on every page: next links do not remember it.
    pub(crate) eventual: bool,
}

impl GraphRequest {
    /// The same read, further on.
    pub(crate) fn at(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }
}

/// Everything of a connection but its credential, checked before any request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) cloud: Cloud,
    pub(crate) scope: Scope,
    pub(crate) client_id: Uuid,
    directory_id: Uuid,
    login: Url,
    /// `…/v1.0/`; every page lies below it.
    graph: Url,
}

impl Target {
    pub(crate) fn new(
        settings: &ConnectionSettings,
        login_override: Option<&Url>,
        graph_override: Option<&Url>,
    ) -> Result<Self, ProviderError> {
        let cloud = match settings.cloud.as_deref() {
            None => Cloud::default(),
            Some(name) => name.parse().map_err(|_| {
                let hint = "Set the connection's cloud to global, usGov, usGovDod or china.";
                configuration(RunErrorCode::DirectoryNotFound, "The connection names an unknown cloud.", hint)
            })?,
        };
        let scope = match settings.group_id.as_deref() {
            None => Scope::Directory,
            Some(group) => {
                let hint = "Set the group ID to the group's Object ID, as its overview page in Entra shows it.";
                let id = guid(group, RunErrorCode::GroupNotFound, "The group ID is not a GUID.", hint)?;
                Scope::Group { id, nested: settings.include_nested_groups }
            }
        };
        let hint = "Set the directory ID to the Directory (tenant) ID of the app registration's overview page.";
        let directory_id =
            guid(&settings.directory_id, RunErrorCode::DirectoryNotFound, "The directory ID is not a GUID.", hint)?;
        let hint = "Set the client ID to the Application (client) ID of the app registration's overview page.";
        let client_id = guid(&settings.client_id, RunErrorCode::AppNotFound, "The client ID is not a GUID.", hint)?;
        Ok(Self {
            cloud,
            scope,
            client_id,
            directory_id,
            login: base(login_override, cloud.login_url(), "")?,
            graph: base(graph_override, cloud.graph_url(), "v1.0/")?,
        })
    }

    /// Below which every page must lie.
    pub(crate) fn graph(&self) -> &Url {
        &self.graph
    }

    pub(crate) fn token_url(&self) -> Url {
        below(&self.login, &format!("{}/oauth2/v2.0/token", self.directory_id), None)
    }

    /// Which changes of the scope are told: of groups within a group none are.
    pub(crate) fn tells_changes(&self) -> ChangesTold {
        match self.scope {
            Scope::Directory => ChangesTold::OfScope,
            Scope::Group { nested: false, .. } => ChangesTold::OfDirectory,
            Scope::Group { nested: true, .. } => ChangesTold::Nothing,
        }
    }

    /// From where changes of the group's members are told, as of now; where there is a group.
    pub(crate) fn latest_members(&self) -> Option<GraphRequest> {
        let Scope::Group { id, .. } = self.scope else { return None };
        let query = format!("$filter=id eq '{id}'&$select=members&$deltatoken=latest");
        let url = below(&self.graph, "groups/delta", Some(&query));
        Some(GraphRequest { url, subject: Subject::Members, eventual: false })
    }

    /// Whether that is the id of the group that limits the scope.
    pub(crate) fn is_of_group(&self, text: &str) -> bool {
        match self.scope {
            Scope::Directory => false,
            Scope::Group { id, .. } => Uuid::try_parse(text).is_ok_and(|other| other == id),
        }
    }

    /// The first page of everybody in scope.
    pub(crate) fn listing(&self) -> GraphRequest {
        match self.scope {
            Scope::Directory => self.users(USER_FIELDS, PAGE_SIZE),
            Scope::Group { id, nested } => self.members(id, nested, USER_FIELDS, PAGE_SIZE),
        }
    }

    /// From where changes of users are told, as of now.
    pub(crate) fn latest_users(&self) -> GraphRequest {
        let url = below(&self.graph, "users/delta", Some(&format!("$select={USER_FIELDS}&$deltatoken=latest")));
        GraphRequest { url, subject: Subject::Users, eventual: false }
    }

    /// These users, as they are now. At most [`USERS_AT_ONCE`].
    pub(crate) fn users_of(&self, ids: &[Uuid]) -> GraphRequest {
        let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        let query = format!("$select={USER_FIELDS}&$top={PAGE_SIZE}&$filter=id in ({})", ids.join(","));
        GraphRequest { url: below(&self.graph, "users", Some(&query)), subject: Subject::Users, eventual: false }
    }

    /// One user of the directory, to see whether users can be read.
    pub(crate) fn user_probe(&self) -> GraphRequest {
        self.users(PROBE_FIELDS, 1)
    }

    /// The group itself, where there is one.
    pub(crate) fn group_probe(&self) -> Option<GraphRequest> {
        let Scope::Group { id, .. } = self.scope else { return None };
        let url = below(&self.graph, &format!("groups/{id}"), Some("$select=id"));
        Some(GraphRequest { url, subject: Subject::Group, eventual: false })
    }

    /// A page of one of the group's users, where there is a group: what a listing reads, but less of it.
    pub(crate) fn member_probe(&self) -> Option<GraphRequest> {
        let Scope::Group { id, nested } = self.scope else { return None };
        Some(self.members(id, nested, PROBE_FIELDS, 1))
    }

    fn users(&self, fields: &str, top: u16) -> GraphRequest {
        let url = below(&self.graph, "users", Some(&format!("$select={fields}&$top={top}")));
        GraphRequest { url, subject: Subject::Users, eventual: false }
    }

    fn members(&self, group: Uuid, nested: bool, fields: &str, top: u16) -> GraphRequest {
        let members = if nested { "transitiveMembers" } else { "members" };
        let path = format!("groups/{group}/{members}/microsoft.graph.user");
        let url = below(&self.graph, &path, Some(&format!("$select={fields}&$top={top}&$count=true")));
        GraphRequest { url, subject: Subject::Members, eventual: true }
    }
}

/// Changes from a delta link on.
pub(crate) fn changes_at(link: Url, subject: Subject) -> GraphRequest {
    GraphRequest { url: link, subject, eventual: false }
}

/// The hyphenated form only: other spellings of a GUID are more likely a slip than meant.
fn guid(text: &str, code: RunErrorCode, message: &str, hint: &str) -> Result<Uuid, ProviderError> {
    let text = text.trim();
    match Uuid::try_parse(text) {
        Ok(id) if text.len() == 36 => Ok(id),
        _ => Err(configuration(code, message, hint)),
    }
}

fn base(override_url: Option<&Url>, cloud_url: &str, suffix: &str) -> Result<Url, ProviderError> {
    let mut url = match override_url {
        Some(url) => url.clone(),
        None => Url::parse(cloud_url)
            .map_err(|_| configuration(RunErrorCode::Internal, "A host of the cloud is no URL.", "Report this."))?,
    };
    let path = format!("{}/{suffix}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn below(base: &Url, path: &str, query: Option<&str>) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    url.set_query(query);
    url
}

#[cfg(test)]
mod tests {
    use directory_core::FailureKind;
    use rstest::rstest;

    use super::*;

    const DIRECTORY: &str = "9b2a6c1e-3f4d-4a5b-8c6d-7e8f90a1b2c3";
    const CLIENT: &str = "11111111-2222-4333-8444-555555555555";
    const GROUP: &str = "ABCDEF01-2222-4333-8444-555555555555";

    fn settings(group: Option<&str>, nested: bool, cloud: Option<&str>) -> ConnectionSettings {
        ConnectionSettings {
            directory_id: DIRECTORY.to_owned(),
            client_id: format!(" {CLIENT}\n"),
            group_id: group.map(str::to_owned),
            include_nested_groups: nested,
            cloud: cloud.map(str::to_owned),
        }
    }

    #[rstest]
    #[case(None, true, None, "https://graph.microsoft.com/v1.0/users?", "&$top=999", false)]
    #[case(
        Some(GROUP),
        false,
        Some("usGov"),
        "https://graph.microsoft.us/v1.0/groups/abcdef01-2222-4333-8444-555555555555/members/microsoft.graph.user?",
        "&$top=999&$count=true",
        true
    )]
    #[case(
        Some(GROUP),
        true,
        Some("china"),
        "https://microsoftgraph.chinacloudapi.cn/v1.0/groups/abcdef01-2222-4333-8444-555555555555/transitiveMembers/microsoft.graph.user?",
        "&$top=999&$count=true",
        true
    )]
    fn first_pages(
        #[case] group: Option<&str>,
        #[case] nested: bool,
        #[case] cloud: Option<&str>,
        #[case] start: &str,
        #[case] end: &str,
        #[case] eventual: bool,
    ) {
        let request = Target::new(&settings(group, nested, cloud), None, None).expect("valid").listing();
        let select = "$select=id,displayName,givenName,surname,mail,userPrincipalName,accountEnabled,userType";
        assert_eq!(request.url.as_str(), format!("{start}{select}{end}"));
        assert_eq!(request.eventual, eventual);
    }

    #[test]
    fn probes() {
        let target = Target::new(&settings(None, true, None), None, None).expect("valid");
        assert!(target.group_probe().is_none() && target.member_probe().is_none());
        assert!(
            target
                .user_probe()
                .url
                .as_str()
                .ends_with("/v1.0/users?$select=id,accountEnabled,displayName,mail,userPrincipalName&$top=1")
        );
        let target = Target::new(&settings(Some(GROUP), true, None), None, None).expect("valid");
        let group = target.group_probe().expect("group").url;
        assert!(group.as_str().ends_with("/v1.0/groups/abcdef01-2222-4333-8444-555555555555?$select=id"), "{group}");
        let probe = target.member_probe().expect("group");
        assert!(probe.eventual && probe.url.path().ends_with("/transitiveMembers/microsoft.graph.user"));
        assert!(probe.url.query().is_some_and(|query| query.ends_with("&$top=1&$count=true")));
        assert_eq!(target.user_probe().url.path(), "/v1.0/users");
    }

    #[test]
    fn token_url_and_overrides() {
        let target = Target::new(&settings(None, true, Some("china")), None, None).expect("valid");
        assert_eq!(
            target.token_url().as_str(),
            format!("https://login.partner.microsoftonline.cn/{DIRECTORY}/oauth2/v2.0/token")
        );
        let (login, graph) = ("http://127.0.0.1:7/login", "http://127.0.0.1:8/");
        let (login, graph) = (Url::parse(login).expect("URL"), Url::parse(graph).expect("URL"));
        let target = Target::new(&settings(None, true, None), Some(&login), Some(&graph)).expect("valid");
        assert_eq!(target.token_url().as_str(), format!("http://127.0.0.1:7/login/{DIRECTORY}/oauth2/v2.0/token"));
        assert_eq!(target.graph().as_str(), "http://127.0.0.1:8/v1.0/");
        assert_eq!(target.cloud.token_scope(), "https://graph.microsoft.com/.default");
    }

    #[rstest]
    #[case("contoso.onmicrosoft.com", CLIENT, None, None, RunErrorCode::DirectoryNotFound)]
    #[case("9b2a6c1e3f4d4a5b8c6d7e8f90a1b2c3", CLIENT, None, None, RunErrorCode::DirectoryNotFound)]
    #[case(DIRECTORY, "my app", None, None, RunErrorCode::AppNotFound)]
    #[case(DIRECTORY, CLIENT, Some("Sales"), None, RunErrorCode::GroupNotFound)]
    #[case(DIRECTORY, CLIENT, Some("../users"), None, RunErrorCode::GroupNotFound)]
    #[case(DIRECTORY, CLIENT, Some(""), None, RunErrorCode::GroupNotFound)]
    #[case(DIRECTORY, CLIENT, None, Some("germany"), RunErrorCode::DirectoryNotFound)]
    fn wrong_values_are_named(
        #[case] directory: &str,
        #[case] client: &str,
        #[case] group: Option<&str>,
        #[case] cloud: Option<&str>,
        #[case] code: RunErrorCode,
    ) {
        let mut settings = settings(group, true, cloud);
        directory.clone_into(&mut settings.directory_id);
        client.clone_into(&mut settings.client_id);
        let error = Target::new(&settings, None, None).expect_err("refused");
        assert_eq!((error.code, error.kind), (code, FailureKind::Configuration));
    }
}
