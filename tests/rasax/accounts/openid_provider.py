"""A small OpenID provider on loopback: discovery, keys, authorization, token and userinfo, signed with RS256."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLIENT, SECRET = "rasax", "a-secret-between-the-two"


class OpenIdProvider:
    """Vouches for whoever `person` says; `signing` may be put to another key than the published one."""

    def __init__(self):
        self.published = self.signing = KEY
        self.person = {"sub": "42", "email": "bob@example.com", "email_verified": True, "preferred_username": "bob"}
        self.claims = {}
        self.asked = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, form):
        pages = {
            "/.well-known/openid-configuration": self._configuration,
            "/keys": self._keys,
            "/token": self._token,
            "/userinfo": lambda form: self.person,
        }
        return pages[path](form)

    def authorize(self, address):
        """What the browser does at the provider's page: agrees, and comes back with a code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["client_id"] == CLIENT
        self.asked = query
        return f"{query['redirect_uri']}?{urlencode({'code': 'one-time', 'state': query['state']})}"

    def _configuration(self, form):
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "userinfo_endpoint": "/userinfo"}
        addresses = {name: self.url + path for name, path in {**paths, "jwks_uri": "/keys"}.items()}
        return {"issuer": self.url, "token_endpoint_auth_methods_supported": ["client_secret_post"], **addresses}

    def _keys(self, form):
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.published.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": "1", "alg": "RS256", "use": "sig"}]}

    def _token(self, form):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if form["client_secret"] != SECRET or challenge.decode() != self.asked["code_challenge"]:
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, **self.person, **self.claims}
        token = jwt.encode(claims, self.signing, algorithm="RS256", headers={"kid": "1"})
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token}

    def _handler(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                answer = json.dumps(provider.answer(urlsplit(self.path).path, form)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 - the server calls it so

            def log_message(self, *args):
                pass

        return Handler
