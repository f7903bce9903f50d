//! Structs that are lists in JSON: reports have always shown them as `[a, b]`, and Rust names their fields.

/// Serializes the fields of a struct as a list.
macro_rules! as_list {
    ($type:ty: $($field:ident),+) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ($(&self.$field),+).serialize(serializer)
            }
        }
    };
}

pub(crate) use as_list;
