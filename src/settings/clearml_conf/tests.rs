//! What is read from the SDK's own files and from other texts, and how broken ones are reported.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::files::expand_home;
use super::*;

const INIT: &str = include_str!("../../../tests/fixtures/clearml_conf/init.conf");
const WEB_APP: &str = include_str!("../../../tests/fixtures/clearml_conf/web_app.conf");

fn parse(text: &str) -> Result<ClearmlConf, Fault> {
    let (settings, includes) = read(text, &Environment::from_iter([("MY_HOST", "env.example"), ("EMPTY", "")]))?;
    let unread_includes = includes.into_iter().map(|line| UnreadInclude { file: PathBuf::new(), line }).collect();
    Ok(ClearmlConf { settings: effective(settings), unread_includes })
}

fn parsed(text: &str) -> ClearmlConf {
    parse(text).unwrap_or_else(|fault| panic!("{fault:?}\n{text}"))
}

fn fault(text: &str) -> (usize, ConfProblem) {
    let Fault { line, problem } = parse(text).expect_err(text);
    (line, problem)
}

/// What these files say, which is all they say.
#[track_caller]
fn assert_is(conf: &ClearmlConf, expected: &[(&str, &str)]) {
    let settings: Vec<_> = conf.settings.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(settings, expected);
}

#[track_caller]
fn assert_parses(text: &str, expected: &[(&str, &str)]) {
    assert_is(&parsed(text), expected);
}

const HOST: &str = "api.api_server";
const WEB: &str = "api.web_server";
const ACCESS: &str = "api.credentials.access_key";
const SECRET: &str = "api.credentials.secret_key";

/// What `value` reads as after a key.
fn read_as(value: &str) -> Option<String> {
    parsed(&format!("api.api_server: {value}\n")).get(HOST).map(str::to_owned)
}

#[track_caller]
fn assert_reads(value: &str, expected: &str) {
    assert_eq!(read_as(value).as_deref(), Some(expected), "{value}");
}

#[test]
fn reads_a_whole_file_as_the_setup_wizard_writes_it() {
    let keys = [(ACCESS, "ACCESSKEYFORTESTS"), (SECRET, "secret+key/for=tests")];
    assert_parses(
        INIT,
        &[[(HOST, "https://api.clearml.example"), (WEB, "https://app.clearml.example")], keys].concat(),
    );
}

#[test]
fn reads_what_the_web_app_offers_to_copy() {
    let keys = [(ACCESS, "ACCESSKEYFORTESTS"), (SECRET, "secret+key/for=tests")];
    let hosts = [(HOST, "https://api.clearml.example"), (WEB, "https://app.clearml.example/")];
    assert_parses(WEB_APP, &[hosts, keys].concat());
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
    let json = r#"{"api": {"api_server": "http://h", "credentials": {"access_key": "A", "secret_key": "S"}}}"#;
    assert_parses(json, &[(HOST, "http://h"), (ACCESS, "A"), (SECRET, "S")]);
}

#[test]
fn reads_dotted_keys_and_braces_on_their_own_lines() {
    let text = "api.credentials.access_key = A\napi\n{\n  credentials =\n  { secret_key: S }\n}\n";
    assert_parses(text, &[(ACCESS, "A"), (SECRET, "S")]);
}

#[test]
fn takes_a_quoted_dot_for_a_part_of_the_name() {
    assert_parses("\"api.api_server\" = x", &[]);
}

#[test]
fn merges_repeated_objects_and_lets_later_values_win() {
    let repeated = "api { api_server: a, web_server: w }\napi { api_server: b }\n";
    assert_parses(repeated, &[(HOST, "b"), (WEB, "w")]);
    assert_parses("api: { api_server: a } { web_server: w }\n", &[(HOST, "a"), (WEB, "w")]);
    assert_parses("api { api_server: a }\napi: x\n", &[]);
    assert_parses("api { api_server: a }\napi: [x]\n", &[]);
    assert_parses("api: x\napi { api_server: a }\n", &[(HOST, "a")]);
}

#[test]
fn knows_comments_from_text() {
    assert_reads("abc#def", "abc");
    assert_reads("\"abc#def//ghi\"", "abc#def//ghi");
    assert_reads("abc//def", "abc//def");
    assert_reads("# on the next line\n \"x\"", "x");
    assert_parses("# it's \"open { [\n// }\napi { // c\n api_server: x } # end", &[(HOST, "x")]);
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
    assert_parses("MY_HOST = file.example\napi.api_server = ${MY_HOST}", &[("api.api_server", "file.example")]);
}

#[test]
fn keeps_the_value_before_an_optional_variable_that_is_unset() {
    assert_parses("api { api_server: a\n api_server: ${?UNSET} }", &[(HOST, "a")]);
    assert_parses("api { api_server: a\n api_server: ${?MY_HOST} }", &[(HOST, "env.example")]);
    assert_parses("api { api_server: a\n api_server: ${?EMPTY} }", &[(HOST, "a")]);
    assert_eq!(read_as("${?UNSET}"), None);
    assert_reads("a ${?UNSET} b", "a b");
}

#[test]
fn follows_references_to_text_and_to_objects() {
    let text = "api: ${common} { credentials: ${keys} }\n\
                common { api_server: \"http://\"${host}, web_server: w }\n\
                host = h\nkeys { access_key: A, secret_key: S }\napi.web_server: w2";
    assert_parses(text, &[(HOST, "http://h"), (WEB, "w2"), (ACCESS, "A"), (SECRET, "S")]);
    assert_parses("api: { api_server: a } ${x}\nx.api_server: b", &[(HOST, "b")]);
    assert_parses("api: ${x} { api_server: a }\nx.api_server: b", &[(HOST, "a")]);
}

#[test]
fn lets_a_reference_to_an_object_leave_out_what_an_earlier_one_holds() {
    let text = "api { host: h, web_server: w }\napi: ${common}\napi: ${?UNSET}\ncommon.web_server: w2";
    assert_parses(text, &[(HOST, "h"), (WEB, "w2")]);
    assert_parses("api.host: h\napi: ${x}\nx {}", &[(HOST, "h")]);
    assert_parses("api.host: h\napi: ${x}\nx: text", &[]);
}

#[test]
fn reports_references_that_lead_nowhere() {
    for text in ["api.api_server = ${UNSET}", "api.api_server = a\napi: ${UNSET}"] {
        assert_eq!(fault(text).1, ConfProblem::UnknownSubstitution(HOST), "{text}");
    }
    for text in [
        "api.api_server = a\napi.api_server = ${api.api_server}/b",
        "a = ${b}\nb = ${a}\napi.api_server = ${a}",
        "api: { api_server: a }\napi: ${api} { host: b }",
    ] {
        assert_eq!(fault(text).1, ConfProblem::TooManySubstitutions(HOST), "{text}");
    }
}

#[test]
fn leaves_references_alone_that_no_setting_needs() {
    assert_parses("api.api_server: x\nsdk { key: ${UNSET}, a: ${b}, b: ${a} }", &[(HOST, "x")]);
}

#[test]
fn takes_an_empty_setting_for_none() {
    assert_eq!(read_as("\"\""), None);
    assert_eq!(read_as("null"), None);
    assert_reads("\"null\"", "null");
    for text in ["api { api_server: }", "", "# nothing\n\n"] {
        assert_parses(text, &[]);
    }
}

#[test]
fn takes_the_older_name_of_the_server_where_the_newer_one_is_empty() {
    assert_parses("api { host: old, api_server: new }", &[(HOST, "new")]);
    assert_parses("api { host: old, api_server: \"\" }", &[(HOST, "old")]);
}

#[test]
fn reads_the_verification_of_certificates_as_a_flag_or_a_path() {
    let cases = [("True", "true"), ("\"False\"", "false"), ("no", "false"), ("/etc/ssl/ca.pem", "/etc/ssl/ca.pem")];
    for (value, expected) in cases {
        assert_parses(&format!("api.verify_certificate: {value}"), &[("api.verify_certificate", expected)]);
    }
    assert_parses("api.verify_certificate: null", &[]);
}

#[test]
fn passes_over_includes_and_says_where_they_are() {
    let conf = parsed(
        "include \"https://h.example/x\"\napi { include required(file(\"x\"))\n\
         api_server: x }\ninclude url( \"http://h\" ), include = 1\nsdk { include { a: 1 } }",
    );
    assert_is(&conf, &[(HOST, "x")]);
    assert_eq!(conf.unread_includes.iter().map(|include| include.line).collect::<Vec<_>>(), [1, 2, 4]);
}

#[test]
fn reports_the_line_of_what_is_broken() {
    for (text, line, problem) in [
        ("\napi {\n api_server: x\n", 2, ConfProblem::Unclosed('{')),
        ("api { }\n}", 2, ConfProblem::TextAfterEnd),
        ("{ a: 1 }\nb: 2", 2, ConfProblem::TextAfterEnd),
        ("a: 1\nb: [\n1\n", 2, ConfProblem::Unclosed('[')),
        ("b: [1,\n }", 1, ConfProblem::Unclosed('[')),
        ("a: 1\nb: \"x\nc: y", 2, ConfProblem::UnclosedQuote),
        ("a: 1\nb: \"\"\"x\ny", 2, ConfProblem::UnclosedQuote),
        ("api", 1, ConfProblem::NoValue),
        ("api { api_server \"x\" }", 1, ConfProblem::NoValue),
        ("a: 1\n= 2", 2, ConfProblem::NoKey),
        ("\nk: abc+def=", 2, ConfProblem::NeedsQuotes),
        ("\nk: +abc", 2, ConfProblem::NeedsQuotes),
        ("k: a$b", 1, ConfProblem::NotASubstitution),
        ("k: ${a", 1, ConfProblem::NotASubstitution),
        ("\nk: x {a: 1}", 2, ConfProblem::MixedValue),
        ("k: [1] {a: 1}", 1, ConfProblem::MixedValue),
        ("k: {a: 1} x", 1, ConfProblem::MixedValue),
        ("[1, 2]", 1, ConfProblem::NoKey),
    ] {
        assert_eq!(fault(text), (line, problem), "{text}");
    }
}

#[test]
fn reports_a_setting_that_is_no_text() {
    for text in [
        "\napi.api_server { a: 1 }",
        "\napi.api_server {}",
        "\napi.api_server.a: 1",
        "\napi.api_server: [1]",
        "a: [1]\napi.api_server: x${a}",
        "a.b: 1\napi.api_server: ${a}",
    ] {
        assert_eq!(fault(text), (2, ConfProblem::NotAText(HOST)));
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
        assert_eq!(fault(&text).1, ConfProblem::TooDeep);
    }
    let deep = format!("sdk {}{}", "{a ".repeat(50) + "{", "}".repeat(51));
    assert_parses(&deep, &[]);
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
    assert_eq!(fault(&text).1, ConfProblem::TooManySubstitutions(HOST));
    let unset = "api.api_server: ${?UNSET}\n";
    assert_eq!(fault(&unset.repeat(11)).1, ConfProblem::TooManySubstitutions(HOST));
    assert_parses(&unset.repeat(10), &[]);
}

#[test]
fn adds_lists_and_objects_but_no_text_to_earlier_values() {
    let text = "a: [1]\na += [2]\napi.host: h\napi += { web_server: w }";
    assert_parses(text, &[(HOST, "h"), (WEB, "w")]);
    for text in ["\napi.host += b", "\napi.host += ${MY_HOST}", "\napi.host +=", "\napi.host += null"] {
        assert_eq!(fault(text), (2, ConfProblem::NotAppendable));
    }
}

#[test]
fn shows_no_text_in_debug_output() {
    let shown = format!("{:?}", parsed(INIT));
    assert!(shown.contains(SECRET), "{shown}");
    assert!(!shown.contains("clearml.example") && !shown.contains("FORTESTS") && !shown.contains("secret+key"));
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
    let home = home.to_str().unwrap();
    load(&[("HOME", home), ("USERPROFILE", home)].into_iter().chain(more.iter().copied()).collect())
}

#[test]
fn finds_nothing_where_there_is_no_file_and_no_home() {
    let home = home_of(&[]);
    assert_eq!(load_in(home.path(), &[]).unwrap(), ClearmlConf::default());
    assert_eq!(load(&Environment::default()).unwrap(), ClearmlConf::default());
}

#[test]
fn lets_the_newer_file_override_the_older_one_key_by_key() {
    let home = home_of(&[
        ("trains.conf", "api { api_server: old, web_server: w, host: h }"),
        ("clearml.conf", "include \"x\"\napi { api_server: new, host: \"\" }"),
    ]);
    let conf = load_in(home.path(), &[]).unwrap();
    assert_is(&conf, &[(HOST, "new"), (WEB, "w")]);
    let newer = home.path().join("clearml.conf");
    assert_eq!(conf.unread_includes, [UnreadInclude { file: newer, line: 1 }]);
}

#[test]
fn lets_an_empty_setting_of_the_newer_file_unset_the_older_one() {
    let home = home_of(&[
        ("trains.conf", "api { api_server: old, credentials.access_key: A }"),
        ("clearml.conf", "api { api_server: \"\", credentials: null }"),
    ]);
    assert_is(&load_in(home.path(), &[]).unwrap(), &[]);
}

#[test]
fn reads_only_the_file_that_a_variable_names() {
    let home = home_of(&[("clearml.conf", "api.web_server: w"), ("own.conf", "api.api_server: own")]);
    for name in ["CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE"] {
        assert_is(&load_in(home.path(), &[(name, " ~/own.conf ")]).unwrap(), &[(HOST, "own")]);
    }
    assert_is(&load_in(home.path(), &[("CLEARML_CONFIG_FILE", "~/absent.conf")]).unwrap(), &[]);
}

#[test]
fn prefers_the_newer_variable_and_passes_over_an_empty_one() {
    let home = home_of(&[("a.conf", "api.host: a"), ("b.conf", "api.host: b")]);
    for (newer, expected) in [("~/a.conf", "a"), ("  ", "b")] {
        let variables = [("CLEARML_CONFIG_FILE", newer), ("TRAINS_CONFIG_FILE", "~/b.conf")];
        assert_is(&load_in(home.path(), &variables).unwrap(), &[(HOST, expected)]);
    }
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
        format!("cannot read {}: line 2: there should be a ':', '=' or '{{' after the key", file.display())
    );
}

#[test]
fn refuses_files_that_are_no_text_or_too_large() {
    let home = home_of(&[]);
    let file = home.path().join("clearml.conf");
    fs::write(&file, b"api.host: \xff").unwrap();
    assert_eq!(load_in(home.path(), &[]).unwrap_err().problem, ConfProblem::NotUtf8);
    let most = 256 * 1024;
    let text = "api.host: h\n";
    fs::write(&file, text.to_owned() + &"\n".repeat(most - text.len())).unwrap();
    assert_is(&load_in(home.path(), &[]).unwrap(), &[(HOST, "h")]);
    fs::write(&file, vec![b'\n'; most + 1]).unwrap();
    assert_eq!(load_in(home.path(), &[]).unwrap_err().problem, ConfProblem::TooLarge(256 * 1024));
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
        let _ = parse(&text);
    }

    #[test]
    fn never_quotes_the_file_in_a_message(text in syntax()) {
        if let Err(Fault { line, problem }) = parse(&text) {
            prop_assert!(!problem.to_string().contains(MARK) && !format!("{problem:?}").contains(MARK), "{problem}");
            prop_assert!(line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn reads_back_any_text_in_quotes(secret in "[^\\r\\n]{1,40}") {
        let quoted = secret.replace('\\', "\\\\").replace('"', "\\\"");
        let conf = parsed(&format!("{INIT}\napi.credentials.secret_key: \"{quoted}\""));
        prop_assert_eq!(conf.get(SECRET), Some(secret.as_str()));
    }

    #[test]
    fn breaks_off_anywhere_without_a_wrong_key(end in 0..INIT.len()) {
        let Some(text) = INIT.get(..end) else { return Ok(()) };
        if let Ok(conf) = parse(text) {
            prop_assert!(matches!(conf.get(SECRET), None | Some("secret+key/for=tests")));
        }
    }
}
