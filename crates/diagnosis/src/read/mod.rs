//! First stage: what each span says, without asking which operation it belongs to.
//!
//! Instrumentations write the same facts in many ways: old and new attribute names, routes in a URL or in a span's name,
//! errors as events, attributes or a bare status. This stage reads all of them through the playbook, so that later stages
//! ask for a meaning (`Attr::ExceptionType`, `RouteRole::Start`) and never for a spelling.
//!
//! The files build on each other in this order: `prepare` cuts spans after the clock, `vocabulary` finds attributes,
//! `request` and `grpc` read calls, `scan` classifies every span of a trace, `reported` reads the errors of one span.
//!
//! What always holds: every span is classified exactly once, the order in which traces and spans arrive changes nothing,
//! and nothing here knows of more than one span and its relatives in the same trace.

pub(crate) mod class_name;
pub(crate) mod grpc;
pub(crate) mod operation_ids;
pub(crate) mod prepare;
pub(crate) mod reported;
pub(crate) mod request;
pub(crate) mod scan;
pub(crate) mod vocabulary;
