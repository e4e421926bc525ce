//! What an instance of a T family does without CPU credits, and changes of it.
//!
//! Source: EC2 API reference, ModifyInstanceCreditSpecification (`InstanceCreditSpecification.N`; the
//! answer names those that were changed).

use super::{Answer, Behaviour, Call};

/// The operation that the API behind does not know.
pub struct Credits;

impl Behaviour for Credits {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.action != "ModifyInstanceCreditSpecification" {
            return None;
        }
        let id = call.get("InstanceCreditSpecification.1.InstanceId")?;
        if call.is_dry() {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Answer::refusal(412, "DryRunOperation", message);
        }
        if !matches!(
            call.get("InstanceCreditSpecification.1.CpuCredits"),
            Some("standard" | "unlimited")
        ) {
            return Answer::refusal(400, "InvalidParameterValue", "CpuCredits");
        }
        Some(Answer::Success(format!(
            "<ModifyInstanceCreditSpecificationResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <successfulInstanceCreditSpecificationSet><item><instanceId>{id}</instanceId></item>\
             </successfulInstanceCreditSpecificationSet></ModifyInstanceCreditSpecificationResponse>"
        )))
    }
}
