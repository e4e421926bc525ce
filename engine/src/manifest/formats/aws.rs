//! Names and ids of EC2.

use crate::manifest::decode::{FromText, Malformed, nearest, plain_schema};
use crate::manifest::error::Code;
use crate::world::Family;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $schema_name:literal $schema:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(pub String);

        plain_schema!($name => $schema_name $schema);
    )*};
}

texts! {
    /// A region, `ap-northeast-1`.
    Region = "Region" { "type": "string", "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]+$" };
    /// An availability zone, `ap-northeast-1a`.
    Zone = "Zone" { "type": "string", "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]+([a-z]|-[a-z0-9-]+-[0-9]+[a-z])$" };
    /// An account's id.
    AwsAccount = "AwsAccount" { "type": "string", "pattern": "^[0-9]{12}$" };
    /// A VPC's id.
    VpcId = "VpcId" { "type": "string", "pattern": "^vpc-([0-9a-f]{8}|[0-9a-f]{17})$" };
    /// A subnet's id.
    SubnetId = "SubnetId" { "type": "string", "pattern": "^subnet-([0-9a-f]{8}|[0-9a-f]{17})$" };
    /// An instance type, `t2.micro`.
    InstanceType = "InstanceType" { "type": "string", "pattern": "^[a-z0-9-]+\\.[a-z0-9-]+$" };
    /// An image: an id, a family name or a name pattern.
    Ami = "Ami" { "type": "string", "examples": ["amazon-linux-2023", "debian-12", "ubuntu-24.04", "ami-0123456789abcdef0"] };
    /// A key pair's name.
    KeyPairName = "KeyPairName" { "type": "string", "minLength": 1, "maxLength": 255 };
    /// A security group's name.
    GroupName = "GroupName" { "type": "string", "minLength": 1, "maxLength": 255 };
}

/// Where a region's name ends in a text that begins with one: after its first number.
fn region_end(text: &str) -> Option<usize> {
    let digit = text.find(|c: char| c.is_ascii_digit())?;
    let head = text[..digit].strip_suffix('-')?;
    let mut words = head.split('-');
    let words_ok = words.clone().count() >= 2
        && words.all(|word| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase()));
    let digits = text[digit..]
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len() - digit);
    words_ok.then_some(digit + digits)
}

impl FromText for AwsAccount {
    const FORM: &'static str = "an account's id, twelve digits";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if text.len() == 12 && digits == text {
            return Ok(Self(digits));
        }
        let malformed = Malformed::new("not twelve digits");
        // The console writes it in three groups.
        Err(match digits.len() {
            12 => malformed.help(format!("did you mean \"{digits}\"?")),
            _ => malformed.help("`aws sts get-caller-identity` says it"),
        })
    }
}

impl FromText for Region {
    const FORM: &'static str = "a region such as \"ap-northeast-1\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        match region_end(text) {
            Some(end) if end == text.len() => Ok(Self(text.to_owned())),
            Some(end) if text[end..].len() == 1 => {
                Err(Malformed::new("this is an availability zone")
                    .help(format!("write \"{}\"", &text[..end])))
            }
            _ => Err(Malformed::new("not the form of a region's name")
                .help("Tokyo is \"ap-northeast-1\", Frankfurt \"eu-central-1\", Virginia \"us-east-1\"")),
        }
    }
}

impl Zone {
    /// The region that the zone lies in.
    pub fn region(&self) -> &str {
        region_end(&self.0).map_or("", |end| &self.0[..end])
    }
}

impl FromText for Zone {
    const FORM: &'static str = "an availability zone such as \"ap-northeast-1a\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let Some(end) = region_end(text) else {
            return Err(Malformed::new("not the form of a zone's name"));
        };
        let rest = &text[end..];
        let letter = rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_lowercase());
        // Local and wavelength zones: us-west-2-lax-1a.
        let local = rest.starts_with('-')
            && rest.ends_with(|c: char| c.is_ascii_lowercase())
            && rest[..rest.len() - 1].ends_with(|c: char| c.is_ascii_digit())
            && rest
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if letter || local {
            return Ok(Self(text.to_owned()));
        }
        Err(if rest.is_empty() {
            Malformed::new("this is a region, the zone's letter is missing")
                .help(format!("write \"{text}a\" for its zone a"))
        } else {
            Malformed::new("a zone is its region and one small letter")
                .help(format!("write \"{}a\" for zone a of that region", &text[..end]))
        })
    }
}

/// `prefix-` and eight or seventeen hexadecimal digits.
fn id(text: &str, prefix: &str) -> Result<(), Malformed> {
    let hex = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    let Some(hex) = hex else {
        return Err(Malformed::new(format!("it does not begin with \"{prefix}-\"")));
    };
    if !matches!(hex.len(), 8 | 17) || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(
            Malformed::new(format!("8 or 17 hexadecimal digits have to follow \"{prefix}-\"")).help(format!(
                "write it as in \"{prefix}-0a1b2c3d4e5f60718\", or leave the key out for the default"
            )),
        );
    }
    Ok(())
}

impl FromText for VpcId {
    const FORM: &'static str = "a VPC's id";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        id(text, "vpc").map(|()| Self(text.to_owned()))
    }
}

impl FromText for SubnetId {
    const FORM: &'static str = "a subnet's id";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        id(text, "subnet").map(|()| Self(text.to_owned()))
    }
}

impl FromText for InstanceType {
    const FORM: &'static str = "an instance type such as \"t3.micro\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let part = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match text.split_once('.') {
            Some((family, size)) if part(family) && part(size) => Ok(Self(text.to_owned())),
            _ => {
                let better = text.trim().to_lowercase().replace([' ', '_'], ".");
                let malformed = Malformed::new("a type is a family, a dot and a size");
                Err(match better.split_once('.') {
                    Some((family, size)) if part(family) && part(size) => {
                        malformed.help(format!("did you mean \"{better}\"?"))
                    }
                    _ => malformed,
                })
            }
        }
    }
}

impl FromText for Ami {
    const FORM: &'static str = "an image: its id, a family such as \"amazon-linux-2023\", or a name pattern";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let good = Ok(Self(text.to_owned()));
        if text.trim().is_empty() {
            return Err(Malformed::new("this is empty"));
        }
        if Family::named(text).is_some() || text.contains(['*', '?']) {
            return good;
        }
        if text.starts_with("ami-") {
            return id(text, "ami").and(good);
        }
        match nearest(text, Family::names()) {
            Some(family) => Err(Malformed::new("no family of this name").help(format!(
                "did you mean \"{family}\"? The families are {}",
                Family::names().join(", ")
            ))),
            None => good,
        }
    }
}

/// A name in printable ASCII without blanks at its ends.
fn printable(text: &str) -> Result<(), Malformed> {
    if text.is_empty() || text.chars().count() > 255 {
        return Err(Malformed::new(format!(
            "{} characters long",
            text.chars().count()
        )));
    }
    if text.trim() != text {
        return Err(
            Malformed::new("it begins or ends with a blank").help(format!("write \"{}\"", text.trim()))
        );
    }
    match text.chars().find(|c| !c.is_ascii() || c.is_ascii_control()) {
        Some(c) => Err(Malformed::new(format!("{c:?} cannot be part of it"))),
        None => Ok(()),
    }
}

impl FromText for KeyPairName {
    const FORM: &'static str = "a name of 1 to 255 ASCII characters";
    const CODE: Code = Code::BadName;

    fn from_text(text: &str) -> Result<Self, Malformed> {
        printable(text).map(|()| Self(text.to_owned()))
    }
}

impl FromText for GroupName {
    const FORM: &'static str = "a security group's name of 1 to 255 characters";
    const CODE: Code = Code::BadName;

    fn from_text(text: &str) -> Result<Self, Malformed> {
        printable(text)?;
        if text.starts_with("sg-") {
            return Err(Malformed::new("\"sg-\" begins the ids of security groups"));
        }
        if text == "default" {
            return Err(Malformed::new(
                "every VPC has a group of this name, which is EC2's own",
            ));
        }
        match text
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !" ._-:/()#,@[]+=&;{}!$*".contains(*c))
        {
            Some(c) => Err(Malformed::new(format!("{c:?} cannot be part of it"))),
            None => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_know_their_region() {
        let region = |text: &str| Zone::from_text(text).map(|z| z.region().to_owned());
        assert_eq!(region("ap-northeast-1a").as_deref(), Ok("ap-northeast-1"));
        assert_eq!(region("us-west-2-lax-1a").as_deref(), Ok("us-west-2"));
        assert_eq!(region("us-gov-west-1b").as_deref(), Ok("us-gov-west-1"));
        for text in [
            "",
            "ap-northeast-1",
            "ap-northeast-1A",
            "ap-northeast-1aa",
            "1a",
            "tokyo",
            "a-b-1a",
            "ap-1-",
        ] {
            assert!(region(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_image_is_an_id_a_family_or_a_name() {
        for text in [
            "ami-0123456789abcdef0",
            "ami-12345678",
            "amazon-linux-2023",
            "al2023-ami-2023.*-x86_64",
            "my golden image",
        ] {
            assert!(Ami::from_text(text).is_ok(), "{text}");
        }
        for text in ["", "ami-xyz", "amazon-linux-2032", "ubuntu-24.4", "ami-123"] {
            assert!(Ami::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_instance_type_has_a_family_and_a_size() {
        assert!(InstanceType::from_text("u-6tb1.112xlarge").is_ok());
        assert_eq!(
            InstanceType::from_text("T2 micro")
                .expect_err("bad")
                .help
                .as_deref(),
            Some("did you mean \"t2.micro\"?")
        );
        assert!(InstanceType::from_text("t2micro").is_err());
    }
}
