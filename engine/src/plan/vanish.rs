//! Which deletions need no call, because what the resource lives on goes as well. Decided here
//! alone: for removals in a plan, for the way back, and for what a run that was cut left open.

use subako_state::Address;

use crate::fast::FastMap;
use crate::kind::{LivesOn, Registry};
use crate::machine::MACHINE;

/// What is to become of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Going {
    /// It stays.
    Stays,
    /// It goes: by a call, or with its host.
    Goes,
    /// It goes before its successor is created.
    GoesFirst,
    /// It is gone already, and with it what lives on it.
    Gone,
}

/// An object: which one it is, what it depends on, and what is to become of it.
#[derive(Debug, Clone)]
pub(crate) struct Object<'a> {
    /// Its address.
    pub address: &'a Address,
    /// What it depends on.
    pub depends_on: &'a [Address],
    /// What is to become of it.
    pub going: Going,
    /// Whether another object has, or will have, its address.
    pub old: bool,
}

/// How an object goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It stays, or is gone already.
    None,
    /// By a call.
    Call,
    /// With what it lives on.
    With {
        /// Its host; `kind.*` for all of a kind together.
        host: Address,
        /// Whether that is gone already, and so the object too.
        gone: bool,
    },
}

/// How each object goes. `objects` are all that exist, will exist, or have just gone; the answer
/// for one does not depend on their order.
///
/// What goes needs no call where its host goes as well, except where that would be too late:
///
/// * what uses something else that is deleted by a call goes before that, so by a call, unless it
///   only needed that to be there first;
/// * the old half of a replacement that goes first goes before its successor is created, and its
///   host only later, unless that goes first too or all of a kind go together;
/// * what lives on something that could go with its own host, and does not, is deleted before it.
///
/// Where the host is gone already, so is what lives on it, and there is nobody to call.
pub(crate) fn departures(registry: &Registry, objects: &[Object<'_>]) -> Vec<Departure> {
    let scene = Scene::of(registry, objects);
    let goes = |object: &Object<'_>| matches!(object.going, Going::Goes | Going::GoesFirst);
    // From all that have a host, those that need a call all the same are taken away.
    let mut along: Vec<bool> = (0..objects.len())
        .map(|place| goes(&objects[place]) && scene.hosts[place].is_some())
        .collect();
    let mut users: FastMap<&str, Vec<usize>> = FastMap::default();
    for place in (0..objects.len()).filter(|place| along[*place]) {
        for dependency in objects[place].depends_on {
            users.entry(dependency.as_str()).or_default().push(place);
        }
    }
    let mut open: Vec<usize> = (0..objects.len()).collect();
    while let Some(place) = open.pop() {
        if along[place] && !scene.can_wait(place, &along) {
            along[place] = false;
            open.extend(users.get(objects[place].address.as_str()).into_iter().flatten());
        }
    }
    let departure = |place: usize| match (&scene.hosts[place], along[place]) {
        (Some(host), true) => Departure::With {
            host: host.address(objects),
            gone: scene.root(place, &along).is_some_and(|root| scene.is_gone(root)),
        },
        _ if goes(&objects[place]) => Departure::Call,
        _ => Departure::None,
    };
    (0..objects.len()).map(departure).collect()
}

/// What an object lives on.
#[derive(Debug, Clone, Copy)]
enum Host<'a> {
    /// The object at this place.
    At(usize),
    /// All objects of this kind together.
    Every(&'a str),
}

impl Host<'_> {
    fn address(self, objects: &[Object<'_>]) -> Address {
        match self {
            Self::At(place) => objects[place].address.clone(),
            Self::Every(kind) => Address::new(kind, "*"),
        }
    }
}

/// What becomes of the objects of a kind.
#[derive(Debug, Clone, Copy, Default)]
struct OfKind {
    any_stays: bool,
    any_goes: bool,
}

struct Scene<'a> {
    registry: &'a Registry,
    objects: &'a [Object<'a>],
    /// Where the objects at an address are.
    places: FastMap<&'a str, Vec<usize>>,
    kinds: FastMap<&'a str, OfKind>,
    /// What each object lives on, if it is there.
    hosts: Vec<Option<Host<'a>>>,
}

impl<'a> Scene<'a> {
    fn of(registry: &'a Registry, objects: &'a [Object<'a>]) -> Self {
        let mut places: FastMap<&str, Vec<usize>> = FastMap::default();
        let mut kinds: FastMap<&str, OfKind> = FastMap::default();
        for (place, object) in objects.iter().enumerate() {
            places.entry(object.address.as_str()).or_default().push(place);
            let kind = object.address.kind();
            let machines = registry.is_a(kind, MACHINE).then_some(MACHINE);
            for kind in machines.into_iter().chain([kind]) {
                let of_kind = kinds.entry(kind).or_default();
                match object.going {
                    Going::Stays => of_kind.any_stays = true,
                    Going::Goes | Going::GoesFirst => of_kind.any_goes = true,
                    Going::Gone => {}
                }
            }
        }
        let mut scene = Self {
            registry,
            objects,
            places,
            kinds,
            hosts: Vec::new(),
        };
        scene.hosts = objects.iter().map(|object| scene.host_of(object)).collect();
        scene
    }

    fn lives_on(&self, kind: &str) -> LivesOn {
        let kind = self.registry.get(kind);
        kind.map_or(LivesOn::Itself, |kind| kind.traits().lives_on)
    }

    fn host_of(&self, object: &Object<'_>) -> Option<Host<'a>> {
        match self.lives_on(object.address.kind()) {
            LivesOn::Itself => None,
            LivesOn::Every(kind) => self.every(kind).map(Host::Every),
            LivesOn::Dependency(kind) => {
                let is_host = |host: &&Address| self.registry.is_a(host.kind(), kind);
                let host = object.depends_on.iter().find(is_host)?;
                let places = self.at(host);
                let of_same_age = places
                    .iter()
                    .find(|place| self.objects[**place].old == object.old);
                of_same_age.or(places.first()).map(|place| Host::At(*place))
            }
        }
    }

    /// The kind of all objects of a kind; of machines of more kinds than one, what they are.
    fn every(&self, kind: &'static str) -> Option<&'a str> {
        let of_kind = |known: &&str| *known != MACHINE && self.registry.is_a(known, kind);
        let mut known = self.kinds.keys().copied().filter(of_kind);
        let first = known.next()?;
        Some(known.next().map_or(first, |_| kind))
    }

    /// The places of the objects at an address, old ones included.
    fn at(&self, address: &Address) -> &[usize] {
        self.places.get(address.as_str()).map_or(&[], Vec::as_slice)
    }

    /// Whether what has a host can wait to go with it, where the others marked do so too.
    fn can_wait(&self, place: usize, along: &[bool]) -> bool {
        let host_goes = match self.hosts[place] {
            None => false,
            Some(Host::Every(kind)) => !self.kinds[kind].any_stays,
            Some(Host::At(host)) => match self.objects[host].going {
                Going::Stays => false,
                Going::Gone => true,
                Going::Goes | Going::GoesFirst => {
                    let kind = self.objects[host].address.kind();
                    self.lives_on(kind) == LivesOn::Itself || along[host]
                }
            },
        };
        // Objects that live on each other in a circle have no root.
        let root = self.root(place, along).filter(|_| host_goes);
        root.is_some_and(|root| {
            self.is_gone(root)
                || (!self.has_to_go_first(place, root) && !self.uses_called(place, root, along))
        })
    }

    /// What an object lives on in the end.
    fn root(&self, place: usize, along: &[bool]) -> Option<Host<'a>> {
        let mut host = self.hosts[place]?;
        for _ in self.objects {
            match host {
                Host::At(next) if along[next] => host = self.hosts[next]?,
                _ => return Some(host),
            }
        }
        None
    }

    fn is_gone(&self, root: Host<'_>) -> bool {
        match root {
            Host::At(place) => self.objects[place].going == Going::Gone,
            Host::Every(kind) => {
                let of_kind = self.kinds[kind];
                !of_kind.any_stays && !of_kind.any_goes
            }
        }
    }

    fn has_to_go_first(&self, place: usize, root: Host<'_>) -> bool {
        let Host::At(root) = root else { return false };
        let first = |place: &usize| self.objects[*place].going == Going::GoesFirst;
        first(&place) && !self.at(self.objects[root].address).iter().any(first)
    }

    /// Whether an object uses something that is deleted by a call and is not what it lives on.
    fn uses_called(&self, place: usize, root: Host<'_>, along: &[bool]) -> bool {
        let carries = |dependency: &Address| match root {
            Host::At(root) => dependency == self.objects[root].address,
            Host::Every(kind) => self.registry.is_a(dependency.kind(), kind),
        };
        let called = |place: &usize| {
            !along[*place] && matches!(self.objects[*place].going, Going::Goes | Going::GoesFirst)
        };
        let only_precedes = |dependency: &Address| {
            let kind = self.registry.get(dependency.kind());
            kind.is_some_and(|kind| kind.traits().only_precedes)
        };
        let used = |dependency: &&Address| !carries(dependency) && !only_precedes(dependency);
        let mut dependencies = self.objects[place].depends_on.iter().filter(used);
        dependencies.any(|dependency| self.at(dependency).iter().any(called))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Draft, address};

    /// How objects go, each given as its address, what becomes of it and what it depends on.
    fn ways(objects: &[(&str, Going, &[&str])]) -> Vec<Departure> {
        let dependencies: Vec<Vec<Address>> = objects
            .iter()
            .map(|(_, _, needs)| needs.iter().copied().map(address).collect())
            .collect();
        let addresses: Vec<Address> = objects.iter().map(|(name, ..)| address(name)).collect();
        let objects: Vec<Object<'_>> = objects
            .iter()
            .enumerate()
            .map(|(place, (_, going, _))| Object {
                address: &addresses[place],
                depends_on: &dependencies[place],
                going: *going,
                old: false,
            })
            .collect();
        departures(&Draft::registry(), &objects)
    }

    fn with(host: &str) -> Departure {
        Departure::With {
            host: address(host),
            gone: false,
        }
    }

    fn gone_with(host: &str) -> Departure {
        Departure::With {
            host: address(host),
            gone: true,
        }
    }

    use Departure::{Call, None as Stay};
    use Going::{Goes, GoesFirst, Gone, Stays};

    #[test]
    fn what_lives_on_itself_is_called_and_what_stays_is_not() {
        assert_eq!(ways(&[("solid.a", Goes, &[])]), [Call]);
        assert_eq!(ways(&[("solid.a", Stays, &[])]), [Stay]);
        assert_eq!(ways(&[("solid.a", Gone, &[])]), [Stay]);
    }

    #[test]
    fn what_goes_alone_is_called_and_with_its_host_it_is_not() {
        let on_a = |host| ways(&[("solid.a", host, &[]), ("guest.g", Goes, &["solid.a"])]);
        assert_eq!(on_a(Stays), [Stay, Call]);
        assert_eq!(on_a(Goes), [Call, with("solid.a")]);
        assert_eq!(on_a(GoesFirst), [Call, with("solid.a")]);
        assert_eq!(on_a(Gone), [Stay, gone_with("solid.a")]);
        assert_eq!(
            ways(&[("guest.g", Goes, &["solid.a"])]),
            [Call],
            "a host nobody knows"
        );
    }

    #[test]
    fn a_crowd_goes_with_the_last_of_its_hosts() {
        let on = |a, b| {
            let crowd = ("crowd.c", Goes, &[][..]);
            ways(&[("solid.a", a, &[]), ("solid.b", b, &[]), crowd]).remove(2)
        };
        assert_eq!(on(Goes, Stays), Call);
        assert_eq!(on(Gone, Stays), Call);
        assert_eq!(on(Goes, Goes), with("solid.*"));
        assert_eq!(on(Goes, Gone), with("solid.*"));
        assert_eq!(on(Gone, Gone), gone_with("solid.*"));
        assert_eq!(ways(&[("crowd.c", Goes, &[])]), [Call], "no host was there");
    }

    #[test]
    fn hosts_form_chains() {
        let chain = |solid| {
            let guest = ("guest.g", Goes, &["solid.a"][..]);
            ways(&[("lodger.l", Goes, &["guest.g"]), guest, ("solid.a", solid, &[])])
        };
        assert_eq!(chain(Goes), [with("guest.g"), with("solid.a"), Call]);
        assert_eq!(chain(Gone), [gone_with("guest.g"), gone_with("solid.a"), Stay]);
        assert_eq!(
            chain(Stays),
            [Call, Call, Stay],
            "the host of the first is called"
        );
    }

    #[test]
    fn what_uses_something_that_is_called_is_called_before_it_and_so_is_what_lives_on_it() {
        let used_by_the_guest = |soft| {
            ways(&[
                ("solid.a", Goes, &[]),
                ("soft.s", soft, &[]),
                ("guest.g", Goes, &["soft.s", "solid.a"]),
                ("lodger.l", Goes, &["guest.g"]),
            ])
        };
        assert_eq!(used_by_the_guest(Goes), [Call, Call, Call, Call]);
        let waiting = [Call, Stay, with("solid.a"), with("guest.g")];
        assert_eq!(used_by_the_guest(Stays), waiting);
        assert_eq!(used_by_the_guest(Gone), waiting);
    }

    #[test]
    fn what_is_gone_with_its_host_is_not_called_whatever_it_uses() {
        let all = ways(&[
            ("solid.a", Gone, &[]),
            ("soft.s", Goes, &[]),
            ("guest.g", GoesFirst, &["soft.s", "solid.a"]),
        ]);
        assert_eq!(all, [Stay, Call, gone_with("solid.a")]);
    }

    #[test]
    fn an_old_half_that_goes_first_is_called_unless_its_host_goes_first_too() {
        let on_a = |host| ways(&[("solid.a", host, &[]), ("guest.g", GoesFirst, &["solid.a"])]);
        assert_eq!(on_a(Goes), [Call, Call]);
        assert_eq!(on_a(GoesFirst), [Call, with("solid.a")]);
        let crowd = ("crowd.c", GoesFirst, &[][..]);
        assert_eq!(ways(&[("solid.a", Goes, &[]), crowd]), [Call, with("solid.*")]);
    }

    #[test]
    fn of_two_objects_at_an_address_the_host_is_the_one_of_the_same_age() {
        let solid = address("solid.a");
        let (old, new) = (address("guest.old"), address("guest.new"));
        let needs = [solid.clone()];
        let object = |address, going, is_old| Object {
            address,
            depends_on: if address == &solid { &[] } else { &needs[..] },
            going,
            old: is_old,
        };
        let objects = [
            object(&solid, Goes, true),
            object(&solid, Stays, false),
            object(&old, Goes, true),
            object(&new, Goes, false),
        ];
        assert_eq!(
            departures(&Draft::registry(), &objects),
            [Call, Stay, with("solid.a"), Call]
        );
    }

    #[test]
    fn a_long_chain_of_uses_is_decided_in_linear_time() {
        let guest = |number: usize| address(&format!("guest.g{number}"));
        let (solid, soft) = (address("solid.a"), address("soft.s"));
        let guests: Vec<Address> = (0..20_000).map(guest).collect();
        let needs: Vec<Vec<Address>> = (0..guests.len())
            .map(|number| {
                let next = guests.get(number + 1).unwrap_or(&soft);
                vec![solid.clone(), next.clone()]
            })
            .collect();
        let object = |address, depends_on| Object {
            address,
            depends_on,
            going: Goes,
            old: false,
        };
        let mut objects = vec![object(&solid, &[]), object(&soft, &[])];
        objects.extend(
            guests
                .iter()
                .zip(&needs)
                .map(|(guest, needs)| object(guest, needs)),
        );
        let ways = departures(&Draft::registry(), &objects);
        assert!(ways.iter().all(|way| *way == Call));
    }
}
