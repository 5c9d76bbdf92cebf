//! How a component's price comes about, and which rows of the tables it depends on.

use std::collections::BTreeSet;

use valuation::potential::{Family, PartId, PotentialKind};
use valuation::requirement::{Aspect, Need, Requirement};
use valuation::{ComponentValue, Detail, Key, Keyed, Ruleset, Status, TableId, key, money_text};

/// The formula with its numbers.
pub(super) fn of(ruleset: &Ruleset, keyed: &Keyed, value: &ComponentValue) -> String {
    match keyed {
        Keyed::Settled(status) => settled(*status).to_owned(),
        Keyed::Priced(key) => priced(ruleset, key, value),
    }
}

/// What the price depends on, one row each; runs of stars together.
pub(super) fn tables(ruleset: &Ruleset, keyed: &Keyed) -> Vec<String> {
    let Some(key) = keyed.key() else {
        return Vec::new();
    };
    let tables = key::dependencies(ruleset, key);
    let stars = run(&tables, |table| match table {
        TableId::Star(star) => Some(*star),
        _ => None,
    });
    let scrolls = run(&tables, |table| match table {
        TableId::Scroll(star) => Some(*star),
        _ => None,
    });
    let runs = [("starforce", stars), ("scrolls", scrolls)];
    let runs = runs.into_iter().filter_map(|(what, run)| {
        let (first, last) = run?;
        Some(format!(
            "odds and fees of {what} at stars {first} to {last}"
        ))
    });
    let named = tables.iter().filter_map(|table| named(ruleset, table));
    named.chain(runs).collect()
}

fn settled(status: Status) -> &'static str {
    match status {
        Status::Ok => "a price",
        Status::NoValue => {
            "nothing of it matters to the class: nothing is asked for, so it costs nothing"
        }
        Status::None => "the item does not have it, so it costs nothing",
        Status::Granted => "the item comes with it, so it costs nothing",
        Status::UnknownOption => "a line is no option that the tables know",
        Status::UnknownClass => "the class is not in the tables",
        Status::UnknownTable => "there is no odds table for such an item",
        Status::UnknownRules => "the rules of such items are not known",
        Status::Impossible => "no attempt can reach it",
    }
}

fn priced(ruleset: &Ruleset, key: &Key, value: &ComponentValue) -> String {
    let no_price = match value.status {
        Status::Ok => None,
        status => Some(settled(status)),
    };
    let formula = match key {
        Key::Potential(key) => format!(
            "fee of a reset / chance that three new lines reach {}{}",
            asked(&key.requirement),
            match &value.detail {
                Detail::Potential {
                    probability,
                    fee_mesos,
                    tries_quantiles: [p50, p90, p99],
                } => format!(
                    " = {} / {:.6e}; resets that suffice in 50, 90, 99 of 100 cases: {p50}, {p90}, {p99}{}",
                    fee_mesos.map_or_else(
                        || "a price that the ruleset does not give".to_owned(),
                        |fee| money_text::digits(Some(fee))
                    ),
                    probability.get(),
                    cost_quantiles(&value.detail),
                ),
                Detail::None | Detail::Starforce { .. } | Detail::Flame { .. } => String::new(),
            }
        ),
        Key::GradeUp(key) => format!(
            "sum over the grades from 레어 to below {} of fee of a reset / chance to rise{}",
            key.grade.korean(),
            tries(value, "resets"),
        ),
        Key::Starforce { level, target } => format!(
            "the least expected cost over all policies from star 0 to {} at level {}{}{}",
            target.0,
            level.0,
            tries(value, "tries"),
            policy(value),
        ),
        Key::Noljang { level, target } => format!(
            "expected cost of scrolls from star 0 to {} at level {}{}{}",
            target.0,
            level.0,
            tries(value, "scrolls"),
            policy(value),
        ),
        Key::Flame(key) => format!(
            "{} a reset / chance that a reset scores {} or more on {} of level {}{}",
            money_text::digits(Some(ruleset.rules().flame.reset_mesos)),
            key.score,
            match (key.boss, key.weapon) {
                (true, true) => "a boss weapon",
                (true, false) => "a boss item",
                (false, true) => "a weapon",
                (false, false) => "an item",
            },
            key.level.0,
            tries(value, "resets"),
        ),
    };
    match no_price {
        None => formula,
        Some(why) => format!("{formula}: {why}"),
    }
}

fn tries(value: &ComponentValue, what: &str) -> String {
    value
        .tries
        .map_or_else(String::new, |tries| format!("; {tries:.2} {what} expected"))
}

/// What those numbers of resets cost; nothing without a price.
fn cost_quantiles(detail: &Detail) -> String {
    let costs = detail.cost_quantiles();
    if costs.iter().all(Option::is_none) {
        return String::new();
    }
    let costs = costs.map(|cost| match cost {
        Some(_) => money_text::digits(cost),
        None => "more than can be counted".to_owned(),
    });
    format!("; they cost {}", costs.join("; "))
}

fn policy(value: &ComponentValue) -> String {
    let Detail::Starforce {
        destructions,
        spares,
        policy,
        ..
    } = &value.detail
    else {
        return String::new();
    };
    let steps = policy
        .iter()
        .map(|(star, action)| format!("{star}:{action}"));
    let steps: Vec<String> = steps.collect();
    let mut text = format!("; {destructions:.3} destructions, {spares:.3} spares");
    if !steps.is_empty() {
        text += &format!("; policy {}", steps.join(" "));
    }
    text
}

/// `int percent 30, magic percent 9`.
fn asked(requirement: &Requirement) -> String {
    let needs: Vec<String> = requirement.needs().iter().map(need_text).collect();
    needs.join(", ")
}

fn need_text(need: &Need) -> String {
    let aspect = words(&format!("{:?}", need.aspect));
    match need.aspect {
        Aspect::IgnoredDefence => {
            format!("{aspect} {:.2} %", f64::from(need.amount) / 10_000.0)
        }
        _ => format!("{aspect} {}", need.amount),
    }
}

/// `IntPercent` as `int percent`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The least and the largest of the numbers that `number` finds.
fn run(tables: &BTreeSet<TableId>, number: impl Fn(&TableId) -> Option<u8>) -> Option<(u8, u8)> {
    let mut numbers = tables.iter().filter_map(number);
    let first = numbers.next()?;
    Some((first, numbers.next_back().unwrap_or(first)))
}

/// Nothing for stars and scrolls, which are told as runs.
fn named(ruleset: &Ruleset, table: &TableId) -> Option<String> {
    let part = |part: PartId| ruleset.rules().part_name(part).unwrap_or("unknown part");
    let kind = |kind: PotentialKind| kind.name();
    let name = match *table {
        TableId::Odds {
            kind: of,
            part: worn,
            grade,
            min_level,
        } => format!(
            "{} odds of {} {} from level {}",
            kind(of),
            part(worn),
            grade.korean(),
            min_level.0
        ),
        TableId::Fee {
            kind: of,
            grade,
            min_level,
        } => format!(
            "{} fee of {} from level {}",
            kind(of),
            grade.korean(),
            min_level.0
        ),
        TableId::OwnShares { kind: of, grade } => {
            format!(
                "{} shares of {} in the three lines",
                kind(of),
                grade.korean()
            )
        }
        TableId::Step { kind: of, from } => format!("{} step up from {}", kind(of), from.korean()),
        TableId::Limit(Family::Unlimited) => return None,
        TableId::Limit(family) => format!("the limit of lines {:?}", family.text()),
        TableId::StarforceTerms => "switches, prices and restores of starforce".to_owned(),
        TableId::NoljangTerms => "switches and prices of scrolls".to_owned(),
        TableId::Flame => "flames".to_owned(),
        TableId::Star(_) | TableId::Scroll(_) => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_code_is_told_in_words() {
        assert_eq!(words("IntPerNineLevels"), "int per nine levels");
    }

    #[test]
    fn quantiles_of_the_cost_are_told_where_there_is_a_price() {
        let potential = |fee_mesos, tries_quantiles| Detail::Potential {
            probability: valuation::Probability::ONE,
            fee_mesos,
            tries_quantiles,
        };
        let fee = Some(valuation::Meso(1_000_000));
        assert_eq!(
            cost_quantiles(&potential(fee, [1, 2, 3_000])),
            "; they cost 1,000,000; 2,000,000; 3,000,000,000"
        );
        assert_eq!(cost_quantiles(&potential(None, [1, 2, 3])), "");
    }

    #[test]
    fn stars_are_told_as_a_run() {
        let ruleset = odds::shipped(odds::SHIPPED[0]).unwrap();
        let key = Keyed::Priced(Key::Starforce {
            level: valuation::Level(200),
            target: valuation::Star(17),
        });
        assert_eq!(
            tables(&ruleset, &key),
            [
                "switches, prices and restores of starforce",
                "odds and fees of starforce at stars 0 to 16"
            ]
        );
    }
}
