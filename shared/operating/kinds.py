"""Kinds of settings, checked at the start. What is wrong is said without quoting it: it may be secret."""

import base64
import ipaddress
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from shared.operating.data_files import DataFileFaults
from shared.web.issuer_keys import keys_in

UNREADABLE = "names a file of certificates that can't be read"
EMBEDDED = "memory:"  # the bus of one process, where all services run in it


def _key(least: int, most: int | None = None) -> Callable[[SecretStr], SecretStr]:
    size = f"{least}" if most == least else f"{least} or more"

    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        try:
            held = len(base64.b64decode(text, validate=True))
        except ValueError:
            raise ValueError(f"is not base64; expected {size} random bytes in base64") from None
        if held < least or (most is not None and held > most):
            raise ValueError(f"has {held} bytes; expected {size}")
        return SecretStr(text)

    return check


def broker_at(text: str) -> str:
    """The address of a broker. Raises `ValueError` for what is none."""
    parts = _address(text, "amqp", "amqps")
    for name in parse_qs(parts.query).get("cafile", []):
        _certificates(name)
    return text


def _amqp(value: SecretStr) -> SecretStr:
    if value.get_secret_value() != EMBEDDED:
        broker_at(value.get_secret_value())
    return value


def _mongo(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    _address(text, "mongodb", "mongodb+srv", several=True)
    if not text.startswith("mongodb+srv:"):  # that one would ask the name service
        try:
            parse_uri(text, warn=False)
        except OSError:
            raise ValueError(UNREADABLE) from None
        except (PyMongoError, ValueError):
            raise ValueError(
                "is no address of MongoDB; a password in it is percent-encoded"
            ) from None
    return value


def _certificates(name: str) -> None:
    try:
        ssl.create_default_context(cafile=name)
    except OSError:  # also of a file that holds no certificate
        raise ValueError(UNREADABLE) from None


def _address(text: str, *schemes: str, several: bool = False) -> SplitResult:
    expected = f"expected {' or '.join(f'{scheme}://' for scheme in schemes)}"
    try:
        parts = urlsplit(text)
        there = bool(parts.netloc if several else parts.hostname)
        _ = None if several else parts.port
    except ValueError:
        raise ValueError(f"is no address; {expected}") from None
    if parts.scheme not in schemes:
        raise ValueError(f"begins otherwise; {expected}")
    if not there:
        raise ValueError(f"names no host; {expected}")
    return parts


def _proxies(value: str) -> str:
    for number, each in enumerate(proxies_of(value), start=1):
        if each != "*":
            try:
                ipaddress.ip_network(each)
            except ValueError:
                raise ValueError(f"number {number} is no address or network") from None
    return value


def proxies_of(value: str) -> list[str]:
    """The addresses and networks in a list with commas."""
    return [each for each in value.replace(" ", "").split(",") if each]


def wrong_with_keys(where: str) -> str:
    """What is wrong with a file of public keys; nothing, or an address, is empty."""
    if "://" in where:
        return "" if urlsplit(where).hostname else "names no host"
    try:
        keys_in(json.loads(Path(where).read_text("utf-8")))
    except FileNotFoundError:
        return "there is no such file"
    except IsADirectoryError:
        return "is a folder; expected a file of public keys"
    except OSError as error:
        return f"can't be read ({type(error).__name__})"
    except ValueError:
        return "is no set of public keys (JWKS, RFC 7517), or an empty one"
    return ""


T = TypeVar("T")


def from_file(setting: str, path: Path, load: Callable[[Path], T]) -> T:
    """What the file of a setting holds. Raises `DataFileFaults`: each names the setting."""
    try:
        return load(path)
    except FileNotFoundError:
        faults = ["there is no such file"]
    except IsADirectoryError:
        faults = ["is a folder; expected a file"]
    except UnicodeDecodeError:
        faults = ["is no text; expected TOML in UTF-8"]
    except OSError as error:
        faults = [f"can't be read ({type(error).__name__})"]
    except ValueError as error:
        faults = str(error).splitlines()
    raise DataFileFaults(f"{setting}: {fault}" for fault in faults)


Key32 = Annotated[SecretStr, AfterValidator(_key(32, 32))]
KeyOf32OrMore = Annotated[SecretStr, AfterValidator(_key(32))]
Key96 = Annotated[SecretStr, AfterValidator(_key(96, 96))]
AmqpUrl = Annotated[SecretStr, AfterValidator(_amqp)]
MongoUrl = Annotated[SecretStr, AfterValidator(_mongo)]
Proxies = Annotated[str, AfterValidator(_proxies)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
