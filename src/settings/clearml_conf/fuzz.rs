//! What must hold of any text in place of a `clearml.conf`. Panics where it does not.

use std::collections::BTreeMap;

use super::{Fault, PATHS, Reading, conf_of, settings_of};

/// Reads a text alone and in other forms that mean the same.
///
/// # Panics
/// Where something of that does not hold.
pub fn clearml_conf(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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
    settings_of(text, &|name| match name {
        "MY_HOST" => Some("env.example".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    })
}

fn same(read: &Reading, text: &str) -> bool {
    self::read(text).is_ok_and(|(settings, _)| settings == read.0)
}

fn is_sound((settings, includes): &Reading, text: &str) {
    let lines = text.matches('\n').count() + 1;
    assert!(includes.iter().all(|line| (1..=lines).contains(line)), "an include on no line");
    assert!(settings.keys().all(|path| PATHS.contains(path)));
    let conf = conf_of(settings.clone());
    let all = [&conf.api_server, &conf.web_server, &conf.access_key, &conf.secret_key, &conf.verify_certificate];
    assert!(all.into_iter().flatten().all(|text| !text.is_empty()), "an empty setting");
    let shown = format!("{conf:?}");
    let hidden = |key: &Option<String>| {
        // Too short a key may stand in anything.
        key.as_ref().is_none_or(|key| key.len() < 12 || said_elsewhere(key, settings) || !shown.contains(key.as_str()))
    };
    assert!(hidden(&conf.access_key) && hidden(&conf.secret_key), "a key is shown");
}

fn said_elsewhere(key: &str, settings: &BTreeMap<&'static str, String>) -> bool {
    let open = settings.iter().filter(|(path, _)| !path.contains("credentials"));
    open.into_iter().any(|(_, text)| format!("{text:?}").contains(key))
        || format!("{:?}", conf_of(BTreeMap::new())).contains(key)
}

/// The line is one of the text, and no word of the text is repeated.
fn is_a_fault(Fault { line, why }: &Fault, text: &str) {
    assert!((1..=text.matches('\n').count() + 1).contains(line), "a fault on no line");
    assert!(why.is_ascii() && why.len() < 120, "a fault that repeats the file: {why:?}");
}
