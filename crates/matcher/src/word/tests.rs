//! Word boundaries are those of UAX #29, as an independent implementation draws them.

use super::is_word_boundary;
use crate::fold;
use unicode_segmentation::UnicodeSegmentation;

/// Folds `text` and says whether some occurrence of the folded `word` has boundaries at both ends.
fn check(text: &str, word: &str, expect: bool) {
    let (text, word) = (fold(text), fold(word));
    let found = text
        .match_indices(&word)
        .any(|(start, found)| is_word_boundary(&text, start) && is_word_boundary(&text, start + found.len()));
    assert_eq!(found, expect, "{word:?} in {text:?}");
}

/// Proves D-13.
#[test]
fn words_end_where_letters_digits_and_underscores_end() {
    check("mau order dong", "order", true);
    check("border", "order", false);
    check("buyer", "buy", false);
    check("ORDER!", "order", true);
    check("(order)", "order", true);
    check("order_id", "order", false);
    check("order2", "order", false);
    check("order 2", "order", true);
    check("order-nya", "order", true);
    check("nama:budi", "nama", true);
    check("don't", "don", false);
    check("harga 1.500.000 ya", "500", false);
    check("harga 1.500.000 ya", "1.500.000", true);
    check("#promo", "promo", true);
    check("wow#promo", "#promo", true);
}

#[test]
fn letters_beyond_ascii_are_letters() {
    check("заказать", "заказ", false);
    check("мой заказ!", "заказ", true);
    check("ÉTÉ", "t", false);
    check("x\u{301}y", "y", false);
    check("naïve", "na", false);
    check("주문하다", "주문", false);
}

#[test]
fn scripts_without_spaces_are_searched_as_text() {
    check("我想订购商品", "订购", true);
    check("สั่งซื้อสินค้า", "สินค้า", true);
    check("注文したい", "注文", true);
    check("スーパーマン", "スーパー", false);
}

#[test]
fn emoji_and_flags_are_words() {
    check("order👍", "order", true);
    check("👍👍", "👍", true);
    check("🇮🇩🇲🇾", "🇲🇾", true);
    check("🇮🇩🇲🇾", "🇩🇲", false);
}

/// Every code point class pair and triple, against unicode-segmentation (which knows nothing of the colon's tailoring).
#[test]
fn boundaries_are_those_of_an_independent_implementation() {
    let samples: Vec<char> = "a9あア漢ñ_.,;'\"·#! אב日ก้\u{301}\u{e48}한🇮👍🏽ॐ्ー٣".chars().collect();
    let mut compared = 0;
    let mut compare = |text: String| {
        let theirs: Vec<usize> = text.split_word_bound_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            assert_eq!(is_word_boundary(&text, at), theirs.contains(&at), "{at} in {text:?}");
            compared += 1;
        }
    };
    for &a in &samples {
        for &b in &samples {
            for &c in &samples {
                compare(String::from_iter([a, b, c]));
                compare(String::from_iter([a, '\u{301}', b, 'x', c]));
                compare(String::from_iter([a, b, '\u{301}', c, '1']));
            }
        }
    }
    assert_ne!(compared, 0);
}
