//! What views say of each item, held against the generator's model.

use std::collections::BTreeMap;

use model::view::{CharacterView, ItemView};
use valuation::totals::ItemValue;
use valuation::{ComponentValue, Detail, Item};

use crate::answer::Worn;

/// Asserts that the views say of each item what is right.
pub(crate) fn assert_breakdowns(
    views: &BTreeMap<String, CharacterView>,
    worn: &BTreeMap<String, Worn>,
) {
    assert!(
        views.keys().eq(worn.keys()),
        "the views hold other characters"
    );
    for (ocid, Worn { outfit, value }) in worn {
        let view = &views[ocid];
        assert_eq!(view.class, outfit.class, "{ocid}");
        let wanted = outfit.presets.iter().zip(&value.presets);
        for (preset, (items, (total, values))) in view.presets.iter().zip(wanted) {
            let spread = [
                (preset.sd_mesos, total.sd_mesos),
                (preset.p90_mesos, total.p90_mesos),
            ];
            for (found, right) in spread {
                assert!(near(found, right), "{ocid}: {found} is not {right}");
            }
            assert_eq!(preset.items.len(), items.len(), "{ocid}");
            for (&place, (item, value)) in preset.items.iter().zip(items.iter().zip(values)) {
                assert_item(&view.items[place], item, value);
            }
        }
    }
}

fn assert_item(view: &ItemView, item: &Item, value: &ItemValue) {
    assert_eq!((&*view.slot, &*view.name), (&*item.slot, &*item.name));
    assert_eq!(
        (view.cost_mesos, view.missing_parts),
        (value.total.cost_mesos, value.total.missing_parts),
        "{item:?}"
    );
    for (found, right) in view.components.iter().zip(&value.components) {
        assert!(says(found, right), "{item:?}: {found:?} is not {right:?}");
    }
}

/// Whether a view says what is right of a component: texts and money exact, other numbers to 5 digits.
fn says(view: &ComponentValue, right: &ComponentValue) -> bool {
    let same = |found: Option<f64>, right: Option<f64>| match (found, right) {
        (Some(found), Some(right)) => near(found, right),
        (found, right) => found.is_none() && right.is_none(),
    };
    let details = match (&view.detail, &right.detail) {
        (
            Detail::Potential {
                probability: found,
                fee_mesos: found_fee,
                ..
            },
            Detail::Potential {
                probability,
                fee_mesos,
                ..
            },
        ) => near(found.get(), probability.get()) && found_fee == fee_mesos,
        (
            Detail::Starforce {
                target: found_target,
                destructions: found,
                spares: found_spares,
                policy: found_policy,
            },
            Detail::Starforce {
                target,
                destructions,
                spares,
                policy,
            },
        ) => {
            (found_target, found_policy) == (target, policy)
                && near(*found, *destructions)
                && near(*found_spares, *spares)
        }
        (
            Detail::Flame {
                score: found_score,
                boss: found_boss,
                tries_powerful: found_powerful,
                tries_abyss: found_abyss,
            },
            Detail::Flame {
                score,
                boss,
                tries_powerful,
                tries_abyss,
            },
        ) => {
            (found_score, found_boss) == (score, boss)
                && same(*found_powerful, *tries_powerful)
                && same(*found_abyss, *tries_abyss)
        }
        (found, right) => found == right,
    };
    (view.status, view.cost_mesos) == (right.status, right.cost_mesos)
        && same(view.tries, right.tries)
        && same(view.sd_mesos, right.sd_mesos)
        && details
}

fn near(found: f64, right: f64) -> bool {
    (found - right).abs() <= 1e-4 * right.abs()
}
