//! The filter's lookups, eight positions at a time. The only unsafe code of the crate.
//!
//! Input: a filter and a haystack. Output: the positions that pass, the same as without vectors: a test compares the two.
//! Each position has a lane of 32 bits; the words are gathered, which pays where hashing is done in lanes too.
//! Absent: other processors; they look positions up one by one.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_i32gather_epi32, _mm256_movemask_ps, _mm256_mullo_epi32,
    _mm256_or_si256, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_sllv_epi32,
    _mm256_srl_epi32, _mm256_srli_epi32, _mm256_xor_si256,
};

use super::{BLOCK_BYTES, FACTORS, Filter};

/// Proof that the processor has AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// As [`Filter::each_candidate`].
    #[inline]
    pub(super) fn each_candidate<const P: usize>(
        self,
        filter: &Filter<P>,
        haystack: &[u8],
        mut found: impl FnMut(usize, u64),
    ) {
        // SAFETY: a value of this type exists only where the processor was seen to have AVX2.
        unsafe { each_candidate(filter, haystack, &mut found) }
    }
}

#[target_feature(enable = "avx2")]
fn each_candidate<const P: usize>(filter: &Filter<P>, haystack: &[u8], found: &mut impl FnMut(usize, u64)) {
    filter.each_candidate_by_blocks(haystack, |block| passes(filter, block, 0) | passes(filter, block, 8) << 8, found);
}

/// A bit for each of the eight positions from `from` on, 0 or 8, that passes.
#[inline]
#[target_feature(enable = "avx2")]
fn passes<const P: usize>(filter: &Filter<P>, block: &[u8; BLOCK_BYTES], from: usize) -> u32 {
    let bytes: &[u8; 16] = block[from..].first_chunk().expect("the block has sixteen bytes from there");
    // SAFETY: it reads the sixteen bytes of `bytes`, which need no alignment.
    let bytes = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) });
    let set = |number: u32| _mm256_set1_epi32(number as i32);
    let and = |lanes: __m256i, mask: u32| _mm256_and_si256(lanes, set(mask));
    // Four bytes from each position on, and the four behind them.
    let order = _mm256_setr_epi8(
        0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10,
    );
    let low = _mm256_shuffle_epi8(bytes, order);
    let high = _mm256_shuffle_epi8(bytes, _mm256_add_epi32(order, set(0x0404_0404)));
    let behind = match P {
        1 => _mm256_srli_epi32::<8>(low),
        2 => _mm256_srli_epi32::<16>(low),
        3 => _mm256_or_si256(_mm256_srli_epi32::<24>(low), _mm256_slli_epi32::<8>(high)),
        4 => high,
        _ => _mm256_srli_epi32::<16>(high),
    };
    let gram = if P < 4 { and(low, u32::MAX >> (32 - 8 * P.min(4))) } else { low };
    let mut hash = _mm256_mullo_epi32(gram, set(FACTORS[0]));
    if P > 4 {
        let gram = and(high, (u64::MAX >> (64 - 8 * P) >> 32) as u32);
        hash = _mm256_add_epi32(hash, _mm256_mullo_epi32(gram, set(FACTORS[1])));
    }
    let hash = _mm256_srl_epi32(hash, _mm_cvtsi32_si128(filter.shift as i32));
    let behind = _mm256_or_si256(and(behind, 7), and(_mm256_srli_epi32::<5>(behind), 0x38));
    let choice = set(filter.choice);
    let bit = _mm256_or_si256(_mm256_andnot_si256(choice, hash), _mm256_and_si256(behind, choice));
    // SAFETY: `shift` leaves as many bits of a hash as number the bits of all words, and `choice` is a mask of the lowest.
    let words = unsafe { _mm256_i32gather_epi32::<4>(filter.words.as_ptr().cast(), _mm256_srli_epi32::<5>(bit)) };
    // The bit becomes the highest: it is shifted by 31 less its place.
    let passed = _mm256_sllv_epi32(words, and(_mm256_xor_si256(bit, set(31)), 31));
    _mm256_movemask_ps(_mm256_castsi256_ps(passed)) as u32
}
