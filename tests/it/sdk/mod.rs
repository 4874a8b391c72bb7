//! Stories told with the real AWS SDK.

mod channels;
mod cloudformation;
mod consuming;
mod every_operation;
mod fan_out;
mod faults;
mod init;
mod isolation;
mod leases;
mod lifecycle;
mod limits;
mod looking_inside;
mod many_subscriptions;
mod producing;
mod resharding;
mod snapshots;
mod startup;
mod terraform;
mod time;
mod tls;
