//! Images past their end.

use std::collections::BTreeSet;

use super::built_in::BuiltIn;
use super::place::pool_of;
use super::{About, Category, Checked, Finding, Severity};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "images",
        category: Category::Security,
        documentation: "An image past its end of support gets no security updates (AWS: \"Amazon Linux 2 FAQs\").",
    },
    look,
};

/// Amazon Linux 2 reached its end of support on 2026-06-30 (AWS, "Amazon Linux 2 FAQs").
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let old: BTreeSet<&str> = checked
        .desired
        .resources
        .iter()
        .filter(|wanted| wanted.address.kind() == "instance")
        .filter(|wanted| wanted.spec.as_str().contains("\"ami\":\"amazon-linux-2\""))
        .map(|wanted| pool_of(&wanted.address))
        .collect();
    old.into_iter()
        .map(|pool| {
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!(
                    "pool `{pool}` runs Amazon Linux 2, which has had no security updates since 2026-06-30"
                ),
            )
            .with_remedy("use ami = \"amazon-linux-2023\"")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest};

    #[test]
    fn each_pool_on_an_image_past_its_end_is_named_once() {
        let said = |text: &str| -> Vec<String> {
            let found = Case::of(text).findings("images").into_iter();
            found.map(|finding| finding.message).collect()
        };
        let one = manifest("ami = \"amazon-linux-2\"\n");
        assert_eq!(said(&manifest("")), [""; 0]);
        assert_eq!(
            said(&one),
            ["pool `node` runs Amazon Linux 2, which has had no security updates since 2026-06-30"]
        );
        assert_eq!(said(&one.replace("count = 2", "count = 0")), [""; 0]);
        let both = one.replace("count = 1\n", "count = 1\nami = \"amazon-linux-2\"\n");
        assert_eq!(said(&both).len(), 2);
    }
}
