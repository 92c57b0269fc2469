//! Last stage: the [`Diagnosis`](diagnosis::Diagnosis) that users see, put together from the facts and the findings.
//!
//! `assemble` chooses the deciding rule and fills in the record field by field. `flow`, `errors`, `http` and `workers` make
//! the lists that it carries, whose `rows` are defined in one place. `untimed` removes times that the traces do not have.
//!
//! What always holds: an unknown value is `None` and never invented, a list that is cut says so, and equal facts give an
//! equal record.

pub(crate) mod assemble;
pub(crate) mod diagnosis;
pub(crate) mod errors;
pub(crate) mod flow;
pub(crate) mod http;
pub(crate) mod rows;
pub(crate) mod untimed;
pub(crate) mod workers;
