use std::collections::BTreeMap;

use proptest::prelude::*;
use valuation::option::{self, Effect};
use valuation::potential::{Draw, Family, Limits, OddsTable, Share, probability};
use valuation::ratio::Ratio;
use valuation::requirement::{Aspect, Need, Requirement};

/// Options of every kind of effect that a small requirement can see, and of all limited families.
const OPTIONS: [&str; 18] = [
    "STR +3%",
    "STR +6%",
    "STR +12",
    "올스탯 +3%",
    "올스탯 +5",
    "DEX +9%",
    "캐릭터 기준 9레벨 당 STR +1",
    "몬스터 방어율 무시 +30%",
    "몬스터 방어율 무시 +40%",
    "보스 몬스터 데미지 +30%",
    "스킬 재사용 대기시간 -1초",
    "아이템 드롭률 +20%",
    "최대 MP +6%",
    "<쓸만한 헤이스트> 스킬 사용 가능",
    "<쓸만한 샤프 아이즈> 스킬 사용 가능",
    "피격 후 무적시간 +1초",
    "피격 시 5% 확률로 데미지의 20% 무시",
    "피격 시 2% 확률로 7초간 무적",
];

const ASPECTS: [Aspect; 8] = [
    Aspect::StrPercent,
    Aspect::StrFlat,
    Aspect::StrPerNineLevels,
    Aspect::DexPercent,
    Aspect::IgnoredDefence,
    Aspect::BossDamage,
    Aspect::Cooldown,
    Aspect::ItemDrop,
];

fn tables() -> impl Strategy<Value = OddsTable> {
    // One option that is always allowed, and some others.
    let others = proptest::collection::btree_map(0..OPTIONS.len(), 1_u32..9, 0..7);
    (0_usize..13, 1_u32..9, others).prop_map(|(free, weight, others)| {
        let mut weights: BTreeMap<String, u32> = others
            .into_iter()
            .map(|(at, weight)| (OPTIONS[at].to_owned(), weight))
            .collect();
        weights.insert(OPTIONS[free].to_owned(), weight);
        OddsTable::new(weights).unwrap()
    })
}

fn shares() -> impl Strategy<Value = [Share; 3]> {
    let share = prop_oneof![
        Just(Share::WHOLE),
        (0_u32..=10).prop_map(|part| Share::new(part, 10).unwrap()),
        Just(Share::new(4_975, 1_000_000).unwrap()),
    ];
    [share.clone(), share.clone(), share]
}

fn limits() -> impl Strategy<Value = Limits> {
    [0_u8..4, 0_u8..4, 0_u8..4, 0_u8..4].prop_map(|most| {
        Limits::new(
            Family::LIMITED
                .into_iter()
                .zip(most)
                .filter(|&(_, most)| most > 0),
        )
    })
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let need = (0..ASPECTS.len(), 1_u32..20).prop_map(|(at, amount)| {
        let aspect = ASPECTS[at];
        // In steps that lines can reach; ignored defence in millionths.
        let amount = match aspect {
            Aspect::IgnoredDefence => amount * 50_000,
            Aspect::StrPerNineLevels | Aspect::Cooldown => amount.min(4),
            _ => amount * 2,
        };
        Need { aspect, amount }
    });
    proptest::collection::vec(need, 0..4).prop_map(|needs| needs.into_iter().collect())
}

/// One option of a line's mixed table, and its weight as a fraction.
type Row = (Family, Option<Effect>, Ratio);

fn mixed(own: &OddsTable, below: &OddsTable, share: Share) -> Vec<Row> {
    let (part, of) = share.into();
    let rows = |table: &OddsTable, part: u32| {
        let total = u64::from(table.total()) * u64::from(of);
        let row = |(text, weight): (&String, &u32)| {
            let chance = Ratio::new(u64::from(*weight) * u64::from(part), total);
            (Family::of(text), option::parse(text).unwrap(), chance)
        };
        table.weights().iter().map(row).collect::<Vec<_>>()
    };
    let mut mixed = rows(own, part);
    mixed.extend(rows(below, of - part));
    mixed
}

/// The sum over all triples of options, each drawn from what the limits leave.
fn by_brute_force(lines: &[Vec<Row>; 3], requirement: &Requirement, limits: &Limits) -> f64 {
    let allowed = |drawn: &[Family], family: Family| {
        let so_far = drawn.iter().filter(|&&other| other == family).count();
        limits
            .most(family)
            .is_none_or(|most| so_far < usize::from(most))
    };
    let chances = |line: &[Row], drawn: &[Family]| -> Vec<(Family, Option<Effect>, f64)> {
        let left: f64 = line
            .iter()
            .filter(|row| allowed(drawn, row.0))
            .map(|row| row.2.to_f64())
            .sum();
        line.iter()
            .filter(|row| allowed(drawn, row.0) && !row.2.is_zero())
            .map(|row| (row.0, row.1, row.2.to_f64() / left))
            .collect()
    };
    let mut sum = 0.0;
    for one in chances(&lines[0], &[]) {
        for two in chances(&lines[1], &[one.0]) {
            for three in chances(&lines[2], &[one.0, two.0]) {
                if requirement.is_met_by(&[one.1, two.1, three.1]) {
                    sum += one.2 * two.2 * three.2;
                }
            }
        }
    }
    sum
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn the_probability_is_that_of_all_triples_of_options(
        own in tables(),
        below in tables(),
        shares in shares(),
        limits in limits(),
        requirement in requirements(),
    ) {
        let draws = shares.map(|share| Draw { own: &own, below: Some(&below), share });
        let exact = probability(draws, &requirement, &limits).to_f64();
        let lines = shares.map(|share| mixed(&own, &below, share));
        let wanted = by_brute_force(&lines, &requirement, &limits);

        prop_assert!((0.0..=1.0).contains(&exact), "{exact}");
        prop_assert!((exact - wanted).abs() <= 1e-12 * wanted.max(1e-3), "{exact} is not {wanted}");
        prop_assert_eq!(exact == 0.0, wanted == 0.0);
    }

    #[test]
    fn nothing_asked_for_is_certain(
        own in tables(),
        below in tables(),
        shares in shares(),
        limits in limits(),
    ) {
        let draws = shares.map(|share| Draw { own: &own, below: Some(&below), share });
        let certain = Ratio::new(1_u32, 1_u32);
        prop_assert_eq!(probability(draws, &Requirement::default(), &limits), certain);
    }

    #[test]
    fn a_stronger_requirement_is_never_more_likely(
        own in tables(),
        below in tables(),
        shares in shares(),
        limits in limits(),
        requirement in requirements(),
        more in requirements(),
    ) {
        let draws = shares.map(|share| Draw { own: &own, below: Some(&below), share });
        let both = requirement.needs().iter().chain(more.needs()).copied();
        let stronger: Requirement = both.collect();
        prop_assert!(
            probability(draws, &stronger, &limits) <= probability(draws, &requirement, &limits)
        );
    }
}
