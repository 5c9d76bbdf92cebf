//! What to do about what a job waits for, or cannot reach: the one place that says it.

use connection::TlsProblem;

/// What to do about something that waits.
///
/// - `what`: its name in [`Report::waits`](crate::Report::waits).
/// - `why`: the error or reason, in the words of whoever waits.
///
/// ```
/// let advice = runtime::advice("views", "apply a call: user or password is wrong");
/// assert!(advice.contains("views.password_file"));
/// ```
#[must_use]
pub fn advice(what: &str, why: &str) -> String {
    let says = |words: &[&str]| {
        let why = why.to_lowercase();
        words
            .iter()
            .any(|words| why.contains(&words.to_lowercase()))
    };
    let advice = match what {
        "source" => {
            if let Some(problem) = TlsProblem::of(why) {
                return problem.advice("source.tls");
            }
            if says(&["authorization"]) {
                "give this user the rights Read, Describe and DescribeConfigs on the topics"
            } else if says(&["sasl", "authentication"]) {
                "correct source.sasl: user, password (password_file or password_env) and a mechanism that the brokers offer"
            } else {
                "look at the brokers, the network to them and source.brokers; nothing is lost, reading goes on by itself"
            }
        }
        "views" => {
            if let Some(problem) = TlsProblem::of(why) {
                return problem.advice("views.tls");
            }
            if says(&["user or password is wrong"]) {
                "correct views.user and the password (views.password_file or views.password_env)"
            } else if says(&["lacks a right"]) {
                "give this user the rights that docs/security.md lists (ACL SETUSER)"
            } else if says(&["readers have seen epoch"]) {
                "nothing: the next records bring it there"
            } else if says(&["OOM"]) {
                "give Redis more memory (maxmemory): nothing is evicted from views"
            } else if says(&["MISCONF"]) {
                "mend what keeps Redis from saving: its log says more"
            } else if says(&["READONLY", "not a master"]) {
                "name the master in views.url, or wait until the failover is over"
            } else {
                "look at Redis, the network to it and views.url; tables go on, views catch up by themselves"
            }
        }
        "flow" => {
            "look at the one that is named: a table waits for the disk, dataflow for the CPU; reading goes on by itself"
        }
        "inputs" | "valuations" | "likes" => {
            if says(&["No space left", "StorageFull", "quota"]) {
                "make room on the disk of the job's folder: the commit is tried again by itself"
            } else if says(&["Permission denied"]) {
                "give the job's user the right to write to the folder: the commit is tried again by itself"
            } else if says(&["was changed by others"]) {
                "see who else writes to the table's folder and stop it: only the job may"
            } else {
                "look at the disk of the job's folder: space, rights, errors; the commit is tried again by itself"
            }
        }
        "bindings" => {
            "look at the disk of the job's folder: the log of bindings is being synced, nothing is read before"
        }
        "dedup" => {
            "raise admission.dedup_ids_max (some 40 bytes an id), or lower admission.dedup_horizon_seconds"
        }
        "character.equipment" | "like.toggle" => {
            "restore the topic's number of partitions, or start a new job on a new topic; the other topic is read on"
        }
        _ => "see the log",
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::WAITS;

    #[test]
    fn everything_that_can_wait_has_an_advice_of_its_own() {
        let advices = WAITS.map(|what| advice(what, ""));
        assert!(
            advices.iter().all(|advice| advice != "see the log"),
            "{advices:?}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_connection_says_which_setting_to_look_at() {
        let problem = TlsProblem::Authority.to_string();
        for (what, why, part) in [
            ("source", problem.as_str(), "source.tls.ca_file"),
            ("views", problem.as_str(), "views.tls.ca_file"),
            (
                "source",
                "Global error: Authentication: SASL authentication error",
                "source.sasl",
            ),
            (
                "source",
                "TopicAuthorizationFailed (Broker: Topic authorization failed)",
                "rights",
            ),
            (
                "views",
                "apply a call in the view store h:1: the user lacks a right",
                "docs/security.md",
            ),
            (
                "views",
                "refused: READONLY You can't write against a read only replica",
                "master",
            ),
            (
                "inputs",
                "write file: No space left on device (os error 28)",
                "room",
            ),
        ] {
            let advice = advice(what, why);
            assert!(advice.contains(part), "{why}: {advice}");
        }
    }
}
