//! Base64 (RFC 4648) as the Engine API and the Docker client write bytes.

use ::base64::Engine as _;
use ::base64::alphabet;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE};
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Other clients than Docker's own leave out the padding, or bits of the last digit.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Bytes in base64.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes in the alphabet for URLs, as the Engine API takes logins.
pub(super) fn encode_for_url(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// The bytes of a base64 text; `None` if it is none.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).expect("base64"), bytes.as_bytes());
        }
        assert_eq!(encode_for_url(&[0xfb, 0xff, 0xfe]), "-__-");
        assert_eq!((decode("Z"), decode("Z*==")), (None, None));
        assert_eq!(encode(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
