//! A call of the Query API: an action and its parameters.

use std::fmt;

/// What parameters begin with that are not sent on.
pub const OWN: &str = "Strict.";

/// A call, its parameters decoded and in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub action: String,
    /// The region that it is signed for.
    pub region: String,
    pub parameters: Vec<(String, String)>,
}

/// An answer in place of the API's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One of EC2's errors: HTTP status, code, message.
    Refusal(u16, &'static str, String),
    /// A success, as text.
    Success(String),
}

impl Answer {
    pub fn refusal(status: u16, code: &'static str, message: impl fmt::Display) -> Option<Self> {
        Some(Self::Refusal(status, code, message.to_string()))
    }
}

impl Call {
    /// Reads a request; `head` has its header fields.
    pub fn read(head: &str, body: &str) -> Self {
        let parameters: Vec<(String, String)> =
            form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let scope = head.split("Credential=").nth(1).unwrap_or_default();
        Self {
            action: find(&parameters, "Action").unwrap_or_default().to_owned(),
            region: scope.split('/').nth(2).unwrap_or_default().to_owned(),
            parameters,
        }
    }

    /// The request's body, without what behaviours keep for themselves.
    pub fn body(&self) -> String {
        let sent = self.parameters.iter().filter(|(key, _)| !key.starts_with(OWN));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(sent)
            .finish()
    }

    /// Another call in the same place.
    pub fn other(&self, action: &str, parameters: &[(&str, &str)]) -> Self {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let version = ("Version".to_owned(), "2016-11-15".to_owned());
        let mut all = vec![("Action".to_owned(), action.to_owned()), version];
        all.extend(parameters.iter().map(own));
        Self {
            action: action.to_owned(),
            region: self.region.clone(),
            parameters: all,
        }
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        find(&self.parameters, key)
    }

    pub fn set(&mut self, key: &str, value: &str) {
        self.remove(key);
        self.parameters.push((key.to_owned(), value.to_owned()));
    }

    pub fn remove(&mut self, key: &str) {
        self.parameters.retain(|(known, _)| known != key);
    }

    /// The values of a list: those of `Key.1`, `Key.2`, and so on, and of what lies deeper.
    pub fn list(&self, key: &str) -> Vec<&str> {
        let of_list = |name: &str| {
            let rest = name.strip_prefix(key).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let values = self.parameters.iter().filter(|(name, _)| of_list(name));
        values.map(|(_, value)| value.as_str()).collect()
    }

    /// The values of a filter; `None` where the call has no such filter.
    pub fn filter(&self, name: &str) -> Option<Vec<&str>> {
        let (key, _) = self
            .parameters
            .iter()
            .find(|(key, value)| key.starts_with("Filter.") && key.ends_with(".Name") && value == name)?;
        let number = key.trim_end_matches(".Name");
        Some(self.list(&format!("{number}.Value")))
    }

    /// Adds a value to a filter that the call has.
    pub fn widen(&mut self, name: &str, value: &str) {
        let Some(there) = self.filter(name).map(|values| values.len()) else {
            return;
        };
        let named = |(key, known): &&(String, String)| key.ends_with(".Name") && known == name;
        let key = self.parameters.iter().find(named).map(|(key, _)| key.clone());
        let number = key.unwrap_or_default().trim_end_matches(".Name").to_owned();
        let next = format!("{number}.Value.{}", there + 1);
        self.parameters.push((next, value.to_owned()));
    }

    /// Whether it only asks.
    pub fn is_dry(&self) -> bool {
        self.get("DryRun") == Some("true")
    }

    pub fn reads(&self) -> bool {
        self.action.starts_with("Describe") || self.action.starts_with("Get")
    }

    /// The subnet that instances are to be run in.
    pub fn subnet(&self) -> Option<&str> {
        self.get("SubnetId")
            .or_else(|| self.get("NetworkInterface.1.SubnetId"))
    }

    /// The groups that instances are to be run in.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups = self.list("SecurityGroupId");
        groups.extend(self.list("NetworkInterface.1.SecurityGroupId"));
        groups
    }
}

fn find<'a>(parameters: &'a [(String, String)], key: &str) -> Option<&'a str> {
    parameters
        .iter()
        .find(|(known, _)| known == key)
        .map(|(_, value)| value.as_str())
}

#[test]
fn a_call_is_read_and_written() {
    let body = "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3Aa&Filter.1.Value.1=b\
                &Filter.2.Name=instance-state-name&Filter.2.Value.1=pending&DryRun=true";
    let head = "POST / HTTP/1.1\r\nauthorization: AWS4-HMAC-SHA256 Credential=AK/20261128/eu-west-1/ec2/aws4_request";
    let mut call = Call::read(head, body);
    assert_eq!(
        (call.action.as_str(), call.region.as_str()),
        ("DescribeInstances", "eu-west-1")
    );
    assert_eq!(call.body(), body);
    assert_eq!(call.filter("tag:a"), Some(vec!["b"]));
    call.widen("instance-state-name", "terminated");
    assert_eq!(
        call.filter("instance-state-name"),
        Some(vec!["pending", "terminated"])
    );
    assert!(call.is_dry() && call.reads());
}
