//! Rules on tags that AWS applies after the model's constraints.

use std::collections::BTreeMap;

use super::error::ApiError;
use super::names::{TagKey, TagValue};

/// Most tags on one resource (API reference; the map itself allows 200).
pub(crate) const TAGS_MAX: usize = 50;

/// Refuses texts with a character that is not legal in keys and values.
///
/// # Errors
/// If there is one.
pub(crate) fn check_characters<'a>(
    mut texts: impl Iterator<Item = &'a str>,
) -> Result<(), ApiError> {
    if texts.all(|text| text.chars().all(is_legal)) {
        Ok(())
    } else {
        Err(ApiError::tag_characters())
    }
}

/// Refuses tags with an illegal character or a reserved key.
///
/// # Errors
/// If there is one.
pub(crate) fn check(tags: &BTreeMap<TagKey, TagValue>) -> Result<(), ApiError> {
    if tags.keys().any(|key| key.as_str().starts_with("aws:")) {
        return Err(ApiError::tag_prefix_reserved());
    }
    check_characters(texts(tags))
}

/// Refuses `%`, which only the older API's sentence lists as legal, in one that does
/// not.
///
/// # Errors
/// If there is one.
pub(crate) fn refuse_percent(tags: &BTreeMap<TagKey, TagValue>) -> Result<(), ApiError> {
    if texts(tags).any(|text| text.contains('%')) {
        Err(ApiError::tag_percent_on_resource())
    } else {
        Ok(())
    }
}

/// Keys and values alike.
pub(crate) fn texts(tags: &BTreeMap<TagKey, TagValue>) -> impl Iterator<Item = &str> {
    tags.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()])
}

/// Unicode letters and digits, white space, and some signs (API reference; `:` is
/// taken, tab and newline are refused: recorded). `%` is legal here and refused
/// later, with another sentence.
fn is_legal(letter: char) -> bool {
    let is_space = letter.is_whitespace() && !letter.is_control();
    letter.is_alphanumeric() || is_space || "_.:/=+-@%".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_are_legal_and_control_characters_are_not() {
        for (letter, legal) in [
            ('é', true),
            ('統', true),
            (':', true),
            (' ', true),
            ('\u{a0}', true),
            ('\u{3000}', true),
            ('\n', false),
            ('\u{85}', false),
            ('\t', false),
            (';', false),
            (',', false),
        ] {
            assert_eq!(is_legal(letter), legal, "{letter:?}");
        }
    }
}
