//! The sample project's language and its test program: names, whole numbers, `+ - * /`, parentheses. Not here: the project.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// How deep parentheses may nest.
const DEPTH_MAX: u32 = 64;

/// Largest file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What a test came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// What is printed.
    pub(crate) text: String,
    /// Expectations that did not hold.
    pub(crate) failed: usize,
}

/// A rule and the line it stands on.
struct Rule<'a> {
    line: usize,
    source: &'a str,
    name: &'a str,
    expression: &'a str,
}

/// Tests the rules beside a test file: `shop.test` tests `shop.rules`.
///
/// # Errors
/// A file cannot be read, or is not written in the language.
pub(crate) fn test(file: &Path) -> Result<Report, String> {
    let rules_file = file.with_extension("rules");
    let (tests, rules) = (read(file)?, read(&rules_file)?);
    check(&name(file), &tests, &name(&rules_file), &rules)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
    let length = fs::metadata(file).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("{} is longer than {FILE_BYTES_MAX} bytes", file.display()));
    }
    fs::read_to_string(file).map_err(failed)
}

fn check(tests_name: &str, tests: &str, rules_name: &str, rules: &str) -> Result<Report, String> {
    let rules = parse(rules_name, rules)?;
    let mut values = BTreeMap::new();
    let (mut text, mut expectations, mut failed) = (String::new(), 0, 0);
    for (line, content) in lines(tests) {
        let wrong = |what: &str| format!("{tests_name}:{line}: {what}");
        if let Some(given) = content.strip_prefix("given ") {
            values = BTreeMap::new();
            for pair in given.split(',') {
                let (name, value) = pair.split_once('=').ok_or_else(|| wrong("NAME = NUMBER expected"))?;
                let value = evaluate(value, &values).map_err(|error| wrong(&error))?;
                values.insert(name.trim().to_owned(), value);
            }
            for rule in &rules {
                let value = evaluate(rule.expression, &values)
                    .map_err(|error| format!("{rules_name}:{}: {error}", rule.line))?;
                values.insert(rule.name.to_owned(), value);
            }
        } else if let Some((name, expected)) =
            content.strip_prefix("expect ").and_then(|rest| rest.split_once('='))
        {
            expectations += 1;
            let expected = evaluate(expected, &values).map_err(|error| wrong(&error))?;
            let actual = evaluate(name, &values).map_err(|error| wrong(&error))?;
            if actual != expected {
                failed += 1;
                let name = name.trim();
                // Writing to a string does not fail.
                writeln!(text, "{tests_name}:{line}: FAILED: {name} is {actual}, expected {expected}").ok();
                if let Some(rule) = rules.iter().find(|rule| rule.name == name) {
                    writeln!(text, "  {rules_name}:{}: {}", rule.line, rule.source).ok();
                }
            }
        } else {
            return Err(wrong("`given …` or `expect …` expected"));
        }
    }
    match failed {
        0 => writeln!(text, "{tests_name}: {expectations} expectations passed").ok(),
        _ => writeln!(text, "{tests_name}: {failed} of {expectations} expectations failed").ok(),
    };
    Ok(Report { text, failed })
}

/// The lines that say something, numbered from 1; `#` begins a comment.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.split('#').next().unwrap_or_default().trim()))
        .filter(|(_, line)| !line.is_empty())
}

fn parse<'a>(file: &str, text: &'a str) -> Result<Vec<Rule<'a>>, String> {
    lines(text)
        .map(|(line, source)| {
            let (name, expression) =
                source.split_once('=').ok_or_else(|| format!("{file}:{line}: NAME = EXPRESSION expected"))?;
            Ok(Rule { line, source, name: name.trim(), expression })
        })
        .collect()
}

fn evaluate(text: &str, values: &BTreeMap<String, i64>) -> Result<i64, String> {
    let mut reader = Reader { rest: text.trim(), values, depth: 0 };
    let value = reader.sum()?;
    if reader.rest.is_empty() { Ok(value) } else { Err(format!("{:?} was not expected", reader.rest)) }
}

/// A recursive-descent reader: sums of products of values.
struct Reader<'a> {
    rest: &'a str,
    values: &'a BTreeMap<String, i64>,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<i64, String> {
        let mut value = self.product()?;
        while let Some(operator) = self.operator(&['+', '-']) {
            let other = self.product()?;
            let result = if operator == '+' { value.checked_add(other) } else { value.checked_sub(other) };
            value = result.ok_or("the number is too large")?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<i64, String> {
        let mut value = self.value()?;
        while let Some(operator) = self.operator(&['*', '/']) {
            let other = self.value()?;
            let result = if operator == '*' { value.checked_mul(other) } else { value.checked_div(other) };
            value = result.ok_or("a number is too large, or divided by 0")?;
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<i64, String> {
        if self.operator(&['(']).is_some() {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err("too many parentheses".to_owned());
            }
            let value = self.sum()?;
            self.depth -= 1;
            return self.operator(&[')']).map(|_| value).ok_or_else(|| "`)` expected".to_owned());
        }
        let word = self.word();
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            return word.parse().map_err(|_| format!("{word} is no number"));
        }
        self.values.get(word).copied().ok_or_else(|| match word {
            "" => "a number or a name expected".to_owned(),
            name => format!("{name} is not known here"),
        })
    }

    fn operator(&mut self, operators: &[char]) -> Option<char> {
        let first = self.rest.chars().next().filter(|first| operators.contains(first))?;
        self.rest = self.rest[first.len_utf8()..].trim_start();
        Some(first)
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_the_usual_precedence() {
        let values = BTreeMap::from([("a".to_owned(), 6)]);
        for (text, expected) in [("1 + 2 * 3", 7), ("(1+2)*3", 9), ("a / 2 - 1", 2), ("10 - 3 - 2", 5)] {
            assert_eq!(evaluate(text, &values), Ok(expected), "{text}");
        }
        for text in ["", "1 +", "b", "1 2", "(1", "1/0", "9223372036854775807 + 1", &"(".repeat(100)] {
            assert!(evaluate(text, &values).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_names_the_expectation_and_its_rule() {
        let tests = "given a = 2 # two\nexpect b = 4\nexpect b = 5\n";
        let report = check("x.test", tests, "x.rules", "\nb = a * 2\n").unwrap();
        assert_eq!(report.failed, 1);
        assert_eq!(
            report.text,
            "x.test:3: FAILED: b is 4, expected 5\n  x.rules:2: b = a * 2\nx.test: 1 of 2 expectations failed\n"
        );
    }

    #[test]
    fn what_is_not_the_language_is_refused_with_its_place() {
        assert_eq!(
            check("x.test", "hello", "x.rules", "").unwrap_err(),
            "x.test:1: `given …` or `expect …` expected"
        );
        let error = check("x.test", "given a = 1", "x.rules", "b = c").unwrap_err();
        assert_eq!(error, "x.rules:1: c is not known here");
    }
}
