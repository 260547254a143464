"""Every finding of detect-secrets in the files of a directory, with its value, which its own command keeps to itself."""

import json
import os
import sys

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

directory, report = sys.argv[1:]
with default_settings(), open(report, "w", encoding="utf-8") as out:
    for name in sorted(os.listdir(directory)):
        secrets = SecretsCollection()
        secrets.scan_file(os.path.join(directory, name))
        for _, secret in secrets:
            print(json.dumps({"file": name, "value": secret.secret_value}), file=out)
