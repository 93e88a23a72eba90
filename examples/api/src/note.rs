//! A note, what a client may say of one, and what it may not.
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The most characters of a title.
const TITLE: usize = 200;
/// The most characters of a text.
const TEXT: usize = 10_000;

/// A field of what the client sent that is not as it must be.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    field: &'static str,
    problem: String,
    /// What would be right.
    allowed: String,
}

/// A note as it is kept.
#[derive(Debug, Serialize)]
pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) text: String,
    /// One more after each change.
    pub(crate) version: i64,
    pub(crate) created: String,
    pub(crate) changed: String,
}

/// Some of the notes, in the order of their ids.
#[derive(Debug, Serialize)]
pub(crate) struct Notes {
    pub(crate) notes: Vec<Note>,
    /// What to ask for `after`, if there are more.
    pub(crate) next: Option<i64>,
}

/// A note to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) text: String,
}

/// What a note is to become.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) text: String,
    /// The one that the client has seen: it does not overwrite what it has not seen.
    pub(crate) version: i64,
}

impl Draft {
    /// What is wrong with it, if anything is.
    pub(crate) fn check(&self) -> Result<(), Vec<Field>> {
        check(&self.title, &self.text)
    }
}

impl Edit {
    /// What is wrong with it, if anything is.
    pub(crate) fn check(&self) -> Result<(), Vec<Field>> {
        check(&self.title, &self.text)
    }
}

fn check(title: &str, text: &str) -> Result<(), Vec<Field>> {
    let (characters, mut fields) = (title.chars().count(), Vec::new());
    let title_problem = match characters {
        _ if title.trim().is_empty() => Some("it is empty".into()),
        _ if characters > TITLE => Some(format!("it has {characters} characters")),
        _ if title.chars().any(char::is_control) => Some("it has a control character".into()),
        _ => None,
    };
    if let Some(problem) = title_problem {
        let allowed =
            format!("1 to {TITLE} characters, not all of them spaces, none of them a control character");
        fields.push(Field { field: "title", problem, allowed });
    }
    let characters = text.chars().count();
    if characters > TEXT {
        let problem = format!("it has {characters} characters");
        fields.push(Field { field: "text", problem, allowed: format!("up to {TEXT} characters") });
    }
    if fields.is_empty() { Ok(()) } else { Err(fields) }
}

/// Which notes are asked for, as it stands in the query of the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
    limit: Option<String>,
}

/// Which notes are asked for.
#[derive(Debug)]
pub(crate) struct Page {
    /// Those with a greater id.
    pub(crate) after: i64,
    /// So many at most.
    pub(crate) limit: i64,
}

impl Asked {
    /// The page that is asked for, or what is wrong.
    pub(crate) fn page(self) -> Result<Page, Vec<Field>> {
        let mut fields = Vec::new();
        let mut number = |field, value: Option<String>, default, allowed: RangeInclusive<i64>| {
            let Some(value) = value else { return default };
            match value.parse() {
                Ok(number) if allowed.contains(&number) => number,
                _ => {
                    let allowed = format!("a whole number from {} to {}", allowed.start(), allowed.end());
                    fields.push(Field { field, problem: format!("it is {value:?}"), allowed });
                    default
                }
            }
        };
        let page = Page {
            after: number("after", self.after, 0, 0..=i64::MAX),
            limit: number("limit", self.limit, 20, 1..=100),
        };
        if fields.is_empty() { Ok(page) } else { Err(fields) }
    }
}
