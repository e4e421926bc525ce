//! Mistakes that people make, and the help that solves each at the first try: applied as it is
//! printed, it makes the manifest valid.

use miette::Diagnostic as _;

use super::read;
use crate::manifest::ManifestError;

/// A valid manifest whose last section is a service, with a line more.
fn with(line: &str) -> String {
    format!(
        "[cluster]\nname = \"a\"\n\n[key_pair]\nname = \"a\"\npublic_key = \"a.pub\"\n\n[config.c]\ncontent = \"x\"\n\n[[pool]]\nname = \"m\"\nrole = \"manager\"\ncount = 1\ninstance_type = \"t3.micro\"\n\n[[service]]\nname = \"web\"\nimage = \"nginx\"\n{line}\n"
    )
}

/// The one mistake of a text.
fn mistake(text: &str) -> ManifestError {
    let errors = read(text).expect_err(text);
    assert_eq!(errors.errors().len(), 1, "{text}\n{:?}", errors.errors());
    errors.errors()[0].clone()
}

fn help(error: &ManifestError) -> String {
    error.help().map(|help| help.to_string()).unwrap_or_default()
}

/// What is underlined, replaced by what the help says: `write VALUE`, `write it …: KEY = VALUE`,
/// `…: VALUE`; or, where the key itself is underlined, its line by `write KEY = VALUE`.
fn follow(text: &str, error: &ManifestError) -> String {
    let help = help(error);
    let place = error.spans().next().expect("a place");
    let of_a_key = text[place.end..].trim_start().starts_with('=');
    if of_a_key {
        let (_, instead) = help.split_once("write ").expect("write …");
        let end = text[place.end..]
            .find('\n')
            .map_or(text.len(), |at| place.end + at);
        return format!("{}{instead}{}", &text[..place.start], &text[end..]);
    }
    let instead = match help.split_once(" = ") {
        Some((_, value)) => value,
        None => {
            help.split_once(": ")
                .or_else(|| help.split_once("write "))
                .expect(&help)
                .1
        }
    };
    format!("{}{instead}{}", &text[..place.start], &text[place.end..])
}

#[test]
fn what_the_help_says_makes_the_manifest_valid() {
    for (line, instead) in [
        ("user = nginx:1.27", "\"nginx:1.27\""),
        ("user = web", "\"web\""),
        ("user = \u{201c}web\u{201d}", "\"web\""),
        ("command = [run, \"now\"]", "\"run\""),
        ("ports = [\"8080:80:tcp\"]", "\"8080:80/tcp\""),
        ("ports = [\"53:53:udp\"]", "\"53:53/udp\""),
        ("ports = [80]", "\"80:80\""),
        ("ports = [\"443\"]", "\"443:443\""),
        ("ports = \"80:80\"", "[\"80:80\"]"),
        ("stop_grace_period = 10", "\"10s\""),
        ("healthcheck = { test = \"x\", interval = 10 }", "\"10s\""),
        ("replicas = \"2\"", "2"),
        ("replicas = \"2 tasks\"", "2"),
        ("configs = [{ source = \"c\", mode = 288 }]", "\"0440\""),
        ("configs = [{ source = \"c\", mode = 440 }]", "\"0440\""),
        ("configs = [{ source = \"c\", mode = 0o400 }]", "\"0400\""),
        ("restart = \"always\"", "restart_policy = { condition = \"any\" }"),
        (
            "restart = \"unless-stopped\"",
            "restart_policy = { condition = \"any\" }",
        ),
        ("restart = \"no\"", "restart_policy = { condition = \"none\" }"),
        (
            "restart = \"on-failure\"",
            "restart_policy = { condition = \"on-failure\" }",
        ),
    ] {
        let text = with(line);
        let error = mistake(&text);
        assert!(help(&error).ends_with(instead), "{line}: {}", help(&error));
        let followed = follow(&text, &error);
        read(&followed).unwrap_or_else(|errors| panic!("{line}: {}\n{:?}", help(&error), errors.errors()));
    }
}

#[test]
fn what_compose_has_and_swarm_has_not_is_explained() {
    for (line, says) in [
        ("ports = [\"127.0.0.1:5432:5432\"]", "publish nothing"),
        ("networks = [\"host\"]", "mode = \"host\""),
        ("networks = [\"bridge\"]", "[[network]]"),
        ("mode = \"replicated-job\"", "condition = \"none\""),
        ("ipc = \"host\"", "remove it"),
        ("profiles = [\"a\"]", "a manifest for each"),
        ("security_opt = [\"no-new-privileges:true\"]", "Docker's default"),
        (
            "ports = [{ target = 80, published = 80, name = \"web\" }]",
            "remove it",
        ),
    ] {
        let help = help(&mistake(&with(line)));
        assert!(help.contains(says), "{line}: {help}");
    }
    let text = with("").replace("content = \"x\"", "environment = \"X\"");
    let errors = read(&text).expect_err("no content");
    assert!(
        errors
            .errors()
            .iter()
            .any(|error| help(error) == "write content = \"${env:NAME}\"")
    );
}

#[test]
fn what_docker_accepts_is_accepted() {
    for line in [
        "resources = { limits = { memory = \"536870912\" } }",
        "labels = [\"traefik.enable\"]",
        "container_labels = [\"a\", \"b=c\"]",
    ] {
        read(&with(line)).unwrap_or_else(|errors| panic!("{line}: {:?}", errors.errors()));
    }
    // A variable without a value is passed on, which a manifest does explicitly.
    assert!(help(&mistake(&with("environment = [\"HOME\"]"))).contains("${env:HOME}"));
}

#[test]
fn a_value_from_outside_is_shown_with_where_it_comes_from() {
    let label = |line: &str| {
        let error = mistake(&with(line));
        let labels: Vec<_> = error.labels().expect("a place").collect();
        labels[0].label().expect("a label").to_owned()
    };
    assert_eq!(
        label("replicas = \"${env:HOME}\""),
        "`HOME` is \"/home/me\", from the environment"
    );
    assert_eq!(label("init = \"${var:n}\""), "`n` is \"4\", from --var");
    let mixed = label("stop_grace_period = \"${var:n} ${var:yes}\"");
    assert!(
        mixed.starts_with("with its variables filled in, this is \"4 true\": "),
        "{mixed}"
    );
}

#[test]
fn a_compose_file_is_one_mistake() {
    let error =
        mistake("version: \"3\"\nservices:\n  web:\n    image: nginx\n    ports:\n      - \"80:80\"\n");
    assert_eq!(error.to_string(), "this is a Compose file, not a manifest");
    let error = mistake("# all of it\n---\nweb:\n  replicas: 2\n");
    assert_eq!(error.to_string(), "this is YAML, not a manifest");
}
