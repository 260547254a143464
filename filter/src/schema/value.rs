//! JSON values as spans of checked bytes.

use std::borrow::Cow;

use crate::json::{self, Span};

/// A value in a text that [`json::check`] accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    text: &'a [u8],
    pub(super) span: Span,
}

/// The types of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl<'a> Value<'a> {
    pub(super) fn root(text: &'a [u8]) -> Option<Self> {
        json::locate(text, "").map(|span| Self { text, span })
    }

    pub(super) fn at(text: &'a [u8], span: Span) -> Self {
        Self { text, span }
    }

    /// The value as it is written.
    pub(super) fn raw(&self) -> &'a [u8] {
        self.text.get(self.span.start..self.span.end).unwrap_or_default()
    }

    pub(super) fn kind(&self) -> Type {
        match self.raw().first() {
            Some(b'{') => Type::Object,
            Some(b'[') => Type::Array,
            Some(b'"') => Type::String,
            Some(b't' | b'f') => Type::Boolean,
            Some(b'n') => Type::Null,
            _ => Type::Number,
        }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.raw() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The decoded text of a string.
    pub(super) fn string(&self) -> Option<Cow<'a, str>> {
        (self.kind() == Type::String).then(|| json::decode(self.raw()))
    }

    /// The members of an object, each key as a string value; nothing for other values.
    pub(super) fn members(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        let text = self.text;
        json::members(text, self.span).map(move |it| (Value::at(text, it.key), Value::at(text, it.value)))
    }

    /// The elements of an array; nothing for other values.
    pub(super) fn elements(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let text = self.text;
        json::elements(text, self.span).map(move |it| Value::at(text, it))
    }
}
