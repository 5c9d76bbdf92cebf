//! Flames.

use valuation::flame::{self, Flame, FlameKey, FlameWeights, PointsKind};
use valuation::{Level, Ruleset, key};

use super::json::Json;

pub(crate) fn weights(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let class = arguments.text("class")?;
    let class = ruleset
        .rules()
        .classes
        .get(class)
        .ok_or_else(|| format!("unknown class {class:?}"))?;
    let weights = key::flame_weights(class);
    let weight = |weight: i32| Json::from(i128::from(weight));
    Ok(Json::object([
        ("STR", weight(weights.str)),
        ("DEX", weight(weights.dex)),
        ("INT", weight(weights.int)),
        ("LUK", weight(weights.luk)),
        ("HP", weight(weights.max_hp)),
        // No class counts max MP.
        ("MP", weight(0)),
        ("ALL", weight(weights.all_stat)),
        ("ATT", weight(weights.attack)),
        ("MAG", weight(weights.magic)),
        ("DMG", weight(weights.damage)),
        ("BOSS", weight(weights.boss_damage)),
    ]))
}

pub(crate) fn tries(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let weights = arguments.get("weights").ok_or("no `weights`")?;
    if weights.whole::<i32>("MP")? != 0 {
        return Err("no class counts max MP".to_owned());
    }
    let key = FlameKey {
        boss: arguments.switch("boss", false)?,
        weapon: arguments.switch("weapon", false)?,
        level: Level(arguments.whole("level")?),
        weights: FlameWeights {
            str: weights.whole("STR")?,
            dex: weights.whole("DEX")?,
            int: weights.whole("INT")?,
            luk: weights.whole("LUK")?,
            max_hp: weights.whole("HP")?,
            all_stat: weights.whole("ALL")?,
            attack: weights.whole("ATT")?,
            magic: weights.whole("MAG")?,
            damage: weights.whole("DMG")?,
            boss_damage: weights.whole("BOSS")?,
        },
        score: arguments.whole("score")?,
        base_attack: arguments.whole("base_attack")?,
        base_magic: arguments.whole("base_magic")?,
    };
    let flame = match arguments.text("flame")? {
        "POWERFUL" => Flame::Powerful,
        "ETERNAL" => Flame::Eternal,
        "ABYSS" => Flame::Abyss,
        other => return Err(format!("unknown flame {other:?}")),
    };
    let tries = flame::tries(&ruleset.rules().flame, &key, flame);
    let status = if tries.is_some() { "ok" } else { "impossible" };
    Ok(Json::object([
        ("status", status.into()),
        ("tries", tries.into()),
    ]))
}

pub(crate) fn weapon_attack(ruleset: &Ruleset, arguments: &Json) -> Result<Json, String> {
    let kind = PointsKind::WeaponAttack(arguments.whole("base")?);
    let level = Level(arguments.whole("level")?);
    let amount = ruleset
        .rules()
        .flame
        .points
        .of(kind, level, arguments.whole("tier")?);
    Ok(Json::object([("amount", i128::from(amount).into())]))
}
