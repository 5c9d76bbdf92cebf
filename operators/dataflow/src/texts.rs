//! Many short texts without an allocation each: bytes in pages, a freed place reused by its length.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// Bytes of one page.
const PAGE: usize = 1 << 16;

/// Where a text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    page: u32,
    start: u16,
    len: u16,
}

/// The texts of a worker. Clones share pages until one of them writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    pages: Vec<Arc<Vec<u8>>>,
    /// Freed places by length.
    free: FxHashMap<u16, Vec<Span>>,
}

impl Texts {
    pub(crate) fn get(&self, span: Span) -> &str {
        let start = usize::from(span.start);
        let bytes = &self.pages[span.page as usize][start..start + usize::from(span.len)];
        str::from_utf8(bytes).expect("a span is that of a text")
    }

    pub(crate) fn insert(&mut self, text: &str) -> Span {
        let len = u16::try_from(text.len()).expect("a text has fewer than 2^16 bytes");
        if let Some(span) = self.free.get_mut(&len).and_then(Vec::pop) {
            let start = usize::from(span.start);
            let page = Arc::make_mut(&mut self.pages[span.page as usize]);
            page[start..start + text.len()].copy_from_slice(text.as_bytes());
            return span;
        }
        if self
            .pages
            .last()
            .is_none_or(|page| page.len() + text.len() > PAGE)
        {
            self.pages.push(Arc::new(Vec::with_capacity(PAGE)));
        }
        let number = self.pages.len() - 1;
        let page = Arc::make_mut(&mut self.pages[number]);
        let start = page.len();
        page.extend_from_slice(text.as_bytes());
        Span {
            page: u32::try_from(number).expect("fewer than 2^32 pages"),
            start: u16::try_from(start).unwrap_or_default(),
            len,
        }
    }

    /// Frees the place of a text.
    pub(crate) fn remove(&mut self, span: Span) {
        self.free.entry(span.len).or_default().push(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_over_pages_and_places_are_reused() {
        let mut texts = Texts::default();
        let words: Vec<String> = (0..20_000)
            .map(|number| format!("word {number:05}"))
            .collect();
        let spans: Vec<Span> = words.iter().map(|word| texts.insert(word)).collect();
        assert!(
            words
                .iter()
                .zip(&spans)
                .all(|(word, span)| texts.get(*span) == word)
        );

        let copy = texts.clone();
        texts.remove(spans[7]);
        assert_eq!(texts.insert("other word"), spans[7]);
        assert_eq!(
            (texts.get(spans[7]), copy.get(spans[7])),
            ("other word", "word 00007")
        );
    }

    #[test]
    fn the_empty_text_and_a_page_full_fit() {
        let mut texts = Texts::default();
        let long = "x".repeat(PAGE - 1);
        let spans = ["", &long, "", "y"].map(|text| (texts.insert(text), text));
        assert!(spans.iter().all(|(span, text)| texts.get(*span) == *text));
    }
}
