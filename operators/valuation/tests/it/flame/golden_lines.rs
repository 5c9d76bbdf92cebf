use serde_json::{Value, json};
use valuation::Level;
use valuation::flame::{self, Flame, FlameKey, FlameWeights, PointsKind};

use crate::golden::{self, Line};
use crate::rulesets;

#[test]
fn every_golden_line_holds() {
    let rules = rulesets::flame();
    let held = golden::hold("flame.jsonl", |line| match line.function.as_str() {
        "flame_tries" => {
            let flame = match line.text("flame") {
                "POWERFUL" => Flame::Powerful,
                "ETERNAL" => Flame::Eternal,
                "ABYSS" => Flame::Abyss,
                other => panic!("unknown flame {other}"),
            };
            let tries = flame::tries(&rules, &key(line), flame);
            let status = if tries.is_some() { "ok" } else { "impossible" };
            Some(json!({ "status": status, "tries": tries }))
        }
        "flame_weapon_attack" => {
            let kind = PointsKind::WeaponAttack(line.whole("base"));
            let level = Level(line.whole("level"));
            Some(json!({ "amount": rules.points.of(kind, level, line.whole("tier")) }))
        }
        "flame_weights" => None,
        function => panic!("unknown function {function}"),
    });
    assert_eq!(held, 127);
}

fn key(line: &Line) -> FlameKey {
    let weights: &Value = &line.arguments["weights"];
    let weight = |name: &str| i32::try_from(weights[name].as_i64().unwrap()).unwrap();
    assert_eq!(weight("MP"), 0, "no class counts max MP");
    FlameKey {
        boss: line.switch("boss"),
        weapon: line.switch("weapon"),
        level: Level(line.whole("level")),
        weights: FlameWeights {
            str: weight("STR"),
            dex: weight("DEX"),
            int: weight("INT"),
            luk: weight("LUK"),
            max_hp: weight("HP"),
            all_stat: weight("ALL"),
            attack: weight("ATT"),
            magic: weight("MAG"),
            damage: weight("DMG"),
            boss_damage: weight("BOSS"),
        },
        score: line.whole("score"),
        base_attack: line.whole("base_attack"),
        base_magic: line.whole("base_magic"),
    }
}
