//! A document as it is kept: one allocation with its key, the numbers of its parts and its layout.

use std::sync::Arc;

/// `key length u16, parts u16, context u32, key, part numbers u32 each, layout`, little endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed(Arc<[u8]>);

const HEAD: usize = 8;

impl Packed {
    /// Packs a document by way of `buffer`, which is only there to be used again.
    pub(crate) fn new(
        buffer: &mut Vec<u8>,
        key: &str,
        context: u32,
        parts: &[u32],
        layout: &[u8],
    ) -> Self {
        buffer.clear();
        let keys = u16::try_from(key.len()).expect("a key has fewer than 2^16 bytes");
        let count = u16::try_from(parts.len()).expect("a document has fewer than 2^16 parts");
        buffer.extend_from_slice(&keys.to_le_bytes());
        buffer.extend_from_slice(&count.to_le_bytes());
        buffer.extend_from_slice(&context.to_le_bytes());
        buffer.extend_from_slice(key.as_bytes());
        for part in parts {
            buffer.extend_from_slice(&part.to_le_bytes());
        }
        buffer.extend_from_slice(layout);
        Self(Arc::from(buffer.as_slice()))
    }

    pub(crate) fn key(&self) -> &str {
        str::from_utf8(&self.0[HEAD..self.key_end()]).expect("a key was packed as text")
    }

    pub(crate) fn context(&self) -> u32 {
        u32::from_le_bytes([self.0[4], self.0[5], self.0[6], self.0[7]])
    }

    /// The numbers of its parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = u32> {
        let (parts, _) = self.0[self.key_end()..self.layout_start()].as_chunks();
        parts.iter().map(|part| u32::from_le_bytes(*part))
    }

    pub(crate) fn layout(&self) -> &[u8] {
        &self.0[self.layout_start()..]
    }

    fn key_end(&self) -> usize {
        HEAD + usize::from(u16::from_le_bytes([self.0[0], self.0[1]]))
    }

    fn layout_start(&self) -> usize {
        self.key_end() + 4 * usize::from(u16::from_le_bytes([self.0[2], self.0[3]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again() {
        let mut buffer = vec![1, 2, 3];
        let packed = Packed::new(&mut buffer, "가나", 5, &[7, 1 << 20], b"layout");

        assert_eq!((packed.key(), packed.context()), ("가나", 5));
        assert_eq!(packed.parts().collect::<Vec<_>>(), [7, 1 << 20]);
        assert_eq!(packed.layout(), b"layout");
    }
}
