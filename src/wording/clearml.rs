//! Wording: what went wrong with ClearML, and what to do.
