use valuation::{Level, Star};

use super::*;

fn rules() -> Ruleset {
    odds::shipped(odds::SHIPPED[0]).unwrap()
}

/// The prices of some keys of several kinds.
fn prices(rules: &Ruleset) -> Vec<(Key, SharedComponent)> {
    let levels = [100, 160, 200].map(Level);
    let stars = (1..=22).map(Star);
    let keys = stars.flat_map(|target| {
        levels.into_iter().flat_map(move |level| {
            [
                Key::Starforce { level, target },
                Key::Noljang { level, target },
            ]
        })
    });
    keys.map(|key| {
        let price = key::price(rules, &key).into();
        (key, price)
    })
    .collect()
}

fn write(memo: &PriceMemo, prices: &[(Key, SharedComponent)]) {
    memo.write(prices.iter().map(|(key, price)| (key, price)))
        .unwrap();
}

struct Written {
    _dir: tempfile::TempDir,
    folder: JobFolder,
    memo: PriceMemo,
    rules: Ruleset,
    prices: Vec<(Key, SharedComponent)>,
}

fn written() -> Written {
    let dir = tempfile::tempdir().unwrap();
    let folder = JobFolder::open(dir.path()).unwrap();
    let rules = rules();
    let memo = PriceMemo::new(&folder, "code 1", rules.hash());
    let prices = prices(&rules);
    write(&memo, &prices);
    Written {
        _dir: dir,
        folder,
        memo,
        rules,
        prices,
    }
}

#[test]
fn what_is_remembered_is_what_was_computed_bit_by_bit() {
    let of = written();
    let memo = of.memo.load(&of.rules);
    assert_eq!(memo.len(), of.prices.len());
    let bits = |price: &SharedComponent| {
        let floats = [price.tries, price.sd_mesos].map(|float| float.map(f64::to_bits));
        (floats, format!("{price:?}"))
    };
    for (key, price) in &of.prices {
        assert_eq!(bits(&memo[key]), bits(price), "{key:?}");
    }
}

#[test]
fn a_memo_of_another_ruleset_or_code_is_refused() {
    let of = written();
    let other = odds::shipped(odds::SHIPPED[1]).unwrap();
    assert_ne!(other.hash(), of.rules.hash());

    let of_other = PriceMemo::new(&of.folder, "code 1", other.hash());
    assert!(of_other.load(&other).is_empty(), "it has a file of its own");
    fs::copy(&of.memo.path, &of_other.path).unwrap();
    assert!(
        matches!(of_other.read(), Err(MemoError::Ruleset { found }) if found == of.rules.hash())
    );
    assert!(of_other.load(&other).is_empty());

    let newer = PriceMemo::new(&of.folder, "code 2", of.rules.hash());
    assert!(matches!(newer.read(), Err(MemoError::Code { found, .. }) if found == "code 1"));
    assert!(newer.load(&of.rules).is_empty());
}

#[test]
fn a_memo_whose_prices_come_out_otherwise_is_refused() {
    let of = written();
    // As if the code had changed and its version had not.
    let mut prices = of.prices.clone();
    prices.rotate_left(1);
    let swapped = of.prices.iter().zip(&prices);
    let wrong: Vec<_> = swapped
        .map(|((key, _), (_, price))| (key.clone(), price.clone()))
        .collect();
    write(&of.memo, &wrong);

    let read = of.memo.read().unwrap();
    assert!(matches!(
        sampled(&of.rules, read),
        Err(MemoError::Wrong { .. })
    ));
    assert!(of.memo.load(&of.rules).is_empty());
}

#[test]
fn a_memo_with_any_byte_changed_or_missing_is_refused() {
    let of = written();
    let whole = fs::read(&of.memo.path).unwrap();
    for place in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        fs::write(&of.memo.path, &changed).unwrap();
        assert!(of.memo.read().is_err(), "byte {place}");
        fs::write(&of.memo.path, &whole[..place]).unwrap();
        assert!(of.memo.load(&of.rules).is_empty(), "{place} bytes");
    }
    fs::write(&of.memo.path, &whole).unwrap();
    assert_eq!(of.memo.load(&of.rules).len(), of.prices.len());
}

#[test]
fn memos_of_old_rulesets_go() {
    let of = written();
    for number in 0..6_u8 {
        let memo = PriceMemo::new(&of.folder, "code 1", RulesetHash([number; 32]));
        write(&memo, &of.prices[..1]);
    }
    write(&of.memo, &of.prices);
    let folder = of.memo.path.parent().unwrap();
    let left = fs::read_dir(folder).unwrap().count();
    assert_eq!(left, RULESETS_MAX);
    assert!(of.memo.path.exists());
}
