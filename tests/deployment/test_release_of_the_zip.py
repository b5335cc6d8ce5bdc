"""The zip that stages run, released to an AWS on loopback with a database."""

import pytest

from deploy import changing, release
from deploy.stage import load
from tests.database import private_mariadb
from tests.deployment.stages import account, both, deploy, results, serving

pytestmark = pytest.mark.package

# Over what a function's settings say: this stage's world is this machine.
VARIABLES = {
    "EMAIL_URL": "smtp+tls://paymyinvoice:harmless@mail.example.com:587",
    "MEDIA_BUCKET": "zips-of-qa",
    "SECRET_KEY": "only-for-this-test-" * 4,
    "SECRETS_ARN": "",
    "STRIPE_API_KEY": "sk_test_release",
    "STRIPE_WEBHOOK_SECRETS": "whsec_release",
}


@pytest.fixture(scope="module")
def aws():
    with (
        private_mariadb() as database_url,
        account(VARIABLES | {"DATABASE_URL": database_url}) as aws,
    ):
        yield aws


def test_release_of_the_zip_is_checked_migrated_and_answers(aws, zip_file, capsys):
    progress = deploy("qa", zip_file, commands=changing.MIGRATING)

    assert results(progress)[-1] == "5 answers"
    assert serving("qa") == both("qa", zip_file)
    capsys.readouterr()
    release.main(["status", "qa"])
    assert "migrations              none is pending" in capsys.readouterr().out
    # Lambda hands over the last four kilobytes of what a command said.
    assert "Applying sessions.0001_initial... OK" in load("qa").log.read_text()
