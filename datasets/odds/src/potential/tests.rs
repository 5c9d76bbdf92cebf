use valuation::OptionGrade;
use valuation::potential::PartId;

use super::*;
use crate::{OddsError, Settings, who};

const LEGACY: &str = include_str!("../../tables/potential_legacy.txt");

/// What is said when `from` stands as `to` in a table.
fn error_of(table: &str, from: &str, to: &str) -> String {
    let shipped = Tables::shipped();
    let text = shipped.text(table);
    assert!(text.contains(from), "{from:?} stands in {table}");
    let changed = shipped.clone().with(table, text.replacen(from, to, 1));
    let error = Settings::shipped("kms_2026_03")
        .unwrap()
        .ruleset(&changed)
        .unwrap_err();
    let OddsError::Table(error) = error else {
        panic!("{error} is about a table")
    };
    error.to_string()
}

#[test]
fn the_shipped_tables_are_whole() {
    let rules = crate::shipped("kms_2026_03").unwrap();
    let rules = rules.rules();
    assert_eq!(rules.main.places().count(), 615);
    assert_eq!(rules.additional.places().count(), 618);
    assert_eq!(rules.parts.len(), 20);
    assert_eq!(rules.classes.len(), 49);
    assert_eq!(
        rules.main.fee(Grade::Legendary, Level(250)),
        Some(Meso(50_000_000))
    );
}

#[test]
fn the_tables_of_older_cubes_are_whole_too() {
    let parts = who::parts(&Tables::shipped()).unwrap();
    assert_eq!(
        blocks::placed("potential_legacy.txt", LEGACY, &parts)
            .unwrap()
            .len(),
        144
    );
}

#[test]
fn a_table_stands_where_its_lines_say() {
    let rules = crate::shipped("kms_2026_03").unwrap();
    let rules = rules.rules();
    let hat = rules.part_named("모자").unwrap();
    let placed = rules
        .main
        .placed(hat, OptionGrade::Legendary, Level(250))
        .unwrap();
    assert_eq!(placed.table.weights()["스킬 재사용 대기시간 -2초"], 2);
    assert_eq!(
        (placed.min_level, placed.max_level),
        (Level(201), Level(250))
    );
    assert!(
        rules
            .main
            .placed(PartId(99), OptionGrade::Legendary, Level(250))
            .is_none()
    );
}

#[test]
fn a_wrong_weight_is_named_with_file_row_and_value() {
    assert_eq!(
        error_of("potential_main.txt", "3 STR +5\n", "4 STR +5\n"),
        "potential_main.txt row 5: total is \"22\", expected 23, the sum of the weights"
    );
    assert_eq!(
        error_of("potential_main.txt", "3 STR +5\n", "-3 STR +5\n"),
        "potential_main.txt row 7: weight is \"-3\", expected `table TOTAL`, `at ...`, \
         or `WEIGHT OPTION` with a weight above 0"
    );
}

#[test]
fn options_and_places_are_checked() {
    for (from, to, expected) in [
        (
            "3 STR +5\n",
            "3 STR 5\n",
            "row 7: option is \"STR 5\", expected a known option",
        ),
        (
            "3 DEX +5\n",
            "3 STR +5\n",
            "row 8: option is \"STR +5\", expected each option once",
        ),
        (
            "at 노멀 71..80 무기",
            "at 노멀 80..71 무기",
            "row 6: levels is \"80..71\"",
        ),
        (
            "at 노멀 71..80 무기",
            "at 노말 71..80 무기",
            "row 6: grade is \"노말\"",
        ),
        (
            "at 노멀 71..80 무기",
            "at 노멀 71..80 창",
            "row 6: part is \"창\"",
        ),
        (
            "at 노멀 71..80 무기",
            "at 노멀 71..81 무기",
            "expected levels that line 6 does not have",
        ),
        (
            "at 노멀 71..80 무기 | ",
            "at 노멀 71..80 ",
            "무기 레어 at level 71",
        ),
        (
            "at 노멀 71..80 무기",
            "at 노멀 71..79 무기",
            "무기 레어 at level 80",
        ),
    ] {
        let error = error_of("potential_main.txt", from, to);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn gaps_in_levels_grades_and_steps_are_found() {
    for (table, from, to, expected) in [
        (
            "reset_fees.csv",
            "main,레어,160,",
            "main,레어,161,",
            "row 3: min_level is \"161\", expected 160",
        ),
        (
            "reset_fees.csv",
            "main,레어,250,300",
            "main,레어,250,299",
            "the last max_level of main 레어 is 299",
        ),
        (
            "reset_fees.csv",
            "4000000",
            "-1",
            "row 2: mesos is \"-1\", expected a number from 0 to",
        ),
        (
            "grade_up.csv",
            "black,레어",
            "black,유니크",
            "row 2: from is \"유니크\"",
        ),
        (
            "grade_up.csv",
            "0.035",
            "1.035",
            "row 3: chance is \"1.035\", expected a number from 0 to 1",
        ),
        (
            "line_shares.csv",
            "black,레어,1,0.200000",
            "black,레어,1,0.2000001",
            "row 2: line_2 is \"0.2000001\"",
        ),
        (
            "line_shares.csv",
            "black,레어",
            "block,레어",
            "the number of grades of black is 3",
        ),
        (
            "option_limits.csv",
            "쓸만한,1",
            "쓸만한,0",
            "row 2: max_lines is \"0\"",
        ),
        (
            "cubes.csv",
            "red,main",
            "black,main",
            "row 3: cube is \"black\", expected each cube once",
        ),
        (
            "classes.csv",
            "히어로,STR",
            "히어로,STL",
            "row 2: main_stats is \"STL\"",
        ),
        (
            "parts.csv",
            "모자,모자",
            "모자,무기",
            "row 7: slots is \"무기\"",
        ),
        (
            "parts.csv",
            "is 한벌옷",
            "was 한벌옷",
            "row 9: worn_part is \"was 한벌옷\"",
        ),
    ] {
        let error = error_of(table, from, to);
        assert!(
            error.starts_with(table) && error.contains(expected),
            "{table} {to}: {error}"
        );
    }
}

#[test]
fn a_decimal_is_read_exactly() {
    assert_eq!(exact_share("0.004975"), Share::new(4_975, 1_000_000).ok());
    assert_eq!(exact_share("1"), Share::new(1, 1).ok());
    for text in ["", "1.1", "0.0000001", "-0.1", "0,5", ".5", "2"] {
        assert_eq!(exact_share(text), None, "{text:?}");
    }
}
