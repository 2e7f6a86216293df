//! The API's error answers: HTTP status, subcode and message.

use serde_json::{Map, Value, json};

/// An error as in the envelope. `result_code` equals the HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) subcode: u16,
    pub(crate) message: String,
}

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: u16, subcode: u16, message: impl Into<String>) -> Self {
        Self { status, subcode, message: message.into() }
    }

    pub(crate) fn validation(detail: impl AsRef<str>) -> Self {
        Self::new(400, 12, format!("Validation error ({})", detail.as_ref()))
    }

    /// A parameter that violates one of the `jsonmodels` limits. The sentence has two forms.
    pub(crate) fn bad_parameter(field: &str, detail: &str) -> Self {
        Self::validation(format!("error for field '{field}': {detail}."))
    }

    pub(crate) fn missing_required(field: &str) -> Self {
        Self::validation(format!("error for field '{field}': Field is required!."))
    }

    pub(crate) fn bad_value(field: &str, shown: &str) -> Self {
        Self::new(
            400,
            16,
            format!("Invalid value for fields (invalid value type, string expected): field={field}, value={shown}"),
        )
    }

    pub(crate) fn unknown_task_ids(ids: &[String]) -> Self {
        Self::new(400, 101, format!("Invalid task id: ids=({})", ids.join(", ")))
    }

    pub(crate) fn unknown_task(id: &str) -> Self {
        let company = crate::workspace::COMPANY;
        Self::new(400, 101, format!("Invalid task id: id={id}, company={company}"))
    }

    pub(crate) fn cannot_resolve(part: &str) -> Self {
        Self::new(
            400,
            14,
            format!(
                "Lookup error (probably an invalid field name or unsupported nested field): \
                 err=Cannot resolve field \"{part}\""
            ),
        )
    }

    /// The error for one of many items. Its data are the pairs after the colon.
    pub(crate) fn document(&self) -> Value {
        let words = self.message.rsplit_once(": ").map_or("", |(_, words)| words);
        let data: Map<String, Value> = words
            .split(", ")
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        json!({"codes": [self.status, self.subcode], "msg": self.message, "data": data})
    }

    /// An uncaught Python exception: the real server answers its text with 500 and subcode 0.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, 0, message)
    }
}
