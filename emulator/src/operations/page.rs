//! Page tokens: a query and how far it has come, sealed.

use std::time::Duration;

use crate::model::constraint::Constrained;
use crate::model::error::ApiError;
use crate::model::names::GivenNextToken;
use crate::model::seal::{Token, TokenKind};
use crate::wire::description::Description;
use crate::wire::emit::Emit;
use crate::wire::writer::Writer;

use super::Call;

/// How long a token is valid (API reference, ListShards).
const TOKEN_AGE_MAX: Duration = Duration::from_secs(300);

/// A page token on its way out.
#[derive(Debug)]
pub(crate) struct SealedToken(Token);

impl Emit for SealedToken {
    const DESCRIPTION: Description = Description::Text(GivenNextToken::CONSTRAINTS);

    fn bytes_about(&self) -> usize {
        self.0.len()
    }

    fn emit(&self, writer: &mut impl Writer) {
        writer.ascii(self.0.as_bytes());
    }
}

/// Seals the fields of a query. None of them contains a `/`.
pub(crate) fn seal(
    call: &Call<'_>,
    kind: TokenKind,
    fields: &[&dyn std::fmt::Display],
) -> SealedToken {
    let text: Vec<_> = fields.iter().map(ToString::to_string).collect();
    let nonce = call.engine.entropy.draw();
    SealedToken(call.engine.seal().seal(kind, call.now, nonce, text.join("/").as_bytes()))
}

/// Opens a token and hands its fields to `read`.
///
/// # Errors
/// If it is not one of this emulator's, of another kind, or too old.
pub(crate) fn open<T>(
    call: &Call<'_>,
    kind: TokenKind,
    token: &GivenNextToken,
    read: impl FnOnce(&mut dyn Iterator<Item = &str>) -> Option<T>,
) -> Result<T, ApiError> {
    let (issued, fields) =
        call.engine.seal().open(kind, token.as_str()).ok_or_else(ApiError::token_invalid)?;
    if call.now.since(issued) > TOKEN_AGE_MAX {
        return Err(ApiError::token_expired(issued, call.now));
    }
    let text = std::str::from_utf8(&fields).map_err(|_| ApiError::token_invalid())?;
    read(&mut text.split('/')).ok_or_else(ApiError::token_invalid)
}

/// One page of a list, and whether there is more.
pub(crate) fn cut<T>(items: impl Iterator<Item = T>, size: usize) -> (Vec<T>, bool) {
    let mut items = items.peekable();
    let page = items.by_ref().take(size).collect();
    (page, items.peek().is_some())
}
