//! What is published, on a host whose C library is none of ours.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::bench::Lab;
use crate::support::root;

/// Names the folder that `.ci/release` wrote.
const VARIABLE: &str = "SUBAKO_RELEASE";

#[test]
#[ignore = "needs what `.ci/release` builds, in the folder that SUBAKO_RELEASE names"]
fn the_published_program_and_its_image_run_on_a_host() {
    let Some(lab) = Lab::turn("what is published") else {
        return;
    };
    let folder = std::env::var_os(VARIABLE).expect("SUBAKO_RELEASE names what `.ci/release` wrote");
    let folder = PathBuf::from(folder);
    lab.shrink();
    lab.apply().expect(0);

    // The program, out of its archive, with nothing else on the host.
    copy(&lab, &file(&folder, ".tar.gz"), "/root/subako.tar.gz");
    copy(&lab, &root().join("examples/sandbox.toml"), "/root/sandbox.toml");
    copy(&lab, &root().join("examples/sandbox.pub"), "/root/sandbox.pub");
    let script = "cd /root && tar -xzf subako.tar.gz --strip-components 1 && ./subako --version && ./subako apply --sim --yes -f sandbox.toml";
    let said = lab.on("manager-0", script);
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    assert!(said.contains("Done: 22 created"), "{said}");

    // The image, with the manifest mounted.
    copy(&lab, &file(&folder, "-image.tar"), "/root/image.tar");
    let loaded = lab.on("manager-0", "docker load -i /root/image.tar");
    let image = format!("subako:{}", env!("CARGO_PKG_VERSION"));
    assert!(loaded.contains(&image), "{loaded}");
    let run = |arguments: &str| {
        let script = format!(
            "mkdir -p /root/work && cp /root/sandbox.* /root/work/ && docker run --rm -v /root/work:/work {image} {arguments} 2>&1"
        );
        lab.on("manager-0", &script)
    };
    let said = run("apply --sim --yes -f sandbox.toml");
    assert!(said.contains("Done: 22 created"), "{said}");
    let said = run("plan --sim -f sandbox.toml");
    assert!(said.contains("No changes"), "{said}");

    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}

/// The one file of the folder with such a name.
fn file(folder: &Path, ending: &str) -> PathBuf {
    let mut found = fs::read_dir(folder)
        .expect("the folder of the release")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(ending));
    found
        .next()
        .unwrap_or_else(|| panic!("no *{ending} in {}", folder.display()))
}

/// Writes a file to the manager's host.
fn copy(lab: &Lab, from: &Path, to: &str) {
    let status = Command::new(root().join("tests/lab/lab"))
        .args([
            "host",
            "exec",
            &lab.host("manager-0"),
            "--",
            "sh",
            "-c",
            &format!("cat > {to}"),
        ])
        .env("SUBAKO_LAB_DIR", lab.text("/dir"))
        .stdin(File::open(from).expect("the file"))
        .stdout(Stdio::null())
        .status()
        .expect("the lab's command runs");
    assert!(status.success(), "{} could not be copied to {to}", from.display());
}
