//! Code, documents and interfaces that speak of secrets and hold none.

/// The name of the template, and the template.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "code-python-env",
        "import os\n\npassword = os.environ[\"DB_PASSWORD\"]\napi_key = os.getenv(\"API_KEY\", \"\")\ntoken = get_token(user=\"«user»\", ttl=«n»)\n",
    ),
    (
        "code-python-getpass",
        "password = getpass.getpass(\"Password: \")\nif len(password) < PASSWORD_MIN_LENGTH:\n    raise ValueError(\"password too short\")\n",
    ),
    (
        "code-js-env",
        "const apiKey = process.env.«STRIPE|OPENAI|SENDGRID»_API_KEY;\nconst token = await getAccessToken({ audience: 'https://«host»' });\nconst password = req.body.password;\n",
    ),
    (
        "code-js-check",
        "if (!password || password.length < 8) {\n  return res.status(400).json({ error: 'password: must have at least 8 characters' });\n}\nuser.passwordHash = await bcrypt.hash(password, 12);\n",
    ),
    (
        "code-go",
        "token := r.Header.Get(\"Authorization\")\nif token == \"\" {\n\treturn errors.New(\"missing token\")\n}\nsecret, err := client.AccessSecretVersion(ctx, req)\n",
    ),
    (
        "code-java",
        "String password = System.getenv(\"DB_PASSWORD\");\nchar[] secret = keyStore.getPassword();\nprivate final TokenProvider tokenProvider = new JwtTokenProvider();\n",
    ),
    (
        "code-rust",
        "let token = std::env::var(\"API_TOKEN\").context(\"API_TOKEN is not set\")?;\nlet password: SecretString = prompt_password(\"Password: \")?.into();\n",
    ),
    (
        "code-csharp",
        "var apiKey = configuration[\"ApiKey\"] ?? throw new InvalidOperationException(\"ApiKey missing\");\nvar token = await tokenService.CreateTokenAsync(user, cancellationToken);\n",
    ),
    (
        "code-ruby",
        "password = Rails.application.credentials.dig(:db, :password)\ntoken = SecureRandom.urlsafe_base64(32)\n",
    ),
    (
        "code-php",
        "$password = getenv('DB_PASSWORD');\n$token = bin2hex(random_bytes(32));\n'password' => env('DB_PASSWORD', ''),\n",
    ),
    (
        "code-terraform",
        "resource \"random_password\" \"db\" {\n  length  = 24\n  special = true\n}\n\nresource \"aws_db_instance\" \"«svc»\" {\n  username = \"«user»\"\n  password = random_password.db.result\n  kms_key_id = aws_kms_key.db.arn\n}\n",
    ),
    (
        "code-terraform-variable",
        "variable \"db_password\" {\n  type        = string\n  sensitive   = true\n  description = \"Password of the database\"\n}\n\nprovider \"«svc»\" {\n  token = var.api_token\n  secret_key = data.vault_generic_secret.db.data[\"password\"]\n}\n",
    ),
    (
        "code-helm",
        "env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: {{ include \"«svc».fullname\" . }}\n        key: db-password\n",
    ),
    (
        "code-k8s-ref",
        "        env:\n        - name: API_TOKEN\n          valueFrom:\n            secretKeyRef:\n              name: «svc»-credentials\n              key: api-token\n        - name: REPLICAS\n          value: \"3\"\n        envFrom:\n        - secretRef:\n            name: «svc»-env\n",
    ),
    (
        "code-k8s-volume",
        "      volumes:\n      - name: token\n        projected:\n          sources:\n          - serviceAccountToken:\n              path: token\n              expirationSeconds: 3600\n      - name: tls\n        secret:\n          secretName: «svc»-tls\n      imagePullSecrets:\n      - name: registry-credentials\n",
    ),
    (
        "code-external-secret",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec:\n  secretStoreRef:\n    name: vault\n  data:\n  - secretKey: password\n    remoteRef:\n      key: secret/data/«svc»\n      property: password\n",
    ),
    (
        "code-gha",
        "    - uses: docker/login-action@«sha»\n      with:\n        username: ${{ github.actor }}\n        password: ${{ secrets.GITHUB_TOKEN }}\n    - run: echo \"token=$(./token.sh)\" >> $GITHUB_OUTPUT\n",
    ),
    (
        "code-gha-permissions",
        "permissions:\n  contents: read\n  id-token: write\n  packages: write\nsecrets: inherit\n",
    ),
    (
        "code-compose-secrets",
        "services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/db_password\n    secrets:\n      - db_password\nsecrets:\n  db_password:\n    file: ./db_password.txt\n",
    ),
    (
        "code-ansible",
        "- name: set password\n  ansible.builtin.user:\n    name: «user»\n    password: \"{{ vault_user_password | password_hash('sha512') }}\"\n    update_password: on_create\n  no_log: true\n",
    ),
    (
        "code-sql-schema",
        "CREATE TABLE users (\n  id bigint PRIMARY KEY,\n  email text NOT NULL UNIQUE,\n  password_hash text NOT NULL,\n  reset_token text,\n  api_key_id uuid REFERENCES api_keys (id),\n  FOREIGN KEY (tenant_id) REFERENCES tenants (id)\n);\n",
    ),
    (
        "code-sql-select",
        "SELECT id, token, secret_name FROM «svc» WHERE password IS NOT NULL AND token_expires_at > now() ORDER BY id LIMIT «n»;\n",
    ),
    (
        "code-test",
        "def test_login_rejects_bad_token(client):\n    response = client.get(\"/me\", headers={\"Authorization\": \"Bearer invalid\"})\n    assert response.status_code == 401\n    assert response.json()[\"error\"] == \"invalid_token\"\n",
    ),
    (
        "code-test-js",
        "it('asks for a password', async () => {\n  render(<Login />);\n  await user.type(screen.getByLabelText('Password'), 'test');\n  expect(screen.getByRole('button', { name: 'Sign in' })).toBeEnabled();\n  expect(token).toBeUndefined();\n});\n",
    ),
    (
        "code-test-go",
        "tests := []struct{ name, token string; want bool }{\n\t{\"empty\", \"\", false},\n\t{\"malformed\", \"not-a-token\", false},\n\t{\"expired\", expiredToken(t), false},\n}\n",
    ),
    (
        "code-lexer",
        "enum TokenKind { Ident, Number, String, Comma, LeftParen, RightParen, EndOfFile }\nlet token = self.next_token()?;\nif token.kind == TokenKind::Comma { tokens.push(token); }\n",
    ),
    (
        "code-minified",
        "!function(e,t){\"object\"==typeof exports?module.exports=t():e.«{l6}»=t()}(this,function(){var e={password:function(e){return e.length>7},token:function(){return localStorage.getItem(\"token\")}},n=Object.assign({},e,{key:\"value\"});function r(e,t){for(var n=0;n<t.length;n++){var r=t[n];r.enumerable=r.enumerable||!1,Object.defineProperty(e,r.key,r)}}return{auth:n,k:r,secret:void 0,token:null}});\n//# sourceMappingURL=app.«{x8}».js.map\n",
    ),
    (
        "code-minified-bundle",
        "(self.webpackChunk«svc»=self.webpackChunk«svc»||[]).push([[«n»],{«n»:(e,t,n)=>{\"use strict\";n.d(t,{Z:()=>a});const a={password:\"password-field_«{b5}»\",token:\"token__«{b5}»\",apiKey:\"api-key_«{b5}»\"}}}]);",
    ),
    (
        "code-css",
        ".password-field__input--«{x5}» { color: #«{x6}»; background: url(data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxNiI+«{s80}»); }\n#token { display: none }\ninput[type=password]::placeholder { opacity: .5 }\n",
    ),
    (
        "code-html-form",
        "<form method=\"post\" action=\"/login\">\n  <label for=\"password\">Password:</label>\n  <input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"current-password\" placeholder=\"Your password\" required>\n  <input type=\"hidden\" name=\"next\" value=\"/dashboard\">\n  <button type=\"submit\">Sign in</button>\n</form>\n",
    ),
    (
        "code-svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\"><path d=\"M12 2C6.48 2 2 6.48 2 12s4.«n» 10 10 10 10-4.48 10-10S17.52 2 12 2zm0 3c1.66 0 3 1.34 3 3s-1.34 3-3 3-3-1.34-3-3 1.34-3 3-3z\" id=\"key-«hex8»\"/></svg>",
    ),
    (
        "code-git-log",
        "commit «sha»\nAuthor: «user» <«email»>\nDate:   «date»\n\n    auth: rename password to passphrase, drop the token cache\n\ncommit «sha»\nMerge: «sha7» «sha7»\n",
    ),
    (
        "code-git-diff",
        "diff --git a/src/auth.py b/src/auth.py\nindex «sha7»..«sha7» 100644\n--- a/src/auth.py\n+++ b/src/auth.py\n@@ -10,3 +10,3 @@ def login(user, password):\n-    token = make_token(user, secret=settings.SECRET_KEY)\n+    token = issue_token(user, key=settings.SIGNING_KEY)\n     return token\n",
    ),
    (
        "code-stack-trace",
        "java.lang.IllegalArgumentException: token must not be null\n\tat com.example.auth.TokenService.verify(TokenService.java:«n2»)\n\tat com.example.auth.PasswordFilter$$Lambda$«n»/0x«{x16}».apply(Unknown Source)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\n",
    ),
    (
        "code-rust-trace",
        "thread 'main' panicked at src/token.rs:«n2»:9:\nsecret must be set\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/«sha»/library/std/src/panicking.rs:665:5\n   1: _ZN4core9panicking9panic_fmt17h«hex16»E\n",
    ),
    (
        "code-mangled",
        "0000000000«{x6}» T _ZN10credential12TokenManager12refreshTokenERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE\n0000000000«{x6}» t _ZNK6secret8Password4hashEv\n",
    ),
    (
        "docs-password",
        "## Passwords\n\nA password must have at least 12 characters. Passwords are hashed with argon2id and never stored. If you forget your password, choose *Forgot password?* on the login page. A token is valid for 15 minutes.\n",
    ),
    (
        "docs-api-key",
        "### Authentication\n\nSend your API key in the `X-Api-Key` header: `X-Api-Key: <your API key>`. Create a key under Settings > API keys. Keep your secret key secret; never commit it. «sentence»\n",
    ),
    (
        "docs-env",
        "| Variable | Default | Meaning |\n|---|---|---|\n| `DB_PASSWORD` | none | password of the database user |\n| `API_TOKEN` | required | token for «svc» |\n| `SECRET_KEY` | generated | signs the session cookie |\n",
    ),
    (
        "docs-aws-example",
        "Set the credentials as in the AWS documentation:\n\n    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n    export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n\nThen run `aws s3 ls`.\n",
    ),
    (
        "docs-curl-placeholder",
        "curl https://api.openai.com/v1/models \\\n  -H \"Authorization: Bearer $OPENAI_API_KEY\" \\\n  -H \"OpenAI-Organization: YOUR_ORG_ID\"\n\ncurl -u USERNAME:PASSWORD https://«host»/\ncurl -H \"Authorization: Bearer <token>\" https://«host»/\n",
    ),
    (
        "docs-url-placeholder",
        "Connect with `postgres://user:password@host:5432/database` or `mongodb://<username>:<password>@<host>/`, and use `redis://:PASSWORD@HOST:6379` for the cache.\n",
    ),
    (
        "docs-prefixes",
        "GitHub tokens begin with `ghp_`, `gho_` or `github_pat_`; Slack's with `xoxb-`; AWS key ids with `AKIA`; Stripe's with `sk_live_`. A private key begins with `-----BEGIN RSA PRIVATE KEY-----`.\n",
    ),
    (
        "docs-regex",
        "const PATTERNS = {\n  github: /ghp_[A-Za-z0-9]{36}/,\n  aws: /AKIA[0-9A-Z]{16}/,\n  slack: /xox[baprs]-[0-9a-zA-Z-]{10,48}/,\n  pem: /-----BEGIN [A-Z ]*PRIVATE KEY-----/,\n};\n",
    ),
    (
        "docs-changelog",
        "## 4.«n2».0\n\n- Tokens now expire after 30 days (#«n»)\n- `password` was renamed to `passphrase` (#«n», «sha7»)\n- Secret scanning: fewer false positives\n- API keys may have a description\n",
    ),
    (
        "docs-rfc",
        "The authorization server issues an access token: \"token_type\" is \"Bearer\", and \"expires_in\" tells the lifetime in seconds. The client_secret MUST NOT be sent in the URI. Authorization: Basic credentials are base64(user-id \":\" password).\n",
    ),
    (
        "help-cli",
        "Usage: «svc» login [OPTIONS]\n\nOptions:\n  -u, --user <USER>          User name\n  -p, --password <PASSWORD>  Password; asked for if absent\n      --token <TOKEN>        API token [env: API_TOKEN=]\n      --secret-file <PATH>   File with the secret\n  -h, --help                 Print help\n",
    ),
    (
        "help-man",
        "       --password=STRING\n              Use STRING as the password for HTTP requests.\n\n       --proxy-password=password\n              Specify the password on the proxy server.\n",
    ),
    (
        "help-error",
        "error: the following required arguments were not provided:\n  --token <TOKEN>\n\nUsage: «svc» --token <TOKEN> <COMMAND>\n",
    ),
    (
        "i18n-en",
        "{\n  \"login.password\": \"Password\",\n  \"login.password.hint\": \"At least 12 characters\",\n  \"login.token\": \"One-time code\",\n  \"apiKey\": \"API key\",\n  \"secret\": \"Shared secret\",\n  \"errors\": {\"password\": \"The passwords do not match\"}\n}\n",
    ),
    (
        "i18n-de",
        "{\"password\":\"Passwort\",\"passwordConfirmation\":\"Passwort bestätigen\",\"forgotPassword\":\"Passwort vergessen?\",\"token\":\"Zugriffsschlüssel\",\"apiKey\":\"API-Schlüssel\",\"secret\":\"Geheimnis\"}",
    ),
    (
        "i18n-fr",
        "password: Mot de passe\npassword_confirmation: Confirmation du mot de passe\ntoken: Jeton d'accès\nsecret: Clé secrète\napi_key: Clé d'API\n",
    ),
    (
        "i18n-po",
        "#: templates/login.html:«n2»\nmsgid \"Password\"\nmsgstr \"Wachtwoord\"\n\nmsgid \"Enter your API key\"\nmsgstr \"Voer uw API-sleutel in\"\n",
    ),
    (
        "i18n-spanish",
        "{\"user\":{\"password\":\"Contraseña\",\"new_password\":\"Contraseña nueva\",\"token\":\"Código de acceso\",\"client_secret\":\"Secreto del cliente\"}}",
    ),
    (
        "schema-json",
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\",\"minLength\":12},\"apiKey\":{\"type\":\"string\",\"pattern\":\"^sk_live_[A-Za-z0-9]{24}$\"},\"token\":{\"$ref\":\"#/$defs/token\"}},\"required\":[\"password\"]}",
    ),
    (
        "schema-openapi",
        "components:\n  securitySchemes:\n    bearerAuth:\n      type: http\n      scheme: bearer\n      bearerFormat: JWT\n    apiKey:\n      type: apiKey\n      in: header\n      name: X-API-Key\n    oauth:\n      type: oauth2\n      flows:\n        clientCredentials:\n          tokenUrl: https://«host»/oauth/token\n",
    ),
    (
        "schema-graphql",
        "type AuthPayload {\n  accessToken: String!\n  refreshToken: String\n  expiresIn: Int!\n}\n\ninput LoginInput {\n  email: String!\n  password: String!\n}\n",
    ),
    (
        "schema-proto",
        "message LoginRequest {\n  string user = 1;\n  string password = 2;\n  bytes token = 3;\n  string client_secret = 4 [deprecated = true];\n}\n",
    ),
    (
        "schema-tool",
        "{\"name\":\"create_user\",\"description\":\"Creates a user. Needs a password of at least 12 characters.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"user\":{\"type\":\"string\"},\"password\":{\"type\":\"string\",\"description\":\"The initial password\"}}}}",
    ),
    (
        "schema-avro",
        "{\"type\":\"record\",\"name\":\"Session\",\"fields\":[{\"name\":\"token\",\"type\":\"string\"},{\"name\":\"secret\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"password\",\"type\":\"bytes\"}]}",
    ),
    (
        "ui-dom",
        "- textbox \"Email\" [ref=e12]: «email»\n- textbox \"Password\" [ref=e13]\n- button \"Sign in\" [ref=e14]\n- link \"Forgot password?\" [ref=e15]\n- text: \"API token: none\"\n",
    ),
    (
        "ui-masked",
        "Card: **** **** **** 4242\nAPI key: sk_live_****************«{b4}»\nToken: ghp_************************«{b4}»\nPassword: ••••••••••••\n",
    ),
    (
        "ui-masked-log",
        "«ts» INFO Using token ***** for «host»\n«ts» INFO password=****** user=«user»\n«ts» INFO api_key=abcd...[truncated] Authorization: Bearer [FILTERED]\n",
    ),
    (
        "ui-redacted",
        "Authorization: Bearer [redacted:jwt:19ab]\nexport AWS_ACCESS_KEY_ID=[redacted:aws-access-key-id:7f3a]\npassword: [redacted:password:c0de]\n",
    ),
    (
        "mail",
        "Hi,\n\ndid you change the password for «svc»? I get \"invalid token\" since «date». The secret is in the vault under prod/«svc», please have a look.\n\nThanks\n«user»\n",
    ),
    (
        "issue",
        "### Token refresh fails after password reset\n\n1. Reset the password\n2. Call `refreshToken()`\n3. Error: `invalid_grant: Token has been expired or revoked`\n\nVersion: 2.«n2».1, commit «sha»\n",
    ),
    (
        "search",
        "src/auth/token.ts:12:export const TOKEN_HEADER = 'x-auth-token';\nsrc/auth/password.ts:40:export function validatePassword(password: string): boolean {\nsrc/config.ts:7:  secretKey: requireEnv('SECRET_KEY'),\n",
    ),
    (
        "listing",
        "-rw------- 1 «user» «user»  411 Nov 12 10:02 id_ed25519\n-rw-r--r-- 1 «user» «user»  102 Nov 12 10:02 id_ed25519.pub\n-rw------- 1 «user» «user» 1704 Nov 12 10:02 secret.pem\n-rw-r--r-- 1 «user» «user»   88 Nov 12 10:02 token-cache-«{x16}».json\n",
    ),
];
