//! `DescribeQueue`: a queue as it stands.
//!
//! * From ACTIVE on, the starting position has the time that it came to.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeQueue.html>

use crate::engine::queue::Queue;
use crate::engine::stream::Stream;
use crate::model::arn::{QueueAddress, StreamAddress};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InternalFailure, InvalidArgument, LimitExceeded, ResourceNotFound,
    Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, QueueName};
use crate::model::numbers::{MaxReceiveCount, VisibilityTimeoutSeconds};
use crate::model::status::{QueueStartingPositionType, QueueStatus, TargetType};
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::shape::shape;

use super::create_queue::QueueDescriptionOutput;
use super::{Call, Operation};

pub(crate) struct DescribeQueue;

shape! {
    pub(crate) struct QueueInput {
        "QueueARN" => queue_arn: GivenQueueArn,
    }
}

answer! {
    pub(crate) struct QueueDescription {
        "QueueName" => name: QueueName,
        "QueueARN" => arn: QueueAddress,
        "QueueStatus" => status: QueueStatus,
        "QueueCreationTimestamp" => created: Timestamp,
        "StreamConfigurationList" => streams: Vec<StreamDescription>,
        "QueueAttributes" => attributes: Option<AttributesDescription>,
    }
}

answer! {
    /// What a queue reads, and from where.
    pub(crate) struct StreamDescription {
        "StreamARN" => stream_arn: StreamAddress,
        "StartingPosition" => start: Option<StartDescription>,
    }
}

answer! {
    pub(crate) struct StartDescription {
        "Type" => kind: QueueStartingPositionType,
        "Timestamp" => timestamp: Option<Timestamp>,
    }
}

answer! {
    pub(crate) struct AttributesDescription {
        "VisibilityTimeoutSeconds" => visibility: Option<VisibilityTimeoutSeconds>,
        "DeadLetterConfiguration" => dead_letters: Option<DeadLettersDescription>,
    }
}

answer! {
    pub(crate) struct DeadLettersDescription {
        "TargetType" => target: TargetType,
        "MaxReceiveCount" => max_receive_count: Option<MaxReceiveCount>,
    }
}

impl QueueDescription {
    /// A queue as describe calls show it.
    pub(super) fn of(queue: &Queue, stream: &Stream) -> Self {
        let target = match queue.max_receive_count {
            Some(_) => TargetType::BuiltIn,
            None => TargetType::None,
        };
        let timestamp = match queue.status {
            QueueStatus::Creating => queue.start.asked,
            QueueStatus::Active | QueueStatus::Updating | QueueStatus::Deleting => {
                Some(queue.start.effective)
            }
        };
        Self {
            name: queue.name.clone(),
            arn: queue.address.clone(),
            status: queue.status,
            created: queue.created,
            streams: vec![StreamDescription {
                stream_arn: stream.address.clone(),
                start: Some(StartDescription { kind: queue.start.kind, timestamp }),
            }],
            attributes: Some(AttributesDescription {
                visibility: Some(queue.visibility),
                dead_letters: Some(DeadLettersDescription {
                    target,
                    max_receive_count: queue.max_receive_count,
                }),
            }),
        }
    }
}

impl Operation for DescribeQueue {
    type Input = QueueInput;
    type Output = QueueDescriptionOutput;
    const ERRORS: &'static [ErrorKind] = &[
        Validation,
        ResourceNotFound,
        LimitExceeded,
        InvalidArgument,
        AccessDenied,
        InternalFailure,
    ];
    const WRITES: bool = false;
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: QueueInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let (_, stream, address) = call.queue(&input.queue_arn)?;
        let state = stream.state();
        let queue = state
            .queue(&address.id)
            .ok_or_else(|| ApiError::queue_not_found(input.queue_arn.as_str()))?;
        Ok(QueueDescriptionOutput { description: QueueDescription::of(queue, &stream) })
    }
}
