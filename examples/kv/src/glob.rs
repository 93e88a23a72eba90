//! Patterns as Redis has them: `*`, `?`, `[a-c]`, `[^a]`, `\` before what stands for itself.

/// Does all of `text` match? In time proportional to the product of the lengths, at worst.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // After the last star: the pattern goes on here, and its text ends here, so far.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, t));
        } else if let Some(next) = text.get(t).and_then(|&byte| one(&pattern[p..], byte)) {
            p += next;
            t += 1;
        } else if p == pattern.len() && t == text.len() {
            return true;
        } else {
            // The star takes one more.
            match &mut star {
                Some((after, end)) if *end < text.len() => {
                    *end += 1;
                    (p, t) = (*after, *end);
                }
                _ => return false,
            }
        }
    }
}

/// How much of the pattern matches this byte; `None` if it does not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => set(rest, byte).map(|length| length + 1),
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// How long the set is, which begins after its bracket, if the byte is in it. Without a bracket at its end, it is the rest.
fn set(pattern: &[u8], byte: u8) -> Option<usize> {
    let not = pattern.first() == Some(&b'^');
    let (mut at, mut found) = (usize::from(not), false);
    loop {
        match pattern[at..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [a, b'-', b, ..] => {
                found |= (a.min(b)..=a.max(b)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                at += 1;
            }
        }
    }
    (found != not).then_some(at)
}
