//! What people write in the demo's chats: invented agencies, names and sentences in Indonesian and English.

/// An agency with its WhatsApp number and what it sells.
pub(super) struct Agency {
    /// Its workspace.
    pub(super) workspace: &'static str,
    /// Its WhatsApp number.
    pub(super) account: &'static str,
    /// What it sells.
    pub(super) products: &'static [&'static str],
    /// The cheapest of it, in rupiah.
    pub(super) price_from: u64,
    /// How its customers and team write.
    pub(super) words: &'static Words,
}

/// Sentences by moment of a chat; `{product}`, `{price}` and `{city}` are filled in.
pub(super) struct Words {
    pub(super) greeting: &'static [&'static str],
    pub(super) welcome: &'static [&'static str],
    pub(super) price_question: &'static [&'static str],
    pub(super) price_answer: &'static [&'static str],
    pub(super) small_talk: &'static [&'static str],
    pub(super) order: &'static [&'static str],
    pub(super) address_question: &'static [&'static str],
    pub(super) address: &'static [&'static str],
    pub(super) total: &'static [&'static str],
    pub(super) paid: &'static [&'static str],
    pub(super) received: &'static [&'static str],
    pub(super) thanks: &'static [&'static str],
    pub(super) complaint: &'static [&'static str],
    pub(super) sorry: &'static [&'static str],
    pub(super) refund: &'static [&'static str],
}

pub(super) const AGENCIES: &[Agency] = &[
    Agency {
        workspace: "kopi-senja",
        account: "6281110001",
        products: &["arabika gayo 1 kg", "robusta lampung", "paket cold brew", "french press"],
        price_from: 75_000,
        words: &INDONESIAN,
    },
    Agency {
        workspace: "dapur-sari",
        account: "6281110002",
        products: &["nasi box 50 porsi", "tumpeng", "snack box", "prasmanan kantor"],
        price_from: 250_000,
        words: &INDONESIAN,
    },
    Agency {
        workspace: "atelier-dewi",
        account: "6281110003",
        products: &["kebaya wisuda", "gamis lebaran", "seragam kantor", "batik tulis"],
        price_from: 150_000,
        words: &INDONESIAN,
    },
    Agency {
        workspace: "nusa-trips",
        account: "6281110004",
        products: &["Komodo trip", "Bromo sunrise tour", "Bali villa weekend", "Raja Ampat liveaboard"],
        price_from: 750_000,
        words: &ENGLISH,
    },
    Agency {
        workspace: "harbor-dental",
        account: "6281110005",
        products: &["whitening session", "aligner starter kit", "family check-up"],
        price_from: 350_000,
        words: &ENGLISH,
    },
];

pub(super) const NAMES: &[&str] = &[
    "Budi", "Sari", "Dewi", "Agus", "Putri", "Rizky", "Ayu", "Bayu", "Intan", "Fajar", "Maya", "Yusuf", "Nadia",
    "Hendra", "Wulan", "Michael", "Sarah", "Ketut", "Made", "Siti", "Andre", "Grace", "Dimas", "Ratna",
];

pub(super) const CITIES: &[&str] =
    &["Bandung", "Surabaya", "Denpasar", "Medan", "Makassar", "Yogyakarta", "Semarang", "Jakarta Selatan", "Malang"];

static INDONESIAN: Words = Words {
    greeting: &[
        "Halo kak",
        "Assalamualaikum min",
        "Siang kak, {product} masih ada?",
        "Permisi kak 🙏",
        "halo min mau tanya dong",
        "P",
    ],
    welcome: &["Halo kak, ada yang bisa dibantu? 😊", "Siang kak, silakan kak", "Halo kak! Lagi cari apa kak?"],
    price_question: &[
        "harga {product} berapa kak?",
        "{product} brp ya?",
        "Boleh minta pricelist {product} kak",
        "kalo {product} kisaran berapa min",
    ],
    price_answer: &[
        "{product} Rp {price} kak, sudah termasuk packing",
        "Untuk {product} harganya Rp {price} ya kak",
        "Rp{price} aja kak, ready stock 👍",
    ],
    small_talk: &[
        "oke kak saya pikir dulu ya",
        "bisa kirim ke {city} ga kak?",
        "kalo ambil banyak ada diskon ga",
        "wah bagus ya kak",
        "lama pengiriman ke {city} berapa hari?",
        "fotonya ada lagi kak?",
    ],
    order: &[
        "oke kak mau order {product} ya",
        "saya mau order dong kak",
        "jadi kak, order 2 ya",
        "mau booking buat minggu depan kak",
        "Mau Order kak, gimana caranya?",
    ],
    address_question: &["Siap kak, boleh alamat lengkapnya?", "Boleh kirim nama, alamat dan no hp ya kak 🙏"],
    address: &[
        "Jl. Melati No. 12 RT 03/05, {city}",
        "Perum Griya Asri blok C7 no 9, {city}",
        "kirim ke kantor aja kak, Jl Sudirman kav 21 {city}",
    ],
    total: &[
        "Totalnya Rp {price} ya kak, transfer ke rekening biasa",
        "Total: Rp {price} sudah sama ongkir ke {city}",
        "Baik kak, total Rp{price}. Ditunggu transfernya ya",
    ],
    paid: &["sudah transfer ya kak", "udah tf kak, ini buktinya", "done kak, cek ya"],
    received: &[
        "Transfer diterima Rp {price}, terima kasih kak 🙏",
        "Payment received Rp {price} kak, besok kami kirim",
        "Pembayaran diterima Rp {price}. Resi menyusul ya kak",
    ],
    thanks: &["makasih kak 🙏", "sip, ditunggu ya", "terima kasih banyak kak", "oke mantap"],
    complaint: &[
        "Saya kecewa kak, barangnya rusak",
        "kok belum sampai juga ya, sudah seminggu",
        "parah sih, pesanan saya salah kirim. kecewa banget",
        "pelayanannya lambat, saya komplain",
    ],
    sorry: &[
        "Mohon maaf sekali kak, kami cek dulu ya",
        "Maaf atas ketidaknyamanannya kak 🙏 kami bantu",
        "Baik kak, kami tindak lanjuti hari ini",
    ],
    refund: &["saya minta refund aja", "bisa refund ga kak?", "uang saya dikembalikan dong, refund ya"],
};

static ENGLISH: Words = Words {
    greeting: &[
        "Hi there",
        "Hello, is the {product} still available?",
        "Good evening! Saw your ad",
        "hey",
        "Hi, quick question about the {product}",
    ],
    welcome: &["Hello! How can we help?", "Hi, welcome! What are you looking for?", "Good day, happy to help 😊"],
    price_question: &[
        "how much is the {product}?",
        "What's the price for {product}?",
        "could you send me the price list",
        "berapa harga {product} ya?",
    ],
    price_answer: &[
        "The {product} is Rp {price}, all in",
        "It starts at Rp {price} for the {product}",
        "Rp{price} per person, pick-up included",
    ],
    small_talk: &[
        "ok let me think about it",
        "do you pick up from {city}?",
        "any discount for a group of six?",
        "looks great!",
        "is it fine with small kids?",
        "what about next weekend?",
    ],
    order: &[
        "great, I'd like to order please",
        "I want to buy the {product}",
        "ok let's make a booking for two",
        "can I book it for Saturday? booking for 4 people",
    ],
    address_question: &["Sure! Could you send your full name and address?", "Lovely, where should we pick you up?"],
    address: &["Hotel Merpati, room 204, {city}", "Jl. Raya Ubud 18, {city}", "We stay near the station in {city}"],
    total: &["The total is Rp {price}", "Total: Rp {price}, bank transfer works", "That makes Rp{price} in total"],
    paid: &["just sent the transfer", "paid, see the receipt", "transfer done!"],
    received: &[
        "Payment received Rp {price}, thank you!",
        "Payment received: Rp{price}. See you soon",
        "Hi, payment received Rp {price}. Your booking is confirmed",
    ],
    thanks: &["thank you!", "perfect, see you", "awesome, thanks a lot"],
    complaint: &[
        "This is unacceptable, nobody showed up",
        "I am really frustrated, still no answer",
        "terrible service, I want to talk to a manager",
        "I'm disappointed, it was not what we booked",
    ],
    sorry: &["So sorry about that, let us check", "Apologies! We look into it right away", "We are on it, sorry again"],
    refund: &["I want a refund", "please give me my money back", "refund please, or I file a chargeback"],
};

/// `1500000` as `1.500.000`.
pub(super) fn rupiah(amount: u64) -> String {
    let digits = amount.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}
