//! `subako state init`.

use serde_json::{Value, json};
use subako_engine::manifest::{StateBackend, StateBucket};

use crate::error::Result;
use crate::lock;
use crate::project::Project;
use crate::ui::Ui;

/// Takes the lock where the state is to be and gives it back, which shows that reading, writing and
/// conditions work there, and says what else the place needs.
pub fn run(project: &Project, ui: &Ui) -> Result<()> {
    let lock = lock::take(project, "state init", ui)?;
    project.store.probe()?;
    drop(lock);
    let place = project.store.place();
    match &project.manifest.state {
        StateBackend::Local => ui.line(&format!(
            "The state is kept in {place}: it can be written, and is readable by you alone."
        )),
        StateBackend::S3(bucket) => {
            ui.line(&format!(
                "The state is kept in {place}: it can be read, written and listed; of several conditional writes at once exactly one succeeds, and a delete under a wrong condition is refused."
            ))?;
            ui.note("versioning, default encryption and the block of public access of the bucket were not looked at: it should have all three");
            ui.note("the policy that a command needs for it, beside that for EC2:");
            ui.print(&format!("{:#}\n", policy(bucket)))
        }
    }
}

/// The policy that a command needs for the bucket.
fn policy(bucket: &StateBucket) -> Value {
    let arn = format!("arn:aws:s3:::{}", bucket.bucket);
    let below = match &bucket.prefix {
        Some(prefix) => format!("{prefix}/*"),
        None => "*".to_owned(),
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": format!("{arn}/{below}"),
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": arn,
                "Condition": { "StringLike": { "s3:prefix": below } },
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_the_one_that_the_documentation_has() {
        let text = include_str!("../../../../../docs/state.md");
        let (_, after) = text.split_once("```json\n").expect("a policy");
        let (documented, _) = after.split_once("```").expect("its end");
        let documented: Value = serde_json::from_str(documented).expect("JSON");
        let bucket: StateBucket = "s3://acme-subako/clusters".parse().expect("a bucket");
        assert_eq!(policy(&bucket), documented);
    }
}
