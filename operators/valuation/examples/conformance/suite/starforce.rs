//! Starforce and noljang.

use odds::Settings;
use odds::starforce::{StarforceChoice, StarforceTexts, noljang_rules, starforce_rules};
use valuation::starforce::{Edition, StarforceRules};
use valuation::{Level, Meso, Ruleset, Star, noljang as scrolls, starforce as stars};

use super::answer::component;
use super::json::Json;

fn level(arguments: &Json) -> Result<Level, String> {
    arguments.whole("level").map(Level)
}

fn star(arguments: &Json, name: &str) -> Result<Star, String> {
    arguments.whole(name).map(Star)
}

/// The rules with the switches that a line names.
fn switched(settings: &Settings, arguments: &Json) -> Result<StarforceRules, String> {
    let mut choice = settings.starforce;
    match &mut choice {
        StarforceChoice::Kms2025 {
            star_catch,
            destruction_event,
            cost_event,
            safeguard,
        } => {
            *star_catch = arguments.switch("star_catch", *star_catch)?;
            *destruction_event = arguments.switch("destruction_event", *destruction_event)?;
            *cost_event = arguments.switch("cost_event", *cost_event)?;
            *safeguard = arguments.switch("safeguard", *safeguard)?;
        }
        StarforceChoice::Kms2026 {
            destruction_event,
            cost_event,
            safeguard,
            spare_price_mesos,
        } => {
            *destruction_event = arguments.switch("destruction_event", *destruction_event)?;
            *cost_event = arguments.switch("cost_event", *cost_event)?;
            *safeguard = arguments.switch("safeguard", *safeguard)?;
            if arguments.get("spare_price_mesos").is_some() {
                *spare_price_mesos = arguments.whole("spare_price_mesos")?;
            }
        }
    }
    starforce_rules(&StarforceTexts::SHIPPED, choice).map_err(|error| error.to_string())
}

pub(crate) fn rates(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let star = star(arguments, "star")?;
    let row = ruleset
        .rules()
        .starforce
        .stars
        .get(usize::from(star.0))
        .ok_or("no such star")?;
    Ok(Json::object([
        ("success", row.success.get().into()),
        ("destroy", row.destroy.get().into()),
    ]))
}

pub(crate) fn max_star(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let max_star = ruleset.rules().starforce.max_star(level(arguments)?);
    Ok(Json::object([("max_star", i128::from(max_star.0).into())]))
}

pub(crate) fn try_cost(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let rules = &ruleset.rules().starforce;
    let cost = rules.try_cost(level(arguments)?, star(arguments, "star")?);
    Ok(Json::object([(
        "cost_mesos",
        cost.map(|Meso(cost)| cost).into(),
    )]))
}

pub(crate) fn step(settings: &Settings, arguments: &Json) -> Result<Json, String> {
    let rules = switched(settings, arguments)?;
    let star = star(arguments, "star")?;
    let row = rules.stars.get(usize::from(star.0)).ok_or("no such star")?;
    let Edition::Kms2025(edition) = &rules.edition else {
        return Err("steps are of kms_2025_03".to_owned());
    };
    let attempt = edition.attempt(row, level(arguments)?, star);
    Ok(Json::object([
        ("success", attempt.success.into()),
        ("keep", attempt.keep.into()),
        ("destroy", attempt.destroy.into()),
        ("cost_mesos", attempt.cost_mesos.into()),
    ]))
}

pub(crate) fn starforce(settings: &Settings, arguments: &Json) -> Result<Json, String> {
    let rules = switched(settings, arguments)?;
    Ok(component(&stars::price(
        &rules,
        level(arguments)?,
        star(arguments, "stars")?,
    )))
}

pub(crate) fn noljang(settings: &Settings, arguments: &Json) -> Result<Json, String> {
    let mut choice = settings.noljang;
    choice.cost_event = arguments.switch("cost_event", choice.cost_event)?;
    let rules =
        noljang_rules(&StarforceTexts::SHIPPED, choice).map_err(|error| error.to_string())?;
    Ok(component(&scrolls::price(
        &rules,
        level(arguments)?,
        star(arguments, "stars")?,
    )))
}
