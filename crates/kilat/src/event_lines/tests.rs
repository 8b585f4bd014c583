//! Line numbers, limits and line ends.

use super::*;

fn lines(text: Vec<u8>) -> Vec<(u64, Option<usize>)> {
    let mut lines = EventLines::new("test".to_owned(), Box::new(std::io::Cursor::new(text)));
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next_line().expect("a cursor never fails") {
        found.push((
            number,
            match line {
                Line::Text(text) => Some(text.len()),
                Line::NotText | Line::TooLong => None,
            },
        ));
    }
    found
}

#[test]
fn blank_lines_are_skipped_and_counted() {
    assert_eq!(lines(b"ab\n\n  \r\nc".to_vec()), [(1, Some(2)), (4, Some(1))]);
}

#[test]
fn a_line_of_the_largest_size_is_kept_and_one_byte_more_is_not() {
    for (size, expected) in
        [(LINE_BYTES_MAX, Some(LINE_BYTES_MAX)), (LINE_BYTES_MAX + 1, None), (3 * LINE_BYTES_MAX, None)]
    {
        let mut text = vec![b'x'; size];
        assert_eq!(lines(text.clone()), [(1, expected)], "{size} bytes at the end");
        text.extend(b"\nnext\n");
        assert_eq!(lines(text), [(1, expected), (2, Some(4))], "{size} bytes before another line");
    }
}
