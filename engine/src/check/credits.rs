//! What instances do once their CPU credits are used up.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::{CpuCredits, is_burstable};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "credits",
        category: Category::Capacity,
        documentation: "Only instances of the T families have CPU credits, and an unlimited one is billed for what it uses beyond its baseline: $0.05 a vCPU and hour on Linux, $0.04 on t4g (Amazon EC2 pricing, \"T2/T3/T4g Unlimited Mode Pricing\").",
    },
    look,
};

/// Credits for a type that has none; the price of what is unlimited.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let pools = checked.manifest.into_iter().flat_map(|manifest| &manifest.pools);
    let found = pools.filter_map(|pool| {
        let credits = pool.cpu_credits?;
        let (name, kind) = (&pool.name, &pool.instance_type);
        let finding = if !is_burstable(kind) {
            let message = format!("pool `{name}`: {kind} has no CPU credits, so cpu_credits says nothing of it");
            Finding::new(checked.refusing(None), &CHECK.about, message)
                .with_remedy("leave cpu_credits out, or choose a type of a T family, for example t3.small")
        } else if credits == CpuCredits::Unlimited && !checked.plan.is_empty() {
            let price = if kind.starts_with("t4g.") { "0.04" } else { "0.05" };
            let message = format!(
                "pool `{name}`: what its instances use beyond their baseline over 24 hours is billed, ${price} a vCPU and hour"
            );
            Finding::new(Severity::Note, &CHECK.about, message)
                .with_remedy("set cpu_credits = \"standard\" for a price that cannot grow")
        } else {
            return None;
        };
        Some(finding.at("pool", name, "cpu_credits"))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use crate::check::Severity;
    use crate::check::testing::{Case, manifest, only};

    fn found(more: &str) -> Vec<crate::check::Finding> {
        Case::of(&manifest(more)).findings("credits")
    }

    #[test]
    fn credits_of_a_type_that_has_none_are_refused_and_unlimited_ones_have_a_price() {
        assert!(found("cpu_credits = \"standard\"\n").is_empty());
        assert!(found("").is_empty());
        let text = only(&found("cpu_credits = \"unlimited\"\n"));
        assert!(text.starts_with("Note") && text.contains("$0.05"), "{text}");
        for credits in ["standard", "unlimited"] {
            let pool = format!(
                "[[pool]]\nname = \"big\"\nrole = \"worker\"\ncount = 1\ninstance_type = \"m5.large\"\ncpu_credits = \"{credits}\"\n"
            );
            let found = found(&pool);
            assert_eq!(found.len(), 1, "{found:#?}");
            assert_eq!(found[0].severity, Severity::Error);
        }
    }
}
