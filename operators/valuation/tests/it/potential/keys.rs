use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::potential::{PotentialKind, Share, StepRow};
use valuation::rules::RuleChangeError;
use valuation::starforce::Edition;
use valuation::{
    ComponentKind, FlameOptions, Grade, Item, Key, Keyed, Level, Meso, OptionGrade, Probability,
    RuleChange, Ruleset, Star, Status, TableId, key,
};

fn ruleset() -> Ruleset {
    odds::shipped("kms_2026_03").unwrap()
}

fn chance(value: f64) -> Probability {
    Probability::new(value).unwrap()
}

/// An item that has everything.
fn hat() -> Item {
    let line = |text: &str| Some(text.to_owned());
    Item {
        slot: "모자".to_owned(),
        part: "모자".to_owned(),
        name: "에테르넬 메이지햇".to_owned(),
        level: Level(250),
        grade: line("레전드리"),
        lines: [line("INT +9%"), line("INT +12%"), None],
        additional_grade: line("유니크"),
        additional_lines: [line("INT +6%"), None, line("null")],
        stars: Star(22),
        flame: FlameOptions {
            int: 130,
            all_stat: 5,
            ..FlameOptions::default()
        },
        ..Item::default()
    }
}

fn keys(ruleset: &Ruleset, item: &Item) -> [Keyed; 6] {
    key::components(ruleset, "에반", item)
}

fn statuses(class: &str, item: &Item) -> [Status; 6] {
    let ruleset = ruleset();
    key::components(&ruleset, class, item)
        .map(|component| component.value(|key| key::price(&ruleset, key)).status)
}

#[test]
fn lines_in_another_order_and_wording_have_the_same_key() {
    let ruleset = ruleset();
    let mut other = hat();
    let line = |text: &str| Some(text.to_owned());
    other.lines = [line("최대 MP +12%"), line("INT : +12%"), line("INT +9%")];
    other.name = "에테르넬 아처햇".to_owned();
    assert_eq!(keys(&ruleset, &hat()), keys(&ruleset, &other));
}

#[test]
fn levels_of_one_band_share_keys_and_others_do_not() {
    let ruleset = ruleset();
    let at = |level| {
        let [main, _, _, grade_up, ..] = keys(
            &ruleset,
            &Item {
                level: Level(level),
                ..hat()
            },
        );
        (main, grade_up)
    };
    assert_eq!(at(120), at(159));
    assert_eq!(at(160), at(199));
    // The same tables with another fee.
    assert_ne!(at(159), at(160));
    // The same fee with other tables; a grade-up looks at fees alone.
    assert_ne!(at(110).0, at(119).0);
    assert_eq!(at(110).1, at(119).1);
}

#[test]
fn statuses_come_in_their_order() {
    use Status::{NoValue, None as Nothing, Ok, UnknownClass, UnknownOption, UnknownTable};

    assert_eq!(statuses("에반", &hat()), [Ok; 6]);
    let line = |text: &str| Some(text.to_owned());
    let of_potential = |class: &str, item: Item| statuses(class, &item)[0];
    let odd = Item {
        lines: [line("힘 +9%"), line("INT +9%"), None],
        ..hat()
    };
    assert_eq!(of_potential("초보자", odd.clone()), UnknownClass);
    assert_eq!(
        of_potential(
            "에반",
            Item {
                grade: None,
                ..odd.clone()
            }
        ),
        Nothing
    );
    assert_eq!(
        of_potential(
            "에반",
            Item {
                grade: line(" null "),
                ..odd.clone()
            }
        ),
        Nothing
    );
    assert_eq!(
        of_potential(
            "에반",
            Item {
                grade: line("희귀"),
                ..odd
            }
        ),
        UnknownOption
    );
    let worthless = Item {
        lines: [line("STR +9%"), None, None],
        ..hat()
    };
    assert_eq!(
        of_potential(
            "에반",
            Item {
                grade: line("희귀"),
                ..worthless.clone()
            }
        ),
        NoValue
    );
    assert_eq!(of_potential("히어로", worthless), Ok);
    assert_eq!(
        of_potential(
            "에반",
            Item {
                grade: line("희귀"),
                ..hat()
            }
        ),
        UnknownTable
    );
    assert_eq!(
        of_potential(
            "에반",
            Item {
                level: Level(300),
                ..hat()
            }
        ),
        UnknownTable
    );
    assert_eq!(
        of_potential(
            "에반",
            Item {
                slot: "뱃지".to_owned(),
                ..hat()
            }
        ),
        UnknownTable
    );
    let beyond = Item {
        lines: [line("INT +99%"), None, None],
        ..hat()
    };
    assert_eq!(of_potential("에반", beyond), Status::Impossible);
}

#[test]
fn an_unknown_class_leaves_what_does_not_depend_on_it() {
    assert_eq!(
        statuses("초보자", &hat()),
        [
            Status::UnknownClass,
            Status::UnknownClass,
            Status::Ok,
            Status::Ok,
            Status::Ok,
            Status::UnknownClass
        ]
    );
}

#[test]
fn a_grade_up_needs_a_fee_and_the_lowest_grade_costs_nothing() {
    let ruleset = ruleset();
    let value = |level, grade| {
        key::grade_up(
            ruleset.rules(),
            PotentialKind::Main,
            Level(level),
            Some(grade),
        )
        .value(|key| key::price(&ruleset, key))
    };
    assert_eq!(value(0, "레전드리").status, Status::UnknownTable);
    assert_eq!(value(0, "레전드리").cost_mesos, None);
    assert_eq!(value(0, "레어").cost_mesos, Some(Meso(0)));
    assert_eq!(value(0, "레어").status, Status::Ok);
}

#[test]
fn parts_are_told_by_slot_and_worn_part() {
    let ruleset = ruleset();
    for (slot, part, expected) in [
        ("보조무기", "포스실드", "포스실드,소울링"),
        ("보조무기", "소울링", "포스실드,소울링"),
        ("보조무기", "방패", "방패"),
        ("보조무기", "문서", "보조무기"),
        ("상의", "한벌옷", "한벌옷"),
        ("상의", "상의", "상의"),
        ("반지4", "반지", "반지"),
        ("펜던트2", "펜던트", "펜던트"),
        ("기계 심장", "기계 심장", "기계심장"),
        ("훈장", "훈장", "훈장"),
        ("", "", ""),
    ] {
        let item = Item {
            slot: slot.to_owned(),
            part: part.to_owned(),
            ..Item::default()
        };
        assert_eq!(key::table_part(&ruleset, &item), expected);
    }
}

#[test]
fn a_red_cube_without_a_price_has_tries_and_a_missing_cost() {
    let mut settings = odds::Settings::shipped("kms_2026_03").unwrap();
    settings.main.cube = "red".to_owned();
    settings.main.grade_up = "red".to_owned();
    let ruleset = settings.ruleset(&odds::Tables::shipped()).unwrap();
    let item = valuation::totals::item_value(&ruleset, "에반", &hat());
    let main = &item.components[0];
    assert_eq!((main.status, main.cost_mesos), (Status::Ok, None));
    assert!(main.tries.is_some_and(|tries| tries > 1.0));
    assert_eq!(item.components[3].cost_mesos, None);
    assert_eq!(item.total.missing_parts, 1);
}

/// The hat and some others, so that every kind of table is somebody's.
fn wardrobe() -> Vec<Item> {
    let text = |text: &str| text.to_owned();
    let glove = Item {
        slot: text("장갑"),
        part: text("장갑"),
        level: Level(200),
        ..hat()
    };
    let top = Item {
        slot: text("상의"),
        level: Level(150),
        stars: Star(17),
        ..hat()
    };
    let scrolled = Item {
        scroll: true,
        stars: Star(12),
        level: Level(140),
        ..hat()
    };
    vec![hat(), glove, top, scrolled]
}

/// Every kind of change of a shipped rule.
fn changes(ruleset: &Ruleset) -> Vec<RuleChange> {
    use PotentialKind::{Additional, Main};

    let rules = ruleset.rules();
    let hat = rules.part_named("모자").unwrap();
    let (grade, level) = (OptionGrade::Unique, Level(250));
    let odds_row = |kind, option: &str, weight| RuleChange::OddsRow {
        kind,
        part: hat,
        grade,
        level,
        option: option.to_owned(),
        weight,
    };
    let mut stars = rules.starforce.clone();
    stars.stars[18].success = chance(0.2);
    let mut dear_spares = rules.starforce.clone();
    if let Edition::Kms2026(edition) = &mut dear_spares.edition {
        edition.spare_price_mesos = Meso(1_000_000_000);
    }
    let mut scrolls = rules.noljang.clone();
    scrolls.stars[11].success = chance(0.9);
    let mut flame = rules.flame.clone();
    flame.reset_mesos = Meso(1);
    let tenth = Share::new(1, 10).unwrap();
    vec![
        odds_row(Main, "INT +10%", 50),
        odds_row(Main, "STR +10%", 0),
        odds_row(Additional, "INT +1%", 3),
        RuleChange::Fee {
            kind: Main,
            grade: Grade::Legendary,
            level,
            mesos: Meso(1),
        },
        RuleChange::Fee {
            kind: Additional,
            grade: Grade::Epic,
            level,
            mesos: Meso(1),
        },
        RuleChange::OwnShares {
            kind: Main,
            grade: Grade::Legendary,
            shares: [Share::WHOLE, tenth, tenth],
        },
        RuleChange::Step {
            kind: Main,
            row: StepRow {
                from: Grade::Epic,
                probability: chance(0.5),
                ceiling: None,
            },
        },
        RuleChange::Limit {
            family: valuation::potential::Family::UsefulSkill,
            most: 2,
        },
        RuleChange::Starforce(stars),
        RuleChange::Starforce(dear_spares),
        RuleChange::Noljang(scrolls),
        RuleChange::Flame(flame),
    ]
}

#[test]
fn a_change_moves_the_prices_of_keys_that_depend_on_it_and_no_others() {
    let before = ruleset();
    let keyed: BTreeSet<Key> = wardrobe()
        .iter()
        .flat_map(|item| keys(&before, item))
        .filter_map(|component| component.key().cloned())
        .collect();
    for change in changes(&before) {
        let mut after = before.clone();
        let changed = after.apply(change.clone()).unwrap();
        assert!(!changed.is_empty(), "{change:?}");
        assert_ne!(after.hash(), before.hash(), "{change:?}");
        let mut moved = 0;
        for key in &keyed {
            let depends = !key::dependencies(&before, key).is_disjoint(&changed);
            let same = key::price(&before, key) == key::price(&after, key);
            assert!(depends || same, "{key:?} depends on {changed:?}");
            moved += usize::from(!same);
        }
        assert!(moved > 0, "{changed:?} moves some price");
        assert!(moved < keyed.len(), "{changed:?} leaves most prices");
        // Which keys items have is not for a change to say.
        for item in wardrobe() {
            assert_eq!(keys(&before, &item), keys(&after, &item));
        }
    }
}

#[test]
fn a_change_to_what_is_already_so_changes_nothing() {
    let mut ruleset = ruleset();
    let hash = ruleset.hash();
    let rules = ruleset.rules().clone();
    for change in [
        RuleChange::Starforce(rules.starforce.clone()),
        RuleChange::Noljang(rules.noljang.clone()),
        RuleChange::Flame(rules.flame.clone()),
        RuleChange::Fee {
            kind: PotentialKind::Main,
            grade: Grade::Rare,
            level: Level(1),
            mesos: Meso(4_000_000),
        },
    ] {
        assert_eq!(ruleset.apply(change), Ok(BTreeSet::new()));
    }
    assert_eq!(ruleset.hash(), hash);
}

#[test]
fn a_change_and_its_opposite_restore_the_hash() {
    let mut ruleset = ruleset();
    let hash = ruleset.hash();
    let part = ruleset.rules().part_named("장갑").unwrap();
    let weigh = |weight| RuleChange::OddsRow {
        kind: PotentialKind::Main,
        part,
        grade: OptionGrade::Legendary,
        level: Level(200),
        option: "크리티컬 데미지 +8%".to_owned(),
        weight,
    };
    let placed = ruleset
        .rules()
        .main
        .placed(part, OptionGrade::Legendary, Level(200))
        .unwrap();
    let weight = placed.table.weights()["크리티컬 데미지 +8%"];
    let changed = ruleset.apply(weigh(weight + 1)).unwrap();
    assert!(matches!(
        changed.first(),
        Some(TableId::Odds {
            min_level: Level(120),
            ..
        })
    ));
    assert_ne!(ruleset.hash(), hash);
    ruleset.apply(weigh(weight)).unwrap();
    assert_eq!(ruleset.hash(), hash);
}

#[test]
fn changes_that_cannot_be_are_refused_and_leave_everything() {
    let mut ruleset = ruleset();
    let hash = ruleset.hash();
    let part = ruleset.rules().part_named("모자").unwrap();
    let odds_row = |level, option: &str, weight| RuleChange::OddsRow {
        kind: PotentialKind::Main,
        part,
        grade: OptionGrade::Legendary,
        level: Level(level),
        option: option.to_owned(),
        weight,
    };
    let mut lower = ruleset.rules().starforce.clone();
    lower.stars.pop();
    let mut bossless = ruleset.rules().flame.clone();
    bossless.boss_items.clear();
    let step = StepRow {
        from: Grade::Rare,
        probability: Probability::ZERO,
        ceiling: None,
    };
    for change in [
        odds_row(300, "INT +9%", 1),
        odds_row(250, "힘 +9%", 1),
        odds_row(250, "DEX +99%", 0),
        odds_row(250, "INT +9%", 100_001),
        RuleChange::Fee {
            kind: PotentialKind::Main,
            grade: Grade::Rare,
            level: Level(1),
            mesos: Meso(-1),
        },
        RuleChange::Step {
            kind: PotentialKind::Main,
            row: step,
        },
        RuleChange::Starforce(lower),
        RuleChange::Flame(bossless),
    ] {
        let refused: Result<_, RuleChangeError> = ruleset.apply(change.clone());
        assert!(refused.is_err(), "{change:?}");
    }
    assert_eq!(ruleset.hash(), hash);
    assert_eq!(ruleset, self::ruleset());
}

/// Lines of a part's tables, as three lines of an item could be.
fn drawn(ruleset: &Ruleset, random: &mut ChaCha8Rng) -> Item {
    let rules = ruleset.rules();
    let places: Vec<_> = rules
        .main
        .places()
        .filter(|place| place.1 != OptionGrade::Normal)
        .collect();
    let (part, grade, placed) = places[random.random_range(0..places.len())];
    let options: Vec<&String> = placed.table.weights().keys().collect();
    let mut line = || Some(options[random.random_range(0..options.len())].clone());
    let lines = [line(), line(), line()];
    Item {
        slot: rules.parts[usize::from(part.0)].slots[0].clone(),
        level: placed.min_level,
        grade: Some(grade.korean().to_owned()),
        lines,
        ..Item::default()
    }
}

#[test]
fn equal_keys_have_equal_prices_and_stronger_requirements_never_cost_less() {
    let ruleset = ruleset();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut priced = BTreeMap::new();
    for _ in 0..400 {
        let item = drawn(&ruleset, &mut random);
        for class in ["에반", "제논", "데몬어벤져"] {
            let [Keyed::Priced(key), ..] = key::components(&ruleset, class, &item) else {
                continue;
            };
            let price = key::price(&ruleset, &key);
            let known = priced.entry(key.clone()).or_insert_with(|| price.clone());
            assert_eq!(*known, price);
            // With a line less, less is asked for.
            let mut weaker = item.clone();
            weaker.lines[2] = None;
            let [Keyed::Priced(weaker), ..] = key::components(&ruleset, class, &weaker) else {
                continue;
            };
            let weaker = key::price(&ruleset, &weaker);
            if let Some(cost) = price.cost_mesos {
                assert!(
                    weaker.cost_mesos.is_some_and(|weaker| weaker <= cost),
                    "{key:?}"
                );
            }
        }
    }
    assert!(priced.len() > 200, "{} keys", priced.len());
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn no_text_or_number_makes_a_price_panic(
        texts in proptest::collection::vec("[ +%:0-9a-zA-Z가-힣<>&;#-]{0,12}|STR \\+[0-9]{1,20}%|올스탯 \\+[0-9]{1,12}", 10),
        grades in [0_usize..6, 0_usize..6],
        level in 0_u16..400,
        stars in any::<u8>(),
        scroll in any::<bool>(),
        numbers in [any::<i32>(), any::<i32>(), any::<i32>()],
    ) {
        let ruleset = RULESET.get_or_init(ruleset);
        let names = ["레어", "에픽", "유니크", "레전드리", "", "레전더리"];
        let line = |at: usize| Some(texts[at].clone());
        let grade = |at: usize| Some(names[grades[at]].to_owned());
        let slots = ["모자", "무기", "보조무기", "기계 심장"];
        let item = Item {
            slot: slots.get(usize::from(stars) % 5).map_or_else(|| texts[0].clone(), |slot| (*slot).to_owned()),
            part: texts[1].clone(),
            name: texts[2].clone(),
            level: Level(level),
            grade: grade(0),
            lines: [line(3), line(4), line(5)],
            additional_grade: grade(1),
            additional_lines: [line(6), line(7), None],
            stars: Star(stars),
            scroll,
            flame: FlameOptions { str: numbers[0], attack: numbers[1], all_stat: numbers[2], ..FlameOptions::default() },
            base_attack: numbers[1],
            base_magic: numbers[2],
        };
        for class in ["에반", "데몬어벤져", texts[8].as_str()] {
            let value = valuation::totals::item_value(ruleset, class, &item);
            for (kind, component) in ComponentKind::ALL.iter().zip(&value.components) {
                prop_assert_eq!(component.status.is_missing(), component.is_missing(), "{:?}", kind);
                prop_assert!(component.cost_mesos.is_none_or(|cost| cost >= Meso(0)));
                prop_assert!(component.tries.is_none_or(|tries| tries >= 0.0));
            }
        }
    }
}

static RULESET: std::sync::OnceLock<Ruleset> = std::sync::OnceLock::new();

#[test]
fn a_key_survives_being_stored() {
    let ruleset = ruleset();
    for component in wardrobe().iter().flat_map(|item| keys(&ruleset, item)) {
        let text = serde_json::to_string(&component).unwrap();
        assert_eq!(serde_json::from_str::<Keyed>(&text).unwrap(), component);
    }
}
