//! Trace files and playbooks: from a path, or `-` for standard input.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use super::{error::Error, output};
use crate::investigate::playbook_for_file;
use diagnosis::playbook::{Embedded, Playbook};
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

/// The embedded playbook for KTRDR, another embedded one by its name, or the one in a file.
pub(super) fn playbook(name_or_path: Option<&Path>) -> Result<Playbook, Error> {
    let Some(path) = name_or_path else { return Ok(Playbook::ktrdr()) };
    match path.to_str().and_then(Embedded::parse) {
        Some(Embedded::Ktrdr) => Ok(Playbook::ktrdr()),
        Some(Embedded::Generic) => Ok(Playbook::generic()),
        None => {
            let text = playbook_text(path)?;
            Playbook::with_overlay(&text).map_err(|errors| Error::Playbook { path: path.into(), errors })
        }
    }
}

/// The text of a playbook in a file.
pub(super) fn playbook_text(path: &Path) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

/// The playbook for traces that were read from files: the chosen one; without a choice, that for KTRDR, or that for any
/// system where nothing is about KTRDR, which is said on standard error.
pub(super) fn playbook_for(traces: &[Trace], chosen: Option<&Path>) -> Result<Arc<Playbook>, Error> {
    let playbook = Arc::new(playbook(chosen)?);
    if chosen.is_some() {
        return Ok(playbook);
    }
    let (playbook, notice) = playbook_for_file(traces, &playbook);
    if let Some(notice) = notice {
        output::note(&format!("{notice}; choose another with `--playbook`"));
    }
    Ok(playbook)
}
