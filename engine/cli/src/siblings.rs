//! Other clusters whose state lies beside this one's: one of them may be this one under its
//! former name.

use std::collections::BTreeSet;

use subako_engine::check::{About, Category, Check, Checked, Finding, Severity};
use subako_state::{Address, Store};

static ABOUT: About = About {
    id: "renamed-cluster",
    category: Category::State,
    documentation: "A cluster goes by its name: its state, its tags and its names in EC2.",
};

/// A cluster that has a state of its own.
struct Sibling {
    name: String,
    resources: usize,
    instances: BTreeSet<String>,
}

/// The clusters whose states are kept beside one cluster's. They are read when a plan is about to
/// create that cluster.
pub struct Siblings {
    /// Where the cluster's own state is kept.
    store: Store,
    /// `aws` or `sim`: another provider's clusters are no former selves.
    provider: &'static str,
}

impl Siblings {
    /// Those beside `store`.
    pub fn of(store: Store, provider: &'static str) -> Self {
        Self { store, provider }
    }

    /// All of them, sorted by name. What cannot be read says nothing, and is left to those who ask
    /// for it.
    fn read(&self) -> Vec<Sibling> {
        let stores = self.store.beside().unwrap_or_default();
        let states = stores.iter().filter_map(|store| store.load().ok()?.snapshot);
        let mut found: Vec<Sibling> = states
            .map(|(snapshot, _)| snapshot)
            .filter(|snapshot| snapshot.provider == self.provider)
            .map(|snapshot| Sibling {
                resources: snapshot.resources.len(),
                instances: instances(snapshot.resources.iter().map(|resource| &resource.address)),
                name: snapshot.cluster,
            })
            .collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }
}

fn instances<'a>(addresses: impl Iterator<Item = &'a Address>) -> BTreeSet<String> {
    let instances = addresses.filter(|address| address.kind() == "instance");
    instances.map(|address| address.name().to_owned()).collect()
}

impl Check for Siblings {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn look(&self, checked: &Checked<'_>) -> Vec<Finding> {
        // A cluster that has a state succeeds no other.
        if checked.snapshot.serial > 0 || checked.plan.summary.create == 0 {
            return Vec::new();
        }
        let wanted = instances(checked.desired.resources.iter().map(|wanted| &wanted.address));
        let siblings = self.read().into_iter();
        siblings
            .filter(|sibling| sibling.instances == wanted)
            .map(|sibling| {
                let message = format!(
                    "cluster `{}` has the same instances ({} resources), and stays as it is: this plan creates a second \
                     cluster beside it",
                    sibling.name, sibling.resources
                );
                let remedy = format!(
                    "if this is to be `{0}` under another name, keep it: write name = \"{0}\" again",
                    sibling.name
                );
                Finding::new(Severity::Warning, &ABOUT, message)
                    .with_remedy(remedy)
                    .at("cluster", "", "name")
            })
            .collect()
    }
}
