use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type};
use valuation::{ComponentValue, Detail, Item, Level, Meso, Star, Status};

use super::*;
use crate::valued::{PresetValuation, SharedComponent};

fn item(name: &str, mesos: i128) -> Arc<ItemValuation> {
    let priced = ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(Meso(mesos)),
        tries: Some(1.5),
        sd_mesos: None,
        detail: Detail::None,
    };
    let missing = ComponentValue::settled(Status::UnknownTable);
    let none = ComponentValue::settled(Status::None);
    Arc::new(ItemValuation {
        item: Item {
            slot: "모자".into(),
            part: "모자".into(),
            name: name.into(),
            level: Level(250),
            stars: Star(22),
            grade: Some("레전드리".into()),
            ..Item::default()
        },
        table_part: "모자".into(),
        components: [
            priced,
            missing,
            none.clone(),
            none.clone(),
            none.clone(),
            none,
        ]
        .map(SharedComponent::from),
        cost_mesos: Meso(mesos),
        missing_parts: 1,
    })
}

fn character(items: &[Arc<ItemValuation>]) -> CharacterValuation {
    let preset = PresetValuation {
        cost_mesos: Meso(items.iter().map(|item| item.cost_mesos.0).sum()),
        missing_parts: items.iter().map(|item| item.missing_parts).sum(),
        sd_mesos: 1.0,
        p90_mesos: 2.0,
        items: items.to_vec(),
    };
    CharacterValuation {
        class: "에반".into(),
        preset: 1,
        presets: [
            preset,
            PresetValuation::default(),
            PresetValuation::default(),
        ],
    }
}

#[test]
fn a_new_character_has_all_of_its_rows() {
    let mut rows = ValuationRows::default();
    let valued = character(&[item("a", 10), item("b", 1i128 << 100)]);
    changes("ocid", None, Some(&valued), Epoch(7), &mut rows);
    let items = rows.items.finish();
    assert_eq!(items.num_rows(), 2);
    assert_eq!(items.num_columns(), 40);
    let cost = items["cost_mesos"].as_primitive::<Decimal128Type>();
    assert_eq!(cost.values(), &[10, 1i128 << 100]);
    assert_eq!(
        items["position"].as_primitive::<Int16Type>().values(),
        &[1, 2]
    );
    assert_eq!(items["epoch"].as_primitive::<Int64Type>().values(), &[7, 7]);
    let missing = items["additional_potential_cost_mesos"].as_primitive::<Decimal128Type>();
    assert_eq!(missing.null_count(), 2);
    let tries = items["potential_tries"].as_primitive::<Float64Type>();
    assert_eq!(tries.values(), &[1.5, 1.5]);
    assert_eq!(rows.presets.finish().num_rows(), 3);
    assert_eq!(rows.characters.finish().num_rows(), 1);
}

#[test]
fn one_changed_item_changes_two_item_rows() {
    let old = character(&[item("a", 10), item("b", 20)]);
    let new = character(&[item("a", 10), item("c", 25)]);
    let mut rows = ValuationRows::default();
    changes("ocid", Some(&old), Some(&new), Epoch(8), &mut rows);
    let items = rows.items.finish();
    assert_eq!(items["diff"].as_primitive::<Int32Type>().values(), &[-1, 1]);
    assert_eq!(
        items["position"].as_primitive::<Int16Type>().values(),
        &[2, 2]
    );
    assert_eq!(rows.presets.finish().num_rows(), 2);
    assert_eq!(rows.characters.finish().num_rows(), 2);
}

#[test]
fn an_equal_value_changes_nothing() {
    let old = character(&[item("a", 10)]);
    let mut rows = ValuationRows::default();
    changes("ocid", Some(&old), Some(&old.clone()), Epoch(8), &mut rows);
    let equal = character(&[item("a", 10)]);
    changes("ocid", Some(&old), Some(&equal), Epoch(8), &mut rows);
    assert!(rows.items.is_empty() && rows.presets.is_empty() && rows.characters.is_empty());
}

#[test]
fn a_character_that_goes_takes_its_rows_along() {
    let old = character(&[item("a", 10)]);
    let mut rows = ValuationRows::default();
    changes("ocid", Some(&old), None, Epoch(9), &mut rows);
    assert_eq!(
        rows.items.finish()["diff"]
            .as_primitive::<Int32Type>()
            .values(),
        &[-1]
    );
    assert_eq!(rows.presets.finish().num_rows(), 3);
    assert_eq!(rows.characters.finish().num_rows(), 1);
}

#[test]
fn what_stands_now_says_its_epoch_and_ruleset() {
    let mut rows = CharacterNowRows::new(Epoch(12), "rules");
    rows.push("ocid", &character(&[item("a", 10)]), Epoch(7));
    let now = rows.finish();
    assert_eq!(now["as_of"].as_primitive::<Int64Type>().values(), &[12]);
    assert_eq!(now["changed_at"].as_primitive::<Int64Type>().values(), &[7]);
    assert_eq!(now.num_columns(), 10);
}
