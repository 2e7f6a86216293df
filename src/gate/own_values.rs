//! Whether the candidate's values are its own. A task that is continued under another commit keeps the extremes of what ran
//! before, and two processes can share one task.

use super::Session;
use crate::clearml::Error;
use crate::gate::outcome::Mixed;
use crate::model::metric::{Metric, Pick};
use crate::model::run::{Continuation, Run};

/// The SDK logs its first line some hundredths of a second after a run starts. The log of a continued run begins almost two
/// seconds before its last start, or earlier. In microseconds.
const SAME_START: u64 = 1_000_000;

impl Session<'_> {
    /// Why values of the run may be of another commit. Costs a request only if the run did not start right after its task
    /// was created, and a second one if its log does not settle it.
    pub(super) fn mixed_values(&self, run: &Run) -> Result<Option<Mixed>, Error> {
        match run.continuation {
            Continuation::No => return Ok(None),
            Continuation::AfterPublishing => return Ok(Some(Mixed::AfterPublishing)),
            Continuation::Possible => {}
        }
        match self.client.log_began(&run.id)? {
            None => Ok(Some(Mixed::Unknown)),
            Some(began) if began.saturating_add(SAME_START) < run.when => Ok(Some(Mixed::Continued)),
            Some(_) => {
                let is_shared = self.client.arrived_out_of_order(run, &self.settings.metrics)?;
                Ok(is_shared.then_some(Mixed::TwoProcesses))
            }
        }
    }

    /// Whether this value of a run with mixed values is its own: the last one, if it was stored after the run started.
    pub(super) fn is_own_value(&self, run: &Run, metric: &Metric, mixed: Mixed) -> Result<bool, Error> {
        if metric.pick == Pick::Best || mixed == Mixed::TwoProcesses {
            return Ok(false);
        }
        Ok(self.client.last_value_stored(&run.id, metric)?.is_some_and(|stored| stored >= run.when))
    }
}
