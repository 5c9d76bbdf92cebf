use super::*;
use crate::appraise::intern::Intern;
use crate::testkit::toy::{Toy, ToyRules};

#[test]
fn a_number_is_not_given_again_within_a_silent_epoch() {
    let rules = Arc::new(ToyRules::default());
    let tables = Rc::new(RefCell::new(Tables::<Toy>::default()));
    let mut intern = Intern::new(0, Arc::clone(&rules), Rc::clone(&tables));
    let mut assembly = Assembly::new(rules, tables);
    let mut arrived = Arrived::default();
    let mut tickets = Vec::new();
    for document in [":a", ":b", ":c"] {
        let tell = |told| arrived.interned.push(told);
        intern.document("cat", Some(document.as_bytes()), tell, |asked| {
            tickets.push(asked.ticket);
        });
        assembly.keep(&mut arrived);
        intern.forget_idle_keys(|idle| panic!("{idle:?} may be answered still"));
    }
    assert_eq!(assembly.held.len(), 1);
    tickets.sort_unstable();
    tickets.dedup();
    assert_eq!(tickets.len(), 3);

    // At the end of the epoch what was replaced is forgotten.
    drop(assembly.begin(arrived, false));
    let mut idle = Vec::new();
    intern.forget_idle_keys(|request| idle.push(request.key));
    idle.sort_unstable();
    assert_eq!(idle, ['a', 'b']);
}
