//! Data that is as random as a secret and is none.

use crate::Sample;
use crate::encoding::{base64, base64_url};
use crate::random::Random;
use crate::text::finish;

/// The name of the template, and the template.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "ids-uuid",
        "{\"id\":\"«uuid»\",\"parent_id\":\"«uuid»\",\"items\":[{\"id\":\"«uuid»\",\"key\":\"«uuid»\"}],\"session_count\":«n»}",
    ),
    (
        "ids-jira",
        "{\"key\":\"PAY-«n»\",\"id\":\"«{d6}»\",\"fields\":{\"summary\":\"Password reset mail is late\",\"customfield_10010\":\"1|i0«{a5}»:\",\"assignee\":{\"accountId\":\"«{x24}»\"}}}",
    ),
    (
        "ids-github",
        "{\"id\":«{d9}»,\"node_id\":\"MDQ6VXNlc«{b11}»\",\"sha\":\"«sha»\",\"url\":\"https://api.github.com/repos/example/«svc»/commits/«sha»\",\"gravatar_id\":\"\",\"key\":\"mit\"}",
    ),
    (
        "ids-slack",
        "{\"ok\":true,\"channel\":\"C«{A10}»\",\"ts\":\"17«{d8}».«{d6}»\",\"message\":{\"user\":\"U«{A10}»\",\"team\":\"T«{A10}»\",\"bot_id\":\"B«{A10}»\",\"client_msg_id\":\"«uuid»\",\"text\":\"token rotated\"}}",
    ),
    (
        "ids-stripe",
        "{\"id\":\"cus_«{b14}»\",\"object\":\"customer\",\"default_source\":\"card_«{b24}»\",\"invoice_prefix\":\"«{A8}»\",\"payment_intent\":\"pi_3«{b23}»\",\"publishable_key\":\"pk_live_«{b24}»\"}",
    ),
    (
        "ids-google",
        "{\"kind\":\"drive#fileList\",\"nextPageToken\":\"~!!~AI9FV7«{u60}»\",\"files\":[{\"id\":\"1«{u32}»\",\"name\":\"passwords policy.pdf\",\"md5Checksum\":\"«hex32»\"}]}",
    ),
    (
        "ids-aws",
        "{\"Instances\":[{\"InstanceId\":\"i-0«{x16}»\",\"ImageId\":\"ami-0«{x16}»\",\"KeyName\":\"«svc»-key\",\"SubnetId\":\"subnet-0«{x16}»\",\"ClientToken\":\"«uuid»\",\"IamInstanceProfile\":{\"Arn\":\"arn:aws:iam::123456789012:instance-profile/«svc»\",\"Id\":\"AIPA«{216}»\"}}]}",
    ),
    (
        "ids-dynamo",
        "{\"Items\":[{\"pk\":{\"S\":\"USER#«uuid»\"},\"sk\":{\"S\":\"ORDER#«{A26}»\"}}],\"LastEvaluatedKey\":{\"pk\":{\"S\":\"USER#«uuid»\"}},\"NextToken\":\"«{s80}»==\"}",
    ),
    (
        "ids-ulid",
        "01J«{A23}» «svc» created\n01J«{A23}» «svc» updated\nksuid 2«{b26}»\nnanoid «{u21}»\nobjectid «{x24}»\n",
    ),
    (
        "ids-notion",
        "{\"object\":\"page\",\"id\":\"«uuid»\",\"url\":\"https://www.notion.so/API-keys-«{x32}»\",\"has_more\":true,\"next_cursor\":\"«uuid»\"}",
    ),
    (
        "ids-k8s",
        "NAME                              READY   STATUS    RESTARTS   AGE\n«pod»   1/1     Running   0          4d\n«pod»   1/1     Running   2          9d\ndefault-token-«{a5}»   kubernetes.io/service-account-token   3   41d\n",
    ),
    (
        "ids-k8s-pod",
        "{\"metadata\":{\"name\":\"«pod»\",\"uid\":\"«uuid»\",\"resourceVersion\":\"«{d9}»\",\"labels\":{\"pod-template-hash\":\"«{x10}»\",\"controller-revision-hash\":\"«{x10}»\"}},\"status\":{\"containerID\":\"containerd://«hex64»\",\"imageID\":\"registry.example.com/«svc»@sha256:«hex64»\"}}",
    ),
    ("page-token", "{\"items\":[],\"nextPageToken\":\"CAoQAA«{u40}»\",\"resultSizeEstimate\":«n»}"),
    (
        "page-token-graph",
        "{\"value\":[],\"@odata.nextLink\":\"https://graph.microsoft.com/v1.0/users?$top=10&$skiptoken=RFNwdAIAAQAAACM6«{s80}»\"}",
    ),
    (
        "page-token-progress",
        "{\"progressToken\":\"«{b32}»\",\"progress\":«n»,\"total\":9999,\"_meta\":{\"progressToken\":\"«uuid»\"}}",
    ),
    (
        "page-cursor",
        "{\"data\":{\"repository\":{\"issues\":{\"pageInfo\":{\"endCursor\":\"Y3Vyc29yOnYyOpHO«{b8}»\",\"hasNextPage\":true},\"edges\":[{\"cursor\":\"Y3Vyc29yOnYyOpHO«{b8}»\"}]}}}}",
    ),
    (
        "page-continuation",
        "{\"continuationToken\":\"1!«{b4}»!MDAwMDIx«{s60}»-\",\"syncToken\":\"CPDAlvWDx70CEPDAlvWDx70CGAU=\",\"pageKey\":\"«{s40}»\"}",
    ),
    (
        "page-scroll",
        "{\"_scroll_id\":\"FGluY2x1ZGVfY29udGV4dF91dWlkDXF1ZXJ5QW5kRmV0Y2gBFn«{u60}»==\",\"took\":«n»,\"timed_out\":false,\"hits\":{\"total\":{\"value\":0}}}",
    ),
    (
        "hash-sums",
        "«hex64»  dist/«svc»-linux-amd64.tar.gz\n«hex64»  dist/«svc»-darwin-arm64.tar.gz\n«sha»  SHA1SUMS\n«hex32»  md5.txt\n",
    ),
    (
        "hash-go-sum",
        "golang.org/x/crypto v0.3«n2».0 h1:«{s43}»=\ngolang.org/x/crypto v0.3«n2».0/go.mod h1:«{s43}»=\ngithub.com/golang-jwt/jwt/v5 v5.2.1 h1:«{s43}»=\ngithub.com/zalando/go-keyring v0.2.«n2» h1:«{s43}»=\n",
    ),
    (
        "hash-package-lock",
        "{\"node_modules/jsonwebtoken\":{\"version\":\"9.0.«n2»\",\"resolved\":\"https://registry.npmjs.org/jsonwebtoken/-/jsonwebtoken-9.0.2.tgz\",\"integrity\":\"«sri»\"},\"node_modules/password-prompt\":{\"version\":\"1.1.3\",\"integrity\":\"«sri»\"}}",
    ),
    (
        "hash-yarn",
        "token-types@^5.0.0:\n  version \"5.0.1\"\n  resolved \"https://registry.yarnpkg.com/token-types/-/token-types-5.0.1.tgz#«sha»\"\n  integrity «sri»\n",
    ),
    (
        "hash-cargo-lock",
        "[[package]]\nname = \"secrecy\"\nversion = \"0.10.3\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"«hex64»\"\n\n[[package]]\nname = \"keyring\"\nchecksum = \"«hex64»\"\n",
    ),
    (
        "hash-poetry",
        "[[package]]\nname = \"tokenize-rt\"\nfiles = [\n    {file = \"tokenize_rt-6.1.0-py2.py3-none-any.whl\", hash = \"sha256:«hex64»\"},\n]\n",
    ),
    (
        "hash-pip",
        "passlib==1.7.4 \\\n    --hash=sha256:«hex64» \\\n    --hash=sha256:«hex64»\nkeyring==25.6.0 --hash=sha256:«hex64»\n",
    ),
    (
        "hash-docker",
        "Step 4/9 : COPY secrets/ /app/\n ---> «{x12}»\nSuccessfully built «{x12}»\n«svc»@sha256:«hex64»\nlatest: digest: sha256:«hex64» size: «n»\n",
    ),
    (
        "hash-csp",
        "<script src=\"/app.js\" integrity=\"sha384-«{s64}»\" crossorigin=\"anonymous\"></script>\nContent-Security-Policy: script-src 'sha256-«{s43}»=' 'strict-dynamic'\n",
    ),
    (
        "hash-etag",
        "HTTP/1.1 200 OK\nETag: \"«hex32»-5\"\nx-amz-request-id: «{A16}»\nx-amz-id-2: «{s74}»==\nContent-MD5: «{s22}»==\nX-Request-Id: «uuid»\n",
    ),
    (
        "hash-known-hosts",
        "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n|1|«{s27}»=|«{s27}»= ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB«{s86}»=\n",
    ),
    (
        "hash-fingerprint",
        "256 SHA256:«{s43}» «user»@laptop (ED25519)\n2048 MD5:«{x2}»:«{x2}»:«{x2}»:«{x2}»:«{x2}»:«{x2}»:«{x2}»:«{x2}» no comment (RSA)\nThe key fingerprint is SHA256:«{s43}»\n",
    ),
    ("public-key-pem", "-----BEGIN PUBLIC KEY-----\n«=pem-body 294»\n-----END PUBLIC KEY-----\n"),
    (
        "public-certificate",
        "subject=CN = «host»\nissuer=C = US, O = Let's Encrypt, CN = R11\n-----BEGIN CERTIFICATE-----\n«=pem-body 900»\n-----END CERTIFICATE-----\n",
    ),
    (
        "public-certificate-json",
        "{\"ca\":\"-----BEGIN CERTIFICATE-----\\n«=pem-body-escaped»\\n-----END CERTIFICATE-----\\n\",\"serial\":\"«{x32}»\"}",
    ),
    (
        "public-ca-data",
        "clusters:\n- cluster:\n    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t«{s400}»\n    server: https://«host»:6443\n  name: prod\n",
    ),
    ("public-pgp", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n«=pem-body 600»\n-----END PGP PUBLIC KEY BLOCK-----\n"),
    ("public-pgp-signature", "-----BEGIN PGP SIGNATURE-----\n\n«=pem-body 300»\n-----END PGP SIGNATURE-----\n"),
    (
        "public-jwks",
        "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"«{u43}»\",\"e\":\"AQAB\",\"n\":\"«{u342}»\",\"x5t\":\"«{u27}»\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"«uuid»\",\"x\":\"«{u43}»\",\"y\":\"«{u43}»\"}]}",
    ),
    ("public-ssh", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC«{s360}» «user»@laptop\n"),
    (
        "public-wireguard",
        "peer: «{s43}»=\n  endpoint: «ip»:51820\n  allowed ips: 10.8.0.2/32\n  latest handshake: 1 minute, «n2» seconds ago\n",
    ),
    (
        "public-openid",
        "{\"issuer\":\"https://«host»\",\"token_endpoint\":\"https://«host»/token\",\"jwks_uri\":\"https://«host»/keys\",\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"client_secret_post\",\"private_key_jwt\"],\"id_token_signing_alg_values_supported\":[\"RS256\"]}",
    ),
    (
        "public-acme",
        "{\"type\":\"dns-01\",\"status\":\"valid\",\"validated\":\"«ts»\",\"url\":\"https://acme-v02.api.letsencrypt.org/acme/chall/«{d9}»/«{u6}»\"}",
    ),
    ("image-data-url", "<img src=\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA«{s800}»==\" alt=\"key\">"),
    ("image-markdown", "![token chart](data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD«{s600}»=)\n«sentence»\n"),
    (
        "image-font",
        "@font-face{font-family:\"Icons\";src:url(data:font/woff2;base64,d09GMgABAAAAA«{s700}») format(\"woff2\")}",
    ),
    ("binary-base64", "JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9«{s900}»\n"),
    ("binary-gzip", "{\"encoding\":\"gzip+base64\",\"body\":\"H4sIAAAAAAAAA«{s500}»==\"}"),
    (
        "binary-hexdump",
        "00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|\n00000010  03 00 3e 00 01 00 00 00  «{x2}» «{x2}» 00 00 00 00 00 00  |..>.............|\n",
    ),
    (
        "usage-tokens",
        "{\"usage\":{\"prompt_tokens\":«n»,\"completion_tokens\":«n»,\"total_tokens\":«n»,\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"max_tokens\":4096,\"system_fingerprint\":\"fp_«{x10}»\"}",
    ),
    (
        "usage-log",
        "«ts» INFO llm: input_tokens=«n» output_tokens=«n» cache_read_tokens=«n» model=gpt-4.1 request_id=req_«{x32}»\n",
    ),
    (
        "usage-tokenizer",
        "{\"tokens\":[\"Ġpassword\",\"Ġis\",\"Ġsecret\"],\"token_ids\":[3788,318,3200],\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"unk_token\":\"<unk>\",\"pad_token\":\"[PAD]\"}",
    ),
    (
        "cookie-harmless",
        "Set-Cookie: theme=dark; Path=/; SameSite=Lax\nSet-Cookie: lang=en-GB; Max-Age=31536000\nCookie: _ga=GA1.2.«{d9}».17«{d8}»; consent=accepted; theme=dark\n",
    ),
    (
        "csv-orders",
        "order_id,customer,sku,quantity,price\n«{A10}»,«email»,KEY-«{A6}»,2,19.90\n«{A10}»,«email»,TOK-«{A6}»,1,249.00\n",
    ),
    ("csv-measurements", "time,sensor,value\n«ts»,«{x16}»,21.«n»\n«ts»,«{x16}»,22.«n»\n"),
    (
        "trace-otel",
        "{\"traceId\":\"«hex32»\",\"spanId\":\"«hex16»\",\"parentSpanId\":\"«hex16»\",\"name\":\"TokenService/Refresh\",\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/oauth/token\"}},{\"key\":\"k8s.pod.name\",\"value\":{\"stringValue\":\"«pod»\"}}]}",
    ),
    (
        "access-log",
        "«ip» - - [12/Nov/2026:«time» +0000] \"POST /oauth/token HTTP/1.1\" 200 «n» \"-\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"\n«ip» - «user» [12/Nov/2026:«time» +0000] \"GET /password/reset?page=2 HTTP/1.1\" 302 0\n",
    ),
    (
        "access-log-auth",
        "Nov 12 «time» «svc» sshd[«n»]: Accepted publickey for «user» from «ip» port 5«n» ssh2: ED25519 SHA256:«{s43}»\nNov 12 «time» «svc» sshd[«n»]: Failed password for invalid user admin from «ip» port 4«n» ssh2\n",
    ),
    (
        "log-audit",
        "type=USER_AUTH msg=audit(17«{d8}».«{d3}»:«n»): pid=«n» uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct=\"«user»\" exe=\"/usr/bin/sudo\" res=success'\n",
    ),
    (
        "log-cache",
        "«ts» DEBUG cache: key=user:«uuid»:profile hit=true token_bucket=«n» secret_count=0 ttl=300\n«ts» DEBUG cache: key=«svc»/«hex16» hit=false\n",
    ),
    (
        "log-cloudtrail",
        "{\"eventName\":\"GetSecretValue\",\"requestParameters\":{\"secretId\":\"prod/«svc»/db\",\"versionStage\":\"AWSCURRENT\"},\"responseElements\":null,\"requestID\":\"«uuid»\",\"eventID\":\"«uuid»\",\"userIdentity\":{\"principalId\":\"AROA«{216}»:«svc»\"}}",
    ),
    (
        "list-secrets",
        "[{\"name\":\"DB_PASSWORD\",\"created_at\":\"«ts»\",\"updated_at\":\"«ts»\"},{\"name\":\"NPM_TOKEN\",\"created_at\":\"«ts»\",\"visibility\":\"private\"}]",
    ),
    (
        "list-secrets-k8s",
        "NAME                TYPE                DATA   AGE\n«svc»-tls     kubernetes.io/tls   2      88d\n«svc»-token   Opaque              1      12d\nregistry-credentials   kubernetes.io/dockerconfigjson   1   40d\n",
    ),
    (
        "list-secrets-describe",
        "Name:         «svc»-db\nType:  Opaque\n\nData\n====\npassword:  24 bytes\nusername:  3 bytes\nca.crt:    1099 bytes\n",
    ),
    (
        "list-vault",
        "Keys\n----\ndb-password\napi-token\ntls-key\n\n$ vault kv metadata get secret/«svc»\ncurrent_version    4\n",
    ),
    (
        "list-iam",
        "{\"AccessKeyMetadata\":[{\"UserName\":\"«user»\",\"Status\":\"Active\",\"CreateDate\":\"«ts»\"}],\"PasswordPolicy\":{\"MinimumPasswordLength\":14,\"RequireSymbols\":true,\"PasswordReusePrevention\":24}}",
    ),
    (
        "blockchain",
        "{\"txHash\":\"0x«hex64»\",\"from\":\"0x«sha»\",\"to\":\"0x«sha»\",\"token\":\"USDC\",\"tokenAddress\":\"0x«sha»\",\"value\":\"«n»000000\"}",
    ),
    (
        "terraform-lock",
        "provider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.«n2».0\"\n  hashes = [\n    \"h1:«{s43}»=\",\n    \"zh:«hex64»\",\n  ]\n}\n",
    ),
    (
        "terraform-sensitive",
        "  + resource \"aws_db_instance\" \"«svc»\" {\n      + password = (sensitive value)\n      + username = \"«user»\"\n      + kms_key_id = (known after apply)\n    }\n\nOutputs:\n\ndb_password = <sensitive>\n",
    ),
    (
        "text-long",
        "«sentence» «sentence» «sentence» The secretary put the key on the keyboard and passed the token of appreciation to the author. «sentence» «sentence»\n",
    ),
    (
        "text-names",
        "getPagesInConfluenceSpace, searchConfluenceUsingCql, createSecretRotationPolicyForEnvironment, listPersonalAccessTokensForOrganization2, resetPasswordWithVerificationCodeHandler\n",
    ),
    (
        "text-paths",
        "/var/lib/docker/overlay2/«hex64»/merged/etc/passwd\n/nix/store/«{a32}»-openssl-3.4.0/lib\n/home/«user»/.cache/token/«hex16»/«hex8».bin\n",
    ),
    (
        "text-url",
        "https://docs.example.com/guides/«{x24}»/api-keys?utm_source=«svc»&v=«{b11}»&ref=«{x16}»\nhttps://www.youtube.com/watch?v=«{u11}»\nhttps://open.example.com/track/«{b22}»?si=«{x16}»\n",
    ),
    (
        "text-emails",
        "From: «email»\nTo: «email»\nMessage-ID: <CA+«{b32}»@mail.example.com>\nDKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; bh=«{s43}»=; b=«{s170}»=\nSubject: Your API key expires soon\n",
    ),
    (
        "text-dns",
        "s1._domainkey.example.com. 300 IN TXT \"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ«{s180}»IDAQAB\"\nexample.com. 300 IN TXT \"google-site-verification=«{u43}»\"\n",
    ),
    (
        "text-math",
        "The key result: P(token | context) = 0.«n», with |secret| = 2^128 and key: value pairs of the map {a: 1, b: 2}.\n",
    ),
    (
        "text-mentions",
        "@«user» the user:password@host form is deprecated, see RFC 3986 section 3.2.1. a@b c:d@e 10:30@room-4\nme@example.com:inbox\n",
    ),
];

/// Those with structure inside their encoding.
pub(super) fn computed(random: &mut Random) -> Vec<Sample> {
    let mut samples = Vec::new();
    for _ in 0..3 {
        let map = format!(
            r#"{{"version":3,"file":"app.js","sources":["../src/token.ts","../src/password.ts"],"names":[],"mappings":"AAAA;{}"}}"#,
            random.like("{s200}")
        );
        let map = base64(map.as_bytes());
        let text = format!("//# sourceMappingURL=data:application/json;charset=utf-8;base64,{map}\n");
        samples.push(finish("map-inline", random, |draft, _| draft.text.push_str(&text)));

        let cursor = format!(r#"{{"offset":{},"sort":"created_at","id":"{}"}}"#, random.below(9999), random.uuid());
        let text = format!(r#"{{"items":[],"next_cursor":"{}","has_more":true}}"#, base64_url(cursor.as_bytes()));
        samples.push(finish("page-cursor-json", random, |draft, _| draft.text.push_str(&text)));

        let text = format!("{{\"name\":\"logo.svg\",\"encoding\":\"base64\",\"content\":\"{}\"}}", {
            let picture = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"{}\"/></svg>",
                random.like("M{d3} {d3}L{d3} {d3}Z")
            );
            base64(picture.as_bytes())
        });
        samples.push(finish("binary-svg", random, |draft, _| draft.text.push_str(&text)));

        let mut text = String::from("data: ");
        text.push_str(&base64(&random.bytes(3000)));
        samples.push(finish("binary-long", random, |draft, _| draft.text.push_str(&text)));
    }
    samples
}
