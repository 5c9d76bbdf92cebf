//! One item of a breakdown as an array: slot, name, six components, and its sum where it is
//! another than that of the first three components.

use std::borrow::Borrow;
use std::fmt::Write;

use valuation::potential::tries_quantiles_of_mean;
use valuation::{ComponentKind, ComponentValue, Detail, Meso, Probability, Status};

use super::json::{Cell, push_float, push_mesos, push_text};
use super::{ItemView, ViewFormError};
use crate::valued::ItemValuation;

/// The slots of the provider's documents; a row names one by its place here, any other by its text.
pub(super) const SLOTS: [&str; 24] = [
    "모자",
    "귀고리",
    "상의",
    "하의",
    "신발",
    "장갑",
    "망토",
    "무기",
    "훈장",
    "벨트",
    "어깨장식",
    "포켓 아이템",
    "기계 심장",
    "뱃지",
    "엠블렘",
    "얼굴장식",
    "눈장식",
    "반지1",
    "반지2",
    "반지3",
    "반지4",
    "펜던트",
    "펜던트2",
    "보조무기",
];

/// The components whose sum an item has by default.
const SUMMED: usize = 3;

/// The first star that a starforce policy speaks of.
const POLICY_FROM: u8 = 15;

/// Appends the row of an item: one JSON array.
pub(super) fn push_row(out: &mut String, item: &ItemValuation) {
    out.push('[');
    match SLOTS.iter().position(|slot| *slot == item.item.slot) {
        Some(place) => write!(out, "{place}").expect("a String takes all"),
        None => push_text(out, &item.item.slot),
    }
    out.push(',');
    push_text(out, &item.item.name);
    for (kind, component) in ComponentKind::ALL.into_iter().zip(&item.components) {
        out.push(',');
        if component.status == Status::Ok {
            out.push_str(&component.said_as(kind, priced));
        } else {
            push_settled(out, component.status);
        }
    }
    if (item.cost_mesos, item.missing_parts) != default_sum(&item.components) {
        out.push(',');
        push_mesos(out, Some(item.cost_mesos));
        write!(out, ",{}", item.missing_parts).expect("a String takes all");
    }
    out.push(']');
}

/// Reads a row.
pub(super) fn decode(cell: &Cell) -> Option<ItemView> {
    let cells = cell.list()?;
    let (head, rest) = cells.split_at_checked(2)?;
    let (components, sum) = rest.split_at_checked(ComponentKind::ALL.len())?;
    let slot = match &head[0] {
        Cell::Text(slot) => slot.clone(),
        place => (*SLOTS.get(place.integer::<usize>()?)?).to_owned(),
    };
    let components: Option<Vec<_>> = ComponentKind::ALL
        .into_iter()
        .zip(components)
        .map(|(kind, cell)| read_component(kind, cell))
        .collect();
    let components: [ComponentValue; 6] = components?.try_into().ok()?;
    let (cost_mesos, missing_parts) = match sum {
        [cost, missing, ..] => (cost.mesos()?, missing.integer()?),
        _ => default_sum(&components),
    };
    Some(ItemView {
        slot,
        name: head[1].text()?.to_owned(),
        components,
        cost_mesos,
        missing_parts,
    })
}

fn default_sum(components: &[impl Borrow<ComponentValue>; 6]) -> (Meso, u32) {
    let costs = components[..SUMMED]
        .iter()
        .map(|component| component.borrow().cost_mesos);
    costs.fold((Meso(0), 0), |(sum, missing), cost| match cost {
        Some(cost) => (Meso(sum.0 + cost.0), missing),
        None => (sum, missing + 1),
    })
}

/// A settled component is its status' place in `Status::ALL`.
fn push_settled(out: &mut String, status: Status) {
    let place = Status::ALL.iter().position(|known| *known == status);
    let place = place.expect("ALL lists every status");
    write!(out, "{place}").expect("a String takes all");
}

/// A component that is ok is an array.
fn priced(kind: ComponentKind, value: &ComponentValue) -> Box<str> {
    let mut text = String::new();
    let out = &mut text;
    out.push('[');
    push_mesos(out, value.cost_mesos);
    match kind {
        ComponentKind::Potential | ComponentKind::AdditionalPotential => push_resets(out, value),
        ComponentKind::Flame => push_flame(out, value),
        ComponentKind::Starforce | ComponentKind::GradeUp | ComponentKind::AdditionalGradeUp => {
            out.push(',');
            push_float(out, value.tries);
            push_detail(out, value);
        }
    }
    out.push(']');
    text.into_boxed_str()
}

/// `cost, fee`: tries, deviation and quantiles follow from them. Tries are written where they do not.
fn push_resets(out: &mut String, value: &ComponentValue) {
    let fee = match value.detail {
        Detail::Potential { fee_mesos, .. } => fee_mesos,
        Detail::None | Detail::Starforce { .. } | Detail::Flame { .. } => None,
    };
    out.push(',');
    push_mesos(out, fee);
    if tries_from(value.cost_mesos, fee).is_none() {
        out.push(',');
        push_float(out, value.tries);
    }
}

/// The mean number of resets, when a cost is known: the cost over the fee.
fn tries_from(cost: Option<Meso>, fee: Option<Meso>) -> Option<f64> {
    let (cost, fee) = (cost?, fee.filter(|fee| fee.0 > 0)?);
    #[expect(clippy::cast_precision_loss, reason = "tries are a float")]
    let tries = cost.0 as f64 / fee.0 as f64;
    // The cost is rounded to whole mesos, so that a sure reset may seem to need a little less.
    Some(tries.max(1.0))
}

fn push_detail(out: &mut String, value: &ComponentValue) {
    match &value.detail {
        Detail::None | Detail::Potential { .. } => {
            if value.sd_mesos.is_some() {
                out.push(',');
                push_float(out, value.sd_mesos);
            }
        }
        Detail::Starforce {
            target,
            destructions,
            spares,
            policy,
        } => {
            out.push(',');
            push_float(out, value.sd_mesos);
            out.push_str(&format!(",{target},"));
            push_float(out, Some(*destructions));
            out.push(',');
            push_text(out, &policy_letters(policy));
            if spares != destructions {
                out.push(',');
                push_float(out, Some(*spares));
            }
        }
        Detail::Flame { .. } => {}
    }
}

/// `cost, fee, score, boss, tries of powerful, of abyss flames`: tries and deviation follow from cost
/// and fee. Where they do not, the fee is null, and they are written last.
fn push_flame(out: &mut String, value: &ComponentValue) {
    let fee = flame_fee(value);
    out.push(',');
    push_mesos(out, fee);
    if let Detail::Flame {
        score,
        boss,
        tries_powerful,
        tries_abyss,
    } = &value.detail
    {
        out.push_str(&format!(",{score},{},", u8::from(*boss)));
        push_float(out, *tries_powerful);
        out.push(',');
        push_float(out, *tries_abyss);
    }
    if fee.is_none() {
        out.push(',');
        push_float(out, value.tries);
        if value.sd_mesos.is_some() {
            out.push(',');
            push_float(out, value.sd_mesos);
        }
    }
}

/// The fee of a reset, if tries and deviation follow from it and the cost to 5 digits.
fn flame_fee(value: &ComponentValue) -> Option<Meso> {
    let (cost, tries) = (value.cost_mesos?, value.tries?);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a cost is a product of fee and tries, rounded to whole mesos; it saturates"
    )]
    let fee = Meso((cost.0 as f64 / tries).round() as i128);
    let (read_tries, read_sd, _) = read_resets(Some(cost), Some(fee), None);
    let same = |read: Option<f64>, computed: f64| {
        read.is_some_and(|read| (read - computed).abs() <= 1e-6 * computed.abs())
    };
    (same(read_tries, tries) && same(read_sd, value.sd_mesos?)).then_some(fee)
}

fn read_component(kind: ComponentKind, cell: &Cell) -> Option<ComponentValue> {
    let cells = match cell {
        Cell::List(cells) => cells.as_slice(),
        place => return Some(ComponentValue::settled(settled_status(place)?)),
    };
    let at = |place: usize| cells.get(place).unwrap_or(&Cell::Null);
    let cost_mesos = at(0).mesos();
    let (tries, sd_mesos, detail) = match kind {
        ComponentKind::Potential | ComponentKind::AdditionalPotential => {
            read_resets(cost_mesos, at(1).mesos(), at(2).float())
        }
        ComponentKind::GradeUp | ComponentKind::AdditionalGradeUp => {
            (at(1).float(), at(2).float(), Detail::None)
        }
        ComponentKind::Starforce => {
            let destructions = at(4).float()?;
            let detail = Detail::Starforce {
                target: at(3).integer()?,
                destructions,
                spares: at(6).float().unwrap_or(destructions),
                policy: policy_of(at(5).text()?)?,
            };
            (at(1).float(), at(2).float(), detail)
        }
        ComponentKind::Flame => {
            let detail = Detail::Flame {
                score: at(2).integer()?,
                boss: at(3).integer::<u8>()? == 1,
                tries_powerful: at(4).float(),
                tries_abyss: at(5).float(),
            };
            match read_resets(cost_mesos, at(1).mesos(), None) {
                (None, _, _) => (at(6).float(), at(7).float(), detail),
                (tries, sd_mesos, _) => (tries, sd_mesos, detail),
            }
        }
    };
    Some(ComponentValue {
        status: Status::Ok,
        cost_mesos,
        tries,
        sd_mesos,
        detail,
    })
}

fn settled_status(place: &Cell) -> Option<Status> {
    let status = *Status::ALL.get(place.integer::<usize>()?)?;
    (status != Status::Ok).then_some(status)
}

/// Tries, deviation and quantiles of resets (VALUATION 4.3 and 8): the chance is 1 over tries.
fn read_resets(
    cost: Option<Meso>,
    fee: Option<Meso>,
    tries: Option<f64>,
) -> (Option<f64>, Option<f64>, Detail) {
    let from_cost = tries_from(cost, fee);
    let Some(tries) = from_cost.or(tries) else {
        return (None, None, Detail::None);
    };
    let Ok(probability) = Probability::new(1.0 / tries) else {
        return (Some(tries), None, Detail::None);
    };
    // The cost was rounded to whole mesos.
    #[expect(clippy::cast_precision_loss, reason = "it is a share")]
    let error = from_cost
        .and(cost)
        .map_or(0.0, |cost| 0.5 / cost.0.max(1) as f64);
    #[expect(clippy::cast_precision_loss, reason = "a fee is far below 2^53")]
    let sd_mesos = fee.map(|fee| fee.0 as f64 * (1.0 - probability.get()).sqrt() * tries);
    let detail = Detail::Potential {
        probability,
        fee_mesos: fee,
        tries_quantiles: tries_quantiles_of_mean(tries, error),
    };
    (Some(tries), sd_mesos, detail)
}

/// The actions from star 15 on, a letter each (`d`own to 12, `r`estore, `s`afeguard); a policy of
/// any other form in words.
fn policy_letters(policy: &[(u8, String)]) -> String {
    let letters: Option<String> = policy
        .iter()
        .zip(POLICY_FROM..)
        .map(|((star, action), place)| {
            let restored = format!("->{}", (*star).min(22));
            match action.as_str() {
                _ if *star != place => None,
                "->12" => Some('d'),
                "safeguard" => Some('s'),
                action => (action == restored).then_some('r'),
            }
        })
        .collect();
    letters.unwrap_or_else(|| {
        let words: Vec<_> = policy
            .iter()
            .map(|(star, action)| format!("{star}:{action}"))
            .collect();
        words.join(" ")
    })
}

fn policy_of(text: &str) -> Option<Vec<(u8, String)>> {
    if text.contains(':') {
        let words = text.split(' ').map(|word| word.split_once(':'));
        return words
            .map(|word| {
                word.and_then(|(star, action)| Some((star.parse().ok()?, action.to_owned())))
            })
            .collect();
    }
    text.chars()
        .zip(POLICY_FROM..)
        .map(|(letter, star)| {
            let action = match letter {
                'd' => "->12".to_owned(),
                's' => "safeguard".to_owned(),
                'r' => format!("->{}", star.min(22)),
                _ => return None,
            };
            Some((star, action))
        })
        .collect()
}

/// Reads the rows of a breakdown.
pub(super) fn decode_all(cells: &[Cell]) -> Result<Vec<ItemView>, ViewFormError> {
    let rows: Option<Vec<_>> = cells.iter().map(decode).collect();
    rows.ok_or(ViewFormError::Shape { what: "the items" })
}

#[cfg(test)]
#[path = "item_row/tests.rs"]
mod tests;
