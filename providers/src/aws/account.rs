//! The account behind the credentials.

use subako_world::{Account, Failure, Result};

use super::call::Api;
use super::operations::Op;

/// Who is calling.
pub(super) async fn account(api: &Api, region: &str) -> Result<Account> {
    let doing = "find out the AWS account";
    let answer = api
        .call(Op::GetCallerIdentity, doing, || {
            api.sts.get_caller_identity().send()
        })
        .await?;
    match answer.account() {
        Some(id) => Ok(Account {
            id: id.to_owned(),
            region: region.to_owned(),
        }),
        None => Err(Failure::not_applied(doing, "the answer names no account")),
    }
}
