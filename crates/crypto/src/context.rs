//! What a sealed value belongs to.

/// Binds a sealed value to the one place where it may be opened.
///
/// It is authenticated together with the value and not stored in it: whoever opens a value says where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The tenant that owns the row.
    pub tenant: &'a [u8; 16],
    /// The id of the row that holds the value.
    pub row: &'a [u8; 16],
    /// What the value is for, so that two secrets of one row cannot be exchanged.
    pub purpose: Purpose,
}

/// What a sealed value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The secret with which a connection authenticates to its directory provider.
    ClientSecret,
    /// The private key and certificate with which it does so instead.
    Certificate,
    /// That the connection uses a token of another identity provider: a seal around nothing, which says so.
    FederatedToken,
    /// From where a directory tells a connection's changes.
    Continuation,
    /// The secret with which messages to a webhook are signed.
    WebhookSecret,
}

impl Purpose {
    /// Part of the authenticated data: a text here never changes once values have been sealed with it.
    fn label(self) -> &'static str {
        match self {
            Self::ClientSecret => "client-secret",
            Self::Certificate => "certificate",
            Self::FederatedToken => "federated-token",
            Self::Continuation => "continuation",
            Self::WebhookSecret => "webhook-secret",
        }
    }
}

/// Names this encoding. A change of the fields or of their order needs a new label.
const ENCODING: &[u8] = b"directory sync sealed value context v1";

impl Context<'_> {
    /// The fields in order, each behind its length, so that no two contexts share an encoding.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let fields: [&[u8]; 4] = [ENCODING, self.tenant, self.row, self.purpose.label().as_bytes()];
        let mut encoded = Vec::with_capacity(fields.iter().map(|field| 8 + field.len()).sum());
        for field in fields {
            encoded.extend_from_slice(&(field.len() as u64).to_be_bytes());
            encoded.extend_from_slice(field);
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Purpose};

    /// Stored values depend on every byte of this.
    #[test]
    fn the_encoding_stays_as_it_is() {
        let context = Context { tenant: &[b'T'; 16], row: &[b'R'; 16], purpose: Purpose::ClientSecret };
        let expected = [
            b"\0\0\0\0\0\0\0\x26directory sync sealed value context v1".as_slice(),
            b"\0\0\0\0\0\0\0\x10TTTTTTTTTTTTTTTT",
            b"\0\0\0\0\0\0\0\x10RRRRRRRRRRRRRRRR",
            b"\0\0\0\0\0\0\0\x0dclient-secret",
        ]
        .concat();
        assert_eq!(context.encode(), expected);
    }
}
