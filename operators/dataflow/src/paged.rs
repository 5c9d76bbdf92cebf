//! A vector in shared pages: a copy of it costs one reference a page, a later write copies its page.

use std::sync::Arc;

/// Entries of one page.
const PAGE: usize = 512;

/// A vector whose clones share pages until one of them writes.
///
/// State that a worker changes all day is handed to other threads as it stands at one epoch by a
/// clone, without holding the worker up.
#[derive(Clone, Debug)]
pub(crate) struct Paged<V> {
    pages: Vec<Arc<Vec<V>>>,
    len: usize,
}

impl<V> Default for Paged<V> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            len: 0,
        }
    }
}

impl<V: Clone> Paged<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The entry at `index`; panics beyond the end.
    pub(crate) fn get(&self, index: usize) -> &V {
        &self.pages[index / PAGE][index % PAGE]
    }

    /// The entry at `index`, to be written; panics beyond the end.
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut V {
        &mut Arc::make_mut(&mut self.pages[index / PAGE])[index % PAGE]
    }

    pub(crate) fn push(&mut self, value: V) {
        if self.len.is_multiple_of(PAGE) {
            self.pages.push(Arc::new(Vec::with_capacity(PAGE)));
        }
        let page = self.pages.last_mut().expect("a page was just ensured");
        Arc::make_mut(page).push(value);
        self.len += 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &V> {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

impl<V: Clone + Default> Paged<V> {
    /// The entry at `index`, to be written; the vector grows to hold it.
    pub(crate) fn grow_mut(&mut self, index: usize) -> &mut V {
        while self.len <= index {
            self.push(V::default());
        }
        self.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_what_it_was_made_of() {
        let mut pages = Paged::default();
        for value in 0..PAGE * 2 + 1 {
            pages.push(value);
        }
        let copy = pages.clone();
        *pages.get_mut(PAGE) = 7;
        pages.push(8);

        assert_eq!(*copy.get(PAGE), PAGE);
        assert_eq!(copy.len(), PAGE * 2 + 1);
        assert!(copy.iter().copied().eq(0..PAGE * 2 + 1));
        assert_eq!((*pages.get(PAGE), pages.len()), (7, PAGE * 2 + 2));
    }

    #[test]
    fn a_write_beyond_the_end_grows_it() {
        let mut pages = Paged::<u8>::default();
        *pages.grow_mut(PAGE + 3) = 1;

        assert_eq!(pages.len(), PAGE + 4);
        assert_eq!(
            pages.iter().map(|&value| usize::from(value)).sum::<usize>(),
            1
        );
    }
}
