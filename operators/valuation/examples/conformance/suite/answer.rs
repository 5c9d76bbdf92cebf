//! The library's answer to a golden line.

use std::collections::BTreeMap;
use std::path::Path;

use odds::{Settings, Tables};
use valuation::{ComponentValue, Detail, Ruleset, money_text};

use super::document::Documents;
use super::json::Json;
use super::{flame, potential, starforce};

/// Answers lines, keeping the rulesets and documents that it has read.
pub(crate) struct Answers<'a> {
    documents: Documents<'a>,
    rulesets: BTreeMap<String, (Settings, Ruleset)>,
}

impl<'a> Answers<'a> {
    pub(crate) fn new(samples: &'a Path) -> Self {
        Self {
            documents: Documents::new(samples),
            rulesets: BTreeMap::new(),
        }
    }

    /// The answer to a line; an error for a function or ruleset that is not known.
    pub(crate) fn answer(&mut self, line: &Json) -> Result<Json, String> {
        let function = line.text("fn")?;
        let arguments = line.get("in").ok_or("no `in`")?;
        // Without a ruleset the answer is the same in all of them.
        let (settings, ruleset) = match line.get("ruleset") {
            None => self.ruleset(odds::SHIPPED[0])?,
            Some(_) => self.ruleset(line.text("ruleset")?)?,
        };
        match function {
            "potential" => potential::potential(&settings, &ruleset, arguments),
            "grade_up" => potential::grade_up(&ruleset, arguments),
            "starforce_rates" => starforce::rates(&ruleset, arguments),
            "starforce_max_star" => starforce::max_star(&ruleset, arguments),
            "starforce_try_cost" => starforce::try_cost(&ruleset, arguments),
            "starforce_step" => starforce::step(&settings, arguments),
            "starforce" => starforce::starforce(&settings, arguments),
            "noljang" => starforce::noljang(&settings, arguments),
            "flame_weights" => flame::weights(&ruleset, arguments),
            "flame_tries" => flame::tries(&ruleset, arguments),
            "flame_weapon_attack" => flame::weapon_attack(&ruleset, arguments),
            "item" => self.documents.item(&ruleset, arguments),
            "character" => self.documents.character(&ruleset, arguments),
            "money_text" => money(arguments),
            other => Err(format!("unknown function {other:?}")),
        }
    }

    fn ruleset(&mut self, name: &str) -> Result<(Settings, Ruleset), String> {
        if let Some(known) = self.rulesets.get(name) {
            return Ok(known.clone());
        }
        let settings = Settings::shipped(name).map_err(|error| error.to_string())?;
        let ruleset = ruleset_of(&settings)?;
        self.rulesets
            .insert(name.to_owned(), (settings.clone(), ruleset.clone()));
        Ok((settings, ruleset))
    }
}

/// The ruleset of settings that a line changed.
pub(crate) fn ruleset_of(settings: &Settings) -> Result<Ruleset, String> {
    settings
        .ruleset(&Tables::shipped())
        .map_err(|error| error.to_string())
}

/// A component as golden lines name its values.
pub(crate) fn component(value: &ComponentValue) -> Json {
    let mut members = vec![
        ("status", Json::from(value.status.name())),
        ("cost_mesos", value.cost_mesos.map(|cost| cost.0).into()),
        ("tries", value.tries.into()),
        ("sd_mesos", value.sd_mesos.into()),
    ];
    match &value.detail {
        Detail::None => {}
        Detail::Potential {
            probability,
            fee_mesos,
            tries_quantiles: [p50, p90, p99],
        } => {
            members.extend([
                ("probability", probability.get().into()),
                ("fee_mesos", fee_mesos.map(|fee| fee.0).into()),
                ("tries_p50", i128::from(*p50).into()),
                ("tries_p90", i128::from(*p90).into()),
                ("tries_p99", i128::from(*p99).into()),
            ]);
        }
        Detail::Starforce {
            target,
            destructions,
            spares,
            policy,
        } => {
            let policy = policy
                .iter()
                .map(|(star, action)| (star.to_string(), action.as_str().into()));
            members.extend([
                ("target", i128::from(*target).into()),
                ("destructions", (*destructions).into()),
                ("spares", (*spares).into()),
                ("policy", Json::Object(policy.collect())),
            ]);
        }
        Detail::Flame {
            score,
            boss,
            tries_powerful,
            tries_abyss,
        } => {
            members.extend([
                ("score", i128::from(*score).into()),
                ("boss", (*boss).into()),
                ("tries_powerful", (*tries_powerful).into()),
                ("tries_abyss", (*tries_abyss).into()),
            ]);
        }
    }
    Json::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn money(arguments: &Json) -> Result<Json, String> {
    let mesos = match arguments.get("mesos") {
        None => None,
        Some(_) => {
            let text = arguments.text("mesos")?;
            Some(money_text::whole_mesos(text).ok_or_else(|| format!("{text:?} is no amount"))?)
        }
    };
    let text = match arguments.text("form")? {
        "units" => money_text::units(mesos),
        "short" => money_text::short(mesos),
        "digits" => money_text::digits(mesos),
        other => return Err(format!("unknown form {other:?}")),
    };
    Ok(Json::object([("text", text.as_str().into())]))
}
