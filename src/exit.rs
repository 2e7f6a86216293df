//! The exit codes, the tool's contract with every CI.

/// How a run ended, as the calling shell or CI sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the check passed, or there was nothing to gate, or nothing is enforced.
    Passed,
    /// 1: the model got worse by more than is allowed.
    Degraded,
    /// 2: wrong flags or settings; nothing was asked of ClearML.
    Usage,
    /// 3: no verdict, since what is needed for one is not in ClearML.
    NoVerdict,
    /// 4: ClearML refused or answered oddly, or the tag could not be moved after a pass.
    Refused,
    /// 5: ClearML could not be reached after all retries; worth another run.
    Unreachable,
    /// 70: a bug in this tool.
    Bug,
}

impl Exit {
    /// The number given to the operating system.
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
