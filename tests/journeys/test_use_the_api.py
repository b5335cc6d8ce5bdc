"""What docs/how-to/use-the-api.md tells people to type is typed, and prints what it says."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.journeys.main_job import sign_in

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/use-the-api.md"
END = "--- end of a block ---"


def blocks():
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def told(block):
    """What stands behind `#` at the end of a command."""
    return re.findall(r"  # (.+)$", block, re.MULTILINE)


@pytest.fixture
def typed(tmp_path):
    """Types into one shell, and gives back the lines that it printed."""
    with subprocess.Popen(
        ["/bin/bash"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:

        def type_(block):
            shell.stdin.write(f"{block}\necho '{END}'\n")
            shell.stdin.flush()
            printed = []
            for line in shell.stdout:
                if line == f"{END}\n":
                    return printed
                printed.append(line.rstrip("\n"))
            raise AssertionError(f"The shell ended: {printed}")

        yield type_


def test_from_a_token_to_all_that_was_written(shop, typed, tmp_path):
    token = sign_in(shop).token
    own = {"http://localhost:8000": shop.site, "pmi_your_own": token}
    for block in blocks():
        for ours, theirs in own.items():
            block = block.replace(ours, theirs)
        printed = typed(block)
        if "jq -r .link" in block:
            customer = shop.browser()
            customer.open(printed[0])
            customer.submit(action=f"{printed[0]}pay/")
            customer.submit(do="pay")
            shop.stripe.courier.wait()
        else:
            assert printed == told(block), block
        shop.run_tasks()

    assert (tmp_path / "invoice.pdf").read_bytes().startswith(b"%PDF-")
    written = (tmp_path / "invoices.ndjson").read_text()
    assert '"reference":"PO 1001"' in written
