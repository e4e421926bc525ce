//! Other clusters whose state lies beside this one's: one of them may be this one under its
//! former name.

use std::collections::BTreeSet;
use std::path::Path;

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

/// The clusters of one provider whose states are in one directory.
pub struct Siblings(Vec<Sibling>);

impl Siblings {
    /// Those beside the state in `own`, sorted by name; none where that has a state: it is nobody's
    /// successor then. What cannot be read says nothing, and is left to those who ask for it.
    pub fn of(own: &Path, provider: &str) -> Self {
        let mut found = Vec::new();
        let root = own.parent().filter(|_| !own.join("state.json").exists());
        let entries = root.and_then(|root| std::fs::read_dir(root).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let file_name = entry.file_name();
            let Some((name, of)) = file_name.to_str().and_then(|name| name.rsplit_once('.')) else {
                continue;
            };
            if of != provider || !entry.path().join("state.json").exists() {
                continue;
            }
            let Ok(loaded) = Store::in_directory(entry.path()).load() else {
                continue;
            };
            let Some((snapshot, _)) = loaded.snapshot else {
                continue;
            };
            found.push(Sibling {
                name: name.to_owned(),
                resources: snapshot.resources.len(),
                instances: instances(snapshot.resources.iter().map(|resource| &resource.address)),
            });
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Self(found)
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
        if !checked.snapshot.resources.is_empty() || checked.plan.summary.create == 0 {
            return Vec::new();
        }
        let wanted = instances(checked.desired.resources.iter().map(|wanted| &wanted.address));
        let alike = self.0.iter().filter(|sibling| sibling.instances == wanted);
        alike
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

#[cfg(test)]
mod tests {
    use subako_engine::check::Checks;

    use super::ABOUT;

    /// A check that is added takes the place of one with its id.
    #[test]
    fn it_is_added_to_the_other_checks_and_replaces_none() {
        assert!(Checks::default().list().all(|other| other.id != ABOUT.id));
    }
}
