//! Components and items as commands show them: in JSON and in a table.

use serde::Serialize;
use valuation::{ComponentKind, ComponentValue, Detail, Meso, Status, money_text};

use crate::table::Table;

/// The six components of an item.
#[derive(Debug, Serialize)]
pub(crate) struct ComponentsReport {
    potential: ComponentReport,
    additional_potential: ComponentReport,
    starforce: ComponentReport,
    grade_up: ComponentReport,
    additional_grade_up: ComponentReport,
    flame: ComponentReport,
}

/// One component of an item. What is not known, or not kept, is null.
#[derive(Debug, Serialize)]
pub(crate) struct ComponentReport {
    status: &'static str,
    cost_mesos: Option<i128>,
    tries: Option<f64>,
    sd_mesos: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<DetailReport>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum DetailReport {
    Potential {
        probability: f64,
        fee_mesos: Option<i128>,
        tries_p50: u64,
        tries_p90: u64,
        tries_p99: u64,
        /// The fee times those tries; null without a price.
        cost_p50_mesos: Option<i128>,
        cost_p90_mesos: Option<i128>,
        cost_p99_mesos: Option<i128>,
    },
    Starforce {
        target_star: u8,
        destructions: f64,
        spares: f64,
        policy: Vec<PolicyReport>,
    },
    Flame {
        score: i64,
        boss: bool,
        tries_powerful: Option<f64>,
        tries_abyss: Option<f64>,
    },
}

#[derive(Debug, Serialize)]
struct PolicyReport {
    star: u8,
    action: String,
}

impl From<&[ComponentValue; 6]> for ComponentsReport {
    fn from(components: &[ComponentValue; 6]) -> Self {
        // In the order of `ComponentKind::ALL`.
        let [
            main,
            additional,
            starforce,
            grade_up,
            additional_grade_up,
            flame,
        ] = components.each_ref().map(ComponentReport::from);
        Self {
            potential: main,
            additional_potential: additional,
            starforce,
            grade_up,
            additional_grade_up,
            flame,
        }
    }
}

impl From<&ComponentValue> for ComponentReport {
    fn from(value: &ComponentValue) -> Self {
        let [cost_p50_mesos, cost_p90_mesos, cost_p99_mesos] = value
            .detail
            .cost_quantiles()
            .map(|cost| cost.map(|cost| cost.0));
        let detail = match &value.detail {
            Detail::None => None,
            &Detail::Potential {
                probability,
                fee_mesos,
                tries_quantiles: [tries_p50, tries_p90, tries_p99],
            } => Some(DetailReport::Potential {
                probability: probability.get(),
                fee_mesos: fee_mesos.map(|fee| fee.0),
                tries_p50,
                tries_p90,
                tries_p99,
                cost_p50_mesos,
                cost_p90_mesos,
                cost_p99_mesos,
            }),
            Detail::Starforce {
                target,
                destructions,
                spares,
                policy,
            } => Some(DetailReport::Starforce {
                target_star: *target,
                destructions: *destructions,
                spares: *spares,
                policy: policy
                    .iter()
                    .map(|(star, action)| PolicyReport {
                        star: *star,
                        action: action.clone(),
                    })
                    .collect(),
            }),
            &Detail::Flame {
                score,
                boss,
                tries_powerful,
                tries_abyss,
            } => Some(DetailReport::Flame {
                score,
                boss,
                tries_powerful,
                tries_abyss,
            }),
        };
        Self {
            status: value.status.name(),
            cost_mesos: value.cost_mesos.map(|cost| cost.0),
            tries: value.tries,
            sd_mesos: value.sd_mesos,
            detail,
        }
    }
}

/// One row of a table of items.
pub(crate) struct ItemRow<'a> {
    pub(crate) slot: &'a str,
    pub(crate) name: &'a str,
    pub(crate) level: Option<u16>,
    pub(crate) cost_mesos: Meso,
    pub(crate) components: &'a [ComponentValue; 6],
}

/// Items with what each component costs, or why it has no cost.
pub(crate) fn items_table<'a>(items: impl IntoIterator<Item = ItemRow<'a>>) -> Table {
    let items: Vec<ItemRow> = items.into_iter().collect();
    let has_levels = items.iter().any(|item| item.level.is_some());
    let level = has_levels.then(|| "level".to_owned());
    let head = ["slot", "item"].map(str::to_owned).into_iter();
    let head = head.chain(level).chain(["sum".to_owned()]);
    let mut table = Table::new(head.chain(component_names()))
        .right(2..)
        .titles(2)
        .nothing(Status::None.name());
    for item in items {
        let level = item.level.map(|level| level.to_string());
        let level = has_levels.then(|| level.unwrap_or_default());
        let head = [item.slot.to_owned(), item.name.to_owned()];
        let sum = money_text::short(Some(item.cost_mesos));
        let components = item.components.iter().map(component_text);
        table.add_row(head.into_iter().chain(level).chain([sum]).chain(components));
    }
    table
}

/// The components as the heads of columns: their names in words.
pub(crate) fn component_names() -> impl Iterator<Item = String> {
    let kinds = ComponentKind::ALL.iter();
    kinds.map(|kind| kind.name().replace('_', " "))
}

/// The cost in short, or the status where there is none.
pub(crate) fn component_text(component: &ComponentValue) -> String {
    match (component.status, component.cost_mesos) {
        (Status::Ok, cost @ Some(_)) => money_text::short(cost),
        (Status::Ok, None) => "no price".to_owned(),
        (status, _) => status.name().to_owned(),
    }
}

/// Totals of the presets as commands show them.
pub(crate) struct PresetRow {
    pub(crate) cost_mesos: Meso,
    pub(crate) missing_parts: u32,
    pub(crate) sd_mesos: f64,
    pub(crate) p90_mesos: f64,
    pub(crate) items: usize,
}

/// The three presets, the one that counts with a star.
pub(crate) fn presets_table(presets: [PresetRow; 3], counts: u8) -> Table {
    let names = [
        "preset",
        "to rebuild, in mesos",
        "",
        "± sd",
        "90 % need at most",
        "items",
        "missing",
    ];
    // The amount in units says the same as the one in digits.
    let mut table = Table::new(names).right(1..).spare(&[2]);
    for (number, preset) in (1..).zip(presets) {
        let star = if number == counts { " *" } else { "" };
        table.add_row([
            format!("{number}{star}"),
            money_text::digits(Some(preset.cost_mesos)),
            money_text::units(Some(preset.cost_mesos)),
            format!("{:.0} %", percent(preset.sd_mesos, preset.cost_mesos)),
            money_text::short(Some(whole(preset.p90_mesos))),
            preset.items.to_string(),
            preset.missing_parts.to_string(),
        ]);
    }
    table
}

/// A float as an amount to be shown in short.
fn whole(mesos: f64) -> Meso {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates; it is shown in short"
    )]
    let mesos = mesos as i128;
    Meso(mesos)
}

/// `part` in percent of `whole`; 0 of nothing.
fn percent(part: f64, whole: Meso) -> f64 {
    if whole.0 == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "it is shown in whole percent")]
    let whole = whole.0 as f64;
    100.0 * part / whole
}
