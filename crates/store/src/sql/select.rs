//! From a filter to the rows that it selects.
//!
//! An operation belongs to a range when its window overlaps it. An index on the begin of windows does not say how far before
//! the range to look, so every row has a class by the length of its window: within a class, only as much before the range
//! as its longest window is looked at. The selection is the union over all classes.

use trace::{Micros, Time};

use super::{
    operation_row::{LENGTH_CLASSES, NEVER, source_param},
    statement::{Param, Statement},
    text::{escape, item, tag},
};
use crate::{OperationFilter, Order, SourceId, States};

/// A selection of operations under construction.
#[derive(Debug)]
pub(super) struct Selection {
    params: Vec<Param>,
    /// For each class its range of begins.
    begins: Vec<String>,
    conditions: Vec<String>,
}

impl Selection {
    pub(super) fn new(source: &SourceId, filter: &OperationFilter) -> Self {
        let mut selection = Self { params: vec![source_param(source)], begins: Vec::new(), conditions: Vec::new() };
        let (from, to) = (filter.range.from, filter.range.to.min(Time(NEVER - 1)));
        let until = selection.param(to.0);
        for (class, longest) in LENGTH_CLASSES.iter().enumerate() {
            let since = selection.param((from - *longest).0);
            selection.begins.push(format!("length_class = {class} AND begin_us >= {since} AND begin_us <= {until}"));
        }
        selection.begins.push(format!("length_class = {} AND begin_us <= {until}", LENGTH_CLASSES.len()));
        let from_param = selection.param(from.0);
        selection.conditions.push(format!("end_us >= {from_param}"));
        if filter.clock < from {
            // Windows without an end reach to the clock, so none of them reaches the range.
            let never = selection.param(NEVER);
            selection.conditions.push(format!("end_us < {never}"));
        }
        selection.filters(filter);
        selection
    }

    /// Adds a parameter; the text that stands for it.
    pub(super) fn param(&mut self, param: impl Into<Param>) -> String {
        self.params.push(param.into());
        format!("${}", self.params.len())
    }

    fn filters(&mut self, filter: &OperationFilter) {
        match filter.states {
            States::All => {}
            States::Closed => self.conditions.push("closed = 1".to_owned()),
            States::Open => self.conditions.push("closed = 0".to_owned()),
        }
        let wanted = &filter.filters;
        self.any_of("operation_type", wanted.types.iter().map(|text| escape(text).into_owned()));
        self.any_of("status", wanted.statuses.iter().map(|status| status.as_str().to_owned()));
        self.any_of("verdict", wanted.verdicts.iter().map(|verdict| verdict.as_str().to_owned()));
        self.any_of("error_type", wanted.error_types.iter().map(|text| escape(text).into_owned()));
        if !wanted.services.is_empty() {
            let services = wanted.services.iter().map(|service| item(&escape(service)));
            let any: Vec<String> = services.map(|service| self.list_contains("services", service)).collect();
            self.conditions.push(format!("({})", any.join(" OR ")));
        }
        for (key, value) in &wanted.tags {
            let condition = self.list_contains("tags", item(&tag(key, value)));
            self.conditions.push(condition);
        }
        let mut duration = |compare: &str, limit: Option<Micros>| {
            if let Some(limit) = limit {
                let limit = self.param(limit.0);
                self.conditions.push(format!("duration_us {compare} {limit}"));
            }
        };
        duration(">=", wanted.min_duration);
        duration("<=", wanted.max_duration);
    }

    fn any_of(&mut self, column: &str, values: impl Iterator<Item = String>) {
        let values: Vec<String> = values.map(|value| self.param(value)).collect();
        if !values.is_empty() {
            self.conditions.push(format!("{column} IN ({})", values.join(", ")));
        }
    }

    /// Both databases have this function, unlike those that find a text.
    fn list_contains(&mut self, column: &str, item: String) -> String {
        let item = self.param(item);
        format!("replace({column}, {item}, '') <> {column}")
    }

    /// The selected rows with these columns, as the table `o`.
    pub(super) fn from(&self, columns: &str) -> String {
        let conditions = self.conditions.join(" AND ");
        let class = |begins: &String| {
            format!("SELECT {columns} FROM history_operation WHERE source = $1 AND {begins} AND {conditions}")
        };
        format!("FROM ({}) o", self.begins.iter().map(class).collect::<Vec<_>>().join(" UNION ALL "))
    }

    pub(super) fn statement(self, sql: String) -> Statement {
        Statement::new(sql, self.params)
    }
}

/// The columns that [`order_by`] needs.
pub(super) const ORDER_COLUMNS: &str = "source, operation_key, start_us, operation_id, trace_id, severity, duration_us";

/// [`Order::compare`] as SQL over the table `o`.
pub(super) fn order_by(order: Order) -> &'static str {
    match order {
        Order::Newest => "ORDER BY o.start_us DESC, o.operation_id, o.trace_id",
        Order::Worst => "ORDER BY o.severity DESC, o.start_us DESC, o.operation_id, o.trace_id",
        Order::Longest => "ORDER BY o.duration_us DESC NULLS LAST, o.start_us DESC, o.operation_id, o.trace_id",
    }
}
