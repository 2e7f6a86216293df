//! What is read from the SDK's own files and from any other text, and what is said of broken ones.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::files::expand_home;
use super::*;

const INIT: &str = include_str!("../../../tests/fixtures/clearml_conf/init.conf");
const WEB_APP: &str = include_str!("../../../tests/fixtures/clearml_conf/web_app.conf");

/// An environment of these variables only.
fn env_of(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    move |name| variables.get(name).cloned()
}

/// What `load` makes of a text, without a file.
fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(ClearmlConf, Vec<usize>), Fault> {
    settings_of(text, env).map(|(settings, includes)| (conf_of(settings), includes))
}

fn parsed(text: &str) -> ClearmlConf {
    let env = env_of(&[("MY_HOST", "env.example"), ("EMPTY", "")]);
    parse(text, &env).unwrap_or_else(|fault| panic!("{fault:?}\n{text}")).0
}

fn fault(text: &str) -> (usize, String) {
    let Fault { line, why } = parse(text, &env_of(&[])).expect_err(text);
    (line, why)
}

/// What `value` reads as behind a key.
fn read_as(value: &str) -> Option<String> {
    parsed(&format!("api.api_server: {value}\n")).api_server
}

#[track_caller]
fn assert_reads(value: &str, expected: &str) {
    assert_eq!(read_as(value).as_deref(), Some(expected), "{value}");
}

#[test]
fn reads_a_whole_file_as_the_setup_wizard_writes_it() {
    let conf = parsed(INIT);
    assert_eq!(conf.api_server.unwrap(), "https://api.clearml.example");
    assert_eq!(conf.web_server.unwrap(), "https://app.clearml.example");
    assert_eq!(conf.access_key.unwrap(), "ACCESSKEYFORTESTS");
    assert_eq!(conf.secret_key.unwrap(), "secret+key/for=tests");
    assert_eq!(conf.verify_certificate, None);
}

#[test]
fn reads_what_the_web_app_offers_to_copy() {
    let conf = parsed(WEB_APP);
    assert_eq!(conf.api_server.unwrap(), "https://api.clearml.example");
    assert_eq!(conf.web_server.unwrap(), "https://app.clearml.example/");
    assert_eq!(conf.access_key.unwrap(), "ACCESSKEYFORTESTS");
    assert_eq!(conf.secret_key.unwrap(), "secret+key/for=tests");
}

#[test]
fn reads_the_same_with_the_line_ends_and_the_mark_of_windows() {
    let windows = format!("\u{feff}{}", INIT.replace('\n', "\r\n"));
    assert_eq!(parsed(&windows), parsed(INIT));
}

#[test]
fn keeps_the_slashes_of_an_address_without_quotes() {
    assert_reads("https://h.example:8008/a/b", "https://h.example:8008/a/b");
    assert_reads("https://h.example # comment", "https://h.example");
    assert_reads("https://h.example // comment", "https://h.example");
    assert_reads("https://h.example, api.web_server: http://w", "https://h.example");
}

#[test]
fn reads_json() {
    let conf = parsed(r#"{"api": {"api_server": "http://h", "credentials": {"access_key": "A", "secret_key": "S"}}}"#);
    assert_eq!(conf.api_server.unwrap(), "http://h");
    assert_eq!(conf.access_key.unwrap(), "A");
    assert_eq!(conf.secret_key.unwrap(), "S");
}

#[test]
fn reads_dotted_keys_and_braces_on_their_own_lines() {
    let conf = parsed("api.credentials.access_key = A\napi\n{\n  credentials =\n  { secret_key: S }\n}\n");
    assert_eq!(conf.access_key.unwrap(), "A");
    assert_eq!(conf.secret_key.unwrap(), "S");
}

#[test]
fn takes_a_quoted_dot_for_a_part_of_the_name() {
    assert_eq!(parsed("\"api.api_server\" = x"), ClearmlConf::default());
}

#[test]
fn merges_repeated_objects_and_lets_later_values_win() {
    let conf = parsed("api { api_server: a, web_server: w }\napi { api_server: b }\n");
    assert_eq!(conf.api_server.unwrap(), "b");
    assert_eq!(conf.web_server.unwrap(), "w");
    let joined = parsed("api: { api_server: a } { web_server: w }\n");
    assert_eq!(joined.api_server.unwrap(), "a");
    assert_eq!(joined.web_server.unwrap(), "w");
    assert_eq!(parsed("api { api_server: a }\napi: x\n").api_server, None);
}

#[test]
fn knows_comments_from_text() {
    assert_reads("abc#def", "abc");
    assert_reads("\"abc#def//ghi\"", "abc#def//ghi");
    assert_reads("abc//def", "abc//def");
    assert_reads("# on the next line\n \"x\"", "x");
    assert_eq!(parsed("# it's \"open { [\n// }\napi { // c\n api_server: x } # end").api_server, Some("x".to_owned()));
}

#[test]
fn reads_quoted_text_with_the_escapes_of_the_sdk() {
    assert_reads(r#""a\"b\\c\td\=""#, "a\"b\\c\td=");
    assert_reads(r#""a\/b\u0041""#, r"a\/b\u0041");
    assert_reads(r#""C:\\ca\\root.pem""#, r"C:\ca\root.pem");
    assert_reads(r"a\=b\#c", "a=b#c");
    assert_reads("'x'", "'x'");
    assert_reads("\" x \" ", " x ");
    assert_reads("\"a$b${c}\"", "a$b${c}");
}

#[test]
fn reads_text_in_three_quotes_as_it_is() {
    assert_reads("\"\"\"a \"b\" \\n # c\n}\"\"\" # d", "a \"b\" \\n # c\n}");
    assert_reads("\"\"\"a\"\"\"\"", "a\"");
}

#[test]
fn joins_the_parts_of_a_value_with_the_space_between_them() {
    assert_reads("a b   c  # d", "a b   c");
    assert_reads("\"a\" \"b\"  c", "a b  c");
    assert_reads("a \\\n  b", "a b");
    assert_reads("a\\\nb", "ab");
    assert_reads("12AB34", "12AB34");
    assert_reads("007", "007");
}

#[test]
fn takes_variables_for_what_the_file_does_not_name() {
    assert_reads("${MY_HOST}", "env.example");
    assert_reads("https://${MY_HOST}:8008/x", "https://env.example:8008/x");
    assert_reads("\"https://\"${MY_HOST}\":8008\"", "https://env.example:8008");
    let shadowed = parsed("MY_HOST = file.example\napi.api_server = ${MY_HOST}");
    assert_eq!(shadowed.api_server.unwrap(), "file.example");
}

#[test]
fn keeps_the_value_before_an_optional_variable_that_is_unset() {
    let kept = parsed("api { api_server: a\n api_server: ${?UNSET} }");
    assert_eq!(kept.api_server.unwrap(), "a");
    let replaced = parsed("api { api_server: a\n api_server: ${?MY_HOST} }");
    assert_eq!(replaced.api_server.unwrap(), "env.example");
    let emptied = parsed("api { api_server: a\n api_server: ${?EMPTY} }");
    assert_eq!(emptied.api_server, None);
    assert_eq!(read_as("${?UNSET}"), None);
}

#[test]
fn follows_references_to_text_and_to_objects() {
    let conf = parsed(
        "api: ${common} { credentials: ${keys} }\n\
         common { api_server: \"http://\"${host}, web_server: w }\n\
         host = h\nkeys { access_key: A, secret_key: S }\napi.web_server: w2",
    );
    assert_eq!(conf.api_server.unwrap(), "http://h");
    assert_eq!(conf.web_server.unwrap(), "w2");
    assert_eq!(conf.access_key.unwrap(), "A");
    assert_eq!(conf.secret_key.unwrap(), "S");
}

#[test]
fn lets_a_reference_to_an_object_leave_out_what_an_earlier_one_holds() {
    let conf = parsed("api { host: h, web_server: w }\napi: ${common}\napi: ${?UNSET}\ncommon.web_server: w2");
    assert_eq!(conf.api_server.unwrap(), "h");
    assert_eq!(conf.web_server.unwrap(), "w2");
    assert_eq!(parsed("api.host: h\napi: ${x}\nx: text").api_server, None);
}

#[test]
fn reports_references_that_lead_nowhere() {
    for text in [
        "api.api_server = ${UNSET}",
        "api.api_server = a\napi.api_server = ${api.api_server}/b",
        "a = ${b}\nb = ${a}\napi.api_server = ${a}",
        "api: { api_server: a }\napi: ${api} { host: b }",
        "api.api_server = a\napi: ${UNSET}",
    ] {
        let (_, why) = fault(text);
        assert!(why.starts_with("api.api_server: the substitution"), "{why}");
    }
}

#[test]
fn leaves_references_alone_that_no_setting_needs() {
    let conf = parsed("api.api_server: x\nsdk { key: ${UNSET}, a: ${b}, b: ${a} }");
    assert_eq!(conf.api_server.unwrap(), "x");
}

#[test]
fn takes_an_empty_setting_for_none() {
    assert_eq!(read_as("\"\""), None);
    assert_eq!(read_as("null"), None);
    assert_eq!(parsed("api { api_server: }"), ClearmlConf::default());
    assert_eq!(parsed(""), ClearmlConf::default());
    assert_eq!(parsed("# nothing\n\n"), ClearmlConf::default());
}

#[test]
fn takes_the_older_name_of_the_server_where_the_newer_one_is_empty() {
    let both = parsed("api { host: old, api_server: new }");
    assert_eq!(both.api_server.unwrap(), "new");
    let old = parsed("api { host: old, api_server: \"\" }");
    assert_eq!(old.api_server.unwrap(), "old");
}

#[test]
fn reads_the_verification_of_certificates_as_a_flag_or_a_path() {
    let verify = |value: &str| parsed(&format!("api.verify_certificate: {value}")).verify_certificate;
    assert_eq!(verify("True").unwrap(), "true");
    assert_eq!(verify("\"False\"").unwrap(), "false");
    assert_eq!(verify("no").unwrap(), "false");
    assert_eq!(verify("/etc/ssl/ca.pem").unwrap(), "/etc/ssl/ca.pem");
    assert_eq!(verify("null"), None);
}

#[test]
fn passes_over_includes_and_says_where_they_are() {
    let (conf, lines) = parse(
        "include \"https://h.example/x\"\napi { include required(file(\"x\"))\n\
         api_server: x }\ninclude url( \"http://h\" ), include = 1\nsdk { include { a: 1 } }",
        &env_of(&[]),
    )
    .unwrap();
    assert_eq!(conf.api_server.unwrap(), "x");
    assert_eq!(lines, [1, 2, 4]);
}

#[test]
fn reports_the_line_of_what_is_broken() {
    for (text, line, why) in [
        ("\napi {\n api_server: x\n", 2, "a '{' is never closed"),
        ("api { }\n}", 2, "a '}' closes nothing"),
        ("{ a: 1 }\nb: 2", 2, "something follows"),
        ("a: 1\nb: [\n1\n", 2, "a '[' is never closed"),
        ("b: [1,\n }", 2, "a '}' stands where"),
        ("a: 1\nb: \"x\nc: y", 2, "is not closed on its line"),
        ("a: 1\nb: \"\"\"x\ny", 2, "is never closed"),
        ("api", 1, "not followed by"),
        ("api { api_server \"x\" }", 1, "not followed by"),
        ("a: 1\n= 2", 2, "a key is expected"),
        ("\nk: abc+def=", 2, "has to be quoted"),
        ("\nk: +abc", 2, "has to be quoted"),
        ("k: a$b", 1, "a '$' begins no substitution"),
        ("k: ${a", 1, "a '$' begins no substitution"),
        ("k: x {a: 1}", 1, "mixes text, lists and objects"),
        ("[1, 2]", 1, "the file is a list"),
    ] {
        let (at, message) = fault(text);
        assert_eq!(at, line, "{text}: {message}");
        assert!(message.contains(why), "{text}: {message}");
    }
}

#[test]
fn reports_a_setting_that_is_no_text() {
    for text in [
        "\napi.api_server { a: 1 }",
        "\napi.api_server.a: 1",
        "\napi.api_server: [1]",
        "a: [1]\napi.api_server: x${a}",
        "a.b: 1\napi.api_server: ${a}",
    ] {
        assert_eq!(fault(text), (2, "api.api_server is not a text".to_owned()));
    }
}

#[test]
fn refuses_nesting_without_a_bound() {
    for text in [
        "a {".repeat(100_000),
        format!("a: {}", "[".repeat(100_000)),
        format!("a: {}", "{a: [".repeat(100_000)),
        format!("{}b: 1", "a.".repeat(100_000)),
    ] {
        assert!(fault(&text).1.contains("nested too deeply"));
    }
    let deep = format!("sdk {}{}", "{a ".repeat(50) + "{", "}".repeat(51));
    assert_eq!(parsed(&deep), ClearmlConf::default());
}

#[test]
fn refuses_substitutions_that_multiply() {
    use std::fmt::Write as _;
    let mut text = "v0 = x\n".to_owned();
    for n in 1..40 {
        let p = n - 1;
        writeln!(text, "v{n} = ${{v{p}}}${{v{p}}}").unwrap();
    }
    text.push_str("api.api_server = ${v39}");
    assert!(fault(&text).1.contains("substitutions are too many"));
    assert!(fault(&"api.api_server: ${?UNSET}\n".repeat(11)).1.contains("substitutions are too many"));
    assert_eq!(parsed(&"api.api_server: ${?UNSET}\n".repeat(10)).api_server, None);
}

#[test]
fn adds_lists_and_objects_but_no_text_to_earlier_values() {
    let conf = parsed("a: [1]\na += [2]\napi.host: h\napi += { web_server: w }");
    assert_eq!(conf.api_server.unwrap(), "h");
    assert_eq!(conf.web_server.unwrap(), "w");
    for text in ["\napi.host += b", "\napi.host += ${MY_HOST}", "\napi.host +=", "\napi.host += null"] {
        assert_eq!(fault(text), (2, "only a list or an object may follow '+='".to_owned()));
    }
}

#[test]
fn shows_neither_key_in_debug_output() {
    let shown = format!("{:?}", parsed(INIT));
    assert!(shown.contains("https://api.clearml.example"));
    assert!(!shown.contains("ACCESSKEYFORTESTS") && !shown.contains("secret+key"));
}

/// A home directory with these files.
fn home_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(home.path().join(name), text).unwrap();
    }
    home
}

fn load_in(home: &Path, more: &[(&str, &str)]) -> Result<ClearmlConf, ConfError> {
    let mut variables = vec![("HOME", home.to_str().unwrap())];
    variables.push(("USERPROFILE", home.to_str().unwrap()));
    variables.extend(more);
    load(&env_of(&variables))
}

#[test]
fn finds_nothing_where_there_is_no_file_and_no_home() {
    let home = home_of(&[]);
    assert_eq!(load_in(home.path(), &[]).unwrap(), ClearmlConf::default());
    assert_eq!(load(&env_of(&[])).unwrap(), ClearmlConf::default());
}

#[test]
fn lets_the_newer_file_override_the_older_one_key_by_key() {
    let home = home_of(&[
        ("trains.conf", "api { api_server: old, web_server: w, host: h }"),
        ("clearml.conf", "include \"x\"\napi { api_server: new, host: \"\" }"),
    ]);
    let conf = load_in(home.path(), &[]).unwrap();
    assert_eq!(conf.api_server.unwrap(), "new");
    assert_eq!(conf.web_server.unwrap(), "w");
    let newer = home.path().join("clearml.conf");
    assert_eq!(conf.files, [home.path().join("trains.conf"), newer.clone()]);
    assert_eq!(conf.unread_includes, [UnreadInclude { file: newer, line: 1 }]);
}

#[test]
fn lets_an_empty_setting_of_the_newer_file_unset_the_older_one() {
    let home = home_of(&[
        ("trains.conf", "api { api_server: old, credentials.access_key: A }"),
        ("clearml.conf", "api { api_server: \"\", credentials: null }"),
    ]);
    let conf = load_in(home.path(), &[]).unwrap();
    assert_eq!(conf.api_server, None);
    assert_eq!(conf.access_key, None);
}

#[test]
fn reads_only_the_file_that_a_variable_names() {
    let home = home_of(&[("clearml.conf", "api.web_server: w"), ("own.conf", "api.api_server: own")]);
    for name in ["CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE"] {
        let conf = load_in(home.path(), &[(name, " ~/own.conf ")]).unwrap();
        assert_eq!(conf.api_server.unwrap(), "own");
        assert_eq!(conf.web_server, None);
        assert_eq!(conf.files, [home.path().join("own.conf")]);
    }
    let absent = load_in(home.path(), &[("CLEARML_CONFIG_FILE", "~/absent.conf")]);
    assert_eq!(absent.unwrap(), ClearmlConf::default());
}

#[test]
fn prefers_the_newer_variable_and_passes_over_an_empty_one() {
    let home = home_of(&[("a.conf", "api.host: a"), ("b.conf", "api.host: b")]);
    let read = |newer: &str| {
        let variables = [("CLEARML_CONFIG_FILE", newer), ("TRAINS_CONFIG_FILE", "~/b.conf")];
        load_in(home.path(), &variables).unwrap().api_server
    };
    assert_eq!(read("~/a.conf").unwrap(), "a");
    assert_eq!(read("  ").unwrap(), "b");
}

#[test]
fn leaves_a_tilde_alone_that_is_not_the_own_home() {
    let home = Path::new("home");
    assert_eq!(expand_home("~", Some(home)), home);
    assert_eq!(expand_home("~/x", Some(home)), home.join("x"));
    assert_eq!(expand_home("~other/x", Some(home)), Path::new("~other/x"));
    assert_eq!(expand_home("~/x", None), Path::new("~/x"));
    assert_eq!(expand_home("a/~/x", Some(home)), Path::new("a/~/x"));
}

#[test]
fn names_the_file_and_the_line_at_fault() {
    let home = home_of(&[("clearml.conf", "api {\n api_server \"x\"\n}")]);
    let error = load_in(home.path(), &[]).unwrap_err();
    let file = home.path().join("clearml.conf");
    assert_eq!(
        error.to_string(),
        format!("cannot read {}: line 2: a key is not followed by ':', '=' or '{{'", file.display())
    );
}

#[test]
fn refuses_files_that_are_no_text_or_too_large() {
    let home = home_of(&[]);
    let file = home.path().join("clearml.conf");
    fs::write(&file, b"api.host: \xff").unwrap();
    let error = load_in(home.path(), &[]).unwrap_err();
    assert_eq!(error.why, "it is not UTF-8 text");
    let most = 256 * 1024;
    fs::write(&file, vec![b'\n'; most]).unwrap();
    assert_eq!(load_in(home.path(), &[]).unwrap().files, [file.as_path()]);
    fs::write(&file, vec![b'\n'; most + 1]).unwrap();
    let error = load_in(home.path(), &[]).unwrap_err();
    assert!(error.why.contains("is larger than"), "{}", error.why);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_there_and_cannot_be_read_is_not_passed_over() {
    let home = home_of(&[]);
    std::os::unix::fs::symlink("clearml.conf", home.path().join("clearml.conf")).unwrap();
    assert!(load_in(home.path(), &[]).is_err(), "a link to itself");
}

#[test]
fn passes_over_a_directory_by_the_name_of_the_file() {
    let home = home_of(&[]);
    fs::create_dir(home.path().join("clearml.conf")).unwrap();
    assert_eq!(load_in(home.path(), &[]).unwrap(), ClearmlConf::default());
}

/// A mark that stands for any value of a file.
const MARK: &str = "qZ7mark";

/// Texts that are made of the syntax, so that they get far into the parser.
fn syntax() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            "=",
            ":",
            "+=",
            ",",
            "\n",
            "\r\n",
            " ",
            "\\",
            "\"",
            "\"\"\"",
            "#",
            "//",
            "$",
            "${",
            "${?",
            "${api}",
            "${?api.host}",
            "api",
            "api.host",
            "api {",
            "credentials",
            "secret_key",
            "include ",
            "null",
            "true",
            ".",
            "\u{e9}",
            "\u{a0}",
        ])
        .prop_map(str::to_owned),
        Just(MARK.to_owned()),
        Just(format!("\"{MARK}\"")),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn never_panics_on_any_text(text in "(?s).{0,200}") {
        let _ = parse(&text, &env_of(&[]));
    }

    #[test]
    fn never_quotes_the_file_in_a_message(text in syntax()) {
        if let Err(Fault { line, why }) = parse(&text, &env_of(&[])) {
            prop_assert!(!why.contains(MARK), "{why}");
            prop_assert!(line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn reads_back_any_text_in_quotes(secret in "[^\\r\\n]{1,40}") {
        let quoted = secret.replace('\\', "\\\\").replace('"', "\\\"");
        let conf = parsed(&format!("{INIT}\napi.credentials.secret_key: \"{quoted}\""));
        prop_assert_eq!(conf.secret_key, Some(secret));
    }

    #[test]
    fn breaks_off_anywhere_without_a_wrong_key(end in 0..INIT.len()) {
        let Some(text) = INIT.get(..end) else { return Ok(()) };
        if let Ok((conf, _)) = parse(text, &env_of(&[])) {
            let whole = conf.secret_key.as_deref();
            prop_assert!(matches!(whole, None | Some("secret+key/for=tests")));
        }
    }
}
