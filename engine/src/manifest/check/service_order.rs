//! `depends_on` of services: that they exist, can be there, and do not wait for each other.

use std::collections::BTreeMap;

use super::unique::Unique;
use super::value;
use crate::manifest::decode::{Context, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::model::Service;
use crate::manifest::raw::{self, DependsOn};
use crate::manifest::span::{At, Span};
use crate::world::{Condition, RestartCondition};

/// Who waits for whom, and where that is written.
pub struct Order {
    /// The services' places in the manifest, by name.
    places: BTreeMap<String, usize>,
    /// Of each service those that it waits for: its place, until when, and where that stands.
    edges: Vec<Vec<(usize, Condition, Span)>>,
    /// Where each service's policy, health check or name stands, for messages about it.
    spans: Vec<Spans>,
}

#[derive(Default)]
struct Spans {
    name: Span,
    restart_policy: Option<Span>,
    healthcheck: Option<Span>,
}

impl Order {
    /// Of these services, of which none waits yet.
    pub fn new(services: &[At<raw::Service>]) -> Self {
        let names = services.iter().enumerate();
        Self {
            places: names
                .filter_map(|(place, service)| Some((service.value.name.as_ref()?.0.clone(), place)))
                .collect(),
            edges: services.iter().map(|_| Vec::new()).collect(),
            spans: services
                .iter()
                .map(|At { value: service, span }| Spans {
                    name: service.name.as_ref().map_or(*span, |name| name.span),
                    restart_policy: service.restart_policy.as_ref().map(|at| at.span),
                    healthcheck: service.healthcheck.as_ref().map(|at| at.span),
                })
                .collect(),
        }
    }

    /// Takes in what one service waits for.
    pub fn of(
        &mut self,
        cx: &mut Context<'_>,
        service: usize,
        raw: Option<At<DependsOn>>,
    ) -> BTreeMap<String, Condition> {
        let mut seen = Unique::new();
        let mut wanted = BTreeMap::new();
        for (name, condition) in value(raw).0 {
            seen.claim(cx, name.value.clone(), name.span, || {
                format!("the service \"{}\" is named twice", name.value)
            });
            match self.places.get(name.as_str()) {
                Some(place) => self.edges[service].push((*place, condition, name.span)),
                None => {
                    let near = did_you_mean(&name, self.places.keys().map(String::as_str));
                    let add = || format!("add it: [[service]] with name = \"{}\"", name.value);
                    cx.report(
                        ManifestError::new(
                            Code::UnknownReference,
                            format!("there is no service \"{}\"", name.value),
                        )
                        .at(name.span, "waited for here, but nowhere described")
                        .help(near.unwrap_or_else(add)),
                    );
                }
            }
            wanted.insert(name.value, condition);
        }
        wanted
    }

    /// Reports what can never be there, and those that wait for each other.
    pub fn check(&self, cx: &mut Context<'_>, services: &[Service]) {
        for edges in &self.edges {
            for (place, condition, span) in edges {
                self.possible(cx, &services[*place], *place, *condition, *span);
            }
        }
        self.circles(cx, services);
    }

    fn possible(
        &self,
        cx: &mut Context<'_>,
        service: &Service,
        place: usize,
        condition: Condition,
        span: Span,
    ) {
        let spec = &service.spec;
        let spans = &self.spans[place];
        let runs_on = spec
            .restart_policy
            .as_ref()
            .is_none_or(|policy| policy.condition == RestartCondition::Any);
        let unchecked = spec
            .healthcheck
            .as_ref()
            .is_some_and(|check| check.test.first().is_some_and(|word| word == "NONE"));
        if condition == Condition::Completed && runs_on {
            cx.report(
                ManifestError::new(
                    Code::Conflict,
                    format!(
                        "the tasks of \"{}\" never complete: Swarm restarts each one that ends",
                        spec.name
                    ),
                )
                .at(span, "waits for them to complete")
                .at(
                    spans.restart_policy.unwrap_or(spans.name),
                    "restarted whenever they end",
                )
                .help(format!(
                    "in \"{}\", write restart_policy = {{ condition = \"on-failure\" }}",
                    spec.name
                )),
            );
        }
        if condition == Condition::Healthy && unchecked {
            cx.report(
                ManifestError::new(
                    Code::Conflict,
                    format!("the health of \"{}\" is not looked at", spec.name),
                )
                .at(span, "waits for it to be healthy")
                .at(spans.healthcheck.unwrap_or(spans.name), "switched off")
                .help("wait for \"service_started\", or describe a health check"),
            );
        }
    }

    /// Reports each circle once, with every place in it.
    fn circles(&self, cx: &mut Context<'_>, services: &[Service]) {
        // 0: not looked at; 1: on the way here; 2: leads into no circle that is not reported.
        let mut looked = vec![0u8; self.edges.len()];
        for start in 0..self.edges.len() {
            if looked[start] != 0 {
                continue;
            }
            // The way here: a service, and which of its edges comes next.
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            looked[start] = 1;
            while let Some((here, next)) = way.last().copied() {
                let Some((to, ..)) = self.edges[here].get(next) else {
                    looked[here] = 2;
                    way.pop();
                    continue;
                };
                if let Some(last) = way.last_mut() {
                    last.1 += 1;
                }
                match looked[*to] {
                    0 => {
                        looked[*to] = 1;
                        way.push((*to, 0));
                    }
                    1 => {
                        let from = way.iter().position(|(service, _)| service == to).unwrap_or(0);
                        self.circle(cx, services, &way[from..]);
                    }
                    _ => {}
                }
            }
        }
    }

    /// `circle`: services, each with the number of the edge after the one that leads on.
    fn circle(&self, cx: &mut Context<'_>, services: &[Service], circle: &[(usize, usize)]) {
        let name = |service: usize| services[service].spec.name.as_str();
        let mut names: Vec<&str> = circle.iter().map(|(service, _)| name(*service)).collect();
        names.extend(names.first().copied());
        let message = match circle.len() {
            1 => format!("\"{}\" waits for itself", names[0]),
            _ => format!("these services wait for each other: {}", names.join(" → ")),
        };
        let mut error = ManifestError::new(Code::Conflict, message);
        for (number, (service, next)) in circle.iter().enumerate() {
            let (_, _, span) = self.edges[*service][*next - 1];
            error = error.at(span, format!("{} waits for {}", names[number], names[number + 1]));
        }
        cx.report(error.help("remove one of them; a program that retries needs none"));
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use crate::manifest::error::ManifestError;
    use crate::manifest::{Code, Source, Variables, parse};

    /// The codes of what is wrong with services that wait for each other so.
    fn wrong(edges: &[(usize, usize)]) -> Vec<Code> {
        let mut text = "cluster = { name = 'a', provider = 'sim' }\n\
             pool = [{ name = 'm', role = 'manager', count = 1, instance_type = 't3.micro' }]\n"
            .to_owned();
        for service in 0..SERVICES {
            let mut waits: Vec<String> = edges
                .iter()
                .filter(|(from, _)| *from == service)
                .map(|(_, to)| format!("'s{to}'"))
                .collect();
            waits.dedup();
            text += &format!(
                "[[service]]\nname = 's{service}'\nimage = 'nginx'\ndepends_on = [{}]\n",
                waits.join(", ")
            );
        }
        let source = Source {
            name: "cluster.toml".into(),
            text: text.into(),
            dir: PathBuf::from("/srv"),
        };
        match parse(&source, &Variables::default()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.errors().iter().map(ManifestError::kind).collect(),
        }
    }

    const SERVICES: usize = 6;

    /// Whether some way along the edges comes back to where it began.
    fn has_circle(edges: &[(usize, usize)]) -> bool {
        let mut left: Vec<usize> = (0..SERVICES).collect();
        loop {
            let waits = |service: &usize| {
                edges
                    .iter()
                    .any(|(from, to)| from == service && left.contains(to))
            };
            let rest: Vec<usize> = left.iter().copied().filter(waits).collect();
            if rest.len() == left.len() {
                return !left.is_empty();
            }
            left = rest;
        }
    }

    proptest! {
        #[test]
        fn services_that_wait_for_each_other_are_refused_and_no_others(
            edges in prop::collection::btree_set((0..SERVICES, 0..SERVICES), 0..9)
        ) {
            let edges: Vec<(usize, usize)> = edges.into_iter().collect();
            let found = wrong(&edges);
            if has_circle(&edges) {
                prop_assert!(found.contains(&Code::Conflict), "{found:?}");
            } else {
                prop_assert!(found.is_empty(), "{found:?}");
            }
        }
    }
}
