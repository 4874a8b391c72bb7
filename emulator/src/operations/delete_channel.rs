//! `DeleteChannel`: stop delivering.
//!
//! * Works whatever the channel's status is; while it is DELETING the call
//!   changes nothing (inferred: no error for it is modelled).
//! * The channel is DELETING for the state delay, then it is gone.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteChannel.html>

use crate::engine::transition::Transition;
use crate::model::channel::ChannelStatus;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;

use super::describe_channel::{ChannelInput, DescribeChannel};
use super::{Call, Operation};

pub(crate) struct DeleteChannel;

impl Operation for DeleteChannel {
    type Input = ChannelInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = DescribeChannel::ERRORS;
    /// Source: model text.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: ChannelInput, call: &Call<'_>) -> Result<(), ApiError> {
        let (realm, stream, id) = call.channel(&input.arn)?;
        let begun = stream.change(|state| {
            let channel = state.channels.get_mut(&id);
            let channel = channel.ok_or_else(|| ApiError::channel_not_found(input.arn.as_str()))?;
            let before = std::mem::replace(&mut channel.status, ChannelStatus::Deleting);
            Ok(before != ChannelStatus::Deleting)
        })?;
        if begun {
            realm.begin(&stream, Transition::ChannelGone { id }, call.settings(), call.now);
        }
        Ok(())
    }
}
