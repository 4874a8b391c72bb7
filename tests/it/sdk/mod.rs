//! Stories told with the real AWS SDK.

mod consuming;
mod every_operation;
mod fan_out;
mod init;
mod isolation;
mod lifecycle;
mod many_subscriptions;
mod producing;
mod resharding;
mod startup;
mod terraform;
mod time;
mod tls;
