//! The host name of a service's containers, with Swarm's templates.

use crate::manifest::decode::{FromText, Malformed, nearest, plain_schema};

/// A host name such as `web` or `{{.Service.Name}}-{{.Task.Slot}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hostname(pub String);

plain_schema!(Hostname => "Hostname" {
    "type": "string", "pattern": "^([A-Za-z0-9.-]|\\{\\{[^{}]*\\}\\})+$"
});

/// What a template can name, but for the service's labels (swarmkit, `template.Context`).
const FIELDS: [&str; 9] = [
    ".Service.ID",
    ".Service.Name",
    ".Node.ID",
    ".Node.Hostname",
    ".Node.Platform.Architecture",
    ".Node.Platform.OS",
    ".Task.ID",
    ".Task.Name",
    ".Task.Slot",
];
/// The longest label of a domain name (RFC 1035).
const LONGEST: usize = 63;

impl FromText for Hostname {
    const FORM: &'static str = "a host name, or one with templates such as \"{{.Node.Hostname}}\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        // What is left once the templates are taken out, each of which stands for one letter.
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, template)) = rest.split_once("{{") {
            let Some((field, after)) = template.split_once("}}") else {
                return Err(Malformed::new("a template that is not closed").help("close it with `}}`"));
            };
            known(field.trim())?;
            plain.push_str(before);
            plain.push('x');
            rest = after;
        }
        plain.push_str(rest);
        if plain.is_empty() {
            return Err(Malformed::new("a host name cannot be empty").help("leave the key out"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if let Some(c) = plain.chars().find(|c| !allowed(*c)) {
            return Err(Malformed::new(format!("{c:?} cannot be part of it"))
                .help("a host name is letters, digits, hyphens and dots"));
        }
        for label in plain.split('.') {
            if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
                return Err(Malformed::new(
                    "each part has to begin and end with a letter or a digit",
                ));
            }
        }
        if plain.len() > LONGEST {
            let length = plain.len();
            return Err(Malformed::new(format!(
                "{length} characters long, at most {LONGEST} are possible"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Checks what a template names.
fn known(field: &str) -> Result<(), Malformed> {
    let label = field.strip_prefix("index .Service.Labels ");
    if FIELDS.contains(&field) || label.is_some_and(|label| !label.trim().is_empty()) {
        return Ok(());
    }
    let malformed = Malformed::new(format!("Swarm has no template \"{{{{{field}}}}}\""));
    Err(match nearest(field, FIELDS) {
        Some(near) => malformed.help(format!("did you mean \"{{{{{near}}}}}\"?")),
        None => malformed.help(format!("it can be {}", FIELDS.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_swarms_templates_are_taken_as_they_are() {
        for text in [
            "web",
            "web-1.example.com",
            "{{.Node.Hostname}}",
            "{{.Service.Name}}-{{.Task.Slot}}",
            "{{ .Task.Name }}",
            "{{index .Service.Labels \"zone\"}}",
        ] {
            assert_eq!(Hostname::from_text(text), Ok(Hostname(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_no_container_could_be_called_is_refused() {
        let long = "a".repeat(64);
        for text in [
            "",
            "a b",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "{{.Task.Slot",
            "{{}}",
            "{{.Foo}}",
            &long,
        ] {
            assert!(Hostname::from_text(text).is_err(), "{text}");
        }
        let help = |text: &str| Hostname::from_text(text).expect_err("bad").help;
        assert_eq!(
            help("{{.Node.HostName}}"),
            Some("did you mean \"{{.Node.Hostname}}\"?".to_owned())
        );
    }
}
