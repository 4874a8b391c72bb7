//! Gate 2's findings, in AWS's words (recorded by kinesalite).
//!
//! The constraint says what is wrong, the walker adds where: neither knows of
//! the other. AWS reports at most ten findings and counts ten then.

use std::fmt;

use crate::model::constraint::Constraint;
use crate::model::error::{ApiError, ErrorKind};

const FINDINGS_MAX: usize = 10;

/// Where a value stands in the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'p> {
    /// The request itself.
    Root,
    /// A member, by its name on the wire.
    Member(&'p Path<'p>, &'static str),
    /// An element of a list, counting from 0.
    Element(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(crate) fn member(&'p self, name: &'static str) -> Self {
        Self::Member(self, name)
    }

    pub(crate) fn element(&'p self, position: usize) -> Self {
        Self::Element(self, position)
    }
}

/// AWS writes `records.1.member.partitionKey`: first letters in lower case,
/// elements counted from 1.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(parent, name) => {
                if !matches!(parent, Path::Root) {
                    write!(f, "{parent}.")?;
                }
                let (first, rest) = name.split_at(1);
                write!(f, "{}{rest}", first.to_ascii_lowercase())
            }
            Self::Element(parent, position) => write!(f, "{parent}.{}.member", position + 1),
        }
    }
}

/// What was found, up to the ten that AWS reports.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    /// Whether more findings would not be reported.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= FINDINGS_MAX
    }

    /// A required member is not there.
    pub(crate) fn null(&mut self, at: &Path<'_>) {
        self.add(format_args!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// A value, printed as Java does, breaks a rule.
    pub(crate) fn broken(&mut self, value: &str, at: &Path<'_>, rule: impl fmt::Display) {
        self.add(format_args!("Value '{value}' at '{at}' failed to satisfy constraint: {rule}"));
    }

    /// A value that is not printed is too long.
    pub(crate) fn too_long(&mut self, at: &Path<'_>, length_max: usize) {
        self.add(format_args!(
            "Value at '{at}' failed to satisfy constraint: {}",
            Constraint::LengthAtMost(length_max)
        ));
    }

    fn add(&mut self, finding: fmt::Arguments<'_>) {
        if !self.is_full() {
            self.0.push(finding.to_string());
        }
    }

    /// The error answer, if anything was found.
    pub(crate) fn into_error(self) -> Option<ApiError> {
        let plural = match self.0.len() {
            0 => return None,
            1 => "",
            _ => "s",
        };
        let message =
            format!("{} validation error{plural} detected: {}", self.0.len(), self.0.join("; "));
        Some(ApiError::new(ErrorKind::Validation, message))
    }
}

/// The rule as AWS words it.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthAtLeast(units) => {
                write!(f, "Member must have length greater than or equal to {units}")
            }
            Self::LengthAtMost(units) => {
                write!(f, "Member must have length less than or equal to {units}")
            }
            Self::ValueAtLeast(number) => {
                write!(f, "Member must have value greater than or equal to {number}")
            }
            Self::ValueAtMost(number) => {
                write!(f, "Member must have value less than or equal to {number}")
            }
            Self::Pattern(pattern) => {
                write!(f, "Member must satisfy regular expression pattern: {}", pattern.text)
            }
            Self::OneOf(values) => {
                write!(f, "Member must satisfy enum value set: [{}]", values.join(", "))
            }
        }
    }
}

/// The rules of a list's or map's parts, which AWS reports on the whole:
/// the upper bound first.
pub(crate) fn parts_rule(rules: &[Constraint]) -> String {
    let words: Vec<_> = rules.iter().rev().map(Constraint::to_string).collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_count_elements_from_one_and_lower_the_first_letter() {
        let records = Path::Root.member("Records");
        let second = records.element(1);
        assert_eq!(second.member("PartitionKey").to_string(), "records.2.member.partitionKey");
        assert_eq!(Path::Root.member("StreamARN").to_string(), "streamARN");
    }

    #[test]
    fn ten_findings_are_reported_of_more() {
        let mut found = Violations::default();
        for _ in 0..12 {
            found.null(&Path::Root.member("Data"));
        }
        let error = found.into_error().expect("there are findings");
        assert!(error.message().starts_with("10 validation errors detected: Value null at 'data'"));
        assert_eq!(error.message().matches("; ").count(), 9);
    }
}
