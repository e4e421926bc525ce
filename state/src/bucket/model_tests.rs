//! The protocol as a small model, looked at in every order in which three holders, their late writes
//! and the end of their leases can come.
//!
//! Any holder may be taken for dead at any time, because it may be paused at any time. Each runs
//! once: take the lock, fence, look, append an entry, write the state, take the journal away, clean
//! up, give the lock back. What must hold: once a holder has looked, nothing of an earlier one is
//! written. Each rule of the protocol is then left out, and must be missed.

use rustc_hash::FxHashSet;

/// A rule that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    Nonce,
    ConditionOnTheLock,
    FenceOfTheJournal,
    LookAtTheFence,
    FenceOfTheState,
    ConditionOnEntries,
    ConditionOnTheState,
    Doubt,
    FencesThatStay,
    LookAfterARetry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Is {
    Free,
    Held,
    InDoubt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Fence,
    Entry,
    Remove,
}

/// The lock: an epoch, and the nonce of whoever took it last.
type Lock = (u8, Is, u8);
/// An object of the chain: its epoch and what it is. No holder writes two of a kind, but for fences.
type Link = (u8, Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Write {
    Lock {
        from: Lock,
        to: Lock,
    },
    Create {
        at: usize,
        link: Link,
    },
    /// By its tag: who wrote it, and whether it is more than a fence.
    State {
        from: (u8, bool),
        to: (u8, bool),
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    ReadLock,
    TakeLock(Lock),
    ReadTail,
    Fence(usize),
    SeeFence(usize),
    ReadState,
    FenceState((u8, bool)),
    Look,
    Append(usize),
    SeeAppend(usize),
    ReadStateToWrite,
    WriteState((u8, bool)),
    Remove,
    SeeRemove,
    Clean,
    Release { doubt: bool },
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Holder {
    at: At,
    epoch: u8,
    /// The end of the chain as it knows it.
    tail: usize,
    /// The answer to its last write is missing.
    asking: bool,
    /// It makes its last write once more.
    again: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    lock: Lock,
    chain: [Option<Link>; LONGEST],
    state: (u8, bool),
    holders: Vec<Holder>,
    late: Vec<Write>,
    /// The latest epoch in which somebody has looked.
    looked: u8,
    /// How many more answers may be lost.
    to_lose: u8,
}

/// Longer than the chain ever gets: three fences, entries and ends, and as many fences once more.
const LONGEST: usize = 20;

/// Something of an earlier holder was written after a later one had looked.
struct Violation;

impl World {
    fn new(holders: usize, to_lose: u8) -> Self {
        let holder = Holder {
            at: At::ReadLock,
            epoch: 0,
            tail: 0,
            asking: false,
            again: false,
        };
        Self {
            lock: (0, Is::Free, 0),
            chain: [None; LONGEST],
            state: (0, true),
            holders: vec![holder; holders],
            late: Vec::new(),
            looked: 0,
            to_lose,
        }
    }

    fn tail(&self) -> usize {
        self.chain
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |at| at + 1)
    }

    /// Whether the condition of a write holds.
    fn holds(&self, write: Write, without: Without) -> bool {
        match write {
            Write::Lock { from, .. } => self.lock == from || without == Without::ConditionOnTheLock,
            Write::Create { at, .. } => {
                at < LONGEST && (self.chain[at].is_none() || without == Without::ConditionOnEntries)
            }
            Write::State { from, .. } => self.state == from || without == Without::ConditionOnTheState,
        }
    }

    /// Whether it is there.
    fn is_there(&self, write: Write, without: Without) -> bool {
        match write {
            Write::Lock { to, .. } if without == Without::Nonce => (self.lock.0, self.lock.1) == (to.0, to.1),
            Write::Lock { to, .. } => self.lock == to,
            Write::Create { at, link } => self.chain.get(at).copied().flatten() == Some(link),
            Write::State { to, .. } => self.state == to,
        }
    }

    /// A write arrives; `told` if its holder hears of it at once.
    fn arrive(&mut self, write: Write, told: bool, without: Without) -> Result<bool, Violation> {
        if !self.holds(write, without) {
            return Ok(false);
        }
        let (epoch, counts) = match write {
            Write::Lock { to, .. } => {
                self.lock = to;
                (to.0, false)
            }
            Write::Create { at, link } => {
                // What comes so late that it was cleaned away already is before the end: nobody reads it,
                // and it does no harm unless somebody goes on because of it.
                let counts = told || at >= self.tail();
                self.chain[at] = Some(link);
                (link.0, counts && link.1 != Kind::Fence)
            }
            Write::State { to, .. } => {
                self.state = to;
                (to.0, to.1)
            }
        };
        match counts && epoch < self.looked {
            true => Err(Violation),
            false => Ok(true),
        }
    }

    /// The write that a holder makes where it stands.
    fn write(&self, number: usize, holder: &Holder) -> Option<Write> {
        let number = number as u8;
        let epoch = holder.epoch;
        let create = |at, kind| Write::Create {
            at,
            link: (epoch, kind),
        };
        Some(match holder.at {
            At::TakeLock(from) => Write::Lock {
                from,
                to: (from.0 + 1, Is::Held, number),
            },
            At::Fence(at) => create(at, Kind::Fence),
            At::FenceState(from) => Write::State {
                from,
                to: (epoch, false),
            },
            At::Append(at) => create(at, Kind::Entry),
            At::WriteState(from) => Write::State {
                from,
                to: (epoch, true),
            },
            At::Remove => create(holder.tail, Kind::Remove),
            At::Release { doubt } => Write::Lock {
                from: (epoch, Is::Held, number),
                to: (epoch, if doubt { Is::InDoubt } else { Is::Free }, number),
            },
            _ => return None,
        })
    }

    /// Where a holder stands after its write.
    fn written(&mut self, number: usize, without: Without) {
        let holder = &mut self.holders[number];
        holder.asking = false;
        let again = std::mem::take(&mut holder.again) && without != Without::LookAfterARetry;
        holder.at = match holder.at {
            At::TakeLock((before, is, _)) => {
                holder.epoch = before + 1;
                match is {
                    Is::Free => At::Look,
                    _ if without == Without::FenceOfTheJournal => At::ReadState,
                    _ => At::ReadTail,
                }
            }
            At::Fence(at) => At::SeeFence(at),
            At::FenceState(_) => At::Look,
            At::Append(at) => {
                holder.tail = at + 1;
                match again {
                    true => At::SeeAppend(at),
                    false => At::ReadStateToWrite,
                }
            }
            At::WriteState(_) => At::Remove,
            At::Remove => {
                holder.tail += 1;
                match again {
                    true => At::SeeRemove,
                    false => At::Clean,
                }
            }
            _ => At::Over,
        };
    }

    /// Where a holder stands after somebody else was quicker.
    fn refused(&mut self, number: usize) {
        let chain = self.chain;
        let state = self.state;
        let holder = &mut self.holders[number];
        holder.asking = false;
        holder.again = false;
        let later = |epoch: u8| epoch > holder.epoch;
        holder.at = match holder.at {
            At::Fence(at) if !chain.get(at).copied().flatten().is_some_and(|link| later(link.0)) => {
                At::ReadTail
            }
            At::FenceState(_) if !later(state.0) => At::ReadState,
            _ => At::Over,
        };
    }

    /// Everything that a holder may do next.
    fn steps(&self, number: usize, without: Without, out: &mut Vec<Self>) -> Result<(), Violation> {
        let holder = &self.holders[number];
        let mut next = self.clone();
        let goes = |at| {
            let mut next = self.clone();
            next.holders[number].at = at;
            next
        };
        let Some(write) = self.write(number, holder) else {
            match holder.at {
                At::ReadLock => out.push(goes(At::TakeLock(self.lock))),
                At::ReadTail => {
                    let tail = self.tail();
                    let last = tail.checked_sub(1).and_then(|at| self.chain[at]);
                    out.push(match last {
                        Some(link) if link.0 > holder.epoch => goes(At::Over),
                        _ => goes(At::Fence(tail)),
                    });
                }
                At::ReadState | At::ReadStateToWrite if self.state.0 > holder.epoch => {
                    out.push(goes(At::Over));
                }
                At::SeeFence(at) if at + 1 != self.tail() && without != Without::LookAtTheFence => {
                    out.push(goes(At::ReadTail));
                }
                At::SeeFence(_) if without == Without::FenceOfTheState => out.push(goes(At::Look)),
                At::SeeFence(_) => out.push(goes(At::ReadState)),
                At::SeeAppend(at) if at + 1 != self.tail() => out.push(goes(At::Over)),
                At::SeeAppend(_) => out.push(goes(At::ReadStateToWrite)),
                At::SeeRemove if holder.tail != self.tail() => out.push(goes(At::Over)),
                At::SeeRemove => out.push(goes(At::Clean)),
                At::ReadState => out.push(goes(At::FenceState(self.state))),
                At::ReadStateToWrite => out.push(goes(At::WriteState(self.state))),
                At::Look => {
                    next.looked = self.looked.max(holder.epoch);
                    next.holders[number].tail = self.tail();
                    let last = self.tail().checked_sub(1).and_then(|at| self.chain[at]);
                    next.holders[number].at = match last {
                        Some(link) if link.0 > holder.epoch => At::Over,
                        _ => At::Append(self.tail()),
                    };
                    out.push(next);
                }
                At::Clean => {
                    let last = holder.tail - 1;
                    for (at, link) in next.chain.iter_mut().enumerate() {
                        let fence = matches!(link, Some((_, Kind::Fence)));
                        if at < last && (!fence || without == Without::FencesThatStay) {
                            *link = None;
                        }
                    }
                    next.holders[number].at = At::Release { doubt: false };
                    out.push(next);
                }
                _ => {}
            }
            return Ok(());
        };
        if holder.asking {
            if self.is_there(write, without) {
                next.written(number, without);
            } else if self.holds(write, Without::Nothing) {
                // Once more the same …
                next.holders[number].asking = false;
                next.holders[number].again = true;
                // … or it is given up.
                if !matches!(holder.at, At::TakeLock(_) | At::Release { .. }) {
                    let doubt = without != Without::Doubt;
                    let mut given_up = goes(At::Release { doubt });
                    given_up.holders[number].asking = false;
                    given_up.holders[number].again = false;
                    out.push(given_up);
                }
            } else {
                next.refused(number);
            }
            out.push(next);
            return Ok(());
        }
        // Once more: it is not believed before another look.
        let told = !holder.again || without == Without::LookAfterARetry;
        match next.arrive(write, told, without)? {
            true => next.written(number, without),
            false => next.refused(number),
        }
        out.push(next);
        if self.to_lose > 0 {
            // It is done and not answered, or it is late.
            let mut lost = self.clone();
            lost.to_lose -= 1;
            lost.holders[number].asking = true;
            let mut late = lost.clone();
            late.late.push(write);
            out.push(late);
            lost.arrive(write, false, without)?;
            out.push(lost);
        }
        Ok(())
    }

    /// The same, without what makes no difference any more.
    fn settled(mut self) -> Self {
        for holder in &mut self.holders {
            if holder.at == At::Over {
                (holder.epoch, holder.tail) = (0, 0);
            }
        }
        self
    }

    fn next(&self, without: Without) -> Result<Vec<Self>, Violation> {
        let mut out = Vec::new();
        for number in 0..self.holders.len() {
            self.steps(number, without, &mut out)?;
        }
        for at in 0..self.late.len() {
            let mut next = self.clone();
            let write = next.late.remove(at);
            next.arrive(write, false, without)?;
            out.push(next);
        }
        Ok(out)
    }
}

/// Looks at every order; how many worlds there are, or the one from which the rule is broken.
fn explore(holders: usize, to_lose: u8, without: Without) -> Result<usize, String> {
    let first = World::new(holders, to_lose);
    let mut seen = FxHashSet::default();
    seen.insert(first.clone());
    // The last first: what is wrong is found soonest at the end of a way.
    let mut open = vec![first];
    while let Some(world) = open.pop() {
        for next in world.next(without).map_err(|Violation| format!("{world:?}"))? {
            let next = next.settled();
            if !seen.contains(&next) {
                seen.insert(next.clone());
                open.push(next);
            }
        }
    }
    Ok(seen.len())
}

#[test]
fn nothing_of_an_earlier_holder_is_written_once_a_later_one_has_looked() {
    for (holders, to_lose, at_least) in [(3, 1, 10_000), (2, 2, 2_000)] {
        match explore(holders, to_lose, Without::Nothing) {
            Ok(worlds) => assert!(worlds > at_least, "{holders} holders: {worlds} worlds"),
            Err(world) => panic!("{holders} holders, {to_lose} answers lost: it was\n{world}"),
        }
    }
}

#[test]
fn every_rule_of_the_protocol_is_missed_when_it_is_left_out() {
    for without in [
        Without::Nonce,
        Without::ConditionOnTheLock,
        Without::FenceOfTheJournal,
        Without::LookAtTheFence,
        Without::FenceOfTheState,
        Without::ConditionOnEntries,
        Without::ConditionOnTheState,
        Without::Doubt,
        Without::FencesThatStay,
        Without::LookAfterARetry,
    ] {
        let missed = explore(3, 1, without).is_err();
        assert!(missed, "nothing goes wrong without {without:?}");
    }
}
