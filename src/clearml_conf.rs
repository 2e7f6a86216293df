//! Reads the server and the credentials from the ClearML SDK's configuration file (`clearml.conf`).
//!
//! The file is HOCON in the dialect of the SDK's own parser, not in that of the specification: the
//! SDK writes its URLs without quotes (`api_server: https://api.clear.ml`), where a parser that
//! keeps to the specification stops at the colon or takes `//` for a comment. Hence a small parser
//! here, which knows the whole syntax but keeps only what the settings below can need.
//!
//! The file holds secrets, so no message quotes anything from it but the names of the settings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Objects and lists may nest this deep; the SDK's own parser gives up at about 50.
const MAX_DEPTH: usize = 64;
/// No configuration file comes near this size; it bounds the work a wrong file can cause.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// How many substitutions may be followed for one setting; files in use need two or three.
const MAX_SUBSTITUTIONS: usize = 100;
/// How long a text may grow by substitution.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// What this tool takes from the SDK's configuration file.
#[derive(Default, Clone, PartialEq)]
pub(crate) struct ClearmlConf {
    /// Where the API answers: `api.api_server`, or `api.host` as older files name it.
    pub api_server: Option<String>,
    /// Where people look at tasks: `api.web_server`.
    pub web_server: Option<String>,
    /// `api.credentials.access_key`
    pub access_key: Option<String>,
    /// `api.credentials.secret_key`
    pub secret_key: Option<String>,
    /// `api.verify_certificate`: "true", "false", or the path of a bundle of certificates.
    pub verify_certificate: Option<String>,
    /// The files that were read, in the order in which later ones override earlier ones.
    pub files: Vec<PathBuf>,
    /// The `include` lines, none of which is ever followed.
    pub unread_includes: Vec<UnreadInclude>,
}

/// An `include` that was left out: what it names may be anywhere, and nothing is fetched for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadInclude {
    /// The file with the line; empty for a text without one.
    pub file: PathBuf,
    /// The line of the `include`, from 1.
    pub line: usize,
}

/// Keeps both keys out of logs and panics; everything else may be shown.
impl fmt::Debug for ClearmlConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClearmlConf")
            .field("api_server", &self.api_server)
            .field("web_server", &self.web_server)
            .field("access_key", &self.access_key.as_ref().map(|_| "***"))
            .field("secret_key", &self.secret_key.as_ref().map(|_| "***"))
            .field("verify_certificate", &self.verify_certificate)
            .field("files", &self.files)
            .field("unread_includes", &self.unread_includes)
            .finish()
    }
}

/// Why a configuration file could not be used; never quotes the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfError {
    /// The file at fault.
    pub file: PathBuf,
    /// The line at fault, from 1, where one is.
    pub line: Option<usize>,
    /// What is wrong there.
    pub why: String,
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: ", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for ConfError {}

/// The line at fault, where one is, and what is wrong.
type Fault = (Option<usize>, String);

/// Reads the configuration files the SDK would read for this environment; none is no error.
///
/// The variables that override a file (`CLEARML_API_HOST` and the like) are the caller's to apply.
pub(crate) fn load(env: &dyn Fn(&str) -> Option<String>) -> Result<ClearmlConf, ConfError> {
    let mut settings = Settings::default();
    let mut conf = ClearmlConf::default();
    for file in candidates(env) {
        let Some(text) = read(&file)? else { continue };
        let (found, includes) =
            settings_of(&text, env).map_err(|(line, why)| ConfError { file: file.clone(), line, why })?;
        settings = found.over(settings);
        conf.unread_includes.extend(includes.into_iter().map(|line| UnreadInclude { file: file.clone(), line }));
        conf.files.push(file);
    }
    Ok(settings.into_conf(conf))
}

/// Reads the settings from the text of one file.
pub(crate) fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<ClearmlConf, (Option<usize>, String)> {
    let (settings, includes) = settings_of(text, env)?;
    Ok(settings.into_conf(ClearmlConf {
        unread_includes: includes.into_iter().map(|line| UnreadInclude { file: PathBuf::new(), line }).collect(),
        ..ClearmlConf::default()
    }))
}

/// The files the SDK looks for, later ones overriding earlier ones.
fn candidates(env: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let home = home(env);
    let named = ["CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE"].into_iter().find_map(|name| env_text(env, name));
    match (named, home) {
        (Some(named), home) => vec![expand_home(&named, home.as_deref())],
        (None, Some(home)) => vec![home.join("trains.conf"), home.join("clearml.conf")],
        (None, None) => Vec::new(),
    }
}

/// The home directory by the variable the SDK's language goes by on this system, or the other one.
fn home(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let names = if cfg!(windows) { ["USERPROFILE", "HOME"] } else { ["HOME", "USERPROFILE"] };
    names.into_iter().find_map(|name| env_text(env, name)).map(PathBuf::from)
}

/// A variable as the SDK reads it: without the space around it, and unset when nothing is left.
fn env_text(env: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Puts the home directory in place of a leading `~`; another user's (`~name`) is left as it is.
fn expand_home(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_path_buf(),
        (Some(rest), Some(home)) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => {
            home.join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR]))
        }
        _ => PathBuf::from(path),
    }
}

/// The text of a file, or nothing where there is no such file, which the SDK passes over as well.
fn read(file: &Path) -> Result<Option<String>, ConfError> {
    let fault = |why: String| ConfError { file: file.to_path_buf(), line: None, why };
    let meta = match fs::metadata(file) {
        Ok(meta) if meta.is_file() => meta,
        Ok(_) => return Ok(None),
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    if meta.len() > MAX_FILE_BYTES {
        return Err(fault(format!("it is larger than {MAX_FILE_BYTES} bytes, so it is no ClearML configuration")));
    }
    let bytes = fs::read(file).map_err(|error| fault(error.to_string()))?;
    String::from_utf8(bytes).map(Some).map_err(|_| fault("it is not UTF-8 text".to_owned()))
}

/// Whether an error says that there is no such file.
fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The settings of one file, where an empty text is one that unsets what earlier files set.
#[derive(Default)]
struct Settings {
    api_server: Option<String>,
    host: Option<String>,
    web_server: Option<String>,
    access_key: Option<String>,
    secret_key: Option<String>,
    verify_certificate: Option<String>,
}

impl Settings {
    /// These settings, and the earlier ones where these say nothing.
    fn over(self, earlier: Self) -> Self {
        Self {
            api_server: self.api_server.or(earlier.api_server),
            host: self.host.or(earlier.host),
            web_server: self.web_server.or(earlier.web_server),
            access_key: self.access_key.or(earlier.access_key),
            secret_key: self.secret_key.or(earlier.secret_key),
            verify_certificate: self.verify_certificate.or(earlier.verify_certificate),
        }
    }

    /// Fills in a configuration, now that an empty setting is as good as none.
    fn into_conf(self, conf: ClearmlConf) -> ClearmlConf {
        let set = |text: Option<String>| text.filter(|text| !text.is_empty());
        ClearmlConf {
            api_server: set(self.api_server).or(set(self.host)),
            web_server: set(self.web_server),
            access_key: set(self.access_key),
            secret_key: set(self.secret_key),
            verify_certificate: set(self.verify_certificate).map(plain_flag),
            ..conf
        }
    }
}

/// A truth value by one name, whichever of the SDK's words it is given in; other text as it is.
fn plain_flag(text: String) -> String {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => "true".to_owned(),
        "n" | "no" | "f" | "false" | "off" | "0" => "false".to_owned(),
        _ => text,
    }
}

/// The settings in a text, and the lines of its `include`s.
fn settings_of(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(Settings, Vec<usize>), Fault> {
    let mut parser = Parser::new(text);
    let root = parser.file()?;
    let setting = |path: &str| Resolver::new(&root, env).setting(path);
    let settings = Settings {
        api_server: setting("api.api_server")?,
        host: setting("api.host")?,
        web_server: setting("api.web_server")?,
        access_key: setting("api.credentials.access_key")?,
        secret_key: setting("api.credentials.secret_key")?,
        verify_certificate: setting("api.verify_certificate")?,
    };
    Ok((settings, parser.includes))
}

/// What stands between two braces.
type Object = BTreeMap<String, Value>;

/// What stands behind a key.
#[derive(Clone)]
enum Value {
    /// `null`, which the settings treat as an empty text.
    Null,
    /// A list; no setting is in one, so what it holds is forgotten.
    List,
    /// Any text, number or truth value, as it is written.
    Text(String),
    /// An object.
    Object(Object),
    /// A value that depends on others.
    Deferred(Deferred),
}

/// Values with substitutions, and the values they override: what one of them refers to may be
/// unset, or be the very key it stands behind, and then the value before it counts.
#[derive(Clone)]
struct Deferred {
    base: Option<Box<Value>>,
    layers: Vec<Vec<Piece>>,
}

/// A part of a value: parts that stand next to each other are joined.
#[derive(Clone)]
enum Piece {
    Null,
    List,
    /// A text, and the space behind it that counts if another part follows.
    Text {
        text: String,
        gap: String,
    },
    Object(Object),
    /// `${path}`, or `${?path}` if `optional`.
    Reference {
        path: String,
        optional: bool,
        gap: String,
        line: usize,
    },
}

/// Puts a value behind a key: objects are merged, anything else overrides what was there.
fn put(object: &mut Object, key: &str, value: Value) {
    let value = match (object.remove(key), value) {
        (Some(Value::Object(mut earlier)), Value::Object(later)) => {
            merge(&mut earlier, later);
            Value::Object(earlier)
        }
        (Some(Value::Deferred(mut earlier)), Value::Object(later)) => {
            earlier.layers.push(vec![Piece::Object(later)]);
            Value::Deferred(earlier)
        }
        (Some(Value::Deferred(mut earlier)), Value::Deferred(later)) if later.base.is_none() => {
            earlier.layers.extend(later.layers);
            Value::Deferred(earlier)
        }
        (Some(earlier), Value::Deferred(mut later)) if later.base.is_none() => {
            later.base = Some(Box::new(earlier));
            Value::Deferred(later)
        }
        (_, value) => value,
    };
    object.insert(key.to_owned(), value);
}

/// Puts all of an object's values into an earlier one.
fn merge(earlier: &mut Object, later: Object) {
    for (key, value) in later {
        put(earlier, &key, value);
    }
}

/// Joins the parts of a value that needs no substitution; no value for no parts.
fn join(pieces: Vec<Piece>) -> Result<Option<Value>, &'static str> {
    let mut joined: Option<Value> = None;
    let mut gap_before = String::new();
    for piece in pieces {
        joined = Some(match (joined, piece) {
            (None | Some(Value::Null), Piece::Text { text, gap }) => {
                gap_before = gap;
                Value::Text(text)
            }
            (Some(Value::Text(mut before)), Piece::Text { text, gap }) => {
                if before.len() + text.len() > MAX_TEXT_BYTES {
                    return Err("a value grows too long");
                }
                before.push_str(&gap_before);
                before.push_str(&text);
                gap_before = gap;
                Value::Text(before)
            }
            (None | Some(Value::Null), Piece::Object(object)) => Value::Object(object),
            (Some(Value::Object(mut before)), Piece::Object(object)) => {
                merge(&mut before, object);
                Value::Object(before)
            }
            (None | Some(Value::Null | Value::List), Piece::List) => Value::List,
            (None, Piece::Null) => Value::Null,
            (Some(before), Piece::Null) => before,
            _ => return Err("a value mixes text, lists and objects"),
        });
    }
    Ok(joined)
}

/// Follows the substitutions a setting depends on; those elsewhere in the file do not matter here.
struct Resolver<'a> {
    root: &'a Object,
    env: &'a dyn Fn(&str) -> Option<String>,
    /// The values being resolved: the path and the layer of each, outermost first.
    active: Vec<(Vec<String>, usize)>,
    followed: usize,
}

impl<'a> Resolver<'a> {
    fn new(root: &'a Object, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { root, env, active: Vec::new(), followed: 0 }
    }

    /// The text of a setting, empty for one that is set to nothing.
    fn setting(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let found = self.find(&segments(name)).map_err(|(line, why)| (line, format!("{name}: {why}")))?;
        match found {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(Some(String::new())),
            Some(_) => Err((None, format!("{name} is not a text"))),
        }
    }

    /// The value at a path; behind something that is no object there is nothing, which is not the
    /// same as nothing having been said.
    fn find(&mut self, path: &[String]) -> Result<Option<Value>, Fault> {
        let mut scope = Cow::Borrowed(self.root);
        for (index, name) in path.iter().enumerate() {
            let here = path.get(..=index).unwrap_or(path);
            let value = match member(scope, name) {
                None => return Ok(None),
                Some(value) if !matches!(*value, Value::Deferred(_)) => value,
                Some(value) => match self.settle(value.into_owned(), here)? {
                    None => return Ok(None),
                    Some(value) => Cow::Owned(value),
                },
            };
            if here.len() == path.len() {
                return Ok(Some(value.into_owned()));
            }
            scope = match value {
                Cow::Borrowed(Value::Object(object)) => Cow::Borrowed(object),
                Cow::Owned(Value::Object(object)) => Cow::Owned(object),
                _ => return Ok(Some(Value::Null)),
            };
        }
        Ok(None)
    }

    /// The value at a path once what it depends on is known; nothing if all of that is unset.
    fn settle(&mut self, value: Value, path: &[String]) -> Result<Option<Value>, Fault> {
        let Value::Deferred(Deferred { base, mut layers }) = value else {
            return Ok(Some(value));
        };
        // A value that refers to its own key means what was there before it.
        if let Some((_, layer)) = self.active.iter().rev().find(|(active, _)| active == path) {
            layers.truncate(*layer);
        }
        let mut objects = Vec::new();
        let mut last = None;
        while let Some(pieces) = layers.pop() {
            self.active.push((path.to_vec(), layers.len()));
            let value = self.substitute(pieces);
            self.active.pop();
            match value? {
                None => {}
                Some(Value::Object(object)) => objects.push(object),
                Some(value) => {
                    last = Some(value);
                    break;
                }
            }
        }
        match last.or(base.map(|base| *base)) {
            Some(Value::Object(object)) => objects.push(object),
            value if objects.is_empty() => return Ok(value),
            _ => {}
        }
        let mut merged = Object::new();
        for object in objects.into_iter().rev() {
            merge(&mut merged, object);
        }
        Ok(Some(Value::Object(merged)))
    }

    /// Puts what they refer to in place of the substitutions, and joins the parts.
    fn substitute(&mut self, pieces: Vec<Piece>) -> Result<Option<Value>, Fault> {
        let mut known = Vec::new();
        let mut last_line = None;
        for piece in pieces {
            match piece {
                Piece::Reference { path, optional, gap, line } => {
                    last_line = Some(line);
                    match self.follow(&path, line)? {
                        Some(value) => known.push(piece_of(value, gap)),
                        None if optional => {}
                        None => {
                            return Err((
                                Some(line),
                                "the substitution names neither a key of this file nor a \
                                 variable that is set"
                                    .to_owned(),
                            ));
                        }
                    }
                }
                other => known.push(other),
            }
        }
        join(known).map_err(|why| (last_line, why.to_owned()))
    }

    /// What a substitution refers to: a key of the file, or else a variable.
    fn follow(&mut self, path: &str, line: usize) -> Result<Option<Value>, Fault> {
        self.followed += 1;
        if self.followed > MAX_SUBSTITUTIONS || self.active.len() > MAX_DEPTH {
            return Err((Some(line), "there are too many substitutions".to_owned()));
        }
        let found = self.find(&segments(path))?;
        Ok(found.or_else(|| (self.env)(path).map(Value::Text)))
    }
}

/// What stands behind a key of an object.
fn member<'a>(object: Cow<'a, Object>, key: &str) -> Option<Cow<'a, Value>> {
    match object {
        Cow::Borrowed(object) => object.get(key).map(Cow::Borrowed),
        Cow::Owned(mut object) => object.remove(key).map(Cow::Owned),
    }
}

/// A value in place of a substitution.
fn piece_of(value: Value, gap: String) -> Piece {
    match value {
        Value::Text(text) => Piece::Text { text, gap },
        Value::Object(object) => Piece::Object(object),
        Value::List => Piece::List,
        Value::Null | Value::Deferred(_) => Piece::Null,
    }
}

/// The names a dotted path consists of; dots in quotes do not count.
fn segments(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => names.push(std::mem::take(&mut name)),
            c => name.push(c),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

/// Whether a text without quotes may hold this character.
fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !"^`+?!@*&\"[{]}#,=$\\".contains(c)
}

/// Whether a key without quotes may hold this character.
fn is_key(c: char) -> bool {
    !is_line_end(c) && !"{}[]=:+,#\"$".contains(c)
}

/// Space within a line.
fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The end of a line in any system's files.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Replaces the escapes the SDK knows; it leaves others, even `\u0041`, as they are.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some(c @ ('\\' | '=' | '#' | '!' | '"')) => plain.push(c),
            Some(c) => plain.extend(['\\', c]),
            None => plain.push('\\'),
        }
    }
    plain
}

/// A word without quotes that is a value of its own.
fn keyword(pieces: &[Piece]) -> Option<Value> {
    let [Piece::Text { text, .. }] = pieces else {
        return None;
    };
    ["true", "false", "null"].into_iter().find(|word| text.eq_ignore_ascii_case(word)).map(|word| match word {
        "null" => Value::Null,
        word => Value::Text(word.to_owned()),
    })
}

/// Reads the syntax, from the rest of the text and the line this begins on.
struct Parser<'a> {
    rest: &'a str,
    line: usize,
    includes: Vec<usize>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, includes: Vec::new() }
    }

    fn fault<T>(&self, why: &str) -> Result<T, Fault> {
        Err((Some(self.line), why.to_owned()))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes the next `bytes` of the text.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Takes what consists of such characters.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Takes this text if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        let next = self.rest.starts_with(text);
        if next {
            self.take(text.len());
        }
        next
    }

    /// Takes a comment if one comes next.
    fn eat_comment(&mut self) -> bool {
        let next = self.rest.starts_with('#') || self.rest.starts_with("//");
        if next {
            self.take_while(|c| !is_line_end(c));
        }
        next
    }

    /// Passes over space, line ends and comments, and over commas where they may stand.
    fn skip(&mut self, commas: bool) {
        loop {
            self.take_while(|c| c.is_whitespace() || (commas && c == ','));
            if !self.eat_comment() {
                return;
            }
        }
    }

    /// The whole file: an object, whose braces may be left out.
    fn file(&mut self) -> Result<Object, Fault> {
        self.skip(false);
        if self.rest.starts_with('[') {
            return self.fault("the file is a list, where keys are expected");
        }
        let root = if self.rest.starts_with('{') { self.object(0)? } else { self.entries(0)? };
        self.skip(true);
        match self.peek() {
            None => Ok(root),
            Some('}') => self.fault("a '}' closes nothing"),
            Some(_) => self.fault("something follows the end of the configuration"),
        }
    }

    /// An object in braces.
    fn object(&mut self, depth: usize) -> Result<Object, Fault> {
        let opened = self.line;
        self.eat("{");
        let object = self.entries(depth)?;
        if self.eat("}") { Ok(object) } else { Err((Some(opened), "a '{' is never closed".to_owned())) }
    }

    /// Keys and their values, up to a brace that closes them.
    fn entries(&mut self, depth: usize) -> Result<Object, Fault> {
        let mut object = Object::new();
        loop {
            self.skip(true);
            if matches!(self.peek(), None | Some('}')) {
                return Ok(object);
            }
            if self.eat_include() {
                continue;
            }
            let key = self.key()?;
            let depth = depth + key.len();
            if depth > MAX_DEPTH {
                return self.fault("objects are nested too deeply");
            }
            let mut value = self.assigned(depth)?;
            let mut names = key.into_iter();
            let Some(first) = names.next() else {
                return self.fault("a key is missing");
            };
            for name in names.rev() {
                value = Value::Object(Object::from([(name, value)]));
            }
            put(&mut object, &first, value);
        }
    }

    /// The names a key consists of.
    fn key(&mut self) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        loop {
            match self.peek() {
                Some('"') => names.push(self.quoted()?),
                Some(c) if is_key(c) => {
                    let bare = self.take_while(is_key);
                    names.extend(segments(bare.trim()));
                }
                _ if names.is_empty() => return self.fault("a key is expected"),
                _ => return Ok(names),
            }
        }
    }

    /// What follows a key: a value behind a sign, or an object right away.
    fn assigned(&mut self, depth: usize) -> Result<Value, Fault> {
        let line = self.line;
        self.skip(false);
        if self.rest.starts_with('{') {
            return self.object(depth).map(Value::Object);
        }
        // Only lists are ever extended by `+=`, and those are not kept.
        if !(self.eat("+=") || self.eat("=") || self.eat(":")) {
            return Err((Some(line), "a key is not followed by ':', '=' or '{'".to_owned()));
        }
        self.skip(false);
        self.value(depth)
    }

    /// A value: everything up to the end of the line, a comma, or a closing bracket.
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        let line = self.line;
        let quoted = self.rest.starts_with('"');
        let mut pieces = Vec::new();
        while let Some(piece) = self.piece(depth)? {
            pieces.push(piece);
        }
        if !quoted && let Some(value) = keyword(&pieces) {
            return Ok(value);
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Reference { .. })) {
            return Ok(Value::Deferred(Deferred { base: None, layers: vec![pieces] }));
        }
        let joined = join(pieces).map_err(|why| (Some(line), why.to_owned()))?;
        Ok(joined.unwrap_or(Value::Text(String::new())))
    }

    /// The next part of a value, or nothing where the value ends.
    fn piece(&mut self, depth: usize) -> Result<Option<Piece>, Fault> {
        self.take_while(is_gap);
        while self.eat_continuation() {}
        self.eat_comment();
        match self.peek() {
            None | Some('\n' | '\r' | ',' | '}' | ']') => Ok(None),
            Some('{' | '[') if depth >= MAX_DEPTH => self.fault("objects or lists are nested too deeply"),
            Some('{') => self.object(depth).map(Piece::Object).map(Some),
            Some('[') => self.list(depth).map(Some),
            Some('$') => self.reference().map(Some),
            Some('"') => {
                let text = self.quoted()?;
                let gap = self.take_while(is_gap).to_owned();
                Ok(Some(Piece::Text { text, gap }))
            }
            Some(_) => self.bare().map(Some),
        }
    }

    /// Takes a backslash that ends a line, by which the value goes on in the next one.
    fn eat_continuation(&mut self) -> bool {
        let next = self.rest.strip_prefix('\\').is_some_and(|rest| rest.starts_with(is_line_end));
        if next {
            self.take(1);
            self.take_while(is_line_end);
            self.take_while(is_gap);
        }
        next
    }

    /// A list, whose values have to be sound but are not kept.
    fn list(&mut self, depth: usize) -> Result<Piece, Fault> {
        let opened = self.line;
        self.eat("[");
        loop {
            self.skip(true);
            match self.peek() {
                Some(']') => {
                    self.take(1);
                    return Ok(Piece::List);
                }
                None => return Err((Some(opened), "a '[' is never closed".to_owned())),
                Some('}') => return self.fault("a '}' stands where a ']' is expected"),
                Some(_) => self.value(depth + 1)?,
            };
        }
    }

    /// `${path}` or `${?path}`.
    fn reference(&mut self) -> Result<Piece, Fault> {
        let line = self.line;
        let inner = self
            .rest
            .strip_prefix("${")
            .and_then(|inner| inner.split_once('}'))
            .map(|(inner, _)| inner)
            .filter(|inner| !inner.contains(is_line_end));
        let Some(inner) = inner else {
            return self.fault("a '$' begins no substitution; a text with '$' has to be quoted");
        };
        self.take("${}".len() + inner.len());
        let path = inner.strip_prefix('?').unwrap_or(inner);
        Ok(Piece::Reference {
            path: path.trim().to_owned(),
            optional: path.len() < inner.len(),
            gap: self.take_while(is_gap).to_owned(),
            line,
        })
    }

    /// A text in quotes, or in three on each side, between which nothing is special.
    fn quoted(&mut self) -> Result<String, Fault> {
        if self.eat("\"\"\"") {
            return self.triple_quoted();
        }
        self.eat("\"");
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let ends = is_line_end(c) || (c == '"' && !escaped);
            escaped = c == '\\' && !escaped;
            ends
        });
        let text = end.map(|end| self.take(end));
        match text {
            Some(text) if self.eat("\"") => Ok(unescape(text)),
            _ => self.fault("a '\"' is not closed on its line"),
        }
    }

    /// The rest of a text in three quotes; further quotes at its end belong to it.
    fn triple_quoted(&mut self) -> Result<String, Fault> {
        let Some(end) = self.rest.find("\"\"\"") else {
            return self.fault("a '\"\"\"' is never closed");
        };
        let text = self.take(end);
        let quotes = self.take_while(|c| c == '"');
        let more = quotes.get("\"\"\"".len()..).unwrap_or_default();
        Ok(format!("{text}{more}"))
    }

    /// A text without quotes, up to a space or to what has a meaning of its own.
    fn bare(&mut self) -> Result<Piece, Fault> {
        let text = self.take(bare_length(self.rest));
        if text.is_empty() {
            return self.fault("a text with any of + = ? ! @ * & ^ ` \\ has to be quoted");
        }
        Ok(Piece::Text { text: unescape(text), gap: self.take_while(is_gap).to_owned() })
    }

    /// Takes an `include` if one comes next, and notes its line; what it names is never opened.
    fn eat_include(&mut self) -> bool {
        let Some(length) = include_length(self.rest) else {
            return false;
        };
        self.includes.push(self.line);
        self.take(length);
        true
    }
}

/// How long the word without quotes is that a text begins with. A backslash makes the character
/// behind it part of the word, but not the end of a line, where it means that the value goes on.
fn bare_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let goes_on = match c {
            '\\' => chars.next().is_some_and(|(_, c)| !is_line_end(c)),
            c => is_bare(c),
        };
        if !goes_on {
            return at;
        }
    }
    text.len()
}

/// How long the `include` is that a text begins with: `include "x"`, where `file(..)`, `url(..)`
/// and `required(..)` may enclose the name. Without a name it is an ordinary key.
fn include_length(text: &str) -> Option<usize> {
    let word = "include";
    let (first, mut rest) = text.split_at_checked(word.len())?;
    if !first.eq_ignore_ascii_case(word) || !rest.starts_with([' ', '\t', '"']) {
        return None;
    }
    let mut open = 0;
    rest = rest.trim_start_matches(is_gap);
    for call in ["required", "file", "url"] {
        if let Some(inner) = rest.strip_prefix(call) {
            rest = inner.trim_start_matches(is_gap).strip_prefix('(')?;
            rest = rest.trim_start_matches(is_gap);
            open += 1;
        }
    }
    let (name, mut rest) = rest.strip_prefix('"')?.split_once('"')?;
    if name.contains(is_line_end) {
        return None;
    }
    for _ in 0..open {
        rest = rest.trim_start_matches(is_gap).strip_prefix(')')?;
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INIT: &str = include_str!("../tests/fixtures/clearml_conf/init.conf");
    const WEB_APP: &str = include_str!("../tests/fixtures/clearml_conf/web_app.conf");

    /// An environment of these variables only.
    fn env_of(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |name| variables.get(name).cloned()
    }

    fn parsed(text: &str) -> ClearmlConf {
        let env = env_of(&[("MY_HOST", "env.example"), ("EMPTY", "")]);
        parse(text, &env).unwrap_or_else(|fault| panic!("{fault:?}\n{text}"))
    }

    fn fault(text: &str) -> (Option<usize>, String) {
        parse(text, &env_of(&[])).expect_err(text)
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
        let conf =
            parsed(r#"{"api": {"api_server": "http://h", "credentials": {"access_key": "A", "secret_key": "S"}}}"#);
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
        assert_eq!(
            parsed("# it's \"open { [\n// }\napi { // c\n api_server: x } # end").api_server,
            Some("x".to_owned())
        );
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
    fn takes_a_reference_to_its_own_key_for_the_value_before() {
        let conf = parsed("api.api_server = a\napi.api_server = ${api.api_server}/b\nx = ${api.api_server}");
        assert_eq!(conf.api_server.unwrap(), "a/b");
    }

    #[test]
    fn reports_references_that_lead_nowhere() {
        for text in [
            "api.api_server = ${UNSET}",
            "api.api_server = ${api.api_server}",
            "api.api_server = ${a}\na = ${b}\nb = ${a}",
        ] {
            let (line, why) = fault(text);
            assert!(line.is_some(), "{text}");
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
        let conf = parsed(
            "include \"https://h.example/x\"\napi { include required(file(\"x\"))\n\
             api_server: x }\ninclude url( \"http://h\" ), include = 1\nsdk { include { a: 1 } }",
        );
        assert_eq!(conf.api_server.unwrap(), "x");
        let lines: Vec<_> = conf.unread_includes.iter().map(|skip| skip.line).collect();
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
            assert_eq!(at, Some(line), "{text}: {message}");
            assert!(message.contains(why), "{text}: {message}");
        }
    }

    #[test]
    fn reports_a_setting_that_is_no_text() {
        for text in ["api.api_server { a: 1 }", "api.api_server: [1]"] {
            assert_eq!(fault(text), (None, "api.api_server is not a text".to_owned()));
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
        assert!(fault(&text).1.contains("too many substitutions"));
        let long = format!("x = \"{}\"\napi.api_server = ${{x}}${{x}}", "y".repeat(40_000));
        assert!(fault(&long).1.contains("too long"));
    }

    #[test]
    fn bears_a_key_that_is_set_over_and_over() {
        let text = "api.api_server: ${?UNSET}\n".repeat(90);
        assert_eq!(parsed(&text).api_server, None);
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
        fs::write(&file, vec![b'\n'; 2 << 20]).unwrap();
        let error = load_in(home.path(), &[]).unwrap_err();
        assert!(error.why.contains("is larger than"), "{}", error.why);
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
            if let Err((line, why)) = parse(&text, &env_of(&[])) {
                prop_assert!(!why.contains(MARK), "{why}");
                prop_assert!(line.is_none_or(|line| line <= text.matches('\n').count() + 1));
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
            if let Ok(conf) = parse(text, &env_of(&[])) {
                let whole = conf.secret_key.as_deref();
                prop_assert!(matches!(whole, None | Some("secret+key/for=tests")));
            }
        }
    }
}
