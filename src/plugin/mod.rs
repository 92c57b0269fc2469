//! The plugin room: Grafana's services over [`investigate`](crate::investigate) and [`frames`](crate::frames).
//!
//! * [`api`] is what Grafana asks, free of the wire;
//! * [`wire`], [`goplugin`] and `logging` speak Grafana's protocols, and only they know the plugin SDK.

pub mod api;
pub mod goplugin;
mod logging;
pub mod wire;
