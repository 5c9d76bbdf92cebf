use super::*;

const SHIPPED: FlameTexts<'_> = FlameTexts::SHIPPED;
const CHOICE: FlameChoice = FlameChoice {
    reset_mesos: 3_000_000,
};

fn error_of(texts: FlameTexts<'_>) -> String {
    flame_rules(&texts, CHOICE).unwrap_err().to_string()
}

#[test]
fn the_shipped_tables_are_whole() {
    let rules = flame_rules(&SHIPPED, CHOICE).unwrap();
    for weapon in [true, false] {
        assert_eq!(
            rules
                .pool
                .iter()
                .filter(|entry| entry.weapon == weapon)
                .count(),
            19
        );
    }
    assert_eq!(rules.tiers.len(), 22);
    assert_eq!(rules.lines.boss.map(Probability::get), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(rules.boss_items.len(), 53);
}

#[test]
fn chances_that_do_not_sum_to_one_are_refused() {
    let tiers = SHIPPED.tiers.replace("abyss,boss,7,0.03\n", "");
    assert_eq!(
        error_of(FlameTexts {
            tiers: &tiers,
            ..SHIPPED
        }),
        "flame_tiers.csv: the sum of the chances of abyss on boss items is 0.97, expected 1",
    );
    let lines = SHIPPED.lines.replace("other,4,0.04", "other,4,0.05");
    assert_eq!(
        error_of(FlameTexts {
            lines: &lines,
            ..SHIPPED
        }),
        "flame_lines.csv: the sum of the chances of other items is 1.01, expected 1",
    );
}

#[test]
fn unknown_names_are_named_with_file_row_and_value() {
    let options = SHIPPED
        .options
        .replacen("weapon,DEX,0", "weapon,DEXTERITY,0", 1);
    assert_eq!(
        error_of(FlameTexts {
            options: &options,
            ..SHIPPED
        }),
        "flame_options.csv row 3: option is \"DEXTERITY\", expected a known option",
    );
    let boss_items = "item,match,name\nboots,exact,x\n";
    assert_eq!(
        error_of(FlameTexts {
            boss_items,
            ..SHIPPED
        }),
        "boss_items.csv row 2: item is \"boots\", expected weapon or other",
    );
}

#[test]
fn what_stands_twice_is_refused() {
    let tiers = format!("{}abyss,boss,7,0.03\n", SHIPPED.tiers);
    assert_eq!(
        error_of(FlameTexts {
            tiers: &tiers,
            ..SHIPPED
        }),
        "flame_tiers.csv row 24: tier is \"7\", expected each tier once for a flame and item",
    );
    let options = format!("{}other,STR,0\n", SHIPPED.options);
    assert!(
        error_of(FlameTexts {
            options: &options,
            ..SHIPPED
        })
        .contains("each option once in a pool")
    );
}

#[test]
fn points_that_no_formula_gives_are_refused() {
    let points = SHIPPED.points.replace("damage_percent,0,1,0,1\n", "");
    assert!(
        error_of(FlameTexts {
            points: &points,
            ..SHIPPED
        })
        .starts_with("flame_points.csv")
    );
}

#[test]
fn a_tier_beyond_seven_is_refused() {
    let tiers = SHIPPED.tiers.replace("abyss,boss,7,", "abyss,boss,8,");
    assert_eq!(
        error_of(FlameTexts {
            tiers: &tiers,
            ..SHIPPED
        }),
        "flame_tiers.csv row 23: tier is \"8\", expected a number from 1 to 7",
    );
}
