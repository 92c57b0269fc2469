//! Names of error classes as languages write them.

use crate::playbook::Playbook;

/// How the names of classes end that errors have.
const ENDINGS: [&str; 10] =
    ["Error", "Exception", "Timeout", "Exit", "Interrupt", "Fault", "Failure", "Warning", "Group", "Iteration"];

/// The class itself, without module, outer class or type arguments, as in `httpx.ConnectError`, `a.B$CException`,
/// `*net.OpError` or `f.<locals>.GError`.
pub(crate) fn short_class(class: &str) -> &str {
    let class = class.rsplit("<locals>.").next().unwrap_or(class).trim();
    let class = class.split(['`', '<', '[', '(', ' ']).next().unwrap_or(class);
    class.rsplit(['.', ':', '$', '+', '/', '\\', '*', '&']).find(|part| !part.is_empty()).unwrap_or(class)
}

/// A status text such as `ConnectError: All connection attempts failed` in its class and its message; a text that does not
/// begin with a class is all message.
pub(crate) fn class_and_message<'t>(text: &'t str, playbook: &Playbook) -> (Option<&'t str>, &'t str) {
    match text.split_once(':') {
        Some((class, message)) if is_class(class, playbook) && !message.starts_with("//") => {
            (Some(class), message.trim())
        }
        _ if is_class(text, playbook) && ends_like_one(text) => (Some(text), ""),
        _ => (None, text),
    }
}

/// Whether a word is the name of a class: the playbook knows it, it ends like one, it is qualified, or it is put together
/// from words (`OutOfStock`).
fn is_class(word: &str, playbook: &Playbook) -> bool {
    let short = short_class(word);
    let written = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'));
    if !written || !short.starts_with(|c: char| c.is_ascii_uppercase()) {
        return false;
    }
    let known = || playbook.errors().iter().any(|row| row.classes.iter().any(|class| class == short));
    let put_together = || {
        let mut before = ' ';
        short.chars().any(|c| std::mem::replace(&mut before, c).is_lowercase() && c.is_uppercase())
    };
    ends_like_one(short) || word.contains('.') || put_together() || known()
}

fn ends_like_one(word: &str) -> bool {
    ENDINGS.iter().any(|ending| word.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_short_in_every_language() {
        for (written, short) in [
            ("ktrdr.errors.exceptions.DataNotFoundError", "DataNotFoundError"),
            ("ValueError", "ValueError"),
            ("tests.f.<locals>.OwnError", "OwnError"),
            ("java.util.concurrent.ExecutionException", "ExecutionException"),
            ("com.shop.Orders$RejectedException", "RejectedException"),
            ("System.ServiceModel.FaultException`1[[Shop.Fault, Shop]]", "FaultException"),
            ("Shop.Orders+RejectedException", "RejectedException"),
            ("*net.OpError", "OpError"),
            ("*errors.errorString", "errorString"),
            ("reqwest::Error", "Error"),
            ("App\\Exceptions\\Handler", "Handler"),
            ("", ""),
        ] {
            assert_eq!(short_class(written), short, "{written}");
        }
    }

    #[test]
    fn a_status_text_may_begin_with_a_class() {
        let playbook = Playbook::ktrdr();
        for (text, class, message) in [
            ("ConnectError: All connection attempts failed", Some("ConnectError"), "All connection attempts failed"),
            ("ReadTimeout: ", Some("ReadTimeout"), ""),
            ("ReadTimeout", Some("ReadTimeout"), ""),
            ("a.b.OutOfStock: TEA-7: none left", Some("a.b.OutOfStock"), "TEA-7: none left"),
            ("OutOfStock: TEA-7", Some("OutOfStock"), "TEA-7"),
            ("Exit: 1", Some("Exit"), "1"),
            ("rpc error: code = Unavailable desc = gone", None, "rpc error: code = Unavailable desc = gone"),
            ("Unavailable: connection refused", None, "Unavailable: connection refused"),
            ("EURUSD: no data", None, "EURUSD: no data"),
            ("Host: gone", None, "Host: gone"),
            ("https://ib-host:5001 is gone", None, "https://ib-host:5001 is gone"),
            ("Deadline", None, "Deadline"),
            ("", None, ""),
        ] {
            assert_eq!(class_and_message(text, &playbook), (class, message), "{text}");
        }
    }
}
