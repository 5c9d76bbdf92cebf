use valuation::starforce::Edition;

use super::*;

const SHIPPED: StarforceTexts<'_> = StarforceTexts::SHIPPED;
const KMS_2025: StarforceChoice = StarforceChoice::Kms2025 {
    star_catch: true,
    destruction_event: true,
    cost_event: true,
    safeguard: false,
};
const KMS_2026: StarforceChoice = StarforceChoice::Kms2026 {
    destruction_event: true,
    cost_event: true,
    safeguard: true,
    spare_price_mesos: 0,
};
const NOLJANG: NoljangChoice = NoljangChoice {
    cost_event: true,
    failure_mesos: 150_400_000,
};

/// What is said when `from` stands as `to` in one of the tables.
fn error_of(text: &str, from: &str, to: &str, load: impl Fn(&str) -> Option<SheetError>) -> String {
    assert!(text.contains(from), "{from:?} stands in the table");
    load(&text.replacen(from, to, 1)).map_or_else(String::new, |error| error.to_string())
}

#[test]
fn the_shipped_tables_are_whole() {
    for choice in [KMS_2025, KMS_2026] {
        let rules = starforce_rules(&SHIPPED, choice).unwrap();
        assert_eq!(rules.stars.len(), 30);
        assert_eq!(rules.max_stars.len(), 6);
    }
    assert_eq!(noljang_rules(&SHIPPED, NOLJANG).unwrap().stars.len(), 15);
    assert_eq!(granted(&SHIPPED).unwrap().len(), 2);
}

#[test]
fn restores_belong_to_the_edition_that_has_traces() {
    let rules = starforce_rules(&SHIPPED, KMS_2026).unwrap();
    let Edition::Kms2026(edition) = rules.edition else {
        panic!("the edition chosen")
    };
    assert_eq!(edition.restores.len(), 58);
}

#[test]
fn a_missing_star_is_named_with_file_row_and_value() {
    let rates = |text: &str| {
        starforce_rules(
            &StarforceTexts {
                rates: text,
                ..SHIPPED
            },
            KMS_2026,
        )
        .err()
    };
    assert_eq!(
        error_of(SHIPPED.rates, "kms_2026_03,4,0.84,0\n", "", rates),
        "starforce_rates.csv row 6: star is \"5\", expected 4, so that none is left out",
    );
    assert_eq!(
        error_of(SHIPPED.rates, "kms_2026_03,29,0.0105,0.1979\n", "", rates),
        "starforce_rates.csv: the number of stars of kms_2026_03 is 29, expected 30, the highest star",
    );
}

#[test]
fn chances_beyond_one_are_refused() {
    let rates = |text: &str| {
        starforce_rules(
            &StarforceTexts {
                rates: text,
                ..SHIPPED
            },
            KMS_2026,
        )
        .err()
    };
    assert_eq!(
        error_of(SHIPPED.rates, "15,0.315,0.02055", "15,0.315,0.7", rates),
        "starforce_rates.csv row 17: destroy is \"0.7\", expected at most 1 - 0.315",
    );
    assert_eq!(
        error_of(SHIPPED.rates, "15,0.315,0.02055", "15,1.315,0.02055", rates),
        "starforce_rates.csv row 17: success is \"1.315\", expected a number from 0 to 1",
    );
    assert_eq!(
        error_of(SHIPPED.rates, "15,0.315,0.02055", "15,0,0.02055", rates),
        "starforce_rates.csv row 17: success is \"0\", expected a chance above 0",
    );
}

#[test]
fn a_gap_between_levels_is_refused() {
    let levels = |text: &str| {
        starforce_rules(
            &StarforceTexts {
                max_star: text,
                ..SHIPPED
            },
            KMS_2025,
        )
        .err()
    };
    assert_eq!(
        error_of(SHIPPED.max_star, "108,117", "109,117", levels),
        "starforce_max_star.csv row 4: min_level is \"109\", expected 108, so that none is left out",
    );
    assert_eq!(
        error_of(SHIPPED.max_star, "138,300", "138,299", levels),
        "starforce_max_star.csv: the last max_level is 299, expected 300",
    );
}

#[test]
fn a_restore_that_contradicts_its_ratio_or_its_neighbours_is_refused() {
    let restore = |text: &str| {
        starforce_rules(
            &StarforceTexts {
                restore: text,
                ..SHIPPED
            },
            KMS_2026,
        )
        .err()
    };
    assert_eq!(
        error_of(
            SHIPPED.restore,
            "200,22,4,24168000000",
            "200,22,4,24268000000",
            restore
        ),
        "starforce_restore.csv row 51: mesos_over_try_cost is \"127.208\", expected 127.734",
    );
    assert_eq!(
        error_of(SHIPPED.restore, "200,22,4,", "200,22,5,", restore),
        "starforce_restore.csv row 51: spares is \"5\", expected 4, as at level 140",
    );
    assert_eq!(
        error_of(
            SHIPPED.restore,
            "200,22,4,24168000000,127.208\n",
            "",
            restore
        ),
        "starforce_restore.csv: the last trace_star of level 200 is 21, expected 22",
    );
}

#[test]
fn other_columns_are_refused() {
    let fees = |text: &str| {
        starforce_rules(
            &StarforceTexts {
                fees: text,
                ..SHIPPED
            },
            KMS_2026,
        )
        .err()
    };
    assert!(error_of(SHIPPED.fees, "divisor", "factor", fees).contains("expected [\"min_star\""));
}

#[test]
fn a_scroll_table_with_a_gap_is_refused() {
    let scrolls = |text: &str| {
        noljang_rules(
            &StarforceTexts {
                noljang: text,
                ..SHIPPED
            },
            NOLJANG,
        )
        .err()
    };
    assert_eq!(
        error_of(SHIPPED.noljang, "3,0.4\n", "", scrolls),
        "noljang_rates.csv row 5: star is \"4\", expected 3, so that none is left out",
    );
}

#[test]
fn a_grant_without_a_name_is_refused() {
    let text = "slot,name_prefix,note\n무기, ,\n";
    let error = granted(&StarforceTexts {
        granted: text,
        ..SHIPPED
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "granted.csv row 2: name_prefix is \" \", expected a text"
    );
}
