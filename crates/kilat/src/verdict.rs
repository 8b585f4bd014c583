//! What audits and replays come to, in a line that reads well.

use kilat_pipeline::PipelineError;
use kilat_pipeline::audit::{Difference, Totals};

use crate::failure::Failure;
use crate::output::grouped;

/// The verdict of an audit, with the first difference where there is one.
pub(crate) fn of_audit(totals: &Totals, first: Option<&Difference>) -> String {
    let Totals { events, evaluated, duplicates, dead_lettered, unjudged, decisions, actions, .. } = totals;
    let Totals { delivered, failed, unknown, suppressed, waiting, differences, blocks, .. } = totals;
    let n = |number: &u64| grouped(*number);
    let mut text = format!(
        "audit of {} blocks: {} events = {} evaluated + {} seen before + {} unreadable",
        n(blocks),
        n(events),
        n(evaluated),
        n(duplicates),
        n(dead_lettered)
    );
    if totals.passed_on > 0 {
        text += &format!("; {} went on to the partition of their lead", n(&totals.passed_on));
    }
    if *unjudged > 0 {
        text += &format!("; {} could not be judged", n(unjudged));
    }
    text += &format!(
        "; {} decisions; {} actions = {} delivered + {} failed + {} unknown + {} suppressed + {} waiting",
        n(decisions),
        n(actions),
        n(delivered),
        n(failed),
        n(unknown),
        n(suppressed),
        n(waiting)
    );
    match first {
        None => text + ". Difference: 0",
        Some(first) => text + &format!(". Differences: {}, the first of them: {first}", n(differences)),
    }
}

/// A failure of the pipeline's code that names its remedy itself.
pub(crate) fn failure(error: PipelineError) -> Failure {
    match error {
        PipelineError::Log(error) => Failure::Log(error),
        error => told(&error),
    }
}

/// An error that ends in `help: …`, taken apart.
pub(crate) fn told(error: &dyn std::error::Error) -> Failure {
    let text = crate::failure::told(error);
    match text.split_once(". help: ") {
        Some((what, help)) => Failure::new(what, help),
        None => Failure::new(text, "this is a defect of Kilat, please report it"),
    }
}
