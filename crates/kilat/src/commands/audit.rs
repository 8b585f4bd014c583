//! `kilat audit`: does everything on the topics add up?

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use kilat_pipeline::audit::{Audit, Law};
use kilat_telemetry::metrics::{self, Gauge};
use serde_json::json;

use super::LogArgs;
use crate::failure::Failure;
use crate::http::{self, Health};
use crate::output::Output;
use crate::signals::Stop;
use crate::{clock, verdict};

/// How long to wait where nothing has come.
const IDLE: Duration = Duration::from_millis(200);
/// How often a consistent cut is made, which finds what nobody claims.
const CUT_EVERY: Duration = Duration::from_secs(10);

/// Check that everything on the topics adds up
///
/// Reads inputs, decisions, actions, results, dead letters and state blocks, all read-committed and without joining a
/// group, and holds them against each other: every event is answered once, every decision and action is there once, in
/// order, and nothing is there that nobody asked for. Only what is settled is compared, so that it can run beside the
/// engine. Every difference names topic, partition, offset, event and action. It goes on until it is interrupted, or
/// ends at the end of the log with --once. Exit code 0: no difference; 1: at least one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat audit --once                                   everything so far, then the verdict
  kilat audit --serve 127.0.0.1:9465                   beside the engine; kilat_audit_difference on /metrics
  kilat audit --once --data-dir kept/log               the log of `kilat demo --dir kept`, while nothing else has it open
  kilat audit --once --json | jq -r .difference.law    what kind of differences there are")]
pub(crate) struct Args {
    /// Stop at the end of what was committed when it got there
    #[arg(long)]
    once: bool,
    /// Print differences and the totals as lines of JSON
    #[arg(long)]
    json: bool,
    /// Serve /metrics, /healthz and /readyz on this address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "once")]
    serve: Option<SocketAddr>,
    #[command(flatten)]
    log: LogArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let log = args.log.open()?;
    let mut audit = Audit::open(&log).map_err(verdict::failure)?;
    let mut output = Output::new();
    if args.once {
        audit.to_the_end()?;
        tell(&mut audit, args.json, &mut output)?;
    } else {
        watch(&mut audit, args, &mut output)?;
    }
    let totals = audit.totals();
    if args.json {
        output.json(&json!({ "totals": totals }))?;
    } else {
        output.line(&verdict::of_audit(&totals, audit.first()))?;
    }
    output.flush()?;
    Ok(if totals.differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes on until somebody asks to stop.
fn watch(audit: &mut Audit, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build();
    let runtime = runtime.map_err(|error| Failure::because("starting threads", error, "check the process's limits"))?;
    let stop = Stop::on_signals(&runtime)?;
    let mut gauges = None;
    if let Some(address) = args.serve {
        let recording = metrics::start_recording().map_err(|error| {
            Failure::because("starting the metrics", error, "this is a defect of Kilat, please report it")
        })?;
        runtime.spawn(http::serve(http::bind(address)?, recording, Arc::new(|| Health::Ready)));
        gauges = Some(Gauges::new());
    }
    let mut cut = clock::instant();
    while !stop.is_asked() {
        let any = audit.some()?;
        if cut.elapsed() >= CUT_EVERY {
            audit.cut()?;
            cut = clock::instant();
        }
        tell(audit, args.json, output)?;
        if let Some(gauges) = &gauges {
            gauges.set(audit);
        }
        if !any {
            stop.wait(IDLE);
        }
    }
    audit.cut()?;
    tell(audit, args.json, output)
}

fn tell(audit: &mut Audit, as_json: bool, output: &mut Output) -> Result<(), Failure> {
    for difference in audit.untold() {
        if as_json {
            output.json(&json!({ "difference": difference }))?;
        } else {
            output.line(&difference.to_string())?;
        }
    }
    output.flush()
}

/// What /metrics says of the audit.
struct Gauges {
    events: Gauge,
    differences: [Gauge; Law::ALL.len()],
}

impl Gauges {
    fn new() -> Gauges {
        let differences = Law::ALL.map(|law| metrics::AUDIT_DIFFERENCE.with([law.name()]));
        Gauges { events: metrics::AUDIT_EVENTS.with([]), differences }
    }

    fn set(&self, audit: &Audit) {
        self.events.set(audit.totals().events as f64);
        for (gauge, law) in self.differences.iter().zip(Law::ALL) {
            gauge.set(audit.broken(law) as f64);
        }
    }
}
