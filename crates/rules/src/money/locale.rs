//! How people of a language and region write amounts (D-2).
//!
//! In: a tag such as `id-ID`. Out: which mark is decimal, how digits group, which words multiply.
//! Absent: everything else a locale is; languages without multiplier words here have none.
//! Source: CLDR number formats for the roles of marks and the multipliers; D-2 for the Indonesian words.

/// A language and a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    tag: Box<str>,
    /// The mark before decimals; every other mark groups.
    pub(super) decimal: char,
    /// Whether groups may be Indian: two digits, and three at the end.
    pub(super) lakh: bool,
    /// Whether a no-break space groups.
    pub(super) spaces: bool,
    multipliers: &'static [(&'static str, u32)],
}

/// Multiplier words with their power of ten.
const INDONESIAN: &[(&str, u32)] = &[
    ("rb", 3),
    ("ribu", 3),
    ("k", 3),
    ("jt", 6),
    ("juta", 6),
    ("m", 9),
    ("miliar", 9),
    ("milyar", 9),
    ("t", 12),
    ("triliun", 12),
    ("trilyun", 12),
];
const ENGLISH: &[(&str, u32)] = &[
    ("k", 3),
    ("thousand", 3),
    ("m", 6),
    ("mn", 6),
    ("million", 6),
    ("b", 9),
    ("bn", 9),
    ("billion", 9),
    ("t", 12),
    ("trillion", 12),
];
const INDIAN: &[(&str, u32)] = &[
    ("k", 3),
    ("t", 3),
    ("thousand", 3),
    ("l", 5),
    ("lakh", 5),
    ("cr", 7),
    ("crore", 7),
    ("kcr", 10),
    ("lcr", 12),
    ("million", 6),
    ("billion", 9),
    ("trillion", 12),
];
const MALAY: &[(&str, u32)] =
    &[("rb", 3), ("ribu", 3), ("k", 3), ("juta", 6), ("j", 6), ("bilion", 9), ("b", 9), ("trilion", 12), ("t", 12)];

const GERMAN: &[(&str, u32)] = &[
    ("tsd", 3),
    ("tausend", 3),
    ("mio", 6),
    ("million", 6),
    ("millionen", 6),
    ("mrd", 9),
    ("milliarde", 9),
    ("milliarden", 9),
    ("bio", 12),
    ("billion", 12),
    ("billionen", 12),
];
const SPANISH: &[(&str, u32)] = &[
    ("mil", 3),
    ("m", 6),
    ("millón", 6),
    ("millones", 6),
    ("mil m", 9),
    ("mil millones", 9),
    ("b", 12),
    ("billón", 12),
    ("billones", 12),
];
const ITALIAN: &[(&str, u32)] = &[
    ("mila", 3),
    ("mln", 6),
    ("milione", 6),
    ("milioni", 6),
    ("mld", 9),
    ("mrd", 9),
    ("miliardo", 9),
    ("miliardi", 9),
    ("bln", 12),
    ("mille miliardi", 12),
    ("mila miliardi", 12),
];
const PORTUGUESE: &[(&str, u32)] = &[
    ("mil", 3),
    ("mi", 6),
    ("milhão", 6),
    ("milhões", 6),
    ("bi", 9),
    ("bilhão", 9),
    ("bilhões", 9),
    ("tri", 12),
    ("trilhão", 12),
    ("trilhões", 12),
];

/// Languages that write a point before decimals.
const POINT: &[&str] = &[
    "en", "ms", "zh", "ja", "ko", "th", "hi", "bn", "ta", "te", "ur", "ar", "he", "fil", "tl", "my", "km", "lo", "sw",
    "zu",
];
/// Regions that write a point before decimals whatever the language.
const POINT_REGIONS: &[&str] = &["CH", "MX", "PE", "GT", "HN", "NI", "SV", "PA", "DO", "PR", "US", "GB", "IE"];

/// Calling codes by region, for numbers written with a leading 0.
const CALLING_CODES: &[(&str, &str)] = &[
    ("ID", "62"),
    ("MY", "60"),
    ("SG", "65"),
    ("PH", "63"),
    ("TH", "66"),
    ("VN", "84"),
    ("IN", "91"),
    ("AU", "61"),
    ("NZ", "64"),
    ("GB", "44"),
    ("DE", "49"),
    ("FR", "33"),
    ("NL", "31"),
    ("BE", "32"),
    ("CH", "41"),
    ("AT", "43"),
    ("JP", "81"),
    ("KR", "82"),
    ("BR", "55"),
    ("ZA", "27"),
    ("TR", "90"),
    ("EG", "20"),
    ("SA", "966"),
    ("AE", "971"),
    ("NG", "234"),
    ("KE", "254"),
];

impl Default for Locale {
    fn default() -> Locale {
        Locale { tag: "id-ID".into(), decimal: ',', lakh: false, spaces: false, multipliers: INDONESIAN }
    }
}

impl Locale {
    /// Reads a tag such as `id-ID`, `en_US` or `id`.
    pub fn parse(tag: &str) -> Option<Locale> {
        let (language, region) = tag.split_once(['-', '_']).unwrap_or((tag, ""));
        let is_word = |part: &str, lengths: &[usize]| {
            lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
        };
        if !is_word(language, &[2, 3]) || !(region.is_empty() || is_word(region, &[2])) {
            return None;
        }
        let (language, region) = (language.to_ascii_lowercase(), region.to_ascii_uppercase());
        let point = POINT.contains(&&*language) || POINT_REGIONS.contains(&&*region);
        let lakh = matches!(&*region, "IN" | "BD" | "PK" | "NP");
        let multipliers = match &*language {
            "id" | "jv" | "su" => INDONESIAN,
            "en" if lakh => INDIAN,
            "en" => ENGLISH,
            "ms" => MALAY,
            "de" => GERMAN,
            "es" => SPANISH,
            "it" => ITALIAN,
            "pt" => PORTUGUESE,
            _ => &[],
        };
        let tag = if region.is_empty() { language.clone() } else { format!("{language}-{region}") };
        Some(Locale {
            tag: tag.into(),
            decimal: if point { '.' } else { ',' },
            lakh,
            spaces: matches!(&*language, "fr" | "ru" | "uk" | "pl" | "cs" | "sv" | "nb" | "fi" | "hu"),
            multipliers,
        })
    }

    /// The tag, `id-ID`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The power of ten that a word, or two with one space, stand for after a number.
    pub(super) fn multiplier(&self, word: &str) -> Option<u32> {
        self.multipliers.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, power)| *power)
    }

    /// The calling code that a leading 0 of a phone number stands for.
    pub(crate) fn calling_code(&self) -> Option<&'static str> {
        let region = self.tag.split_once('-').map_or("", |(_, region)| region);
        CALLING_CODES.iter().find(|(known, _)| *known == region).map(|(_, code)| *code)
    }
}
