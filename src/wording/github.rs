//! Wording: why GitHub could not be used.
