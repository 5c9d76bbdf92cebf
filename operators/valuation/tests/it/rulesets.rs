//! The shipped tables with a choice of switches.

use odds::flame::{FlameChoice, FlameTexts, flame_rules};
use odds::starforce::{
    NoljangChoice, StarforceChoice, StarforceTexts, noljang_rules, starforce_rules,
};
use valuation::flame::FlameRules;
use valuation::noljang::NoljangRules;
use valuation::starforce::StarforceRules;

/// Starforce by the shipped tables.
pub(crate) fn starforce(choice: StarforceChoice) -> StarforceRules {
    starforce_rules(&StarforceTexts::SHIPPED, choice).unwrap()
}

/// `kms_2026_03` with the default events.
pub(crate) fn kms_2026(safeguard: bool, spare_price_mesos: u64) -> StarforceRules {
    starforce(StarforceChoice::Kms2026 {
        destruction_event: true,
        cost_event: true,
        safeguard,
        spare_price_mesos,
    })
}

/// Scrolls by the shipped tables.
pub(crate) fn noljang(cost_event: bool) -> NoljangRules {
    let choice = NoljangChoice {
        cost_event,
        failure_mesos: 150_400_000,
    };
    noljang_rules(&StarforceTexts::SHIPPED, choice).unwrap()
}

/// Flames by the shipped tables.
pub(crate) fn flame() -> FlameRules {
    flame_rules(
        &FlameTexts::SHIPPED,
        FlameChoice {
            reset_mesos: 3_000_000,
        },
    )
    .unwrap()
}
