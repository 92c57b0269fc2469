//! Texts and encodings that are not quite JSON.

use std::io::Write as _;

use serde_json::json;

use crate::command::{answer, critical_path, read, sections, span};

/// trigger.dev#2594, serde-rs/json#495.
#[test]
fn a_lone_surrogate_costs_one_character() {
    let paths = critical_path(&read("12-lone-surrogate.json")).json();
    assert_eq!(sections(&paths), [(1, 0, 1000)]);
    let text = String::from_utf8(read("12-lone-surrogate.json")).unwrap();
    for odd in ["\\udc00", "\\ud83d\\ud83d", "\\uDFFF!", "\\ud83dx"] {
        for place in [text.replace("\\ud83d", odd), text.replace("\"op\"", &format!("\"op {odd}\""))] {
            assert_eq!(sections(&critical_path(place.as_bytes()).json()), [(1, 0, 1000)], "{odd}");
        }
    }
}

#[test]
fn control_characters_python_s_nan_and_wrong_bytes_cost_nothing_else() {
    let text = String::from_utf8(answer(&[span(
        1,
        0,
        0,
        1000,
        json!({"tags": [
        {"key": "m", "type": "string", "value": "TEXT"}, {"key": "n", "type": "float64", "value": "NUMBER"}]}),
    )]))
    .unwrap();
    for file in [
        text.replace("TEXT", "a\u{0}b").into_bytes(),
        text.replace("TEXT", "a\nb\tc").into_bytes(),
        text.replace("\"NUMBER\"", "NaN").into_bytes(),
        text.replace("\"NUMBER\"", "-Infinity").into_bytes(),
        text.replace("TEXT", "\u{1}").bytes().map(|byte| if byte == 1 { 0xff } else { byte }).collect(),
    ] {
        assert_eq!(sections(&critical_path(&file).json()), [(1, 0, 1000)], "{}", String::from_utf8_lossy(&file));
    }
}

#[test]
fn files_come_in_other_encodings_and_compressed() {
    let text = String::from_utf8(answer(&[span(1, 0, 0, 1000, json!({"operationName": "größe 😀"}))])).unwrap();
    let utf16 = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        mark.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    for file in [
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        utf16(b"\xff\xfe", u16::to_le_bytes),
        utf16(b"\xfe\xff", u16::to_be_bytes),
        utf16(b"", u16::to_le_bytes),
        [text.as_bytes(), &[0; 100]].concat(),
        gzip.finish().unwrap(),
    ] {
        assert_eq!(sections(&critical_path(&file).json()), [(1, 0, 1000)]);
    }
    for (file, tool) in [(&b"PK\x03\x04...."[..], "unzip"), (b"\x28\xb5\x2f\xfd....", "unzstd")] {
        assert!(critical_path(file).refusal().contains(tool));
    }
}
