//! How a command ends.

/// How a command ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Usage error.
    Usage,
    /// Done, but records were refused.
    Refused,
    /// A stage file or the settings are wrong.
    StageInvalid,
    /// An applied stage has changed its meaning.
    Drift,
    /// Stopped early; the same command continues.
    Stopped,
    /// Another process holds the store.
    Locked,
    /// The verification found something wrong.
    Unsound,
    /// A rollback would overwrite something newer.
    Conflict,
}

impl Exit {
    const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::StageInvalid,
        Self::Drift,
        Self::Stopped,
        Self::Locked,
        Self::Unsound,
        Self::Conflict,
    ];

    /// What a process that ended with a code says.
    pub(crate) fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::StageInvalid => 4,
            Self::Drift => 5,
            Self::Stopped => 6,
            Self::Locked => 7,
            Self::Unsound => 8,
            Self::Conflict => 9,
        }
    }

    /// Returns whether the command did what it was asked to.
    pub(crate) fn is_ok(self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }
}
