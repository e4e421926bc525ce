//! What the engine sends as a stream of bytes: the output of programs.

/// What precedes each part of the output of a program without a terminal: which stream it is of, three
/// zeros, and its length (Docker Engine API, "ContainerAttach", "Stream format").
const HEADER: usize = 8;

/// The text of a stream, parts of both outputs in the order in which they came. That of a program with a
/// terminal has no headers.
pub(super) fn text(body: &[u8]) -> String {
    let mut text = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((header, after)) = rest.split_first_chunk::<HEADER>() {
        let [0..=2, 0, 0, 0, length @ ..] = *header else {
            break;
        };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let (part, next) = after.split_at(length.min(after.len()));
        text.extend_from_slice(part);
        rest = next;
    }
    text.extend_from_slice(rest);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn parts_of_both_outputs_are_put_together() {
        let mut body = vec![1, 0, 0, 0, 0, 0, 0, 4];
        body.extend(b"one\n");
        body.extend([2, 0, 0, 0, 0, 0, 0, 4]);
        body.extend(b"two\n");
        assert_eq!(text(&body), "one\ntwo\n");
        // Cut short.
        assert_eq!(text(&body[..14]), "one\n\u{2}\0");
        assert_eq!(text(&body[..22]), "one\ntw");
    }

    #[test]
    fn a_terminals_output_is_as_it_is() {
        assert_eq!(text(b"plain text\r\n"), "plain text\r\n");
        assert_eq!(text(b""), "");
    }
}
