import pytest

from accounts import seals

PLAIN = b"pmi_secret"


def test_what_was_sealed_opens_with_its_key_alone():
    sealed = seals.seal(PLAIN, key="a key")

    assert seals.unseal(sealed, key="a key") == PLAIN
    assert PLAIN not in sealed
    with pytest.raises(seals.Unreadable):
        seals.unseal(sealed, key="another key")


def test_the_same_is_sealed_differently_each_time():
    assert seals.seal(PLAIN, key="a key") != seals.seal(PLAIN, key="a key")


def test_what_was_changed_does_not_open():
    sealed = seals.seal(PLAIN, key="a key")

    with pytest.raises(seals.Unreadable):
        seals.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), key="a key")


def test_a_new_secret_of_the_site_opens_what_the_old_one_sealed(settings):
    old = settings.SECRET_KEY
    sealed = seals.seal(PLAIN, key="a key")

    settings.SECRET_KEY = "new"
    with pytest.raises(seals.Unreadable):
        seals.unseal(sealed, key="a key")
    settings.SECRET_KEY_FALLBACKS = [old]
    assert seals.unseal(sealed, key="a key") == PLAIN
