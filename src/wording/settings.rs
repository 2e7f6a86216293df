//! Wording: what is wrong with a setting or with clearml.conf.
