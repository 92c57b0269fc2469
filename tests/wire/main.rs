//! The real executable, started and asked as Grafana does it.

mod life;
mod stand;
