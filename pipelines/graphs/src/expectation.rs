//! What does each item, preset and character cost to rebuild?
//!
//! A document of [`dataflow::appraise()`] is a character's snapshot, its context the class, a part an
//! item configuration that all classes with the same stats and attack share, a key all that the price of
//! a component depends on.

mod layout;

use std::sync::Arc;

use dataflow::{Appraisal, Appraised, Component, Pricing, Setting, appraise};
use model::snapshot::binary::{SnapshotView, decode_item};
use model::valued::{CharacterValuation, ItemValuation, PresetValuation, SharedComponent};
use timely::order::TotalOrder;
use timely::progress::Timestamp;
use valuation::totals::{ItemTotal, best_preset, item_total, preset_total};
use valuation::{ComponentValue, Key, Keyed, RuleChange, Ruleset, TableId, key};

use layout::{read_layout, write_layout};

/// Characters by ocid with their snapshots in the form of [`model::snapshot::binary`], changes of
/// rules, and when to read everything out.
pub type Inputs<'scope, T> = dataflow::Inputs<'scope, T, Equipment>;

/// What changed in characters, all of them where asked for, and the prices computed.
pub type Outputs<'scope, T> = Appraised<'scope, T, Equipment>;

/// The value of a character before and after an epoch; the key is its ocid.
pub type ValuationChange = dataflow::Change<CharacterValuation>;

/// All characters of a worker with their values, as of one epoch.
pub type Characters = dataflow::Held<Equipment>;

/// Prices known beforehand under the ruleset of the start.
pub type Memo = dataflow::Memo<Equipment>;

/// Values characters and says what changed; every distinct key is priced once in the world.
///
/// ```
/// # use dataflow::{Setting, testkit, to_collection};
/// # use graphs::expectation::{Inputs, expectation};
/// # use model::snapshot::{Snapshot, binary};
/// # use timely::dataflow::operators::ToStream;
/// # use valuation::{Item, Level, RuleChange, Star};
/// let hat = Item { slot: "모자".into(), level: Level(200), stars: Star(15), ..Item::default() };
/// let adele = Snapshot { class: "아델".into(), presets: [vec![hat.clone()], vec![hat.clone(), hat], vec![]] };
/// let document = Some(binary::encode(&adele).into_vec());
/// let rules = odds::shipped("kms_2026_03")?;
///
/// let valued = testkit::run(2, [(("ocid".to_string(), document), 1)], move |characters| {
///     let inputs = Inputs {
///         changes: None::<RuleChange>.to_stream(characters.scope()),
///         read_outs: None::<()>.to_stream(characters.scope()),
///         documents: characters,
///     };
///     let changes = expectation(inputs, Setting::new(rules.clone())).changes;
///     to_collection(changes, |value| (value.preset, value.presets.each_ref().map(|preset| preset.cost_mesos)))
/// });
///
/// let ((ocid, (preset, [one, two, three])), epoch, diff) = &valued[0];
/// assert_eq!((ocid.as_str(), *preset, *epoch, *diff), ("ocid", 2, 1, 1));
/// assert!(one.0 > 0 && two.0 == 2 * one.0 && three.0 == 0);
/// # Ok::<(), odds::OddsError>(())
/// ```
pub fn expectation<'scope, T>(
    inputs: Inputs<'scope, T>,
    setting: Setting<T, Equipment>,
) -> Outputs<'scope, T>
where
    T: Timestamp + TotalOrder,
{
    appraise(inputs, setting)
}

/// The valuation as the operators see it.
#[derive(Debug)]
pub struct Equipment;

impl Pricing for Equipment {
    type Rules = Ruleset;
    type Change = RuleChange;
    type Touched = std::collections::BTreeSet<TableId>;
    type Key = Key;
    type Price = SharedComponent;

    fn apply(rules: &mut Ruleset, change: &RuleChange) -> Self::Touched {
        let touched = rules.apply(change.clone());
        touched.expect("a change is tried on the ruleset before it is an event")
    }

    fn depends(rules: &Ruleset, key: &Key, touched: &Self::Touched) -> bool {
        !key::dependencies(rules, key).is_disjoint(touched)
    }

    fn price(rules: &Ruleset, key: &Key) -> SharedComponent {
        key::price(rules, key).into()
    }
}

/// A snapshot was written by admission, or read from a table that admission filled.
const ADMITTED: &str = "a snapshot that was admitted can be read";

impl Appraisal for Equipment {
    type Part = PricedItem;
    type Value = CharacterValuation;

    fn split<'a>(document: &'a [u8], parts: &mut Vec<&'a [u8]>, layout: &mut Vec<u8>) -> &'a str {
        let view = SnapshotView::new(document).expect(ADMITTED);
        parts.extend_from_slice(view.items());
        write_layout(layout, view.presets());
        view.class()
    }

    fn valued_as<'a>(rules: &'a Ruleset, class: &'a str) -> &'a str {
        rules.valued_as(class)
    }

    fn components(rules: &Ruleset, class: &str, item: &[u8]) -> Vec<Component<Self>> {
        let item = decode_item(item).expect(ADMITTED);
        let components = key::components(rules, class, &item).into_iter();
        let component = |keyed| match keyed {
            Keyed::Settled(status) => Component::Settled(ComponentValue::settled(status).into()),
            Keyed::Priced(key) => Component::Priced(key),
        };
        components.map(component).collect()
    }

    fn part(rules: &Ruleset, _: &str, item: &[u8], prices: &[&SharedComponent]) -> PricedItem {
        let item = decode_item(item).expect(ADMITTED);
        let components: [&SharedComponent; 6] =
            prices.try_into().expect("an item has six components");
        let components = components.map(SharedComponent::clone);
        let total = item_total(rules.rules(), &components);
        let valuation = ItemValuation {
            table_part: key::table_part(rules, &item).to_owned(),
            item,
            components,
            cost_mesos: total.cost_mesos,
            missing_parts: total.missing_parts,
        };
        PricedItem {
            valuation: Arc::new(valuation),
            total,
        }
    }

    fn value(
        _: &Ruleset,
        class: &Arc<str>,
        layout: &[u8],
        items: &[&PricedItem],
    ) -> CharacterValuation {
        let presets = read_layout(layout).map(|worn| {
            let total = preset_total(worn.iter().map(|&index| items[index].total));
            let worn = worn.into_iter();
            PresetValuation {
                cost_mesos: total.cost_mesos,
                missing_parts: total.missing_parts,
                sd_mesos: total.sd_mesos,
                p90_mesos: total.p90_mesos,
                items: worn
                    .map(|index| Arc::clone(&items[index].valuation))
                    .collect(),
            }
        });
        CharacterValuation {
            class: Arc::clone(class),
            preset: best_preset(presets.each_ref().map(|preset| preset.cost_mesos)),
            presets,
        }
    }
}

/// The value of an item configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct PricedItem {
    valuation: Arc<ItemValuation>,
    /// What is summed over a preset, at hand.
    total: ItemTotal,
}
