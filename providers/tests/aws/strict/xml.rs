//! EC2's answers as trees: as much of XML as they use.

use xmlparser::{ElementEnd, Token, Tokenizer};

/// An element. Its text stays escaped as it came, so that it is written as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
    pub text: String,
}

impl Node {
    /// An element with a text.
    pub fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            text: text.into(),
            ..Self::default()
        }
    }

    /// An element with others in it.
    pub fn of(name: &str, children: impl IntoIterator<Item = Node>) -> Self {
        Self {
            name: name.to_owned(),
            children: children.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The root of a document; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut open: Vec<Node> = vec![Self::default()];
        for token in Tokenizer::from(text) {
            match token.ok()? {
                Token::ElementStart { local, .. } => open.push(Self::leaf(local.as_str(), "")),
                Token::Attribute { local, value, .. } => {
                    let pair = (local.as_str().to_owned(), value.as_str().to_owned());
                    open.last_mut()?.attributes.push(pair);
                }
                Token::ElementEnd { end, .. } if end != ElementEnd::Open => {
                    let done = open.pop()?;
                    open.last_mut()?.children.push(done);
                }
                Token::Text { text } => open.last_mut()?.text.push_str(text.as_str().trim()),
                _ => {}
            }
        }
        let mut root = open.pop()?;
        (open.is_empty() && root.children.len() == 1).then(|| root.children.remove(0))
    }

    /// The element as text.
    pub fn render(&self) -> String {
        let attributes: String = self
            .attributes
            .iter()
            .map(|(name, value)| format!(" {name}=\"{value}\""))
            .collect();
        let inside: String = self.children.iter().map(Self::render).collect();
        let name = &self.name;
        format!("<{name}{attributes}>{}{inside}</{name}>", self.text)
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn child_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    /// The text of an element further down; empty where there is none.
    pub fn text(&self, path: &[&str]) -> &str {
        match path {
            [] => &self.text,
            [name, rest @ ..] => self.child(name).map_or("", |child| child.text(rest)),
        }
    }

    /// Puts a text into an element right below, which is made where there is none.
    pub fn set(&mut self, name: &str, text: &str) {
        match self.child_mut(name) {
            Some(child) => child.text = text.to_owned(),
            None => self.children.push(Self::leaf(name, text)),
        }
    }

    /// The `item`s of a list right below.
    pub fn items(&self, list: &str) -> impl Iterator<Item = &Self> {
        self.child(list).into_iter().flat_map(|list| &list.children)
    }

    /// The list right below, to be changed.
    pub fn list_mut(&mut self, list: &str) -> Option<&mut Vec<Self>> {
        self.child_mut(list).map(|list| &mut list.children)
    }

    /// Goes through every element below, however deep, outermost first.
    pub fn walk(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        for child in &mut self.children {
            visit(child);
            child.walk(visit);
        }
    }

    /// The instances of a RunInstances or DescribeInstances answer.
    pub fn instances(&self) -> Vec<&Self> {
        let reservations = self.items("reservationSet").chain([self]);
        reservations.flat_map(|one| one.items("instancesSet")).collect()
    }

    /// Keeps of the instances of an answer those that pass, which may be changed.
    pub fn retain_instances(&mut self, keep: &mut dyn FnMut(&mut Self) -> bool) {
        if let Some(instances) = self.list_mut("instancesSet") {
            instances.retain_mut(&mut *keep);
        }
        if let Some(reservations) = self.list_mut("reservationSet") {
            for reservation in reservations.iter_mut() {
                reservation.retain_instances(keep);
            }
            reservations.retain(|reservation| reservation.items("instancesSet").next().is_some());
        }
    }
}

#[test]
fn what_is_read_is_written_as_it_was() {
    let text = "<A xmlns=\"x\"><set><item><id>1 &amp; 2</id></item><item></item></set></A>";
    let root = Node::parse(&format!("<?xml version=\"1.0\"?>\n{text}\n")).expect("a document");
    assert_eq!(root.render(), text);
    assert_eq!(
        root.items("set").next().map(|item| item.text(&["id"])),
        Some("1 &amp; 2")
    );
    assert_eq!(Node::parse("\u{1}this is no answer<<"), None);
}
