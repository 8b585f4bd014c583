//! Which lines of memory something lies in, for who wants them to be near before it is looked at.
//!
//! In: a slice. Out: an address in each of its lines. How they are fetched, and whether, is the caller's.

/// Bytes in a line of the processor's caches.
const LINE: usize = 64;
/// Most bytes of a slice that are worth fetching as a whole: where there are more, few of them are looked at.
const FETCHED_BYTES_MAX: usize = 4 << 10;

/// Names the lines that `items` lie in, unless they are very many.
#[inline]
pub fn lines<T>(items: &[T], line: &mut impl FnMut(*const u8)) {
    let bytes = size_of_val(items);
    if bytes <= FETCHED_BYTES_MAX {
        (0..bytes).step_by(LINE).for_each(|at| line(items.as_ptr().cast::<u8>().wrapping_add(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_named_and_none_of_very_many() {
        let named = |items: &[u64]| {
            let (start, mut named) = (items.as_ptr().addr(), Vec::new());
            lines(items, &mut |line| named.push(line.addr() - start));
            named
        };
        assert_eq!(named(&[0; 0]), [0; 0]);
        assert_eq!(named(&[0; 1]), [0]);
        assert_eq!(named(&[0; 17]), [0, 64, 128]);
        assert_eq!(named(&[0; FETCHED_BYTES_MAX / 8]).len(), FETCHED_BYTES_MAX / LINE);
        assert_eq!(named(&[0; FETCHED_BYTES_MAX / 8 + 1]), [0; 0]);
    }
}
