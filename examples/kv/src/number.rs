//! Numbers as Redis takes and writes them: `-12`, but not `+12`, `012`, ` 12` or `-0`.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0'] if digits.len() == text.len() => Some(0),
        [b'1'..=b'9', ..] => str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// As it is written.
pub(crate) fn text(number: i64) -> Vec<u8> {
    itoa::Buffer::new().format(number).into()
}
