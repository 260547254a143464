//! The tools of the sample servers and what they answer.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// One MCP server of the sample: where it is reached, and its tools.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The path of its MCP endpoint.
    pub path: &'static str,
    /// Its name in policies.
    pub server: &'static str,
    /// Its tools in the order of `tools/list`.
    pub tools: Vec<Tool>,
}

/// What `get_service_config` tells that nobody should see: an access key, its secret, and the password of a database.
/// They have the form of real ones, and open nothing.
pub const SECRETS: [&str; 3] = ["AKIAQ3EGRZ7PLM5VWXTD", "wJ8kq2Rz7LxT4vNc9PbYd1FhGm5SsAe3UoQiVtXn", "Vx7mT2qLw9zR"];

/// The two servers of the sample: `billing` (customers, invoices, refunds) and `platform` (deployments).
pub fn endpoints() -> Vec<Endpoint> {
    let text = || json!({"type": "string"});
    let billing = vec![
        tool(
            "list_customers",
            "Lists customers, newest first.",
            Kind::Read,
            &[("limit", json!({"type": "integer", "minimum": 1, "maximum": 100}))],
            &[],
        ),
        tool("get_customer", "Reads one customer.", Kind::Read, &[("customer_id", text())], &["customer_id"])
            .with_raw_output_schema(Arc::new(object(
                &[("id", text()), ("name", text()), ("email", text()), ("balance", json!({"type": "number"}))],
                &["id", "name", "email", "balance"],
            ))),
        tool(
            "search_invoices",
            "Finds invoices by customer or state.",
            Kind::Read,
            &[("customer_id", text()), ("state", json!({"type": "string", "enum": ["open", "paid", "void"]}))],
            &[],
        ),
        tool(
            "issue_refund",
            "Refunds an invoice, in whole or in part.",
            Kind::Write,
            &[("invoice_id", text()), ("amount", json!({"type": "number", "exclusiveMinimum": 0})), ("reason", text())],
            &["invoice_id", "amount"],
        ),
        tool(
            "update_customer",
            "Changes a customer's contact data.",
            Kind::Write,
            &[("customer_id", text()), ("email", text())],
            &["customer_id"],
        ),
        tool(
            "delete_customer",
            "Deletes a customer and all invoices.",
            Kind::Destructive,
            &[("customer_id", text())],
            &["customer_id"],
        ),
        tool("get_payment_credentials", "Reads the API key of the payment provider.", Kind::Read, &[], &[]),
    ];
    let environment = json!({"type": "string", "enum": ["staging", "production"], "x-mcp-header": "Environment"});
    let platform = vec![
        tool("list_deployments", "Lists what runs where.", Kind::Read, &[], &[]),
        tool(
            "get_deployment_log",
            "Reads the last lines of a deployment's log.",
            Kind::Read,
            &[("service", text())],
            &["service"],
        ),
        tool(
            "get_service_config",
            "Reads a service's configuration file.",
            Kind::Read,
            &[("service", text())],
            &["service"],
        ),
        tool(
            "restart_deployment",
            "Restarts a service; reports progress.",
            Kind::Write,
            &[("service", text()), ("environment", environment.clone())],
            &["service", "environment"],
        ),
        tool(
            "roll_back_deployment",
            "Goes back to the version before.",
            Kind::Destructive,
            &[("service", text()), ("environment", environment)],
            &["service", "environment"],
        ),
        tool(
            "set_service_config",
            "Sets one value in a service's configuration file.",
            Kind::Write,
            &[("service", text()), ("name", text()), ("value", text())],
            &["service", "name", "value"],
        ),
    ];
    vec![
        Endpoint { path: "/mcp/billing", server: "billing", tools: billing },
        Endpoint { path: "/mcp/platform", server: "platform", tools: platform },
    ]
}

#[derive(Clone, Copy)]
enum Kind {
    Read,
    Write,
    Destructive,
}

fn tool(
    name: &'static str,
    description: &'static str,
    kind: Kind,
    properties: &[(&str, Value)],
    required: &[&str],
) -> Tool {
    let annotations = match kind {
        Kind::Read => ToolAnnotations::new().read_only(true),
        Kind::Write => ToolAnnotations::new().read_only(false).destructive(false),
        Kind::Destructive => ToolAnnotations::new().read_only(false).destructive(true),
    };
    Tool::new(name, description, Arc::new(object(properties, required))).with_annotations(annotations)
}

/// A schema of objects with these properties and no others.
fn object(properties: &[(&str, Value)], required: &[&str]) -> JsonObject {
    let properties: Map<String, Value> =
        properties.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())).collect();
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// What a tool answers, as structured content.
pub(super) fn answer(tool: &str, arguments: &JsonObject) -> Value {
    let argument = |name: &str| arguments.get(name).cloned().unwrap_or(Value::Null);
    match tool {
        "list_customers" => json!({"customers": [
            {"id": "cus_1042", "name": "Northwind Traders", "plan": "business"},
            {"id": "cus_1043", "name": "Tailspin Toys", "plan": "starter"},
        ]}),
        "get_customer" => {
            json!({"id": argument("customer_id"), "name": "Northwind Traders", "email": "ap@northwind.example", "balance": 0})
        }
        "search_invoices" => json!({"invoices": [
            {"id": "inv_2207", "customer_id": "cus_1042", "state": "paid", "amount": 240.0},
            {"id": "inv_2208", "customer_id": "cus_1042", "state": "open", "amount": 89.5},
        ]}),
        "issue_refund" => {
            json!({"refund_id": "ref_311", "invoice_id": argument("invoice_id"), "amount": argument("amount"), "state": "pending"})
        }
        "update_customer" => json!({"id": argument("customer_id"), "updated": true}),
        "delete_customer" => json!({"id": argument("customer_id"), "deleted": true}),
        "get_payment_credentials" => json!({"provider": "example-pay", "api_key": "not-a-real-key"}),
        "list_deployments" => json!({"deployments": [
            {"service": "checkout", "environment": "production", "version": "2026.11.20-3", "healthy": true},
            {"service": "search", "environment": "staging", "version": "2026.11.23-1", "healthy": false},
        ]}),
        "get_deployment_log" => json!({"service": argument("service"), "lines": ["ready", "GET /health 200"]}),
        "get_service_config" => {
            let [key, secret, password] = SECRETS;
            let database = format!("postgres://checkout:{password}@db.example.com:5432/checkout");
            let text = format!(
                "AWS_ACCESS_KEY_ID={key}\nAWS_SECRET_ACCESS_KEY={secret}\nDATABASE_URL={database}\nLOG_LEVEL=info\n"
            );
            let values = json!({
                "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret,
                "DATABASE_URL": database,
                "LOG_LEVEL": "info",
            });
            json!({"service": argument("service"), "env": text, "values": values})
        }
        "set_service_config" => json!({"service": argument("service"), "name": argument("name"), "set": true}),
        "restart_deployment" => {
            json!({"service": argument("service"), "environment": argument("environment"), "restarted": true})
        }
        "roll_back_deployment" => json!({"service": argument("service"), "version": "2026.11.19-1"}),
        other => json!({"tool": other}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_names_are_unique_and_every_tool_answers() {
        let tools: Vec<Tool> = endpoints().into_iter().flat_map(|it| it.tools).collect();
        let mut names: Vec<&str> = tools.iter().map(|it| it.name.as_ref()).collect();
        for name in &names {
            assert!(answer(name, &JsonObject::new()).get("tool").is_none(), "{name} has no answer of its own");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), tools.len());
    }
}
