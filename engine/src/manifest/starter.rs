//! The manifest that `new` writes.

/// The manifest as it is before anything is known of its cluster.
const TEXT: &str = include_str!("starter.toml");
/// The name that stands in it.
const NAME: &str = "my-cluster";
/// The region that stands in it: the article's.
const REGION: &str = "ap-northeast-1";
/// The instance type that stands in it: the smallest that both of AWS's free tiers have.
const INSTANCE_TYPE: &str = "t3.micro";
/// What stands in it for who may log in.
const SSH_FROM: &str = "# Put it here before the first apply:\n# ssh_from = [\"YOUR-ADDRESS/32\"]\n";
/// What stands in it for the key.
const KEY: &str = "# The key that lets Subako (and you) log in. Make a pair, if you have none:
#   ssh-keygen -t ed25519 -f ~/.ssh/my-cluster
# and take the # away from these six lines:
# [key_pair]
# name = \"my-cluster\"
# public_key = \"~/.ssh/my-cluster.pub\"
#
# [ssh]
# private_key = \"~/.ssh/my-cluster\"
";

/// What a first manifest says of its cluster. What is not known stands in it as a comment, so that
/// no plan is made with a placeholder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starter {
    /// The cluster's name.
    pub name: Option<String>,
    /// The region; the article's if it is not known.
    pub region: Option<String>,
    /// Who may log in, in CIDR notation.
    pub ssh_from: Option<String>,
    /// The private key's file; the public one has `.pub` at its end.
    pub key: Option<String>,
    /// The type of all instances.
    pub instance_type: Option<String>,
}

impl Starter {
    /// The manifest's text. Values are written as TOML strings; whether they are good ones is
    /// found out by parsing it.
    pub fn text(&self) -> String {
        let (head, rest) = TEXT.split_once(KEY).unwrap_or((TEXT, ""));
        let (middle, tail) = rest.split_once(SSH_FROM).unwrap_or((rest, ""));
        let key = match &self.key {
            Some(key) => self.key_sections(key),
            None => self.named(KEY),
        };
        let ssh_from = match &self.ssh_from {
            Some(range) => format!("ssh_from = [{}]\n", string(range)),
            None => SSH_FROM.to_owned(),
        };
        [
            self.named(head),
            key,
            self.named(middle),
            ssh_from,
            self.named(tail),
        ]
        .concat()
    }

    fn key_sections(&self, key: &str) -> String {
        format!(
            "# The key that lets Subako (and you) log in.\n[key_pair]\nname = {}\npublic_key = {}\n\n[ssh]\nprivate_key = {}\n",
            string(self.name.as_deref().unwrap_or(NAME)),
            string(&format!("{key}.pub")),
            string(key),
        )
    }

    /// A part of the text with the cluster's own names in it.
    fn named(&self, part: &str) -> String {
        let known = [
            (NAME, &self.name),
            (REGION, &self.region),
            (INSTANCE_TYPE, &self.instance_type),
        ];
        let mut text = part.to_owned();
        for (placeholder, value) in known {
            if let Some(value) = value {
                text = text
                    .replace(&string(placeholder), &string(value))
                    .replace(placeholder, &plain(value));
            }
        }
        text
    }
}

/// A text as a basic string of TOML, on one line: JSON's escapes are among TOML's.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as it may stand in a comment: on one line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_filled_in_stands_in_the_text_once() {
        for (what, times) in [(SSH_FROM, 1), (KEY, 1)] {
            assert_eq!(TEXT.matches(what).count(), times, "{what}");
        }
        assert!(TEXT.contains(&string(REGION)) && TEXT.contains(&string(NAME)));
        assert!(TEXT.contains(&string(INSTANCE_TYPE)));
    }

    #[test]
    fn what_is_known_is_a_value_and_nothing_else_of_the_text_is_left() {
        let whole = Starter {
            name: Some("shop".into()),
            region: Some("eu-central-1".into()),
            ssh_from: Some("198.51.100.7/32".into()),
            key: Some("~/.ssh/shop \"old\"".into()),
            instance_type: Some("t4g.micro".into()),
        };
        let text = whole.text();
        let table: toml::Table = text.parse().expect("TOML");
        assert_eq!(table["cluster"]["name"].as_str(), Some("shop"));
        assert_eq!(table["aws"]["region"].as_str(), Some("eu-central-1"));
        assert_eq!(
            table["security_group"]["ssh_from"][0].as_str(),
            Some("198.51.100.7/32")
        );
        assert_eq!(table["ssh"]["private_key"].as_str(), Some("~/.ssh/shop \"old\""));
        assert_eq!(
            table["key_pair"]["public_key"].as_str(),
            Some("~/.ssh/shop \"old\".pub")
        );
        for pool in table["pool"].as_array().expect("pools") {
            assert_eq!(pool["instance_type"].as_str(), Some("t4g.micro"));
        }
        for gone in [NAME, REGION, INSTANCE_TYPE, "YOUR-ADDRESS"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        let bare: toml::Table = Starter::default().text().parse().expect("TOML");
        assert!(bare["security_group"].get("ssh_from").is_none());
    }

    #[test]
    fn a_value_cannot_end_its_line() {
        let hostile = Starter {
            region: Some("eu\n[pool]".into()),
            name: Some("a\"\nb".into()),
            ..Starter::default()
        };
        let table: toml::Table = hostile.text().parse().expect("TOML");
        assert_eq!(table["aws"]["region"].as_str(), Some("eu\n[pool]"));
        assert_eq!(table["cluster"]["name"].as_str(), Some("a\"\nb"));
    }
}
