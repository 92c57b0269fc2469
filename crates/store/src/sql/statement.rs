//! Statements, their parameters, and the rows that they give.

use std::borrow::Cow;

use crate::{Error, Result};

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param {
    Int(Option<i64>),
    Float(Option<f64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

impl From<i64> for Param {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Param {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Option<f64>> for Param {
    fn from(value: Option<f64>) -> Self {
        Self::Float(value)
    }
}

impl From<String> for Param {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Param {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Param {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

/// A statement with its parameters `$1`, `$2` …
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<Param>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, params: impl Into<Vec<Param>>) -> Self {
        Self { sql: sql.into(), params: params.into() }
    }
}

/// A value that a database gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row that a database gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Cell>);

/// Takes the values of a row in the order of its columns.
#[derive(Debug)]
pub(crate) struct Columns<'p> {
    place: &'p str,
    cells: std::vec::IntoIter<Cell>,
}

impl Row {
    pub(crate) fn columns(self, place: &str) -> Columns<'_> {
        Columns { place, cells: self.0.into_iter() }
    }
}

impl Columns<'_> {
    fn damaged<T>(&self, what: &str) -> Result<T> {
        Err(Error::corrupt(self.place, "a row", &format_args!("it lacks {what}")))
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        match self.cells.next() {
            Some(Cell::Int(value)) => Ok(value),
            _ => self.damaged("a whole number"),
        }
    }

    pub(crate) fn opt_float(&mut self) -> Result<Option<f64>> {
        match self.cells.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Float(value)) => Ok(Some(value)),
            Some(Cell::Int(value)) => Ok(Some(value as f64)),
            _ => self.damaged("a number"),
        }
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>> {
        match self.cells.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(value)) => Ok(Some(value)),
            _ => self.damaged("a text"),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        match self.opt_text()? {
            Some(text) => Ok(text),
            None => self.damaged("a text"),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        match self.cells.next() {
            Some(Cell::Bytes(value)) => Ok(value),
            _ => self.damaged("bytes"),
        }
    }
}
