//! Which node an LWT is sent to: one live replica of its partition, the same one from every process.
//!
//! Coordinators that compete for a partition cost Paxos rounds: at three copies a random coordinator made 98-254
//! LWTs a second with 3-8 % unknown outcomes, one for all 266-431 with none. So the replicas of a token are put
//! into an order that depends on nothing but the token and the replicas' ids (rendezvous hashing): everybody
//! takes the first that is alive, and when one dies only its own partitions move.
//!
//! A node of another data centre is never among them: with LOCAL_SERIAL each data centre runs its own Paxos, and
//! a seat could be sold in both.

use scylla::cluster::{ClusterState, NodeRef};
use scylla::policies::load_balancing::{FallbackPlan, LoadBalancingPolicy, RoutingInfo};
use scylla::routing::Shard;
use std::sync::Arc;
use uuid::Uuid;

/// What the order depends on; the driver's nodes cannot be made up for a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate<'a> {
    host: Uuid,
    data_centre: Option<&'a str>,
    connected: bool,
    replica: bool,
    shard: Option<Shard>,
}

/// A number that token and host decide alone: splitmix64's finaliser over both.
fn weight(token: i64, host: Uuid) -> u64 {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let (high, low) = host.as_u64_pair();
    mix(mix(mix(token as u64) ^ high) ^ low)
}

/// The nodes to try, best first: live replicas of the local data centre, turned by @attempt, so that each further
/// try of a request meets another one; then its other live nodes. Those that are not connected are left out:
/// nothing can be sent to them.
fn order<'a>(mut nodes: Vec<Candidate<'a>>, token: i64, local: &str, attempt: usize) -> Vec<Candidate<'a>> {
    nodes.retain(|node| node.connected && node.data_centre == Some(local));
    nodes.sort_by_key(|node| (!node.replica, weight(token, node.host), node.host));
    let replicas = nodes.partition_point(|node| node.replica);
    let turning = if replicas > 0 { &mut nodes[..replicas] } else { &mut nodes[..] };
    if !turning.is_empty() {
        turning.rotate_left(attempt % turning.len());
    }
    nodes
}

#[derive(Debug)]
pub struct Pinned {
    pub local: Arc<str>,
    pub attempt: usize,
    /// For a request without a token, which is nobody's partition.
    pub otherwise: Arc<dyn LoadBalancingPolicy>,
}

impl Pinned {
    fn plan<'a>(&self, request: &RoutingInfo, cluster: &'a ClusterState) -> Option<Vec<(NodeRef<'a>, Option<Shard>)>> {
        let token = request.token?;
        let replicas = match request.table {
            Some(table) => cluster.get_token_endpoints(table.ks_name(), table.table_name(), token),
            None => Vec::new(),
        };
        let nodes = cluster.get_nodes_info();
        let candidates = nodes.iter().map(|node| {
            let shard = replicas.iter().find(|(replica, _)| replica.host_id == node.host_id).map(|(_, shard)| *shard);
            Candidate {
                host: node.host_id,
                data_centre: node.datacenter.as_deref(),
                connected: node.is_connected(),
                replica: shard.is_some(),
                shard,
            }
        });
        let ordered = order(candidates.collect(), token.value(), &self.local, self.attempt);
        let known = |candidate: Candidate| Some((cluster.get_node_by_host_id(candidate.host)?, candidate.shard));
        Some(ordered.into_iter().filter_map(known).collect())
    }
}

impl LoadBalancingPolicy for Pinned {
    fn pick<'a>(&'a self, request: &'a RoutingInfo, cluster: &'a ClusterState) -> Option<(NodeRef<'a>, Option<Shard>)> {
        match self.plan(request, cluster) {
            Some(plan) => plan.into_iter().next(),
            None => self.otherwise.pick(request, cluster),
        }
    }

    fn fallback<'a>(&'a self, request: &'a RoutingInfo, cluster: &'a ClusterState) -> FallbackPlan<'a> {
        match self.plan(request, cluster) {
            Some(plan) => Box::new(plan.into_iter()),
            None => self.otherwise.fallback(request, cluster),
        }
    }

    fn name(&self) -> String {
        "pinned".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u128, data_centre: &str) -> Candidate<'_> {
        // Ids as servers make them are random; small numbers would not be.
        let host = Uuid::from_u128(id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        Candidate { host, data_centre: Some(data_centre), connected: true, replica: true, shard: None }
    }

    fn three() -> Vec<Candidate<'static>> {
        (1..=3).map(|id| node(id, "here")).collect()
    }

    fn first(nodes: &[Candidate], token: i64, attempt: usize) -> Option<Uuid> {
        order(nodes.to_vec(), token, "here", attempt).first().map(|node| node.host)
    }

    #[test]
    fn the_order_does_not_depend_on_how_the_nodes_are_listed() {
        let mut backwards = three();
        backwards.reverse();
        for token in -50..50 {
            assert_eq!(order(three(), token, "here", 0), order(backwards.clone(), token, "here", 0));
        }
    }

    #[test]
    fn tokens_are_spread_over_the_replicas() {
        let nodes = three();
        for node in &nodes {
            let mine = (0..3000).filter(|token| first(&nodes, *token, 0) == Some(node.host)).count();
            assert!((900..=1100).contains(&mine), "{mine} of 3000");
        }
    }

    #[test]
    fn a_death_moves_only_the_dead_nodes_partitions() {
        let alive = three();
        let mut one_dead = three();
        one_dead[1].connected = false;
        let mut moved = 0;
        for token in 0..300 {
            let (before, after) = (first(&alive, token, 0), first(&one_dead, token, 0));
            if before == Some(one_dead[1].host) {
                moved += 1;
                assert_eq!(after, first(&alive, token, 1), "the next in line takes over");
            } else {
                assert_eq!(after, before);
            }
        }
        assert!(moved > 0);
    }

    #[test]
    fn each_attempt_meets_another_live_replica_and_then_the_first_again() {
        let nodes = three();
        for token in 0..20 {
            let met: Vec<_> = (0..4).map(|attempt| first(&nodes, token, attempt).unwrap()).collect();
            assert!(met[0] != met[1] && met[1] != met[2] && met[0] != met[2]);
            assert_eq!(met[3], met[0]);
        }
    }

    #[test]
    fn another_data_centre_is_never_offered() {
        let mut nodes = three();
        nodes.extend([node(4, "there"), node(5, "there")]);
        nodes.push(Candidate { data_centre: None, ..node(6, "") });
        for attempt in 0..6 {
            let plan = order(nodes.clone(), 7, "here", attempt);
            assert_eq!(plan.len(), 3);
            assert!(plan.iter().all(|node| node.data_centre == Some("here")));
        }
        for node in &mut nodes[..3] {
            node.connected = false;
        }
        assert_eq!(order(nodes, 7, "here", 0), []);
    }

    #[test]
    fn other_local_nodes_follow_the_replicas() {
        let mut nodes = three();
        nodes[0].replica = false;
        for attempt in 0..4 {
            let plan = order(nodes.clone(), 11, "here", attempt);
            assert_eq!(plan.len(), 3);
            assert_eq!(plan[2].host, nodes[0].host, "a replica comes before a node that has no copy");
        }
    }

    #[test]
    fn without_known_replicas_everybody_still_agrees_on_a_node() {
        let mut nodes = three();
        for node in &mut nodes {
            node.replica = false;
        }
        assert_eq!(first(&nodes, 5, 0), first(&three(), 5, 0));
        assert_ne!(first(&nodes, 5, 1), first(&nodes, 5, 0));
    }
}
