//! Checks field after field and keeps every complaint, so that one answer names them all.

use std::borrow::Cow;

use crate::model::FieldError;

/// What a check says of a field: its value, or what is expected there.
pub(crate) type Checked<T> = Result<T, Cow<'static, str>>;

/// Complaints in one answer. A list of thousands of wrong items is one mistake, not thousands.
const MAX_ERRORS: usize = 50;

/// The complaints so far.
#[derive(Default)]
pub(crate) struct Collect {
    errors: Vec<FieldError>,
}

impl Collect {
    /// A field that must be there.
    pub(crate) fn required<T, U>(
        &mut self,
        pointer: &'static str,
        value: Option<T>,
        check: impl FnOnce(T) -> Checked<U>,
    ) -> Option<U> {
        if value.is_none() {
            self.refuse(pointer, "is required");
        }
        self.optional(pointer, value, check)
    }

    /// A field that may be left out.
    pub(crate) fn optional<T, U>(
        &mut self,
        pointer: impl Into<String>,
        value: Option<T>,
        check: impl FnOnce(T) -> Checked<U>,
    ) -> Option<U> {
        match check(value?) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.refuse(pointer, detail);
                None
            }
        }
    }

    /// Every item of a list that may be left out. The result is complete if nothing was refused.
    pub(crate) fn each<U>(
        &mut self,
        pointer: &'static str,
        most: usize,
        items: Option<Vec<String>>,
        check: impl Fn(&str) -> Checked<U>,
    ) -> Option<Vec<U>> {
        let items = items?;
        if items.len() > most {
            self.refuse(pointer, format!("must have at most {most} items"));
            return None;
        }
        let checked = items.iter().enumerate();
        Some(
            checked
                .filter_map(|(at, item)| self.optional(format!("{pointer}/{at}"), Some(item.as_str()), &check))
                .collect(),
        )
    }

    /// The value, if there was no complaint.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.errors.is_empty() { Ok(value) } else { Err(self.errors) }
    }

    /// The complaints.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    pub(crate) fn refuse(&mut self, pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError::new(pointer, detail));
        }
    }
}
