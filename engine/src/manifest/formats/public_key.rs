//! Public keys in OpenSSH's one-line form.

use crate::manifest::decode::Malformed;

/// Whether a text is a key rather than the path of its file.
pub fn looks_like_key(text: &str) -> bool {
    text.contains("-----BEGIN")
        || text.split_whitespace().next().is_some_and(|word| {
            word.starts_with("ssh-") && !word.contains('/') || word.starts_with("ecdsa-sha2-")
        }) && text.split_whitespace().nth(1).is_some()
}

/// Checks a key and gives it without its comment, which is not part of the key: a comment
/// edited later is no change. The messages never quote the text, which may be a private key.
pub fn check_public_key(text: &str) -> Result<String, Malformed> {
    if text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File") {
        return Err(Malformed::new("this is a private key")
            .help("name the file of the public key, which ends in .pub; the private key goes to `private_key` under [ssh] and never leaves your machine"));
    }
    if text.contains("BEGIN SSH2 PUBLIC KEY")
        || text.contains("BEGIN PUBLIC KEY")
        || text.contains("BEGIN RSA PUBLIC KEY")
    {
        return Err(Malformed::new("this is a public key, but not in OpenSSH's one-line form")
            .help("convert it: ssh-keygen -i -m PKCS8 -f FILE (RFC4716 instead of PKCS8 for one that says SSH2)"));
    }
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(line) = lines.next() else {
        return Err(Malformed::new("there is no key in it")
            .help("make a pair with: ssh-keygen -t ed25519 -f sandbox"));
    };
    if lines.next().is_some() {
        return Err(Malformed::new("there is more than one line in it")
            .help("keep the one public key that EC2 is to import"));
    }
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let shortest = match kind {
        "ssh-ed25519" => 51,
        // The type, an exponent and 1024 bits.
        "ssh-rsa" => 145,
        "ssh-dss" => return Err(unsupported("a DSA key")),
        _ if kind.starts_with("ecdsa-") => return Err(unsupported("an ECDSA key")),
        _ if kind.starts_with("sk-") => return Err(unsupported("a key of a security token")),
        _ => {
            return Err(Malformed::new("it does not begin with the type of a key")
                .help("a public key is one line such as: ssh-ed25519 AAAAC3Nza… comment"));
        }
    };
    let encoded = words.next().unwrap_or_default();
    let Some(blob) = base64(encoded) else {
        return Err(
            Malformed::new("what follows its type is not base64").help("copy the whole line, unbroken")
        );
    };
    // The blob repeats the type, with its length before it (RFC 4253, section 6.6).
    let length = (kind.len() as u32).to_be_bytes();
    let head_ok = blob.starts_with(&length) && blob[4..].starts_with(kind.as_bytes());
    let size_ok = blob.len() >= shortest && (kind != "ssh-ed25519" || blob.len() == shortest);
    if !head_ok || !size_ok {
        return Err(Malformed::new("the key is not whole").help("copy the whole line, unbroken"));
    }
    Ok(format!("{kind} {encoded}"))
}

fn unsupported(what: &str) -> Malformed {
    Malformed::new(format!("this is {what}, EC2 imports only ED25519 and RSA"))
        .help("make a pair with: ssh-keygen -t ed25519 -f sandbox")
}

/// Decodes standard base64 with padding; `None` if it is anything else.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if digits.is_empty() || !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOQ1vQKcNumpTVDA/sZOEDw+w66/Lruzeb1VABYq44AL";

    #[test]
    fn a_key_is_kept_without_its_comment() {
        assert_eq!(
            check_public_key(&format!("# mine\n{KEY} me@host\n")).as_deref(),
            Ok(KEY)
        );
    }

    #[test]
    fn what_is_not_a_whole_public_key_is_refused() {
        let reason = |text: &str| check_public_key(text).expect_err("bad").reason;
        assert_eq!(
            reason("-----BEGIN OPENSSH PRIVATE KEY-----\nx"),
            "this is a private key"
        );
        assert_eq!(reason(&KEY[..60]), "the key is not whole");
        assert_eq!(reason("ssh-ed25519 AAA$"), "what follows its type is not base64");
        assert_eq!(reason(""), "there is no key in it");
        assert!(reason("ecdsa-sha2-nistp256 AAAA").contains("ECDSA"));
        assert!(reason("hello").contains("type of a key"));
    }

    #[test]
    fn base64_is_decoded_exactly() {
        assert_eq!(base64("aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(base64("aGVsbG8"), None);
        assert_eq!(base64("===="), None);
    }

    #[test]
    fn a_key_is_told_from_a_path() {
        assert!(looks_like_key(KEY));
        assert!(!looks_like_key("ssh-keys/a.pub"));
        assert!(!looks_like_key("~/.ssh/my key.pub"));
    }
}
