//! What is true for any text of a `clearml.conf`. Panics if it is not.

use super::{API_SERVER, ClearmlConf, Fault, PATHS, Reading, effective};
use crate::environment::Environment;

/// Reads a text as it is and in other forms that mean the same.
///
/// # Panics
/// If something that should be true is not.
pub fn clearml_conf(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    // Only one mark at the start is allowed, and one is added below.
    let text = text.trim_start_matches('\u{feff}');
    let read = match read(text) {
        Ok(read) => read,
        Err(fault) => return is_a_fault(&fault, text),
    };
    is_sound(&read, text);
    assert!(same(&read, &format!("\u{feff}{text}")), "a byte order mark changes the meaning");
    assert!(same(&read, &format!("\n# comment\n{text}")), "a comment changes the meaning");
    if !text.contains("\"\"\"") && !text.contains('\r') {
        assert!(same(&read, &text.replace('\n', "\r\n")), "the line ends of Windows change the meaning");
    }
    let is_braced = text.trim_start_matches(|c: char| c.is_whitespace()).starts_with('{');
    if !is_braced && !text.contains('{') && !text.contains('#') {
        assert!(same(&read, &format!("{{\n{text}\n}}\n")), "braces around the whole change the meaning");
    }
}

fn read(text: &str) -> Result<Reading, Fault> {
    super::read(text, &Environment::from_iter([("MY_HOST", "env.example")]))
}

fn same(read: &Reading, text: &str) -> bool {
    self::read(text).is_ok_and(|(settings, _)| settings == read.0)
}

fn is_sound((settings, includes): &Reading, text: &str) {
    let lines = text.matches('\n').count() + 1;
    assert!(includes.iter().all(|line| (1..=lines).contains(line)), "an include on no line");
    assert!(settings.keys().all(|path| PATHS.contains(path)));
    let conf = ClearmlConf { settings: effective(settings.clone()), unread_includes: Vec::new() };
    assert!(conf.settings.values().all(|text| !text.is_empty()), "an empty setting");
    assert!(settings.get(API_SERVER).is_none_or(|text| text.is_empty() || conf.get(API_SERVER) == Some(text)));
    let shown = format!("{conf:?}");
    // A short text can be in anything.
    let is_shown = |text: &String| text.len() >= 12 && shown.contains(text.as_str());
    let is_name = |text: &String| PATHS.iter().any(|path| path.contains(text.as_str()));
    assert!(!conf.settings.values().any(|text| is_shown(text) && !is_name(text)), "a text is shown");
}

/// The line exists, and no word of the file is repeated.
fn is_a_fault(Fault { line, problem }: &Fault, text: &str) {
    let words = problem.to_string();
    assert!((1..=text.matches('\n').count() + 1).contains(line), "a fault on no line");
    assert!(words.is_ascii() && words.len() < 120, "a fault that repeats the file: {words:?}");
}
