"""The vault on a real store: a key that was destroyed stays destroyed."""

import pytest

from services.referral.vault import Erased, Vault
from shared.storage.store import Database


async def test_sealing_for_an_erased_referral_makes_no_new_key(database: Database) -> None:
    vault = Vault(database, [bytes(96)], bytes(32))
    await vault.prepare()
    await vault.make_key("ref_1")
    await vault.destroy("ref_1")

    with pytest.raises(Erased):
        await vault.seal("ref_1", {"narrative": "Synthetic text."})

    assert await database["vault"].count_documents({}) == 0


async def test_a_key_is_made_once_however_often_it_is_asked_for(database: Database) -> None:
    vault = Vault(database, [bytes(96)], bytes(32))
    await vault.prepare()
    for _ in range(3):
        await vault.make_key("ref_1")

    sealed = await vault.seal("ref_1", {"narrative": "Synthetic text."})

    assert await vault.open("ref_1", sealed) == {"narrative": "Synthetic text."}
    assert await database["vault"].count_documents({}) == 1
