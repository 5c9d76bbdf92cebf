use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use odds::{Settings, Tables, load, shipped};
use valuation::{FlameOptions, Item, Level, Ruleset, key};

const KMS_2026: &str = include_str!("../../rulesets/kms_2026_03.toml");

fn written(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("mine.toml");
    fs::write(&path, text).unwrap();
    path
}

/// The error with its causes.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[test]
fn all_shipped_rulesets_load_under_their_names_and_differ() {
    let rulesets = odds::SHIPPED.map(|name| shipped(name).unwrap());
    assert_eq!(rulesets.each_ref().map(Ruleset::name), odds::SHIPPED);
    assert_ne!(rulesets[0].hash(), rulesets[1].hash());
    assert_ne!(rulesets[0].rules().starforce, rulesets[1].rules().starforce);
    assert_eq!(rulesets[0].rules().main, rulesets[1].rules().main);
    assert_eq!(rulesets[0].rules().flame, rulesets[1].rules().flame);
    assert!(
        shipped("kms")
            .unwrap_err()
            .to_string()
            .contains("kms_2026_03")
    );
}

/// Stored results name their ruleset by its hash.
#[test]
fn the_hashes_of_the_shipped_rulesets_stay() {
    let hashes = odds::SHIPPED.map(|name| shipped(name).unwrap().hash().short());
    assert_eq!(hashes, ["1ebd204a30ea", "a96230e76166"]);
}

#[test]
fn a_copy_on_disk_is_the_same_ruleset() {
    let folder = tempfile::tempdir().unwrap();
    let copy = load(&written(folder.path(), KMS_2026)).unwrap();
    let shipped = shipped("kms_2026_03").unwrap();
    assert_eq!(copy, shipped);
    assert_eq!(copy.hash().short(), &shipped.hash().to_string()[..12]);
}

#[test]
fn the_hash_is_that_of_the_content_and_not_of_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let commented = format!("# mine\n{KMS_2026}");
    let shipped = shipped("kms_2026_03").unwrap();
    assert_eq!(
        load(&written(folder.path(), &commented)).unwrap().hash(),
        shipped.hash()
    );
    let dearer = KMS_2026.replace("reset_mesos = 3_000_000", "reset_mesos = 3_000_001");
    assert_ne!(
        load(&written(folder.path(), &dearer)).unwrap().hash(),
        shipped.hash()
    );
}

#[test]
fn a_stored_ruleset_is_read_back_with_its_hash() {
    for name in odds::SHIPPED {
        let ruleset = shipped(name).unwrap();
        let back = Ruleset::from_stored(&ruleset.stored()).unwrap();
        assert_eq!(back, ruleset);
        assert_eq!(back.hash(), ruleset.hash());
    }
    assert!(Ruleset::from_stored(b"{}").is_err());
}

#[test]
fn to_classes_that_stand_for_each_other_every_item_is_worth_the_same() {
    let ruleset = shipped("kms_2026_03").unwrap();
    let classes = &ruleset.rules().classes;
    let boss_items = ruleset.rules().flame.boss_items.iter();
    let weapons = boss_items
        .filter(|boss| boss.weapon)
        .map(|boss| ("무기", boss.name.as_str()));
    let items: Vec<Item> = weapons
        .chain([("모자", "에테르넬 나이트헬름")])
        .map(|(slot, name)| Item {
            slot: slot.into(),
            part: slot.into(),
            name: name.into(),
            level: Level(200),
            grade: Some("레전드리".into()),
            lines: ["STR +12%", "공격력 +9%", "LUK +9%"].map(|line| Some(line.to_owned())),
            flame: FlameOptions {
                str: 40,
                int: 30,
                luk: 20,
                max_hp: 1_000,
                attack: 50,
                magic: 40,
                ..FlameOptions::default()
            },
            ..Item::default()
        })
        .collect();
    for class in classes.keys() {
        let like = ruleset.valued_as(class);
        for item in &items {
            assert_eq!(
                key::components(&ruleset, class, item),
                key::components(&ruleset, like, item),
                "{class} as {like}, {}",
                item.name
            );
        }
    }
    let distinct: BTreeSet<&str> = classes
        .keys()
        .map(|class| ruleset.valued_as(class))
        .collect();
    assert!(distinct.len() < classes.len() / 2, "{distinct:?}");
    assert!(
        distinct.contains("제로") && distinct.contains("제논"),
        "{distinct:?}"
    );
    assert_eq!(ruleset.valued_as("없는 직업"), "");
}

#[test]
fn a_table_beside_the_ruleset_replaces_the_shipped_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(
        folder.path(),
        &KMS_2026.replace("\"shipped\"", "\"tables\""),
    );
    let error = load(&path).unwrap_err().to_string();
    assert!(
        error.starts_with("read ") && error.ends_with("tables"),
        "{error}"
    );

    let tables = folder.path().join("tables");
    fs::create_dir(&tables).unwrap();
    let shipped = shipped("kms_2026_03").unwrap();
    assert_eq!(load(&path).unwrap().hash(), shipped.hash());

    let max_star = include_str!("../../tables/starforce_max_star.csv").replace("0,94,5", "0,94,6");
    fs::write(tables.join("starforce_max_star.csv"), &max_star).unwrap();
    let mine = load(&path).unwrap();
    assert_eq!(mine.rules().starforce.max_star(Level(10)).0, 6);
    assert_ne!(mine.hash(), shipped.hash());

    let wrong = tables.join("starforce_max_star.csv");
    fs::write(&wrong, max_star.replace("0,94,6", "0,94,x")).unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{} row 2: max_star is \"x\"", wrong.display())),
        "{error}"
    );
    fs::write(&wrong, &max_star).unwrap();

    fs::write(tables.join("starforce_max_stars.csv"), &max_star).unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(
        error.contains("starforce_max_stars.csv is no table"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_in_a_ruleset_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to, expected) in [
        ("name = ", "nome = ", "unknown field `nome`"),
        (
            "\"kms_2026_03\"",
            "\" \"",
            "mine.toml: name is \" \", expected a text",
        ),
        (
            "cube = \"black\"",
            "cube = \"blue\"",
            "mine.toml: main.cube is \"blue\", expected one of [\"black\", \"red\"]",
        ),
        (
            "cube = \"additional\"",
            "cube = \"black\"",
            "additional.cube is \"black\"",
        ),
        ("# cube_price", "cube_price", "expected no price of a cube"),
        ("safeguard = true", "safeguard = 1", "invalid type"),
        (
            "[\"potential\"",
            "[\"potentials\"",
            "unknown variant `potentials`",
        ),
        (
            "edition = \"kms_2026_03\"",
            "edition = \"kms\"",
            "unknown variant `kms`",
        ),
        (
            "cost_event = true\n# Whether",
            "# Whether",
            "missing field `cost_event`",
        ),
    ] {
        assert!(KMS_2026.contains(from), "{from}");
        let error = load(&written(folder.path(), &KMS_2026.replacen(from, to, 1))).unwrap_err();
        let error = chain(&error);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_red_cube_costs_what_the_ruleset_says_and_nothing_is_made_up() {
    let mut settings = Settings::shipped("kms_2026_03").unwrap();
    settings.main.cube = "red".to_owned();
    let unpriced = settings.ruleset(&Tables::shipped()).unwrap();
    assert!(!unpriced.rules().main.is_priced());

    settings.main.cube_price_mesos = Some(12_000_000);
    let priced = settings.ruleset(&Tables::shipped()).unwrap();
    let fee = priced.rules().main.fee(valuation::Grade::Rare, Level(10));
    assert_eq!(fee, Some(valuation::Meso(12_000_000)));
}
