//! What the tests of this target share.

use std::path::Path;

use ktrdr_diagnosis::host::Host;

/// The executable that Grafana starts.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis"))
}

/// A running plugin.
pub(crate) async fn plugin() -> Host {
    Host::start(binary(), &[]).await.expect("the plugin starts")
}
