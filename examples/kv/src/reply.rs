//! Answers, as RESP2 has them, written to the end of a buffer. Requests are written with the same words.
pub(crate) fn simple(out: &mut Vec<u8>, text: &str) {
    line(out, b'+', text.as_bytes());
}

pub(crate) fn ok(out: &mut Vec<u8>) {
    out.extend_from_slice(b"+OK\r\n");
}

/// An error is one line: what would end it becomes a space.
pub(crate) fn error(out: &mut Vec<u8>, text: &[u8]) {
    let start = out.len() + 1;
    line(out, b'-', text);
    let end = out.len() - 2;
    for byte in &mut out[start..end] {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
}

pub(crate) fn integer(out: &mut Vec<u8>, number: i64) {
    line(out, b':', itoa::Buffer::new().format(number).as_bytes());
}

/// The head of an array: so many answers follow.
pub(crate) fn array(out: &mut Vec<u8>, length: usize) {
    line(out, b'*', itoa::Buffer::new().format(length).as_bytes());
}

pub(crate) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    line(out, b'$', itoa::Buffer::new().format(bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// All of them, as an array.
pub(crate) fn bulks(out: &mut Vec<u8>, parts: &[&[u8]]) {
    array(out, parts.len());
    for part in parts {
        bulk(out, part);
    }
}

pub(crate) fn nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"$-1\r\n");
}

/// Bytes, or nil.
pub(crate) fn bulk_or_nil(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => bulk(out, bytes),
        None => nil(out),
    }
}

fn line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}
