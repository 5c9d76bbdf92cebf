use serde_json::json;
use valuation::money_text;

use crate::golden;

#[test]
fn every_golden_text_holds() {
    let held = golden::hold("money_text.jsonl", |line| {
        let mesos = line.arguments["mesos"]
            .as_str()
            .map(|text| money_text::whole_mesos(text).unwrap());
        let text = match line.text("form") {
            "units" => money_text::units(mesos),
            "short" => money_text::short(mesos),
            "digits" => money_text::digits(mesos),
            form => panic!("unknown form {form}"),
        };
        Some(json!({ "text": text }))
    });
    assert_eq!(held, 160);
}
