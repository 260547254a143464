//! Documents that give names to values: configuration, logs, dumps, code.

use crate::draft::{Case, Draft, Entry};
use crate::random::Random;

/// Which values a document can hold as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// Any.
    All,
    /// Those without characters that a URL escapes.
    Url,
}

/// A kind of document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: &'static str,
    head: &'static str,
    /// Ways to write an entry; one document keeps to one.
    lines: &'static [&'static str],
    join: &'static str,
    foot: &'static str,
    case: Case,
    pub(crate) values: Values,
    /// The most entries it holds.
    pub(crate) most: Option<usize>,
}

impl Document {
    /// Writes the document with these entries.
    pub(crate) fn write(&self, draft: &mut Draft, entries: &[Entry], random: &mut Random) {
        draft.write(self.head, None, random);
        let line = random.pick(self.lines);
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                draft.text.push_str(self.join);
            }
            draft.write(line, Some((entry, self.case)), random);
        }
        draft.write(self.foot, None, random);
    }
}

const fn lines(
    name: &'static str,
    case: Case,
    head: &'static str,
    lines: &'static [&'static str],
    foot: &'static str,
) -> Document {
    Document { name, head, lines, join: "\n", foot, case, values: Values::All, most: None }
}

const fn list(
    name: &'static str,
    case: Case,
    head: &'static str,
    lines: &'static [&'static str],
    foot: &'static str,
) -> Document {
    Document { name, head, lines, join: ",", foot, case, values: Values::All, most: None }
}

const fn short(
    name: &'static str,
    case: Case,
    head: &'static str,
    lines: &'static [&'static str],
    join: &'static str,
    foot: &'static str,
) -> Document {
    Document { name, head, lines, join, foot, case, values: Values::All, most: Some(3) }
}

use Case::{Camel, Dotted, Kebab, Pascal, Snake, Title, Upper};

/// All of them.
pub(crate) const DOCUMENTS: &[Document] = &[
    lines(
        "env",
        Upper,
        "# «svc», do not commit\n",
        &["«k»=«v»", "«k»=\"«v»\"", "«k»='«v»'", "export «k»=«v»", "«k» = «v»"],
        "\n",
    ),
    lines(
        "env-export",
        Upper,
        "#!/bin/sh\nset -eu\n",
        &["export «k»=\"«v»\"", "export «k»='«v»'", "declare -x «k»=\"«v»\""],
        "\nexec ./«svc»\n",
    ),
    lines(
        "yaml",
        Snake,
        "---\nservice: «svc»\nsettings:\n",
        &["  «k»: \"«v»\"", "  «k»: '«v»'", "    «k»: «v»"],
        "\nreplicas: 3\n",
    ),
    lines("yaml-camel", Camel, "apiVersion: v1\nconfig:\n", &["  «k»: \"«v»\"", "  «k»: «v»"], "\n"),
    lines(
        "helm-values",
        Camel,
        "image:\n  repository: registry.example.com/«svc»\n  tag: \"1.4.«n»\"\nauth:\n",
        &["  «k»: \"«v»\"", "  «k»: «v»"],
        "\nresources:\n  limits: {cpu: 500m, memory: 512Mi}\n",
    ),
    list(
        "json-pretty",
        Camel,
        "{\n  \"service\": \"«svc»\",",
        &["\n  \"«k»\": \"«v»\"", "\n    \"«k»\" : \"«v»\""],
        "\n}\n",
    ),
    list(
        "json-snake",
        Snake,
        "{\n  \"env\": \"production\",\n  \"settings\": {",
        &["\n    \"«k»\": \"«v»\""],
        "\n  }\n}",
    ),
    list("json-compact", Snake, "{\"id\":\"«uuid»\",", &["\"«k»\":\"«v»\""], ",\"updated_at\":\"«ts»\"}"),
    list(
        "json-upper",
        Upper,
        "{\"FunctionName\":\"«svc»\",\"Runtime\":\"python3.12\",\"CodeSha256\":\"«{s43}»=\",\"Environment\":{\"Variables\":{",
        &["\"«k»\":\"«v»\"", " \"«k»\": \"«v»\""],
        "}},\"TracingConfig\":{\"Mode\":\"PassThrough\"}}",
    ),
    lines("ini", Snake, "[«svc»]\n", &["«k» = «v»", "«k»=«v»", "«k»: «v»"], "\n\n[logging]\nlevel = info\n"),
    lines("toml", Snake, "[package]\nname = \"«svc»\"\n\n[auth]\n", &["«k» = \"«v»\"", "«k» = '«v»'"], "\n"),
    lines("properties", Dotted, "# «date»\n", &["«k»=«v»", "«k» = «v»", "spring.«k»=«v»"], "\n"),
    lines("tfvars", Snake, "# terraform.tfvars\n", &["«k» = \"«v»\"", "«k»               = \"«v»\""], "\n"),
    lines(
        "terraform",
        Snake,
        "resource \"aws_lambda_function\" \"«svc»\" {\n  function_name = \"«svc»\"\n  environment {\n    variables = {\n",
        &["      «k» = \"«v»\""],
        "\n    }\n  }\n}\n",
    ),
    list(
        "tfstate",
        Snake,
        "{\n  \"version\": 4,\n  \"terraform_version\": \"1.9.5\",\n  \"serial\": «n»,\n  \"lineage\": \"«uuid»\",\n  \"resources\": [{\"mode\": \"managed\", \"type\": \"aws_db_instance\", \"instances\": [{\"schema_version\": 2, \"attributes\": {\n    \"arn\": \"arn:aws:rds:eu-west-1:123456789012:db:«svc»\",",
        &["\n    \"«k»\": \"«v»\""],
        "\n  }, \"sensitive_attributes\": []}]}]\n}",
    ),
    lines(
        "terraform-plan",
        Snake,
        "  # aws_ssm_parameter.«svc» will be created\n  + resource \"aws_ssm_parameter\" \"«svc»\" {\n",
        &["      + «k» = \"«v»\"", "      ~ «k»   = \"«v»\""],
        "\n    }\n\nPlan: 1 to add, 0 to change, 0 to destroy.\n",
    ),
    lines(
        "k8s-env",
        Upper,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: «svc»\nspec:\n  template:\n    spec:\n      containers:\n      - name: «svc»\n        image: registry.example.com/«svc»@sha256:«hex64»\n        env:\n",
        &[
            "        - name: «k»\n          value: \"«v»\"",
            "        - name: «k»\n          value: «v»",
            "        - { name: «k», value: \"«v»\" }",
        ],
        "\n        ports:\n        - containerPort: 8080\n",
    ),
    list(
        "k8s-env-json",
        Upper,
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"«pod»\",\"uid\":\"«uuid»\",\"resourceVersion\":\"«{d8}»\"},\"spec\":{\"containers\":[{\"name\":\"«svc»\",\"env\":[",
        &["{\"name\":\"«k»\",\"value\":\"«v»\"}", "\n  {\n    \"name\": \"«k»\",\n    \"value\": \"«v»\"\n  }"],
        "],\"imagePullPolicy\":\"Always\"}]}}",
    ),
    list(
        "ecs-task",
        Upper,
        "{\"family\":\"«svc»\",\"containerDefinitions\":[{\"name\":\"«svc»\",\"cpu\":256,\"environment\":[",
        &["{\"name\": \"«k»\", \"value\": \"«v»\"}", "{\"value\":\"«v»\",\"name\":\"«k»\"}"],
        "]}],\"revision\":«n»}",
    ),
    list(
        "ci-variables",
        Upper,
        "[",
        &[
            "{\"variable_type\":\"env_var\",\"key\":\"«k»\",\"value\":\"«v»\",\"protected\":true,\"masked\":false}",
            "\n {\"key\": \"«k»\", \"value\": \"«v»\", \"environment_scope\": \"*\"}",
        ],
        "]",
    ),
    lines(
        "k8s-secret-string-data",
        Kebab,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: «svc»-credentials\ntype: Opaque\nstringData:\n",
        &["  «k»: \"«v»\"", "  «k»: «v»"],
        "\n",
    ),
    lines(
        "compose",
        Upper,
        "services:\n  «svc»:\n    image: registry.example.com/«svc»:1.«n2»\n    environment:\n",
        &["      «k»: \"«v»\"", "      - «k»=«v»", "      «k»: «v»"],
        "\n    ports: [\"8080:8080\"]\n",
    ),
    list(
        "docker-inspect",
        Upper,
        "[{\"Id\": \"«hex64»\", \"Created\": \"«ts»\", \"Config\": {\"Hostname\": \"«{x12}»\", \"Env\": [",
        &["\n    \"«k»=«v»\"", "\"«k»=«v»\""],
        ", \"PATH=/usr/local/bin:/usr/bin:/bin\"]}}]",
    ),
    short(
        "docker-run",
        Upper,
        "$ docker run --rm -d --name «svc» ",
        &["-e «k»=«v»", "--env «k»=\"«v»\"", "-e '«k»=«v»'"],
        " ",
        " registry.example.com/«svc»:latest\n«hex64»\n",
    ),
    lines(
        "java",
        Camel,
        "package com.example.«svc»;\n\npublic final class Settings {\n",
        &[
            "    private static final String «k» = \"«v»\";",
            "    public String «k» = \"«v»\";",
            "        props.setProperty(\"«k»\", \"«v»\");",
        ],
        "\n}\n",
    ),
    lines(
        "csharp",
        Pascal,
        "namespace Example.«svc»;\n\npublic static class Settings\n{\n",
        &[
            "    public const string «k» = \"«v»\";",
            "    public string «k» { get; set; } = \"«v»\";",
            "        config[\"«k»\"] = \"«v»\";",
        ],
        "\n}\n",
    ),
    list(
        "appsettings",
        Pascal,
        "{\n  \"Logging\": { \"LogLevel\": { \"Default\": \"Information\" } },\n  \"«svc»\": {",
        &["\n    \"«k»\": \"«v»\""],
        "\n  }\n}\n",
    ),
    lines(
        "python",
        Upper,
        "import os\n\nDEBUG = False\n",
        &["«k» = \"«v»\"", "«k» = '«v»'", "os.environ[\"«k»\"] = \"«v»\"", "«k»: str = \"«v»\""],
        "\n",
    ),
    list(
        "python-dict",
        Snake,
        "Traceback (most recent call last):\n  File \"/srv/«svc»/main.py\", line «n», in connect\n    client = Client(**options)\nValueError: bad options: {",
        &["'«k»': '«v»'"],
        ", 'retries': 3}\n",
    ),
    list(
        "javascript",
        Camel,
        "module.exports = {",
        &["\n  «k»: '«v»'", "\n  «k»: \"«v»\"", "\n  \"«k»\": `«v»`"],
        "\n};\n",
    ),
    lines(
        "typescript",
        Camel,
        "import { connect } from './«svc»';\n\n",
        &["const «k» = '«v»';", "export const «k»: string = \"«v»\";", "process.env.«k» ??= '«v»';"],
        "\n",
    ),
    lines("go", Pascal, "package main\n\nvar cfg = Config{\n", &["\t«k»: \"«v»\",", "\t«k»:    `«v»`,"], "\n}\n"),
    lines("go-const", Camel, "package «svc»\n\nconst (\n", &["\t«k» = \"«v»\"", "\t«k» string = \"«v»\""], "\n)\n"),
    lines(
        "rust",
        Upper,
        "//! Settings of «svc».\n\n",
        &["const «k»: &str = \"«v»\";", "pub static «k»: &'static str = \"«v»\";"],
        "\n",
    ),
    list("php", Snake, "<?php\nreturn [", &["\n    '«k»' => '«v»'", "\n    \"«k»\" => \"«v»\""], "\n];\n"),
    lines(
        "ruby",
        Snake,
        "Rails.configure do |config|\n",
        &["  config.«k» = \"«v»\"", "  config.«k» = '«v»'", "  ENV['«k»'] ||= '«v»'"],
        "\nend\n",
    ),
    lines(
        "xml-settings",
        Pascal,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <appSettings>\n",
        &["    <add key=\"«k»\" value=\"«v»\" />", "    <add value=\"«v»\" key=\"«k»\"/>"],
        "\n  </appSettings>\n</configuration>\n",
    ),
    lines(
        "xml-elements",
        Camel,
        "<settings>\n  <id>«svc»</id>\n",
        &["  <«k»>«v»</«k»>", "  <property name=\"«k»\">«v»</property>"],
        "\n</settings>\n",
    ),
    lines(
        "psql",
        Snake,
        "      name      |  value  \n----------------+---------\n",
        &[" «k» | «v»", " «k»                 | «v» "],
        "\n(4 rows)\n",
    ),
    lines(
        "sql-insert",
        Snake,
        "BEGIN;\n",
        &[
            "INSERT INTO settings (name, value) VALUES ('«k»', '«v»');",
            "UPDATE config SET value = '«v»' WHERE name = '«k»';",
        ],
        "\nCOMMIT;\n",
    ),
    lines(
        "printenv",
        Upper,
        "$ kubectl exec -it «pod» -- env\nHOSTNAME=«pod»\nKUBERNETES_PORT=tcp://10.96.0.1:443\n",
        &["«k»=«v»"],
        "\nHOME=/root\nSHLVL=1\n",
    ),
    lines(
        "shell-trace",
        Upper,
        "«ts» + cd /srv/«svc»\n",
        &["+ export «k»=«v»", "++ «k»=«v»", "«ts» + «k»='«v»'"],
        "\n+ ./run.sh\n",
    ),
    lines(
        "ci-log",
        Upper,
        "##[group]Run make deploy\nmake deploy\nshell: /usr/bin/bash -e {0}\nenv:\n",
        &["  «k»: «v»", "«ts»   «k»: «v»"],
        "\n##[endgroup]\n«ts» Deployed «svc» at «sha7»\n",
    ),
    lines(
        "dockerfile",
        Upper,
        "FROM debian:trixie-slim\nWORKDIR /app\n",
        &["ENV «k»=«v»", "ENV «k» «v»", "ARG «k»=\"«v»\""],
        "\nCOPY . .\nCMD [\"./«svc»\"]\n",
    ),
    lines(
        "systemd",
        Upper,
        "[Unit]\nDescription=«svc»\n\n[Service]\nExecStart=/usr/bin/«svc»\n",
        &["Environment=\"«k»=«v»\"", "Environment=«k»=«v»"],
        "\n\n[Install]\nWantedBy=multi-user.target\n",
    ),
    lines(
        "powershell",
        Upper,
        "PS C:\\Users\\«user»> Get-History\n",
        &["$env:«k» = \"«v»\"", "$Env:«k»='«v»'", "setx «k» \"«v»\"", "set «k»=«v»"],
        "\n",
    ),
    lines("heroku-config", Upper, "=== «svc» Config Vars\n", &["«k»:      «v»", "«k»: «v»"], "\n"),
    lines(
        "markdown-table",
        Upper,
        "## Settings of «svc»\n\n| name | value |\n|---|---|\n",
        &["| «k» | «v» |", "| `«k»` | `«v»` |"],
        "\n\n«sentence»\n",
    ),
    lines(
        "human-list",
        Title,
        "Here is what you need for «svc»:\n\n",
        &["«k»: «v»", "- «k»: «v»", "* «k» = «v»", "**«k»**: `«v»`"],
        "\n\n«sentence»\n",
    ),
    lines(
        "git-diff",
        Upper,
        "diff --git a/deploy/.env b/deploy/.env\nindex «sha7»..«sha7» 100644\n--- a/deploy/.env\n+++ b/deploy/.env\n@@ -1,4 +1,6 @@\n",
        &["+«k»=«v»", "-«k»=\"«v»\"", "+  «k»: «v»"],
        "\n REPLICAS=2\n",
    ),
    lines(
        "log-json",
        Snake,
        "",
        &[
            "{\"ts\":\"«ts»\",\"level\":\"debug\",\"msg\":\"setting loaded\",\"«k»\":\"«v»\",\"caller\":\"config.go:«n»\"}",
        ],
        "\n{\"ts\":\"«ts»\",\"level\":\"info\",\"msg\":\"ready\",\"trace_id\":\"«hex32»\"}\n",
    ),
    lines(
        "log-setting",
        Upper,
        "«ts» INFO  starting «svc» «sha7»\n",
        &[
            "«ts» DEBUG config: «k»=«v»",
            "«ts» DEBUG [main] c.e.«svc».Config - «k»: «v»",
            "[«date» «time»] WARN overriding «k»=\"«v»\"",
        ],
        "\n«ts» INFO  listening on :8080\n",
    ),
    short(
        "logfmt",
        Snake,
        "ts=«ts» level=debug msg=\"login\" svc=«svc» ",
        &["«k»=«v»", "«k»=\"«v»\""],
        " ",
        " duration_ms=«n» trace_id=«hex32»\n",
    ),
    short(
        "cli-flags",
        Kebab,
        "$ ./«svc» migrate --verbose ",
        &["--«k»=«v»", "--«k» «v»", "--«k» '«v»'"],
        " ",
        "\nMigrated 14 tables in 3.2 s\n",
    ),
    short(
        "ps-output",
        Kebab,
        "UID   PID  CMD\nroot    1  /sbin/init\napp   «n»  /usr/bin/java -jar «svc».jar ",
        &["--«k»=«v»", "-D«k»=«v»"],
        " ",
        "\n",
    ),
    Document {
        name: "query-string",
        head: "«ts» GET https://«host»/v1/«svc»?page=2&",
        lines: &["«k»=«v»"],
        join: "&",
        foot: "&limit=50 200 «n»ms\n",
        case: Snake,
        values: Values::Url,
        most: Some(3),
    },
    Document {
        name: "form-body",
        head: "POST /oauth/token HTTP/1.1\nHost: «host»\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope=read&",
        lines: &["«k»=«v»"],
        join: "&",
        foot: "\n",
        case: Snake,
        values: Values::Url,
        most: Some(2),
    },
    short(
        "ansible-inventory",
        Snake,
        "[«svc»]\nnode-1.example.com ansible_user=«user» ",
        &["ansible_«k»=«v»", "«k»='«v»'"],
        " ",
        "\nnode-2.example.com ansible_user=«user»\n",
    ),
    list(
        "har-query",
        Snake,
        "{\"log\":{\"version\":\"1.2\",\"entries\":[{\"startedDateTime\":\"«ts»\",\"request\":{\"method\":\"GET\",\"url\":\"https://«host»/\",\"queryString\":[",
        &["{\"name\":\"«k»\",\"value\":\"«v»\"}"],
        "]}}]}}",
    ),
    list(
        "har-headers",
        Kebab,
        "{\"log\":{\"version\":\"1.2\",\"entries\":[{\"request\":{\"method\":\"POST\",\"url\":\"https://«host»/graphql\",\"headers\":[{\"name\":\"accept\",\"value\":\"application/json\"},",
        &["{\"name\":\"x-«k»\",\"value\":\"«v»\"}", "\n {\n  \"name\": \"X-«k»\",\n  \"value\": \"«v»\"\n }"],
        "]}}]}}",
    ),
    short(
        "curl-header",
        Kebab,
        "$ curl -sS https://«host»/v1/«svc» ",
        &["-H 'X-«k»: «v»'", "-H \"«k»: «v»\"", "--header 'x-«k»: «v»'"],
        " \\\n  ",
        " | jq .\n{\"items\": []}\n",
    ),
    lines(
        "http-dump",
        Kebab,
        "> GET /v2/«svc» HTTP/1.1\n> Host: «host»\n> User-Agent: curl/8.9.1\n",
        &["> X-«k»: «v»", "> «k»: «v»"],
        "\n>\n< HTTP/1.1 200 OK\n< Content-Type: application/json\n",
    ),
    short(
        "token-response",
        Snake,
        "HTTP/1.1 201 Created\nContent-Type: application/json\n\n{\"id\":«n»,\"name\":\"«svc»\",",
        &["\"«k»\":\"«v»\""],
        ",",
        ",\"created_at\":\"«ts»\",\"last_used_at\":null}\n",
    ),
    lines(
        "gha-workflow",
        Upper,
        "name: deploy\non: [push]\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: actions/checkout@«sha»\n    - run: make deploy\n      env:\n",
        &["        «k»: «v»", "        «k»: \"«v»\""],
        "\n",
    ),
    list(
        "postman",
        Camel,
        "{\"id\":\"«uuid»\",\"name\":\"«svc»\",\"values\":[",
        &[
            "{\"key\":\"«k»\",\"value\":\"«v»\",\"type\":\"secret\",\"enabled\":true}",
            "{\"type\":\"default\",\"value\":\"«v»\",\"key\":\"«k»\"}",
        ],
        "],\"_postman_variable_scope\":\"environment\"}",
    ),
    short(
        "kotlin",
        Camel,
        "fun main() {\n",
        &["    val «k» = \"«v»\"", "    System.setProperty(\"«k»\", \"«v»\")"],
        "\n",
        "\n}\n",
    ),
    short(
        "swift",
        Camel,
        "enum Secrets {\n",
        &["    static let «k» = \"«v»\"", "    let «k»: String = \"«v»\""],
        "\n",
        "\n}\n",
    ),
];
