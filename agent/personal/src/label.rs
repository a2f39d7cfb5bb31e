//! Names and addresses by the label before them: in the same text, or in one beside or below it.

use std::ops::Range;

use karakuri_protocol::geometry::Rect;

/// Labels of names, folded and in lower case.
pub(crate) const NAMES: &[&str] = &[
    "name",
    "full name",
    "first name",
    "last name",
    "given name",
    "family name",
    "middle name",
    "surname",
    "customer name",
    "customer",
    "client name",
    "patient name",
    "patient",
    "contact name",
    "contact person",
    "account holder",
    "cardholder",
    "cardholder name",
    "recipient",
    "employee name",
    "applicant",
    "tenant name",
    "氏名",
    "お名前",
    "名前",
    "姓",
    "名",
    "姓名",
    "患者名",
    "患者氏名",
    "担当者",
    "担当者名",
    "フリガナ",
    "ふりがな",
    "カナ氏名",
    "氏名カナ",
    "氏名(カナ)",
    "契約者",
    "契約者名",
    "口座名義",
    "名義人",
    "受取人",
    "宛名",
    "被保険者",
    "お客様名",
    "社員名",
    "従業員名",
    "申請者",
    "申込者",
];

/// Labels of addresses, likewise.
pub(crate) const ADDRESSES: &[&str] = &[
    "address",
    "home address",
    "street",
    "street address",
    "address line 1",
    "address line 2",
    "postal address",
    "mailing address",
    "billing address",
    "shipping address",
    "delivery address",
    "住所",
    "ご住所",
    "現住所",
    "自宅住所",
    "届け先",
    "お届け先",
    "送付先",
    "送付先住所",
    "請求先住所",
    "所在地",
    "居住地",
];

/// What may end a label, beside the end of its text.
const ENDS: [char; 2] = [':', '*'];
/// What parts one label and its value from the next in the same text.
const PARTS: [char; 4] = ['|', ';', '\t', '│'];
/// A value stands at most so far to the right of its label, and so far below it, in heights of the label.
const ASIDE: i64 = 15;
const BELOW: i64 = 2;

/// A label as it is compared.
pub(crate) fn label(text: &str) -> String {
    let text = text.trim().trim_end_matches(ENDS);
    text.trim_end_matches("(必須)")
        .trim_end_matches("(required)")
        .trim_end_matches(ENDS)
        .trim_end()
        .to_lowercase()
}

/// The values in a text of the form `label: value`, of which there may be several, apart by `|`, `;`, a tab
/// or two spaces. Between a Japanese label and its value a space is enough.
pub(crate) fn values(text: &str, is_label: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    pieces(text).into_iter().filter_map(|piece| value(text, piece, &is_label)).collect()
}

fn value(text: &str, piece: Range<usize>, is_label: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let whole = &text[piece.clone()];
    let after = |at: usize, separator: usize| {
        let rest = &whole[at + separator..];
        let start = piece.start + at + separator + (rest.len() - rest.trim_start().len());
        let end = piece.start + whole.trim_end().len();
        (start < end && is_label(&label(&whole[..at]))).then_some(start..end)
    };
    if let Some(at) = whole.find(':') {
        return after(at, 1);
    }
    let at = whole.trim_start().find(' ')? + (whole.len() - whole.trim_start().len());
    let japanese = !whole[..at].trim().is_ascii();
    japanese.then(|| after(at, 1)).flatten()
}

/// The parts of a text that can have a label each.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut space) = (0, false);
    for (at, c) in text.char_indices() {
        // A slash parts names too, and directories: only one with another label behind it ends a value.
        let slash = c == '/' && text[at..].contains(':');
        if PARTS.contains(&c) || slash || (c == ' ' && space) {
            pieces.push(start..at);
            start = at + c.len_utf8();
        }
        space = c == ' ';
    }
    pieces.push(start..text.len());
    pieces.retain(|piece| !text[piece.clone()].trim().is_empty());
    pieces
}

/// Which of `boxes` is the value of the label at `index`: the nearest to its right on the same row, else the
/// nearest below it that begins with it.
pub(crate) fn beside(boxes: &[Rect], index: usize) -> Option<usize> {
    let label = boxes[index];
    let [left, top, right, bottom] = edges(label);
    let height = i64::from(label.height);
    let others = || boxes.iter().copied().enumerate().filter(move |(other, _)| *other != index);
    let on_row = others().filter(|(_, other)| {
        let [their_left, their_top, _, their_bottom] = edges(*other);
        let shared = bottom.min(their_bottom) - top.max(their_top);
        // A label and its value may touch when they were read as two.
        2 * shared >= height
            && their_left >= right - height / 2
            && their_left - right <= ASIDE * height
    });
    let under = others().filter(|(_, other)| {
        let [their_left, their_top, ..] = edges(*other);
        let down = their_top - bottom;
        (left - their_left).abs() <= height && (-height / 2..=BELOW * height).contains(&down)
    });
    let by_left = on_row.min_by_key(|(_, other)| other.left);
    by_left.or_else(|| under.min_by_key(|(_, other)| other.top)).map(|(index, _)| index)
}

fn edges(rect: Rect) -> [i64; 4] {
    let [left, top] = [rect.left, rect.top].map(i64::from);
    [left, top, left + i64::from(rect.width), top + i64::from(rect.height)]
}
