//! Whether an answer is what a line wants.

use super::json::Json;

/// Where the answer differs, as texts. Every key of `wanted` must be there and equal; other keys of
/// the answer are not looked at, except in a policy.
pub(crate) fn differences(line: &Json, wanted: &Json, got: &Json) -> Result<Vec<String>, String> {
    let tolerance = match line.get("tol") {
        None => None,
        Some(Json::Number(text)) => text.parse().ok(),
        Some(_) => return Err("`tol` is no number".to_owned()),
    };
    let exact = match line.get("exact") {
        None => Vec::new(),
        Some(Json::List(paths)) => paths.iter().filter_map(Json::as_str).collect(),
        Some(_) => return Err("`exact` is no list".to_owned()),
    };
    let mut comparison = Comparison {
        tolerance,
        exact,
        differences: Vec::new(),
    };
    comparison.visit("", wanted, Some(got));
    Ok(comparison.differences)
}

struct Comparison<'a> {
    tolerance: Option<f64>,
    exact: Vec<&'a str>,
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn visit(&mut self, path: &str, wanted: &Json, got: Option<&Json>) {
        let below = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        match (wanted, got) {
            (Json::Object(wanted), Some(Json::Object(got))) => {
                let of_policy = path.rsplit('.').next() == Some("policy");
                if of_policy && wanted.len() != got.len() {
                    self.differ(
                        path,
                        &Json::Object(wanted.clone()),
                        Some(&Json::Object(got.clone())),
                    );
                    return;
                }
                for (name, wanted) in wanted {
                    let got = got.iter().find(|(known, _)| known == name);
                    self.visit(&below(name), wanted, got.map(|(_, value)| value));
                }
            }
            (Json::List(wanted), Some(Json::List(got))) if wanted.len() == got.len() => {
                for (at, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                    self.visit(&below(&at.to_string()), wanted, Some(got));
                }
            }
            (Json::Number(one), Some(Json::Number(other))) => {
                let tolerance = self.tolerance.filter(|_| !self.exact.contains(&path));
                if !same_number(one, other, tolerance) {
                    self.differ(path, wanted, got);
                }
            }
            (wanted, Some(other)) if wanted == other => {}
            _ => self.differ(path, wanted, got),
        }
    }

    fn differ(&mut self, path: &str, wanted: &Json, got: Option<&Json>) {
        let got = got.map_or_else(|| "nothing".to_owned(), show);
        self.differences
            .push(format!("{path}: wanted {}, got {got}", show(wanted)));
    }
}

fn same_number(wanted: &str, got: &str, tolerance: Option<f64>) -> bool {
    // Integers are compared as such: floats would blur those above 2^53.
    if let (Ok(wanted), Ok(got)) = (wanted.parse::<i128>(), got.parse::<i128>()) {
        let off = wanted.abs_diff(got) as f64;
        return off <= tolerance.unwrap_or(0.0) * wanted.unsigned_abs() as f64;
    }
    match (wanted.parse::<f64>(), got.parse::<f64>()) {
        (Ok(wanted), Ok(got)) => {
            wanted == got || (wanted - got).abs() <= tolerance.unwrap_or(0.0) * wanted.abs()
        }
        _ => false,
    }
}

fn show(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(on) => on.to_string(),
        Json::Number(digits) => digits.clone(),
        Json::Text(text) => format!("{text:?}"),
        Json::List(elements) => {
            format!(
                "[{}]",
                elements.iter().map(show).collect::<Vec<_>>().join(", ")
            )
        }
        Json::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{name:?}: {}", show(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}
