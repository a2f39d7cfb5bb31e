//! The texts that are typed into every kind of program: a name for each, and what it holds.

/// All of them that are a line long and hold no tab.
pub(crate) fn lines() -> Vec<(String, String)> {
    let mut all: Vec<_> =
        LINES.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    all.push(("every ascii character".into(), (' '..='~').collect()));
    all.push(("every latin-1 character".into(), ('¡'..='ÿ').filter(|c| *c != '\u{ad}').collect()));
    for (first, last) in BLOCKS {
        let text = (*first..=*last).filter(|c| c.is_alphanumeric()).take(48).collect();
        all.push((format!("48 letters from {first:?}"), text));
    }
    all
}

/// Those with line ends and tabs.
pub(crate) fn paragraphs() -> Vec<(String, String)> {
    PARAGRAPHS.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
}

/// `count` characters in lines of a length that every program takes: the keys of the board over and over.
pub(crate) fn ascii(count: usize) -> String {
    let line: String = (' '..='~').chain(['\n']).collect();
    line.chars().cycle().take(count).collect()
}

/// `count` characters of many scripts, some hundreds of them different, in lines.
pub(crate) fn mixed(count: usize) -> String {
    let words = LINES.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\n") + "\n";
    words.chars().cycle().take(count).collect()
}

/// The beginnings and ends of Unicode blocks.
const BLOCKS: &[(char, char)] = &[
    ('Ā', 'ž'),
    ('ƀ', 'ɏ'),
    ('ɐ', 'ʯ'),
    ('Α', 'ώ'),
    ('А', 'я'),
    ('Ա', 'ֆ'),
    ('א', 'ת'),
    ('ء', 'ي'),
    ('अ', 'ह'),
    ('অ', 'হ'),
    ('அ', 'ஹ'),
    ('ก', 'ฮ'),
    ('ა', 'ჰ'),
    ('ᄀ', 'ᄒ'),
    ('Ḁ', 'ỹ'),
    ('ぁ', 'ん'),
    ('ァ', 'ヶ'),
    ('一', '乿'),
    ('가', '갿'),
    ('ｦ', 'ﾝ'),
    ('𐌰', '𐍊'),
    ('𝐀', '𝐳'),
    ('𠀀', '𠀯'),
];

const LINES: &[(&str, &str)] = &[
    ("one letter", "a"),
    ("one capital", "A"),
    ("a space at both ends", " a "),
    ("the same letter", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("a doubled foreign letter", "ééééééééééé"),
    ("alternating case", "aAaAaAaAbBbBbBzZzZ"),
    ("alternating levels", "1!1!2@2@é1É2é!É@"),
    ("digits", "0123456789 +1 (555) 010-9999"),
    ("prose", "The quick brown fox jumps over the lazy dog."),
    ("punctuation", "\"'`~!@#$%^&*()_+{}|:<>?[]\\;,./-="),
    ("a path", "C:\\Users\\Jane Doe\\Desktop\\Q3 (final)\\~$report_v2.xlsx"),
    ("an address", "first.last+tag@example-host.co.uk"),
    ("a link", "https://example.org/a?b=c&d=%20e#f~g;h"),
    ("code", "if (a[i] != b->c && !d) { return *e ^ ~f | 0x1F; } // ok"),
    ("json", "{\"k\": [1, 2.5e-3, null, \"\\u00e9\"], \"s\": \"it's\"}"),
    ("sums", "¥1,200,000 €5.00 £3 ¢99 ₹10 ₩1000 ₿0.1"),
    ("german", "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich ÄÖÜẞ"),
    ("french", "Dès Noël où un zéphyr haï me vêt de glaçons würmiens, œuvre « cœur » ŒÆ"),
    ("spanish", "¿El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia? ¡Ñandú!"),
    ("portuguese", "À noite, vovô Kowalsky vê o ímã cair no pé do pinguim e põe açúcar"),
    ("polish", "Pchnąć w tę łódź jeża lub ośm skrzyń fig ŻŹĆŃÓŁĄĘŚ"),
    ("czech", "Příliš žluťoučký kůň úpěl ďábelské ódy ŘŠČŽÝÁÍÉŮŤĎŇ"),
    ("hungarian", "Árvíztűrő tükörfúrógép ŐŰ"),
    ("turkish", "Pijamalı hasta yağız şoföre çabucak güvendi İIıi"),
    ("icelandic", "Kæmi ný öxi hér ykist þjófum nú bæði víl og ádrepa ÞÐ"),
    ("romanian", "Gheorghe, obezul, a reuşit să obţină jucându-se ȘșȚț"),
    ("vietnamese", "Do bạch kim rất quý nên sẽ dùng để lắp vô xương Ỗ ễ ỵ"),
    ("greek", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία ΐΰ"),
    ("polytonic greek", "ἄνδρα μοι ἔννεπε, μοῦσα, πολύτροπον ᾧ ᾯ"),
    ("russian", "Съешь же ещё этих мягких французских булок, да выпей чаю ЁЪ"),
    ("ukrainian", "Жебракують філософи при ґанку церкви в Гадячі їЇєЄ"),
    ("serbian", "Љубазни фењерџија чађавог лица хоће да ми покаже штос"),
    ("armenian", "Բել դղյակի ձախ ժամն օֆ ազգությանը"),
    ("georgian", "სწრაფი ყავისფერი მელა"),
    ("hebrew", "דג סקרן שט בים מאוכזב ולפתע מצא חברה"),
    ("hebrew with points", "בְּרֵאשִׁית בָּרָא אֱלֹהִים"),
    ("arabic", "نص حكيم له سر قاطع وذو شأن عظيم ٠١٢٣"),
    ("arabic with marks", "بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ"),
    ("persian with joiners", "می‌خواهم کتاب‌ها را ببینم پچژگ"),
    ("left and right", "abc שלום 123 עולם def"),
    ("direction marks", "a\u{200f}b\u{200e}c \u{202b}d\u{202c} \u{2067}e\u{2069}"),
    ("hindi", "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा क्ष्म"),
    ("bengali", "আমি বাংলায় গান গাই"),
    ("tamil", "யாமறிந்த மொழிகளிலே தமிழ்மொழி"),
    ("thai", "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า"),
    ("khmer", "ភាសាខ្មែរ"),
    ("burmese", "သီဟိုဠ်မှ ဉာဏ်ကြီးရှင်"),
    ("tibetan", "བོད་སྐད་"),
    ("amharic", "ሰማይ አይታረስ ንጉሥ አይከሰስ"),
    ("japanese", "いろはにほへと 色は匂へど 株式会社カラクリの請求書 第４７１１号"),
    ("half width", "ｶﾅ ﾊﾝｶｸ ﾞﾟ ABC １２３ ＡＢＣ"),
    ("kana with marks apart", "か\u{3099}は\u{309a}"),
    ("chinese", "天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。简体中文"),
    ("rare ideographs", "𠮷野家 𩸽 㐂 丂"),
    ("ideographic variation", "葛\u{e0100}城 辻\u{fe00}"),
    ("korean", "키스의 고유조건은 입술끼리 만나야 하고"),
    ("korean in pieces", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
    ("accents apart", "e\u{301}a\u{308}n\u{303}c\u{327}o\u{302}\u{301}"),
    ("accents together and apart", "é e\u{301} Å A\u{30a} Å"),
    ("a tower of accents", "Z\u{351}\u{36b}\u{343}\u{36a}\u{302}\u{36b}a\u{334}\u{301}"),
    ("ligatures", "ﬁ ﬂ ﬀ ŉ ǆ ĳ"),
    ("quotes and dashes", "“a” ‘b’ „c“ «d» ‹e› – — … • † ‡ ‰ ′ ″"),
    ("spaces", "a\u{a0}b\u{2009}c\u{3000}d\u{202f}e\u{200b}f"),
    ("arrows and signs", "← ↑ → ↓ ⇒ ∀x∈ℝ ∑∏∫√∞≠≤≥±×÷ ½⅓ ²³ₙ ™©®"),
    ("boxes", "┌─┬─┐│ │└─┴─┘█▓▒░"),
    ("braille", "⠓⠑⠇⠇⠕"),
    ("mathematical letters", "𝒜𝓑𝔄𝔹𝕏𝟘𝟙"),
    ("music and runes", "𝄞 𝅘𝅥𝅮 ᚠᛇᚻ 𐎀 𓀀"),
    ("emoji", "🙂🚀🎉🍣🐈🌍💾"),
    ("emoji and letters", "a🙂b🚀c"),
    ("the same emoji", "🙂🙂🙂🙂🙂"),
    ("emoji with a style", "❤\u{fe0f} ☎\u{fe0e} ✔\u{fe0f}"),
    ("skin tones", "👍🏻👍🏽👍🏿 👋🏾"),
    ("a family", "👨\u{200d}👩\u{200d}👧\u{200d}👦 👩🏽\u{200d}💻 🏳\u{fe0f}\u{200d}🌈"),
    ("flags", "🇯🇵🇩🇪🇧🇷 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"),
    ("key caps", "1\u{fe0f}\u{20e3}#\u{fe0f}\u{20e3}"),
    ("private use", "\u{e000}\u{f8ff}\u{f0000}"),
    ("many scripts", "Grüße Здравствуй 日本語 한글 שלום مرحبا नमस्ते 🙂 Ł"),
    ("dead keys of other layouts", "^ ` ´ ¨ ~ ¸ ˇ ˘ ° ˚"),
    ("characters on altgr", "@ € { } [ ] \\ | µ ² ³"),
];

const PARAGRAPHS: &[(&str, &str)] = &[
    ("two lines", "one\ntwo"),
    ("an empty line", "one\n\nthree"),
    ("line ends alone", "\n\n\n"),
    ("a line end at the end", "one\n"),
    ("columns", "a\tb\tc\n1\t2\t3\n"),
    ("indented", "\tif a:\n\t\tb()\n"),
    ("lines of many scripts", "Grüße\n日本語\tかな\n🙂\tend\nשלום\n"),
];
