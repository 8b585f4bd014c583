//! Batches: what goes in comes out, and damaged bytes are refused.

use super::*;
use crate::Transaction;

/// Key, value, headers.
type Line<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a [u8])]);

fn draft(records: &[Line<'_>]) -> Draft {
    let mut transaction = Transaction::default();
    for (key, value, headers) in records {
        match value {
            Some(value) => {
                let done: Result<(), ()> = transaction.append(0, None, key.as_bytes(), headers, |buffer| {
                    buffer.extend_from_slice(value.as_bytes());
                    Ok(())
                });
                done.expect("written");
            }
            None => transaction.append_tombstone(0, None, key.as_bytes(), headers),
        }
    }
    let mut draft = Draft::default();
    transaction.records().for_each(|record| draft.push(&record));
    draft
}

fn sample() -> Batch {
    draft(&[
        ("a", Some("one"), &[("name", b"value"), ("", b"")]),
        ("", Some(""), &[]),
        ("gone", None, &[("why", &[0, 255])]),
    ])
    .place(100, Timestamp(7))
}

type Parts = (i64, Vec<u8>, Option<Vec<u8>>, Vec<(String, Vec<u8>)>);

fn parts(batch: &Batch) -> Result<Vec<Parts>, Malformed> {
    let of_entry = |entry: Entry<'_>| {
        let mut headers = Vec::new();
        entry.headers.for_each(&mut |name, value| headers.push((name.to_owned(), value.to_vec())));
        (entry.offset, entry.key.to_vec(), entry.value.map(<[u8]>::to_vec), headers)
    };
    batch.entries().map(|entry| entry.map(of_entry)).collect()
}

#[test]
fn records_come_back_with_the_offsets_of_their_place() {
    let batch = sample();
    let expected: Vec<Parts> = vec![
        (100, b"a".to_vec(), Some(b"one".to_vec()), vec![("name".into(), b"value".to_vec()), ("".into(), Vec::new())]),
        (101, Vec::new(), Some(Vec::new()), Vec::new()),
        (102, b"gone".to_vec(), None, vec![("why".into(), vec![0, 255])]),
    ];
    assert_eq!(parts(&batch).as_ref(), Ok(&expected));
    let read = Batch::read(100, batch.bytes().to_vec()).expect("well-formed");
    assert_eq!((read.base, read.end, read.timestamp), (100, 103, Timestamp(7)));
    assert_eq!(parts(&read), Ok(expected));
}

#[test]
fn the_bytes_are_those_of_the_format() {
    // By hand from the module's description: changing any of this needs another format number.
    let batch = draft(&[("k", Some("vw"), &[("h", b"x")])]).place(5, Timestamp(0x0102));
    let expected: Vec<u8> = [
        &[0x02, 0x01, 0, 0, 0, 0, 0, 0][..], // timestamp
        &[1, 0, 0, 0],                       // span
        &[0, 0, 0, 0],                       // delta
        &[1, 0, 0, 0],                       // key length
        &[2, 0, 0, 0],                       // value length
        &[1, 0],                             // headers
        b"kvw",
        &[1, 0, 1, 0, 0, 0], // name length, value length
        b"hx",
    ]
    .concat();
    assert_eq!(batch.bytes(), expected);
}

#[test]
fn a_batch_keeps_its_span_when_records_are_taken_out() {
    let batch = sample();
    assert!(batch.retain(|_| true).expect("well-formed").is_none(), "nothing to rewrite");
    let rest = batch.retain(|entry| entry.key == b"gone").expect("well-formed").expect("rewritten");
    assert_eq!((rest.base, rest.end, rest.is_empty()), (100, 103, false));
    assert_eq!(parts(&rest).expect("well-formed").iter().map(|part| part.0).collect::<Vec<_>>(), [102]);
    let none = batch.retain(|_| false).expect("well-formed").expect("rewritten");
    assert_eq!((none.base, none.end, none.is_empty()), (100, 103, true));
    assert_eq!(parts(&none), Ok(Vec::new()));
}

#[test]
fn cut_bytes_are_refused_or_end_between_records() {
    let whole = sample();
    let all = parts(&whole).expect("well-formed");
    for length in 0..whole.bytes().len() {
        let Ok(cut) = Batch::read(100, whole.bytes()[..length].to_vec()) else {
            assert!(length < PREFIX_BYTES);
            continue;
        };
        if let Ok(found) = parts(&cut) {
            assert!(found.len() < all.len() && all.starts_with(&found), "cut at {length}");
        }
    }
}

#[test]
fn changed_bytes_never_read_out_of_bounds() {
    let whole = sample();
    for index in 0..whole.bytes().len() {
        for value in 0..=255 {
            let mut bytes = whole.bytes().to_vec();
            bytes[index] = value;
            let Ok(changed) = Batch::read(100, bytes) else { continue };
            // Whatever comes, it comes without a panic, and offsets stay within the batch.
            for entry in parts(&changed).into_iter().flatten() {
                assert!((changed.base..changed.end).contains(&entry.0));
            }
        }
    }
}
