//! The part of GitHub's expression language that the action and the original's workflow use. Anything else is an error.

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Text(String),
    /// The value of `labels.*.name`.
    List(Vec<String>),
}

/// What an expression looks up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reference {
    /// `steps.gate.outputs.verdict`; a `*` is a separate part.
    Path(Vec<String>),
    /// `success()`
    Status(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Literal(Value),
    Reference(Reference),
    Not(Box<Self>),
    Two(Box<Self>, Operator, Box<Self>),
    /// `contains(list, text)`
    Contains(Box<Self>, Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
}

/// A text that contains expressions.
pub(crate) enum Part<'a> {
    Plain(&'a str),
    Expression(Expression),
}

/// Looks up what an expression refers to.
pub(crate) type Lookup<'a> = &'a dyn Fn(&Reference) -> Result<Value, String>;

impl Value {
    pub(crate) fn text(value: &str) -> Self {
        Self::Text(value.to_owned())
    }

    /// Every text except the empty one is true, including `false` and `0`.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Text(text) => !text.is_empty(),
            Self::List(_) => true,
        }
    }

    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Text(text) => text,
            Self::List(_) => "Array".to_owned(),
        }
    }

    /// Compares texts without regard to case, and values of different types as numbers.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.to_lowercase() == other.to_lowercase(),
            _ => self.number().zip(other.number()).is_some_and(|(one, other)| one == other),
        }
    }

    /// `None` means not a number, which equals nothing. Integers are enough here.
    fn number(&self) -> Option<i64> {
        match self {
            Self::Null => Some(0),
            Self::Bool(value) => Some((*value).into()),
            Self::Text(text) if text.trim().is_empty() => Some(0),
            Self::Text(text) => text.trim().parse().ok(),
            Self::List(_) => None,
        }
    }
}

impl Expression {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, text };
        let expression = parser.either()?;
        match parser.next() {
            None => Ok(expression),
            Some(token) => Err(format!("{token:?} too many in the expression {text:?}")),
        }
    }

    /// A step's `if`. As on the runner, the step does not run after a failure unless the condition checks the status.
    pub(crate) fn condition(text: Option<&str>) -> Result<Self, String> {
        let success = Self::Reference(Reference::Status("success".to_owned()));
        let Some(text) = text else { return Ok(success) };
        // With text around an expression, the condition would always be true.
        let inner = text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(text);
        let condition = Self::read(inner)?;
        let asks = condition.references().iter().any(|reference| matches!(reference, Reference::Status(_)));
        if asks { Ok(condition) } else { Ok(Self::Two(Box::new(success), Operator::And, Box::new(condition))) }
    }

    /// Always evaluates both sides, so that an unknown name in either is an error.
    pub(crate) fn value(&self, lookup: Lookup<'_>) -> Result<Value, String> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Reference(reference) => lookup(reference)?,
            Self::Not(inner) => Value::Bool(!inner.value(lookup)?.is_true()),
            Self::Contains(list, item) => match (list.value(lookup)?, item.value(lookup)?) {
                (Value::List(list), Value::Text(item)) => {
                    Value::Bool(list.iter().any(|one| one.to_lowercase() == item.to_lowercase()))
                }
                (list, item) => return Err(format!("whether {list:?} contains {item:?} is not understood")),
            },
            Self::Two(left, operator, right) => {
                let (left, right) = (left.value(lookup)?, right.value(lookup)?);
                match operator {
                    Operator::Or if left.is_true() => left,
                    Operator::And if !left.is_true() => left,
                    Operator::Or | Operator::And => right,
                    Operator::Equal => Value::Bool(left.equals(&right)),
                    Operator::Unequal => Value::Bool(!left.equals(&right)),
                }
            }
        })
    }

    pub(crate) fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Reference(reference) => vec![reference],
            Self::Not(inner) => inner.references(),
            Self::Two(left, _, right) | Self::Contains(left, right) => [left.references(), right.references()].concat(),
        }
    }
}

/// Splits a text at its `${{ }}`.
pub(crate) fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (inner, after) = after.split_once("}}").ok_or_else(|| format!("an expression of {text:?} has no end"))?;
        parts.extend([Part::Plain(before), Part::Expression(Expression::read(inner)?)]);
        rest = after;
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
}

/// The text with each expression replaced by its value.
pub(crate) fn fill(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    parts(text)?
        .iter()
        .map(|part| match part {
            Part::Plain(plain) => Ok((*plain).to_owned()),
            Part::Expression(expression) => expression.value(lookup).map(Value::into_text),
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 10] = ["&&", "||", "==", "!=", "!", "(", ")", ".", "*", ","];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest.strip_prefix(sign)
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            let (inner, after) = quoted.split_once('\'').ok_or_else(|| format!("a quote of {text:?} has no end"))?;
            tokens.push(Token::Text(inner.to_owned()));
            // A doubled quote would mean a single one.
            Some(after).filter(|after| !after.starts_with('\''))
        } else if first.is_ascii_alphabetic() {
            let word = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
            let end = rest.find(|char| !word(char)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            Some(after)
        } else {
            None
        };
        rest = after.ok_or_else(|| format!("{rest:?} of the expression {text:?} is not understood"))?.trim_start();
    }
    Ok(tokens)
}

/// By precedence: or, and, comparison, not.
struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    text: &'a str,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let there = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(there);
        there
    }

    fn either(&mut self) -> Result<Expression, String> {
        let mut left = self.both()?;
        while self.takes("||") {
            left = Expression::Two(Box::new(left), Operator::Or, Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, String> {
        let mut left = self.comparison()?;
        while self.takes("&&") {
            left = Expression::Two(Box::new(left), Operator::And, Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.operand()?;
        let operator = match () {
            () if self.takes("==") => Operator::Equal,
            () if self.takes("!=") => Operator::Unequal,
            () => return Ok(left),
        };
        Ok(Expression::Two(Box::new(left), operator, Box::new(self.operand()?)))
    }

    fn operand(&mut self) -> Result<Expression, String> {
        match self.next() {
            Some(Token::Sign("!")) => Ok(Expression::Not(Box::new(self.operand()?))),
            Some(Token::Sign("(")) => {
                let inner = self.either()?;
                self.close()?;
                Ok(inner)
            }
            Some(Token::Text(text)) => Ok(Expression::Literal(Value::Text(text))),
            Some(Token::Word(word)) => self.named(word),
            other => Err(format!("{other:?} in the expression {:?} is not understood", self.text)),
        }
    }

    fn named(&mut self, word: String) -> Result<Expression, String> {
        if self.takes("(") {
            if word == "contains" {
                let list = self.either()?;
                if !self.takes(",") {
                    return Err(format!("contains of the expression {:?} lacks its second part", self.text));
                }
                let item = self.either()?;
                self.close()?;
                return Ok(Expression::Contains(Box::new(list), Box::new(item)));
            }
            self.close()?;
            return Ok(Expression::Reference(Reference::Status(word)));
        }
        let mut path = vec![word];
        while self.takes(".") {
            match self.next() {
                Some(Token::Word(word)) => path.push(word),
                Some(Token::Sign("*")) => path.push("*".to_owned()),
                other => return Err(format!("{other:?} after a dot of the expression {:?}", self.text)),
            }
        }
        Ok(match path.as_slice() {
            [word] if word == "true" || word == "false" => Expression::Literal(Value::Bool(word == "true")),
            _ => Expression::Reference(Reference::Path(path)),
        })
    }

    fn close(&mut self) -> Result<(), String> {
        if self.takes(")") {
            Ok(())
        } else {
            Err(format!("a parenthesis of the expression {:?} is not understood", self.text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(reference: &Reference) -> Result<Value, String> {
        match reference {
            Reference::Path(path) => match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["runner", "os"] => Ok(Value::text("Linux")),
                ["steps", "a-b", "outputs", "none"] => Ok(Value::Null),
                _ => Err(format!("{path:?}")),
            },
            Reference::Status(name) => Ok(Value::Bool(name == "success")),
        }
    }

    fn value(text: &str) -> Result<Value, String> {
        Expression::read(text)?.value(&lookup)
    }

    #[test]
    fn values_match_the_runner() {
        for (text, expected) in [
            ("runner.os", Value::text("Linux")),
            ("runner.os == 'linux'", Value::Bool(true)),
            ("runner.os != 'Windows'", Value::Bool(true)),
            ("steps.a-b.outputs.none == ''", Value::Bool(true)),
            ("steps.a-b.outputs.none == 'x'", Value::Bool(false)),
            ("steps.a-b.outputs.none || 'b'", Value::text("b")),
            ("'' || steps.a-b.outputs.none", Value::Null),
            ("'false' || 'b'", Value::text("false")),
            ("'a' && 'b'", Value::text("b")),
            ("'' && 'b'", Value::text("")),
            ("'a' || 'b' && ''", Value::text("a")),
            ("('a' || 'b') && ''", Value::text("")),
            ("!'a' == false", Value::Bool(true)),
            ("true == '1'", Value::Bool(true)),
            ("failure() || success()", Value::Bool(true)),
        ] {
            assert_eq!(value(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_anywhere() {
        for text in [
            "",
            "a.",
            "'a",
            "'a''b'",
            "(true",
            "true true",
            "a[0]",
            "1",
            "a < b",
            "true || github.token",
            "f(1)",
            "contains('a')",
            "contains('ab', 'a')",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(fill("${{ true", &lookup).is_err());
    }

    #[test]
    fn expressions_are_replaced_anywhere_in_a_text() {
        assert_eq!(fill("a ${{ runner.os }}${{'b'}} {c}", &lookup).unwrap(), "a Linuxb {c}");
    }

    #[test]
    fn a_condition_is_false_after_a_failure_unless_it_checks_the_status() {
        let failed = |reference: &Reference| match reference {
            Reference::Status(name) => Ok(Value::Bool(name != "success")),
            Reference::Path(_) => lookup(reference),
        };
        let holds = |text| Expression::condition(text).unwrap().value(&failed).unwrap().is_true();
        assert!(!holds(None));
        assert!(!holds(Some("runner.os == 'Linux'")));
        assert!(!holds(Some("${{ runner.os == 'Linux' }}")));
        assert!(holds(Some("runner.os == 'Linux' && always()")));
        assert!(Expression::condition(Some("${{ runner.os == 'x' }} && true")).is_err());
    }
}
