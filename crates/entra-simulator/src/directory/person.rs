//! Users computed from the seed: nothing about them is stored until somebody edits them.

use serde_json::{Value, json};

use super::key::mix;
use super::names::{FAMILY, GIVEN, JOBS, Name, OFFICES};
use super::property::UserProperty as P;

/// How often a special case appears among generated users. `n` means every n-th user; 0 means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Guests: another organisation's address, `#EXT#` in the user principal name.
    pub guest_every: u32,
    /// Accounts that are disabled.
    pub disabled_every: u32,
    /// Members without a mailbox: `mail` is null.
    pub without_mail_every: u32,
}

impl Mix {
    /// Only enabled members that have mail.
    pub const PLAIN: Self = Self { guest_every: 0, disabled_every: 0, without_mail_every: 0 };
}

impl Default for Mix {
    fn default() -> Self {
        Self { guest_every: 40, disabled_every: 50, without_mail_every: 70 }
    }
}

/// What all generated users of a directory have in common.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) seed: u64,
    pub(crate) domain: String,
    pub(crate) mix: Mix,
}

/// One generated user.
pub(crate) struct Person {
    index: u32,
    entropy: u64,
    given: Name,
    family: Name,
    guest: bool,
    disabled: bool,
    without_mail: bool,
}

impl Person {
    pub(crate) fn new(profile: &Profile, index: u32) -> Self {
        let entropy = mix(profile.seed ^ mix(u64::from(index)));
        let guest = is_nth(index, profile.mix.guest_every);
        Self {
            index,
            entropy,
            given: pick(&GIVEN, entropy),
            family: pick(&FAMILY, entropy >> 16),
            guest,
            disabled: is_nth(index, profile.mix.disabled_every),
            without_mail: !guest && is_nth(index, profile.mix.without_mail_every),
        }
    }

    /// Whether the account is enabled, without building anything else: a filter asks this of every user.
    pub(crate) fn is_enabled(profile: &Profile, index: u32) -> bool {
        !is_nth(index, profile.mix.disabled_every)
    }

    /// The value of `property`, or `None` for one that generated users do not have.
    pub(crate) fn value(&self, profile: &Profile, property: P) -> Option<Value> {
        let (job, department) = pick(&JOBS, self.entropy >> 32);
        let (office, country, language) = pick(&OFFICES, self.entropy >> 40);
        let value = match property {
            P::DisplayName => json!(format!("{} {}", self.given.0, self.family.0)),
            P::GivenName => json!(self.given.0),
            P::Surname => json!(self.family.0),
            P::Mail => self.mail(profile).map_or(Value::Null, Value::String),
            P::UserPrincipalName => json!(self.principal_name(profile)),
            P::MailNickname => json!(self.alias()),
            P::JobTitle => json!(job),
            P::Department => json!(department),
            P::OfficeLocation | P::City => json!(office),
            P::Country | P::UsageLocation => json!(country),
            P::PreferredLanguage => json!(language),
            P::MobilePhone if !self.index.is_multiple_of(3) => json!(format!("+46 70 {:07}", self.index)),
            P::BusinessPhones if self.index.is_multiple_of(2) => json!([format!("+46 8 {:07}", self.index)]),
            P::EmployeeId if !self.guest => json!(format!("{:08}", self.index)),
            P::AccountEnabled => json!(!self.disabled),
            P::UserType => json!(if self.guest { "Guest" } else { "Member" }),
            P::CreationType if self.guest => json!("Invitation"),
            P::ExternalUserState if self.guest => json!("Accepted"),
            P::CreatedDateTime => json!(self.created()),
            _ => return None,
        };
        Some(value)
    }

    /// The index makes it unique: names repeat.
    fn alias(&self) -> String {
        format!("{}.{}.{}", self.given.1, self.family.1, self.index)
    }

    fn mail(&self, profile: &Profile) -> Option<String> {
        match (self.without_mail, self.guest) {
            (true, _) => None,
            (_, true) => Some(format!("{}@partner.example", self.alias())),
            (_, false) => Some(format!("{}@{}", self.alias(), profile.domain)),
        }
    }

    fn principal_name(&self, profile: &Profile) -> String {
        let home = if self.guest { "_partner.example#EXT#" } else { "" };
        format!("{}{home}@{}", self.alias(), profile.domain)
    }

    fn created(&self) -> String {
        let bits = self.entropy >> 48;
        format!("{}-{:02}-{:02}T08:30:00Z", 2016 + bits % 9, 1 + bits / 16 % 12, 1 + bits / 256 % 28)
    }
}

fn is_nth(index: u32, every: u32) -> bool {
    every != 0 && index % every == every - 1
}

fn pick<T: Copy, const N: usize>(choices: &[T; N], bits: u64) -> T {
    let [.., high, low] = bits.to_be_bytes();
    choices[usize::from(u16::from_be_bytes([high, low])) % N]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn profile(mix: Mix) -> Profile {
        Profile { seed: 3, domain: "example.com".to_owned(), mix }
    }

    fn text(profile: &Profile, index: u32, property: P) -> Option<String> {
        let value = Person::new(profile, index).value(profile, property)?;
        value.as_str().map(str::to_owned)
    }

    #[test]
    fn principal_names_are_unique_and_within_the_documented_alphabet() {
        let profile = profile(Mix::default());
        let names: HashSet<String> =
            (0..20_000).filter_map(|index| text(&profile, index, P::UserPrincipalName)).collect();
        assert_eq!(names.len(), 20_000);
        for name in &names {
            let (local, domain) = name.split_once('@').expect("an address");
            assert!(local.len() <= 64 && domain.len() <= 48, "{name}");
            assert!(local.chars().all(|c| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c)), "{name}");
        }
    }

    #[test]
    fn a_plain_mix_has_only_enabled_members_with_mail() {
        let profile = profile(Mix::PLAIN);
        for index in 0..1_000 {
            assert_eq!(text(&profile, index, P::UserType).as_deref(), Some("Member"));
            assert!(text(&profile, index, P::Mail).is_some());
            assert!(Person::is_enabled(&profile, index));
        }
    }

    #[test]
    fn special_cases_come_as_often_as_the_mix_says() {
        let profile = profile(Mix::default());
        let count = |test: &dyn Fn(u32) -> bool| (0..2_800).filter(|index| test(*index)).count();
        assert_eq!(count(&|i| text(&profile, i, P::UserType).as_deref() == Some("Guest")), 70);
        assert_eq!(count(&|i| !Person::is_enabled(&profile, i)), 56);
        assert_eq!(count(&|i| Person::new(&profile, i).value(&profile, P::Mail) == Some(Value::Null)), 30);
    }
}
