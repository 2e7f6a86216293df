//! The exit codes: the tool's contract with every CI.

/// The result of a run for the shell or the CI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the check passed, there was nothing to judge, or the check is not enforced.
    Passed,
    /// 1: the model got worse by more than the allowed loss.
    Degraded,
    /// 2: invalid flags or settings; no request was sent to ClearML.
    Usage,
    /// 3: no verdict, because ClearML does not have what one needs.
    NoVerdict,
    /// 4: ClearML rejected a request or sent an unexpected response, or the tag could not be moved after a pass.
    Refused,
    /// 5: ClearML could not be reached; another run may succeed.
    Unreachable,
    /// 70: a bug in this tool.
    Bug,
}

impl Exit {
    /// The number that the process returns.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Degraded => 1,
            Self::Usage => 2,
            Self::NoVerdict => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
            Self::Bug => 70,
        }
    }
}
