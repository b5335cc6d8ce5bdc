"""
Where a package can be built: `python3 -m deploy.machine` says so of this machine.

Any Python 3 can ask, with nothing installed, before an environment is made in vain.
"""

import platform
import sys

# The image has git, make, gcc and the MySQL client; the folder belongs to somebody else
# than its root. What git has no commit of stays outside.
IN_A_CONTAINER = """\
mkdir -p build && docker run --rm --platform linux/amd64 -v "$PWD:/src" \
python:3.13-bookworm sh -ec 'git config --global safe.directory "*"; \
git clone --quiet /src /paymyinvoice; make -C /paymyinvoice package; \
cp /paymyinvoice/build/lambda.zip /src/build/'"""


def refusal() -> str:
    """Why what this machine builds would not run on Lambda; empty if it would."""
    here = f"{platform.system()} {platform.machine()}"
    if here == "Linux x86_64":
        return ""
    return (
        f"{here} cannot build for Lambda's Linux x86_64. In a container it can:\n"
        f"{IN_A_CONTAINER}"
    )


if __name__ == "__main__":
    if why_not := refusal():
        sys.exit(f"No package: {why_not}")
