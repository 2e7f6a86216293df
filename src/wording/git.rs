//! Wording: what git could not tell, and what to do.
