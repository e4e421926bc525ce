//! A machine is changed where it is.

use subako_state::Address;

use super::super::aside::{self, Aside};
use super::super::rejoin::{self, Restart};
use super::super::specs::{Instance, InstanceOutputs, Member};
use super::super::swarm_access::Managers;
use super::super::{hosts, logins, tags};
use super::machines;
use crate::kind::{Kind as _, StepContext};
use crate::machine::Machine;
use crate::world::{self, Certainty, Code, Failure, InstanceChange, InstanceState, Result, Role};

/// A change of an instance under way.
pub(super) struct Changing<'a> {
    wanted: &'a Instance,
    from: &'a Instance,
    cx: &'a StepContext,
    live: world::Instance,
    /// The node of its machine, while that restarts.
    aside: Option<Aside<'a>>,
    /// Whether anything was changed.
    effect: bool,
    /// Whether its machine was found to be lost although it was not known: it hangs.
    lost: bool,
}

impl<'a> Changing<'a> {
    /// Of the instance with that id.
    pub async fn of(wanted: &'a Instance, from: &'a Instance, id: &str, cx: &'a StepContext) -> Result<Self> {
        let live = cx.world.cloud.instance(id).await?;
        let live = live.filter(|live| live.state < InstanceState::ShuttingDown);
        let live = live.ok_or_else(|| {
            Failure::not_applied(
                format!("change the instance {}", wanted.name),
                format!("{id} does not exist any more"),
            )
        })?;
        Ok(Self {
            wanted,
            from,
            cx,
            live,
            aside: None,
            effect: false,
            lost: false,
        })
    }

    /// Carries it out.
    pub async fn carry_out(mut self) -> Result<InstanceOutputs> {
        match self.steps().await {
            Ok(()) => Ok((&self.live).into()),
            Err(failure) if self.effect => Err(failure.after_effect()),
            Err(failure) => Err(failure),
        }
    }

    async fn steps(&mut self) -> Result<()> {
        let mut change = self.attributes()?;
        let retyped = self.live.instance_type != self.wanted.instance_type;
        if retyped || (self.hangs() && !self.answers().await) {
            self.stop(retyped).await?;
            change.instance_type = retyped.then(|| self.wanted.instance_type.clone());
        }
        if change != InstanceChange::default() {
            self.cx.progress.note("changing its attributes");
            let cloud = &self.cx.world.cloud;
            cloud.modify_instance(&self.live.id, &change).await?;
            self.effect = true;
        }
        self.run_or_rest().await?;
        self.take_tasks_again().await
    }

    /// What of the instance has to change, the type apart.
    fn attributes(&self) -> Result<InstanceChange> {
        let Self {
            wanted, from, live, ..
        } = self;
        let disk = live.disk_gib.unwrap_or(from.disk_gib);
        if wanted.disk_gib < disk {
            return Err(Failure::not_applied(
                format!("change the disk of {}", wanted.name),
                format!("a volume cannot shrink from {disk} to {} GiB", wanted.disk_gib),
            )
            .with_hint(format!("set disk_gib to {disk}, or replace the instance")));
        }
        let group = hosts::resolved(&wanted.security_group, "the security group")?;
        let (mut set_tags, remove_tags) = tags::change(&live.tags, &from.tags, &wanted.tags);
        set_tags.extend(tags::reclaim(
            &live.tags,
            &wanted.tags,
            &self.cx.ownership.cluster,
        ));
        set_tags.extend(tags::named(&live.tags, &self.cx.ownership));
        // A type that has none takes no word on them.
        let credits = wanted.cpu_credits != from.cpu_credits && world::is_burstable(&wanted.instance_type);
        Ok(InstanceChange {
            instance_type: None,
            cpu_credits: credits.then_some(wanted.cpu_credits),
            disk_gib: (wanted.disk_gib > disk).then_some(wanted.disk_gib),
            protect: (live.protect.unwrap_or(from.protect) != wanted.protect).then_some(wanted.protect),
            security_group_id: (live.security_group_ids != [group.as_str()]).then_some(group),
            set_tags,
            remove_tags,
        })
    }

    /// Whether it is to be brought back although EC2 says that it runs.
    fn hangs(&self) -> bool {
        self.wanted.running && !self.from.running && self.live.state == InstanceState::Running
    }

    /// Whether the machine answers by now: it may have been booting when it was seen.
    async fn answers(&self) -> bool {
        let (cx, name) = (self.cx, hosts::own_name(self.cx));
        let target = hosts::target_of(cx, name, &Machine::of_instance(&self.live));
        match cx.world.hosts.connect(&target, &cx.progress).await {
            Ok(_) => true,
            // Who refuses the caller is up: restarting it changes nothing about that.
            Err(failure) if !failure.code.is_silence() => true,
            Err(failure) => {
                cx.progress
                    .note(format!("it does not answer ({}): restarting it", failure.message));
                false
            }
        }
    }

    /// Whether nobody answers at it now: what hangs has nothing that could step aside.
    async fn is_silent(&self) -> bool {
        let (cx, name) = (self.cx, hosts::own_name(self.cx));
        let target = hosts::target_of(cx, name, &Machine::of_instance(&self.live));
        let reached = cx.world.hosts.reach(&target).await;
        reached.is_err_and(|failure| failure.code.is_silence())
    }

    /// Stops it; its node steps aside before that where it takes part in the swarm.
    async fn stop(&mut self, retyped: bool) -> Result<()> {
        if retyped && self.from.running && self.live.state == InstanceState::Running {
            match Aside::step(self.cx, hosts::own_name(self.cx)).await {
                Ok(aside) => self.aside = aside,
                // It may be the manager that would be asked.
                Err(failure)
                    if failure.code != Code::Stopped
                        && failure.certainty == Certainty::NotApplied
                        && self.is_silent().await =>
                {
                    self.cx.progress.note(format!(
                        "it does not answer, so it does not step aside: {}",
                        failure.message
                    ));
                    self.lost = true;
                }
                Err(failure) => return Err(failure),
            }
            self.effect = self.aside.as_ref().is_some_and(Aside::has_effect);
        }
        machines::stop(self.cx, &self.live).await?;
        self.effect = true;
        self.live.state = InstanceState::Stopped;
        Ok(())
    }

    /// Starts it where it is to run and does not; only the undo of a start wants it to rest.
    async fn run_or_rest(&mut self) -> Result<()> {
        if !self.wanted.running {
            machines::stop(self.cx, &self.live).await?;
            self.live.public_ip = None;
        } else if self.live.state != InstanceState::Running {
            self.live = machines::start(self.cx, &self.live).await?;
            self.effect = true;
            let restart = match self.from.running && !self.lost {
                true => Restart::OfALiving,
                false => Restart::OfALost,
            };
            let machine = Machine::of_instance(&self.live);
            rejoin::await_node(self.cx, hosts::own_name(self.cx), &machine, restart).await?;
            if restart == Restart::OfALost && self.manages() {
                // What it had meanwhile may have run out, and tasks come to where their images are not.
                logins::refresh(&mut Managers::new(self.cx), self.cx).await;
            }
        }
        Ok(())
    }

    /// Whether its node is a manager.
    fn manages(&self) -> bool {
        let member = self
            .cx
            .typed::<Member>(&Address::new(Member::NAME, hosts::own_name(self.cx)));
        member.is_some_and(|(member, _)| member.role == Role::Manager)
    }

    /// The end of its stepping aside, also of one whose restart was given up before it came to the
    /// machine: this is its undo.
    async fn take_tasks_again(&mut self) -> Result<()> {
        let (wanted, from) = (self.wanted, self.from);
        match self.aside.take() {
            Some(aside) => aside.back().await,
            None if !self.lost
                && from.running
                && wanted.running
                && from.instance_type != wanted.instance_type =>
            {
                aside::restore(self.cx, hosts::own_name(self.cx)).await
            }
            None => Ok(()),
        }
    }
}
