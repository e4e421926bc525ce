//! References to images with and without the digest that a registry gave.

/// The registry of references that name none.
const HUB: &str = "docker.io";

/// Whether a reference names one image for good.
pub fn is_pinned(image: &str) -> bool {
    image.contains('@')
}

/// The reference with its tag, as Docker fills it in: `nginx` is `nginx:latest`.
pub fn with_tag(image: &str) -> String {
    // A colon before the last slash belongs to the registry's port.
    let name = image.rsplit('/').next().unwrap_or(image);
    if is_pinned(image) || name.contains(':') {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

/// The reference, pinned to a digest: `nginx:latest@sha256:…`, as `docker service create` has it.
pub fn pinned(image: &str, digest: &str) -> String {
    format!("{}@{digest}", with_tag(image))
}

/// The name and tag alone, and the digest if there is one.
pub fn split_digest(image: &str) -> (&str, Option<&str>) {
    match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    }
}

/// The whole reference, with everything that Docker fills in: `nginx` is
/// `docker.io/library/nginx:latest`, and so is `index.docker.io/nginx` (distribution/reference,
/// `ParseNormalizedNamed`).
pub fn canonical(image: &str) -> String {
    let (name, digest) = split_digest(image);
    let name = match digest {
        Some(_) => name.to_owned(),
        None => with_tag(name),
    };
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => (HUB, name.as_str()),
    };
    let registry = if registry == "index.docker.io" {
        HUB
    } else {
        registry
    };
    let official = if registry == HUB && !path.contains('/') {
        "library/"
    } else {
        ""
    };
    let at = digest.map_or_else(String::new, |digest| format!("@{digest}"));
    format!("{registry}/{official}{path}{at}")
}

/// What is there, in the words of who wants it: where those have no digest, neither has this.
pub fn as_wanted(wanted: &str, live: &str) -> String {
    let (name, _) = split_digest(live);
    if is_pinned(wanted) {
        live.to_owned()
    } else if canonical(wanted) == canonical(name) {
        wanted.to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_not_written_is_latest() {
        assert_eq!(pinned("nginx", "sha256:a"), "nginx:latest@sha256:a");
        assert_eq!(pinned("r:5000/a/b", "sha256:a"), "r:5000/a/b:latest@sha256:a");
        assert_eq!(pinned("r:5000/a/b:1", "sha256:a"), "r:5000/a/b:1@sha256:a");
    }

    #[test]
    fn a_digest_counts_only_for_those_who_want_one() {
        assert_eq!(as_wanted("nginx", "nginx:latest@sha256:a"), "nginx");
        assert_eq!(as_wanted("nginx:1", "nginx:1@sha256:a"), "nginx:1");
        assert_eq!(as_wanted("nginx:1", "nginx:2@sha256:a"), "nginx:2");
        assert_eq!(
            as_wanted("docker.io/library/nginx", "nginx:latest@sha256:a"),
            "docker.io/library/nginx"
        );
        assert_eq!(as_wanted("nginx@sha256:b", "nginx@sha256:a"), "nginx@sha256:a");
        assert_eq!(as_wanted("nginx@sha256:b", "nginx:1"), "nginx:1");
    }

    #[test]
    fn what_docker_fills_in_is_filled_in() {
        for (image, whole) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1", "docker.io/library/nginx:1"),
            ("library/nginx", "docker.io/library/nginx:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
            ("a/b", "docker.io/a/b:latest"),
            ("localhost/a", "localhost/a:latest"),
            ("r:5000/a", "r:5000/a:latest"),
            ("r.example.com/a/b:1", "r.example.com/a/b:1"),
            ("nginx@sha256:a", "docker.io/library/nginx@sha256:a"),
            ("nginx:1@sha256:a", "docker.io/library/nginx:1@sha256:a"),
        ] {
            assert_eq!(canonical(image), whole);
            assert_eq!(canonical(whole), whole);
        }
    }
}
