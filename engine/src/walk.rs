//! A walk over a DAG: which node may come next. Every node and edge is looked at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A walk over a DAG of numbered nodes; the lowest number first among those that are ready.
#[derive(Debug)]
pub(crate) struct Walk {
    waiting: Vec<u32>,
    start: Vec<u32>,
    next: Vec<u32>,
    ready: BinaryHeap<Reverse<u32>>,
}

impl Walk {
    /// Over nodes `0..nodes` with edges `(before, after)`.
    pub fn new(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let mut start = vec![0u32; nodes + 1];
        let mut waiting = vec![0u32; nodes];
        for (from, to) in edges {
            start[*from as usize + 1] += 1;
            waiting[*to as usize] += 1;
        }
        for node in 0..nodes {
            start[node + 1] += start[node];
        }
        let mut fill = start.clone();
        let mut next = vec![0u32; edges.len()];
        for (from, to) in edges {
            next[fill[*from as usize] as usize] = *to;
            fill[*from as usize] += 1;
        }
        let ready = (0..nodes as u32)
            .filter(|node| waiting[*node as usize] == 0)
            .map(Reverse)
            .collect();
        Self {
            waiting,
            start,
            next,
            ready,
        }
    }

    /// A node whose predecessors are all done, if there is one that was not taken yet.
    pub fn take(&mut self) -> Option<u32> {
        self.ready.pop().map(|Reverse(node)| node)
    }

    /// How many nodes may be taken.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The nodes that wait for this one.
    pub fn next(&self, node: u32) -> &[u32] {
        &self.next[self.start[node as usize] as usize..self.start[node as usize + 1] as usize]
    }

    /// A node that was taken is done: those that waited only for it become ready.
    pub fn done(&mut self, node: u32) {
        let range = self.start[node as usize] as usize..self.start[node as usize + 1] as usize;
        for to in &self.next[range] {
            self.waiting[*to as usize] -= 1;
            if self.waiting[*to as usize] == 0 {
                self.ready.push(Reverse(*to));
            }
        }
    }
}
