//! docs/json.md as a schema: what commands print as JSON must be what that page says.

use std::{collections::BTreeMap, fs, sync::LazyLock};

use serde_json::{Map, Value};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md");
    Schema::parse(&fs::read_to_string(path).unwrap())
});

/// What a command has printed on stdout is an envelope, and holds what the page says.
pub fn check(stdout: &[u8]) {
    let text = String::from_utf8_lossy(stdout);
    let envelope: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    if let Err(reason) = SCHEMA.check(&envelope) {
        panic!("docs/json.md says otherwise: {reason}\n{text}");
    }
}

/// A line of a command that prints one for each event.
pub fn check_line(command: &str, line: &Value) {
    let section = &SCHEMA.commands[command];
    if let Err(reason) = SCHEMA.object(section, line, true, &[]) {
        panic!("docs/json.md says otherwise: {reason}\n{line:#}");
    }
}

struct Key {
    name: String,
    kind: Kind,
    optional: bool,
}

#[derive(Default)]
struct Object {
    /// The objects whose keys it has too: one of these sets.
    includes: Vec<Vec<String>>,
    keys: Vec<Key>,
}

enum Kind {
    Text,
    Number,
    Boolean,
    Null,
    /// With keys that the page tells in words.
    Any,
    List(Box<Kind>),
    ByName(Box<Kind>),
    Either(Box<Kind>, Box<Kind>),
    Object(String),
}

impl Kind {
    fn parse(text: &str) -> Self {
        if let Some(rest) = text.strip_prefix("list of ") {
            return Self::List(Box::new(Self::parse(rest)));
        }
        if let Some((first, rest)) = text.split_once(" or ") {
            return Self::Either(Box::new(Self::parse(first)), Box::new(Self::parse(rest)));
        }
        if let Some(rest) = text.strip_suffix(" by name") {
            return Self::ByName(Box::new(Self::parse(rest)));
        }
        match text {
            "text" => Self::Text,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "null" => Self::Null,
            "object" => Self::Any,
            name => Self::Object(name.to_string()),
        }
    }
}

struct Schema {
    objects: BTreeMap<String, Object>,
    /// By command.
    commands: BTreeMap<String, String>,
}

impl Schema {
    fn parse(page: &str) -> Self {
        let mut objects: BTreeMap<String, Object> = BTreeMap::new();
        let mut commands = BTreeMap::new();
        let mut current = String::new();
        for paragraph in page.split("\n\n") {
            let heading = paragraph.trim_start_matches('#');
            if heading.len() < paragraph.len() {
                current = heading.trim().to_string();
                assert!(!objects.contains_key(&current), "two of {current}");
                for command in current.split('`').skip(1).step_by(2) {
                    commands.insert(command.to_string(), current.clone());
                }
                continue;
            }
            let object = objects.entry(current.clone()).or_default();
            if paragraph.contains("keys of [") {
                let text = paragraph.replace('\n', " ");
                let sets = text.split(';').map(|set| {
                    set.split("](#")
                        .filter_map(|part| part.rsplit_once('['))
                        .map(|(_, name)| name.to_string())
                        .collect()
                });
                object.includes = sets.collect();
                if object.includes.len() > 1 {
                    // The last part only leads over to the table.
                    object.includes.pop();
                }
            }
            for row in paragraph.lines().filter(|line| line.starts_with("| `")) {
                let mut cells = row.split('|').map(str::trim).skip(1);
                let (name, kind) = (cells.next().unwrap(), cells.next().unwrap());
                let required = kind.strip_suffix(" (optional)");
                object.keys.push(Key {
                    name: name.trim_matches('`').to_string(),
                    kind: Kind::parse(required.unwrap_or(kind)),
                    optional: required.is_some(),
                });
            }
        }
        Self { objects, commands }
    }

    fn check(&self, envelope: &Value) -> Result<(), String> {
        self.object("The envelope", envelope, true, &[])?;
        let (data, command) = (&envelope["data"], envelope["command"].as_str());
        if data.is_null() || command == Some("") {
            return Ok(());
        }
        if data.get("dry_run").is_some() || data.get("export").is_some() {
            return self.object("Preview", data, true, &[]);
        }
        if data.get("sign_only").is_some() {
            return self.object("Signed", data, true, &[]);
        }
        // The file of signed messages has a page of its own.
        if data.get("schema_version").is_some() {
            return Ok(());
        }
        let command = command.unwrap_or_default();
        let section = self.commands.get(command);
        let section = section.ok_or_else(|| format!("there is no command `{command}`"))?;
        let complete = envelope["success"] == Value::Bool(true);
        self.object(section, data, complete, &["Commands"])
    }

    /// All keys that an object may have, with those of one of the sets that it includes.
    fn keys<'a>(&'a self, name: &str, set: usize) -> Result<Vec<&'a Key>, String> {
        let object = self.objects.get(name);
        let object = object.ok_or_else(|| format!("there is no object {name}"))?;
        let mut keys: Vec<&Key> = object.keys.iter().collect();
        for included in object.includes.get(set).into_iter().flatten() {
            keys.extend(self.keys(included, 0)?);
        }
        Ok(keys)
    }

    fn object(
        &self,
        name: &str,
        value: &Value,
        complete: bool,
        more: &[&str],
    ) -> Result<(), String> {
        let Value::Object(fields) = value else {
            return Err(format!("{name} must be an object, found {value}"));
        };
        let sets = self.objects.get(name).map_or(0, |one| one.includes.len());
        let mut outcome = Ok(());
        for set in 0..sets.max(1) {
            let mut keys = self.keys(name, set)?;
            for name in more {
                keys.extend(self.keys(name, 0)?);
            }
            outcome = self.fields(name, &keys, fields, complete);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn fields(
        &self,
        name: &str,
        keys: &[&Key],
        fields: &Map<String, Value>,
        complete: bool,
    ) -> Result<(), String> {
        for (field, value) in fields {
            let key = keys.iter().find(|key| key.name == *field);
            let key = key.ok_or_else(|| format!("{name} has no key `{field}`"))?;
            self.value(&format!("{name}.{field}"), &key.kind, value)?;
        }
        let missing = keys
            .iter()
            .find(|key| !key.optional && !fields.contains_key(&key.name));
        match missing.filter(|_| complete) {
            Some(key) => Err(format!("{name} lacks the key `{}`", key.name)),
            None => Ok(()),
        }
    }

    fn value(&self, place: &str, kind: &Kind, value: &Value) -> Result<(), String> {
        let fits = match (kind, value) {
            (Kind::Either(first, rest), _) => {
                return self
                    .value(place, first, value)
                    .or_else(|_| self.value(place, rest, value))
            }
            (Kind::Object(name), _) => {
                return self
                    .object(name, value, true, &[])
                    .map_err(|reason| format!("{place}: {reason}"))
            }
            (Kind::List(kind), Value::Array(list)) => {
                return list.iter().try_for_each(|one| self.value(place, kind, one))
            }
            (Kind::ByName(kind), Value::Object(map)) => {
                return map
                    .values()
                    .try_for_each(|one| self.value(place, kind, one))
            }
            (Kind::Text, _) => value.is_string(),
            (Kind::Number, _) => value.is_number(),
            (Kind::Boolean, _) => value.is_boolean(),
            (Kind::Null, _) => value.is_null(),
            (Kind::Any, _) => value.is_object(),
            (Kind::List(_) | Kind::ByName(_), _) => false,
        };
        match fits {
            true => Ok(()),
            false => Err(format!("{place} is {value}")),
        }
    }
}

#[test]
fn every_command_and_every_object_is_on_the_page() {
    for command in SCHEMA.commands.keys() {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
            // The help does not depend on options, which would need their values.
            .args(command.split(' ').take_while(|word| !word.starts_with('-')))
            .arg("--help")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}");
    }
    let mut undocumented: Vec<String> = Vec::new();
    commands(&[], &mut undocumented);
    undocumented.retain(|command| !SCHEMA.commands.contains_key(command));
    assert_eq!(undocumented, Vec::<String>::new());
    for (name, object) in &SCHEMA.objects {
        for set in 0..object.includes.len() {
            SCHEMA.keys(name, set).unwrap();
        }
        for key in &object.keys {
            named(&key.kind, &mut |kind| {
                assert!(
                    SCHEMA.objects.contains_key(kind),
                    "{name}.{}: {kind}",
                    key.name
                );
            });
        }
    }
}

fn named(kind: &Kind, check: &mut impl FnMut(&str)) {
    match kind {
        Kind::Object(name) => check(name),
        Kind::List(kind) | Kind::ByName(kind) => named(kind, check),
        Kind::Either(first, rest) => {
            named(first, check);
            named(rest, check);
        }
        _ => {}
    }
}

/// The commands below a command, from its help.
fn commands(above: &[&str], found: &mut Vec<String>) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(above)
        .arg("-h")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let list = help.split("Commands:\n").nth(1);
    let Some(list) = list.and_then(|rest| rest.split("\n\n").next()) else {
        found.push(above.join(" "));
        return;
    };
    for line in list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let name = line.split_whitespace().next().unwrap();
        commands(&[above, &[name]].concat(), found);
    }
}
