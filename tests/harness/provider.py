"""A product that issues tokens, on loopback with TLS: Glewlwyd, of Debian's packages (GPL-3)."""

import base64
import gzip
import hashlib
import json
import os
import secrets
import sqlite3
import ssl
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.harness.authority import certified
from tests.harness.install import unpacked
from tests.harness.processes import Child, free_port, listening
from tests.harness.waiting import until

# The password that the package's database begins with; the provider is gone with the test.
ADMINISTRATOR = {"username": "admin", "password": "password"}
PASSWORD = "a password of the tests"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
IDS = ("agency_id", "worker_id", "hub_id")
APP, CALLBACK = "app", "https://app.example/callback"


class Provider:
    """Issues tokens at `issuer` for those who were brought in, by the keys of `sign_with`."""

    def __init__(self, folder: Path) -> None:
        root = unpacked("glewlwyd", "dbconfig-no-thanks", "libfaketime")
        port = free_port()
        self._folder, self._root, self._port = folder, root, port
        self._certified = certified(folder / "certificates")
        self.authority = self._certified.authority
        self.url = f"https://127.0.0.1:{port}/api"
        self.issuer = f"{self.url}/hub"
        self._tls = ssl.create_default_context(cafile=self.authority)
        self._admin = self.browser()
        self._secrets = dict[str, ECKey]()
        self._fill_database()

    def browser(self) -> httpx2.AsyncClient:
        """Somebody's cookies."""
        return httpx2.AsyncClient(verify=self._tls, trust_env=False, timeout=20)

    def _fill_database(self) -> None:
        script = self._root / "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"
        with sqlite3.connect(self._folder / "provider.db") as database:
            database.executescript(gzip.decompress(script.read_bytes()).decode())
        database.close()

    def _process(self, shifted: str) -> Child:
        (libraries,) = self._root.glob("usr/lib/*-linux-gnu")
        environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(libraries)}
        if shifted:
            faked = libraries / "faketime" / "libfaketimeMT.so.1"
            environment |= {"LD_PRELOAD": str(faked), "FAKETIME": shifted}
        config = self._folder / "provider.conf"
        config.write_text(self._config())
        program = str(self._root / "usr/bin/glewlwyd")
        log = self._folder / "provider.log"
        return Child(program, "--config-file", str(config), env=environment, log=log)

    def _config(self) -> str:
        kinds = {"user": "user", "user_middleware": "user_middleware", "client": "client"}
        kinds |= {"user_auth_scheme": "scheme", "plugin": "plugin"}
        modules = self._root / "usr/lib/glewlwyd"
        strings = {
            **{f"{kind}_module_path": modules / name for kind, name in kinds.items()},
            "bind_address": "127.0.0.1",
            "external_url": f"https://127.0.0.1:{self._port}",
            "login_url": "login.html",
            "api_prefix": "api",
            "cookie_domain": "127.0.0.1",
            "session_key": "session",
            "admin_scope": "g_admin",
            "profile_scope": "g_profile",
            "hash_algorithm": "SHA512",
            "log_mode": "console",
            "log_level": "WARNING",
            "secure_connection_key_file": self._certified.key,
            "secure_connection_pem_file": self._certified.certificate,
        }
        lines = [f'{name}="{value}"' for name, value in strings.items()]
        lines += [f"port={self._port}", "use_secure_connection=true", "cookie_secure=1"]
        path = self._folder / "provider.db"
        return "\n".join([*lines, f'database={{type="sqlite3" path="{path}"}};', ""])

    async def start(self, shifted: str = "") -> None:
        """It answers on return. `shifted`: how far off its clock is, such as `-2h`."""
        self._running = self._process(shifted)
        self._running.start()
        try:
            await until(lambda: listening(self._port), deadline=20, what="the provider")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._running.tail()}") from None
        self._admin = self.browser()
        await self._done(self._admin.post(f"{self.url}/auth/", json=ADMINISTRATOR))

    async def stop(self) -> None:
        """It is gone on return."""
        await self._running.stop()
        await self._admin.aclose()

    async def _done(self, asked: Any) -> httpx2.Response:
        answer: httpx2.Response = await asked
        assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
        return answer

    async def prepare(self, key: ECKey, audiences: Sequence[str], scopes: Sequence[str]) -> None:
        """An issuer that signs with this key, people who have our ids, and a program for people."""
        url = f"{self.url}/mod/user/database"
        people = (await self._done(self._admin.get(url))).json()
        fields = people["parameters"]["data-format"]
        fields |= {name: {"multiple": False, "read": True, "write": True} for name in IDS}
        await self._done(self._admin.put(url, json=people))
        await self._done(self._admin.put(f"{url}/reset"))
        await self._done(self._admin.post(f"{self.url}/mod/plugin/", json=self._plugin([key])))
        for name in scopes:
            scope = {"name": name, "password_required": True, "scheme": {}}
            await self._done(self._admin.post(f"{self.url}/scope/", json=scope))
        await self._client(APP, ["code"], audiences, confidential=False, redirect_uri=[CALLBACK])

    async def sign_with(self, *keys: ECKey) -> None:
        """Sign with the first from now on, and publish them all."""
        url = f"{self.url}/mod/plugin/hub"
        await self._done(self._admin.put(url, json=self._plugin(keys)))
        await self._done(self._admin.put(f"{url}/reset"))

    def _plugin(self, keys: Sequence[ECKey]) -> dict[str, Any]:
        private = [{**key.as_dict(private=True), "alg": "ES256"} for key in keys]
        flags = ["allow-non-oidc", "auth-type-code-enabled", "auth-type-client-enabled"]
        flags += ["jwks-show", "pkce-allowed", "pkce-required", "request-parameter-allow"]
        flags += ["resource-allowed", "refresh-token-rolling"]
        named = [{"user-parameter": name, "token-parameter": name} for name in IDS]
        parameters: dict[str, Any] = {
            **dict.fromkeys(flags, True),
            "auth-type-refresh-enabled": False,
            "iss": self.issuer,
            "jwks-private": json.dumps({"keys": private}),
            "default-kid": keys[0].kid,
            "access-token-duration": 600,
            "refresh-token-duration": 600,
            "code-duration": 60,
            "subject-type": "public",
            "client-jwks-parameter": "jwks",
            "resource-client-property": "resource",
            "resource-scope": {},
            "additional-parameters": named,
        }
        return {"module": "oidc", "name": "hub", "display_name": "hub", "parameters": parameters}

    async def _client(
        self, name: str, ways: list[str], audiences: Sequence[str], **more: Any
    ) -> None:
        known = {"client_id": name, "client_name": name, "enabled": True}
        known |= {"authorization_type": ways, "resource": [*audiences], **more}
        await self._done(self._admin.post(f"{self.url}/client/", json=known))

    async def client(self, name: str, scopes: Sequence[str], audiences: Sequence[str]) -> None:
        """A program that proves with a key of its own who it is."""
        self._secrets[name] = key = ECKey.generate_key("P-256", auto_kid=True)
        public = {"keys": [{**key.as_dict(private=False), "alg": "ES256"}]}
        proves = {"token_endpoint_auth_method": ["private_key_jwt"], "jwks": public}
        ways = ["client_credentials"]
        await self._client(name, ways, audiences, confidential=True, scope=[*scopes], **proves)

    async def person(self, name: str, scopes: Sequence[str], **ids: str) -> None:
        """Somebody with a password."""
        known = {"username": name, "password": PASSWORD, "name": name, "enabled": True}
        known |= {"scope": ["openid", *scopes], **ids}
        await self._done(self._admin.post(f"{self.url}/user/", json=known))

    async def metadata(self) -> dict[str, Any]:
        """What it publishes of itself."""
        found = await self._done(self._admin.get(f"{self.issuer}/.well-known/openid-configuration"))
        return dict(found.json())

    async def of_client(self, name: str, scope: str, audience: str, shifted: int = 0) -> str:
        """A token by client credentials and private_key_jwt (RFC 7523)."""
        where, at = (await self.metadata())["token_endpoint"], int(time.time()) + shifted
        claims = {"iss": name, "sub": name, "aud": where, "jti": uuid.uuid4().hex}
        key = self._secrets[name]
        said = jwt.encode(
            {"alg": "ES256", "kid": key.kid}, {**claims, "iat": at, "exp": at + 60}, key
        )
        form = {"grant_type": "client_credentials", "scope": scope, "resource": audience}
        form |= {"client_id": name, "client_assertion_type": BEARER, "client_assertion": said}
        return str((await self._done(self._admin.post(where, data=form))).json()["access_token"])

    async def of_person(self, name: str, scopes: str, audience: str) -> dict[str, str]:
        """Tokens by the code flow with PKCE: they log in, agree, and their program gets them."""
        told, verifier = await self.metadata(), secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {"response_type": "code", "client_id": APP, "redirect_uri": CALLBACK}
        asked |= {"scope": f"openid {scopes}", "resource": audience, "nonce": uuid.uuid4().hex}
        asked |= {"code_challenge_method": "S256", "g_continue": ""}
        asked["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        async with self.browser() as browser:
            login = {"username": name, "password": PASSWORD}
            await self._done(browser.post(f"{self.url}/auth/", json=login))
            agreed = {"scope": asked["scope"]}
            await self._done(browser.put(f"{self.url}/auth/grant/{APP}", json=agreed))
            sent = await browser.get(told["authorization_endpoint"], params=asked)
            code = httpx2.URL(sent.headers["Location"]).params["code"]
            form = {"grant_type": "authorization_code", "client_id": APP, "code": code}
            form |= {"redirect_uri": CALLBACK, "code_verifier": verifier}
            return dict((await self._done(browser.post(told["token_endpoint"], data=form))).json())
