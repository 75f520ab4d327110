//! Reading input more strictly than serde does by itself, and with better complaints.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

/// Takes a JSON object only: a derived struct also takes an array of its members' values.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// An object or null, for a member.
pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|object| object.0))
}

/// One of an enum's words or null, for a member: of another type of value, `serde_json` says that it is no JSON.
pub(crate) fn word<'de, T: for<'w> Deserialize<'w>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let word: Option<String> = Option::deserialize(deserializer)?;
    word.map(|word| T::deserialize(IntoDeserializer::<D::Error>::into_deserializer(word.as_str()))).transpose()
}

/// A value but not null, for a member that may be left out.
pub(crate) fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A value or null, for a member to which absent and null are two things: serde by itself reads null as absent.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) fn null_is_a_value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// [`object`], for a member to which absent and null are two things.
#[expect(clippy::option_option, reason = "absent, null and an object are three things")]
pub(crate) fn null_or_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    object(deserializer).map(Some)
}

/// [`word`], for a member to which absent and null are two things.
#[expect(clippy::option_option, reason = "absent, null and a word are three things")]
pub(crate) fn null_or_word<'de, T: for<'w> Deserialize<'w>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    word(deserializer).map(Some)
}

/// A whole number of 0 or more. In JSON, `20.0` is one too.
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

/// From here on a float leaves numbers out.
const FLOATS_END: f64 = 9_007_199_254_740_992.0;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("u64")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, not negative and small enough"
    )]
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Whole, E> {
        if number.fract() == 0.0 && (0.0..FLOATS_END).contains(&number) {
            Ok(Whole(number as u64))
        } else {
            Err(E::invalid_value(Unexpected::Float(number), &self))
        }
    }
}

/// A whole number or null, for a member to which absent and null are two things.
#[expect(clippy::option_option, reason = "absent, null and a number are three things")]
pub(crate) fn null_or_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    let number: Option<Whole> = Option::deserialize(deserializer)?;
    Ok(Some(number.map(|number| number.0)))
}

/// Whole numbers or null.
pub(crate) fn whole_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u64>>, D::Error> {
    let numbers: Option<Vec<Whole>> = Option::deserialize(deserializer)?;
    Ok(numbers.map(|numbers| numbers.into_iter().map(|number| number.0).collect()))
}
