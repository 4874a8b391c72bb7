//! The declared shape of a member as data, for the comparison with the service
//! model and for generated input that breaks a bound.

use crate::model::constraint::Constraint;

/// What an operation declares.
#[derive(Debug, Clone, Copy)]
pub struct OperationDescription {
    /// The operation's name.
    pub name: &'static str,
    /// Its input structure.
    pub input: Description,
    /// Its output structure, if it has one.
    pub output: Option<Description>,
    /// The wire names of the errors it may answer with.
    pub errors: &'static [crate::model::error::ErrorKind],
    /// How often it can be called, unless its shards limit it.
    pub rate: Option<crate::model::limits::Rate>,
}

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub enum Description {
    /// A text and its rules.
    Text(&'static [Constraint]),
    /// A 32-bit number and its rules.
    Integer(&'static [Constraint]),
    /// A 64-bit number.
    Long,
    /// True or false.
    Boolean,
    /// A point in time.
    Timestamp,
    /// Bytes, at most this many.
    Blob {
        /// The most bytes allowed.
        bytes_max: usize,
    },
    /// A list and how many elements it may have.
    List {
        /// The least number of elements.
        at_least: usize,
        /// The largest number of elements.
        at_most: usize,
        /// The shape of each.
        element: &'static Description,
    },
    /// A map from text to text.
    Map {
        /// The least number of entries.
        at_least: usize,
        /// The largest number of entries.
        at_most: usize,
        /// The rules of a key.
        key: &'static [Constraint],
        /// The rules of a value.
        value: &'static [Constraint],
    },
    /// Named members.
    Structure(&'static [MemberDescription]),
}

/// A member of a structure.
#[derive(Debug, Clone, Copy)]
pub struct MemberDescription {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// What it holds.
    pub shape: Description,
}
