//! `subako sim …`: what somebody or something outside of Subako does to the simulated world.

use subako_engine::world::{Availability, NextCommand, Port, Protocol, Rule, Source};
use subako_providers::sim::Simulator;

use crate::args::{Global, PortArgs, SimCommand};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::hint::Hint;
use crate::lock;
use crate::project::Project;
use crate::provider;
use crate::render::duration;
use crate::runtime;
use crate::ui::Ui;

/// Changes the simulated world.
pub fn run(global: &Global, command: &SimCommand, ui: &Ui) -> Result<Exit> {
    let project = Project::open_simulated(global, ui)?;
    if !project.world_file.exists() && !project.world_file.with_extension("log").exists() {
        return Err(CliError::new(format!(
            "there is no simulated world of {} yet",
            project.manifest.cluster.name
        ))
        .help(Hint::run(NextCommand::Apply, " makes one")));
    }
    // A run in progress has the world to itself.
    let _lock = lock::take(&project, "sim", ui)?;
    let done = runtime::block_on(project.is_instant(), async {
        let simulator = provider::simulator(&project)?;
        let done = change(&simulator, &project, command)?;
        simulator.close()?;
        Ok(done)
    })?;
    ui.line(&done)?;
    ui.help(&Hint::run(NextCommand::Plan, " shows what moved"));
    Ok(Exit::Done)
}

fn change(simulator: &Simulator, project: &Project, command: &SimCommand) -> Result<String> {
    let group = &project.manifest.security_group.name;
    Ok(match command {
        SimCommand::StopInstance { instance } => {
            simulator.stop_instance(instance)?;
            format!("Stopped {instance}.")
        }
        SimCommand::StartInstance { instance } => {
            simulator.start_instance(instance)?;
            format!("Started {instance}.")
        }
        SimCommand::TerminateInstance { instance } => {
            simulator.terminate_instance(instance)?;
            format!("Terminated {instance}.")
        }
        SimCommand::KillNode { node } => {
            simulator.kill_node(node)?;
            format!("{node} hangs: EC2 calls it running, nobody reaches it.")
        }
        SimCommand::ReviveNode { node } => {
            simulator.revive_node(node)?;
            format!("{node} is back.")
        }
        SimCommand::Pass { time } => {
            simulator.pass(*time)?;
            format!("{} have passed.", duration::short(time.as_millis() as u64))
        }
        SimCommand::Scale { service, replicas } => {
            simulator.scale_service(service, *replicas)?;
            format!("Scaled {service} to {replicas}.")
        }
        SimCommand::SetImage { service, image } => {
            simulator.set_service_image(service, image)?;
            format!("{service} runs {image} now.")
        }
        SimCommand::SetStopGrace { service, seconds } => {
            simulator.set_stop_grace(service, *seconds)?;
            format!("Containers of {service} may take {seconds} s to stop now.")
        }
        SimCommand::RemoveService { service } => {
            simulator.remove_service(service)?;
            format!("Removed the service {service}.")
        }
        SimCommand::RemoveNetwork { network } => {
            simulator.remove_network(network)?;
            format!("Removed the network {network}.")
        }
        SimCommand::RemoveSecret { secret } => {
            simulator.remove_secret(secret)?;
            format!("Removed the secret {secret}.")
        }
        SimCommand::AddSecret { secret } => {
            simulator.add_secret(secret)?;
            format!("Added the secret {secret}.")
        }
        SimCommand::OpenPort(args) => {
            simulator.authorize(group, rule(args)?)?;
            format!("Opened {} to {} in {group}.", args.port, args.from)
        }
        SimCommand::ClosePort(args) => {
            simulator.revoke(group, rule(args)?)?;
            format!("Closed {} to {} in {group}.", args.port, args.from)
        }
        SimCommand::Tag { instance, tag } => {
            let (key, value) = tag
                .split_once('=')
                .ok_or_else(|| CliError::new(format!("`{tag}` is not KEY=VALUE")))?;
            simulator.set_instance_tag(instance, key, value)?;
            format!("{instance} carries {key}={value}.")
        }
        SimCommand::Drain { node } => {
            simulator.drain_node(node, Availability::Drain)?;
            format!("Drained {node}.")
        }
    })
}

/// The rule that somebody sets by hand.
fn rule(args: &PortArgs) -> Result<Rule> {
    let wrong = || {
        CliError::new(format!("`{}` is not a port", args.port))
            .help("expected `8080`, `8000-8010` or `8080/udp`")
    };
    let (ports, protocol) = match args.port.split_once('/') {
        None => (args.port.as_str(), Protocol::Tcp),
        Some((ports, "tcp")) => (ports, Protocol::Tcp),
        Some((ports, "udp")) => (ports, Protocol::Udp),
        Some(_) => return Err(wrong()),
    };
    let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
    let (from, to): (u16, u16) = match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from <= to => (from, to),
        _ => return Err(wrong()),
    };
    Ok(Rule {
        description: "opened by hand".to_owned(),
        ports: Port { from, to },
        protocol,
        source: Source::Cidr(args.from.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_people_write_them() {
        let read = |port: &str| {
            rule(&PortArgs {
                port: port.into(),
                from: "::/0".into(),
            })
            .map(|rule| (rule.ports.from, rule.ports.to, rule.protocol))
        };
        assert_eq!(read("8080").expect("a port"), (8080, 8080, Protocol::Tcp));
        assert_eq!(read("8000-8010/udp").expect("ports"), (8000, 8010, Protocol::Udp));
        for wrong in ["", "x", "9-8", "80/icmp", "70000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
