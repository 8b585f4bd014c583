//! The head of a request of Kafka's protocol: enough to know who asks for what.
//!
//! Input: a request without its length. Output: its API key and client id. Source: the protocol guide of Apache Kafka,
//! "Request Header v1": api_key int16, api_version int16, correlation_id int32, client_id nullable string.

/// What a request is for, as far as faults are aimed at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Produce,
    AddPartitionsToTxn,
    EndTxn,
    TxnOffsetCommit,
    Other,
}

/// The head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) api: Api,
    pub(crate) client: &'a str,
}

/// Reads the head; `None` where the bytes are no request.
pub(crate) fn head(request: &[u8]) -> Option<Head<'_>> {
    let number = |at: usize| Some(i16::from_be_bytes(request.get(at..at + 2)?.try_into().ok()?));
    let api = match number(0)? {
        0 => Api::Produce,
        24 => Api::AddPartitionsToTxn,
        26 => Api::EndTxn,
        28 => Api::TxnOffsetCommit,
        _ => Api::Other,
    };
    let length = usize::try_from(number(8)?).unwrap_or(0);
    let client = std::str::from_utf8(request.get(10..10 + length)?).ok()?;
    Some(Head { api, client })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_an_end_of_transaction_names_its_client() {
        let mut request = vec![0, 26, 0, 3, 0, 0, 0, 9, 0, 8];
        request.extend_from_slice(b"engine-2");
        request.extend_from_slice(&[0, 1, 2]);
        assert_eq!(head(&request), Some(Head { api: Api::EndTxn, client: "engine-2" }));
    }

    #[test]
    fn a_request_that_ends_early_has_no_head() {
        assert_eq!(head(&[0, 26, 0, 3, 0, 0, 0, 9, 0, 8, b'e']), None);
        assert_eq!(head(&[0]), None);
    }
}
