//! The names of a type's fields or variants, taken from serde: a derived `Deserialize` passes them to the deserializer.
//! So they are always complete, in the order of the declaration, and spelt as in JSON.

use std::fmt;

use diagnosis::culprits::CulpritKind;
use diagnosis::{
    Confidence, ErrorRole, EvidenceKind, OperationStatus, SectionKind, StepKind, StepStatus, Verdict, WorkerStatus,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Visitor, value::StrDeserializer},
};

/// Keeps the names of the first struct or enum, then stops.
#[derive(Default)]
struct Names(Option<&'static [&'static str]>);

#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl serde::de::Error for Stopped {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for &mut Names {
    type Error = Stopped;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stopped> {
        Err(Stopped)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stopped> {
        self.0 = Some(fields);
        Err(Stopped)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stopped> {
        self.0 = Some(variants);
        Err(Stopped)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The fields of a struct or the variants of an enum.
pub(crate) fn names<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
    let mut names = Names::default();
    assert!(T::deserialize(&mut names).is_err(), "the deserializer has no value");
    names.0.unwrap_or_else(|| panic!("{} is neither a struct nor an enum", std::any::type_name::<T>())).to_vec()
}

/// Checks that the frames, which use `as_str`, and JSON, which uses serde, spell each variant the same way.
fn one_spelling<T: DeserializeOwned>(as_str: impl Fn(T) -> &'static str) {
    for name in names::<T>() {
        let variant = T::deserialize(StrDeserializer::<serde::de::value::Error>::new(name)).ok();
        assert_eq!(variant.map(&as_str), Some(name), "{}::as_str", std::any::type_name::<T>());
    }
}

#[test]
fn frames_and_json_spell_the_words_alike() {
    one_spelling(Verdict::as_str);
    one_spelling(OperationStatus::as_str);
    one_spelling(Confidence::as_str);
    one_spelling(SectionKind::as_str);
    one_spelling(WorkerStatus::as_str);
    one_spelling(EvidenceKind::as_str);
    one_spelling(ErrorRole::as_str);
    one_spelling(CulpritKind::as_str);
    one_spelling(StepKind::as_str);
    one_spelling(StepStatus::as_str);
}

#[test]
fn the_lists_of_all_words_are_complete() {
    assert_eq!(Verdict::ALL.map(Verdict::as_str).as_slice(), names::<Verdict>());
    assert_eq!(OperationStatus::ALL.map(OperationStatus::as_str).as_slice(), names::<OperationStatus>());
    assert_eq!(WorkerStatus::ALL.map(WorkerStatus::as_str).as_slice(), names::<WorkerStatus>());
}
