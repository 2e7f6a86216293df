//! How long is waited for what of ClearML, in one place: so that a person can look it up, and a test that makes servers hang a hundred
//! thousand times can shorten it.

use std::time::Duration;

/// How long is waited for a ClearML server, and how much is read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Everything between one look at the runs and the end, answers that come included. With `CLEARML_WAIT` each look has
    /// as much again.
    pub total: Duration,
    /// All failed attempts and the pauses between them, together.
    pub retry_budget: Duration,
    /// One request, from the first packet to the last byte of the answer.
    pub request: Duration,
    /// One request whose answer only illustrates.
    pub brief: Duration,
    /// Looking up a name and opening a connection.
    pub connect: Duration,
    /// The pause after the first failed attempt; each further one is twice as long, up to `longest_pause`.
    pub first_pause: Duration,
    /// The longest pause between two attempts, unless the server asks for a longer one.
    pub longest_pause: Duration,
    /// From judging to the last change of a tag. What is not done by then is left to the next run, so that gates at work
    /// at once can tell what may still come from one another.
    pub moving: Duration,
    /// One answer, in bytes. A page of 500 tasks takes under 1 MiB, a batch of 200,000 raw scalars about 6 MiB.
    pub body: u64,
}

impl Limits {
    /// What the tool waits and reads.
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

    /// Every time divided by the same number: the same decisions in less time.
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

    /// After this long nothing that another gate had begun can still arrive.
    pub(crate) fn no_longer_at_work(&self) -> Duration {
        self.moving + self.request
    }
}
