//! Which items the three presets wear, in few bytes: `count, index ...` a preset, 7 bits a byte.

/// Appends the layout of `presets`, indexes of items.
pub(super) fn write_layout(layout: &mut Vec<u8>, presets: &[Vec<u32>; 3]) {
    for worn in presets {
        let count = u32::try_from(worn.len()).expect("a message has fewer than 2^32 items");
        put(layout, count);
        for &index in worn {
            put(layout, index);
        }
    }
}

/// The indexes of the items of each preset.
pub(super) fn read_layout(mut layout: &[u8]) -> [Vec<usize>; 3] {
    [(); 3].map(|()| {
        let count = take(&mut layout);
        (0..count).map(|_| take(&mut layout)).collect()
    })
}

fn put(layout: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        layout.push(number as u8 | 0x80);
        number >>= 7;
    }
    layout.push(number as u8);
}

fn take(layout: &mut &[u8]) -> usize {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = layout
            .split_first()
            .expect("a layout is read as it was written");
        *layout = rest;
        number |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let presets = [vec![0, 127, 128, 70_000, u32::MAX], vec![], vec![3; 300]];
        let mut layout = Vec::new();
        write_layout(&mut layout, &presets);

        let as_written =
            |worn: Vec<usize>| -> Vec<u32> { worn.into_iter().map(|index| index as u32).collect() };
        let read = read_layout(&layout).map(as_written);
        assert_eq!(presets, read);
    }
}
