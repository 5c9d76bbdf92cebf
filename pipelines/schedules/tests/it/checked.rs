//! A world as `stateright` sees it.

use schedules::{Action, Broken, Config, World};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// A world to be explored.
#[derive(Clone)]
pub(crate) struct Checked(pub(crate) Config);

impl Model for Checked {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.0)]
    }

    fn actions(&self, state: &World, actions: &mut Vec<Action>) {
        actions.extend(state.actions(&self.0));
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut next = last.clone();
        next.act(&self.0, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(PROMISE, |_: &Self, state: &World| {
            state.broken().is_none()
        })]
    }
}

const PROMISE: &str = "the promise holds";

/// What exploring came to.
#[derive(Debug)]
pub(crate) struct Explored {
    /// Different states.
    pub(crate) states: usize,
    /// Whether all of them were looked at.
    pub(crate) complete: bool,
    /// The shortest way to a broken property.
    pub(crate) broken: Option<(Broken, Vec<Action>)>,
}

/// Explores a world breadth first, up to so many states.
pub(crate) fn explore(config: &Config, states_max: usize) -> Explored {
    let checker = Checked(config.clone())
        .checker()
        .target_state_count(states_max)
        .finish_when(HasDiscoveries::Any)
        .spawn_bfs()
        .join();
    let broken = checker.discovery(PROMISE).map(|path| {
        let broken = path.last_state().broken().cloned();
        (broken.expect("the property says so"), path.into_actions())
    });
    Explored {
        states: checker.unique_state_count(),
        complete: broken.is_none() && checker.state_count() < states_max,
        broken,
    }
}
