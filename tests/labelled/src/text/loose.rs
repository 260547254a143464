//! Places of a secret that is recognised by itself.

/// The name of the template, and the template.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "prose",
        "Hi team, I rotated the key for «svc» today. The new one is «v» and the old one stops working on «date». «sentence»\n",
    ),
    ("prose-quoted", "«sentence» Please use \"«v»\" until the vault is back. «sentence»"),
    ("prose-end", "«sentence»\n\nFor the demo you can use «v».\n\n-- \n«user»"),
    (
        "chat",
        "[«time»] <«user»> can somebody send me the «svc» key?\n[«time»] <«user»> «v»\n[«time»] <«user»> thanks!\n",
    ),
    (
        "log-message",
        "«ts» ERROR [«svc»] request failed: invalid credential «v» (status 401), request_id=«uuid»\n«ts» INFO [«svc»] «sentence»\n",
    ),
    ("log-brackets", "«ts» DEBUG auth[«n»]: presenting [«v»] to «host»\n"),
    ("bearer", "$ curl -s -H \"Authorization: Bearer «v»\" https://«host»/v1/«svc»\n{\"ok\":true}\n"),
    ("authorization-token", "> GET /api/«svc» HTTP/2\n> Host: «host»\n> Authorization: token «v»\n> Accept: */*\n"),
    ("csv", "id,owner,credential,created\n«n»,«email»,«v»,«date»\n«n»,«email»,,«date»\n"),
    ("markdown-code", "1. Log in.\n2. Run `tool login «v»`.\n3. «sentence»\n"),
    ("markdown-fence", "```\n«v»\n```\n«sentence»\n"),
    ("diff", "@@ -12,7 +12,7 @@ func client() {\n-\tc := New(\"«v»\")\n+\tc := New(os.Getenv(\"KEY\"))\n \treturn c\n"),
    ("call", "from «svc» import Client\n\nclient = Client(\"«v»\")\nprint(client.list(limit=«n»))\n"),
    ("call-second", "client, err := «svc».Dial(\"«host»:«port»\", \"«v»\", 3)\nif err != nil {\n\treturn err\n}\n"),
    ("json-array", "{\"accepted\": [\"«v»\"], \"rejected\": [], \"count\": 1, \"id\": \"«uuid»\"}"),
    ("json-plain-key", "{\"id\":\"«uuid»\",\"data\":\"«v»\",\"etag\":\"«hex32»\"}"),
    ("html", "<div id=\"app\" data-config=\"«v»\" data-build=\"«sha7»\"></div>\n"),
    (
        "stack-trace",
        "Exception in thread \"main\" java.lang.IllegalStateException: rejected by «host»: «v»\n\tat com.example.«svc».Client.call(Client.java:«n»)\n\tat com.example.«svc».Main.main(Main.java:«n2»)\n",
    ),
    ("shell-argument", "$ tool auth login --with «v» --host «host»\nLogged in as «user».\n"),
    ("here-string", "$ gh auth login --with-token <<< \"«v»\"\n✓ Logged in as «user»\n"),
    ("angle", "The server answered: <«v»> is not active. «sentence»\n"),
    ("tabs", "«user»\tactive\t«v»\t«date»\n«user»\trevoked\t-\t«date»\n"),
    ("comment", "# old key, to be removed: «v»\nreplicas: 2\n"),
    ("block-comment", "/* «sentence»\n * «v»\n */\nint main(void) { return 0; }\n"),
    ("unicode", "Größe: 12 kB — Schlüssel „«v»“ läuft am «date» ab. 日本語のメモ。\n"),
    ("history", "  «n»  ls -la\n  «n»  echo «v» | tool login --stdin\n  «n»  kubectl get pods -n «svc»\n"),
];
