//! Names and ids that stand in a path.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::Refused;

/// A name, whatever it names.
pub(super) struct Name(pub(super) String);

/// The number that a rule or a snapshot has.
pub(super) struct Id(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => {
                let why = "what stands in the path is not UTF-8: write a name as it is, or its \
                           bytes in UTF-8 as %XX";
                Err(Refused::because(why))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Name(text) = Name::from_request_parts(parts, state).await?;
        let id = text.parse().map_err(|_| {
            Refused::because(format!("{text:?} is not an id: write the number that POST gave"))
        })?;
        Ok(Self(id))
    }
}
