"""Client secrets: what a copy of what is kept of them is worth."""

from argon2 import PasswordHasher

from bus.identity import secrets
from bus.ids import new_secret


def test_a_secret_has_more_bits_than_anybody_can_guess():
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    # 32 random bytes in base64; NIST SP 800-63B-4 asks for 112 bits where one hash is to keep a secret.
    assert all(len(secret) == 43 for secret in made)


def test_a_digest_fits_its_own_secret_alone():
    digest = secrets.make_digest("rahasia")
    assert "rahasia" not in digest
    assert secrets.fits("rahasia", digest)
    assert not secrets.fits("Rahasia", digest)
    assert not secrets.fits(digest, digest)


def test_an_old_hash_fits_its_own_secret_alone():
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("rahasia")
    assert secrets.is_old(old)
    assert not secrets.is_old(secrets.make_digest("rahasia"))
    assert secrets.fits_old("rahasia", old)
    assert not secrets.fits_old("Rahasia", old)
    assert not secrets.fits("rahasia", old)
