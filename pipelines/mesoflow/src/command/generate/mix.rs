//! What generated records are like.

use clap::Args as ClapArgs;
use sources::generator::GeneratorConfig;

/// What the records are like. Shares lie in 0..=1 and are drawn for each record.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "What the records are like (shares lie in 0..=1)")]
pub(super) struct MixArgs {
    /// Share of records that are broken, each for one reason.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().broken)]
    broken: f64,
    /// Share of records that repeat an earlier one, byte for byte.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().duplicate)]
    duplicate: f64,
    /// Share of records that come late: older than others of their key, in time and in version.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().late)]
    late: f64,
    /// Share of equipment records that confirm what a character wears, half of them by hash alone.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().unchanged)]
    unchanged: f64,
    /// Share of likes that take an earlier like back.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().unlike)]
    unlike: f64,
    /// Share of likes that do not name the wanted state.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().bare_toggle)]
    bare_toggle: f64,
    /// Share of keys whose records carry a version.
    #[arg(long, value_name = "SHARE", default_value_t = GeneratorConfig::default().versioned)]
    versioned: f64,
}

impl MixArgs {
    /// The shares, and the usual for everything else.
    pub(super) fn config(&self) -> GeneratorConfig {
        GeneratorConfig {
            broken: self.broken,
            duplicate: self.duplicate,
            late: self.late,
            unchanged: self.unchanged,
            unlike: self.unlike,
            bare_toggle: self.bare_toggle,
            versioned: self.versioned,
            ..GeneratorConfig::default()
        }
    }
}
