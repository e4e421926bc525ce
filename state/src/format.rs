//! The file form of a snapshot.
//!
//! ```text
//! {"format":1,"digest":"sha256:…",
//! "lineage":"…","serial":3,…,"resources":[
//! {"address":"instance.manager-0",…},
//! …
//! ]}
//! ```
//! One resource a line, so that it can be read, searched and compared by line. The digest is
//! over every byte after the first line, so that no change of any byte goes unnoticed, and
//! checking it needs no parsing.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::Damage;
use crate::snapshot::{AccountId, Resource, Snapshot};
use crate::version::FORMAT;

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    digest: Digest,
}

#[derive(Deserialize)]
struct Body {
    lineage: String,
    serial: u64,
    previous: Option<Digest>,
    cluster: String,
    provider: String,
    account: Option<AccountId>,
    resources: Vec<Resource>,
}

/// The text of a snapshot and its digest.
pub fn render(snapshot: &Snapshot) -> Result<(String, Digest), serde_json::Error> {
    let mut body = Vec::with_capacity(256 + 640 * snapshot.resources.len());
    // The digest is known last and stands first: its place is filled in afterwards.
    let unknown = Digest::of("");
    write!(body, "{{\"format\":{FORMAT},\"digest\":\"").map_err(serde_json::Error::io)?;
    let place = body.len()..body.len() + unknown.as_str().len();
    body.extend_from_slice(unknown.as_str().as_bytes());
    body.extend_from_slice(b"\",\n");
    let start = body.len();
    body.extend_from_slice(b"\"lineage\":");
    serde_json::to_writer(&mut body, &snapshot.lineage)?;
    body.extend_from_slice(b",\"serial\":");
    serde_json::to_writer(&mut body, &snapshot.serial)?;
    body.extend_from_slice(b",\"previous\":");
    serde_json::to_writer(&mut body, &snapshot.previous)?;
    body.extend_from_slice(b",\"cluster\":");
    serde_json::to_writer(&mut body, &snapshot.cluster)?;
    body.extend_from_slice(b",\"provider\":");
    serde_json::to_writer(&mut body, &snapshot.provider)?;
    body.extend_from_slice(b",\"account\":");
    serde_json::to_writer(&mut body, &snapshot.account)?;
    body.extend_from_slice(b",\"resources\":[");
    for (index, resource) in snapshot.resources.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut body, resource)?;
    }
    body.extend_from_slice(b"\n]}\n");
    let digest = Digest::of(&body[start..]);
    body[place].copy_from_slice(digest.as_str().as_bytes());
    let text = String::from_utf8(body).map_err(serde::ser::Error::custom)?;
    Ok((text, digest))
}

/// As [`parse`], from bytes.
pub(crate) fn parse_bytes(bytes: &[u8]) -> Result<(Snapshot, Digest), Damage> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| Damage::Header(format!("it is not UTF-8: {error}")))?;
    parse(text)
}

/// Reads a snapshot, refusing anything that is not byte for byte what [`render`] wrote.
pub fn parse(text: &str) -> Result<(Snapshot, Digest), Damage> {
    if text.is_empty() {
        return Err(Damage::Empty);
    }
    let (first, rest) = text
        .split_once('\n')
        .ok_or_else(|| Damage::Header("there is only one line".to_owned()))?;
    let opened = first
        .strip_suffix(',')
        .ok_or_else(|| Damage::Header("it does not end in a comma".to_owned()))?;
    let header: Header =
        serde_json::from_str(&format!("{opened}}}")).map_err(|error| Damage::Header(error.to_string()))?;
    if header.format != FORMAT {
        return Err(Damage::Format(header.format));
    }
    if first != format!("{{\"format\":{FORMAT},\"digest\":\"{}\",", header.digest) {
        return Err(Damage::Header("it is not written as Subako writes it".to_owned()));
    }
    let found = Digest::of(rest);
    if found != header.digest {
        return Err(Damage::Digest {
            written: header.digest.to_string(),
            found: found.to_string(),
        });
    }
    let body: Body = serde_json::from_str(text).map_err(|error| Damage::Content(error.to_string()))?;
    let snapshot = Snapshot {
        lineage: body.lineage,
        serial: body.serial,
        previous: body.previous,
        cluster: body.cluster,
        provider: body.provider,
        account: body.account,
        resources: body.resources,
    };
    Ok((snapshot, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Json};

    fn snapshot() -> Snapshot {
        let spec = Json::canonical(&serde_json::json!({"name": "a"})).expect("json");
        let mut snapshot = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
        snapshot.serial = 1;
        for name in ["a", "b"] {
            snapshot.resources.push(Resource {
                address: Address::new("toy", name),
                depends_on: vec![Address::new("toy", "c")],
                deposed: false,
                generation: 0,
                made_with: Default::default(),
                outputs: spec.clone(),
                protect: false,
                spec_sha256: spec.digest(),
                spec: spec.clone(),
            });
        }
        snapshot
    }

    #[test]
    fn what_is_rendered_is_parsed_again() {
        let snapshot = snapshot();
        let (text, digest) = render(&snapshot).expect("renders");
        assert_eq!(parse(&text), Ok((snapshot, digest)));
        assert_eq!(text.lines().count(), 5, "one resource a line:\n{text}");
    }

    #[test]
    fn no_single_changed_byte_and_no_cut_goes_unnoticed() {
        let (text, _) = render(&snapshot()).expect("renders");
        let bytes = text.as_bytes();
        for index in 0..bytes.len() {
            for mask in [1u8, 2, 4, 8, 16, 32, 64, 128] {
                let mut changed = bytes.to_vec();
                changed[index] ^= mask;
                if let Ok(changed) = std::str::from_utf8(&changed) {
                    assert!(
                        parse(changed).is_err(),
                        "byte {index} with {mask} flipped was accepted"
                    );
                }
            }
            assert!(parse(&text[..index]).is_err(), "cut at {index} was accepted");
        }
    }
}
