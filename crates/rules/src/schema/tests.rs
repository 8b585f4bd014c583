//! The schema takes what the readers take.

use serde_json::{Value, json};

use super::schema;
use crate::syntax;

/// Whether `value` fulfils `schema`; understands the keywords that [`schema`] uses and no others.
pub(crate) fn validate(schema: &Value, value: &Value, root: &Value) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return if schema == &json!(true) { Ok(()) } else { Err("nothing is allowed here".into()) };
    };
    let type_fits = |name: &str| match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    };
    for (keyword, want) in keywords {
        let fits = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "then" | "items" | "properties" => true,
            "$ref" => {
                let name = want.as_str().and_then(|path| path.strip_prefix("#/$defs/")).expect("a local reference");
                validate(&root["$defs"][name], value, root)?;
                true
            }
            "type" => match want {
                Value::Array(names) => names.iter().filter_map(Value::as_str).any(type_fits),
                name => type_fits(name.as_str().expect("a type")),
            },
            "enum" => want.as_array().expect("a list").contains(value),
            "minimum" => value.as_f64().is_none_or(|n| n >= want.as_f64().expect("a number")),
            "maximum" => value.as_f64().is_none_or(|n| n <= want.as_f64().expect("a number")),
            "pattern" => {
                let case = kilat_matcher::Case::Sensitive;
                let pattern = kilat_matcher::Regex::new(want.as_str().expect("a pattern"), case).expect("compiles");
                value.as_str().is_none_or(|text| pattern.is_match(text, &mut Default::default()))
            }
            "required" => {
                let names = want.as_array().expect("a list").iter().filter_map(Value::as_str);
                value.as_object().is_none_or(|object| names.clone().all(|name| object.contains_key(name)))
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                let others = value.as_object().into_iter().flatten();
                let mut others = others.filter(|(key, _)| !known.is_some_and(|known| known.contains_key(*key)));
                match want {
                    Value::Bool(false) => others.next().is_none(),
                    want => others.all(|(_, value)| validate(want, value, root).is_ok()),
                }
            }
            "anyOf" => {
                let choices: Vec<_> = want.as_array().expect("a list").iter().collect();
                let errors: Vec<_> = choices.iter().map(|choice| validate(choice, value, root)).collect();
                if errors.iter().all(Result::is_err) {
                    return Err(format!("{value} fits no choice: {errors:?}"));
                }
                true
            }
            "allOf" => {
                for part in want.as_array().expect("a list") {
                    validate(part, value, root)?;
                }
                true
            }
            "if" => {
                if validate(want, value, root).is_ok() {
                    validate(&schema["then"], value, root)?;
                }
                true
            }
            other => panic!("unknown keyword {other}"),
        };
        if !fits {
            return Err(format!("{value} breaks {keyword}: {want}"));
        }
    }
    if let (Some(items), Some(values)) = (keywords.get("items"), value.as_array()) {
        values.iter().try_for_each(|value| validate(items, value, root))?;
    }
    if let (Some(properties), Some(object)) = (keywords.get("properties").and_then(Value::as_object), value.as_object())
    {
        for (key, value) in object {
            if let Some(want) = properties.get(key) {
                validate(want, value, root).map_err(|error| format!("{key}: {error}"))?;
            }
        }
    }
    Ok(())
}

/// Checks every document of a file.
fn check(file: &str, text: &str) -> Result<(), String> {
    let schema = schema();
    let mut report = crate::diagnostic::Report::new(file);
    for root in syntax::read(text, &mut report) {
        validate(&schema, &root.to_json(), &schema)?;
    }
    Ok(())
}

#[test]
fn the_schema_takes_every_template() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(templates).expect("the templates") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        check("template", &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        seen += 1;
    }
    assert!(seen >= 12);
}

#[test]
fn the_schema_refuses_what_the_readers_do_not_know() {
    let rule = |condition: &str, action: &str| {
        format!(
            "{{workspace: a, rules: [{{id: r, trigger: message.created, conditions: [{condition}], actions: [{action}]}}]}}"
        )
    };
    let condition = "{field: message.text, op: contains, value: order}";
    let action = "{type: add_tag, value: vip}";
    assert_eq!(check("ok", &rule(condition, action)), Ok(()));
    for (condition, action) in [
        ("{field: message.txt, op: contains, value: order}", action),
        ("{field: message.text, op: holds, value: order}", action),
        ("{field: message.text, op: gt, value: order}", action),
        ("{field: message.has_media, op: equals, value: order}", action),
        ("{field: message.text, op: contains, value: order, valeu: 1}", action),
        ("{value: order}", action),
        (condition, "{type: add_tagg, value: vip}"),
        (condition, "{type: add_tag}"),
        (condition, "{type: add_tag, value: vip, ttl: 1h}"),
    ] {
        assert!(check("bad", &rule(condition, action)).is_err(), "{condition} {action}");
    }
}

/// What stands under `key` in the golden cases of one folder.
fn golden_cases(folder: &str, key: &str) -> Vec<(String, Value)> {
    let files = crate::tests::golden_files(folder).into_iter();
    files
        .flat_map(|(path, text)| {
            let root = crate::tests::yaml(&path, &text);
            let mut cases = root["cases"].as_array().expect("cases").clone();
            cases.retain(|case| case["refused"].is_null());
            cases.into_iter().map(move |case| (path.display().to_string(), case[key].clone()))
        })
        .collect()
}

/// Every kind has golden cases for all it takes; the schema takes those, and of every kind knows the name.
#[test]
fn the_schema_takes_every_kind_of_condition_and_action() {
    let schema = schema();
    let rule = |conditions: Value, actions: Value| {
        let rule = json!({"id": "r", "trigger": "message.created", "conditions": conditions, "actions": actions});
        let endpoints: Value = json!({});
        validate(&schema, &json!({"workspace": "acme", "endpoints": endpoints, "rules": [rule]}), &schema)
    };
    for kind in crate::conditions::ALL {
        for (file, condition) in golden_cases(&format!("conditions/{}", kind.name), "condition") {
            rule(json!([condition]), json!([])).unwrap_or_else(|error| panic!("{file}: {condition}: {error}"));
        }
    }
    for kind in crate::actions::ALL {
        for (file, action) in golden_cases(&format!("actions/{}", kind.name), "action") {
            rule(json!([]), json!([action])).unwrap_or_else(|error| panic!("{file}: {action}: {error}"));
        }
        for name in std::iter::once(&kind.name).chain(kind.compat) {
            assert!(schema["$defs"]["action_type"]["enum"].as_array().unwrap().contains(&json!(name)), "{name}");
        }
    }
    for field in crate::fields::ALL {
        let name = if field.name.ends_with('.') { format!("{}x", field.name) } else { field.name.to_owned() };
        rule(json!([{"field": name, "op": "is_present"}]), json!([])).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for kind in kilat_domain::EventKind::KNOWN {
        assert!(schema["$defs"]["trigger"]["enum"].as_array().unwrap().contains(&json!(kind)), "{kind}");
    }
    for (op, name, compat) in crate::operators::ALL {
        for name in std::iter::once(name).chain(*compat) {
            assert_eq!(crate::operators::Op::parse(name), Some(*op));
            assert!(schema["$defs"]["operator"]["enum"].as_array().unwrap().contains(&json!(name)), "{name}");
        }
    }
}

#[test]
fn the_share_of_events_that_are_explained_is_between_none_and_all() {
    for (share, fits) in [("0", true), ("0.01", true), ("1", true), ("1.5", false), ("-1", false), ("all", false)] {
        let checked =
            check("explain", &format!("{{workspace: a, settings: {{explain: {{sample: {share}}}}}, rules: []}}"));
        assert_eq!(checked.is_ok(), fits, "{share}: {checked:?}");
    }
}
