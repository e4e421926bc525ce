//! A block of the manifest by its kind and name: `pool.web`.

use crate::manifest::decode::{FromText, Malformed, nearest, plain_schema};
use crate::manifest::error::Code;
use crate::manifest::model::Block;

/// A block that can be named: its kind, and its name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockName {
    /// The kind of block.
    pub block: Block,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for BlockName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.block.word(), self.name)
    }
}

impl FromText for BlockName {
    const FORM: &'static str = "a kind and a name, for example \"pool.web\"";
    const CODE: Code = Code::BadName;

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let all = || Block::ALL.into_iter().map(Block::word);
        let Some((word, name)) = text.split_once('.') else {
            return Err(Malformed::new("there is no dot in it").help(format!("write \"pool.{text}\"")));
        };
        let Some(block) = Block::ALL.into_iter().find(|block| block.word() == word) else {
            let known: Vec<&str> = all().collect();
            let help = match (word, nearest(word, all())) {
                ("instance" | "member" | "docker", _) => {
                    "a pool is moved as a whole: write pool.NAME".to_owned()
                }
                ("service", _) => "Swarm cannot rename a service: keep its name here; another name that clients find it by is an alias of its network".to_owned(),
                ("network", _) => "Swarm cannot rename a network: without a block the new one is created, services switch to it, which restarts their tasks, and then the old one goes; keep its name to keep them running".to_owned(),
                ("secret" | "config", _) => "its name in the swarm is made of this one: without a block the new one is created, services switch to it, which restarts their tasks, and then the old one goes; keep its name to keep them running".to_owned(),
                (_, Some(word)) => format!("did you mean \"{word}.{name}\"?"),
                (_, None) => format!("known here: {}", known.join(", ")),
            };
            return Err(
                Malformed::new(format!("`{word}` is not a kind of block that can be moved")).help(help),
            );
        };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '*' || c == '.') {
            return Err(Malformed::new(format!("\"{name}\" is not the name of a {word}")));
        }
        Ok(Self {
            block,
            name: name.to_owned(),
        })
    }
}

plain_schema! {
    BlockName => "BlockName" { "type": "string", "pattern": "^pool\\.[A-Za-z0-9_-]+$" },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_named_by_kind_and_name() {
        for block in Block::ALL {
            let text = format!("{}.a-1", block.word());
            assert_eq!(BlockName::from_text(&text).expect("a name").to_string(), text);
        }
        for bad in [
            "pool",
            "pool.",
            "pool.*",
            "pool.a b",
            "instance.a-0",
            "volume.a",
            ".a",
            "",
        ] {
            assert!(BlockName::from_text(bad).is_err(), "{bad}");
        }
        let help = |text: &str| BlockName::from_text(text).expect_err("bad").help;
        assert_eq!(help("pol.a").as_deref(), Some("did you mean \"pool.a\"?"));
        assert_eq!(help("a").as_deref(), Some("write \"pool.a\""));
        for (text, way) in [
            ("service.a", "an alias of its network"),
            ("network.a", "without a block the new one is created"),
            ("secret.a", "its name in the swarm is made of this one"),
            ("config.a", "its name in the swarm is made of this one"),
        ] {
            assert!(help(text).expect("a way").contains(way), "{text}");
        }
    }
}
