//! Signed tokens (HS256), for sessions and for scroll positions.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

const KEY: &[u8] = b"the sandbox signs with this and nothing else does";

pub(crate) fn sign(claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let encoded = [&header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = encoded.join(".");
    let signature = BASE64_URL_SAFE_NO_PAD.encode(mac(&signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// The claims of a token that this sandbox signed, or the error in the real library's words.
pub(crate) fn verify(token: &str) -> Result<Value, String> {
    let (signed, signature) = token.rsplit_once('.').ok_or("Not enough segments")?;
    let (header, claims) = signed.split_once('.').ok_or("Not enough segments")?;
    object(header, "header")?;
    let claims = object(claims, "payload")?;
    let signature = decode(signature).ok_or("Invalid crypto padding")?;
    mac(signed).verify_slice(&signature).map_err(|_| "Signature verification failed")?;
    Ok(claims)
}

fn mac(signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn object(part: &str, what: &str) -> Result<Value, String> {
    let bytes = decode(part).ok_or_else(|| format!("Invalid {what} padding"))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("Invalid {what} string: {}", utf8_reason(error.as_bytes(), error.utf8_error())))?;
    serde_json::from_str(&text).map_err(|_| format!("Invalid {what} string: Expecting value: line 1 column 1 (char 0)"))
}

/// Python has another message for the same failure.
fn utf8_reason(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let position = error.valid_up_to();
    let byte = bytes.get(position).copied().unwrap_or_default();
    let why = match (error.error_len(), byte) {
        (None, _) => "unexpected end of data",
        (_, 0x80..=0xc1 | 0xf5..) => "invalid start byte",
        _ => "invalid continuation byte",
    };
    format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {position}: {why}")
}

#[cfg(test)]
mod tests {
    use super::{sign, verify};
    use serde_json::json;

    #[test]
    fn signed_tokens_are_read_back_and_tampered_ones_refused() {
        let claims = json!({"exp": 1});
        let token = sign(&claims);
        assert_eq!(verify(&token), Ok(claims));
        let tampered = format!("{}AAA", token.split_at(token.len() - 3).0);
        assert_eq!(verify(&tampered), Err("Signature verification failed".to_owned()));
        assert_eq!(verify("abc"), Err("Not enough segments".to_owned()));
        assert_eq!(
            verify("abc.def.ghi"),
            Err("Invalid header string: 'utf-8' codec can't decode byte 0xb7 in position 1: invalid start byte"
                .to_owned())
        );
    }
}
