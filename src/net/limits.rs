//! All time limits for ClearML, in one place. A test that lets servers hang a hundred thousand times shortens them.

use std::time::Duration;

/// How long the tool waits for a ClearML server, and how much it reads from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All requests and the pauses between them. With `CLEARML_WAIT` each poll gets this much again.
    pub total: Duration,
    /// All failed attempts and the pauses between them, together.
    pub retry_budget: Duration,
    /// One request, from the first packet to the last byte of the response.
    pub request: Duration,
    /// One request whose response is nice to have.
    pub brief: Duration,
    /// Looking up a name and opening a connection.
    pub connect: Duration,
    /// The pause after the first failed attempt. Each further pause is twice as long, up to `longest_pause`.
    pub first_pause: Duration,
    /// The longest pause between two attempts, unless the server asks for a longer one.
    pub longest_pause: Duration,
    /// From judging to the last change of a tag. Later changes are left to the next run, so that concurrent gates know
    /// how long to expect changes from each other.
    pub moving: Duration,
    /// One response, in bytes. A page of 500 tasks takes under 1 MiB, a batch of 200,000 raw scalars about 6 MiB.
    pub body: u64,
}

impl Limits {
    /// The limits of the released tool.
    pub const REAL: Self = Self {
        total: Duration::from_mins(5),
        retry_budget: Duration::from_mins(1),
        request: Duration::from_secs(30),
        brief: Duration::from_secs(10),
        connect: Duration::from_secs(10),
        first_pause: Duration::from_millis(500),
        longest_pause: Duration::from_secs(8),
        moving: Duration::from_mins(1),
        body: 32 * 1024 * 1024,
    };

    /// Divides every limit by the same number: the same decisions in less time.
    ///
    /// # Panics
    /// When the number is 0.
    #[must_use]
    pub fn divided_by(self, by: u32) -> Self {
        Self {
            total: self.total / by,
            retry_budget: self.retry_budget / by,
            request: self.request / by,
            brief: self.brief / by,
            connect: self.connect / by,
            first_pause: self.first_pause / by,
            longest_pause: self.longest_pause / by,
            moving: self.moving / by,
            body: self.body / u64::from(by),
        }
    }

    /// How long a change by a concurrent gate that has already judged can still arrive.
    pub(crate) fn until_others_finish(&self) -> Duration {
        self.moving + self.request
    }
}
