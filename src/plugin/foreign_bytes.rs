//! Properties: anything that a user types into a query is parsed, or refused with a message.

use proptest::prelude::*;

use super::{logfmt, query_model::QueryModel};

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn tags_that_were_written_are_read_back(pairs in prop::collection::vec(("[a-z.@:_-]{1,12}", ".{0,20}"), 0..6)) {
        let text: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", quoted(value))).collect();
        prop_assert_eq!(logfmt::parse(&text.join(" ")), Ok(pairs));
    }

    #[test]
    fn any_text_is_tags_or_a_message(text in ".{0,60}") {
        if let Err(error) = logfmt::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_bytes_are_a_query_or_a_message(bytes in any::<Vec<u8>>(), kind in "[a-z]{0,10}") {
        if let Err(failure) = QueryModel::parse(&bytes, &kind) {
            prop_assert_eq!(failure.status, 400);
        }
    }
}
