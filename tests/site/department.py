"""A department's own client: it knows the node's OpenAPI document and its own private key, and nothing else of GDBOS.

    python department.py http://127.0.0.1:8000 CLIENT_ID KEY_FILE

Prints, as JSON lines, what it did: registered a service, was granted another (or asked for it), called it, read its call log.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OKPKey

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Department:
    """One system of one body."""

    def __init__(self, http: httpx.Client, client_id: str, key: OKPKey) -> None:
        self.http = http
        self.client_id = client_id
        self.key = key
        self.document: dict[str, Any] = http.get("/schema/openapi.json").json()
        self.token = self._token()

    def path(self, operation: str) -> tuple[str, str]:
        """Method and path of an operation, from the document."""
        for path, item in self.document["paths"].items():
            for method, described in item.items():
                if isinstance(described, dict) and described.get("operationId") == operation:
                    return method.upper(), path
        raise LookupError(f"the document describes no operation {operation}")

    def ask(self, operation: str, body: Any = None, **parameters: str) -> httpx.Response:
        """Do one operation."""
        method, path = self.path(operation)
        headers = {"authorization": f"Bearer {self.token}", "accept-language": "en"}
        return self.http.request(method, path.format(**parameters), json=body, headers=headers)

    def _token(self) -> str:
        method, path = self.path("ApiIdentityTokensToken")
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{str(self.http.base_url).rstrip('/')}{path}",
            "iat": now,
            "exp": now + 120,
            "jti": str(uuid.uuid4()),
        }
        header = {"alg": "Ed25519", "kid": self.key.kid, "typ": "client-authentication+jwt"}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": jwt.encode(header, claims, self.key, algorithms=["Ed25519"]),
        }
        answered = self.http.request(method, path, data=form)
        answered.raise_for_status()
        return str(answered.json()["access_token"])


def main(url: str, client_id: str, key_file: str) -> None:
    """Register, ask, call, read."""
    key = OKPKey.import_key(json.loads(Path(key_file).read_text("utf-8")))
    with httpx.Client(base_url=url, trust_env=False) as http:
        department = Department(http, client_id, key)
        own = {
            "code": f"{client_id}.people",
            "title": {"zh": "人员查询", "en": "People"},
            "takes": "nanning.population.query",
            "gives": "nanning.population.person",
            "subject": {"kind": "person", "field": "citizen_id"},
            "settings": {
                "base": "{departments}",
                "path": "/people",
                "request": {"id": "citizen_id"},
                "response": {"citizen_id": "id"},
            },
        }
        steps = [("register", department.ask("ApiBusServicesRegister", own))]
        wanted = {"service": "gx.enterprise.name-check", "purpose": "Check names before we print certificates"}
        steps.append(("ask", department.ask("ApiBusGrantsAsk", wanted)))
        question = {
            "value": {"enterprise_name": "南宁示例商贸有限公司"},
            "matter": "enterprise.registration",
            "purpose": "Check a name",
        }
        steps.append(("call", department.ask("ApiBusCallsServiceCall", question, service="gx.enterprise.name-check")))
        steps.append(("log", department.ask("ApiBusCallsCalls")))
        for step, answered in steps:
            sys.stdout.write(json.dumps({"step": step, "status": answered.status_code, "body": answered.json()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
