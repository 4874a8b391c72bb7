//! Stories told with the real AWS SDK.

mod consuming;
mod fan_out;
mod isolation;
mod lifecycle;
mod many_subscriptions;
mod producing;
mod resharding;
mod startup;
mod tls;
