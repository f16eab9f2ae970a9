//! What an error code of the group protocol means for a member.

use crate::broker::error_code as code;

/// Kafka's remaining codes that no repetition cures, with what to do.
const REFUSALS: &[(i16, &str)] = &[
    (
        code::INCONSISTENT_GROUP_PROTOCOL,
        "members with another protocol are in the group: use an application id of its own",
    ),
    (24, "the application id is not a valid group id"),
    (26, "session.timeout.ms is outside the broker's group.min.session.timeout.ms … group.max.session.timeout.ms"),
    (29, "not authorised to read a topic"),
    (30, "not authorised to use the group: grant READ on it"),
    (31, "not authorised on the cluster"),
    (35, "the broker is too old for the classic group protocol's versions in use: 2.5 is needed"),
    (42, "the broker calls the request invalid"),
    (81, "the group has reached the broker's group.max.size"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Rebalance,
    /// The coordinator moves, loads or hiccups: the same may succeed later.
    Retry,
    MemberIdRequired,
    UnknownMember,
    IllegalGeneration,
    InstanceFenced,
    Refused(&'static str),
}

pub(super) fn verdict(error: i16) -> Verdict {
    match error {
        code::NONE => Verdict::Fine,
        code::REBALANCE_IN_PROGRESS => Verdict::Rebalance,
        code::MEMBER_ID_REQUIRED => Verdict::MemberIdRequired,
        code::UNKNOWN_MEMBER_ID => Verdict::UnknownMember,
        code::ILLEGAL_GENERATION => Verdict::IllegalGeneration,
        code::FENCED_INSTANCE_ID => Verdict::InstanceFenced,
        other => match REFUSALS.iter().find(|(refusal, _)| *refusal == other) {
            Some((_, advice)) => Verdict::Refused(advice),
            None => Verdict::Retry,
        },
    }
}
