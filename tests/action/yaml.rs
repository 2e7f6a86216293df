//! Reads YAML as strictly as the runner: a repeated key, an anchor, or `yes` instead of `true` is an error.

use serde::de::DeserializeOwned;

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut options = serde_saphyr::Options::default();
    options.strict_booleans = true;
    options.reject_unsupported_tags = true;
    options.budget.get_or_insert_default().max_anchors = 0;
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}
