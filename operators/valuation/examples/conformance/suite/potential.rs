//! `potential` and `grade_up`.

use odds::Settings;
use valuation::potential::PotentialKind;
use valuation::{Level, Ruleset, key};

use super::answer::{component, ruleset_of};
use super::json::Json;

pub(crate) fn potential(
    settings: &Settings,
    ruleset: &Ruleset,
    arguments: &Json,
) -> Result<Json, String> {
    let changed;
    let ruleset = match arguments.get("cube") {
        None => ruleset,
        Some(_) => {
            let mut settings = settings.clone();
            settings.main.cube = arguments.text("cube")?.to_owned();
            changed = ruleset_of(&settings)?;
            &changed
        }
    };
    let rules = ruleset.rules();
    let Some(Json::List(lines)) = arguments.get("lines") else {
        return Err("`lines` is no list".to_owned());
    };
    let lines: [Option<&str>; 3] = match lines.as_slice() {
        [one, two, three] => [one.as_str(), two.as_str(), three.as_str()],
        _ => return Err("`lines` are not three".to_owned()),
    };
    let keyed = key::potential(
        rules,
        kind(arguments)?,
        arguments.text("class")?,
        rules.part_named(arguments.text("part")?),
        level(arguments)?,
        arguments.get("grade").and_then(Json::as_str),
        lines,
    );
    Ok(component(&keyed.value(|key| key::price(ruleset, key))))
}

pub(crate) fn grade_up(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let grade = arguments.get("grade").and_then(Json::as_str);
    let keyed = key::grade_up(ruleset.rules(), kind(arguments)?, level(arguments)?, grade);
    Ok(component(&keyed.value(|key| key::price(ruleset, key))))
}

fn level(arguments: &Json) -> Result<Level, String> {
    arguments.whole("level").map(Level)
}

fn kind(arguments: &Json) -> Result<PotentialKind, String> {
    let name = arguments.text("kind")?;
    PotentialKind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| format!("unknown kind {name:?}"))
}
