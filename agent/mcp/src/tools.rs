//! The tools: every method of the script API as `workflows/openrpc.json` has it, and `computer`.

use std::sync::Arc;

use karakuri_verbs::computer;
use rmcp::model::{JsonObject, Tool};
use serde_json::{Map, Value, json};

/// The published methods.
const OPENRPC: &str = include_str!("../../../workflows/openrpc.json");
/// Where its schemas refer to each other, and where a tool's schema has them.
const REFERENCES: (&str, &str) = ("#/components/schemas/", "#/$defs/");

/// Every tool, in the order of the document, `computer` last.
///
/// # Errors
/// When the document is not one: it is part of this program.
pub(crate) fn all() -> Result<Vec<Tool>, serde_json::Error> {
    let document: Value = serde_json::from_str(OPENRPC)?;
    let methods = document["methods"].as_array().into_iter().flatten();
    let mut tools: Vec<Tool> = methods.map(|method| tool(method, &document)).collect();
    let description = "An action of a model for computer use: as Anthropic's computer tool \
                       (`action`) or as OpenAI's (`type`, several in `actions`) has it.";
    tools.push(Tool::new(computer::METHOD, description, object(computer::schema())));
    Ok(tools)
}

fn tool(method: &Value, document: &Value) -> Tool {
    let text = |key: &str| method[key].as_str().unwrap_or_default();
    let description = format!("{} {}", text("summary"), text("description"));
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for param in method["params"].as_array().into_iter().flatten() {
        let name = param["name"].as_str().unwrap_or_default();
        properties.insert(name.to_owned(), param["schema"].clone());
        if param["required"] == true {
            required.push(name);
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let mut definitions = Map::new();
    refer(&mut schema, &document["components"]["schemas"], &mut definitions);
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    Tool::new(text("name").to_owned(), description.trim().to_owned(), object(schema))
}

/// Turns the references in `schema` to those of a tool, and collects what they lead to.
fn refer(schema: &mut Value, known: &Value, definitions: &mut Map<String, Value>) {
    match schema {
        Value::Object(parts) => {
            for (key, part) in parts.iter_mut() {
                let name = part.as_str().and_then(|text| text.strip_prefix(REFERENCES.0));
                let Some(name) = name.filter(|_| key == "$ref").map(str::to_owned) else {
                    refer(part, known, definitions);
                    continue;
                };
                *part = Value::String(format!("{}{name}", REFERENCES.1));
                if !definitions.contains_key(&name) {
                    // Known before it is looked into: targets lead to themselves.
                    definitions.insert(name.clone(), Value::Null);
                    let mut found = known[&name].clone();
                    refer(&mut found, known, definitions);
                    definitions.insert(name, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                refer(item, known, definitions);
            }
        }
        _ => {}
    }
}

fn object(schema: Value) -> Arc<JsonObject> {
    Arc::new(match schema {
        Value::Object(parts) => parts,
        _ => Map::new(),
    })
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::script::METHODS;

    use super::*;

    #[test]
    fn the_tools_are_the_methods_and_computer() {
        let tools = all().unwrap();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, [METHODS, &[computer::METHOD]].concat());
    }

    #[test]
    fn a_tool_has_the_description_and_the_parameters_that_are_published() {
        let document: Value = serde_json::from_str(OPENRPC).unwrap();
        let tools = all().unwrap();
        for (method, tool) in document["methods"].as_array().unwrap().iter().zip(&tools) {
            let description = tool.description.as_deref().unwrap();
            assert!(description.starts_with(method["summary"].as_str().unwrap()), "{description}");
            let params = method["params"].as_array().unwrap();
            let schema = tool.schema_as_json_value();
            assert_eq!(schema["properties"].as_object().unwrap().len(), params.len());
            for param in params {
                let name = param["name"].as_str().unwrap();
                let as_published = schema["properties"][name].to_string();
                let as_published = as_published.replace(REFERENCES.1, REFERENCES.0);
                assert_eq!(as_published, param["schema"].to_string(), "{}.{name}", tool.name);
                let required = schema["required"].as_array().unwrap().contains(&json!(name));
                assert_eq!(required, param["required"] == true, "{}.{name}", tool.name);
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for tool in all().unwrap() {
            let schema = tool.schema_as_json_value();
            let text = schema.to_string();
            assert!(!text.contains(REFERENCES.0), "{}", tool.name);
            for reference in text.split("\"$ref\":\"#").skip(1) {
                let path = reference.split('"').next().unwrap();
                assert!(
                    schema.pointer(path).is_some_and(Value::is_object),
                    "{}: {path}",
                    tool.name
                );
            }
        }
    }
}
