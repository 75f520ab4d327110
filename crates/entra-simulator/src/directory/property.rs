//! The properties of users and groups that the directory store knows (protocol/entra.md §2.1).

use serde_json::Value;

/// What values a property takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A string or null.
    Text,
    /// A boolean or null.
    Flag,
    /// A list of strings, never null.
    List,
    /// Computed by the directory; cannot be written.
    Fixed,
}

impl Shape {
    pub(crate) fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string() || value.is_null(),
            Self::Flag => value.is_boolean() || value.is_null(),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Fixed => false,
        }
    }

    /// The value of a property that was never set.
    pub(crate) fn blank(self) -> Value {
        match self {
            Self::List => Value::Array(Vec::new()),
            Self::Text | Self::Flag | Self::Fixed => Value::Null,
        }
    }
}

macro_rules! properties {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident $name:literal $shape:ident $listed:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $kind { $($variant),* }

        impl $kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in JSON.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            pub(crate) const fn shape(self) -> Shape {
                match self { $(Self::$variant => Shape::$shape),* }
            }

            /// Whether it is returned without being selected.
            const fn is_listed(self) -> bool {
                match self { $(Self::$variant => $listed),* }
            }

            pub(crate) fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|property| property.name() == name)
            }

            /// What is returned without `$select`.
            pub(crate) fn listed() -> Vec<Self> {
                Self::ALL.iter().copied().filter(|property| property.is_listed()).collect()
            }
        }
    };
}

properties! {
    /// A property of a user.
    UserProperty {
        BusinessPhones "businessPhones" List true
        DisplayName "displayName" Text true
        GivenName "givenName" Text true
        Id "id" Fixed true
        JobTitle "jobTitle" Text true
        Mail "mail" Text true
        MobilePhone "mobilePhone" Text true
        OfficeLocation "officeLocation" Text true
        PreferredLanguage "preferredLanguage" Text true
        Surname "surname" Text true
        UserPrincipalName "userPrincipalName" Text true
        AccountEnabled "accountEnabled" Flag false
        AgeGroup "ageGroup" Text false
        City "city" Text false
        CompanyName "companyName" Text false
        Country "country" Text false
        CreatedDateTime "createdDateTime" Text false
        CreationType "creationType" Text false
        Department "department" Text false
        EmployeeId "employeeId" Text false
        EmployeeType "employeeType" Text false
        ExternalUserState "externalUserState" Text false
        FaxNumber "faxNumber" Text false
        Identities "identities" Fixed false
        ImAddresses "imAddresses" List false
        IsResourceAccount "isResourceAccount" Flag false
        MailNickname "mailNickname" Text false
        OnPremisesImmutableId "onPremisesImmutableId" Text false
        OnPremisesSamAccountName "onPremisesSamAccountName" Text false
        OnPremisesSecurityIdentifier "onPremisesSecurityIdentifier" Text false
        OnPremisesSyncEnabled "onPremisesSyncEnabled" Flag false
        OnPremisesUserPrincipalName "onPremisesUserPrincipalName" Text false
        OtherMails "otherMails" List false
        PostalCode "postalCode" Text false
        ProxyAddresses "proxyAddresses" List false
        ShowInAddressList "showInAddressList" Flag false
        State "state" Text false
        StreetAddress "streetAddress" Text false
        UsageLocation "usageLocation" Text false
        UserType "userType" Text false
    }
}

properties! {
    /// A property of a group.
    GroupProperty {
        CreatedDateTime "createdDateTime" Text true
        Description "description" Text true
        DisplayName "displayName" Text true
        GroupTypes "groupTypes" List true
        Id "id" Fixed true
        Mail "mail" Text true
        MailEnabled "mailEnabled" Flag true
        MailNickname "mailNickname" Text true
        SecurityEnabled "securityEnabled" Flag true
        Visibility "visibility" Text true
    }
}

/// Some of a user's properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PropertySet(u64);

const _: () = assert!(UserProperty::ALL.len() <= u64::BITS as usize, "a set has one bit for each property");

impl PropertySet {
    pub(crate) const fn contains(self, property: UserProperty) -> bool {
        self.0 & 1 << property as u32 != 0
    }

    pub(crate) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }
}

impl FromIterator<UserProperty> for PropertySet {
    fn from_iter<I: IntoIterator<Item = UserProperty>>(properties: I) -> Self {
        Self(properties.into_iter().fold(0, |bits, property| bits | 1 << property as u32))
    }
}

/// Properties that Graph keeps outside the directory: a listing that selects one answers 501.
pub(crate) const OUTSIDE_DIRECTORY: [&str; 11] = [
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
    "mailboxSettings",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_listed_user_properties_are_the_documented_ones() {
        let names: Vec<_> = UserProperty::listed().into_iter().map(UserProperty::name).collect();
        assert_eq!(
            names.join(" "),
            "businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname \
             userPrincipalName"
        );
    }

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let mut set = PropertySet::default();
        assert!(set.is_empty() && !set.intersects(UserProperty::ALL.iter().copied().collect()));
        set.add([UserProperty::Mail, UserProperty::UserType].into_iter().collect());
        for property in UserProperty::ALL.iter().copied() {
            let is_in = matches!(property, UserProperty::Mail | UserProperty::UserType);
            assert_eq!(set.contains(property), is_in, "{property:?}");
            assert_eq!(set.intersects([property].into_iter().collect()), is_in, "{property:?}");
        }
    }

    #[test]
    fn shapes_accept_what_they_name() {
        assert!(Shape::Text.accepts(&json!("x")) && Shape::Text.accepts(&Value::Null));
        assert!(!Shape::Text.accepts(&json!(true)));
        assert!(Shape::Flag.accepts(&json!(false)) && !Shape::Flag.accepts(&json!("false")));
        assert!(Shape::List.accepts(&json!(["a"])) && !Shape::List.accepts(&Value::Null));
        assert!(!Shape::List.accepts(&json!([1])));
        assert!(!Shape::Fixed.accepts(&json!("x")));
    }
}
