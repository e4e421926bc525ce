//! The login user of the image.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding};
use crate::world::Family;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "login-user",
        category: Category::Security,
        documentation: "EC2 puts the key pair into the account of the image's own user alone (EC2 user guide, \"Manage system users on your Linux instance\").",
    },
    look,
};

/// A user that the image of a pool does not have.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let user = manifest.ssh.user.as_str();
    let wrong = manifest.pools.iter().filter(|pool| pool.count > 0);
    let wrong = wrong.filter_map(|pool| {
        let family = Family::named(&pool.ami)?;
        (family.user != user).then_some((pool, family.name, family.user))
    });
    wrong
        .take(1)
        .map(|(pool, family, own)| {
            let message = format!(
                "Subako cannot log in to pool `{}` as {user}: the user of {family} is {own}",
                pool.name
            );
            let remedy = format!(
                "set user = \"{own}\" under [ssh], or leave it out; every pool has to have an image with the same user"
            );
            let finding = Finding::new(checked.refusing(None), &CHECK.about, message).with_remedy(remedy);
            match manifest.lines.in_section("ssh", "user") {
                Some(_) => finding.at("ssh", "", "user"),
                None => finding.at("pool", &pool.name, "ami"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(ami: &str, ssh: &str) -> Vec<crate::check::Finding> {
        let text = manifest(ssh).replace("count = ", &format!("{ami}\ncount = "));
        Case::of(&text).findings("login-user")
    }

    #[test]
    fn the_users_of_the_families_are_right_and_are_the_default() {
        for (ami, user) in [
            ("", "ec2-user"),
            ("ami = \"ubuntu-24.04\"", "ubuntu"),
            ("ami = \"debian-12\"", "admin"),
            ("ami = \"ami-0123456789abcdef0\"", "core"),
        ] {
            assert_eq!(found(ami, &format!("[ssh]\nuser = \"{user}\"\n")), [], "{ami}");
            assert_eq!(found(ami, ""), [], "{ami}");
        }
    }

    #[test]
    fn another_user_is_said_once() {
        assert_eq!(
            only(&found("ami = \"ubuntu-24.04\"", "[ssh]\nuser = \"ec2-user\"\n")),
            "Error 22 ssh user: Subako cannot log in to pool `manager` as ec2-user: the user of ubuntu-24.04 is ubuntu"
        );
        let mixed = manifest("ami = \"debian-12\"\n");
        assert_eq!(
            only(&Case::of(&mixed).findings("login-user")),
            "Error 19 pool node ami: Subako cannot log in to pool `node` as ec2-user: the user of debian-12 is admin"
        );
    }
}
