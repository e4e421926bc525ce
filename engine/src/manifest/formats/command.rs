//! Commands: a list of words, or one text split as a shell would.

use toml::de::DeValue;

use crate::manifest::decode::{Context, Decode, Malformed, Node, plain_schema};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::span::At;

/// The words of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command(pub Vec<String>);

/// A health check's test: a text for the container's shell, or a list whose first word says
/// how to run the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthTest(pub Vec<String>);

plain_schema! {
    Command => "Command" { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
    HealthTest => "HealthTest" { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
}

impl Decode for Command {
    const EXPECTED: &'static str = "a string or a list of strings";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::String(text) => {
                let text = cx.interpolate(text, node.span().into())?;
                match split(&text) {
                    Ok(words) => Some(Self(words)),
                    Err(malformed) => {
                        cx.report(
                            ManifestError::new(
                                Code::BadFormat,
                                format!("`{key}` cannot be split into words"),
                            )
                            .at(node.span().into(), malformed.reason)
                            .maybe_help(malformed.help),
                        );
                        None
                    }
                }
            }
            DeValue::Array(_) => words(cx, key, node).map(Self),
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

fn words(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Vec<String>> {
    let list = Vec::<At<String>>::decode(cx, key, node)?;
    Some(list.into_iter().map(|word| word.value).collect())
}

impl Decode for HealthTest {
    const EXPECTED: &'static str = "a string or a list of strings";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::String(text) => {
                let text = cx.interpolate(text, node.span().into())?;
                Some(Self(vec!["CMD-SHELL".to_owned(), text]))
            }
            DeValue::Array(_) => {
                let words = words(cx, key, node)?;
                let rest = words.len().saturating_sub(1);
                let problem = match words.first().map(String::as_str) {
                    Some("NONE") if rest == 0 => return Some(Self(words)),
                    Some("CMD") if rest > 0 => return Some(Self(words)),
                    Some("CMD-SHELL") if rest == 1 => return Some(Self(words)),
                    Some("NONE") => "nothing can follow \"NONE\"",
                    Some("CMD") => "a command has to follow \"CMD\"",
                    Some("CMD-SHELL") => "one text has to follow \"CMD-SHELL\"",
                    Some(_) => "the first word does not say how to run the rest",
                    None => "this is empty",
                };
                let written = cx.written(node.span().into());
                let inner = written.trim_start_matches('[').trim_start();
                cx.report(
                    ManifestError::new(
                        Code::BadFormat,
                        format!("`{key}` must begin with \"CMD\", \"CMD-SHELL\" or \"NONE\""),
                    )
                    .at(node.span().into(), problem)
                    .maybe_help(
                        (rest > 0
                            && !problem.starts_with("nothing")
                            && !inner.contains('\n')
                            && !problem.contains("SHELL"))
                        .then(|| format!("to run the command itself, write {key} = [\"CMD\", {inner}")),
                    ),
                );
                None
            }
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

/// Splits a text into words as a POSIX shell does, without expanding anything.
fn split(text: &str) -> Result<Vec<String>, Malformed> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(unclosed("'")),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some('\n') => {}
                            Some(c) => word.extend(['\\', c]),
                            None => return Err(unclosed("\"")),
                        },
                        Some(c) => word.push(c),
                        None => return Err(unclosed("\"")),
                    }
                }
            }
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(Malformed::new("nothing follows the last backslash")),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn unclosed(quote: &str) -> Malformed {
    Malformed::new(format!("a quotation opened by {quote} is not closed"))
        .help("close it, or write the words as a list: [\"sh\", \"-c\", \"…\"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        let words = |text: &str| split(text).expect("splits");
        assert_eq!(words("ping docker.com"), ["ping", "docker.com"]);
        assert_eq!(
            words(r#"sh -c 'echo "a b"' "" x\ y "a\"b\n""#),
            ["sh", "-c", "echo \"a b\"", "", "x y", "a\"b\\n"]
        );
        assert_eq!(words("  \n "), Vec::<String>::new());
        assert_eq!(words("a'b'\"c\"d"), ["abcd"]);
    }

    #[test]
    fn an_open_quotation_is_a_mistake() {
        for text in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
