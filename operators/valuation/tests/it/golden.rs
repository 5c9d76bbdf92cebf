//! Golden lines: `in` answered and compared with `out`.

use std::path::Path;

use serde_json::{Map, Value};

/// A golden line.
pub(crate) struct Line {
    id: String,
    /// The function asked for.
    pub(crate) function: String,
    /// The ruleset, where the answer depends on it.
    pub(crate) ruleset: Option<String>,
    /// The arguments.
    pub(crate) arguments: Value,
    wanted: Map<String, Value>,
    tolerance: Option<f64>,
}

/// The lines of a golden file.
pub(crate) fn lines(file: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../datasets/golden")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines()
        .map(|line| Line::parse(&serde_json::from_str(line).unwrap()))
        .collect()
}

/// Answers every line of `file` and demands what it says; returns how many there were.
pub(crate) fn hold(file: &str, answer: impl Fn(&Line) -> Option<Value>) -> usize {
    let mut held = 0;
    for line in lines(file) {
        let Some(got) = answer(&line) else { continue };
        for (key, wanted) in &line.wanted {
            let got = got.get(key).unwrap_or(&Value::Null);
            assert!(
                same(wanted, got, line.tolerance),
                "{} {key}: wanted {wanted}, got {got} for {}",
                line.id,
                line.arguments,
            );
        }
        held += 1;
    }
    held
}

impl Line {
    fn parse(line: &Value) -> Self {
        let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: text("id").unwrap(),
            function: text("fn").unwrap(),
            ruleset: text("ruleset"),
            arguments: line["in"].clone(),
            wanted: line["out"].as_object().unwrap().clone(),
            tolerance: line.get("tol").and_then(Value::as_f64),
        }
    }

    /// A whole argument.
    pub(crate) fn whole<N: TryFrom<i64>>(&self, name: &str) -> N {
        let number = self.arguments[name]
            .as_i64()
            .unwrap_or_else(|| panic!("{}: {name}", self.id));
        N::try_from(number).unwrap_or_else(|_| panic!("{}: {name} {number}", self.id))
    }

    /// A switch.
    pub(crate) fn switch(&self, name: &str) -> bool {
        self.arguments[name]
            .as_bool()
            .unwrap_or_else(|| panic!("{}: {name}", self.id))
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.arguments[name]
            .as_str()
            .unwrap_or_else(|| panic!("{}: {name}", self.id))
    }
}

fn same(wanted: &Value, got: &Value, tolerance: Option<f64>) -> bool {
    match (wanted.as_f64(), got.as_f64(), tolerance) {
        (Some(wanted), Some(got), Some(tolerance)) => {
            (wanted - got).abs() <= tolerance * wanted.abs()
        }
        (Some(wanted), Some(got), None) => wanted == got,
        _ => wanted == got,
    }
}
