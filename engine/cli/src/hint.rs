//! What to do next: words, and commands as they have to be typed.

use std::path::Path;

use subako_engine::world::NextCommand;

use crate::args::Global;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hint(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Run(NextCommand),
}

impl Hint {
    /// A hint that begins with a command.
    pub fn run(command: NextCommand, words: impl Into<String>) -> Self {
        Self::default().then(command).and(words)
    }

    /// The ways on from a run that did not end. Past the line there is no way back.
    pub fn ways_on(can_go_back: bool) -> Vec<Self> {
        let back = Self::run(NextCommand::RecoverBack, " undoes it, as far as it can be undone");
        let mut ways = vec![Self::run(NextCommand::RecoverForward, " finishes it")];
        ways.extend(can_go_back.then_some(back));
        ways
    }

    /// Goes on with a command.
    #[must_use]
    pub fn then(mut self, command: NextCommand) -> Self {
        self.0.push(Part::Run(command));
        self
    }

    /// Goes on with words.
    #[must_use]
    pub fn and(mut self, words: impl Into<String>) -> Self {
        self.0.push(Part::Words(words.into()));
        self
    }

    /// The text, its commands as they have to be typed after `typed`.
    pub fn text(&self, typed: &Invocation) -> String {
        self.render(str::to_owned, |command| format!("`{}`", typed.line(command)))
    }

    /// The text, its words and its commands as these write them.
    pub fn render(&self, words: impl Fn(&str) -> String, run: impl Fn(&NextCommand) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(said) => words(said),
            Part::Run(command) => run(command),
        });
        parts.collect()
    }
}

impl From<&str> for Hint {
    fn from(words: &str) -> Self {
        Self::default().and(words)
    }
}

impl From<String> for Hint {
    fn from(words: String) -> Self {
        Self::default().and(words)
    }
}

/// The command line that this process was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Everything after the program's name, as it was typed.
    typed: Vec<String>,
    /// The options that another command needs to work on the same cluster.
    options: Vec<String>,
    /// What names the cluster to a command that needs no manifest, where that was typed.
    cluster: Vec<String>,
}

impl Invocation {
    /// The command line of `typed` (without the program's name), read as `global`.
    pub fn new(typed: impl IntoIterator<Item = String>, global: &Global) -> Self {
        let mut options = Vec::new();
        let text = |path: &Path| path.display().to_string();
        if global.sim {
            options.push("--sim".to_owned());
        }
        if global.file != Path::new("cluster.toml") {
            options.extend(option("-f", "--file", text(&global.file)));
        }
        if let Some(directory) = &global.state_dir {
            options.extend(option("--state-dir", "--state-dir", text(directory)));
        }
        for file in &global.var_files {
            options.extend(option("--var-file", "--var-file", text(file)));
        }
        for (key, value) in &global.vars {
            options.extend(option("--var", "--var", format!("{key}={value}")));
        }
        let cluster = global.cluster.iter();
        let bucket = global.state.iter().filter(|_| global.cluster.is_some());
        Self {
            typed: typed.into_iter().collect(),
            options,
            cluster: cluster
                .flat_map(|name| option("--cluster", "--cluster", name.clone()))
                .chain(bucket.flat_map(|bucket| option("--state", "--state", bucket.to_string())))
                .collect(),
        }
    }

    /// The command line as it was typed, without the values of variables: any of them may be secret.
    pub fn without_values(&self) -> String {
        let hidden = |pair: &str| {
            let key = pair.split_once('=').map_or(pair, |(key, _)| key);
            format!("{key}=…")
        };
        let mut words = vec!["subako".to_owned()];
        for word in &self.typed {
            let is_value = words.last().is_some_and(|before| before == "--var");
            words.push(match word.strip_prefix("--var=") {
                _ if is_value => hidden(word),
                Some(pair) => format!("--var={}", hidden(pair)),
                None => word.clone(),
            });
        }
        shell(&words)
    }

    /// A command line for a shell.
    pub fn line(&self, command: &NextCommand) -> String {
        let mut line = vec!["subako".to_owned()];
        match command.words() {
            Some(words) => {
                line.extend(words);
                if command.needs_a_cluster() {
                    line.extend(self.options.iter().cloned());
                }
                if command.needs_no_manifest() {
                    line.extend(self.cluster.iter().cloned());
                }
            }
            None => {
                line.extend(self.typed.iter().cloned());
                let yes = |word: &String| word == "--yes" || word == "-y";
                if *command == NextCommand::AgainWithYes && !self.typed.iter().any(yes) {
                    // Behind a `--` it would be an address.
                    let end = line.iter().position(|word| word == "--").unwrap_or(line.len());
                    line.insert(end, "--yes".to_owned());
                }
            }
        }
        shell(&line)
    }
}

/// A command line of this program for a shell, of the words behind its name.
pub fn line(words: &[String]) -> String {
    let program = ["subako".to_owned()];
    shell(&[&program, words].concat())
}

fn shell(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// An option with its value; a value that looks like an option has to stand in the same word.
fn option(name: &str, long: &str, value: String) -> Vec<String> {
    if value.starts_with('-') {
        vec![format!("{long}={value}")]
    } else {
        vec![name.to_owned(), value]
    }
}

/// A word for a shell. What no shell word can hold (a NUL) cannot have been typed either.
fn quoted(word: &str) -> String {
    if word.contains(crate::plain::is_dangerous) {
        // `$'…'` writes such characters down instead of the characters themselves.
        let mut out = String::from("$'");
        for c in word.chars() {
            let mut bytes = [0; 4];
            match c {
                '\'' | '\\' => out.extend(['\\', c]),
                c if crate::plain::is_dangerous(c) => {
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        out.push_str(&format!("\\x{byte:02x}"));
                    }
                }
                c => out.push(c),
            }
        }
        out.push('\'');
        return out;
    }
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |word| word.into_owned())
}

#[cfg(test)]
#[path = "hint_tests.rs"]
mod tests;
