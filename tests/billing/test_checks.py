import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

from billing.checks import check_stripe

LIVE, TEST = "rk_live_x", "sk_test_x"


def found(settings, **values) -> list[str]:
    stage = values.setdefault("STAGE", "laptop")
    values = {
        "STRIPE_API_KEY": LIVE if stage == "prod" else TEST,
        "STRIPE_WEBHOOK_SECRETS": ["whsec_x"],
        "STRIPE_API_BASE": "",
        "IS_DEPLOYED": stage != "laptop",
    } | values
    for name, value in values.items():
        setattr(settings, name, value)
    return [str(mistake.id) for mistake in check_stripe()]


@pytest.mark.scenario(65)
@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({"STAGE": "laptop"}, []),
        ({"STAGE": "dev"}, []),
        ({"STAGE": "prod"}, []),
        ({"STAGE": "laptop", "STRIPE_API_BASE": "http://localhost:1"}, []),
        ({"STAGE": "laptop", "STRIPE_WEBHOOK_SECRETS": []}, []),
        ({"STRIPE_API_KEY": "pk_live_x"}, ["billing.E001"]),
        ({"STRIPE_API_KEY": ""}, ["billing.E001"]),
        ({"STAGE": "prod", "STRIPE_API_KEY": TEST}, ["billing.E002"]),
        ({"STAGE": "qa", "STRIPE_API_KEY": LIVE}, ["billing.E002"]),
        ({"STAGE": "laptop", "STRIPE_API_KEY": LIVE}, ["billing.E002"]),
        ({"STAGE": "prod", "STRIPE_API_BASE": "http://x"}, ["billing.E003"]),
        ({"STAGE": "dev", "STRIPE_WEBHOOK_SECRETS": []}, ["billing.E004"]),
    ],
)
def test_money_is_not_taken_with_the_wrong_key(settings, values, ids):
    assert found(settings, **values) == ids


@pytest.mark.scenario(65)
def test_django_asks_before_it_starts(tmp_path):
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--tag", "security"],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"STAGE": "laptop", "STRIPE_API_KEY": LIVE},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "billing.E002" in done.stderr
