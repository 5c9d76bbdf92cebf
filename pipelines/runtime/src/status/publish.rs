//! The state of a job as metrics.

use metrics::{counter, gauge};
use model::admission::Outcome;

use super::{Status, scrub};

/// Everything that can wait.
pub(crate) const WAITS: [&str; 10] = [
    "source",
    "bindings",
    "flow",
    "inputs",
    "valuations",
    "likes",
    "views",
    "dedup",
    "character.equipment",
    "like.toggle",
];

impl Status {
    /// Publishes the state as metrics; called about once a second.
    pub(crate) fn publish(&self) {
        let report = self.report();
        counter!("mesoflow_epochs_total").absolute(report.epochs);
        gauge!("mesoflow_epoch", "stage" => "sealed").set(report.sealed.0 as f64);
        gauge!("mesoflow_epoch", "stage" => "finished").set(report.finished.0 as f64);
        gauge!("mesoflow_epoch", "stage" => "views")
            .set(report.views_as_of.map_or(0.0, |epoch| epoch.0 as f64));
        if let Some(loading) = &report.loading {
            counter!("mesoflow_loaded_rows_total").absolute(loading.rows);
            gauge!("mesoflow_rows_to_load").set(loading.rows_of as f64);
            gauge!("mesoflow_load_seconds").set(loading.seconds);
        }
        counter!("mesoflow_prices_total", "from" => "computed").absolute(report.prices_computed);
        counter!("mesoflow_prices_total", "from" => "memo").absolute(report.prices_remembered);
        for (partition, of) in &report.partitions {
            counter!("mesoflow_records_read_total", "partition" => partition.clone())
                .absolute(of.read);
            gauge!("mesoflow_accounting_residual", "partition" => partition.clone())
                .set(of.residual as f64);
            gauge!("mesoflow_next_offset", "partition" => partition.clone())
                .set(of.next_offset as f64);
            if let Some(lag) = of.lag() {
                gauge!("mesoflow_lag_records", "partition" => partition.clone()).set(lag as f64);
            }
            gauge!("mesoflow_dedup_horizon_seconds", "partition" => partition.clone())
                .set(of.dedup_horizon_millis as f64 / 1e3);
            for outcome in Outcome::ALL {
                let labels = [
                    ("partition", partition.clone()),
                    ("outcome", outcome.name().to_owned()),
                ];
                counter!("mesoflow_records_total", &labels).absolute(of.counts.of(outcome));
            }
        }
        for (&group, of) in &report.tables {
            counter!("mesoflow_table_rows_total", "group" => group).absolute(of.rows);
            counter!("mesoflow_table_commits_total", "group" => group).absolute(of.commits);
            gauge!("mesoflow_table_commit_seconds", "group" => group)
                .set(of.last_commit_millis / 1e3);
        }
        counter!("mesoflow_view_values_total").absolute(report.view_values);
        gauge!("mesoflow_view_write_seconds").set(report.views_millis / 1e3);
        for name in WAITS {
            let age = report.waits.get(name).map_or(0.0, |wait| wait.age_seconds);
            gauge!("mesoflow_wait_seconds", "what" => name).set(age);
        }
        let steps = report.worker_steps;
        for (quantile, millis) in [
            ("0.5", steps.p50_millis),
            ("0.999", steps.p999_millis),
            ("1", steps.longest_millis),
        ] {
            gauge!("mesoflow_worker_step_seconds", "quantile" => quantile).set(millis / 1e3);
        }
        scrub::publish(&report.scrubs);
        if let Some(trace) = &report.trace {
            for (stage, millis) in &trace.millis_after {
                gauge!("mesoflow_trace_seconds", "stage" => stage.clone())
                    .set(*millis as f64 / 1e3);
            }
        }
    }
}
