use super::*;
use crate::valued::SharedComponent;

fn row(components: [ComponentValue; 6]) -> ItemValuation {
    let (cost_mesos, missing_parts) = default_sum(&components);
    ItemValuation {
        item: valuation::Item {
            slot: "모자".into(),
            name: "에테르넬 \"메이지\"햇".into(),
            ..valuation::Item::default()
        },
        table_part: "모자".into(),
        components: components.map(SharedComponent::from),
        cost_mesos,
        missing_parts,
    }
}

fn encode(item: &ItemValuation) -> String {
    let mut out = String::new();
    push_row(&mut out, item);
    out
}

fn read(item: &ItemValuation) -> ItemView {
    decode(&serde_json::from_str(&encode(item)).unwrap()).unwrap()
}

fn plain(item: &ItemValuation) -> [ComponentValue; 6] {
    item.components
        .each_ref()
        .map(|component| (**component).clone())
}

fn ok(cost: i128, tries: f64, sd: Option<f64>, detail: Detail) -> ComponentValue {
    ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(Meso(cost)),
        tries: Some(tries),
        sd_mesos: sd,
        detail,
    }
}

fn eternal_hat() -> [ComponentValue; 6] {
    let potential = |p: f64, fee: i128, cost: i128, sd: f64, tries_quantiles| {
        let detail = Detail::Potential {
            probability: Probability::new(p).unwrap(),
            fee_mesos: Some(Meso(fee)),
            tries_quantiles,
        };
        ok(cost, 1.0 / p, Some(sd), detail)
    };
    let policy = (15..22).map(|star| (star, "->12".to_owned())).collect();
    let (p, q) = (0.000_625_246_356_092_183_8, 0.000_086_529_386_255_900_32);
    [
        potential(
            p,
            50_000_000,
            79_968_478_845,
            79_943_474_935.874,
            [1_109, 3_682, 7_364],
        ),
        potential(
            q,
            98_000_000,
            1_132_563_216_272,
            1_132_514_215_211.684,
            [8_011, 26_610, 53_219],
        ),
        ok(
            31_580_861_620,
            148.12,
            Some(25_618e6),
            Detail::Starforce {
                target: 22,
                destructions: 3.868_6,
                spares: 3.868_6,
                policy,
            },
        ),
        ok(2_849_239_498, 83.796, None, Detail::None),
        ok(12_397_399_552, 223.51, None, Detail::None),
        ok(
            5_764_675_877,
            1_921.6,
            None,
            Detail::Flame {
                score: 1_842,
                boss: true,
                tries_powerful: Some(9_041.5),
                tries_abyss: Some(725.75),
            },
        ),
    ]
}

#[test]
fn a_row_has_arrays_in_place_of_names() {
    assert_eq!(
        encode(&row(eternal_hat())),
        "[0,\"에테르넬 \\\"메이지\\\"햇\",[79968478845,50000000],[1132563216272,98000000],\
         [31580861620,148.12,25618e6,22,3.8686,\"ddddddd\"],[2849239498,83.796],\
         [12397399552,223.51],[5764675877,null,1842,1,9041.5,725.75,1921.6]]"
    );
}

#[test]
fn what_a_row_leaves_out_follows_from_its_money() {
    let item = row(eternal_hat());
    let view = read(&item);

    assert_eq!((view.cost_mesos, view.missing_parts), (item.cost_mesos, 0));
    let plain = plain(&item);
    assert_eq!(view.components[2..], plain[2..]);
    for (read, computed) in view.components[..2].iter().zip(&plain[..2]) {
        let near = |a: Option<f64>, b: Option<f64>| (a.unwrap() / b.unwrap() - 1.0).abs() < 1e-9;
        assert!(near(read.tries, computed.tries), "{read:?}");
        assert!(near(read.sd_mesos, computed.sd_mesos), "{read:?}");
        let quantiles = |value: &ComponentValue| match value.detail {
            Detail::Potential {
                tries_quantiles, ..
            } => tries_quantiles,
            _ => panic!("{value:?}"),
        };
        assert_eq!(quantiles(read), quantiles(computed));
    }
}

#[test]
fn tries_and_deviation_of_a_flame_follow_from_its_fee() {
    for tries in [1.0, 1.000_4, 8.307_257_7, 1_921.558_6] {
        let (reset, sd) = (3_000_000.0_f64, 3e6 * f64::sqrt(tries * (tries - 1.0)));
        let detail = Detail::Flame {
            score: 830,
            boss: false,
            tries_powerful: Some(13.188),
            tries_abyss: None,
        };
        let cost = (reset * tries).round() as i128;
        let mut components = eternal_hat();
        components[5] = ok(cost, tries, Some(sd), detail.clone());
        let item = row(components);

        let text = encode(&item);
        let end = format!("[{cost},3000000,830,0,13.188,null]]");
        // A deviation far below the fee does not follow from a rounded cost: then all is written.
        assert!(text.ends_with(&end) || tries == 1.000_4, "{text}");
        let flame = &read(&item).components[5];

        let near = |a: f64, b: f64| (a - b).abs() <= 5e-5 * b;
        assert!(near(flame.tries.unwrap(), tries), "{text}");
        assert!(near(flame.sd_mesos.unwrap(), sd), "{text}");
        assert_eq!(
            (flame.cost_mesos, &flame.detail),
            (Some(Meso(cost)), &detail)
        );
    }
}

#[test]
fn a_settled_component_is_its_status_alone() {
    for status in Status::ALL
        .into_iter()
        .filter(|status| *status != Status::Ok)
    {
        let item = row(std::array::from_fn(|_| ComponentValue::settled(status)));
        let view = read(&item);
        assert_eq!(view.components, plain(&item));
        assert_eq!(view.missing_parts, item.missing_parts);
    }
}

#[test]
fn a_chance_that_just_suffices_takes_no_try_more() {
    for (chance, cost, tries_quantiles) in [
        (0.5, 100_000_000, [1, 4, 7]),
        (0.9, 55_555_556, [1, 1, 2]),
        (0.99, 50_505_051, [1, 1, 1]),
    ] {
        let mut components = eternal_hat();
        let detail = Detail::Potential {
            probability: Probability::new(chance).unwrap(),
            fee_mesos: Some(Meso(50_000_000)),
            tries_quantiles,
        };
        components[0] = ok(cost, 1.0 / chance, None, detail);
        match read(&row(components)).components[0].detail {
            Detail::Potential {
                tries_quantiles: read,
                ..
            } => assert_eq!(read, tries_quantiles, "{chance}"),
            ref other => panic!("{other:?}"),
        }
    }
}

#[test]
fn tries_without_a_price_keep_their_tries() {
    let mut components = eternal_hat();
    components[0] = ComponentValue {
        status: Status::Ok,
        cost_mesos: None,
        tries: Some(1_599.4),
        sd_mesos: None,
        detail: Detail::Potential {
            probability: Probability::new(1.0 / 1_599.4).unwrap(),
            fee_mesos: None,
            tries_quantiles: [1_109, 3_682, 7_365],
        },
    };
    let view = read(&row(components.clone()));

    assert_eq!(view.components[0].cost_mesos, None);
    assert_eq!(view.components[0].tries, components[0].tries);
    assert_eq!(view.missing_parts, 1);
}

#[test]
fn a_sum_of_other_components_is_written() {
    let mut item = row(eternal_hat());
    item.cost_mesos = Meso(i128::from(i64::MAX) * 3);
    item.missing_parts = 2;

    let view = read(&item);

    assert_eq!((view.cost_mesos, view.missing_parts), (item.cost_mesos, 2));
}

#[test]
fn a_policy_comes_back_in_letters_or_in_words() {
    let policies: [&[(u8, &str)]; 4] = [
        &[],
        &[(15, "->15"), (16, "safeguard"), (17, "->12")],
        &[(15, "->14")],
        &[(17, "->12"), (18, "->12")],
    ];
    for policy in policies {
        let policy: Vec<_> = policy
            .iter()
            .map(|(star, act)| (*star, (*act).to_owned()))
            .collect();
        assert_eq!(policy_of(&policy_letters(&policy)), Some(policy));
    }
    assert_eq!(
        policy_letters(&[(15, "->15".into()), (16, "->12".into())]),
        "rd"
    );
}

#[test]
fn a_slot_of_another_game_is_written_out() {
    let mut item = row(eternal_hat());
    item.item.slot = "안드로이드".into();
    assert_eq!(read(&item).slot, "안드로이드");
}

#[test]
fn a_row_of_another_form_is_none() {
    for text in [
        "7",
        "[]",
        "[0]",
        "[99,\"x\",1,1,1,1,1,1]",
        "[0,\"x\",0,1,1,1,1,1]",
    ] {
        assert_eq!(decode(&serde_json::from_str(text).unwrap()), None, "{text}");
    }
}
