//! Forms of a word with the affixes of a language, so that `contains_word` finds "memesan" and "pesanan" by "pesan".
//!
//! Input: a folded keyword. Output: the keyword and its forms, each looked for as a word of its own.
//! Forms are made, not undone: no dictionary is needed, and a form that no language has is simply in no text.
//! AF-1: at most [`FORMS_MAX`] forms a keyword. AF-2: a keyword that is no single word of letters has only itself.
//! Absent: doubled words ("beli-beli" has a boundary at its hyphen), vowels that colloquial speech changes ("pesen"),
//! other languages.
//! Source: the rules of meN- and peN- are those of *Tata Bahasa Baku Bahasa Indonesia*; loanwords that keep their first
//! letter and the colloquial forms are added from the messages of `shared/data`.

/// Most forms of one keyword.
pub const FORMS_MAX: usize = 400;
/// Shorter words have forms that are other words: "di" and "ke" are affixes themselves.
const LETTERS_MIN: usize = 3;

/// Prefixes that leave a word as it is.
const PREFIXES: &[&str] =
    &["", "di", "ke", "se", "ter", "ber", "be", "per", "diper", "memper", "ku", "kau", "nge", "menge", "penge"];
/// Suffixes, alone and one behind another.
const SUFFIXES: &[&str] = &[
    "", "an", "kan", "i", "in", "nya", "ku", "mu", "lah", "kah", "pun", "annya", "kannya", "innya", "inya", "anku",
    "anmu", "kanlah", "ilah",
];

/// A language whose affixes a keyword takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Affixes {
    /// Indonesian, with what is written in chats.
    Indonesian,
}

impl Affixes {
    /// The language of this ISO 639-1 code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        (code == "id").then_some(Self::Indonesian)
    }

    /// The language's ISO 639-1 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
        }
    }

    /// Returns the forms of `keyword`, which is folded; the keyword itself comes first.
    #[must_use]
    pub fn forms(self, keyword: &str) -> Vec<String> {
        if keyword.len() < LETTERS_MIN || !keyword.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return vec![keyword.to_owned()];
        }
        let mut stems: Vec<String> = PREFIXES.iter().map(|prefix| format!("{prefix}{keyword}")).collect();
        stems.extend(nasal_stems(keyword));
        let mut forms = Vec::with_capacity(stems.len() * SUFFIXES.len());
        for stem in &stems {
            forms.extend(SUFFIXES.iter().map(|suffix| format!("{stem}{suffix}")));
        }
        forms.truncate(FORMS_MAX);
        forms
    }
}

/// The stems that meN- and peN- make, and the bare nasal of speech: pesan, memesan, pemesan, mesan.
fn nasal_stems(word: &str) -> Vec<String> {
    let rest = &word[1..];
    // The nasal, whether it takes the place of the first letter, and what speech keeps of it.
    let (nasal, replaces, spoken) = match word.as_bytes()[0] {
        b'p' => ("m", true, Some("m")),
        b'b' | b'f' | b'v' => ("m", false, None),
        b't' => ("n", true, Some("n")),
        b'c' => ("n", false, Some("ny")),
        b'd' | b'j' | b'z' => ("n", false, None),
        b's' => ("ny", true, Some("ny")),
        b'k' => ("ng", true, Some("ng")),
        b'a' | b'e' | b'i' | b'o' | b'u' => ("ng", false, Some("ng")),
        b'g' | b'h' | b'q' | b'x' => ("ng", false, None),
        _ => ("", false, None),
    };
    let is_vowel = matches!(word.as_bytes()[0], b'a' | b'e' | b'i' | b'o' | b'u');
    let mut stems = Vec::new();
    for prefix in ["me", "pe"] {
        if replaces {
            stems.push(format!("{prefix}{nasal}{rest}"));
            // Loanwords keep the letter: mempromosikan, mentransfer, mengkonfirmasi, mensurvei.
            let nasal = if nasal == "ny" { "n" } else { nasal };
            stems.push(format!("{prefix}{nasal}{word}"));
        } else {
            stems.push(format!("{prefix}{nasal}{word}"));
        }
    }
    if let Some(spoken) = spoken {
        stems.push(format!("{spoken}{}", if is_vowel { word } else { rest }));
    }
    stems
}

#[cfg(test)]
mod tests {
    use super::{Affixes, FORMS_MAX};

    #[test]
    fn words_take_the_affixes_of_indonesian() {
        for (word, expected) in [
            ("beli", &["beli", "membeli", "dibeli", "pembelian", "beliin", "terbeli", "belinya", "dibelikan"][..]),
            ("pesan", &["memesan", "pesanan", "dipesan", "pemesanan", "pesanannya", "mesan", "memesankan"]),
            ("kirim", &["mengirim", "kirimkan", "dikirim", "pengiriman", "ngirim", "kirimin", "terkirim"]),
            ("tanya", &["menanyakan", "nanya", "bertanya", "ditanyakan", "pertanyaan"]),
            ("sewa", &["menyewa", "penyewaan", "disewakan", "nyewa", "sewaan"]),
            ("ambil", &["mengambil", "pengambilan", "ngambil", "diambilkan"]),
            ("cari", &["mencari", "pencarian", "nyari", "cariin"]),
            ("bayar", &["membayar", "pembayaran", "dibayarkan", "bayarnya", "terbayar", "kubayar"]),
            ("lunas", &["melunasi", "pelunasan", "dilunasi"]),
            ("hapus", &["menghapus", "penghapusan"]),
            ("transfer", &["mentransfer", "ditransfer", "transferan"]),
            ("konfirmasi", &["mengkonfirmasi", "mengonfirmasi", "konfirmasinya"]),
            ("rencana", &["berencana", "rencananya"]),
            ("cek", &["mengecek", "pengecekan", "ngecek"]),
        ] {
            let forms = Affixes::Indonesian.forms(word);
            for form in expected {
                assert!(forms.iter().any(|made| made == form), "{form} of {word}");
            }
            assert_eq!(forms[0], word);
            assert!(forms.len() <= FORMS_MAX, "{} forms", forms.len());
        }
    }

    #[test]
    fn other_words_and_phrases_are_left_alone() {
        let forms = Affixes::Indonesian.forms("beli");
        for other in ["belimbing", "sembelih", "belum"] {
            assert!(!forms.iter().any(|form| form == other), "{other}");
        }
        assert_eq!(Affixes::Indonesian.forms("pesan sekarang"), ["pesan sekarang"]);
        assert_eq!(Affixes::Indonesian.forms("dp"), ["dp"]);
        assert_eq!(Affixes::Indonesian.forms("купить"), ["купить"]);
        assert_eq!(Affixes::parse("id").map(Affixes::code), Some("id"));
        assert_eq!(Affixes::parse("xx"), None);
    }
}
