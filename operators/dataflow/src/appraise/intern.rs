//! Documents become numbers of shared parts; keys that are new on this worker are asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::order::TotalOrder;
use timely::progress::Timestamp;

use crate::appraise::Document;
use crate::appraise::packed::Packed;
use crate::appraise::tables::{PartLook, Slot, Tables};
use crate::hash::{hash_bytes, route};
use crate::price_once::Request;
use crate::pricing::Appraisal;

/// What `assemble` is told.
pub(super) enum Interned<P> {
    /// A part is new.
    Defined { part: u32, slots: Box<[Slot<P>]> },
    /// A key has another document; the message holds its context and parts.
    Document(Packed),
    /// A key has no document any more.
    Gone(Box<str>),
}

pub(super) struct InternedStreams<'scope, T: Timestamp, A: Appraisal> {
    pub(super) interned: StreamVec<'scope, T, Interned<A::Price>>,
    pub(super) requests: StreamVec<'scope, T, Request<A::Key>>,
}

struct Pending<T: Timestamp> {
    interned: Capability<T>,
    requests: Capability<T>,
    documents: Vec<Document>,
}

pub(super) fn intern<'scope, T, A>(
    documents: StreamVec<'scope, T, Document>,
    rules: Arc<A::Rules>,
    tables: Rc<RefCell<Tables<A>>>,
) -> InternedStreams<'scope, T, A>
where
    T: Timestamp + TotalOrder,
    A: Appraisal,
{
    let asker = u32::try_from(documents.scope().index()).expect("fewer than 2^32 workers");
    let mut builder = OperatorBuilder::new("Intern".to_owned(), documents.scope());
    let by_key = Exchange::new(|(key, _): &Document| route(hash_bytes(0, key.as_bytes())));
    let mut documents = builder.new_input(documents, by_key);
    let (interned, interned_stream) = builder.new_output();
    let (requests, requests_stream) = builder.new_output();
    let mut interned = OutputBuilder::from(interned);
    let mut requests = OutputBuilder::from(requests);

    builder.build(move |_| {
        let mut pending = BTreeMap::<T, Pending<T>>::new();
        let mut intern = Intern::new(asker, rules, tables);
        move |frontiers| {
            let mut interned = interned.activate();
            let mut requests = requests.activate();
            documents.for_each(|capability, batch| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                let entry = pending.entry(epoch).or_insert_with_key(|epoch| Pending {
                    interned: capability.delayed(epoch, 0),
                    requests: capability.delayed(epoch, 1),
                    documents: Vec::new(),
                });
                entry.documents.append(batch);
            });
            // A number must be told before it is used: documents go through in order of epochs, but
            // those of the earliest epoch need not wait for the rest of it.
            while let Some(entry) = pending.first_entry() {
                if frontiers[0].less_than(entry.key()) {
                    break;
                }
                let work = entry.remove();
                let mut interned = interned.session(&work.interned);
                let mut requests = requests.session(&work.requests);
                intern.forget_idle_keys(|request| requests.give(request));
                for (key, document) in work.documents {
                    let tell = |told| interned.give(told);
                    let ask = |asked| requests.give(asked);
                    intern.document(&key, document.as_deref(), tell, ask);
                }
            }
        }
    });

    InternedStreams {
        interned: interned_stream,
        requests: requests_stream,
    }
}

pub(super) struct Intern<A: Appraisal> {
    asker: u32,
    rules: Arc<A::Rules>,
    tables: Rc<RefCell<Tables<A>>>,
    buffer: Vec<u8>,
    looks: Vec<PartLook>,
    numbers: Vec<u32>,
}

impl<A: Appraisal> Intern<A> {
    pub(super) fn new(asker: u32, rules: Arc<A::Rules>, tables: Rc<RefCell<Tables<A>>>) -> Self {
        Self {
            asker,
            rules,
            tables,
            buffer: Vec::new(),
            looks: Vec::new(),
            numbers: Vec::new(),
        }
    }

    pub(super) fn forget_idle_keys(&mut self, mut ask: impl FnMut(Request<A::Key>)) {
        let asker = self.asker;
        self.tables.borrow_mut().forget_idle_keys(|key, ticket| {
            ask(Request {
                key,
                asker,
                ticket,
                wanted: false,
            });
        });
    }

    pub(super) fn document(
        &mut self,
        key: &str,
        document: Option<&[u8]>,
        mut tell: impl FnMut(Interned<A::Price>),
        mut ask: impl FnMut(Request<A::Key>),
    ) {
        let Some(document) = document else {
            return tell(Interned::Gone(key.into()));
        };
        let tables = &mut *self.tables.borrow_mut();
        let (mut parts, mut layout) = (Vec::new(), Vec::new());
        let text = A::split(document, &mut parts, &mut layout);
        let context = tables.hold_context(&self.rules, text);
        tables.look_for_parts(context, &parts, &mut self.looks);
        self.numbers.clear();
        for (bytes, &look) in parts.into_iter().zip(&self.looks) {
            let (part, is_new) = tables.hold_part(context, bytes, look);
            if is_new {
                let (valued_as, _) = tables.part(part);
                let components = A::components(&self.rules, valued_as, bytes);
                let slots = tables.define(part, components, |key, ticket| {
                    ask(Request {
                        key: key.clone(),
                        asker: self.asker,
                        ticket,
                        wanted: true,
                    });
                });
                tell(Interned::Defined { part, slots });
            }
            self.numbers.push(part);
        }
        tell(Interned::Document(Packed::new(
            &mut self.buffer,
            key,
            context.id,
            &self.numbers,
            &layout,
        )));
    }
}
