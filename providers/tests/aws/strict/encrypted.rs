//! An account that encrypts every volume, whatever a launch asks for.
//!
//! Source: EC2 API reference, EnableEbsEncryptionByDefault.

use super::{Answer, Behaviour, Call};

/// Encryption by default is on.
pub struct Encrypted;

impl Behaviour for Encrypted {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if call.action == "RunInstances" {
            let device = |(key, _): &&(String, String)| {
                key.starts_with("BlockDeviceMapping.") && key.ends_with(".DeviceName")
            };
            let devices = call.parameters.iter().filter(device);
            let keys: Vec<String> = devices
                .map(|(key, _)| key.replace(".DeviceName", ".Ebs.Encrypted"))
                .collect();
            for key in keys {
                call.set(&key, "true");
            }
        }
        None
    }
}
