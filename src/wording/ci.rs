//! Wording: why the CI or the checkout gives no commit.
