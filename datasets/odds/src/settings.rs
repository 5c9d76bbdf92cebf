//! The settings of a ruleset: what its file says, and the ruleset that they make of the tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use valuation::potential::PotentialKind;
use valuation::{ComponentKind, Rules, Ruleset};

use crate::flame::{FlameChoice, flame_rules};
use crate::potential::{self, Cube};
use crate::starforce::{NoljangChoice, StarforceChoice, granted, noljang_rules, starforce_rules};
use crate::{OddsError, Tables, who};

/// What the file says for the tables of the binary.
pub(crate) const SHIPPED_TABLES: &str = "shipped";

/// What a ruleset's file says. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name.
    pub name: String,
    /// The components that totals sum.
    pub summed: BTreeSet<ComponentKind>,
    /// `shipped`, or a folder of tables beside the file.
    pub tables: String,
    /// Main potential.
    pub main: PotentialSettings,
    /// Additional potential.
    pub additional: PotentialSettings,
    /// Edition and switches of starforce.
    pub starforce: StarforceChoice,
    /// Switches of scrolls.
    pub noljang: NoljangChoice,
    /// Prices of flames.
    pub flame: FlameChoice,
}

/// What a ruleset's file says of one potential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PotentialSettings {
    /// The cube whose odds count, of `cubes.csv`.
    pub cube: String,
    /// The rows of `grade_up.csv`.
    pub grade_up: String,
    /// What a cube costs that is not paid in mesos; without it there are tries and no cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cube_price_mesos: Option<u64>,
}

impl Settings {
    /// The settings of a shipped ruleset.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn shipped(name: &str) -> Result<Self, OddsError> {
        let text = match name {
            "kms_2026_03" => include_str!("../rulesets/kms_2026_03.toml"),
            "kms_2025_03" => include_str!("../rulesets/kms_2025_03.toml"),
            _ => return Err(OddsError::NotShipped(name.to_owned())),
        };
        Self::parse(&format!("{name}.toml"), text)
    }

    /// The settings of a file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, lacks a key or has an unknown one.
    pub fn load(path: &Path) -> Result<Self, OddsError> {
        let text = fs::read_to_string(path).map_err(|source| OddsError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// The settings that the text of `file` holds.
    ///
    /// # Errors
    /// When it is no TOML, lacks a key or has an unknown one.
    pub fn parse(file: &str, text: &str) -> Result<Self, OddsError> {
        toml::from_str(text).map_err(|source| OddsError::Settings {
            file: file.to_owned(),
            source: Box::new(source),
        })
    }

    /// The ruleset that these settings make of `tables`, everything checked.
    ///
    /// # Errors
    /// When a table or a setting is wrong.
    pub fn ruleset(&self, tables: &Tables) -> Result<Ruleset, OddsError> {
        self.checked(tables).map_err(|error| match error {
            OddsError::Table(error) => OddsError::Table(tables.located(error)),
            other => other,
        })
    }

    fn checked(&self, tables: &Tables) -> Result<Ruleset, OddsError> {
        if self.name.trim().is_empty() {
            return Err(self.wrong("name", &self.name, "a text"));
        }
        let parts = who::parts(tables)?;
        let cubes = potential::cubes(tables)?;
        let potential = |kind: PotentialKind, settings: &PotentialSettings| {
            let cube = self.cube(&cubes, kind, settings)?;
            let price = settings.cube_price_mesos;
            if price.is_some() && cube.paid_in_mesos {
                let expected = "no price of a cube, since resets have fees";
                return Err(self.wrong("cube_price_mesos", &cube.name, expected));
            }
            Ok(potential::rules(
                tables,
                kind,
                cube,
                &settings.grade_up,
                price,
                &parts,
            )?)
        };
        let rules = Rules {
            name: self.name.clone(),
            summed: self.summed.clone(),
            classes: who::classes(tables)?,
            limits: potential::limits(tables)?,
            main: potential(PotentialKind::Main, &self.main)?,
            additional: potential(PotentialKind::Additional, &self.additional)?,
            starforce: starforce_rules(&tables.starforce(), self.starforce)?,
            noljang: noljang_rules(&tables.starforce(), self.noljang)?,
            granted: granted(&tables.starforce())?,
            flame: flame_rules(&tables.flame(), self.flame)?,
            parts,
        };
        Ok(Ruleset::new(rules))
    }

    fn cube<'a>(
        &self,
        cubes: &'a [Cube],
        kind: PotentialKind,
        settings: &PotentialSettings,
    ) -> Result<&'a Cube, OddsError> {
        let of_kind = |cube: &&Cube| cube.family == kind.name();
        let cube = cubes
            .iter()
            .filter(of_kind)
            .find(|cube| cube.name == settings.cube);
        cube.ok_or_else(|| {
            let names: Vec<&str> = cubes
                .iter()
                .filter(of_kind)
                .map(|cube| cube.name.as_str())
                .collect();
            let expected = format!("one of {names:?}");
            self.wrong(&format!("{}.cube", kind.name()), &settings.cube, &expected)
        })
    }

    fn wrong(&self, key: &str, value: &str, expected: &str) -> OddsError {
        OddsError::Setting {
            file: self.name.clone(),
            key: key.to_owned(),
            value: value.to_owned(),
            expected: expected.to_owned(),
        }
    }
}
