//! The region that the AWS CLI would use, read without asking AWS for anything.

use std::path::PathBuf;

/// The region of the environment or of the profile; `None` if neither says one. A file that cannot
/// be read says none: `new` only proposes it.
pub fn region() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("AWS_REGION")
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| {
            let file = variable("AWS_CONFIG_FILE")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aws/config")))?;
            let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
            region_of(&std::fs::read_to_string(file).ok()?, &profile)
        })
}

/// The region of a profile in the text of `~/.aws/config`: sections `[default]` and
/// `[profile NAME]`, settings `name = value`; indented lines belong to the setting before them.
fn region_of(config: &str, profile: &str) -> Option<String> {
    let mut is_ours = false;
    let mut found = None;
    for line in config.lines() {
        if let Some(section) = line
            .trim_end()
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let section = section.trim();
            let name = section.strip_prefix("profile").map_or(section, str::trim);
            is_ours = name == profile && (name == "default" || section.starts_with("profile"));
        } else if is_ours
            && let Some((key, value)) = line.split_once('=')
            && key.trim_end() == "region"
        {
            found = Some(value.trim().to_owned());
        }
    }
    found.filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_that_of_the_profile() {
        let config = "[default]\nregion = eu-west-1\noutput=json\n[profile shop]\nregion=ap-south-1\ns3 =\n  region = no\n[sso-session shop]\nregion = sa-east-1\n[profile bare]\n";
        let cases = [
            ("default", Some("eu-west-1")),
            ("shop", Some("ap-south-1")),
            ("bare", None),
            ("other", None),
        ];
        for (profile, region) in cases {
            assert_eq!(region_of(config, profile).as_deref(), region, "{profile}");
        }
    }
}
