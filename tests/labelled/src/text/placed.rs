//! Texts whose own form makes a secret of what stands in a place.

/// The name of the template, and the template.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "url-postgres",
        "DATABASE_URL=postgres://«<»«user»:«!url-password»«>»@«host»:5432/«svc»?sslmode=require\nREDIS_HOST=«host»\n",
    ),
    ("url-postgresql-json", "{\"dsn\": \"postgresql://«<»«user»:«!url-password»«>»@«host»/«svc»\", \"pool\": 10}"),
    ("url-mysql", "  dsn: mysql://«<»root:«!url-password-escaped»«>»@«ip»:3306/«svc»\n  max_open: 20\n"),
    (
        "url-mongodb-srv",
        "const uri = 'mongodb+srv://«<»«user»:«!url-password»«>»@cluster0.«{a5}».mongodb.net/«svc»?retryWrites=true&w=majority';\n",
    ),
    (
        "url-mongodb-hosts",
        "MONGO_URI=\"mongodb://«<»«user»:«!url-password»«>»@db0.example.com:27017,db1.example.com:27017/admin?replicaSet=rs0\"\n",
    ),
    ("url-redis-no-user", "cache:\n  url: redis://«<»:«!url-password»«>»@«host»:6379/0\n  ttl: 60\n"),
    ("url-rediss", "celery -A «svc» -b rediss://«<»default:«!url-password»«>»@«host»:6380/1 worker -l info\n"),
    ("url-amqp", "AMQP_URL=amqps://«<»«user»:«!url-password»«>»@«host»/«svc»\n"),
    ("url-clickhouse", "clickhouse://«<»default:«!url-password»«>»@«host»:9440/«svc»?secure=true"),
    (
        "url-sqlalchemy",
        "engine = create_engine(\"mysql+pymysql://«<»«user»:«!url-password-escaped»«>»@«host»/«svc»?charset=utf8mb4\", pool_pre_ping=True)\n",
    ),
    (
        "url-sqlalchemy-asyncpg",
        "sqlalchemy.url = postgresql+asyncpg://«<»«user»:«!url-password»«>»@«host»:5432/«svc»\n",
    ),
    ("url-basic-auth", "$ curl -sI https://«<»«user»:«!url-password»«>»@«host»/artifacts/«svc».tar.gz\nHTTP/2 200\n"),
    (
        "url-git-remote",
        "origin\thttps://«<»«user»:«!url-password»«>»@git.example.com/team/«svc».git (fetch)\norigin\thttps://git.example.com/team/«svc».git (push)\n",
    ),
    (
        "url-github-clone",
        "+ git clone https://«<»x-access-token:«!github-app-token»«>»@github.com/example/«svc».git\nCloning into '«svc»'...\n",
    ),
    ("url-gitlab-ci", "+ git push https://«<»oauth2:«!gitlab-pat»«>»@gitlab.com/example/«svc».git HEAD:main\n"),
    (
        "url-error",
        "psycopg.OperationalError: connection to server failed: postgresql://«<»«user»:«!url-password»«>»@«host»:5432/«svc» timeout expired\n",
    ),
    (
        "url-proxy",
        "HTTPS_PROXY=http://«<»«user»:«!url-password»«>»@proxy.example.com:3128\nNO_PROXY=localhost,127.0.0.1\n",
    ),
    ("url-smtp", "mailer_dsn: smtp://«<»«user»%40example.com:«!url-password»«>»@mail.example.org:587\n"),
    ("url-ftp", "wget ftp://«<»«user»:«!url-password»«>»@«host»/pub/«svc».zip\n"),
    ("url-ldap", "LDAP_URL=ldaps://«<»cn=admin:«!url-password»«>»@«host»:636\n"),
    ("cloudinary-url", "CLOUDINARY_URL=cloudinary://«<»«{d15}»:«!cloudinary-secret»«>»@«svc»\n"),
    (
        "jdbc-query",
        "spring.datasource.url=jdbc:postgresql://«host»:5432/«svc»?user=«user»&password=«!url-password»&ssl=true\n",
    ),
    (
        "jdbc-sqlserver",
        "jdbc:sqlserver://«host»:1433;databaseName=«svc»;user=«user»;password=«!url-password»;encrypt=true\n",
    ),
    ("jdbc-oracle", "url: jdbc:oracle:thin:«<»«user»/«!url-password»«>»@//«host»:1521/«svc»\n"),
    (
        "ado-net",
        "\"ConnectionStrings\": {\n  \"Default\": \"Server=«host»,1433;Database=«svc»;User Id=«user»;Password=«!database-password»;TrustServerCertificate=True\"\n}\n",
    ),
    (
        "ado-net-pwd",
        "<add name=\"Main\" connectionString=\"Data Source=«host»;Initial Catalog=«svc»;Uid=«user»;Pwd=«!url-password»;\" providerName=\"System.Data.SqlClient\" />\n",
    ),
    (
        "odbc",
        "conn = pyodbc.connect('DRIVER={ODBC Driver 18 for SQL Server};SERVER=«host»;DATABASE=«svc»;UID=«user»;PWD=«!url-password»')\n",
    ),
    ("libpq", "host=«host» port=5432 dbname=«svc» user=«user» password=«!url-password» connect_timeout=10\n"),
    (
        "go-mysql-dsn",
        "db, err := sql.Open(\"mysql\", \"«<»«user»:«!url-password»«>»@tcp(«host»:3306)/«svc»?parseTime=true\")\n",
    ),
    (
        "azure-storage-connection",
        "AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=https;AccountName=«{a12}»;AccountKey=«!azure-storage-key»;EndpointSuffix=core.windows.net\n",
    ),
    (
        "azure-service-bus",
        "{\"serviceBus\": \"Endpoint=sb://«{l8}».servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=«!shared-access-key»\"}",
    ),
    ("azure-iot", "HostName=«{l8}».azure-devices.net;DeviceId=«svc»-«n»;SharedAccessKey=«!shared-access-key»\n"),
    ("azure-cosmos", "AccountEndpoint=https://«{l8}».documents.azure.com:443/;AccountKey=«!azure-cosmos-key»;\n"),
    (
        "azure-sas-url",
        "Download: https://«{a12}».blob.core.windows.net/«svc»/backup.tar.gz?sv=2024-11-04&st=«date»&se=«date»&sr=b&sp=r&sig=«!sas-signature»\n",
    ),
    ("azure-app-registration", "az login --service-principal -u «uuid» -p «!azure-client-secret» --tenant «uuid»\n"),
    (
        "npmrc",
        "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=«!npm-token»\nalways-auth=true\n",
    ),
    ("npmrc-private", "@example:registry=https://npm.example.com/\n//npm.example.com/:_authToken=«!access-token»\n"),
    (
        "npmrc-password",
        "//npm.example.com/:username=«user»\n//npm.example.com/:_password=«!encoded-password»\n//npm.example.com/:email=«email»\n",
    ),
    ("npmrc-auth", "//npm.example.com/:_auth=«!basic-credentials»\n"),
    ("netrc", "machine «host»\n  login «user»\n  password «!cli-password»\n"),
    (
        "netrc-line",
        "machine api.heroku.com login «email» password «!heroku-legacy-key»\nmachine github.com login «user» password «!github-pat»\n",
    ),
    ("pypirc", "[distutils]\nindex-servers = pypi\n\n[pypi]\nusername = __token__\npassword = «!pypi-token»\n"),
    ("pgpass", "# hostname:port:database:username:password\n«host»:5432:«svc»:«user»:«!cli-password»\n"),
    ("my-cnf", "[client]\nuser=«user»\npassword=\"«!database-password»\"\nhost=«host»\n"),
    (
        "git-credentials",
        "https://«<»«user»:«!github-pat»«>»@github.com\nhttps://«<»«user»:«!url-password»«>»@git.example.com\n",
    ),
    (
        "docker-config",
        "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"«!basic-credentials»\"\n\t\t}\n\t},\n\t\"credsStore\": \"\"\n}\n",
    ),
    (
        "docker-config-compact",
        "{\"auths\":{\"registry.example.com\":{\"username\":\"«user»\",\"password\":\"«!cli-password»\",\"auth\":\"«!basic-credentials»\"}}}",
    ),
    (
        "kubeconfig",
        "apiVersion: v1\nclusters:\n- cluster:\n    server: https://«host»:6443\n  name: prod\nusers:\n- name: admin\n  user:\n    client-key-data: «!encoded-private-key»\n",
    ),
    ("kubeconfig-token", "users:\n- name: ci\n  user:\n    token: «!kubernetes-token»\ncurrent-context: ci@prod\n"),
    (
        "k8s-secret-data",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: «svc»-db\n  uid: «uuid»\ntype: Opaque\ndata:\n  username: YXBw\n  password: «!encoded-password»\n",
    ),
    (
        "k8s-secret-data-key",
        "apiVersion: v1\ndata:\n  tls.key: «!encoded-private-key»\nkind: Secret\nmetadata:\n  name: «svc»-tls\ntype: kubernetes.io/tls\n",
    ),
    (
        "k8s-secret-json",
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"«svc»\",\"namespace\":\"prod\"},\"data\":{\"db-password\":\"«!encoded-strong-password»\",\"api-token\":\"«!encoded-password»\"}}",
    ),
    (
        "k8s-last-applied",
        "metadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"stringData\":{\"password\":\"«!password-alphanumeric»\"},\"metadata\":{\"name\":\"«svc»\"}}\n",
    ),
    (
        "aws-credentials-file",
        "[default]\naws_access_key_id = «!aws-access-key-id»\naws_secret_access_key = «!aws-secret-access-key»\nregion = eu-west-1\n",
    ),
    (
        "aws-sts-response",
        "{\n  \"Credentials\": {\n    \"AccessKeyId\": \"«!aws-temporary-key-id»\",\n    \"SecretAccessKey\": \"«!aws-secret-access-key»\",\n    \"SessionToken\": \"«!aws-session-token»\",\n    \"Expiration\": \"«ts»\"\n  }\n}",
    ),
    (
        "aws-configure",
        "$ aws configure set aws_secret_access_key «!aws-secret-access-key» --profile «svc»\n$ aws sts get-caller-identity\n{\"Account\": \"123456789012\"}\n",
    ),
    (
        "aws-iam-xml",
        "<CreateAccessKeyResult><AccessKey><UserName>«user»</UserName><AccessKeyId>«!aws-access-key-id»</AccessKeyId><Status>Active</Status><SecretAccessKey>«!aws-secret-access-key»</SecretAccessKey></AccessKey></CreateAccessKeyResult>",
    ),
    (
        "gcp-service-account",
        "{\n  \"type\": \"service_account\",\n  \"project_id\": \"«svc»-prod\",\n  \"private_key_id\": \"«sha»\",\n  \"private_key\": \"«<»-----BEGIN PRIVATE KEY-----\\n«!private-key-escaped»\\n-----END PRIVATE KEY-----«>»\\n\",\n  \"client_email\": \"«svc»@«svc»-prod.iam.gserviceaccount.com\",\n  \"client_id\": \"«{d21}»\"\n}\n",
    ),
    (
        "gcloud-adc",
        "{\n  \"client_id\": \"«{d12}»-«{a32}».apps.googleusercontent.com\",\n  \"client_secret\": \"«!gcp-client-secret»\",\n  \"refresh_token\": \"«!gcp-refresh-token»\",\n  \"type\": \"authorized_user\"\n}",
    ),
    (
        "pem-rsa",
        "$ cat /etc/ssl/private/«svc».key\n«<»-----BEGIN RSA PRIVATE KEY-----\n«!private-key-rsa»\n-----END RSA PRIVATE KEY-----«>»\n$ exit\n",
    ),
    (
        "pem-pkcs8",
        "«sentence»\n«<»-----BEGIN PRIVATE KEY-----\n«!private-key-rsa»\n-----END PRIVATE KEY-----«>»\n«sentence»\n",
    ),
    (
        "pem-ec",
        "«<»-----BEGIN EC PRIVATE KEY-----\n«!private-key-short»\n-----END EC PRIVATE KEY-----«>»\n-----BEGIN CERTIFICATE-----\n«=pem-body 500»\n-----END CERTIFICATE-----\n",
    ),
    (
        "pem-encrypted",
        "«<»-----BEGIN ENCRYPTED PRIVATE KEY-----\n«!private-key-rsa»\n-----END ENCRYPTED PRIVATE KEY-----«>»\n",
    ),
    (
        "pem-openssh",
        "$ cat ~/.ssh/id_ed25519\n«<»-----BEGIN OPENSSH PRIVATE KEY-----\n«!private-key-openssh»\n-----END OPENSSH PRIVATE KEY-----«>»\n$ cat ~/.ssh/id_ed25519.pub\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI«{s43}» «user»@laptop\n",
    ),
    (
        "pem-pgp",
        "«<»-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n«!private-key-rsa»\n=«{s4}»\n-----END PGP PRIVATE KEY BLOCK-----«>»\n",
    ),
    (
        "pem-json",
        "{\"certificate\":\"-----BEGIN CERTIFICATE-----\\n«{s64}»\\n-----END CERTIFICATE-----\",\"key\":\"«<»-----BEGIN RSA PRIVATE KEY-----\\n«!private-key-escaped»\\n-----END RSA PRIVATE KEY-----«>»\"}",
    ),
    (
        "pem-env",
        "GITHUB_APP_ID=«n»\nGITHUB_APP_PRIVATE_KEY=\"«<»-----BEGIN RSA PRIVATE KEY-----\\n«!private-key-escaped»\\n-----END RSA PRIVATE KEY-----«>»\\n\"\n",
    ),
    (
        "wireguard",
        "[Interface]\nPrivateKey = «!wireguard-key»\nAddress = 10.8.0.2/24\n\n[Peer]\nPublicKey = «{s43}=»\nPresharedKey = «!wireguard-key»\nEndpoint = vpn.example.com:51820\n",
    ),
    (
        "vault-init",
        "Unseal Key 1: «!vault-unseal-key»\nUnseal Key 2: «!vault-unseal-key»\n\nInitial Root Token: «!vault-service-token»\n\nVault initialized with 2 key shares.\n",
    ),
    (
        "vault-kv",
        "$ vault kv get secret/«svc»\n====== Data ======\nKey         Value\n---         -----\npassword    «!password-alphanumeric»\nusername    «user»\n",
    ),
    (
        "vault-kv-put",
        "$ vault kv put secret/«svc» username=«user» password=«!cli-password»\nSuccess! Data written to: secret/data/«svc»\n",
    ),
    (
        "cookie-set",
        "< HTTP/1.1 302 Found\n< Set-Cookie: sessionid=«!session-cookie»; Path=/; HttpOnly; Secure; SameSite=Lax\n< Location: /\n",
    ),
    (
        "cookie-request",
        "GET /account HTTP/1.1\nHost: «host»\nCookie: theme=dark; connect.sid=«!session-cookie-signed»; lang=en\n",
    ),
    ("cookie-php", "Cookie: PHPSESSID=«!session-cookie»\nAccept: text/html\n"),
    ("cookie-har", "{\"name\":\"Cookie\",\"value\":\"_ga=GA1.2.«{d9}».«{d10}»; session=«!session-cookie»\"}"),
    ("cookie-jwt", "set-cookie: access_token=«!jwt»; Max-Age=3600; Path=/; HttpOnly\n"),
    ("bearer-jwt", "Authorization: Bearer «!jwt»\nX-Request-Id: «uuid»\n"),
    (
        "bearer-opaque",
        "curl -X POST https://«host»/v1/«svc» -H 'Authorization: Bearer «!bearer-opaque»' -d '{\"q\": 1}'\n",
    ),
    (
        "bearer-json",
        "{\"headers\": {\"Content-Type\": \"application/json\", \"Authorization\": \"Bearer «!bearer-opaque»\"}, \"timeout\": 30}",
    ),
    (
        "bearer-har",
        "{\"name\":\"authorization\",\"value\":\"Bearer «!bearer-opaque»\"},{\"name\":\"x-request-id\",\"value\":\"«uuid»\"}",
    ),
    ("bearer-lowercase", "«ts» TRACE http: request headers: authorization=[bearer «!bearer-opaque»] accept=[*/*]\n"),
    ("basic-header", "GET /v2/ HTTP/1.1\nHost: registry.example.com\nAuthorization: Basic «!basic-credentials»\n"),
    ("basic-json", "{\"authorization\":\"Basic «!basic-credentials»\",\"host\":\"«host»\"}"),
    ("proxy-authorization", "Proxy-Authorization: Basic «!basic-credentials»\nConnection: keep-alive\n"),
    (
        "x-api-key",
        "POST /v1/messages HTTP/1.1\nHost: «host»\nx-api-key: «!api-key-base62»\ncontent-type: application/json\n",
    ),
    ("x-vault-token", "$ curl -H \"X-Vault-Token: «!vault-service-token»\" https://«host»:8200/v1/secret/data/«svc»\n"),
    (
        "private-token",
        "curl --header \"PRIVATE-TOKEN: «!gitlab-pat»\" \"https://gitlab.example.com/api/v4/projects\"\n",
    ),
    ("sso-key", "Authorization: GenieKey «!heroku-legacy-key»\nContent-Type: application/json\n"),
    ("okta-ssws", "Authorization: SSWS «!okta-token»\nAccept: application/json\n"),
    ("cli-mysql", "$ mysql -h «host» -u «user» -p«!cli-password» «svc» < dump.sql\n"),
    ("cli-mysql-long", "$ mysqldump --host=«host» --user=«user» --password=«!cli-password» «svc» > dump.sql\n"),
    ("cli-psql", "$ PGPASSWORD=«!cli-password» psql -h «host» -U «user» -d «svc» -c 'select 1'\n"),
    ("cli-redis", "$ redis-cli -h «host» -a «!cli-password» INFO memory\n# Memory\nused_memory:«n»\n"),
    ("cli-curl-user", "$ curl -u «user»:«!cli-password» https://«host»/api/«svc»\n[]\n"),
    ("cli-curl-user-long", "curl --user '«user»:«!cli-password»' -o out.json https://«host»/«svc»\n"),
    ("cli-sshpass", "$ sshpass -p '«!cli-password»' ssh «user»@«host» uptime\n"),
    (
        "cli-docker-login",
        "$ docker login registry.example.com -u «user» -p «!cli-password»\nWARNING! Using --password via the CLI is insecure.\nLogin Succeeded\n",
    ),
    (
        "cli-kubectl-literal",
        "kubectl create secret generic «svc» --from-literal=username=«user» --from-literal=password='«!cli-password»'\n",
    ),
    (
        "cli-helm-set",
        "helm upgrade --install «svc» ./chart --set image.tag=«sha7» --set auth.password=«!cli-password» --wait\n",
    ),
    ("cli-terraform-var", "terraform apply -auto-approve -var=\"db_password=«!cli-password»\" -var region=eu-west-1\n"),
    ("cli-openssl", "openssl rsa -in key.pem -passin pass:«!cli-password» -out plain.pem\n"),
    (
        "cli-ldapsearch",
        "ldapsearch -x -H ldap://«host» -D 'cn=admin,dc=example,dc=org' -w «!cli-password» '(uid=«user»)'\n",
    ),
    ("cli-htpasswd", "$ htpasswd -b /etc/nginx/.htpasswd «user» «!cli-password»\nAdding password for user «user»\n"),
    ("cli-wget", "wget --user=«user» --password=«!cli-password» https://«host»/«svc».tgz\n"),
    ("cli-snowsql", "SNOWSQL_PWD=«!cli-password» snowsql -a xy12345.eu-central-1 -u «user»\n"),
    (
        "sql-create-user",
        "CREATE USER «svc»_app WITH PASSWORD '«!database-password»';\nGRANT ALL ON DATABASE «svc» TO «svc»_app;\n",
    ),
    ("sql-identified", "CREATE USER '«svc»'@'%' IDENTIFIED BY '«!database-password»';\nFLUSH PRIVILEGES;\n"),
    ("sql-alter-role", "postgres=# ALTER ROLE «svc» PASSWORD '«!database-password»';\nALTER ROLE\n"),
    (
        "maven-settings",
        "<servers>\n  <server>\n    <id>releases</id>\n    <username>«user»</username>\n    <password>«!cli-password»</password>\n  </server>\n</servers>\n",
    ),
    (
        "nuget-config",
        "<packageSourceCredentials>\n  <example>\n    <add key=\"Username\" value=\"«user»\" />\n    <add key=\"ClearTextPassword\" value=\"«!cli-password»\" />\n  </example>\n</packageSourceCredentials>\n",
    ),
    (
        "wp-config",
        "define( 'DB_NAME', '«svc»' );\ndefine( 'DB_USER', '«user»' );\ndefine( 'DB_PASSWORD', '«!database-password»' );\ndefine('AUTH_KEY', '«!jwt-signing-secret»');\n",
    ),
    (
        "django-databases",
        "DATABASES = {\n    'default': {\n        'ENGINE': 'django.db.backends.postgresql',\n        'USER': '«user»',\n        'PASSWORD': '«!database-password»',\n        'HOST': '«host»',\n    }\n}\n",
    ),
    (
        "rails-database",
        "production:\n  adapter: postgresql\n  database: «svc»\n  username: «user»\n  password: «!password-alphanumeric»\n  pool: 5\n",
    ),
    (
        "kafka-jaas",
        "sasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"«user»\" password=\"«!confluent-secret»\";\n",
    ),
    (
        "oauth-response",
        "{\"access_token\":\"«!bearer-opaque»\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"«!refresh-token»\",\"scope\":\"read\"}",
    ),
    (
        "slack-webhook",
        "curl -X POST -H 'Content-type: application/json' --data '{\"text\":\"hi\"}' «<»https://hooks.slack.com/services/T«{A10}»/B«{A10}»/«!slack-webhook»«>»\n",
    ),
    (
        "slack-webhook-yaml",
        "alertmanager:\n  slack_api_url: «<»https://hooks.slack.com/services/T«{A8}»/B«{A10}»/«!slack-webhook»«>»\n  channel: '#ops'\n",
    ),
    ("discord-webhook", "WEBHOOK=«<»https://discord.com/api/webhooks/1«{d18}»/«!discord-webhook»«>»\n"),
    (
        "teams-webhook",
        "uri: «<»https://example.webhook.office.com/webhookb2/«uuid»@«uuid»/IncomingWebhook/«!teams-webhook»/«uuid»«>»\n",
    ),
    (
        "telegram-url",
        "GET «<»https://api.telegram.org/bot«!telegram-bot-token»«>»/getUpdates?offset=0\n{\"ok\":true,\"result\":[]}\n",
    ),
    (
        "sentence-password",
        "Your temporary password is «!password-alphanumeric», please change it after the first login.\n",
    ),
    (
        "sentence-password-colon",
        "Hi «user»,\nyour account is ready.\n\nUsername: «user»\nPassword: «!password-strong»\n\nBest regards\n",
    ),
    ("sentence-login", "Login with «user» / password: «!password-phrase» on the staging host.\n"),
    ("json-markup", "{\"username\": \"«user»\", \"password\": \"«!password-markup»\", \"mfa\": false}"),
    (
        "json-user",
        "{\"users\":[{\"name\":\"«user»\",\"role\":\"admin\",\"password\":\"«!password-strong»\"},{\"name\":\"«user»\",\"role\":\"viewer\",\"password\":null}]}",
    ),
    (
        "json-in-json",
        "{\"level\":\"debug\",\"body\":\"{\\\"user\\\":\\\"«user»\\\",\\\"password\\\":\\\"«!password-alphanumeric»\\\",\\\"remember\\\":true}\"}",
    ),
    (
        "json-in-json-token",
        "{\"msg\":\"upstream said {\\\"access_token\\\": \\\"«!bearer-opaque»\\\", \\\"expires_in\\\": 60}\"}",
    ),
    ("snmp", "snmpwalk -v3 -u «user» -l authPriv -a SHA -A «!cli-password» -x AES -X «!cli-password» «ip» sysDescr\n"),
    ("redis-requirepass", "maxmemory 2gb\nrequirepass «!password-alphanumeric»\nappendonly yes\n"),
    (
        "grafana-ini",
        "[security]\nadmin_user = admin\nadmin_password = «!password-alphanumeric»\nsecret_key = «!session-secret»\n",
    ),
    ("wifi", "network={\n    ssid=\"office\"\n    psk=\"«!password-alphanumeric»\"\n}\n"),
    (
        "gradle",
        "signing.keyId=«{X8}»\nsigning.password=«!password-alphanumeric»\nsonatypePassword=«!password-alphanumeric»\n",
    ),
    (
        "android-signing",
        "storeFile file('release.jks')\nstorePassword '«!keystore-password»'\nkeyAlias 'upload'\nkeyPassword '«!keystore-password»'\n",
    ),
    (
        "s3cfg",
        "[default]\naccess_key = «!aws-access-key-id»\nsecret_key = «!aws-secret-access-key»\nhost_base = s3.example.com\n",
    ),
    (
        "rclone",
        "[remote]\ntype = s3\naccess_key_id = «!aws-access-key-id»\nsecret_access_key = «!aws-secret-access-key»\n",
    ),
];
