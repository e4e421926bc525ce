//! What a key of a service can be asked, and the macro that declares them.

use serde_json::{Map, Value};

use super::Ids;

/// The unit of a number, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Billionths of a second.
    Nanoseconds,
    /// Bytes.
    Bytes,
    /// 2³⁰ bytes.
    Gibibytes,
    /// Billionths of a CPU.
    NanoCpus,
    /// Parts per million of a whole.
    PartsPerMillion,
}

/// A key of the table, for those who walk all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name in specs.
    pub name: &'static str,
    /// Where it stands in the Engine API's JSON, below the record that has it.
    pub at: &'static [&'static str],
    /// The unit of its number, if it is one and has any.
    pub unit: Option<Unit>,
    /// The keys of its value, if that is a record.
    pub nested: Vec<Key>,
}

/// How one key behaves. Everything that is done with all keys of a service is a method here, so
/// that a key which is declared once is forgotten nowhere.
pub(super) trait Style {
    /// What it holds.
    type Value: Clone + PartialEq;

    /// The unit of its number.
    fn unit(&self) -> Option<Unit> {
        None
    }

    /// The keys of its value.
    fn nested(&self) -> Vec<Key> {
        Vec::new()
    }

    /// What it holds where nobody said anything.
    fn absent(&self) -> Self::Value;

    /// The value, unless it is Swarm's default; lists in the order in which specs have them.
    fn without_default(&self, value: Self::Value) -> Self::Value {
        value
    }

    /// The one value that stands for all that mean the same.
    fn canonical(&self, value: Self::Value) -> Self::Value {
        self.without_default(value)
    }

    /// Writes the value as `other` does, as far as they mean the same.
    fn align(&self, value: &mut Self::Value, other: &Self::Value) {
        if self.canonical(value.clone()) == self.canonical(other.clone()) {
            value.clone_from(other);
        }
    }

    /// What either speaks of, in the words of the first.
    fn either(&self, first: Self::Value, second: Self::Value) -> Self::Value {
        let _ = second;
        first
    }

    /// Makes what was read comparable: takes out what `spoken` leaves to the engine, and fills in
    /// Swarm's default for what it spells out.
    fn mask(&self, spoken: &Self::Value, live: &mut Self::Value) {
        let _ = (spoken, live);
    }

    /// Leaves the value as `live` has it where it means the same as `from`: what a change does not
    /// speak of stays as it is.
    fn keep(&self, value: &mut Self::Value, from: &Self::Value, live: &Self::Value) {
        if self.canonical(value.clone()) == self.canonical(from.clone()) {
            value.clone_from(live);
        }
    }

    /// Reads it from what stands at its place in the Engine API's JSON. The error is what was
    /// expected, to fit "expected {}".
    fn read(&self, found: Option<&Value>, ids: &Ids) -> Result<Self::Value, String>;

    /// What is to stand at its place, made of what is there; `None` for nothing.
    fn write(&self, found: Option<&Value>, value: &Self::Value, ids: &Ids) -> Option<Value>;

    /// Whether what stands there means the same already. It is left alone then: in another
    /// spelling the engine would take it for another task, and restart all of them.
    fn is_there(&self, found: Option<&Value>, value: &Self::Value, ids: &Ids) -> bool {
        self.read(found, ids)
            .is_ok_and(|read| self.canonical(read) == self.canonical(value.clone()))
    }
}

/// A set of keys.
pub(super) trait Record: Clone + PartialEq {
    /// Its keys.
    fn keys() -> Vec<Key>;
    /// One that says nothing.
    fn absent() -> Self;
    /// See [`Style::without_default`].
    fn without_defaults(self) -> Self;
    /// See [`Style::canonical`].
    fn canonical(self) -> Self;
    /// See [`Style::align`].
    fn align(&mut self, other: &Self);
    /// See [`Style::either`].
    fn either(self, second: Self) -> Self;
    /// See [`Style::mask`].
    fn mask(&mut self, spoken: &Self);
    /// See [`Style::keep`].
    fn keep(&mut self, from: &Self, live: &Self);
    /// See [`Style::read`].
    fn read(object: &Map<String, Value>, ids: &Ids) -> Result<Self, String>;
    /// Writes every key to its place, but for those that are there already. In a `fresh` object
    /// all are written.
    fn write(&self, object: &mut Map<String, Value>, ids: &Ids, fresh: bool);
}

/// What stands at a place.
pub(super) fn at<'a>(object: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = object.get(*first).filter(|value| !value.is_null())?;
    match rest {
        [] => Some(value),
        rest => at(value.as_object()?, rest),
    }
}

/// Puts something at a place, or takes it away; an object that ends up empty goes too.
pub(super) fn put(object: &mut Map<String, Value>, path: &[&str], value: Option<Value>) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let value = match rest {
        [] => value,
        rest => {
            let mut inner = match object.remove(*first) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            put(&mut inner, rest, value);
            (!inner.is_empty()).then_some(Value::Object(inner))
        }
    };
    match value {
        Some(value) => object.insert((*first).to_owned(), value),
        None => object.remove(*first),
    };
}

/// Declares a record: a struct, and everything that is done with all of its keys.
///
/// ```text
/// record! {
///     /// What it is.
///     #[derive(…)]
///     pub struct Name {
///         /// What the key is.
///         key: Type = style, at ["Place", "InTheEngineApi"];
///     }
/// }
/// ```
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$attr:meta])* $key:ident: $type:ty = $style:expr, at [$($at:literal),+];)+
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$attr])* pub $key: $type,)+
        }

        impl $crate::service::key::Record for $name {
            fn keys() -> Vec<$crate::service::Key> {
                vec![$($crate::service::Key {
                    name: stringify!($key),
                    at: &[$($at),+],
                    unit: $style.unit(),
                    nested: $style.nested(),
                }),+]
            }

            fn absent() -> Self {
                Self { $($key: $style.absent()),+ }
            }

            fn without_defaults(self) -> Self {
                Self { $($key: $style.without_default(self.$key)),+ }
            }

            fn canonical(self) -> Self {
                Self { $($key: $style.canonical(self.$key)),+ }
            }

            fn align(&mut self, other: &Self) {
                $($style.align(&mut self.$key, &other.$key);)+
            }

            fn either(self, second: Self) -> Self {
                Self { $($key: $style.either(self.$key, second.$key)),+ }
            }

            fn mask(&mut self, spoken: &Self) {
                $($style.mask(&spoken.$key, &mut self.$key);)+
            }

            fn keep(&mut self, from: &Self, live: &Self) {
                $($style.keep(&mut self.$key, &from.$key, &live.$key);)+
            }

            fn read(
                object: &serde_json::Map<String, serde_json::Value>,
                ids: &$crate::service::Ids,
            ) -> Result<Self, String> {
                Ok(Self { $($key: $style.read($crate::service::key::at(object, &[$($at),+]), ids)?),+ })
            }

            fn write(
                &self,
                object: &mut serde_json::Map<String, serde_json::Value>,
                ids: &$crate::service::Ids,
                fresh: bool,
            ) {
                $({
                    let found = $crate::service::key::at(object, &[$($at),+]);
                    if fresh || !$style.is_there(found, &self.$key, ids) {
                        let written = $style.write(found, &self.$key, ids);
                        $crate::service::key::put(object, &[$($at),+], written);
                    }
                })+
            }
        }
    };
}
pub(super) use record;
