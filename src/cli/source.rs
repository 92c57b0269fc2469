//! Trace files and playbooks: from a path, or `-` for standard input.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use super::{error::Error, output};
use diagnosis::playbook::Playbook;
use jaeger;
use trace::Trace;

/// The bytes of a file or of standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    bytes.map_err(|source| Error::Read { path: path.into(), source })
}

/// The traces of a file; what was left out of it is said on standard error.
pub(super) fn traces(path: &Path) -> Result<Vec<Trace>, Error> {
    let bytes = read(path)?;
    let decoded = jaeger::decode(&bytes).map_err(|source| Error::NoTraces { path: path.into(), source })?;
    decoded.notices().iter().for_each(|notice| output::note(notice));
    Ok(decoded.traces)
}

/// The embedded playbook, or it with the one in a file laid over it.
pub(super) fn playbook(path: Option<&Path>) -> Result<Playbook, Error> {
    let Some(path) = path else { return Ok(Playbook::ktrdr()) };
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    Playbook::with_overlay(&text).map_err(|errors| Error::Playbook { path: path.into(), errors })
}
