"""Turn the OpenAPI description (YAML, for people) into the JSON that the server serves."""
import json
import sys

import yaml


class Loader(yaml.SafeLoader):
    """YAML without dates: an example like 2026-11-22T10:00:00.000Z stays text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, expr) for tag, expr in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

with open(sys.argv[1], encoding="utf-8") as source:
    document = yaml.load(source, Loader)
with open(sys.argv[2], "w", encoding="utf-8") as target:
    json.dump(document, target, ensure_ascii=False, separators=(",", ":"))
