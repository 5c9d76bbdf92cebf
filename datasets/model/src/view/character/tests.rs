use std::sync::Arc;

use valuation::{ComponentValue, Item, Status};

use super::*;
use crate::valued::{ItemValuation, PresetValuation};

fn item(name: &str) -> Arc<ItemValuation> {
    Arc::new(ItemValuation {
        item: Item {
            slot: "반지1".into(),
            name: name.into(),
            ..Item::default()
        },
        table_part: "반지".into(),
        components: std::array::from_fn(|_| ComponentValue::settled(Status::NoValue).into()),
        cost_mesos: Meso(0),
        missing_parts: 0,
    })
}

fn character(presets: [Vec<Arc<ItemValuation>>; 3]) -> CharacterValuation {
    let presets = presets.map(|items| PresetValuation {
        cost_mesos: Meso(6_165_378_414_672),
        missing_parts: 1,
        sd_mesos: 123_456_789.0,
        p90_mesos: 2e12,
        items,
    });
    CharacterValuation {
        class: "에반".into(),
        preset: 2,
        presets,
    }
}

fn round_trip(character: &CharacterValuation) -> CharacterView {
    CharacterView::decode(&CharacterEncoder::default().encode(character)).unwrap()
}

#[test]
fn the_totals_can_be_read_without_the_breakdown() {
    let payload = CharacterEncoder::default().encode(&character(Default::default()));
    let line = payload.split(|byte| *byte == b'\n').next().unwrap();

    assert_eq!(
        std::str::from_utf8(line).unwrap(),
        r#"{"class":"에반","preset":2,"presets":[[6165378414672,1,12346e4,2e12],[6165378414672,1,12346e4,2e12],[6165378414672,1,12346e4,2e12]]}"#
    );
}

#[test]
fn an_item_of_several_presets_is_listed_once() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(item);
    let worn = character([
        vec![a.clone(), b.clone(), c.clone(), a.clone()],
        vec![d, item("b"), c],
        vec![],
    ]);

    let view = round_trip(&worn);

    let names: Vec<_> = view.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let places = view.presets.clone().map(|preset| preset.items);
    assert_eq!(places, [vec![0, 1, 2, 0], vec![3, 1, 2], vec![]]);
    assert_eq!(view.best().cost_mesos, Meso(6_165_378_414_672));
}

#[test]
fn an_encoder_gives_the_same_bytes_again() {
    let mut encoder = CharacterEncoder::default();
    let worn = character([vec![item("a"), item("b")], vec![], vec![]]);

    let first = encoder.encode(&worn);
    let _ = encoder.encode(&character(Default::default()));

    assert_eq!(encoder.encode(&worn), first);
}

#[test]
fn a_damaged_payload_is_an_error_not_a_panic() {
    let whole = CharacterEncoder::default().encode(&character([vec![item("a")], vec![], vec![]]));
    for end in 0..whole.len() - 1 {
        assert!(
            CharacterView::decode(&whole[..end]).is_err(),
            "the first {end} bytes"
        );
    }
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        // Whatever it reads, it returns.
        let _ = CharacterView::decode(&damaged);
    }
}
