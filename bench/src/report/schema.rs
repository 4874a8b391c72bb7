//! The published schema of saved runs, `schema/run.schema.json`, held against the model.

/// The schema, as published.
pub const SCHEMA: &str = include_str!("../../schema/run.schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::SCHEMA;
    use crate::report::run::Run;
    use crate::report::{sample, saved};

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    /// The keywords our schema uses, and no others: an unknown one fails the test.
    fn errors(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (keyword, rule) in schema.as_object().unwrap() {
            let bad = |what: &str| vec![format!("{at}: {what} {rule}, but is {value}")];
            let all = |rules: &Value| -> Vec<Vec<String>> {
                let rules = rules.as_array().unwrap();
                rules.iter().map(|rule| errors(root, rule, value, at)).collect()
            };
            found.extend(match keyword.as_str() {
                "$ref" => {
                    let pointer = rule.as_str().unwrap().trim_start_matches('#');
                    errors(root, root.pointer(pointer).unwrap(), value, at)
                }
                "oneOf" if all(rule).iter().filter(|errors| errors.is_empty()).count() == 1 => {
                    vec![]
                }
                // The first alternative is the one that is meant.
                "oneOf" => all(rule).swap_remove(0),
                "anyOf" if all(rule).iter().any(Vec::is_empty) => vec![],
                "anyOf" => all(rule).swap_remove(0),
                "const" if rule == value => vec![],
                "const" => bad("is to be"),
                "type" => {
                    let is = |name: &Value| match name.as_str().unwrap() {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "boolean" => value.is_boolean(),
                        "number" => value.is_number(),
                        "integer" => value.is_i64() || value.is_u64(),
                        "null" => value.is_null(),
                        name => panic!("the test knows no type {name}"),
                    };
                    let fits =
                        rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is));
                    if fits { vec![] } else { bad("has type") }
                }
                "minimum" if value.as_f64() < rule.as_f64() && value.is_number() => {
                    bad("is at least")
                }
                "maximum" if value.as_f64() > rule.as_f64() => bad("is at most"),
                "minItems" if (items(value).len() as u64) < rule.as_u64().unwrap() => {
                    bad("has at least")
                }
                "maxItems" if items(value).len() as u64 > rule.as_u64().unwrap() => {
                    bad("has at most")
                }
                "required" => {
                    let missing = |name: &&Value| value.get(name.as_str().unwrap()).is_none();
                    let names = rule.as_array().unwrap().iter().filter(missing);
                    names.map(|name| format!("{at}: {name} is missing")).collect()
                }
                "items" => {
                    let each = items(value).iter().enumerate();
                    each.flat_map(|(n, item)| errors(root, rule, item, &format!("{at}/{n}")))
                        .collect()
                }
                "properties" => {
                    let each = rule.as_object().unwrap().iter();
                    each.filter_map(|(name, rule)| Some((name, rule, value.get(name)?)))
                        .flat_map(|(name, rule, value)| {
                            errors(root, rule, value, &format!("{at}/{name}"))
                        })
                        .collect()
                }
                "additionalProperties" => {
                    let each = value.as_object().into_iter().flatten();
                    each.flat_map(|(name, value)| {
                        errors(root, rule, value, &format!("{at}/{name}"))
                    })
                    .collect()
                }
                "minimum" | "maximum" | "minItems" | "maxItems" | "format" | "description"
                | "title" | "$schema" | "$defs" => vec![],
                keyword => panic!("the test knows no keyword {keyword}"),
            });
        }
        found
    }

    fn items(value: &Value) -> &[Value] {
        value.as_array().map_or(&[], Vec::as_slice)
    }

    fn complaints(value: &Value) -> Vec<String> {
        let schema = schema();
        errors(&schema, &schema, value, "")
    }

    fn written(runs: &[Run]) -> Value {
        serde_json::from_str(&saved::text(runs)).unwrap()
    }

    #[test]
    fn what_is_written_obeys_the_schema() {
        let single = [
            sample::closed_loop(),
            sample::open_loop(),
            sample::broken(),
            sample::unverified(),
            sample::complete(),
        ];
        for run in single {
            assert_eq!(complaints(&written(&[run])), Vec::<String>::new());
        }
        assert_eq!(complaints(&written(&sample::comparison())), Vec::<String>::new());
        // As the default measurement writes them.
        let runs = json!({"schema_version": 1, "runs": written(&sample::comparison())});
        assert_eq!(complaints(&runs), Vec::<String>::new());
    }

    #[test]
    fn what_disobeys_is_found() {
        for (pointer, wrong) in [
            ("/tool", json!("jmeter")),
            ("/started", json!(7)),
            ("/target/protocol", json!("h3")),
            ("/repetitions/0/phases/0/records", json!(-1)),
            ("/repetitions/0/phases/0/latency", json!({})),
            ("/repetitions/0/per_shard/0/share", json!(1.5)),
            ("/environment/load_average_before", json!([1.0])),
        ] {
            let mut value = written(&[sample::closed_loop()]);
            *value.pointer_mut(pointer).unwrap() = wrong;
            assert!(!complaints(&value).is_empty(), "{pointer}");
        }
    }

    /// Every field that is written, as `Definition.field`, following the schema's references.
    fn fields(
        root: &Value,
        schema: &Value,
        value: &Value,
        name: &str,
        found: &mut BTreeSet<String>,
    ) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.trim_start_matches("#/$defs/");
            return fields(root, &root["$defs"][name], value, name, found);
        }
        for alternative in ["anyOf", "oneOf"].iter().flat_map(|keyword| items(&schema[*keyword])) {
            if errors(root, alternative, value, "").is_empty() {
                fields(root, alternative, value, name, found);
            }
        }
        for item in items(value) {
            fields(root, &schema["items"], item, name, found);
        }
        if schema["properties"].is_object() {
            for (key, value) in value.as_object().into_iter().flatten() {
                found.insert(format!("{name}.{key}"));
                fields(root, &schema["properties"][key], value, name, found);
            }
        }
    }

    #[test]
    fn the_schema_lists_every_field_and_no_other() {
        let schema = schema();
        let mut written_fields = BTreeSet::new();
        let value = written(&[sample::complete()]);
        fields(&schema, &schema, &value, "", &mut written_fields);

        let mut listed = BTreeSet::new();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            for key in
                definition["properties"].as_object().into_iter().flatten().map(|(key, _)| key)
            {
                listed.insert(format!("{name}.{key}"));
            }
        }
        assert_eq!(written_fields, listed);
    }
}
