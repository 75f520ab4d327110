//! Why an edit of the directory is refused.

use uuid::Uuid;

/// Why an edit of the directory is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No user has this id, or it is not in the state that the edit needs.
    #[error("there is no such user: {0}")]
    UnknownUser(Uuid),
    /// No group has this id.
    #[error("there is no such group: {0}")]
    UnknownGroup(Uuid),
    /// No user, group or device has this id.
    #[error("there is no such object: {0}")]
    UnknownMember(Uuid),
    /// A user has no property of this name.
    #[error("a user has no property {0:?}")]
    UnknownProperty(String),
    /// The value is not of the property's type, or the directory computes the property itself.
    #[error("property {0:?} cannot take that value")]
    WrongValue(String),
    /// Properties are given as a JSON object.
    #[error("properties are a JSON object")]
    NotAnObject,
    /// The directory numbers its users with 32 bits.
    #[error("the directory is full")]
    Full,
}
