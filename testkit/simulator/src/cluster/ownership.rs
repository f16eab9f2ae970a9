//! Whose a task is when it is committed, as far as a coordinator can tell that reads what members and leader say to each
//! other: a real one does not, and takes whatever comes under the present generation.

use super::Cluster;
use comanda_streams::TaskId;
use comanda_streams::broker::{OffsetAndMetadata, TopicPartition};
use comanda_streams::membership::{Assignment, Subscription};

impl Cluster {
    /// Tells of which sub-topology a group's input topic is.
    pub fn note_sub_topology(&mut self, group: &str, topic: String, sub_topology: u32) {
        self.sub_topologies.insert((group.to_owned(), topic), sub_topology);
    }

    /// A member commits only tasks that it was given in its generation, or still had when it joined it.
    pub(super) fn check_ownership(
        &mut self,
        group: &str,
        member_id: &str,
        offsets: &[(TopicPartition, OffsetAndMetadata)],
    ) {
        let member = self.coordinators.get(group).and_then(|coordinator| coordinator.members.get(member_id));
        let Some(member) = member else { return };
        let given = Assignment::decode(&member.assignment).map(|assignment| assignment.active).unwrap_or_default();
        let claimed =
            Subscription::decode(&member.user_data).map(|subscription| subscription.owned).unwrap_or_default();
        for (input, _) in offsets {
            let place = (group.to_owned(), input.topic.to_string());
            let Some(sub_topology) = self.sub_topologies.get(&place) else { continue };
            let task = TaskId { sub_topology: *sub_topology, partition: input.partition };
            if !given.contains(&task) && !claimed.contains_key(&task) {
                self.violations.push(format!("{member_id} of {group} commits {task}, which it has lost: {input}"));
            }
        }
    }
}
