//! Requests taken apart, whatever comes and in whatever pieces.
use super::{LIMITS, request, taken_apart};
use crate::input::{Input, Limits};
use crate::{glob, number};
use proptest::collection::vec;
use proptest::prelude::*;

/// `bytes` in pieces of these lengths, over and over.
fn pieces<'a>(bytes: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let (mut rest, mut lengths) = (bytes, lengths.iter().cycle());
    std::iter::from_fn(move || {
        let length = rest.len().min(*lengths.next()?);
        let (piece, after) = rest.split_at(length);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![Just(1_usize), 1..20_usize, 1..10_000_usize], 1..8)
}

/// What looks like requests, and often is none.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"*2\r\n".to_vec()),
        Just(b"$3\r\nabc\r\n".to_vec()),
        Just(b"$-1\r\n".to_vec()),
        Just(b"*0\r\n".to_vec()),
        Just(b"*1048577\r\n".to_vec()),
        Just(b"$99999999\r\n".to_vec()),
        Just(b"PING\r\n".to_vec()),
        Just(b"set 'a b' \"\\x41\\n\"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\"".to_vec()),
        vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn requests_are_the_same_in_whatever_pieces_they_come(
        requests in vec(vec(vec(any::<u8>(), 0..300), 1..6), 0..8),
        lengths in lengths(),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|args| request(args)).collect();
        prop_assert_eq!(taken_apart(LIMITS, pieces(&bytes, &lengths)), (requests, None));
    }

    #[test]
    fn garbage_is_the_same_in_whatever_pieces_it_comes(bytes in garbage(), lengths in lengths()) {
        let whole = taken_apart(LIMITS, [&bytes[..]]);
        prop_assert_eq!(taken_apart(LIMITS, pieces(&bytes, &lengths)), whole);
    }

    #[test]
    fn numbers_are_those_that_are_written_so(text in "[-+]?[0-9 ]{0,21}") {
        let expected = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
        prop_assert_eq!(number::parse(text.as_bytes()), expected);
    }

    #[test]
    fn a_pattern_of_stars_matches_as_a_search_does(parts in vec("[ab]{0,2}", 1..4), text in "[ab]{0,8}") {
        let pattern = parts.join("*");
        let mut rest = text.as_str();
        let (first, others) = parts.split_first().expect("one");
        let mut expected = rest.starts_with(first.as_str());
        if expected {
            rest = &rest[first.len()..];
            match others.split_last() {
                None => expected = rest.is_empty(),
                Some((last, middle)) => {
                    for part in middle {
                        match rest.find(part.as_str()) {
                            Some(at) if expected => rest = &rest[at + part.len()..],
                            _ => expected = false,
                        }
                    }
                    expected &= rest.ends_with(last.as_str());
                }
            }
        }
        prop_assert_eq!(glob::matches(pattern.as_bytes(), text.as_bytes()), expected);
    }
}

#[test]
fn patterns_match() {
    for (pattern, text, expected) in [
        ("h?llo", "hello", true),
        ("h?llo", "hllo", false),
        ("h[ae]llo", "hallo", true),
        ("h[ae]llo", "hillo", false),
        ("h[^e]llo", "hallo", true),
        ("h[^e]llo", "hello", false),
        ("h[a-c]llo", "hbllo", true),
        ("h[c-a]llo", "hbllo", true),
        ("h[a-c]llo", "hdllo", false),
        ("h\\*llo", "h*llo", true),
        ("h\\*llo", "hello", false),
        ("h[\\]]llo", "h]llo", true),
        ("h[a", "ha", true),
        ("\\", "\\", true),
        ("", "", true),
        ("", "a", false),
        ("*a*b", "aab", true),
        ("*a*b", "aabc", false),
    ] {
        assert_eq!(glob::matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
    }
}

#[test]
fn what_is_typed_by_hand_is_taken_apart_as_redis_does() {
    let words = |line: &str| taken_apart(LIMITS, [line.as_bytes()]);
    for (line, expected) in [
        ("GET  key \r\n", vec!["GET", "key"]),
        ("set k \"a b\\x41\\n\\\"\\q\\xg\"\n", vec!["set", "k", "a bA\n\"qxg"]),
        ("set k 'a \\' \\n'\n", vec!["set", "k", "a ' \\n"]),
        ("set k \"\" ''\n", vec!["set", "k", "", ""]),
        ("a\"b c\"\n", vec!["ab c"]),
    ] {
        let expected = expected.iter().map(|word| word.as_bytes().to_vec()).collect();
        assert_eq!(words(line), (vec![expected], None), "{line:?}");
    }
    assert_eq!(words("\r\n\n  \n"), (vec![], None));
    for line in ["a \"b\n", "a 'b\n", "a \"b\"c\n", "\"\\\n"] {
        assert_eq!(words(line), (vec![], Some("unbalanced quotes in request".into())), "{line:?}");
    }
}

#[test]
fn what_is_no_request_is_named_in_rediss_words() {
    let limits = Limits { bulk: 10, request: 100 };
    for (bytes, error) in [
        (&b"*x\r\n"[..], "invalid multibulk length"),
        (b"*+1\r\n", "invalid multibulk length"),
        (b"*1\n", "invalid multibulk length"),
        (b"*1048577\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n:3\r\n", "expected '$', got ':'"),
        (b"*1\r\n\r\n", "expected '$', got '\r'"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$11\r\n", "invalid bulk length"),
        (b"*1\r\n$3\r\nabcde", "expected a line's end after an argument"),
        (&[b'x'; 70_000], "too big inline request"),
        (&[b'*'; 70_000], "too big mbulk count string"),
        (&[&b"*1\r\n"[..], &[b'$'; 70_000]].concat(), "too big bulk count string"),
        (&[&b"*99\r\n"[..], &b"$1\r\na\r\n".repeat(20)].concat(), "too big request"),
    ] {
        // What is before it is none the worse.
        let all = [b"PING\r\n*0\r\n", bytes].concat();
        let limits = if error.contains("string") || error.contains("inline") { LIMITS } else { limits };
        let ping = vec![vec![b"PING".to_vec()]];
        assert_eq!(taken_apart(limits, [&all[..]]), (ping, Some(error.into())));
    }
}

#[test]
fn an_announced_length_takes_no_memory_before_its_bytes_come() {
    let mut input = Input::new(Limits { bulk: 512 << 20, request: 1 << 30 });
    input.push(b"*2\r\n$3\r\nGET\r\n$536870912\r\n");
    assert!(input.space().len() < 10_000);
    // And a long argument no more than twice its own.
    let mut came = 0;
    while came < 1 << 20 {
        let length = input.space().len();
        assert!(length <= came + 10_000, "{length} after {came}");
        input.received(length);
        came += length;
    }
}
