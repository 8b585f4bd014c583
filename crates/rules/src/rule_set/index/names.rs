//! The texts that conditions compare a field with, numbered in their order.
//!
//! In: distinct texts. Out: the number of a text. A few stand end to end in one piece of memory and are compared one by one,
//! more are hashed: of ten thousand workspaces most have few, and what they touch is in no cache.

use rustc_hash::FxHashMap;

/// Most texts that are compared one by one.
const FEW_MAX: usize = 8;

#[derive(Debug)]
pub(super) enum Names {
    /// Each behind a byte that says how long it is.
    Few(Box<[u8]>),
    Many(Box<FxHashMap<Box<str>, u32>>),
}

impl Names {
    pub(super) fn of(texts: &[&str]) -> Names {
        if texts.len() > FEW_MAX || texts.iter().any(|text| text.len() > u8::MAX.into()) {
            let numbers = texts.iter().zip(0..).map(|(text, number)| ((*text).into(), number)).collect();
            return Names::Many(Box::new(numbers));
        }
        let mut bytes = Vec::new();
        for text in texts {
            bytes.push(text.len() as u8);
            bytes.extend_from_slice(text.as_bytes());
        }
        Names::Few(bytes.into())
    }

    /// The number of a text, if it is named.
    #[inline]
    pub(super) fn number(&self, text: &str) -> Option<u32> {
        let mut rest = match self {
            Names::Few(bytes) => &**bytes,
            Names::Many(numbers) => return numbers.get(text).copied(),
        };
        let mut number = 0;
        while let Some((len, texts)) = rest.split_first() {
            let (name, others) = texts.split_at(usize::from(*len));
            if name == text.as_bytes() {
                return Some(number);
            }
            number += 1;
            rest = others;
        }
        None
    }

    /// What is read first where the number of a text is asked, as far as that is known beforehand.
    pub(super) fn memory(&self) -> &[u8] {
        match self {
            Names::Few(bytes) => bytes,
            Names::Many(_) => &[],
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Names::Few(bytes) => bytes.len(),
            Names::Many(numbers) => numbers.keys().map(|text| text.len() + size_of::<(Box<str>, u32)>() + 1).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_however_many_and_however_long() {
        let long = "x".repeat(300);
        for texts in
            [vec![], vec!["", "a", "ab", "b"], vec!["a", &long], vec!["1", "2", "3", "4", "5", "6", "7", "8", "9"]]
        {
            let names = Names::of(&texts);
            for (text, number) in texts.iter().zip(0..) {
                assert_eq!(names.number(text), Some(number), "{text:?} of {texts:?}");
            }
            assert_eq!(names.number("abc"), None);
            assert_eq!(names.number(&long[1..]), None);
        }
    }
}
