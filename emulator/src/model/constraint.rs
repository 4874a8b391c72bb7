//! What a value must satisfy before it becomes one of the model's types.
//!
//! A constraint is data, so that the check, the validation sentence, the
//! comparison with the service model and generated bad input all read the same
//! declaration. The sentences themselves are in `wire/violation.rs`.

use std::borrow::Cow;

/// One rule on a text or an integer, as the service model declares them.
#[derive(Debug, Clone, Copy)]
pub enum Constraint {
    /// The text has at least this many UTF-16 units.
    LengthAtLeast(usize),
    /// The text has at most this many UTF-16 units.
    LengthAtMost(usize),
    /// The whole text matches the pattern.
    Pattern(&'static Pattern),
    /// The text is one of these values.
    OneOf(&'static [&'static str]),
    /// The number is at least this.
    ValueAtLeast(i32),
    /// The number is at most this.
    ValueAtMost(i32),
}

/// A regular expression as AWS prints it, with the test that decides it.
#[derive(Debug)]
pub struct Pattern {
    /// The expression as it stands in validation sentences.
    pub text: &'static str,
    /// Whether a whole text matches.
    pub matches: fn(&str) -> bool,
}

/// A type whose values are texts or integers within declared constraints.
pub(crate) trait Constrained: Sized {
    /// What the wire carries: `Cow<str>` or `i32`.
    type Base<'a>: Measured;
    /// The declared rules, in the order in which they are checked.
    const CONSTRAINTS: &'static [Constraint];
    /// Builds the value from a base that satisfies every constraint.
    fn from_checked(base: Self::Base<'_>) -> Self;
    /// The value as the wire carries it.
    fn base(&self) -> Self::Base<'_>;
}

/// A base that a constraint can be held against.
pub(crate) trait Measured {
    /// Whether the value keeps the rule. A rule for another base is a bug in a
    /// declaration and panics.
    fn satisfies(&self, constraint: &Constraint) -> bool;
}

impl Measured for Cow<'_, str> {
    fn satisfies(&self, constraint: &Constraint) -> bool {
        match *constraint {
            Constraint::LengthAtLeast(units) => utf16_units(self, units) >= units,
            Constraint::LengthAtMost(units) => utf16_units(self, units) <= units,
            Constraint::Pattern(pattern) => (pattern.matches)(self),
            Constraint::OneOf(values) => values.contains(&self.as_ref()),
            Constraint::ValueAtLeast(_) | Constraint::ValueAtMost(_) => {
                panic!("a bound on a number was declared for a text")
            }
        }
    }
}

impl Measured for i32 {
    fn satisfies(&self, constraint: &Constraint) -> bool {
        match *constraint {
            Constraint::ValueAtLeast(minimum) => *self >= minimum,
            Constraint::ValueAtMost(maximum) => *self <= maximum,
            Constraint::LengthAtLeast(_)
            | Constraint::LengthAtMost(_)
            | Constraint::Pattern(_)
            | Constraint::OneOf(_) => panic!("a rule on texts was declared for a number"),
        }
    }
}

/// The length of a text as the Java service counts it: in UTF-16 units.
///
/// A text of at most `bound` ASCII bytes needs no counting.
fn utf16_units(text: &str, bound: usize) -> usize {
    if text.is_ascii() || text.len() < bound { text.len() } else { text.encode_utf16().count() }
}

/// Declares text types: a name, a length and optionally a pattern.
macro_rules! texts {
    ($(
        $(#[$meta:meta])*
        $name:ident { $(length $min:literal ..= $max:literal $(, pattern $pattern:ident)? $(,)?)? }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(::smol_str::SmolStr);

        impl $name {
            /// The text as the caller gave it.
            #[allow(dead_code, reason = "some texts are only checked")]
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $crate::model::constraint::Constrained for $name {
            type Base<'a> = ::std::borrow::Cow<'a, str>;
            const CONSTRAINTS: &'static [$crate::model::constraint::Constraint] = &[
                $(
                    $($crate::model::constraint::Constraint::Pattern(&$pattern),)?
                    $crate::model::constraint::Constraint::LengthAtLeast($min),
                    $crate::model::constraint::Constraint::LengthAtMost($max),
                )?
            ];
            fn from_checked(base: ::std::borrow::Cow<'_, str>) -> Self {
                Self(base.into())
            }
            fn base(&self) -> ::std::borrow::Cow<'_, str> {
                ::std::borrow::Cow::Borrowed(&self.0)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

/// Declares integer types: a name, its bounds and a doc.
macro_rules! integers {
    ($(
        $(#[$meta:meta])*
        $name:ident { $(at_least $min:literal)? $(, at_most $max:literal)? $(,)? }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(i32);

        impl $crate::model::constraint::Constrained for $name {
            type Base<'a> = i32;
            const CONSTRAINTS: &'static [$crate::model::constraint::Constraint] = &[
                $($crate::model::constraint::Constraint::ValueAtLeast($min),)?
                $($crate::model::constraint::Constraint::ValueAtMost($max),)?
            ];
            fn from_checked(base: i32) -> Self {
                Self(base)
            }
            fn base(&self) -> i32 {
                self.0
            }
        }

        impl $name {
            #[allow(dead_code, reason = "some numbers are only checked")]
            /// The number, which the declared minimum keeps from being negative.
            pub(crate) fn get(self) -> u32 {
                self.0.unsigned_abs()
            }
        }
    )*};
}

/// Declares enumerations by their wire names.
macro_rules! enumerations {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $wire:literal),* $(,)? }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(unreachable_pub, reason = "users see some of them")]
        pub enum $name {
            $($(#[$variant_meta])* $variant),*
        }

        impl $name {
            /// The value as the API spells it.
            #[allow(unreachable_pub, reason = "users see some of them")]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire),*
                }
            }
        }

        impl $crate::model::constraint::Constrained for $name {
            type Base<'a> = ::std::borrow::Cow<'a, str>;
            const CONSTRAINTS: &'static [$crate::model::constraint::Constraint] =
                &[$crate::model::constraint::Constraint::OneOf(&[$($wire),*])];
            fn from_checked(base: ::std::borrow::Cow<'_, str>) -> Self {
                match base.as_ref() {
                    $($wire => Self::$variant,)*
                    other => panic!("{other} passed the check against the enumeration's own values"),
                }
            }
            fn base(&self) -> ::std::borrow::Cow<'_, str> {
                ::std::borrow::Cow::Borrowed(self.as_str())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

pub(crate) use {enumerations, integers, texts};
