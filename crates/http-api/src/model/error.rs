//! What is wrong with one part of the input.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

/// One thing that is wrong with the input. Never holds a value from it: the value may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The member, as a JSON pointer (RFC 6901) into the body; of a query parameter, `?` and its name.
    pub pointer: String,
    /// What is expected there.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// Something wrong at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}
