//! Documents as a provider may send them: mostly right, with the odd member that is not.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

const WORDS: [&str; 9] = [
    "모자",
    "무기",
    "보조무기",
    "에테르넬 메이지햇",
    "레전드리",
    "INT +9%",
    "스킬 재사용 대기시간 -2초",
    "null",
    "NULL",
];

/// `right` mostly; once in two hundred times something else.
fn mostly(right: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let wrong = prop::sample::select(vec![
        json!(true),
        json!(1.5),
        json!({"a": 1}),
        json!(["x"]),
        json!(1u64 << 63),
    ]);
    prop_oneof![200 => right, 1 => wrong].boxed()
}

fn nothing() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(""),
        json!(" "),
        json!("\t\u{3000}"),
    ])
}

fn text() -> BoxedStrategy<Value> {
    let long = prop::sample::select(vec![
        json!("a".repeat(1_024)),
        json!("가".repeat(341)),
        json!("😀\"\\/\n\u{7f}"),
    ]);
    mostly(prop_oneof![
        12 => prop::sample::select(WORDS.to_vec()).prop_map(Value::from),
        3 => nothing(),
        1 => long,
        1 => "[ -~가-힣]{0,12}".prop_map(Value::from),
    ])
}

/// A text that is too long, once in so many times.
fn text_or_too_long() -> BoxedStrategy<Value> {
    let long = prop::sample::select(vec![json!("a".repeat(1_025)), json!("가".repeat(342))]);
    prop_oneof![300 => text(), 1 => long].boxed()
}

/// Numbers as integers and texts, within `max` mostly.
fn number(max: i64) -> BoxedStrategy<Value> {
    let odd = prop::sample::select(vec![
        json!(max),
        json!(max + 1),
        json!(-1),
        json!("-1"),
        json!("+5"),
        json!("007"),
        json!("1,234"),
        json!("1,23"),
        json!("-"),
        json!("12a"),
        json!(" 1"),
        json!("99999999999999999999"),
        json!(i64::MIN),
        json!("null"),
    ]);
    mostly(prop_oneof![
        40 => (0..=max).prop_map(Value::from),
        40 => (0..=max).prop_map(|number| Value::from(number.to_string())),
        20 => nothing(),
        1 => odd,
    ])
}

/// An object in which each member stands or not, in any order.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| {
            prop::option::weighted(0.8, value.prop_map(move |value| (name, value)))
        })
        .collect();
    let members = members.prop_map(|members| members.into_iter().flatten().collect::<Vec<_>>());
    prop_oneof![3 => members.clone(), 1 => members.prop_shuffle()]
        .prop_map(|members| {
            let members = members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value));
            Value::Object(members.collect::<Map<_, _>>())
        })
        .boxed()
}

fn or_null(object: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    mostly(prop_oneof![8 => object, 1 => Just(Value::Null)])
}

fn item() -> BoxedStrategy<Value> {
    let points = || number(2_000);
    let base = object(vec![
        ("str", text()),
        ("attack_power", points()),
        ("magic_power", points()),
        ("base_equipment_level", number(300)),
    ]);
    let flame = [
        "str",
        "dex",
        "int",
        "luk",
        "max_hp",
        "max_mp",
        "attack_power",
        "magic_power",
        "boss_damage",
        "damage",
        "all_stat",
    ];
    // What is not read holds anything, a level too.
    let other = object(vec![
        ("base_equipment_level", number(300)),
        ("item_name", text()),
    ]);
    let flag = prop::sample::select(vec![json!("사용"), json!("미사용"), json!(null), json!("")]);
    object(vec![
        ("item_equipment_slot", text_or_too_long()),
        ("item_equipment_part", text()),
        ("item_name", text()),
        ("item_icon", text()),
        (
            "item_other_option",
            other.prop_map(|other| json!([1, other])).boxed(),
        ),
        ("item_base_option", or_null(base)),
        ("potential_option_grade", text()),
        ("potential_option_1", text()),
        ("potential_option_2", text()),
        ("potential_option_3", text()),
        ("additional_potential_option_grade", text()),
        ("additional_potential_option_1", text()),
        ("additional_potential_option_2", text()),
        ("additional_potential_option_3", text()),
        (
            "item_add_option",
            or_null(object(flame.map(|name| (name, points())).to_vec())),
        ),
        ("starforce", number(30)),
        ("starforce_scroll_flag", mostly(flag)),
        ("special_ring_level", number(4)),
    ])
}

/// A document.
pub(super) fn document() -> BoxedStrategy<Value> {
    // Presets share most of their items.
    let pool = prop::collection::vec(item(), 1..4);
    pool.prop_flat_map(|pool| {
        let worn = prop_oneof![
            60 => prop::sample::select(pool),
            1 => prop::sample::select(vec![json!(null), json!([]), json!({})]),
        ];
        let preset = || {
            or_null(
                prop::collection::vec(worn.clone(), 0..4)
                    .prop_map(Value::from)
                    .boxed(),
            )
        };
        object(vec![
            ("date", Just(Value::Null).boxed()),
            ("character_class", text()),
            ("item_equipment", preset()),
            ("item_equipment_preset_1", preset()),
            ("item_equipment_preset_2", preset()),
            ("item_equipment_preset_3", preset()),
        ])
    })
    .boxed()
}
