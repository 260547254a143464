"""Takes from the CRDs of Istio and Envoy Gateway what the tests hold manifests against.

    python3 extract.py crd-all.gen.yaml gateway.envoyproxy.io_envoyextensionpolicies.yaml ...

Istio's bundle lies in its repository, manifests/charts/base/files/crd-all.gen.yaml, those of Envoy Gateway in
charts/gateway-helm/charts/crds/crds/generated; the schemas beside this file are those of the releases 1.30.3 and 1.9.0.
Both projects are under the Apache License 2.0, and so are these excerpts. Descriptions go, and so do the rules in CEL, which no JSON Schema validator runs. A field that
the schema does not know is made an error: the API server would drop it silently.
"""

import json
import sys
from pathlib import Path

import yaml

KINDS = ("EnvoyFilter", "WasmPlugin", "TrafficExtension", "EnvoyExtensionPolicy", "EnvoyPatchPolicy")
# What the tests render nothing of.
UNUSED = ("extProc", "lua", "dynamicModule")
DROPPED = ("description", "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys")


def strict(schema):
    kept = {key: value for key, value in schema.items() if key not in DROPPED}
    if "properties" in kept:
        kept["properties"] = {key: strict(value) for key, value in kept["properties"].items()}
    for name in ("items", "additionalProperties"):
        if name in kept:
            kept[name] = strict(kept[name])
    if "properties" in kept and not kept.get("x-kubernetes-preserve-unknown-fields"):
        kept["additionalProperties"] = False
    return kept


for document in (document for path in sys.argv[1:] for document in yaml.safe_load_all(Path(path).read_text())):
    if document and document["spec"]["names"]["kind"] in KINDS:
        [version] = [version for version in document["spec"]["versions"] if version["storage"]]
        schema = strict(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
        kind, group = document["spec"]["names"]["kind"], document["spec"]["group"]
        if kind == "EnvoyExtensionPolicy":
            schema["properties"] = {key: value for key, value in schema["properties"].items() if key not in UNUSED}
        found = {"apiVersion": f"{group}/{version['name']}", "kind": kind, "spec": schema}
        path = Path(__file__).with_name(f"{kind.lower()}.json")
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
